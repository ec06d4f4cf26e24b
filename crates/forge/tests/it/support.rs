//! What several modules need.

use davit_forge::{ForgeEvent, ForgeKind, parse};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// A payload of `tests/payloads`, as bytes.
pub(crate) fn payload(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The same, changed.
pub(crate) fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::from_slice(&payload(name)).expect("payloads are JSON");
    change(&mut value);
    serde_json::to_vec(&value).expect("JSON values are JSON")
}

pub(crate) fn parsed(event: &str, payload: &[u8]) -> ForgeEvent {
    parse(ForgeKind::Github, event, payload).expect("understood")
}

pub(crate) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header value")))
        .collect()
}
