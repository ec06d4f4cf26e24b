//! One deployment at a time for an app in an environment; who waits, who gives way, and ending one early.

use crate::shop::{Gate, Kind, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Waits at the gate in step 3 when the title says `slow`.
fn slow(gate: &Gate) -> String {
    format!("hooks.after_checkout = \"\"\"case $DAVIT_REQUEST_TITLE in slow*) {};; esac\"\"\"", gate.wait())
}

async fn wait_for_state(shop: &Shop, id: i64, state: &str) -> Value {
    let look = async || {
        // It may still have to be made.
        let (_, deployment) = shop.app.call(Role::Viewer, Method::GET, &format!("/deployments/{id}"), None).await;
        (deployment["state"] == state).then_some(deployment)
    };
    shop.app.until(&format!("deployment {id} is {state}"), look).await
}

#[tokio::test]
async fn deployments_of_one_environment_run_one_after_the_other_on_sqlite() {
    deployments_of_one_environment_run_one_after_the_other(Database::Sqlite).await;
}

#[tokio::test]
async fn deployments_of_one_environment_run_one_after_the_other_on_postgres() {
    deployments_of_one_environment_run_one_after_the_other(Database::Postgres).await;
}

async fn deployments_of_one_environment_run_one_after_the_other(database: Database) {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", &slow(&gate)))).await;
    let ids = [
        shop.ask(json!({ "title": "slow" })).await,
        shop.ask(json!({ "title": "second" })).await,
        shop.ask(json!({ "title": "third" })).await,
    ];
    shop.app.wait_for_lines(ids[0], "stdout waiting", 1).await;
    for id in &ids[1..] {
        let waiting = shop.get(&format!("/deployments/{id}")).await;
        assert_eq!((&waiting["state"], &waiting["last_seq"]), (&json!("queued"), &json!(0)), "{waiting}");
    }
    assert_eq!(shop.get("/overview").await["running"].as_array().unwrap().len(), 3);
    shop.app.advance(Duration::from_secs(60));
    gate.open();
    shop.app.settle().await;

    let mut ended = Vec::new();
    for id in ids {
        let deployment = shop.get(&format!("/deployments/{id}")).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment}");
        ended.push(deployment);
    }
    assert!(text(&ended[1]["started_at"]) >= text(&ended[0]["finished_at"]), "{ended:?}");
    assert_eq!(shop.hosts[0].live(), Some(text(&ended[2]["release"])));
    let record = std::fs::read_to_string(shop.srv().join("davit/shop/.davit/revisions.log")).unwrap();
    let order: Vec<&str> = record.lines().filter_map(|line| line.split("deployment ").nth(1)?.get(..1)).collect();
    assert_eq!(order, ["1", "2", "3"], "{record}");
    shop.finish().await;
}

#[tokio::test]
async fn a_waiting_automatic_one_gives_way_to_a_newer_one() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let auto = format!("auto = {{ on = \"push\" }}\n{}", slow(&gate));
    shop.configure(&shop.document(&shop.production("", &auto))).await;
    let (running, _) = shop.push("slow").await;
    shop.app.wait_for_lines(1, "stdout waiting", 1).await;
    let (replaced, _) = shop.push("replaced").await;
    wait_for_state(&shop, 2, "queued").await;
    // What a person asked for never gives way.
    let by_hand = shop.ask(json!({ "commit": running, "title": "by hand" })).await;
    let (newest, _) = shop.push("newest").await;
    let superseded = wait_for_state(&shop, 2, "superseded").await;
    assert_eq!(superseded["reason"], "deployment 4 took its place");
    assert_eq!(shop.get("/requests/2").await["state"], "superseded");
    gate.open();
    shop.app.settle().await;

    for id in [1, by_hand, 4] {
        assert_eq!(shop.get(&format!("/deployments/{id}")).await["state"], "succeeded");
    }
    let release = text(&superseded["release"]);
    assert_eq!(shop.statuses(&replaced).last().unwrap(), "error: deployment 4 took its place", "{release}");
    assert!(shop.statuses(&newest).last().unwrap().starts_with("success"));
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("newest"));
    shop.finish().await;
}

#[tokio::test]
async fn other_environments_do_not_wait() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let production = shop.release("-production", &slow(&gate));
    let staging = shop.release("-staging", "").replace("environment = \"production\"", "environment = \"staging\"");
    let environments = "[[environment]]\nkey = \"production\"\n[[environment]]\nkey = \"staging\"\n";
    shop.configure(&shop.document(&format!("{environments}{}", shop.app_with(&(production + &staging))))).await;
    let slow = shop.ask(json!({ "title": "slow" })).await;
    shop.app.wait_for_lines(slow, "stdout waiting", 1).await;
    let (status, request) = shop.app.post("/apps/shop/environments/staging/deploy", json!({})).await;
    assert_eq!(status, 201, "{request}");
    wait_for_state(&shop, request["deployment"].as_i64().unwrap(), "succeeded").await;
    assert_eq!(shop.get(&format!("/deployments/{slow}")).await["state"], "building");
    gate.open();
    shop.app.settle().await;
    assert_eq!(shop.get(&format!("/deployments/{slow}")).await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_waiting_one_can_be_cancelled_at_once() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", &slow(&gate)))).await;
    let first = shop.ask(json!({ "title": "slow" })).await;
    let commit = shop.commit("second");
    let second = shop.ask(json!({ "commit": commit })).await;
    let (status, deployment) = shop.app.post(&format!("/deployments/{second}/cancel"), json!({})).await;
    assert_eq!((status, &deployment["state"]), (200, &json!("cancelled")), "{deployment}");
    assert_eq!(deployment["reason"], "cancelled by admin while it waited");
    let (status, problem) = shop.app.post(&format!("/deployments/{second}/cancel"), json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    gate.open();
    shop.app.settle().await;
    assert_eq!(shop.get(&format!("/deployments/{first}")).await["state"], "succeeded");
    assert_eq!(shop.get(&format!("/requests/{second}")).await["state"], "cancelled");
    assert_eq!(shop.statuses(&commit).last().unwrap(), "error: cancelled by admin while it waited");
    shop.finish().await;
}

#[tokio::test]
async fn a_running_hook_is_ended_with_proof_and_nothing_has_changed() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    for (hook, lines) in [("before_checkout", 1), ("after_checkout", 1), ("before_release", 2)] {
        let script = format!("hooks.{hook} = \"\"\"{}\"\"\"", gate.wait());
        shop.configure(&shop.document(&shop.production("", &script))).await;
        let commit = shop.commit(hook);
        let id = shop.ask(json!({ "commit": commit })).await;
        shop.app.wait_for_lines(id, "stdout waiting", lines).await;
        let (status, answer) = shop.app.post(&format!("/deployments/{id}/cancel"), json!({})).await;
        assert_eq!(status, 200, "{answer}");
        let deployment = shop.ended(id).await;
        assert_eq!(deployment["state"], "cancelled", "{hook}: {deployment}");
        let reason = text(&deployment["reason"]);
        assert!(reason.starts_with("cancelled by admin: process group "), "{reason}");
        assert!(reason.ends_with(" ended by TERM"), "{reason}");
        let log = shop.log_of(&deployment).await;
        assert!(log.iter().any(|line| line.contains("ended by TERM")), "{log:?}");
        assert!(!log.iter().any(|line| line.contains("going on")), "{log:?}");
        for host in &shop.hosts {
            assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{hook}");
        }
        assert!(shop.statuses(&commit).last().unwrap().starts_with("error: cancelled by admin"));
        let request = shop.get(&format!("/requests/{}", deployment["request"])).await;
        assert_eq!(request["state"], "cancelled");
    }
    shop.finish().await;
}

#[tokio::test]
async fn after_the_switch_it_is_too_late_to_cancel() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let script = format!("hooks.after_release = \"\"\"{}\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &script))).await;
    let id = shop.ask(json!({})).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    let (status, problem) = shop.app.post(&format!("/deployments/{id}/cancel"), json!({})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(text(&problem["detail"]).contains("roll back when it is through"), "{problem}");
    gate.open();
    assert_eq!(shop.ended(id).await["state"], "succeeded");
    shop.finish().await;
}
