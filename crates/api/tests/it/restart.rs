//! The server stops in the middle of a deployment and starts again on the same data.

use crate::shop::{Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::json;

#[tokio::test]
async fn a_server_that_stops_before_the_switch_starts_the_deployment_again_on_sqlite() {
    a_server_that_stops_before_the_switch_starts_the_deployment_again(Database::Sqlite).await;
}

#[tokio::test]
async fn a_server_that_stops_before_the_switch_starts_the_deployment_again_on_postgres() {
    a_server_that_stops_before_the_switch_starts_the_deployment_again(Database::Postgres).await;
}

async fn a_server_that_stops_before_the_switch_starts_the_deployment_again(database: Database) {
    for hook in ["after_checkout", "before_release"] {
        let mut shop = Shop::bare(database, &[Kind::Ssh]).await;
        let gate = shop.gate("gate");
        let script = format!("hooks.{hook} = \"\"\"{}\"\"\"", gate.wait());
        shop.configure(&shop.document(&shop.production("", &script))).await;
        let commit = shop.commit("Sell tea");
        let id = shop.ask(json!({ "commit": commit })).await;
        shop.app.wait_for_lines(id, "stdout waiting", 1).await;
        shop.app.restart().await;
        shop.app.wait_for_lines(id, "stdout waiting", 2).await;
        gate.open();
        let deployment = shop.ended(id).await;

        assert_eq!((&deployment["state"], &deployment["attempt"]), (&json!("succeeded"), &json!(1)), "{deployment}");
        // `log` looks for gaps; the second half follows the first.
        let log = shop.log_of(&deployment).await;
        let at = |text: &str| log.iter().position(|line| line.contains(text)).unwrap();
        assert!(at("stdout waiting") < at("Starting again") && at("Starting again") < at("going on"), "{log:?}");
        assert_eq!(log.iter().filter(|line| line.contains("going on")).count(), 1);
        assert_eq!(shop.hosts[0].live(), Some(text(&deployment["release"])));
        assert_eq!(shop.hosts[0].releases().len(), 1);
        assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_after_the_switch_takes_the_hosts_back_on_sqlite() {
    a_server_that_stops_after_the_switch_takes_the_hosts_back(Database::Sqlite).await;
}

#[tokio::test]
async fn a_server_that_stops_after_the_switch_takes_the_hosts_back_on_postgres() {
    a_server_that_stops_after_the_switch_takes_the_hosts_back(Database::Postgres).await;
}

async fn a_server_that_stops_after_the_switch_takes_the_hosts_back(database: Database) {
    let mut shop = Shop::bare(database, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    // One host is through with it, the other waits; going back runs it again and does not wait.
    let hook = format!("[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || {{ {}; }}", gate.wait());
    shop.configure(&shop.document(&shop.production("", &format!("hooks.after_release = \"\"\"{hook}\"\"\"")))).await;
    let commit = shop.commit("new");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    assert!(shop.hosts.iter().all(|host| host.live().as_ref() != Some(&old)));
    shop.app.restart().await;
    let deployment = shop.ended(id).await;

    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert_eq!(deployment["reason"], "the server stopped while hosts were being switched");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    let log = shop.log_of(&deployment).await;
    assert!(log.iter().any(|line| line.contains("Reverted: every host")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("going on")), "{log:?}");
    assert!(shop.statuses(&commit).last().unwrap().starts_with("failure: the server stopped"));
    shop.finish().await;
}

#[tokio::test]
async fn a_delivery_that_was_answered_is_worked_on_after_a_restart() {
    let mut shop = Shop::start(&[Kind::Local], "auto = { on = \"push\" }").await;
    let (commit, delivery) = shop.push("Sell tea").await;
    shop.app.restart().await;
    shop.app.settle().await;
    assert_eq!(shop.get(&format!("/deliveries/{delivery}")).await["verdict"], "processed");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Sell tea"));
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    shop.finish().await;
}
