//! Signing in and out.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/setup", Value::Null, 200),
        ("POST", "/setup", json!({ "code": "x", "name": "x", "password": "x" }), 409),
        ("POST", "/session", json!({ "name": "viewer", "password": davit_testkit::app::PASSWORD }), 200),
        ("GET", "/session", Value::Null, 200),
        ("DELETE", "/session", Value::Null, 204),
        ("GET", "/auth/providers", Value::Null, 200),
        ("GET", "/session/list", Value::Null, 200),
        // A token signs nobody in: how an account signs in is changed within a session.
        ("POST", "/session/password", json!({ "old": davit_testkit::app::PASSWORD, "new": "y" }), 403),
        ("DELETE", "/session/list", Value::Null, 403),
        ("DELETE", "/session/list/{id}", Value::Null, 403),
        ("GET", "/session/second-factor", Value::Null, 200),
        ("POST", "/session/second-factor", Value::Null, 403),
        ("DELETE", "/session/second-factor", json!({}), 403),
        ("POST", "/session/second-factor/confirm", json!({ "code": "000000" }), 403),
        ("POST", "/session/second-factor/recovery-codes", json!({}), 403),
        ("GET", "/users/{name}/sessions", Value::Null, 404),
        ("DELETE", "/users/{name}/sessions", Value::Null, 404),
    ]
}
