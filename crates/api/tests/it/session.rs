//! Logging in and out, the set-up wizard, and what every answer's headers say.

use davit_domain::access::Role;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn request(app: &TestApp, method: Method, path: &str) -> RequestBuilder {
    app.http().request(method, format!("{}/api/v1{path}", app.url()))
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> Response {
    let body = json!({ "name": name, "password": password });
    request(app, Method::POST, "/session").json(&body).send().await.unwrap()
}

/// The cookie as a browser sends it back, and its attributes.
fn cookie(response: &Response) -> (String, Vec<String>) {
    let text = response.headers()[SET_COOKIE].to_str().unwrap();
    let mut parts = text.split("; ").map(str::to_owned);
    (parts.next().unwrap(), parts.collect())
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let app = TestApp::start().await;
    let response = log_in(&app, "reviewer", PASSWORD).await;
    assert_eq!(response.status(), 200);
    let (cookie, attributes) = cookie(&response);
    assert_eq!(attributes, ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Strict"]);
    let session: Value = response.json().await.unwrap();
    assert_eq!((&session["user"]["name"], &session["user"]["role"]), (&json!("reviewer"), &json!("reviewer")));
    let secret = cookie.split_once('=').unwrap().1;
    assert!(secret.len() >= 43 && !session.to_string().contains(secret));

    let with = |method, path| request(&app, method, path).header(COOKIE, &cookie);
    assert_eq!(status(with(Method::GET, "/session")).await, 200);
    assert_eq!(status(with(Method::GET, "/overview")).await, 200);
    // What another site can make a browser send.
    let forged = with(Method::POST, "/requests/1/approve").json(&json!({})).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    assert!(forged.text().await.unwrap().contains("X-Davit-Request"));
    assert_eq!(status(with(Method::DELETE, "/session")).await, 403);
    let own = with(Method::POST, "/requests/1/approve").header("X-Davit-Request", "1").json(&json!({}));
    assert_eq!(status(own).await, 404);

    let out = with(Method::DELETE, "/session").header("X-Davit-Request", "1").send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(status(with(Method::GET, "/session")).await, 401, "the cookie is dead, whoever kept a copy");
    app.finish().await;
}

#[tokio::test]
async fn behind_https_the_cookie_is_for_https_alone() {
    let mut app = TestApp::start().await;
    app.restart_behind("https://davit.example.com").await;
    let response = log_in(&app, "viewer", PASSWORD).await;
    assert!(cookie(&response).1.contains(&"Secure".to_owned()));
    assert_eq!(response.json::<Value>().await.unwrap()["public_url"], "https://davit.example.com");
    assert_eq!(app.get("/forges").await["items"][0]["hook_url"], "https://davit.example.com/hooks/github");
    app.finish().await;
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let app = TestApp::start().await;
    let (cookie, _) = cookie(&log_in(&app, "viewer", PASSWORD).await);
    let read = || request(&app, Method::GET, "/session").header(COOKIE, &cookie);
    app.advance(Duration::from_secs(14 * 24 * 3600 - 60));
    assert_eq!(status(read()).await, 200);
    app.advance(Duration::from_secs(120));
    assert_eq!(status(read()).await, 401);
    app.finish().await;
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down() {
    let app = TestApp::start().await;
    let mut answers = Vec::new();
    for name in ["admin", "nobody"] {
        let response = log_in(&app, name, "not the password").await;
        assert_eq!(response.status(), 401);
        answers.push(response.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1], "whether an account exists is not told");
    for _ in 0..9 {
        assert_eq!(log_in(&app, "admin", "not the password").await.status(), 401);
    }
    let locked = log_in(&app, "admin", PASSWORD).await;
    assert_eq!(locked.status(), 429);
    assert_eq!(locked.json::<Value>().await.unwrap()["code"], "rate_limited");
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200, "others are not locked out");
    app.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(log_in(&app, "admin", PASSWORD).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn the_first_account_needs_the_printed_code_and_is_made_once() {
    let app = TestApp::start_empty(Database::Sqlite).await;
    let needed = async || request(&app, Method::GET, "/setup").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(needed().await, json!({ "needed": true }));
    let code = app.engine().set_up_code().expose_secret().to_owned();
    let set_up = async |code: &str, password: &str| {
        let body = json!({ "code": code, "name": "root", "password": password });
        request(&app, Method::POST, "/setup").json(&body).send().await.unwrap()
    };
    assert_eq!(set_up("aaaa-aaaa-aaaa", PASSWORD).await.status(), 403);
    assert_eq!(set_up("", PASSWORD).await.status(), 403);
    assert_eq!(set_up(&code, "short").await.status(), 422);
    assert_eq!(needed().await, json!({ "needed": true }));
    let made = set_up(&code, PASSWORD).await;
    assert_eq!(made.status(), 201);
    let (cookie, _) = cookie(&made);
    assert_eq!(made.json::<Value>().await.unwrap()["user"]["role"], "admin");
    let export = request(&app, Method::GET, "/export").header(COOKIE, cookie);
    assert_eq!(status(export).await, 200);
    assert_eq!(needed().await, json!({ "needed": false }));
    assert_eq!(set_up(&code, PASSWORD).await.status(), 409, "only once");
    app.finish().await;
}

#[tokio::test]
async fn guessing_the_set_up_code_is_slowed_down() {
    let app = TestApp::start_empty(Database::Sqlite).await;
    let code = app.engine().set_up_code().expose_secret().to_owned();
    let set_up = async |code: &str, name: String| {
        let body = json!({ "code": code, "name": name, "password": PASSWORD });
        status(request(&app, Method::POST, "/setup").json(&body)).await
    };
    for number in 0..10 {
        assert_eq!(set_up("wrong", format!("name{number}")).await, 403);
    }
    assert_eq!(set_up(&code, "root".into()).await, 429);
    app.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(set_up(&code, "root".into()).await, 201);
    app.finish().await;
}

#[tokio::test]
async fn a_new_token_is_shown_once_and_works() {
    let app = TestApp::start().await;
    let body = Some(json!({ "name": "laptop" }));
    let (status, made) = app.call(Role::Reviewer, Method::POST, "/tokens", body.clone()).await;
    assert_eq!(status, 201);
    let token = made["token"].as_str().unwrap();
    let session = request(&app, Method::GET, "/session").bearer_auth(token).send().await.unwrap();
    assert_eq!(session.json::<Value>().await.unwrap()["user"]["name"], "reviewer");
    assert_eq!(app.call(Role::Reviewer, Method::POST, "/tokens", body).await.0, 409);
    app.finish().await;
}

#[tokio::test]
async fn every_answer_keeps_browsers_from_guessing_and_framing() {
    let app = TestApp::start().await;
    for path in ["/", "/api/v1/session", "/api/v1/none", "/healthz", "/assets/none.js", "/hooks/none"] {
        let response = app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"), "{path}");
        assert_eq!(header("referrer-policy").as_deref(), Some("same-origin"), "{path}");
        let policy = header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src"), "scripts come from here alone: {policy}");
    }
    app.finish().await;
}

/// Sends a path as it is: HTTP clients tidy `..` away.
async fn raw_get(app: &TestApp, path: &str) -> String {
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn nothing_but_the_page_is_served_from_disk() {
    let app = TestApp::start().await;
    for path in [
        "/assets/../../etc/passwd",
        "/assets/../../../../../../../../etc/passwd",
        "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/../../../../../../../../../etc/passwd",
        "//etc/passwd",
        "/assets//etc/passwd",
        "/assets/..\\..\\..\\etc\\passwd",
        "/assets/../../package.json",
        "/../Cargo.toml",
        "/assets/../../../Cargo.toml",
    ] {
        let answer = raw_get(&app, path).await;
        for secret in ["root:", "[workspace]", "devDependencies"] {
            assert!(!answer.contains(secret), "{path}: {answer}");
        }
    }
    app.finish().await;
}
