//! Proofs that a request is from who knows the secret. Every comparison takes as long for a wrong value as for the
//! right one.

use crate::incoming::{hex, proof};
use crate::webhook::{HookRules, VerifyError};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Which hash an HMAC is made with.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Sha256,
    Sha1,
}

/// The secret's bytes. An empty one proves nothing.
pub(crate) fn key<'a>(rules: &HookRules<'a>) -> Result<&'a [u8], VerifyError> {
    let key = rules.secret.expose_secret().as_bytes();
    if key.is_empty() { Err(VerifyError::NoSecret) } else { Ok(key) }
}

/// Checks a header that holds `prefix` and the HMAC of `signed` in lowercase hexadecimal. No other spelling is taken,
/// since no forge sends one: so one text is compared with one text, and no decoder stands in front of the comparison.
pub(crate) fn check_hex(
    rules: &HookRules<'_>,
    headers: &HeaderMap,
    (header, prefix): (&str, &str),
    algorithm: Algorithm,
    signed: &[u8],
) -> Result<(), VerifyError> {
    let key = key(rules)?;
    let given = proof(headers, header)?;
    let right = match algorithm {
        Algorithm::Sha256 => hex(&hmac_sha256(key, &[signed])?),
        Algorithm::Sha1 => hex(&hmac::<Hmac<Sha1>>(key, &[signed])?),
    };
    let genuine = given.strip_prefix(prefix.as_bytes()).is_some_and(|given| same(given, right.as_bytes()));
    if genuine { Ok(()) } else { Err(VerifyError::SignatureWrong { header: header.to_owned() }) }
}

/// Checks a header that holds the secret itself.
pub(crate) fn check_plain(rules: &HookRules<'_>, headers: &HeaderMap, header: &str) -> Result<(), VerifyError> {
    let key = key(rules)?;
    let given = proof(headers, header)?;
    // Of equal length, so that not even the secret's length shows.
    if same(&Sha256::digest(given), &Sha256::digest(key)) {
        Ok(())
    } else {
        Err(VerifyError::SignatureWrong { header: header.to_owned() })
    }
}

/// The HMAC-SHA256 of the parts, one after the other.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, VerifyError> {
    hmac::<Hmac<Sha256>>(key, parts)
}

/// Whether two texts are equal.
pub(crate) fn same(given: &[u8], right: &[u8]) -> bool {
    bool::from(given.ct_eq(right))
}

fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, VerifyError> {
    // Does not happen: an HMAC takes a key of any length.
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| VerifyError::NoSecret)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}
