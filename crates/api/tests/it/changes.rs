//! Changes as people see them over HTTP: lists, what holds one up, and asking for its merge. What follows from that is
//! in [`merge_gate`](crate::merge_gate).

use crate::merge_support::{Merging, REPOSITORY};
use crate::schema;
use davit_domain::access::Role;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState::{Pending, Success};
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

async fn get(merging: &Merging, path: &str) -> Value {
    let answer = merging.app.get(path).await;
    schema::check(path, &answer);
    answer
}

async fn numbers(merging: &Merging, query: &str) -> Vec<i64> {
    let page = get(merging, &format!("/changes?{query}")).await;
    page["items"].as_array().unwrap().iter().map(|change| change["number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_change_says_what_holds_it_up_and_is_merged_on_request() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "required = [\"build\"]").await;
    let head = merging.open(1, "new.html", "new").await;
    merging.check(&head, "build", Pending).await;
    merging.until_held(1, &["not_asked", "pending"]).await;
    let id = merging.change(1).await.unwrap().id;
    let path = format!("/changes/{id}");
    let shown = get(&merging, &path).await;
    let change = &shown["change"];
    assert_eq!(
        (&change["number"], &change["repository"], &change["ready"]),
        (&json!(1), &json!(REPOSITORY), &json!(false))
    );
    let pending = json!({ "code": "pending", "context": "build", "sentence": "build has not ended yet" });
    assert_eq!(change["holds"][1], pending);
    let check = &shown["checks"][0];
    assert_eq!(
        (&check["name"], &check["state"], &check["is_davit"]),
        (&json!("build"), &json!("pending"), &json!(false))
    );
    let policy = json!({
        "required": ["build"], "approvals": 0, "label": "merge", "by": ["label", "comment", "forge", "ui"],
        "method": "merge", "queue": false,
    });
    assert_eq!((&shown["policy"], &shown["queue"]), (&policy, &json!([])));
    let (_, for_developer) = merging.app.call(Role::Developer, Method::GET, &path, None).await;
    assert_eq!(for_developer["allowed"], json!({ "merge": false, "refresh": true }));
    assert_eq!(shown["allowed"]["merge"], true);

    let merge = format!("{path}/merge");
    let post = async |head: &str| {
        merging.app.call(Role::Reviewer, Method::POST, &merge, Some(json!({ "head_sha": head }))).await
    };
    let withdraw = async || merging.app.call(Role::Reviewer, Method::DELETE, &merge, None).await;
    assert_eq!(withdraw().await.0, 409, "nobody has asked");
    assert_eq!(post("main").await.0, 422);
    let (status, asked) = post(head.as_str()).await;
    assert_eq!((status, &asked["asked"]["how"], &asked["asked"]["by"]), (200, &json!("ui"), &json!("reviewer")));
    merging.until_held(1, &["pending"]).await;
    let (status, withdrawn) = withdraw().await;
    assert_eq!((status, &withdrawn["asked"]), (200, &Value::Null));
    merging.until_held(1, &["not_asked", "pending"]).await;
    assert_eq!(post(head.as_str()).await.0, 200);
    merging.check(&head, "build", Success).await;
    merging.until_merged(1).await;
    let merged = get(&merging, &path).await;
    assert_eq!((&merged["change"]["state"], &merged["change"]["holds"]), (&json!("merged"), &json!([])));
    assert_eq!(merged["allowed"]["merge"], false);
    assert_eq!(post(head.as_str()).await.0, 409, "it is merged");
    merging.finish().await;
}

#[tokio::test]
async fn a_commit_that_nobody_looked_at_is_not_asked_for() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "").await;
    let seen = merging.open(1, "new.html", "new").await;
    let head = merging.commit("change-1", "new.html", "newer");
    merging.app.forge.move_head(REPOSITORY, 1, &head);
    merging.tell(1, &head, "synchronize").await;
    let path = format!("/changes/{}/merge", merging.change(1).await.unwrap().id);
    let ask = async |head: &CommitSha| {
        merging.app.call(Role::Reviewer, Method::POST, &path, Some(json!({ "head_sha": head }))).await
    };
    let (status, problem) = ask(&seen).await;
    let sentence = format!("#1 moved on to {}: look at it again, then ask", head.short());
    assert_eq!((status, &problem["detail"]), (409, &json!(sentence)), "{problem}");
    assert_eq!(merging.change(1).await.unwrap().asked, None);
    assert_eq!(ask(&head).await.0, 200);
    merging.finish().await;
}

#[tokio::test]
async fn changes_are_listed_and_filtered() {
    let merging = Merging::start(ForgeKind::Github, Database::Postgres, "").await;
    for number in 1..4 {
        merging.open(number, "new.html", &format!("new {number}")).await;
    }
    let head = merging.change(2).await.unwrap().row.head;
    merging.app.forge.give_up_change(REPOSITORY, 2);
    merging.tell(2, &head, "closed").await;
    assert_eq!(numbers(&merging, "").await, [3, 1]);
    assert_eq!(numbers(&merging, "state=all").await, [3, 2, 1]);
    assert_eq!(numbers(&merging, "state=closed").await, [2]);
    assert_eq!(numbers(&merging, "state=all&number=2").await, [2]);
    assert_eq!(numbers(&merging, "repository=ACME/Shop").await, [3, 1]);
    assert_eq!(numbers(&merging, "repository=acme/none").await, [0; 0]);
    assert_eq!(numbers(&merging, "limit=1").await, [3]);
    let cursor = get(&merging, "/changes?limit=1").await["next"].as_str().unwrap().to_owned();
    assert_eq!(numbers(&merging, &format!("limit=1&cursor={cursor}")).await, [1]);
    let (status, problem) = merging.app.call(Role::Viewer, Method::GET, "/changes?state=done", None).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid")));
    merging.finish().await;
}

#[tokio::test]
async fn a_change_is_asked_about_again() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "by = [\"label\"]").await;
    merging.open(1, "new.html", "new").await;
    let id = merging.change(1).await.unwrap().id;
    let before = merging.change(1).await.unwrap().refreshed_at;
    merging.app.advance(std::time::Duration::from_secs(1));
    let (status, _) = merging.app.call(Role::Developer, Method::POST, &format!("/changes/{id}/refresh"), None).await;
    assert_eq!(status, 200);
    merging.app.settle().await;
    assert!(merging.change(1).await.unwrap().refreshed_at > before);
    let shown = get(&merging, &format!("/changes/{id}")).await;
    assert_eq!(shown["allowed"]["merge"], false, "only a label asks here");
    let body = json!({ "head_sha": shown["change"]["head_sha"] });
    let (status, _) = merging.app.call(Role::Admin, Method::POST, &format!("/changes/{id}/merge"), Some(body)).await;
    assert_eq!(status, 422);
    merging.finish().await;
}
