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
        ("GET", "/auth/providers", Value::Null, NOTHING, 200),
        ("GET", "/session/list", Value::Null, VIEWER, 200),
        // A token signs nobody in: how an account signs in is changed within a session.
        ("POST", "/session/password", json!({ "old": "x", "new": "y" }), VIEWER, 403),
        ("DELETE", "/session/list", Value::Null, VIEWER, 403),
        ("DELETE", "/session/list/{id}", Value::Null, VIEWER, 403),
        ("GET", "/session/second-factor", Value::Null, VIEWER, 200),
        ("POST", "/session/second-factor", Value::Null, VIEWER, 403),
        ("DELETE", "/session/second-factor", json!({}), VIEWER, 403),
        ("POST", "/session/second-factor/confirm", json!({ "code": "000000" }), VIEWER, 403),
        ("POST", "/session/second-factor/recovery-codes", json!({}), VIEWER, 403),
        ("GET", "/users/{name}/sessions", Value::Null, ADMIN, 404),
        ("DELETE", "/users/{name}/sessions", Value::Null, ADMIN, 404),
    ]
}
