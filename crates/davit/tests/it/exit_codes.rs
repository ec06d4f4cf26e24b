//! What scripts branch on.

use crate::stub::{self, Stub, TOKEN, problem, request};
use axum::http::StatusCode;
use serde_json::json;
use tokio::net::TcpSocket;

#[tokio::test]
async fn every_refusal_has_its_code_its_sentence_and_what_to_try() {
    let cases = [
        (StatusCode::UNAUTHORIZED, "unauthenticated", 3, Some("davit login")),
        (StatusCode::FORBIDDEN, "denied", 3, None),
        (StatusCode::NOT_FOUND, "not_found", 4, Some("davit requests")),
        (StatusCode::CONFLICT, "conflict", 1, None),
        (StatusCode::CONFLICT, "setup_needed", 1, Some("davit setup --name NAME, or davit admin create-user")),
        (StatusCode::UNPROCESSABLE_ENTITY, "invalid", 2, None),
        (StatusCode::TOO_MANY_REQUESTS, "rate_limited", 1, None),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal", 1, None),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable", 5, Some("davit doctor")),
    ];
    for (status, code, exit, hint) in cases {
        let stub = Stub::start(move |_, _| problem(status, code, "this is the sentence")).await;
        let run = stub.davit(&["request", "show", "7"]).await;
        assert_eq!((run.code, run.stdout.as_str()), (exit, ""), "{code}");
        assert!(run.stderr.starts_with("error: this is the sentence\n"), "{code}: {}", run.stderr);
        match hint {
            Some(hint) => assert!(run.stderr.contains("try:") && run.stderr.contains(hint), "{code}: {}", run.stderr),
            None => assert!(!run.stderr.contains("try:"), "{code}: {}", run.stderr),
        }
    }
}

#[tokio::test]
async fn what_a_proxy_says_is_unreachable() {
    let stub = Stub::start(|_, _| {
        let response = axum::response::Response::builder().status(502);
        response.body("<h1>Bad Gateway</h1>".into()).expect("a valid response")
    })
    .await;
    let run = stub.davit(&["status"]).await;
    assert_eq!(run.code, 5);
    assert!(run.stderr.contains("502 Bad Gateway"), "{}", run.stderr);
}

#[tokio::test]
async fn no_server_is_unreachable() {
    // The port is held, so that nobody else can begin to listen there.
    let nobody = TcpSocket::new_v4().expect("a socket");
    nobody.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = nobody.local_addr().expect("bound");
    let home = tempfile::tempdir().expect("a home");
    let mut davit = stub::davit(home.path());
    davit.args(["logs", "-f", "1"]).env("DAVIT_URL", format!("http://{address}"));
    let run = stub::run(davit, "").await;
    assert_eq!(run.code, 5);
    assert!(run.stderr.contains("can't be reached") && run.stderr.contains("try: start it"), "{}", run.stderr);
}

#[tokio::test]
async fn a_redirect_carries_the_token_nowhere() {
    let stub = Stub::start(|_, _| {
        let response = axum::response::Response::builder().status(301).header("location", "https://example.com/");
        response.body("".into()).expect("a valid response")
    })
    .await;
    let run = stub.davit(&["status"]).await;
    assert_eq!((run.code, stub.asked().len()), (5, 1));
    assert!(run.stderr.contains("https://example.com/"), "{}", run.stderr);
}

#[tokio::test]
async fn the_command_line_itself_is_usage() {
    let stub = Stub::routes(vec![]).await;
    for args in [
        &["deploy", "shop"][..],
        &["deploy", "shop", "production", "--ref", "main", "--commit", "abc"],
        &["request", "reject", "7"],
        &["logs", "soon"],
        &["requests", "--limit", "0"],
        &["apply", "-f", "nowhere.toml"],
        &["no-such-command"],
    ] {
        let run = stub.davit(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
    }
    for url in ["here", "ftp://here", "http://ann:secret@here", "http://here/?a=b"] {
        let run = stub.davit_with(&["status"], &[("DAVIT_URL", url)], "").await;
        assert_eq!(run.code, 2, "{url}");
        assert!(run.stderr.contains("try: set DAVIT_URL") && !run.stderr.contains("secret"), "{}", run.stderr);
    }
    assert_eq!(stub.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn the_token_goes_into_the_header_alone() {
    let stub = Stub::routes(vec![("GET /api/v1/requests/7", request(7, "failed", None))]).await;
    let run = stub.davit(&["request", "show", "7", "--json"]).await;
    assert_eq!(run.code, 0);
    let seen = &stub.seen()[0];
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert!(!seen.target.contains(TOKEN) && !run.stdout.contains(TOKEN) && !run.stderr.contains(TOKEN));
}

#[tokio::test]
async fn an_answer_of_another_version_says_so() {
    let stub = Stub::routes(vec![("GET /api/v1/requests/7", json!({ "id": "seven" }))]).await;
    let run = stub.davit(&["request", "show", "7"]).await;
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("try: davit doctor"), "{}", run.stderr);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let stub = Stub::routes(vec![("GET /api/v1/requests/7", request(7, "failed", None))]).await;
    let script = format!("{} request show 7 --json | true; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_davit"));
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["-c", &script]).env_clear().env("HOME", stub.home()).env("DAVIT_URL", &stub.url);
    let run = stub::run(bash, "").await;
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("0\n", ""));
}
