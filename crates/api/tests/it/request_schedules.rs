//! Requests that go out by themselves at a time, and times at which nothing does.

use crate::shop::{Kind, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DEPLOY: &str = "/apps/shop/environments/production/deploy";

async fn ask(shop: &Shop, role: Role, body: Value) -> (u16, Value) {
    shop.app.call(role, Method::POST, DEPLOY, Some(body)).await
}

/// So many seconds from now, as text.
fn later(shop: &Shop, seconds: u64) -> String {
    shop.app.engine().now().plus(Duration::from_secs(seconds)).to_string()
}

async fn a_scheduled_request_goes_out_once(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    let (status, request) = ask(&shop, Role::Releaser, json!({ "scheduled_at": later(&shop, 3_600) })).await;
    assert_eq!((status, &request["state"]), (201, &json!("awaiting_release")), "it does not go out at once: {request}");
    assert_eq!((&request["scheduled_by"], &request["deployment"]), (&json!("releaser"), &Value::Null));
    let engine = shop.app.engine();
    engine.release_due().await.unwrap();
    assert_eq!(shop.get("/requests/1").await["state"], "awaiting_release", "its time has not come");
    // As after a restart, and with more than one server looking.
    shop.app.advance(Duration::from_secs(3_600));
    let (a, b, c) = tokio::join!(engine.release_due(), engine.release_due(), engine.release_due());
    for done in [a, b, c] {
        done.unwrap();
    }
    shop.app.settle().await;
    let now = shop.get("/requests/1").await;
    assert_eq!((&now["state"], &now["decided_by"]), (&json!("succeeded"), &json!("schedule")), "{now}");
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 1);
    shop.finish().await;
}

#[tokio::test]
async fn a_scheduled_request_goes_out_once_on_sqlite() {
    a_scheduled_request_goes_out_once(Database::Sqlite).await;
}

#[tokio::test]
async fn a_scheduled_request_goes_out_once_on_postgres() {
    a_scheduled_request_goes_out_once(Database::Postgres).await;
}

#[tokio::test]
async fn what_is_due_survives_a_kill() {
    let mut shop = Shop::start(&[Kind::Local], "").await;
    let (status, request) = ask(&shop, Role::Releaser, json!({ "scheduled_at": later(&shop, 60) })).await;
    assert_eq!(status, 201, "{request}");
    shop.app.restart().await;
    shop.app.advance(Duration::from_secs(61));
    shop.app.engine().release_due().await.unwrap();
    shop.app.settle().await;
    assert_eq!(shop.get("/requests/1").await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_schedule_needs_the_right_to_release_and_a_review() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production("review = { required = 1 }", ""))).await;
    let at = later(&shop, 60);
    assert_eq!(ask(&shop, Role::Developer, json!({ "scheduled_at": at })).await.0, 403);
    assert_eq!(ask(&shop, Role::Releaser, json!({ "scheduled_at": later(&shop, 0) })).await.0, 422);
    let (_, request) = ask(&shop, Role::Developer, json!({})).await;
    let path = format!("/requests/{}", request["id"]);
    let patch = |role, body| shop.app.call(role, Method::PATCH, &path, Some(body));
    assert_eq!(patch(Role::Developer, json!({ "scheduled_at": at })).await.0, 403);
    let (status, scheduled) = patch(Role::Releaser, json!({ "scheduled_at": at })).await;
    assert_eq!((status, &scheduled["version"]), (200, &json!(1)), "it is the same version: {scheduled}");
    shop.app.advance(Duration::from_secs(60));
    shop.app.engine().release_due().await.unwrap();
    assert_eq!(shop.get(&path).await["state"], "awaiting_review", "nobody has looked at it");
    let (status, _) = shop.app.call(Role::Reviewer, Method::POST, &format!("{path}/approve"), Some(json!({}))).await;
    assert_eq!(status, 200);
    shop.app.engine().release_due().await.unwrap();
    shop.app.settle().await;
    assert_eq!(shop.get(&path).await["state"], "succeeded");

    let (_, other) = ask(&shop, Role::Releaser, json!({ "scheduled_at": later(&shop, 60) })).await;
    let path = format!("/requests/{}", other["id"]);
    let (status, free) =
        shop.app.call(Role::Releaser, Method::PATCH, &path, Some(json!({ "scheduled_at": null }))).await;
    assert_eq!((status, &free["scheduled_at"]), (200, &Value::Null), "{free}");
    shop.finish().await;
}

#[tokio::test]
async fn a_schedule_is_of_the_version_that_was_seen_and_comes_with_the_edit_or_not_at_all() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let (_, request) = ask(&shop, Role::Developer, json!({ "title": "one" })).await;
    let path = format!("/requests/{}", request["id"]);
    let patch = |role, body| shop.app.call(role, Method::PATCH, &path, Some(body));
    let other = shop.commit("two");
    assert_eq!(patch(Role::Developer, json!({ "version": 1, "commit": other })).await.0, 200);
    let (status, problem) = patch(Role::Releaser, json!({ "version": 1, "scheduled_at": later(&shop, 60) })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "nobody has seen what would go out: {problem}");
    assert_eq!(shop.get(&path).await["scheduled_at"], Value::Null);

    let both = |at| json!({ "version": 2, "title": "two", "scheduled_at": at });
    let (status, problem) = patch(Role::Admin, both(later(&shop, 0))).await;
    assert_eq!(status, 422, "{problem}");
    let now = shop.get(&path).await;
    assert_eq!((&now["version"], &now["title"]), (&json!(2), &json!("one")), "neither or both: {now}");
    let at = later(&shop, 60);
    let (status, now) = patch(Role::Admin, both(at.clone())).await;
    assert_eq!((status, &now["version"], &now["scheduled_at"]), (200, &json!(3), &json!(at)), "{now}");
    shop.finish().await;
}

#[tokio::test]
async fn who_may_release_no_more_has_nothing_released() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let (_, request) = ask(&shop, Role::Releaser, json!({ "scheduled_at": later(&shop, 60) })).await;
    shop.app.engine().disable_user("releaser", true).await.unwrap();
    shop.app.advance(Duration::from_secs(60));
    shop.app.engine().release_due().await.unwrap();
    shop.app.engine().release_due().await.unwrap();
    let path = format!("/requests/{}", request["id"]);
    let now = shop.get(&path).await;
    assert_eq!(now["state"], "awaiting_release", "{now}");
    assert!(text(&now["waits_for"]).starts_with("releaser, who scheduled it, may not release"), "{now}");
    let feed = shop.app.engine().store().feed(None, 100).await.unwrap();
    assert_eq!(feed.iter().filter(|entry| entry.entry.action == "schedule_held").count(), 1, "it is said once");
    let patch = json!({ "scheduled_at": later(&shop, 5) });
    let (status, now) = shop.app.call(Role::Admin, Method::PATCH, &path, Some(patch)).await;
    assert_eq!((status, &now["waits_for"]), (200, &Value::Null), "{now}");
    shop.app.advance(Duration::from_secs(5));
    shop.app.engine().release_due().await.unwrap();
    shop.app.settle().await;
    assert_eq!(shop.get(&path).await["state"], "succeeded");
    shop.finish().await;
}

/// A test's clock starts on 2026-01-01, a Thursday, at 0:00 UTC.
const MORNINGS: &str = "[[environment.window]]\ndays = [\"thu\"]\nfrom = \"09:00\"\nto = \"10:00\"\nzone = \"UTC\"\n";

#[tokio::test]
async fn outside_of_the_windows_nothing_goes_out_but_with_somebodys_word() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let old = shop.released("old").await;
    let new = shop.released("new").await;
    shop.configure(&shop.document(&shop.production(MORNINGS, ""))).await;
    let gate = shop.get("/environments/production/gates").await;
    assert_eq!(gate["closed"], json!({ "until": "2026-01-01T09:00:00.000Z" }), "{gate}");
    assert_eq!((&gate["open"], &gate["until"]), (&json!(false), &json!("2026-01-01T09:00:00.000Z")));
    let (_, request) = ask(&shop, Role::Developer, json!({})).await;
    let path = format!("/requests/{}", request["id"]);
    let sentence = "outside of the release windows until 2026-01-01T09:00:00.000Z";
    assert_eq!(shop.get(&path).await["waits_for"], sentence);
    let release = |role, body| {
        let path = format!("{path}/release");
        let app = &shop.app;
        async move { app.call(role, Method::POST, &path, Some(body)).await }
    };
    assert_eq!(release(Role::Releaser, json!({ "override_reason": "the shop is down" })).await.0, 403);
    let (status, waits) = release(Role::Releaser, json!({})).await;
    assert_eq!((status, &waits["waits_for"]), (200, &json!(sentence)), "{waits}");
    assert_eq!(shop.hosts[0].live(), Some(new.clone()));
    // Going back is what one does in an emergency.
    let (status, back) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!(status, 201, "{back}");
    assert_eq!(shop.ended(back["deployment"].as_i64().unwrap()).await["state"], "succeeded");
    assert_eq!(shop.hosts[0].live(), Some(old));
    let id = waits["deployment"].as_i64().unwrap();
    assert_eq!(shop.app.post(&format!("/deployments/{id}/cancel"), json!({})).await.0, 200);

    let (_, urgent) = ask(&shop, Role::Developer, json!({})).await;
    let path = format!("/requests/{}/release", urgent["id"]);
    let word = json!({ "override_reason": "the shop is down" });
    let (status, problem) =
        shop.app.call(Role::Operator, Method::POST, &path, Some(json!({ "override_reason": " " }))).await;
    assert_eq!(status, 422, "{problem}");
    let (status, goes) = shop.app.call(Role::Operator, Method::POST, &path, Some(word)).await;
    assert_eq!(status, 200, "{goes}");
    assert_eq!(shop.ended(goes["deployment"].as_i64().unwrap()).await["state"], "succeeded");
    let feed = shop.app.engine().store().feed(None, 200).await.unwrap();
    let entry = feed.iter().find(|entry| entry.entry.action == "gates_overridden").unwrap();
    assert_eq!((entry.entry.actor.as_str(), &entry.entry.detail["passed"]), ("operator", &json!(sentence)));

    // When it opens, what waits goes.
    let (_, last) = ask(&shop, Role::Releaser, json!({})).await;
    assert_eq!(last["waits_for"], sentence, "{last}");
    shop.app.advance(Duration::from_secs(9 * 3_600));
    davit_engine::reconcile::deployments(shop.app.engine()).await.unwrap();
    shop.ended(last["deployment"].as_i64().unwrap()).await;
    shop.finish().await;
}
