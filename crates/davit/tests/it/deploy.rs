//! `davit deploy`, `davit rollback` and what ends in a deployment.

use crate::stub::{Stub, deployment, events, json_response, line_event, not_found, problem, request};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::io;

const DEPLOY: &str = "POST /api/v1/apps/shop/environments/production/deploy";
const ROLLBACK: &str = "POST /api/v1/apps/shop/environments/production/rollback";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn created(value: &Value) -> Response {
    json_response(StatusCode::CREATED, value)
}

const CHANGE: &str = "event: change\ndata: {\"topic\":\"request\",\"id\":7,\"app\":null,\"environment\":null}\n\n";

/// An event stream that tells of one change and then stays silent.
fn one_change() -> Response {
    let change = stream::iter([Ok::<_, io::Error>(CHANGE)]);
    events(Body::from_stream(change.chain(stream::pending())))
}

/// A server on which every request is released at once and ends in `state`.
async fn server(state: &'static str, hosts: &'static [(&'static str, &'static str)]) -> Stub {
    Stub::start(move |seen, _| match seen.route().as_str() {
        DEPLOY | ROLLBACK => created(&request(7, "releasing", Some(12))),
        "POST /api/v1/requests/7/retry" | "POST /api/v1/requests/7/release" => {
            json_response(StatusCode::OK, &request(7, "releasing", Some(12)))
        }
        "GET /api/v1/deployments/12/logs/stream" => events(
            [
                format!("event: state\ndata: {}\n\n", deployment(12, "staging", &[("web-1", "staging")])),
                line_event(1, Some("web-1"), "uploading"),
                format!("event: state\ndata: {}\n\n", deployment(12, state, hosts)),
                format!("event: end\ndata: {{\"state\":\"{state}\"}}\n\n"),
            ]
            .concat(),
        ),
        "GET /api/v1/deployments/12" => json_response(StatusCode::OK, &deployment(12, state, hosts)),
        _ => not_found(),
    })
    .await
}

#[tokio::test]
async fn prints_the_ids_and_sends_what_was_asked() {
    let stub = server("succeeded", &[]).await;
    let args = ["deploy", "shop", "production", "--ref", "main", "--title", "Sell more", "--hosts", "web-1,web-2"];
    let run = stub.davit(&args).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "request 7\ndeployment 12\n"), "{}", run.stderr);
    assert!(run.stderr.contains("davit logs -f 12"), "{}", run.stderr);
    let seen = &stub.seen()[0];
    assert_eq!(seen.json(), json!({ "ref": "main", "title": "Sell more", "hosts": ["web-1", "web-2"] }));
    assert_eq!(seen.header("idempotency-key").map(str::len), Some(32));
    let again = stub.davit(&["deploy", "shop", "production", "--commit", COMMIT]).await;
    assert_eq!(again.code, 0);
    assert_eq!(stub.seen()[1].json(), json!({ "commit": COMMIT }));
    assert_ne!(stub.seen()[0].header("idempotency-key"), stub.seen()[1].header("idempotency-key"));
}

#[tokio::test]
async fn json_without_follow_has_the_same_keys() {
    let stub = server("succeeded", &[]).await;
    let run = stub.davit(&["deploy", "shop", "production", "--json"]).await;
    let expected = json!({
        "deployment": 12, "request": 7, "state": "releasing", "release": null, "commit": COMMIT, "hosts": []
    });
    assert_eq!((run.code, run.json()), (0, expected));
    assert_eq!(run.stderr, "");
}

#[tokio::test]
async fn follow_json_ends_with_exactly_the_object() {
    let stub = server("succeeded", &[("web-1", "done"), ("web-2", "done")]).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow", "--json"]).await;
    let expected = concat!(
        r#"{"deployment":12,"request":7,"state":"succeeded","release":"20260131T120000Z-0123456789","#,
        r#""commit":"0123456789abcdef0123456789abcdef01234567","#,
        r#""hosts":[{"name":"web-1","state":"done"},{"name":"web-2","state":"done"}]}"#,
        "\n"
    );
    assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "no colours and no moving lines: {}", run.stderr);
}

#[tokio::test]
async fn follow_shows_plain_lines_and_the_end() {
    let stub = server("succeeded", &[("web-1", "done")]).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow"]).await;
    assert_eq!(run.code, 0);
    let end = "deployment 12 succeeded: 20260131T120000Z-0123456789 (0123456789) is live on 1 host\n";
    assert_eq!(run.stdout, end);
    let shown: Vec<_> = run.stderr.lines().skip(1).collect();
    let expected = [
        "deployment 12: staging",
        "web-1: staging",
        "12:00:01 web-1 5| uploading",
        "deployment 12: succeeded",
        "web-1: done",
    ];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn every_end_but_success_is_a_failure() {
    for state in ["failed", "reverted", "cancelled", "superseded"] {
        let stub = server(state, &[("web-1", "done"), ("web-2", "failed")]).await;
        let run = stub.davit(&["rollback", "shop", "production", "--to", "20260101", "--follow", "--json"]).await;
        assert_eq!((run.code, run.json()["state"].as_str()), (1, Some(state)));
        assert_eq!(run.json()["hosts"][1], json!({ "name": "web-2", "state": "failed" }));
        assert!(run.stderr.contains("try: davit logs 12"), "{}", run.stderr);
        assert_eq!(stub.seen()[0].json(), json!({ "to": "20260101" }));
    }
}

#[tokio::test]
async fn release_and_retry_can_be_followed() {
    let stub = server("succeeded", &[]).await;
    for args in [&["request", "release", "7", "--follow"][..], &["request", "retry", "7", "--failed", "--follow"]] {
        let run = stub.davit(args).await;
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let bodies: Vec<_> = stub.seen().iter().filter(|seen| seen.method == "POST").map(|seen| seen.json()).collect();
    assert_eq!(bodies, [json!({}), json!({ "hosts": "failed" })]);
}

/// A server on which a request waits for review until it has been read a few times, over a restart of the server.
async fn reviewed(decision: &'static str, deployment_id: Option<i64>) -> Stub {
    Stub::start(move |seen, earlier| match (seen.route().as_str(), earlier) {
        (DEPLOY, _) => created(&request(7, "awaiting_review", None)),
        ("GET /api/v1/events", 0) => events(CHANGE),
        ("GET /api/v1/events", _) => one_change(),
        ("GET /api/v1/requests/7", 0) => json_response(StatusCode::OK, &request(7, "awaiting_review", None)),
        ("GET /api/v1/requests/7", 2) => json_response(StatusCode::OK, &request(7, "awaiting_release", None)),
        ("GET /api/v1/requests/7", 1) => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "starting"),
        ("GET /api/v1/requests/7", _) => json_response(StatusCode::OK, &request(7, decision, deployment_id)),
        ("GET /api/v1/deployments/12/logs/stream", _) => events("event: end\ndata: {\"state\":\"succeeded\"}\n\n"),
        ("GET /api/v1/deployments/12", _) => json_response(StatusCode::OK, &deployment(12, "succeeded", &[])),
        _ => not_found(),
    })
    .await
}

#[tokio::test]
async fn says_that_a_request_waits_for_review() {
    let stub = reviewed("releasing", Some(12)).await;
    let run = stub.davit(&["deploy", "shop", "production"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "request 7\n"));
    assert!(run.stderr.contains("waits for review (0 of 1 approvals): davit request approve 7"), "{}", run.stderr);
}

#[tokio::test]
async fn follow_waits_for_review_over_a_restart() {
    let stub = reviewed("releasing", Some(12)).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow", "--json"]).await;
    assert_eq!((run.code, run.json()["deployment"].as_i64()), (0, Some(12)), "{}", run.stderr);
    let waits: Vec<_> =
        run.stderr.lines().filter_map(|line| line.split_once(" waits ")).map(|(_, what)| what).collect();
    let expected =
        ["for review (0 of 1 approvals): davit request approve 7", "to be released: davit request release 7"];
    assert_eq!(waits, expected);
}

#[tokio::test]
async fn a_rejected_request_ends_the_waiting() {
    let stub = reviewed("rejected", None).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow", "--json"]).await;
    let expected = json!({ "deployment": null, "request": 7, "state": "rejected", "release": null, "commit": COMMIT, "hosts": [] });
    assert_eq!((run.code, run.json()), (1, expected));
    assert!(run.stderr.contains("try: davit request show 7"), "{}", run.stderr);
}

#[tokio::test]
async fn an_unknown_app_says_where_to_look() {
    let stub = Stub::routes(vec![]).await;
    let run = stub.davit(&["deploy", "shop", "production"]).await;
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("try: davit status"), "{}", run.stderr);
}
