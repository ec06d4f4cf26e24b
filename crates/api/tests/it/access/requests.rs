//! Release requests.

use super::*;
use serde_json::json;

macro_rules! sha {
    () => {
        "1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d"
    };
}

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
        ("PATCH", "/requests/{id}", json!({}), DEVELOPER, 404),
        ("POST", "/requests/{id}/clone", json!({}), DEVELOPER, 404),
        ("GET", "/requests/{id}/diff", Value::Null, VIEWER, 404),
        ("GET", "/requests/{id}/diff/file?path=x", Value::Null, VIEWER, 404),
        ("POST", "/requests/batch", json!({ "environment": "none", "items": [{ "app": "none" }] }), DEVELOPER, 404),
        ("GET", "/batches/{id}", Value::Null, VIEWER, 404),
        ("POST", "/batches/{id}/approve", json!({}), REVIEWER, 404),
        ("POST", "/batches/{id}/reject", json!({ "reason": "no" }), REVIEWER, 404),
        ("POST", "/batches/{id}/withdraw", json!({}), DEVELOPER, 404),
        ("POST", "/batches/{id}/release", json!({}), RELEASER, 404),
        ("GET", "/apps/{app}/commits", Value::Null, DEVELOPER, 404),
        ("GET", concat!("/apps/{app}/environments/{environment}/diff?commit=", sha!()), Value::Null, DEVELOPER, 404),
        (
            "GET",
            concat!("/apps/{app}/environments/{environment}/diff/file?path=x&commit=", sha!()),
            Value::Null,
            DEVELOPER,
            404,
        ),
    ]
}
