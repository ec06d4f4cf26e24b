//! A NUL in a text, which PostgreSQL can't hold: whoever sends one is told so, and it is nobody's fault but theirs.

use davit_domain::access::Role;
use davit_testkit::app::{Database, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_nul_is_refused_wherever_it_is_sent() {
    let app = TestApp::start_on(Database::Postgres).await;
    let log_in = app.http().post(format!("{}/api/v1/session", app.url()));
    let log_in = log_in.json(&json!({ "name": "a\0b", "password": "x" })).send().await.unwrap();
    assert_eq!(log_in.status(), 422, "before anybody is known");

    for path in [
        "/requests?state=%00",
        "/requests?author=%00",
        "/requests?q=a%00",
        "/deployments?state=a%00b",
        "/feed?actor=%00",
        "/terminals?host=%00",
        "/runs?repository=%00",
    ] {
        let (status, answer) = app.call(Role::Admin, Method::GET, path, None).await;
        assert_eq!(status, 422, "{path}: {answer}");
    }
    for (method, path) in [
        (Method::GET, "/users/%00"),
        (Method::DELETE, "/users/a%00b"),
        (Method::DELETE, "/groups/%00"),
        (Method::GET, "/apps/%00"),
        (Method::DELETE, "/secrets/%00"),
    ] {
        let (status, answer) = app.call(Role::Admin, method, path, None).await;
        assert_eq!(status, 404, "{path}: {answer}");
    }
    for (path, body) in [
        ("/users", json!({ "name": "ana", "role": "viewer", "email": "\0" })),
        ("/groups", json!({ "name": "leads", "description": "a\0" })),
        ("/tokens", json!({ "name": "\0" })),
        ("/grants", json!({ "user": "\0", "role": "viewer", "scope": "all" })),
        ("/apply", json!({ "document": "\0", "values": {}, "prune": false, "dry_run": true })),
        ("/requests/1/release", json!({ "reason": "\0" })),
    ] {
        let (status, answer) = app.post(path, body).await;
        assert_eq!((status, &answer["code"]), (422, &json!("invalid")), "{path}: {answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_only_looks_like_a_nul_is_taken() {
    let app = TestApp::start_on(Database::Postgres).await;
    // A backslash and what stands after it, in JSON and in an address.
    let text = r"a\u0000 \\u0000 %00";
    let (status, group) = app.post("/groups", json!({ "name": "leads", "description": text })).await;
    assert_eq!((status, &group["description"]), (201, &Value::from(text)), "{group}");
    assert_eq!(app.get("/requests?author=a%2500").await["items"], json!([]));
    let (status, problem) = app.post("/groups", json!({ "name": "ops", "description": "\\\0" })).await;
    assert_eq!(status, 422, "a backslash, then a NUL: {problem}");
    app.finish().await;
}
