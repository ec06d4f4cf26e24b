//! A webhook request's headers and packing, read strictly: what a forge would never send is refused, not repaired.

use crate::form;
use crate::webhook::VerifyError;
use reqwest::header::HeaderMap;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Of the name of an event or the id of a delivery: these are stored and shown, so they are short and plain.
const LONGEST_NAME: usize = 100;

/// How the JSON is packed.
pub(crate) enum Encoding {
    Json,
    Form,
}

impl Encoding {
    /// For forges that can send either.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, VerifyError> {
        let content_type = single(headers, "Content-Type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(Self::Form)
        } else {
            Err(VerifyError::UnsupportedContentType)
        }
    }

    /// The JSON document that a body holds.
    pub(crate) fn unpack<'a>(&self, body: &'a [u8]) -> Result<Cow<'a, [u8]>, VerifyError> {
        match self {
            Self::Json => Ok(Cow::Borrowed(body)),
            Self::Form => form::payload_field(body).map(Cow::Owned).ok_or(VerifyError::MalformedForm),
        }
    }
}

/// For forges that send JSON alone.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), VerifyError> {
    match Encoding::of(headers)? {
        Encoding::Json => Ok(()),
        Encoding::Form => Err(VerifyError::UnsupportedContentType),
    }
}

/// A header that is there exactly once and is visible ASCII.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// A header that proves something. Not there, or there and empty, is one thing; there twice is another.
pub(crate) fn proof<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], VerifyError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value.as_bytes()),
        (Some(value), Some(_)) if !value.is_empty() => Err(VerifyError::SignatureWrong { header: name.to_owned() }),
        (Some(_) | None, _) => Err(VerifyError::SignatureMissing { header: name.to_owned() }),
    }
}

/// A header with the name of an event: a single word, or several as in `Merge Request Hook`.
pub(crate) fn event(headers: &HeaderMap, header: &str) -> Result<String, VerifyError> {
    single(headers, header)
        .filter(|text| text.split(' ').all(is_name) && text.len() <= LONGEST_NAME)
        .map(str::to_owned)
        .ok_or(VerifyError::Header { header: header.to_owned() })
}

/// A header with the id of a delivery.
pub(crate) fn delivery(headers: &HeaderMap, header: &str) -> Result<String, VerifyError> {
    single(headers, header)
        .filter(|text| is_name(text) && text.len() <= LONGEST_NAME)
        .map(str::to_owned)
        .ok_or_else(|| VerifyError::Header { header: header.to_owned() })
}

/// An id for a delivery that its forge gives none: equal for equal content.
pub(crate) fn content_id(about: &[u8], body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(about);
    // No header holds a line break, so that no two (about, body) run together alike.
    hash.update(b"\n");
    hash.update(body);
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Lowercase.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Without colons: ids that davit makes have one, so that nobody can send one of those.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}
