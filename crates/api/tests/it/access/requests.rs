//! Release requests.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/requests", Value::Null, VIEWER, 200),
        ("GET", "/requests/counts", Value::Null, VIEWER, 200),
        ("GET", "/requests/{id}", Value::Null, VIEWER, 404),
        ("POST", "/requests/{id}/approve", json!({}), REVIEWER, 404),
        ("POST", "/requests/{id}/reject", json!({ "reason": "no" }), REVIEWER, 404),
        ("POST", "/requests/{id}/withdraw", json!({}), DEVELOPER, 404),
        ("POST", "/requests/{id}/release", json!({}), RELEASER, 404),
        ("POST", "/requests/{id}/retry", json!({}), RELEASER, 404),
    ]
}
