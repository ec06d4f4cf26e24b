//! Release configs; apps, environments and hosts one at a time.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let form = || json!({ "form": {}, "base_revision": null });
    vec![
        ("POST", "/apps", json!({ "key": "new", "repository": {} }), 422),
        ("PATCH", "/apps/{app}", json!({ "name": "New" }), 404),
        ("DELETE", "/apps/{app}", Value::Null, 404),
        ("GET", "/apps/{app}/configs/{environment}", Value::Null, 404),
        ("PUT", "/apps/{app}/configs/{environment}", form(), 404),
        ("DELETE", "/apps/{app}/configs/{environment}", Value::Null, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions", Value::Null, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions/diff?from=1&to=2", Value::Null, 404),
        ("GET", "/apps/{app}/configs/{environment}/revisions/{id}", Value::Null, 404),
        ("POST", "/apps/{app}/configs/{environment}/revisions/{id}/restore", Value::Null, 404),
        ("POST", "/apps/{app}/configs/{environment}/clone", json!({ "to_environment": "none" }), 404),
        ("POST", "/apps/{app}/configs/{environment}/check", json!({ "form": {} }), 404),
        ("POST", "/apps/{app}/configs/{environment}/dry-run", json!({}), 404),
        ("GET", "/environments/{environment}", Value::Null, 404),
        ("PUT", "/environments/{environment}", json!({ "form": { "color": 1 } }), 422),
        ("DELETE", "/environments/{environment}", Value::Null, 404),
        ("GET", "/hosts/{name}", Value::Null, 404),
        ("PUT", "/hosts/{name}", json!({ "form": {} }), 422),
        ("DELETE", "/hosts/{name}", Value::Null, 404),
        ("GET", "/forges/{id}/form", Value::Null, 404),
        ("PUT", "/forges/{id}", json!({ "form": {} }), 422),
        ("DELETE", "/forges/{id}", Value::Null, 404),
        ("GET", "/repositories/{forge}/{repository}", Value::Null, 404),
        ("PUT", "/repositories/{forge}/{repository}", json!({ "form": { "executor": 1 } }), 422),
        ("DELETE", "/repositories/{forge}/{repository}", Value::Null, 404),
        ("GET", "/channels/{id}", Value::Null, 404),
        ("PUT", "/channels/{id}", json!({ "form": {} }), 422),
        ("DELETE", "/channels/{id}", Value::Null, 404),
    ]
}
