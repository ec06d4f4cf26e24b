//! Standard Webhooks: a signature over an id, a time and the body, in three headers.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use crate::incoming::{delivery, single};
use crate::proof::{hmac_sha256, key, same};
use crate::webhook::{HookRules, Incoming, VerifyError};
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use std::time::Duration;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
/// What the standard recommends.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Secrets are copied by hand, and lose their padding on the way.
const SECRET: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Checks the signature and the time. The id, which is covered by the signature.
pub(crate) fn check(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<String, VerifyError> {
    let key = decoded_key(rules)?;
    let given = crate::incoming::proof(incoming.headers, SIGNATURE)?;
    let id = delivery(incoming.headers, ID)?;
    let timestamp = single(incoming.headers, TIMESTAMP).unwrap_or_default();
    let seconds: i64 = timestamp.parse().map_err(|_| VerifyError::Header { header: TIMESTAMP.to_owned() })?;
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", incoming.body];
    let right = STANDARD.encode(hmac_sha256(&key, &signed)?);
    // Several while a secret is changed. Other versions than v1 (asymmetric ones) are skipped.
    let mut signatures = given.split(|byte| *byte == b' ').filter_map(|one| one.strip_prefix(b"v1,"));
    if !signatures.any(|one| same(one, right.as_bytes())) {
        return Err(VerifyError::SignatureWrong { header: SIGNATURE.to_owned() });
    }
    rules.check_time(TIMESTAMP, seconds.saturating_mul(1000), TOLERANCE)?;
    Ok(id)
}

fn decoded_key(rules: &HookRules<'_>) -> Result<Vec<u8>, VerifyError> {
    key(rules)?
        .strip_prefix(b"whsec_")
        .and_then(|encoded| SECRET.decode(encoded).ok())
        .filter(|key| !key.is_empty())
        .ok_or(VerifyError::Configuration {
            detail: "the secret for standard-webhooks is whsec_ followed by base64: copy the forge's signing token",
        })
}
