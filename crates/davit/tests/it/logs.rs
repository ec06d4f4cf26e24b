//! `davit logs`: no line lost, none doubled, whatever happens to the connection.

use crate::stub::{Stub, deployment, events, json_response, line, line_event, not_found};
use axum::body::Body;
use axum::http::StatusCode;
use futures::{StreamExt, stream};
use serde_json::json;
use std::io;

const STREAM: &str = "GET /api/v1/deployments/12/logs/stream";

/// A deployment whose stream breaks in the middle of line 3, answers an outage with 503 and a closed connection, and
/// then goes on with line 2 again.
async fn breaking(end: &'static str) -> Stub {
    Stub::start(move |seen, earlier| match (seen.route().as_str(), earlier) {
        (STREAM, 0) => {
            let start = [
                format!("event: state\ndata: {}\n\n", deployment(12, "staging", &[("web-1", "staging")])),
                line_event(1, None, "one"),
                line_event(2, Some("web-1"), "two"),
            ];
            let cut = "id: 3\nevent: line\ndata: {\"seq\":3,\"at\":\"2026".to_owned();
            let parts = stream::iter(start.into_iter().chain([cut]).map(Ok));
            // What is written goes out while the body is not ready; then the connection breaks.
            let broken = stream::once(async {
                tokio::task::yield_now().await;
                Err(io::Error::other("cut"))
            });
            events(Body::from_stream(parts.chain(broken)))
        }
        (STREAM, 1) => json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({})),
        (STREAM, 2) => events(": starting\n\n"),
        (STREAM, _) => {
            let parts = [
                line_event(2, Some("web-1"), "two"),
                line_event(3, Some("web-2"), "three"),
                line_event(4, Some("web-1"), "four\u{1b}[2J"),
                format!("event: end\ndata: {{\"state\":\"{end}\"}}\n\n"),
            ];
            events(parts.concat())
        }
        ("GET /api/v1/deployments/12", _) => json_response(StatusCode::OK, &deployment(12, end, &[("web-1", "done")])),
        _ => not_found(),
    })
    .await
}

#[tokio::test]
async fn goes_on_where_the_connection_broke() {
    let stub = breaking("succeeded").await;
    let run = stub.davit(&["logs", "-f", "12"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "12:00:01 server 5| one\n12:00:02 web-1 5| two\n12:00:03 web-2 5| three\n12:00:04 web-1 5| four\n"
    );
    let resumed: Vec<_> = stub.seen().iter().map(|seen| seen.header("last-event-id").map(str::to_owned)).collect();
    let two = Some("2".to_owned());
    assert_eq!(resumed, [None, two.clone(), two.clone(), two, None]);
}

#[tokio::test]
async fn json_is_a_line_of_the_api_a_line() {
    let stub = breaking("succeeded").await;
    let run = stub.davit(&["logs", "-f", "12", "--json"]).await;
    let lines = run.json_lines();
    assert_eq!(lines.iter().map(|line| line["seq"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(lines[3], line(4, Some("web-1"), "four\u{1b}[2J"));
}

#[tokio::test]
async fn a_failed_deployment_is_a_failure_with_its_reason() {
    let stub = breaking("failed").await;
    let run = stub.davit(&["logs", "--follow", "12", "--host", "web-1"]).await;
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, "12:00:02 web-1 5| two\n12:00:04 web-1 5| four\n");
    assert!(run.stderr.contains("deployment 12 ended as failed: web-2: step 5: disk full"), "{}", run.stderr);
    assert!(run.stderr.contains("try: davit request show 7"), "{}", run.stderr);
}

#[tokio::test]
async fn an_answer_that_says_no_ends_the_following() {
    let stub = Stub::start(|seen, earlier| match (seen.route().as_str(), earlier) {
        (STREAM, 0) => events(line_event(1, None, "one")),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["logs", "-f", "12"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (4, "12:00:01 server 5| one\n"));
}

/// A log of four lines, two in an answer.
async fn stored() -> Stub {
    Stub::start(|seen, _| {
        let lines = [
            line(1, None, "one"),
            line(2, Some("web-1"), "two"),
            line(3, Some("web-2"), "three"),
            line(4, Some("web-1"), "four"),
        ];
        let query = |name: &str| {
            let query = seen.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        let after: u64 = query("after").expect("asks for a place").parse().expect("a number");
        let host = query("host");
        let wanted = lines.into_iter().filter(|line| {
            line["seq"].as_u64() > Some(after) && host.as_deref().is_none_or(|host| line["host"].as_str() == Some(host))
        });
        json_response(StatusCode::OK, &json!({ "items": wanted.take(2).collect::<Vec<_>>(), "last_seq": 4 }))
    })
    .await
}

#[tokio::test]
async fn prints_what_is_stored_part_by_part() {
    let stub = stored().await;
    let run = stub.davit(&["logs", "12"]).await;
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout.lines().count(), 4);
    assert_eq!(stub.asked(), ["GET /api/v1/deployments/12/logs"; 2]);
}

#[tokio::test]
async fn prints_a_host_and_the_newest_lines() {
    let stub = stored().await;
    let run = stub.davit(&["logs", "12", "--host", "web-1"]).await;
    assert_eq!(run.stdout, "12:00:02 web-1 5| two\n12:00:04 web-1 5| four\n");
    let run = stub.davit(&["logs", "12", "--limit", "1"]).await;
    assert_eq!(run.stdout, "12:00:04 web-1 5| four\n");
}
