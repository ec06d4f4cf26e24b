//! Accounts, groups, grants, tokens, identities.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let none = Value::Null;
    let empty = json!({});
    vec![
        ("PATCH", "/session/profile", empty.clone(), VIEWER, 200),
        ("GET", "/session/identities", none.clone(), VIEWER, 200),
        ("POST", "/session/identities/link-code", json!({ "provider": "chat:none" }), VIEWER, 201),
        ("DELETE", "/session/identities/{id}", none.clone(), VIEWER, 404),
        ("GET", "/tokens", none.clone(), VIEWER, 200),
        ("POST", "/tokens", json!({ "name": "new" }), VIEWER, 201),
        ("DELETE", "/tokens/{id}", none.clone(), VIEWER, 404),
        ("GET", "/users", none.clone(), ADMIN, 200),
        ("POST", "/users", json!({ "name": "viewer", "role": "none" }), ADMIN, 409),
        ("GET", "/users/{name}", none.clone(), ADMIN, 404),
        ("PATCH", "/users/{name}", empty.clone(), ADMIN, 404),
        ("DELETE", "/users/{name}", none.clone(), ADMIN, 404),
        ("GET", "/users/{name}/tokens", none.clone(), ADMIN, 404),
        ("POST", "/users/{name}/password", json!({ "password": "correct horse battery" }), ADMIN, 404),
        ("POST", "/users/{name}/unlock", empty.clone(), ADMIN, 404),
        ("DELETE", "/users/{name}/second-factor", none.clone(), ADMIN, 404),
        ("PUT", "/users/{name}/identities", json!({ "provider": "forge:github", "subject": "x" }), ADMIN, 404),
        ("DELETE", "/users/{name}/identities/{id}", none.clone(), ADMIN, 404),
        ("GET", "/groups", none.clone(), ADMIN, 200),
        ("POST", "/groups", json!({ "name": "" }), ADMIN, 422),
        ("GET", "/groups/{name}", none.clone(), ADMIN, 404),
        ("PATCH", "/groups/{name}", empty.clone(), ADMIN, 404),
        ("DELETE", "/groups/{name}", none.clone(), ADMIN, 404),
        ("PUT", "/groups/{name}/members/{user}", empty, ADMIN, 404),
        ("DELETE", "/groups/{name}/members/{user}", none.clone(), ADMIN, 404),
        ("GET", "/grants", none.clone(), ADMIN, 200),
        ("POST", "/grants", json!({ "user": "none", "role": "viewer", "scope": "all" }), ADMIN, 404),
        ("DELETE", "/grants/{id}", none, ADMIN, 404),
    ]
}
