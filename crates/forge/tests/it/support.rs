//! What several modules need.

use davit_domain::time::Timestamp;
use davit_forge::{ForgeEvent, ForgeKind, parse};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// What time it is in these tests: 2026-03-02T09:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_772_442_900_000);

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

/// What GitHub says with this.
pub(crate) fn parsed(event: &str, payload: &[u8]) -> ForgeEvent {
    understood(ForgeKind::Github, event, payload)
}

/// What a forge says with this.
pub(crate) fn understood(kind: ForgeKind, event: &str, payload: &[u8]) -> ForgeEvent {
    let hook = crate::senders::generic_hook();
    parse(kind, Some(&hook), event, payload).unwrap_or_else(|refusal| panic!("{refusal}"))
}

pub(crate) fn headers<'a>(pairs: impl IntoIterator<Item = (&'static str, &'a str)>) -> HeaderMap {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header value")))
        .collect()
}

/// As `payload=…`, the way forges encode it.
pub(crate) fn form(json: &[u8]) -> Vec<u8> {
    let json = std::str::from_utf8(json).expect("JSON is UTF-8");
    url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", json).finish().into_bytes()
}
