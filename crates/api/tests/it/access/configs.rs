//! Release configs; apps, environments and hosts one at a time.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let form = || json!({ "form": {}, "base_revision": null });
    vec![
        ("POST", "/apps", json!({ "key": "new", "repository": {} }), ADMIN, 422),
        ("PATCH", "/apps/{app}", json!({ "name": "New" }), ADMIN, 404),
        ("DELETE", "/apps/{app}", Value::Null, ADMIN, 404),
        ("GET", "/apps/{app}/configs/{environment}", Value::Null, REVIEWER, 404),
        ("PUT", "/apps/{app}/configs/{environment}", form(), ADMIN, 404),
        ("DELETE", "/apps/{app}/configs/{environment}", Value::Null, ADMIN, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions", Value::Null, REVIEWER, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions/diff?from=1&to=2", Value::Null, REVIEWER, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions/{id}", Value::Null, REVIEWER, 404),
        ("POST", "/apps/{app}/configs/{environment}/revisions/{id}/restore", Value::Null, ADMIN, 404),
        ("POST", "/apps/{app}/configs/{environment}/clone", json!({ "to_environment": "none" }), ADMIN, 404),
        ("POST", "/apps/{app}/configs/{environment}/check", json!({ "form": {} }), ADMIN, 404),
        ("POST", "/apps/{app}/configs/{environment}/dry-run", json!({}), DEVELOPER, 404),
        ("GET", "/environments/{environment}", Value::Null, VIEWER, 404),
        ("PUT", "/environments/{environment}", json!({ "form": { "color": 1 } }), ADMIN, 422),
        ("DELETE", "/environments/{environment}", Value::Null, ADMIN, 404),
        ("GET", "/hosts/{name}", Value::Null, OPERATOR, 404),
        ("PUT", "/hosts/{name}", json!({ "form": {} }), ADMIN, 422),
        ("DELETE", "/hosts/{name}", Value::Null, ADMIN, 404),
        ("GET", "/forges/{id}/form", Value::Null, ADMIN, 404),
        ("PUT", "/forges/{id}", json!({ "form": {} }), ADMIN, 422),
        ("DELETE", "/forges/{id}", Value::Null, ADMIN, 404),
        ("GET", "/channels/{id}", Value::Null, ADMIN, 404),
        ("PUT", "/channels/{id}", json!({ "form": {} }), ADMIN, 422),
        ("DELETE", "/channels/{id}", Value::Null, ADMIN, 404),
    ]
}
