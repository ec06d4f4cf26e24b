//! Runs, changes, and what stands around them.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    let none = Value::Null;
    let empty = json!({});
    vec![
        ("GET", "/runs", none.clone(), VIEWER, 200),
        ("GET", "/runs/{id}", none.clone(), VIEWER, 404),
        ("GET", "/runs/{id}/search?q=x", none.clone(), VIEWER, 404),
        ("POST", "/runs/{id}/cancel", empty.clone(), DEVELOPER, 404),
        ("POST", "/runs/{id}/retry", json!({ "what": "all" }), DEVELOPER, 404),
        ("POST", "/runs/{id}/approve", json!({ "head_sha": "a".repeat(40) }), REVIEWER, 404),
        ("GET", "/artifacts/{id}", none.clone(), VIEWER, 404),
        ("GET", "/caches?forge=github&repository=acme/shop", none.clone(), VIEWER, 200),
        ("DELETE", "/caches/{id}", none.clone(), OPERATOR, 404),
        ("GET", "/workflows?forge=github&repository=acme/none", none.clone(), DEVELOPER, 404),
        (
            "POST",
            "/workflows/start",
            json!({ "forge": "github", "repository": "acme/none", "file": "ci.yml" }),
            DEVELOPER,
            404,
        ),
        ("GET", "/changes", none.clone(), VIEWER, 200),
        ("GET", "/changes/{id}", none.clone(), VIEWER, 404),
        ("POST", "/changes/{id}/merge", json!({ "head_sha": "a".repeat(40) }), REVIEWER, 404),
        ("DELETE", "/changes/{id}/merge", none.clone(), REVIEWER, 404),
        ("POST", "/changes/{id}/refresh", empty.clone(), DEVELOPER, 404),
        ("GET", "/jobs/{id}/logs", none.clone(), VIEWER, 404),
        ("GET", "/jobs/{id}/logs/outline", none.clone(), VIEWER, 404),
        ("GET", "/jobs/{id}/logs/search?q=x", none.clone(), VIEWER, 404),
        ("GET", "/jobs/{id}/log.txt", none.clone(), VIEWER, 404),
        ("GET", "/jobs/{id}/log/stream", none.clone(), VIEWER, 404),
        ("GET", "/repositories", none.clone(), VIEWER, 200),
    ]
}
