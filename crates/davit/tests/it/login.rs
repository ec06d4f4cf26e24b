//! `davit login` and what it stores.

use crate::stub::{Run, Stub, json_response, problem};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const NO_TOKEN: (&str, &str) = ("DAVIT_TOKEN", "");
const NO_URL: (&str, &str) = ("DAVIT_URL", "");

/// A server with one account, `ann` with the password `open sesame`, and one token, `davit_new`.
async fn server() -> Stub {
    Stub::start(|seen, _| match seen.route().as_str() {
        "POST /api/v1/session" if seen.json() == json!({ "name": "ann", "password": "open sesame" }) => {
            let session = Response::builder().header("set-cookie", "davit_session=abc; Path=/; HttpOnly");
            session.body("{}".into()).expect("a valid response")
        }
        "POST /api/v1/tokens"
            if seen.header("cookie") == Some("davit_session=abc") && seen.header("x-davit-request") == Some("1") =>
        {
            json_response(StatusCode::CREATED, &json!({ "token": "davit_new" }))
        }
        "DELETE /api/v1/session" => Response::builder().status(204).body("".into()).expect("a valid response"),
        "GET /api/v1/session" if seen.header("authorization") == Some("Bearer davit_new") => {
            let user = json!({ "id": 1, "name": "ann", "role": "admin" });
            json_response(StatusCode::OK, &json!({ "user": user, "version": "0.1.0", "public_url": "http://here" }))
        }
        "GET /api/v1/overview" if seen.header("authorization") == Some("Bearer davit_new") => {
            json_response(StatusCode::OK, &json!({ "apps": [], "running": [], "waiting": [] }))
        }
        _ => problem(StatusCode::UNAUTHORIZED, "unauthenticated", "log in, or send a valid API token"),
    })
    .await
}

/// The same, whose account has a second factor.
async fn server_with_codes() -> Stub {
    Stub::start(|seen, _| match seen.route().as_str() {
        "POST /api/v1/session"
            if seen.json() == json!({ "name": "ann", "password": "open sesame", "code": "123456" }) =>
        {
            let session = Response::builder().header("set-cookie", "davit_session=abc; Path=/; HttpOnly");
            session.body("{}".into()).expect("a valid response")
        }
        "POST /api/v1/session" if seen.json() == json!({ "name": "ann", "password": "open sesame" }) => {
            problem(StatusCode::UNAUTHORIZED, "second_factor_required", "send the code of the second factor with it")
        }
        "POST /api/v1/tokens" => json_response(StatusCode::CREATED, &json!({ "token": "davit_new" })),
        "DELETE /api/v1/session" => Response::builder().status(204).body("".into()).expect("a valid response"),
        "GET /api/v1/session" if seen.header("authorization") == Some("Bearer davit_new") => {
            let user = json!({ "id": 1, "name": "ann", "role": "admin" });
            json_response(StatusCode::OK, &json!({ "user": user, "version": "0.1.0", "public_url": "http://here" }))
        }
        _ => problem(StatusCode::UNAUTHORIZED, "unauthenticated", "log in, or send a valid API token"),
    })
    .await
}

#[tokio::test]
async fn a_second_factor_s_code_comes_on_a_second_line() {
    let stub = server_with_codes().await;
    let run = log_in(&stub).await;
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("second line"), "{}", run.stderr);
    let arguments = ["login", "--name", "ann", "--password-stdin"];
    let run = stub.davit_with(&arguments, &[NO_TOKEN], "open sesame\n123456\n").await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("Logged in as ann (admin)"), "{}", run.stdout);
}

async fn log_in(stub: &Stub) -> Run {
    stub.davit_with(&["login", "--name", "ann", "--password-stdin"], &[NO_TOKEN], "open sesame\n").await
}

#[tokio::test]
async fn a_login_makes_a_token_and_keeps_it_for_its_owner() {
    let stub = server().await;
    let run = log_in(&stub).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("Logged in as ann (admin)"), "{}", run.stdout);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("davit_new"));
    let expected = ["POST /api/v1/session", "POST /api/v1/tokens", "DELETE /api/v1/session", "GET /api/v1/session"];
    assert_eq!(stub.asked(), expected);
    let file = stub.home().join(".config/davit/login.toml");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().expect("a directory"))), (0o600, 0o700));
    assert_eq!(fs::read_to_string(file).expect("text"), format!("url = \"{}\"\ntoken = \"davit_new\"\n", stub.url));
    let run = stub.davit_with(&["status", "--json"], &[NO_TOKEN, NO_URL], "").await;
    assert_eq!(run.code, 0, "the stored login is used: {}", run.stderr);
}

#[tokio::test]
async fn a_stored_token_is_not_sent_to_another_server() {
    let (stub, other) = (server().await, server().await);
    assert_eq!(log_in(&stub).await.code, 0);
    let run = stub.davit_with(&["status"], &[NO_TOKEN, ("DAVIT_URL", &other.url)], "").await;
    assert_eq!(run.code, 3);
    assert_eq!(other.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_token_from_stdin_is_tried_before_it_is_kept() {
    let stub = server().await;
    let run = stub.davit_with(&["login", "--token-stdin"], &[NO_TOKEN], "davit_wrong\n").await;
    assert_eq!((run.code, stub.home().join(".config").exists()), (3, false));
    let config = stub.home().join("elsewhere");
    let variables = [NO_TOKEN, ("XDG_CONFIG_HOME", config.to_str().expect("text"))];
    let run = stub.davit_with(&["login", "--token-stdin"], &variables, "davit_new\n").await;
    assert_eq!((run.code, config.join("davit/login.toml").exists()), (0, true), "{}", run.stderr);
}

#[tokio::test]
async fn wrong_passwords_and_missing_terminals_are_refused() {
    let stub = server().await;
    let run = stub.davit_with(&["login", "--name", "ann", "--password-stdin"], &[NO_TOKEN], "guess").await;
    assert_eq!(run.code, 3);
    assert!(!run.stderr.contains("guess"));
    let run = stub.davit_with(&["login", "--name", "ann"], &[NO_TOKEN], "").await;
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--token-stdin"), "{}", run.stderr);
}

#[tokio::test]
async fn a_login_that_others_can_read_is_refused() {
    let stub = server().await;
    assert_eq!(log_in(&stub).await.code, 0);
    let file = stub.home().join(".config/davit/login.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
    let run = stub.davit_with(&["status"], &[NO_TOKEN], "").await;
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("try: chmod 600"), "{}", run.stderr);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
    fs::write(&file, "token = davit_secret").expect("written");
    let run = stub.davit_with(&["status"], &[NO_TOKEN], "").await;
    assert_eq!(run.code, 2);
    assert!(!run.stderr.contains("davit_secret"), "{}", run.stderr);
}
