//! Signing in and out.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/setup", Value::Null, NOTHING, 200),
        ("POST", "/setup", json!({ "code": "x", "name": "x", "password": "x" }), NOTHING, 409),
        ("POST", "/session", json!({ "name": "viewer", "password": davit_testkit::app::PASSWORD }), NOTHING, 200),
        ("GET", "/session", Value::Null, VIEWER, 200),
        ("DELETE", "/session", Value::Null, VIEWER, 204),
    ]
}
