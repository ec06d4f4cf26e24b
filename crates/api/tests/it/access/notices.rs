//! Channels and chat.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/channels", Value::Null, 200),
        ("GET", "/channels/{id}/preview?event=failed", Value::Null, 404),
        ("POST", "/channels/{id}/test", json!({}), 404),
    ]
}
