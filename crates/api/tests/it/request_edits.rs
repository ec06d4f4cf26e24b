//! What is edited after an approval is not approved, and whose word counts for how long.

use crate::shop::{Kind, REPOSITORY, Shop};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DEPLOY: &str = "/apps/shop/environments/production/deploy";
const ONE_EYE: &str = "review = { required = 1 }";

async fn reviewed(database: Database, review: &str) -> Shop {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production(review, ""))).await;
    shop
}

async fn ask(shop: &Shop, body: Value) -> Value {
    let (status, request) = shop.app.call(Role::Developer, Method::POST, DEPLOY, Some(body)).await;
    assert_eq!(status, 201, "{request}");
    request
}

async fn say(shop: &Shop, role: Role, id: &Value, what: &str, body: Value) -> (u16, Value) {
    shop.app.call(role, Method::POST, &format!("/requests/{id}/{what}"), Some(body)).await
}

async fn edit(shop: &Shop, role: Role, id: &Value, body: Value) -> (u16, Value) {
    shop.app.call(role, Method::PATCH, &format!("/requests/{id}"), Some(body)).await
}

#[tokio::test]
async fn an_edit_voids_what_was_approved_and_says_what_changed() {
    let shop = reviewed(Database::Sqlite, ONE_EYE).await;
    let request = ask(&shop, json!({ "title": "one", "description": "first" })).await;
    assert_eq!((&request["version"], &request["description"]), (&json!(1), &json!("first")));
    let id = &request["id"];
    let said = json!({ "version": 1, "reason": "looks right" });
    let (status, approved) = say(&shop, Role::Reviewer, id, "approve", said).await;
    assert_eq!((status, &approved["state"]), (200, &json!("awaiting_release")), "{approved}");
    assert_eq!(approved["reviews"][0]["reason"], "looks right");
    assert_eq!(approved["approvals"][0]["user"], "reviewer");

    let other = shop.commit("two");
    let (status, edited) = edit(&shop, Role::Developer, id, json!({ "commit": other, "title": "two" })).await;
    assert_eq!((status, &edited["state"], &edited["version"]), (200, &json!("awaiting_review"), &json!(2)), "{edited}");
    assert_eq!((&edited["commit"], &edited["approvals"]), (&json!(other), &json!([])), "{edited}");
    assert_eq!((&edited["reviews"][0]["version"], &edited["reviews"][0]["void"]), (&json!(1), &json!(true)));
    assert_eq!(say(&shop, Role::Releaser, id, "release", json!({})).await.0, 409);

    // Who looked at the first version does not approve the second by it.
    let (status, problem) = say(&shop, Role::Reviewer, id, "approve", json!({ "version": 1 })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    let (status, problem) = say(&shop, Role::Reviewer, id, "reject", json!({ "version": 1, "reason": "no" })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    let (status, problem) = edit(&shop, Role::Developer, id, json!({ "version": 1, "title": "x" })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    assert_eq!(say(&shop, Role::Reviewer, id, "approve", json!({ "version": 2 })).await.0, 200);

    // Nothing becomes another: nothing happens.
    let (status, same) = edit(&shop, Role::Developer, id, json!({ "title": "two", "commit": other })).await;
    assert_eq!((status, &same["state"], &same["version"]), (200, &json!("awaiting_release"), &json!(2)), "{same}");
    let (_, released) = say(&shop, Role::Releaser, id, "release", json!({})).await;
    let deployment = shop.ended(released["deployment"].as_i64().unwrap()).await;
    assert_eq!(deployment["commit"], json!(other), "{deployment}");
    let (status, problem) = edit(&shop, Role::Developer, id, json!({ "title": "x" })).await;
    assert_eq!(status, 409, "{problem}");
    let feed = shop.app.engine().store().feed(None, 100).await.unwrap();
    let entry = feed.iter().find(|entry| entry.entry.action == "request_edited").unwrap();
    assert_eq!(entry.entry.detail["before"]["title"], "one");
    assert_eq!(entry.entry.detail["after"]["title"], "two");
    shop.finish().await;
}

#[tokio::test]
async fn an_edit_holds_what_a_new_request_holds() {
    let shop = reviewed(Database::Sqlite, "review = { required = 1 }\nbranches = [\"main\"]").await;
    shop.repo.git(&["checkout", "--quiet", "-b", "other"]);
    let stray = shop.repo.commit("Stray", &[("x", "x")]);
    shop.repo.git(&["checkout", "--quiet", "main"]);
    shop.app.publish(&shop.repo, REPOSITORY);
    let request = ask(&shop, json!({})).await;
    let id = &request["id"];
    for (body, status) in [
        (json!({ "ref": "other" }), 422),
        (json!({ "commit": stray }), 422),
        (json!({ "ref": "main", "commit": stray }), 422),
        (json!({ "ref": "nowhere" }), 422),
        (json!({ "build": 4711 }), 404),
        (json!({ "hosts": ["nobody"] }), 422),
        (json!({ "inputs": { "X": "y" } }), 422),
        (json!({ "build": 1, "ref": "main" }), 422),
        (json!({ "colour": "red" }), 422),
    ] {
        let (got, problem) = edit(&shop, Role::Developer, id, body.clone()).await;
        assert_eq!(got, status, "{body}: {problem}");
    }
    assert_eq!(edit(&shop, Role::Reviewer, id, json!({ "title": "mine now" })).await.0, 403);
    assert_eq!(edit(&shop, Role::Operator, id, json!({ "title": "mine now" })).await.0, 403);
    assert_eq!(edit(&shop, Role::Admin, id, json!({ "title": "An administrator's" })).await.0, 200);
    let first = request["commit"].clone();
    shop.commit("Newer");
    let (status, named) = edit(&shop, Role::Developer, id, json!({ "ref": "main", "commit": first })).await;
    assert_eq!((status, &named["git_ref"], &named["commit"]), (200, &json!("refs/heads/main"), &first), "{named}");
    shop.finish().await;
}

#[tokio::test]
async fn who_edits_does_not_approve_and_ends_what_others_scheduled() {
    let shop = reviewed(Database::Sqlite, ONE_EYE).await;
    let request = ask(&shop, json!({})).await;
    let id = &request["id"];
    let at = shop.app.engine().now().plus(Duration::from_secs(600)).to_string();
    let (status, scheduled) = edit(&shop, Role::Releaser, id, json!({ "scheduled_at": at })).await;
    assert_eq!((status, &scheduled["scheduled_at"]), (200, &json!(at)), "{scheduled}");
    // What is as it was needs no right of its own: a form sends everything.
    let (status, same) = edit(&shop, Role::Developer, id, json!({ "scheduled_at": at })).await;
    assert_eq!((status, &same["scheduled_at"]), (200, &json!(at)), "{same}");
    let (status, edited) = edit(&shop, Role::Admin, id, json!({ "title": "An administrator's" })).await;
    assert_eq!((status, &edited["scheduled_at"]), (200, &Value::Null), "it is not what was scheduled: {edited}");
    assert_eq!(edited["editors"], json!(["admin"]));
    let (status, problem) = say(&shop, Role::Admin, id, "approve", json!({})).await;
    assert_eq!(status, 403, "{problem}");
    let (_, seen) = shop.app.call(Role::Admin, Method::GET, &format!("/requests/{id}"), None).await;
    assert_eq!(seen["allowed"]["approve"], json!(false), "{seen}");
    assert_eq!(say(&shop, Role::Reviewer, id, "approve", json!({})).await.0, 200);
    // Who lets out what they have not seen is told so.
    let (status, problem) = say(&shop, Role::Releaser, id, "release", json!({ "version": 1 })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn what_goes_out_is_the_config_that_was_approved_until_somebody_takes_the_latest() {
    let shop = reviewed(Database::Sqlite, ONE_EYE).await;
    let hook = |word: &str| format!("hooks.before_release = 'echo {word} > word'");
    shop.configure(&shop.document(&shop.production(ONE_EYE, &hook("old")))).await;
    let (first, second) = (ask(&shop, json!({})).await, ask(&shop, json!({})).await);
    for request in [&first, &second] {
        assert_eq!(say(&shop, Role::Reviewer, &request["id"], "approve", json!({})).await.0, 200);
    }
    shop.configure(&shop.document(&shop.production(ONE_EYE, &hook("new")))).await;
    let now = shop.get(&format!("/requests/{}", first["id"])).await;
    assert_eq!(now["latest_revision"].as_i64(), now["revision"].as_i64().map(|number| number + 1), "{now}");
    assert_eq!(now["state"], "awaiting_release", "what was approved is approved");
    let (_, released) = say(&shop, Role::Releaser, &first["id"], "release", json!({})).await;
    shop.ended(released["deployment"].as_i64().unwrap()).await;
    assert_eq!(shop.hosts[0].read("word").as_deref(), Some("old\n"));

    let (status, edited) = edit(&shop, Role::Developer, &second["id"], json!({ "latest_config": true })).await;
    assert_eq!((status, &edited["state"]), (200, &json!("awaiting_review")), "{edited}");
    assert_eq!(edited["revision"], edited["latest_revision"]);
    assert_eq!(say(&shop, Role::Reviewer, &second["id"], "approve", json!({ "version": 2 })).await.0, 200);
    let (_, released) = say(&shop, Role::Releaser, &second["id"], "release", json!({})).await;
    shop.ended(released["deployment"].as_i64().unwrap()).await;
    assert_eq!(shop.hosts[0].read("word").as_deref(), Some("new\n"));
    shop.finish().await;
}

#[tokio::test]
async fn only_the_named_reviewers_count() {
    let shop =
        reviewed(Database::Sqlite, "review = { required = 1, reviewers = [\"operator\", \"group:leads\"] }").await;
    let engine = shop.app.engine();
    let (user, _) = engine.store().user_by_name("releaser").await.unwrap().unwrap();
    let mut tx = engine.store().begin().await.unwrap();
    let group = tx.create_group("leads", "", engine.now()).await.unwrap();
    tx.add_member(group.id, user.id, "local").await.unwrap();
    tx.commit().await.unwrap();
    let request = ask(&shop, json!({})).await;
    assert_eq!(request["review"]["reviewers"], json!(["operator", "group:leads"]));
    let id = &request["id"];
    for role in [Role::Reviewer, Role::Admin] {
        let (status, problem) = say(&shop, role, id, "approve", json!({})).await;
        assert_eq!(status, 403, "{problem}");
        assert_eq!(say(&shop, role, id, "reject", json!({ "reason": "no" })).await.0, 403);
    }
    let (_, seen) = shop.app.call(Role::Releaser, Method::GET, &format!("/requests/{id}"), None).await;
    assert_eq!(seen["allowed"]["approve"], json!(true), "{seen}");
    assert_eq!(say(&shop, Role::Releaser, id, "approve", json!({})).await.0, 200);
    let other = ask(&shop, json!({})).await;
    assert_eq!(say(&shop, Role::Operator, &other["id"], "approve", json!({})).await.0, 200);
    shop.finish().await;
}

#[tokio::test]
async fn somebody_at_the_forge_and_here_is_one_person() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production(ONE_EYE, "auto = { on = \"push\" }"))).await;
    let engine = shop.app.engine();
    let (user, _) = engine.store().user_by_name("reviewer").await.unwrap().unwrap();
    let mut tx = engine.store().begin().await.unwrap();
    tx.link_identity(user.id, "forge:github", "ada", "Ada", engine.now()).await.unwrap();
    tx.commit().await.unwrap();
    shop.push("Pushed by Ada").await;
    shop.app.settle().await;
    let request = shop.get("/requests/1").await;
    assert_eq!((&request["created_by"], &request["author"]), (&json!("ada@github"), &json!("reviewer")), "{request}");
    let (status, problem) = say(&shop, Role::Reviewer, &request["id"], "approve", json!({})).await;
    assert_eq!(status, 403, "{problem}");
    let (_, mine) = shop.app.call(Role::Reviewer, Method::GET, "/requests?mine=true", None).await;
    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "{mine}");
    assert_eq!(edit(&shop, Role::Reviewer, &request["id"], json!({ "title": "It is mine" })).await.0, 200);
    assert_eq!(say(&shop, Role::Releaser, &request["id"], "approve", json!({})).await.0, 200);
    shop.app.settle().await;
    assert_eq!(shop.get("/requests/1").await["state"], "succeeded");
    shop.finish().await;
}

async fn approvals_do_not_count_for_ever(database: Database) {
    let shop = reviewed(database, "review = { required = 2, expires = \"1h\" }").await;
    let request = ask(&shop, json!({})).await;
    let id = &request["id"];
    assert_eq!(say(&shop, Role::Reviewer, id, "approve", json!({})).await.0, 200);
    shop.app.advance(Duration::from_secs(1_800));
    let (_, approved) = say(&shop, Role::Releaser, id, "approve", json!({})).await;
    assert_eq!(approved["state"], "awaiting_release");
    assert!(approved["approvals_expire_at"].is_string(), "{approved}");
    shop.app.advance(Duration::from_secs(1_800));
    // Whether the reconciler or the release finds it first: nothing goes out.
    let (status, problem) = say(&shop, Role::Releaser, id, "release", json!({})).await;
    assert_eq!(status, 409, "{problem}");
    let now = shop.get(&format!("/requests/{id}")).await;
    assert_eq!(now["state"], "awaiting_review", "{now}");
    assert_eq!(now["approvals"].as_array().unwrap().len(), 1, "{now}");
    assert_eq!((&now["reviews"][0]["void"], &now["reviews"][1]["void"]), (&json!(true), &json!(false)), "{now}");
    assert_eq!(say(&shop, Role::Reviewer, id, "approve", json!({})).await.0, 200, "one may look again");
    let (_, released) = say(&shop, Role::Releaser, id, "release", json!({})).await;
    shop.ended(released["deployment"].as_i64().unwrap()).await;
    // A reconciler alone does it as well, and once.
    let other = ask(&shop, json!({})).await;
    for role in [Role::Reviewer, Role::Releaser] {
        assert_eq!(say(&shop, role, &other["id"], "approve", json!({})).await.0, 200);
    }
    shop.app.advance(Duration::from_secs(3_600));
    let engine = shop.app.engine();
    let (one, two) = tokio::join!(engine.expire_approvals(), engine.expire_approvals());
    one.unwrap();
    two.unwrap();
    let now = shop.get(&format!("/requests/{}", other["id"])).await;
    assert_eq!((&now["state"], &now["approvals"]), (&json!("awaiting_review"), &json!([])), "{now}");
    let subject = format!("request {}", other["id"]);
    let feed = engine.store().feed(None, 200).await.unwrap();
    let dropped =
        feed.iter().filter(|entry| entry.entry.action == "approvals_expired" && entry.entry.subject == subject);
    assert_eq!(dropped.count(), 1);
    shop.finish().await;
}

#[tokio::test]
async fn approvals_do_not_count_for_ever_on_sqlite() {
    approvals_do_not_count_for_ever(Database::Sqlite).await;
}

#[tokio::test]
async fn approvals_do_not_count_for_ever_on_postgres() {
    approvals_do_not_count_for_ever(Database::Postgres).await;
}

#[tokio::test]
async fn an_attempt_is_not_repeated_on_approvals_of_long_ago() {
    let shop = reviewed(Database::Sqlite, "review = { required = 1, expires = \"1h\" }").await;
    let failing = "hooks.before_release = 'test -e nothing'";
    shop.configure(&shop.document(&shop.production("review = { required = 1, expires = \"1h\" }", failing))).await;
    let request = ask(&shop, json!({})).await;
    let id = &request["id"];
    assert_eq!(say(&shop, Role::Reviewer, id, "approve", json!({})).await.0, 200);
    let (_, released) = say(&shop, Role::Releaser, id, "release", json!({})).await;
    assert_eq!(shop.ended(released["deployment"].as_i64().unwrap()).await["state"], "failed");
    let (status, again) = say(&shop, Role::Releaser, id, "retry", json!({})).await;
    assert_eq!(status, 200, "{again}");
    shop.ended(again["deployment"].as_i64().unwrap()).await;
    shop.app.advance(Duration::from_secs(3_600));
    let (status, problem) = say(&shop, Role::Releaser, id, "retry", json!({})).await;
    assert_eq!(status, 409, "{problem}");
    let (status, cloned) = say(&shop, Role::Developer, id, "clone", json!({ "title": "Once more" })).await;
    assert_eq!((status, &cloned["state"]), (201, &json!("awaiting_review")), "{cloned}");
    assert_eq!((&cloned["cloned_from"], &cloned["title"]), (id, &json!("Once more")), "{cloned}");
    assert_eq!(cloned["commit"], request["commit"]);
    shop.finish().await;
}

async fn an_edit_against_an_approval(database: Database) {
    let shop = reviewed(database, ONE_EYE).await;
    let other = shop.commit("other");
    for _ in 0..6 {
        let request = ask(&shop, json!({ "ref": "main", "title": "first" })).await;
        let id = &request["id"];
        let approve = say(&shop, Role::Reviewer, id, "approve", json!({ "version": 1 }));
        let change = edit(&shop, Role::Developer, id, json!({ "title": "second", "version": 1 }));
        let ((approved, _), (edited, answer)) = tokio::join!(approve, change);
        let now = shop.get(&format!("/requests/{id}")).await;
        match (approved, edited) {
            // The approval came first, and is void; or second, and was for what is no more.
            (200 | 409, 200) => {
                assert_eq!((&now["state"], &now["approvals"]), (&json!("awaiting_review"), &json!([])), "{now}");
                assert_eq!((&now["title"], &now["version"]), (&json!("second"), &json!(2)));
            }
            (_, _) => panic!("{approved} {edited} {answer}"),
        }
        assert_eq!(say(&shop, Role::Releaser, id, "release", json!({})).await.0, 409, "nobody approved the second");
        assert_eq!(now["commit"], json!(other));
    }
    shop.finish().await;
}

#[tokio::test]
async fn an_edit_against_an_approval_on_sqlite() {
    an_edit_against_an_approval(Database::Sqlite).await;
}

#[tokio::test]
async fn an_edit_against_an_approval_on_postgres() {
    an_edit_against_an_approval(Database::Postgres).await;
}

async fn one_eye_of_two(database: Database) {
    let shop = reviewed(database, ONE_EYE).await;
    for _ in 0..4 {
        let request = ask(&shop, json!({})).await;
        let id = &request["id"];
        let (one, two) = tokio::join!(
            say(&shop, Role::Reviewer, id, "approve", json!({})),
            say(&shop, Role::Operator, id, "approve", json!({})),
        );
        let mut answers = [one.0, two.0];
        answers.sort_unstable();
        assert_eq!(answers, [200, 409]);
        let now = shop.get(&format!("/requests/{id}")).await;
        assert_eq!(now["approvals"].as_array().unwrap().len(), 1, "{now}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn one_eye_of_two_on_sqlite() {
    one_eye_of_two(Database::Sqlite).await;
}

#[tokio::test]
async fn one_eye_of_two_on_postgres() {
    one_eye_of_two(Database::Postgres).await;
}
