//! The delivery figures of releases that really went out, and what the matrix says of what is live.

use crate::people::{call, grant, newcomer};
use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::DeploymentId;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Fails before the switch, after it, or not at all, as its title says.
const HOOKS: &str = "hooks.before_release = 'case $DAVIT_REQUEST_TITLE in early*) exit 1;; esac'
hooks.after_release = 'case $DAVIT_REQUEST_TITLE in late*) exit 1;; esac'";

async fn figures(shop: &Shop, query: &str) -> Value {
    shop.get(&format!("/delivery?{query}")).await
}

fn counts(figures: &Value) -> [i64; 6] {
    ["live", "rolled_back", "failed", "reverted", "stopped", "rollbacks"]
        .map(|key| figures[key].as_i64().expect("a number"))
}

async fn back(shop: &Shop) {
    let (status, request) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!(status, 201, "{request}");
    let ended = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
}

#[tokio::test]
async fn what_went_live_and_what_did_not_is_counted_on_sqlite() {
    what_went_live_and_what_did_not_is_counted(Database::Sqlite).await;
}

#[tokio::test]
async fn what_went_live_and_what_did_not_is_counted_on_postgres() {
    what_went_live_and_what_did_not_is_counted(Database::Postgres).await;
}

async fn what_went_live_and_what_did_not_is_counted(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], HOOKS).await;
    let nothing = figures(&shop, "days=7").await;
    assert_eq!((&nothing["period"]["failure_rate"], &nothing["period"]["lead"]), (&Value::Null, &Value::Null));
    shop.released("one").await;
    shop.released("two").await;
    // The same commit once more is no news.
    let again = shop.ask(json!({ "ref": "main", "title": "two again" })).await;
    assert_eq!(shop.ended(again).await["state"], "succeeded");
    assert_eq!(shop.release_new("early").await["state"], "failed");
    assert_eq!(shop.release_new("late").await["state"], "reverted");
    shop.released("three").await;
    shop.app.advance(HOUR);
    back(&shop).await;

    let week = figures(&shop, "days=7&app=shop&environment=production&timezone=Asia/Shanghai").await;
    let period = &week["period"];
    assert_eq!(counts(period), [4, 1, 0, 1, 1, 1], "{week}");
    assert_eq!((&period["failure_rate"], &period["lead"]["count"]), (&json!(0.4), &json!(3)), "{week}");
    let restore = &period["restore"];
    assert_eq!((&restore["count"], &restore["p90"]), (&json!(2), &json!(3600)), "the way back took an hour: {week}");
    assert_eq!((&week["open"], week["parts"].as_array().unwrap().len()), (&json!(0), 7));
    assert_eq!(counts(&week["before"]), [0; 6]);
    assert_eq!(period["to"], json!("2026-01-01T16:00:00.000Z"), "midnight in Shanghai");
    let live: i64 = week["parts"].as_array().unwrap().iter().map(|part| counts(part)[0]).sum();
    assert_eq!(live, 4, "{week}");

    shop.app.advance(HOUR * 24 * 7);
    let later = figures(&shop, "days=7").await;
    assert_eq!((counts(&later["period"]), counts(&later["before"])), ([0; 6], [4, 1, 0, 1, 1, 1]), "{later}");
    let quarter = figures(&shop, "days=84").await;
    assert_eq!((&quarter["weeks"], quarter["parts"].as_array().unwrap().len()), (&json!(true), 12));
    shop.finish().await;
}

#[tokio::test]
async fn the_lead_time_is_from_the_commit_on() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let commit = shop.commit("one");
    let made: i64 = shop.repo.git(&["log", "-1", "--format=%ct", commit.as_str()]).parse().unwrap();
    shop.app.advance(HOUR);
    let id = shop.ask(json!({ "commit": commit, "title": "one" })).await;
    let ended = shop.ended(id).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let lead = figures(&shop, "days=1").await["period"]["lead"].clone();
    let now = shop.app.engine().now().millis() / 1000;
    assert_eq!((&lead["median"], now > made + 3500), (&json!(now - made), true), "{lead} {ended}");
    shop.finish().await;
}

#[tokio::test]
async fn wrong_questions_are_answered_with_what_to_write() {
    let shop = Shop::start(&[Kind::Local], "").await;
    for (query, word) in [("days=0", "366"), ("days=367", "366"), ("timezone=Mars", "Europe/Berlin"), ("app=Ä", "app")]
    {
        let (status, problem) = shop.app.call(Role::Viewer, Method::GET, &format!("/delivery?{query}"), None).await;
        assert_eq!(status, 422, "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {problem}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn only_what_is_seen_is_counted() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.released("one").await;
    let live = async |name: &str, scope: &str| {
        let token = newcomer(&shop.app, name).await;
        grant(&shop.app, name, "viewer", scope).await;
        let (status, figures) = call(&shop.app, &token, Method::GET, "/delivery", None).await;
        assert_eq!(status, 200, "{figures}");
        figures["period"]["live"].clone()
    };
    assert_eq!(live("ana", "app:shop@production").await, 1);
    assert_eq!(live("ben", "app:web").await, 0);
    shop.finish().await;
}

async fn cell(shop: &Shop) -> Value {
    shop.get("/overview").await["apps"][0]["cells"][0].clone()
}

#[tokio::test]
async fn the_matrix_says_what_is_not_as_it_should_be() {
    let release = "auto = { on = \"push\", branches = [\"main\"] }";
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], release).await;
    let first = cell(&shop).await;
    assert_eq!((&first["health"]["hosts"], &first["newest"]), (&json!(2), &Value::Null));

    let one = shop.commit("one");
    assert_eq!(shop.app.deliver(&shop.push_of(&one, "one")).await.0, 202);
    shop.app.settle().await;
    let live = cell(&shop).await;
    assert_eq!((&live["live"]["commit"], &live["live"]["git_ref"]), (&json!(one), &json!("refs/heads/main")), "{live}");
    assert_eq!(live["newest"], Value::Null, "it is the newest");
    let all_well = json!({ "hosts": 2, "behind": 0, "down": 0, "differing": 0, "asked_at": null });
    assert_eq!(live["health"], all_well);

    // Somebody works on a host by hand.
    std::fs::remove_file(shop.hosts[1].disk.join("www")).unwrap();
    let (status, _) = shop.app.post("/apps/shop/environments/production/live", json!({})).await;
    assert_eq!(status, 200);
    let drifted = cell(&shop).await["health"].clone();
    assert_eq!((&drifted["differing"], drifted["asked_at"].is_string()), (&json!(1), true), "{drifted}");

    // A rollback leaves the newest commit waiting, and what hosts said of the release before is forgotten.
    let two = shop.commit("two");
    shop.app.advance(HOUR);
    assert_eq!(shop.app.deliver(&shop.push_of(&two, "two")).await.0, 202);
    shop.app.settle().await;
    back(&shop).await;
    let gone_back = cell(&shop).await;
    assert_eq!((&gone_back["health"], &gone_back["live"]["commit"]), (&all_well, &json!(one)), "{gone_back}");
    let newest = &gone_back["newest"];
    assert_eq!((&newest["reference"], &newest["commit"]), (&json!("main"), &json!(two)), "{gone_back}");
    shop.finish().await;
}

#[tokio::test]
async fn figures_are_worked_out_once_for_all_who_ask_the_same() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.released("one").await;
    let live = async |role: Role, query: &str| {
        let (status, figures) = shop.app.call(role, Method::GET, &format!("/delivery?{query}"), None).await;
        assert_eq!(status, 200, "{figures}");
        figures["period"]["live"].as_i64().unwrap()
    };
    assert_eq!(live(Role::Admin, "days=7").await, 1);
    // Something that cannot be: who is told of it has not been given what was worked out before.
    let engine = shop.app.engine();
    let cancelled = DeploymentState::Cancelled { reason: "nobody did".into() };
    let mut tx = engine.store().begin().await.unwrap();
    tx.advance_deployment(DeploymentId(1), None, &cancelled, engine.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((live(Role::Admin, "days=7").await, live(Role::Viewer, "days=7").await), (1, 1));
    for other in ["days=8", "days=7&app=shop", "days=7&timezone=Asia/Shanghai", "days=7&environment=production"] {
        assert_eq!(live(Role::Admin, other).await, 0, "{other}");
    }
    let token = newcomer(&shop.app, "ana").await;
    grant(&shop.app, "ana", "viewer", "app:shop").await;
    let (_, figures) = call(&shop.app, &token, Method::GET, "/delivery?days=7", None).await;
    assert_eq!(figures["period"]["live"], 0, "another account's figures are not theirs");

    // An end, or a minute, and they are worked out anew.
    shop.released("two").await;
    assert_eq!(live(Role::Admin, "days=7").await, 1);
    shop.app.advance(Duration::from_secs(60));
    assert_eq!(live(Role::Viewer, "days=7").await, 1);
    shop.finish().await;
}
