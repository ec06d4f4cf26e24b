//! `davit changes …`.

use crate::stub::{Stub, json_response, not_found};
use axum::http::StatusCode;
use serde_json::{Value, json};

fn change(id: i64, state: &str, holds: &[&str]) -> Value {
    let holds: Vec<_> = holds.iter().map(|sentence| json!({ "code": "red", "sentence": sentence })).collect();
    json!({
        "id": id, "forge": "github", "repository": "acme/shop", "number": 40 + id, "title": "Sell tea", "author": "ann",
        "url": "https://github.com/acme/shop/pull/41", "head_sha": "0123456789abcdef", "head_branch": "tea",
        "base_branch": "main", "from_fork": false, "draft": false, "state": state, "labels": [], "approvals": 0,
        "asked": null, "holds": holds, "ready": holds.is_empty(), "updated_at": "2026-01-31T12:00:00.000Z"
    })
}

#[tokio::test]
async fn changes_are_a_table_that_says_what_holds_them() {
    let items = json!({
        "items": [
            change(3, "open", &["build is not green: failure", "it is a draft"]),
            change(2, "open", &[]),
            change(1, "merged", &["build is not green: failure"]),
        ],
        "next": null
    });
    let stub = Stub::routes(vec![("GET /api/v1/changes", items)]).await;
    let listed = stub.davit(&["changes", "list", "--state", "all", "--repository", "acme/shop"]).await;
    assert_eq!(
        listed.stdout,
        "ID  STATE   REPOSITORY  NUMBER  INTO  BY   TITLE     HELD BY\n\
         3   open    acme/shop   43      main  ann  Sell tea  build is not green: failure, and 1 more\n\
         2   open    acme/shop   42      main  ann  Sell tea\n\
         1   merged  acme/shop   41      main  ann  Sell tea\n"
    );
    assert_eq!(stub.seen()[0].target, "/api/v1/changes?repository=acme%2Fshop&state=all&limit=50");
    assert_eq!(stub.davit(&["changes", "list", "--json"]).await.json()["items"][0]["id"], 3);
}

#[tokio::test]
async fn a_change_says_why_it_is_not_merged() {
    let check = json!({ "name": "build", "state": "failure", "description": null, "target_url": null });
    let detail =
        json!({ "change": change(3, "open", &["build is not green: failure"]), "checks": [check], "runs": [] });
    let stub = Stub::routes(vec![("GET /api/v1/changes/3", detail)]).await;
    let shown = stub.davit(&["changes", "show", "3"]).await;
    assert_eq!(
        shown.stdout,
        "change 3 open: Sell tea\n\
         \x20 acme/shop #43 by ann, 0123456789 into main\n\
         \x20 https://github.com/acme/shop/pull/41\n\
         \x20 - build is not green: failure\n\
         STATE    CHECK\n\
         failure  build\n"
    );
    let missing = stub.davit(&["changes", "show", "4"]).await;
    assert_eq!(missing.code, 4);
    assert!(missing.stderr.contains("davit changes list"), "{}", missing.stderr);
}

#[tokio::test]
async fn a_merge_is_asked_for_and_taken_back() {
    let detail = json!({ "change": change(3, "open", &["nobody has asked"]), "checks": [], "runs": [] });
    let stub = Stub::start(move |seen, _| match seen.route().as_str() {
        "GET /api/v1/changes/3" => json_response(StatusCode::OK, &detail),
        "POST /api/v1/changes/3/merge" => json_response(StatusCode::OK, &change(3, "open", &[])),
        "DELETE /api/v1/changes/3/merge" => json_response(StatusCode::OK, &change(3, "open", &["nobody has asked"])),
        _ => not_found(),
    })
    .await;
    let asked = stub.davit(&["changes", "merge", "3"]).await;
    assert_eq!((asked.code, asked.stdout.lines().last()), (0, Some("  nothing holds it up")));
    assert!(asked.stdout.contains("0123456789 into main"), "{}", asked.stdout);
    assert_eq!(stub.davit(&["changes", "merge", "3", "--head", "abc"]).await.code, 0);
    let posted = stub.seen().into_iter().filter(|seen| seen.method == "POST");
    let sent: Vec<_> = posted.map(|seen| seen.json()).collect();
    assert_eq!(sent, [json!({ "head_sha": "0123456789abcdef" }), json!({ "head_sha": "abc" })]);
    let withdrawn = stub.davit(&["changes", "merge", "3", "--withdraw", "--json"]).await.json();
    assert_eq!(withdrawn["holds"][0]["sentence"], "nobody has asked");
    let (read, post) = ("GET /api/v1/changes/3", "POST /api/v1/changes/3/merge");
    assert_eq!(stub.asked(), [read, post, post, "DELETE /api/v1/changes/3/merge"]);
}
