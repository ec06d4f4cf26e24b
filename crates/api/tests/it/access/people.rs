//! Accounts, groups, grants, tokens, identities.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let none = Value::Null;
    let empty = json!({});
    vec![
        ("PATCH", "/session/profile", empty.clone(), 200),
        ("GET", "/session/identities", none.clone(), 200),
        ("POST", "/session/identities/link-code", json!({ "provider": "chat:none" }), 201),
        ("DELETE", "/session/identities/{id}", none.clone(), 404),
        ("GET", "/tokens", none.clone(), 200),
        ("POST", "/tokens", json!({ "name": "new" }), 201),
        ("DELETE", "/tokens/{id}", none.clone(), 404),
        ("GET", "/users", none.clone(), 200),
        ("POST", "/users", json!({ "name": "viewer", "role": "none" }), 409),
        ("GET", "/users/{name}", none.clone(), 404),
        ("PATCH", "/users/{name}", empty.clone(), 404),
        ("DELETE", "/users/{name}", none.clone(), 404),
        ("GET", "/users/{name}/tokens", none.clone(), 404),
        ("POST", "/users/{name}/password", json!({ "password": "correct horse battery" }), 404),
        ("POST", "/users/{name}/unlock", empty.clone(), 404),
        ("DELETE", "/users/{name}/second-factor", none.clone(), 404),
        ("PUT", "/users/{name}/identities", json!({ "provider": "forge:github", "subject": "x" }), 404),
        ("DELETE", "/users/{name}/identities/{id}", none.clone(), 404),
        ("GET", "/groups", none.clone(), 200),
        ("POST", "/groups", json!({ "name": "" }), 422),
        ("GET", "/groups/{name}", none.clone(), 404),
        ("PATCH", "/groups/{name}", empty.clone(), 404),
        ("DELETE", "/groups/{name}", none.clone(), 404),
        ("PUT", "/groups/{name}/members/{user}", empty, 404),
        ("DELETE", "/groups/{name}/members/{user}", none.clone(), 404),
        ("GET", "/grants", none.clone(), 200),
        ("POST", "/grants", json!({ "user": "none", "role": "viewer", "scope": "all" }), 404),
        ("DELETE", "/grants/{id}", none, 404),
    ]
}
