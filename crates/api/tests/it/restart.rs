//! The server stops in the middle of a deployment and starts again on the same data.

use crate::shop::{Kind, Shop, names, text};
use davit_testkit::app::Database;
use serde_json::json;

/// A server that is stopped in the middle of a hook: the hook goes on, and is followed by the one that starts next. It
/// runs once, and no line is lost or doubled.
async fn a_hook_goes_on_across_a_restart(database: Database, hook: &str) {
    let mut shop = Shop::bare(database, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let waits = format!("[ $DAVIT_HOST_NAME != ssh-2 ] || {{ {}; }}; seq 1 500", gate.wait());
    shop.configure(&shop.document(&shop.production("", &format!("hooks.{hook} = \"\"\"{waits}\"\"\"")))).await;
    let commit = shop.commit("new");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    // Twice: whoever comes next may be stopped too.
    shop.app.restart().await;
    shop.app.wait_for_lines(id, "Going on where the server was interrupted", 1).await;
    shop.app.restart().await;
    gate.open();
    let deployment = shop.ended(id).await;

    assert_eq!((&deployment["state"], &deployment["attempt"]), (&json!("succeeded"), &json!(1)), "{deployment}");
    let log = shop.log_of(&deployment).await;
    for host in ["local-1", "ssh-2"] {
        let numbers: Vec<&str> =
            log.iter().filter(|line| line.starts_with(host)).filter_map(|line| line.split(" stdout ").nth(1)).collect();
        let said: Vec<&&str> = numbers.iter().filter(|line| line.parse::<u32>().is_err()).collect();
        let expected: &[&&str] = if host == "ssh-2" { &[&"waiting", &"going on"] } else { &[] };
        assert_eq!(said, expected, "{host}: {log:?}");
        let counted: Vec<u32> = numbers.iter().filter_map(|line| line.parse().ok()).collect();
        assert_eq!(counted, (1..=500).collect::<Vec<u32>>(), "{host}");
    }
    let new = text(&deployment["release"]);
    for host in &shop.hosts {
        assert_eq!(host.live().as_ref(), Some(&new), "{}", host.name);
        assert_eq!(host.releases(), [old.clone(), new.clone()]);
        let control = names(&host.disk.join("davit/shop/.davit"));
        assert!(!control.iter().any(|name| name.starts_with("hook-")), "{}: {control:?}", host.name);
    }
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    shop.finish().await;
}

#[tokio::test]
async fn a_hook_before_the_switch_goes_on_across_restarts_on_sqlite() {
    a_hook_goes_on_across_a_restart(Database::Sqlite, "before_release").await;
}

#[tokio::test]
async fn a_hook_before_the_switch_goes_on_across_restarts_on_postgres() {
    a_hook_goes_on_across_a_restart(Database::Postgres, "before_release").await;
}

#[tokio::test]
async fn a_hook_after_the_switch_goes_on_across_restarts_on_sqlite() {
    a_hook_goes_on_across_a_restart(Database::Sqlite, "after_release").await;
}

#[tokio::test]
async fn a_hook_after_the_switch_goes_on_across_restarts_on_postgres() {
    a_hook_goes_on_across_a_restart(Database::Postgres, "after_release").await;
}

#[tokio::test]
async fn a_build_goes_on_across_a_restart() {
    let mut shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let script = format!("hooks.after_checkout = \"\"\"{}\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &script))).await;
    let id = shop.ask(json!({ "commit": shop.commit("Sell tea") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    shop.app.restart().await;
    gate.open();
    let deployment = shop.ended(id).await;
    assert_eq!((&deployment["state"], &deployment["attempt"]), (&json!("succeeded"), &json!(1)), "{deployment}");
    let log = shop.log_of(&deployment).await;
    let at = |text: &str| log.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("stdout waiting") < at("Starting again") && at("Starting again") < at("stdout going on"), "{log:?}");
    for line in ["stdout waiting", "stdout going on"] {
        assert_eq!(log.iter().filter(|said| said.ends_with(line)).count(), 1, "{log:?}");
    }
    assert_eq!((shop.hosts[0].live(), shop.hosts[0].releases().len()), (Some(text(&deployment["release"])), 1));
    shop.finish().await;
}

/// The way back, too: step 6 runs once more for what is live again, and is followed when the server goes away in it.
#[tokio::test]
async fn the_way_back_goes_on_across_a_restart() {
    let mut shop = Shop::bare(Database::Sqlite, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let fails = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || exit 12";
    let waits = format!("[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != rollbackssh-2 ] || {{ {}; }}", gate.wait());
    let hook = format!("hooks.after_release = \"\"\"{fails}; {waits}; echo on $DAVIT_RELEASE\"\"\"");
    shop.configure(&shop.document(&shop.production("", &hook))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    assert_eq!(shop.hosts[1].live(), Some(old.clone()), "it is switched back already");
    shop.app.restart().await;
    gate.open();
    let deployment = shop.ended(id).await;

    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert_eq!(deployment["reason"], "step 6 (after release) on ssh-2 ended with exit 12");
    let log = shop.log_of(&deployment).await;
    for line in ["stdout waiting", "stdout going on"] {
        assert_eq!(log.iter().filter(|said| said.ends_with(line)).count(), 1, "{line}: {log:#?}");
    }
    let on_old = format!("stdout on {old}");
    assert_eq!(log.iter().filter(|line| line.ends_with(&on_old)).count(), 2, "once a host: {log:#?}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
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
