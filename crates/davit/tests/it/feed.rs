//! The feed on the command line, and whether it is whole, on a real data directory.

use crate::process::Site;
use crate::stub::{Stub, json_response, not_found};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::process::Output;

fn entry(id: i64, subject: &str) -> Value {
    json!({ "id": id, "at": "2026-01-31T12:00:00.000Z", "actor": "ana", "origin": "192.0.2.7", "action": "locked",
            "subject": subject, "app": "shop", "environment": "production", "detail": null, "sealed": true,
            "position": id })
}

#[tokio::test]
async fn the_feed_is_listed_and_taken_away() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "GET /api/v1/feed" => {
            json_response(StatusCode::OK, &json!({ "items": [entry(2, "b\u{1b}[31m"), entry(1, "a")], "next": null }))
        }
        "GET /api/v1/feed/export" => ([(header::CONTENT_TYPE, "text/csv")], "id,at\n1,2\n").into_response(),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["feed", "--actor", "ana", "--search", "a b", "--from", "2026-01-01"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("192.0.2.7") && run.stdout.contains("shop in production"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "what comes from elsewhere is shown as it is");
    let asked = stub.seen()[0].target.clone();
    assert!(asked.contains("actor=ana") && asked.contains("q=a+b") && asked.contains("from=2026-01-01"), "{asked}");
    let run = stub.davit(&["feed", "--json"]).await;
    assert_eq!(run.json()["items"][1]["position"], 1, "nothing that the server says is left out");

    let run = stub.davit(&["feed", "export", "--format", "csv", "--app", "shop"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "id,at\n1,2\n"), "{}", run.stderr);
    let file = stub.home().join("feed.csv");
    let into = file.to_str().expect("UTF-8");
    assert_eq!(stub.davit(&["feed", "export", "--output", into]).await.code, 0);
    assert_eq!(std::fs::read_to_string(&file).expect("is there"), "id,at\n1,2\n");
    assert_eq!(stub.davit(&["feed", "export", "--output", into]).await.code, 1, "nothing is written over");
    assert_eq!(stub.davit(&["feed", "--limit", "0"]).await.code, 2);
}

#[tokio::test]
async fn a_feed_is_verified_without_a_server_and_beside_one() {
    let site = Site::new(None).await;
    let verify = async |arguments: &[&str]| -> Output {
        site.davit("data", &[&["admin", "verify-feed"], arguments].concat()).output().await.expect("davit starts")
    };
    let json = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).expect("JSON");
    let empty = verify(&["--json"]).await;
    assert_eq!((empty.status.code(), &json(&empty)["whole"]), (Some(0), &json!(true)), "{empty:?}");

    let server = site.serve().await;
    let found = verify(&["--json"]).await;
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    drop(server);
    let text = verify(&[]).await;
    assert!(String::from_utf8_lossy(&text.stdout).contains("as davit wrote it"), "{text:?}");
    let seal = "00".repeat(32);
    let cut = verify(&["--expect", &format!("4711:{seal}")]).await;
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
    let said = String::from_utf8_lossy(&cut.stdout).into_owned();
    assert!(said.contains("cut") && said.contains("4711") && said.contains("NOT"), "{said}");
    assert_eq!(verify(&["--expect", "the end"]).await.status.code(), Some(2));
}
