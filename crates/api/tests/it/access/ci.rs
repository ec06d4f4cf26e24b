//! Runs, changes, and what stands around them.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let none = Value::Null;
    let empty = json!({});
    vec![
        ("GET", "/runs", none.clone(), 200),
        ("GET", "/runs/{id}", none.clone(), 404),
        ("GET", "/runs/{id}/search?q=x", none.clone(), 404),
        ("POST", "/runs/{id}/cancel", empty.clone(), 404),
        ("POST", "/runs/{id}/retry", json!({ "what": "all" }), 404),
        ("POST", "/runs/{id}/approve", json!({ "head_sha": "a".repeat(40) }), 404),
        ("GET", "/artifacts/{id}", none.clone(), 404),
        ("GET", "/caches?forge=github&repository=acme/shop", none.clone(), 200),
        ("DELETE", "/caches/{id}", none.clone(), 404),
        ("GET", "/workflows?forge=github&repository=acme/none", none.clone(), 404),
        ("POST", "/workflows/start", json!({ "forge": "github", "repository": "acme/none", "file": "ci.yml" }), 404),
        ("GET", "/changes", none.clone(), 200),
        ("GET", "/changes/{id}", none.clone(), 404),
        ("POST", "/changes/{id}/merge", json!({ "head_sha": "a".repeat(40) }), 404),
        ("DELETE", "/changes/{id}/merge", none.clone(), 404),
        ("POST", "/changes/{id}/refresh", empty.clone(), 404),
        ("GET", "/jobs/{id}/logs", none.clone(), 404),
        ("GET", "/jobs/{id}/logs/outline", none.clone(), 404),
        ("GET", "/jobs/{id}/logs/search?q=x", none.clone(), 404),
        ("GET", "/jobs/{id}/log.txt", none.clone(), 404),
        ("GET", "/jobs/{id}/log/stream", none.clone(), 404),
        ("GET", "/repositories", none.clone(), 200),
    ]
}
