//! The feed.

use super::Row;
use serde_json::Value;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/feed", Value::Null, 200),
        ("GET", "/feed/actions", Value::Null, 200),
        ("GET", "/feed/export", Value::Null, 200),
    ]
}
