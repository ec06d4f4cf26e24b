//! Values of hooks and actions.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/values", Value::Null, 200),
        ("PUT", "/values", json!({ "base_revision": 0 }), 200),
        ("GET", "/values/history", Value::Null, 200),
        ("GET", "/values/diff?from=0&to=0", Value::Null, 200),
        ("POST", "/values/restore", json!({ "revision": 0 }), 200),
    ]
}
