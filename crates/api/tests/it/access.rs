//! Who may call what: every route of the OpenAPI document, for everybody.

use crate::schema;
use crate::shop::REPOSITORY;
use davit_domain::access::Role;
use davit_testkit::app::{PASSWORD, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The least that is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Role(Role),
}

/// Method and path in the document, what is sent instead of its parameters, the least role, the answer when it is allowed.
type Row = (&'static str, &'static str, Value, Needs, u16);

const NOTHING: Needs = Needs::Nothing;
const VIEWER: Needs = Needs::Role(Role::Viewer);
const DEVELOPER: Needs = Needs::Role(Role::Developer);
const REVIEWER: Needs = Needs::Role(Role::Reviewer);
const RELEASER: Needs = Needs::Role(Role::Releaser);
const OPERATOR: Needs = Needs::Role(Role::Operator);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// Parameters name things that are not there: whoever may ask gets 404, and nothing happens.
fn rows() -> Vec<Row> {
    let none = Value::Null;
    let empty = json!({});
    let because = json!({ "reason": "a test" });
    vec![
        ("GET", "/setup", none.clone(), NOTHING, 200),
        ("POST", "/setup", json!({ "code": "x", "name": "x", "password": "x" }), NOTHING, 409),
        ("POST", "/session", json!({ "name": "viewer", "password": PASSWORD }), NOTHING, 200),
        ("GET", "/session", none.clone(), VIEWER, 200),
        ("DELETE", "/session", none.clone(), VIEWER, 204),
        ("POST", "/tokens", json!({ "name": "new" }), VIEWER, 201),
        ("GET", "/overview", none.clone(), VIEWER, 200),
        ("GET", "/apps", none.clone(), VIEWER, 200),
        ("GET", "/apps/{app}", none.clone(), VIEWER, 404),
        ("GET", "/apps/{app}/refs", none.clone(), DEVELOPER, 404),
        ("POST", "/apps/{app}/environments/{environment}/deploy", empty.clone(), DEVELOPER, 404),
        ("POST", "/apps/{app}/environments/{environment}/rollback", empty.clone(), DEVELOPER, 404),
        ("GET", "/apps/{app}/environments/{environment}/releases", none.clone(), VIEWER, 404),
        ("GET", "/apps/{app}/environments/{environment}/live", none.clone(), VIEWER, 404),
        ("POST", "/apps/{app}/environments/{environment}/live", empty.clone(), DEVELOPER, 404),
        ("GET", "/apps/{app}/builds", none.clone(), VIEWER, 404),
        ("POST", "/apps/{app}/builds", empty.clone(), DEVELOPER, 404),
        ("GET", "/builds/{id}", none.clone(), VIEWER, 404),
        ("GET", "/apps/{app}/uploads", none.clone(), VIEWER, 404),
        ("POST", "/apps/{app}/uploads?name=x", empty.clone(), DEVELOPER, 404),
        ("GET", "/apps/{app}/configs/{environment}/toml", none.clone(), ADMIN, 404),
        ("GET", "/requests", none.clone(), VIEWER, 200),
        ("GET", "/requests/counts", none.clone(), VIEWER, 200),
        ("GET", "/requests/{id}", none.clone(), VIEWER, 404),
        ("POST", "/requests/{id}/approve", empty.clone(), REVIEWER, 404),
        ("POST", "/requests/{id}/reject", json!({ "reason": "no" }), REVIEWER, 404),
        ("POST", "/requests/{id}/withdraw", empty.clone(), DEVELOPER, 404),
        ("POST", "/requests/{id}/release", empty.clone(), RELEASER, 404),
        ("POST", "/requests/{id}/retry", empty.clone(), RELEASER, 404),
        ("GET", "/deployments", none.clone(), VIEWER, 200),
        ("GET", "/deployments/{id}", none.clone(), VIEWER, 404),
        ("POST", "/deployments/{id}/cancel", empty.clone(), RELEASER, 404),
        ("POST", "/deployments/{id}/continue", empty.clone(), RELEASER, 404),
        ("POST", "/deployments/{id}/revert", because.clone(), RELEASER, 404),
        ("POST", "/deployments/{id}/hosts/{host}/retry", empty.clone(), RELEASER, 404),
        ("POST", "/deployments/{id}/hosts/{host}/skip", because.clone(), RELEASER, 404),
        ("POST", "/deployments/{id}/override", because, OPERATOR, 404),
        ("GET", "/locks", none.clone(), VIEWER, 200),
        ("POST", "/locks", json!({ "environment": "none", "reason": "a test" }), OPERATOR, 404),
        ("DELETE", "/locks/{id}", none.clone(), OPERATOR, 404),
        ("GET", "/environments/{environment}/gates", none.clone(), VIEWER, 404),
        ("GET", "/deployments/{id}/logs", none.clone(), VIEWER, 404),
        ("GET", "/deployments/{id}/log.txt", none.clone(), VIEWER, 404),
        ("GET", "/deployments/{id}/logs/stream", none.clone(), VIEWER, 404),
        ("GET", "/events", none.clone(), VIEWER, 200),
        ("GET", "/hosts", none.clone(), VIEWER, 200),
        ("POST", "/hosts/{name}/verify", empty.clone(), OPERATOR, 404),
        ("POST", "/hosts/{name}/accept-key", json!({ "fingerprint": "SHA256:x" }), OPERATOR, 404),
        ("POST", "/hosts/{name}/install-key", json!({ "password": "x" }), OPERATOR, 404),
        ("POST", "/hosts/scan-keys", json!({ "names": ["none"] }), OPERATOR, 404),
        ("POST", "/hosts/accept-keys", json!({ "items": [{ "host": "none", "fingerprint": "x" }] }), OPERATOR, 404),
        ("POST", "/hosts/import-known-hosts", json!({ "text": "" }), OPERATOR, 200),
        ("GET", "/hosts/public-key", none.clone(), VIEWER, 200),
        ("GET", "/deliveries", none.clone(), VIEWER, 200),
        ("GET", "/deliveries/{id}", none.clone(), VIEWER, 404),
        ("POST", "/deliveries/{id}/replay", empty.clone(), OPERATOR, 404),
        ("GET", "/outbox", none.clone(), VIEWER, 200),
        ("GET", "/outbox/{id}", none.clone(), VIEWER, 404),
        ("POST", "/outbox/{id}/retry", empty.clone(), OPERATOR, 404),
        ("GET", "/alerts", none.clone(), VIEWER, 200),
        ("GET", "/doctor", none.clone(), OPERATOR, 200),
        ("GET", "/environments", none.clone(), VIEWER, 200),
        ("GET", "/forges", none.clone(), VIEWER, 200),
        ("GET", "/forges/{id}", none.clone(), VIEWER, 404),
        ("POST", "/forges/{id}/check", json!({ "repository": "acme/shop" }), OPERATOR, 404),
        ("POST", "/forges/{id}/hook", json!({ "repository": "acme/shop" }), OPERATOR, 404),
        ("POST", "/forges/{id}/deploy-key", empty, OPERATOR, 404),
        ("GET", "/secrets", none.clone(), ADMIN, 200),
        ("PUT", "/secrets/{name}", json!({ "value": "x" }), ADMIN, 204),
        ("DELETE", "/secrets/{name}", none.clone(), ADMIN, 204),
        ("POST", "/apply", json!({ "document": "environment = [{ key = \"x\" }]", "dry_run": true }), ADMIN, 200),
        ("GET", "/export", none, ADMIN, 200),
    ]
}

/// Runs, changes, and what stands around them.
fn ci_rows() -> Vec<Row> {
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
        ("GET", "/jobs/{id}/log.txt", none.clone(), VIEWER, 404),
        ("GET", "/jobs/{id}/log/stream", none.clone(), VIEWER, 404),
        ("GET", "/repositories", none.clone(), VIEWER, 200),
    ]
}

fn all_rows() -> impl Iterator<Item = Row> {
    rows().into_iter().chain(ci_rows())
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let in_document: BTreeSet<String> = schema::document()["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (path, method)))
        .filter(|(_, method)| *method != "parameters")
        .map(|(path, method)| format!("{} {}", method.to_uppercase(), path.trim_start_matches("/api/v1")))
        .collect();
    let bare = |path: &'static str| path.split('?').next().unwrap_or_default();
    let in_table: BTreeSet<String> = all_rows().map(|(method, path, ..)| format!("{method} {}", bare(path))).collect();
    assert_eq!(in_table, in_document, "every route has its row here");

    let app = TestApp::start().await;
    let everybody = std::iter::once(None).chain(Role::ALL.map(Some));
    for caller in everybody {
        for (method, path, body, needs, allowed) in all_rows() {
            let url = path
                .replace("{id}", "4711")
                .replace("{app}", "none")
                .replace("{name}", "none")
                .replace("{host}", "none");
            let url = format!("{}/api/v1{}", app.url(), url.replace("{environment}", "none"));
            let request = app.http().request(method.parse::<Method>().unwrap(), url);
            let request = caller.into_iter().fold(request, |request, role| request.bearer_auth(app.token(role)));
            let request = if body.is_null() { request } else { request.json(&body) };
            let expected = match (needs, caller) {
                (Needs::Role(_), None) => 401,
                (Needs::Role(least), Some(role)) if role < least => 403,
                (Needs::Nothing | Needs::Role(_), _) => allowed,
            };
            // The body of an answer that never ends is not read.
            let status = request.send().await.unwrap().status();
            assert_eq!(status, expected, "{method} {path} as {caller:?}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_open_to_all_tells_nothing() {
    let app = TestApp::start().await;
    let get = async |path: &str| {
        let response = app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"] {
        let (status, text) = get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!text.contains(app.forge.token()) && !text.contains(REPOSITORY), "{path}: {text}");
    }
    let (status, text) = get("/api/v1/no/such/route").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("\"not_found\""), "{text}");
    assert_eq!(get("/hooks/github").await.0, StatusCode::METHOD_NOT_ALLOWED);
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_is_not_right_is_none() {
    let app = TestApp::start().await;
    let token = app.token(Role::Admin).to_owned();
    let longer = format!("{token}x");
    for bad in ["", "davit_", &token[..token.len() - 1], &longer, &token.to_uppercase()] {
        let request = app.http().get(format!("{}/api/v1/session", app.url())).bearer_auth(bad);
        assert_eq!(request.send().await.unwrap().status(), 401, "{bad:?}");
    }
    let basic = app.http().get(format!("{}/api/v1/session", app.url())).basic_auth("admin", Some(&token));
    assert_eq!(basic.send().await.unwrap().status(), 401);
    app.finish().await;
}
