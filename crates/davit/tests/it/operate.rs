//! Deployments that stand still: following them, and what a person does about them.

use crate::stub::{Stub, deployment, events, json_response, not_found, request};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::io;

const DEPLOY: &str = "POST /api/v1/apps/shop/environments/production/deploy";
const STREAM: &str = "GET /api/v1/deployments/12/logs/stream";

fn ok(value: &Value) -> Response {
    json_response(StatusCode::OK, value)
}

fn paused(pause: &Value) -> Value {
    let mut paused = deployment(12, "paused", &[("web-1", "done"), ("web-2", "waiting")]);
    paused["pause"] = pause.clone();
    paused["batches"] = json!(2);
    paused["host_runs"][0]["batch"] = json!(1);
    paused["host_runs"][1]["batch"] = json!(2);
    paused
}

fn blocked() -> Value {
    let mut blocked = deployment(12, "queued", &[("web-1", "waiting")]);
    blocked["blocked"] = json!("production is locked by ann: stock-taking");
    blocked
}

fn state(deployment: &Value) -> String {
    format!("event: state\ndata: {deployment}\n\n")
}

/// A deployment that stands still, twice the same, and then goes on to its end.
async fn goes_on(still: Value) -> Stub {
    let done = deployment(12, "succeeded", &[("web-1", "done"), ("web-2", "done")]);
    Stub::start(move |seen, _| match seen.route().as_str() {
        DEPLOY => json_response(StatusCode::CREATED, &request(7, "releasing", Some(12))),
        STREAM => events([state(&still), state(&still), state(&done), "event: end\ndata: {}\n\n".into()].concat()),
        "GET /api/v1/deployments/12" => ok(&done),
        _ => not_found(),
    })
    .await
}

/// A deployment that stands still for ever.
async fn stands(still: Value) -> Stub {
    Stub::start(move |seen, _| match seen.route().as_str() {
        DEPLOY => json_response(StatusCode::CREATED, &request(7, "releasing", Some(12))),
        STREAM => {
            let first = stream::iter([Ok::<_, io::Error>(state(&still))]);
            events(Body::from_stream(first.chain(stream::pending())))
        }
        "GET /api/v1/deployments/12" => ok(&still),
        _ => not_found(),
    })
    .await
}

#[tokio::test]
async fn follow_says_once_what_a_deployment_waits_for() {
    let at = "2026-01-31T12:30:00.000Z";
    for (still, sentence) in [
        (paused(&json!({ "kind": "confirm", "next_batch": 2 })), "waits before batch 2 of 2: davit continue 12"),
        (paused(&json!({ "kind": "until", "next_batch": 2, "at": at })), "goes on with batch 2 of 2 at 12:30:00 UTC"),
        (paused(&json!({ "kind": "held", "reason": "web-1: step 6: no" })), "is held: web-1: step 6: no."),
        (blocked(), "waits: production is locked by ann: stock-taking. If it can't: davit override 12"),
    ] {
        let stub = goes_on(still).await;
        let run = stub.davit(&["deploy", "shop", "production", "--follow", "--json"]).await;
        assert_eq!((run.code, run.json()["state"].as_str()), (0, Some("succeeded")), "{}", run.stderr);
        assert_eq!(run.stderr.matches(sentence).count(), 1, "{sentence}: {}", run.stderr);
    }
}

#[tokio::test]
async fn follow_names_the_batch_of_each_host() {
    let stub = goes_on(paused(&json!({ "kind": "confirm", "next_batch": 2 }))).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow"]).await;
    assert!(run.stderr.contains("web-1 (1/2): done\nweb-2 (2/2): waiting\n"), "{}", run.stderr);
}

#[tokio::test]
async fn no_wait_ends_where_a_person_is_needed() {
    for (still, state) in [(paused(&json!({ "kind": "confirm", "next_batch": 2 })), "paused"), (blocked(), "queued")] {
        let stub = stands(still).await;
        let args = ["deploy", "shop", "production", "--follow", "--no-wait", "--json"];
        let run = stub.davit(&args).await;
        assert_eq!((run.code, run.json()["state"].as_str()), (0, Some(state)), "{}", run.stderr);
        let run = stub.davit(&args[..5]).await;
        assert_eq!((run.code, run.stdout), (0, format!("deployment 12 {state}\n")));
    }
    let stub = Stub::routes(vec![(DEPLOY, request(7, "awaiting_review", None))]).await;
    let run = stub.davit(&["deploy", "shop", "production", "--follow", "--no-wait", "--json"]).await;
    assert_eq!((run.code, run.json()["state"].as_str()), (0, Some("awaiting_review")), "{}", run.stderr);
    assert_eq!(stub.davit(&["deploy", "shop", "production", "--no-wait"]).await.code, 2, "it goes with --follow");
}

#[tokio::test]
async fn each_decision_sends_what_it_means() {
    let stub = Stub::start(|seen, _| match seen.method.as_str() {
        "POST" => ok(&deployment(12, "switching", &[])),
        _ => not_found(),
    })
    .await;
    let path = "/api/v1/deployments/12";
    for (args, target, body) in [
        (&["continue", "12"][..], format!("{path}/continue"), json!({})),
        (&["revert", "12", "--reason", "no"], format!("{path}/revert"), json!({ "reason": "no" })),
        (&["revert", "12"], format!("{path}/revert"), json!({ "reason": "" })),
        (&["override", "12", "--reason", "now"], format!("{path}/override"), json!({ "reason": "now" })),
        (&["deployment", "retry-host", "12", "a b"], format!("{path}/hosts/a%20b/retry"), json!({})),
        (
            &["deployment", "skip-host", "12", "web-1", "--reason", "gone"],
            format!("{path}/hosts/web-1/skip"),
            json!({ "reason": "gone" }),
        ),
    ] {
        let run = stub.davit(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (0, "deployment 12 switching\n"), "{args:?}: {}", run.stderr);
        let seen = stub.seen().pop().expect("a request");
        assert_eq!((seen.target.as_str(), seen.json()), (target.as_str(), body));
        let json = stub.davit(&[args, &["--json"]].concat()).await;
        assert_eq!(json.json()["id"], 12, "{args:?}");
    }
    assert_eq!(stub.davit(&["override", "12"]).await.code, 2, "an override needs a reason");
}

#[tokio::test]
async fn a_decision_can_be_followed() {
    let done = deployment(12, "reverted", &[("web-1", "reverted")]);
    let stub = Stub::start(move |seen, _| match seen.route().as_str() {
        "POST /api/v1/deployments/12/revert" => ok(&deployment(12, "reverting", &[])),
        STREAM => events([state(&done), "event: end\ndata: {}\n\n".into()].concat()),
        "GET /api/v1/deployments/12" => ok(&done),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["revert", "12", "--follow", "--json"]).await;
    assert_eq!((run.code, run.json()["state"].as_str()), (1, Some("reverted")));
}

#[tokio::test]
async fn a_deployment_is_shown_host_by_host() {
    let mut held = paused(&json!({ "kind": "held", "reason": "web-1: step 6: no" }));
    held["host_runs"][0]["state"] = json!("held");
    held["host_runs"][0]["reason"] = json!("step 6: no");
    let stub = Stub::routes(vec![("GET /api/v1/deployments/12", held)]).await;
    let run = stub.davit(&["deployment", "show", "12"]).await;
    let table = "HOST   BATCH  STATE    REASON\nweb-1  1      held     step 6: no\nweb-2  2      waiting\n";
    assert_eq!(run.stdout, format!("deployment 12 of shop to production paused\n{table}"), "{}", run.stderr);
    assert!(run.stderr.contains("davit deployment retry-host 12 HOST"), "{}", run.stderr);
    assert_eq!(stub.davit(&["deployment", "show", "13"]).await.code, 4);
}

#[tokio::test]
async fn builds_and_inputs_are_asked_for() {
    let stub = Stub::routes(vec![(DEPLOY, request(7, "releasing", Some(12)))]).await;
    let args = ["deploy", "shop", "production", "--build", "4", "--input", "A=1", "--input", "B=x=y"];
    assert_eq!(stub.davit(&args).await.code, 0);
    assert_eq!(stub.seen()[0].json(), json!({ "build": 4, "inputs": { "A": "1", "B": "x=y" } }));
    for bad in [&["--build", "4", "--ref", "main"][..], &["--build", "4", "--commit", "abc"], &["--input", "A"]] {
        let run = stub.davit(&[&["deploy", "shop", "production"], bad].concat()).await;
        assert_eq!(run.code, 2, "{bad:?}");
    }
}
