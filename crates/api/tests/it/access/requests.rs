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
        ("GET", "/requests", Value::Null, 200),
        ("GET", "/requests/counts", Value::Null, 200),
        ("GET", "/requests/{id}", Value::Null, 404),
        ("POST", "/requests/{id}/approve", json!({}), 404),
        ("POST", "/requests/{id}/reject", json!({ "reason": "no" }), 404),
        ("POST", "/requests/{id}/withdraw", json!({}), 404),
        ("POST", "/requests/{id}/release", json!({}), 404),
        ("POST", "/requests/{id}/retry", json!({}), 404),
        ("PATCH", "/requests/{id}", json!({}), 404),
        ("POST", "/requests/{id}/clone", json!({}), 404),
        ("GET", "/requests/{id}/diff", Value::Null, 404),
        ("GET", "/requests/{id}/diff/file?path=x", Value::Null, 404),
        ("POST", "/requests/batch", json!({ "environment": "none", "items": [{ "app": "none" }] }), 404),
        ("GET", "/batches/{id}", Value::Null, 404),
        ("POST", "/batches/{id}/approve", json!({}), 404),
        ("POST", "/batches/{id}/reject", json!({ "reason": "no" }), 404),
        ("POST", "/batches/{id}/withdraw", json!({}), 404),
        ("POST", "/batches/{id}/release", json!({}), 404),
        ("GET", "/apps/{app}/commits", Value::Null, 404),
        ("GET", concat!("/apps/{app}/environments/{environment}/diff?commit=", sha!()), Value::Null, 404),
        ("GET", concat!("/apps/{app}/environments/{environment}/diff/file?path=x&commit=", sha!()), Value::Null, 404),
    ]
}
