//! Two at the same moment: a double click, two reviewers, one key twice. On both databases, since each keeps writers
//! apart in its own way.

use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

const DEPLOY: &str = "/apps/shop/environments/production/deploy";

async fn with_review(database: Database, required: u32) -> (Shop, i64) {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    let review = format!("review = {{ required = {required} }}");
    shop.configure(&shop.document(&shop.production(&review, ""))).await;
    let (status, request) = shop.app.call(Role::Developer, Method::POST, DEPLOY, Some(json!({}))).await;
    assert_eq!(status, 201, "{request}");
    (shop, request["id"].as_i64().unwrap())
}

async fn say(shop: &Shop, role: Role, request: i64, what: &str) -> u16 {
    shop.app.call(role, Method::POST, &format!("/requests/{request}/{what}"), Some(json!({}))).await.0
}

async fn a_double_click_releases_once(database: Database) {
    let (shop, request) = with_review(database, 1).await;
    assert_eq!(say(&shop, Role::Reviewer, request, "approve").await, 200);
    let (a, b, c) = tokio::join!(
        say(&shop, Role::Releaser, request, "release"),
        say(&shop, Role::Admin, request, "release"),
        say(&shop, Role::Releaser, request, "release"),
    );
    let mut statuses = [a, b, c];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 1);
    shop.finish().await;
}

async fn approvals_at_the_same_moment_all_count(database: Database) {
    let (shop, request) = with_review(database, 3).await;
    let (a, b, c) = tokio::join!(
        say(&shop, Role::Reviewer, request, "approve"),
        say(&shop, Role::Releaser, request, "approve"),
        say(&shop, Role::Admin, request, "approve"),
    );
    assert_eq!([a, b, c], [200, 200, 200]);
    assert_eq!(shop.get(&format!("/requests/{request}")).await["state"], "awaiting_release");
    let (a, b) =
        tokio::join!(say(&shop, Role::Developer, request, "withdraw"), say(&shop, Role::Releaser, request, "release"),);
    let mut statuses = [a, b];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    shop.finish().await;
}

async fn one_key_at_the_same_moment_is_one_request(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    let ask = async || {
        let url = format!("{}/api/v1{DEPLOY}", shop.app.url());
        let request = shop.app.http().post(url).bearer_auth(shop.app.token(Role::Releaser));
        let answer = request.header("Idempotency-Key", "k").json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["id"].clone()
    };
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert_eq!((&a, &a), (&b, &c));
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 1);
    shop.finish().await;
}

async fn several_people_at_once_get_their_turns(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    let ask = || shop.app.call(Role::Releaser, Method::POST, DEPLOY, Some(json!({})));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert_eq!([a.0, b.0, c.0], [201, 201, 201], "{a:?} {b:?} {c:?}");
    shop.app.settle().await;
    let deployments = shop.get("/deployments").await;
    let states: Vec<&str> =
        deployments["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["succeeded"; 3]);
    shop.finish().await;
}

async fn cancel_and_the_start_at_the_same_moment_agree(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    for _ in 0..5 {
        let id = shop.ask(json!({})).await;
        let path = format!("/deployments/{id}/cancel");
        let (status, answer) = shop.app.post(&path, json!({})).await;
        let ended = shop.ended(id).await;
        let expected = if status == 200 { "cancelled" } else { "succeeded" };
        assert_eq!(ended["state"], expected, "{status} {answer} {ended}");
    }
    shop.finish().await;
}

macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(davit_testkit::app::Database::Sqlite).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(davit_testkit::app::Database::Postgres).await;
            })+
        }
    };
}

on_both!(
    a_double_click_releases_once,
    approvals_at_the_same_moment_all_count,
    one_key_at_the_same_moment_is_one_request,
    several_people_at_once_get_their_turns,
    cancel_and_the_start_at_the_same_moment_agree,
);
