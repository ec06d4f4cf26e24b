//! Channels and chat.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/channels", Value::Null, VIEWER, 200),
        ("GET", "/channels/{id}/preview?event=failed", Value::Null, VIEWER, 404),
        ("POST", "/channels/{id}/test", json!({}), ADMIN, 404),
    ]
}
