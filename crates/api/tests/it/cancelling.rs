//! A person's cancel when some hosts have been released to already: of later batches, and of actions in custom mode.

use crate::batches::{live, operate, reaches, states};
use crate::shop::{Kind, Shop, names, text};
use davit_testkit::app::Database;
use davit_testkit::nobody::Nobody;
use serde_json::{Value, json};

async fn cancelled_while_the_second_batch_is_staged(database: Database) {
    let three = [Kind::Local, Kind::Ssh, Kind::Ssh];
    let shop = Shop::bare(database, &three).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let waits = format!("[ $DAVIT_HOST_NAME != ssh-2 ] || {{ {}; }}", gate.wait());
    let record = "echo \"$DAVIT_DEPLOY_KIND $DAVIT_RELEASE\" >> \"$DAVIT_DEPLOY_PATH.log\"";
    let release = format!(
        "strategy = {{ batches = [\"1\", \"100%\"] }}\nhooks.before_release = \"\"\"{waits}\"\"\"\n\
         hooks.after_release = '''{record}'''"
    );
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let commit = shop.commit("new");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    let staging = reaches(&shop, id, "staging").await;
    let new = text(&staging["release"]);
    assert_eq!(live(&shop), [Some(new.clone()), Some(old.clone()), Some(old.clone())], "the first batch is through");
    operate(&shop, id, "cancel", json!({})).await;
    let deployment = shop.ended(id).await;

    // What switched goes back; what had not switched was never touched.
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.starts_with("cancelled by admin: "), "{reason}");
    assert_eq!(states(&deployment), ["reverted", "skipped", "skipped"], "{deployment}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
        let control = names(&host.disk.join("davit/shop/.davit"));
        assert!(!control.iter().any(|name| name.starts_with("hook-")), "{}: {control:?}", host.name);
        let record = std::fs::read_to_string(host.disk.join("www.log")).unwrap_or_default();
        let first = format!("regular {new}\nrollback {old}\n");
        assert_eq!(record, if host.name == "local-1" { first } else { String::new() }, "{}", host.name);
    }
    let log = shop.log_of(&deployment).await;
    let proof = |line: &String| {
        line.starts_with("ssh-2 ") && line.contains("Cancelled: process group ") && line.ends_with(" ended by TERM")
    };
    assert_eq!(log.iter().filter(|line| proof(line)).count(), 1, "each host has its own proof: {log:#?}");
    assert!(!log.iter().any(|line| line.contains("going on")), "{log:#?}");
    let request = shop.get(&format!("/requests/{}", deployment["request"])).await;
    assert_eq!((&request["state"], &request["reason"]), (&json!("failed"), &json!(reason)), "{request}");
    assert_eq!(shop.statuses(&commit).len(), 2, "pending, and an end");

    // The way is free for the next one.
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let next = shop.released("next").await;
    assert_eq!(live(&shop), vec![Some(next); 3]);
    shop.finish().await;
}

#[tokio::test]
async fn cancelled_while_the_second_batch_is_staged_on_sqlite() {
    cancelled_while_the_second_batch_is_staged(Database::Sqlite).await;
}

#[tokio::test]
async fn cancelled_while_the_second_batch_is_staged_on_postgres() {
    cancelled_while_the_second_batch_is_staged(Database::Postgres).await;
}

#[tokio::test]
async fn a_cancel_that_comes_with_a_failure_of_the_second_batch_takes_all_back_once() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    // It ignores the TERM, and fails by itself before the KILL comes.
    let waits = format!("[ $DAVIT_HOST_NAME != ssh-2 ] || {{ trap '' TERM; {}; exit 12; }}", gate.wait());
    let release = format!("strategy = {{ batches = [\"1\", \"100%\"] }}\nhooks.before_release = \"\"\"{waits}\"\"\"");
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    operate(&shop, id, "cancel", json!({})).await;
    gate.open();
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    shop.finish().await;
}

fn action(name: &str, on: &str, run: &str) -> String {
    format!("[[app.release.action]]\nname = {name:?}\non = {on:?}\nrun = '''{run}'''\n\n")
}

async fn count(shop: &Shop, deployment: &Value, end: &str) -> usize {
    shop.log_of(deployment).await.iter().filter(|line| line.ends_with(end)).count()
}

/// There is no switch in custom mode: until its last action is through, a deployment can be cancelled.
#[tokio::test]
async fn actions_on_hosts_can_be_cancelled_and_what_ran_stays() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let srv = shop.srv();
    let actions = [
        action("Mark", "host", &format!("echo $DAVIT_RELEASE > {}/mark", srv.display())),
        action("Work", "host", &format!("[ $DAVIT_HOST_NAME != ssh-2 ] || {{ echo $$; {}; }}", gate.wait())),
        action("Never", "host", "echo after the work"),
    ];
    let release =
        format!("mode = \"custom\"\nstrategy = {{ batches = [\"1\", \"1\", \"1\"] }}\n\n{}", actions.concat());
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    reaches(&shop, id, "switching").await;
    operate(&shop, id, "cancel", json!({})).await;
    let deployment = shop.ended(id).await;

    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "cancelled", "{deployment} {log:#?}");
    let reason = text(&deployment["reason"]);
    assert!(reason.starts_with("cancelled by admin: process group ") && reason.ends_with(" ended by TERM"), "{reason}");
    assert_eq!(states(&deployment), ["done", "cancelled", "cancelled"], "{deployment}");
    let marked = |number: usize| shop.hosts[number].disk.join("mark").exists();
    assert_eq!([marked(0), marked(1), marked(2)], [true, true, false], "actions are not undone");
    assert_eq!(count(&shop, &deployment, "stdout after the work").await, 1, "{log:#?}");
    assert_eq!(count(&shop, &deployment, "stdout going on").await, 0, "{log:#?}");
    let pid = log.iter().find_map(|line| line.strip_prefix("ssh-2 ")?.split(" stdout ").nth(1)?.parse::<u32>().ok());
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.unwrap())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "it still runs: {stat}");
    for host in &shop.hosts {
        let control = names(&host.disk.join("davit/shop/.davit"));
        assert!(!control.iter().any(|name| name.starts_with("hook-")), "{}: {control:?}", host.name);
    }
    assert!(log.iter().any(|line| line.contains("What ran stays as it is")), "{log:#?}");
    let request = shop.get(&format!("/requests/{}", deployment["request"])).await;
    assert_eq!(request["state"], "cancelled", "{request}");
    shop.finish().await;
}

#[tokio::test]
async fn a_cancelled_transfer_leaves_what_was_there() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let to = shop.srv().join("file");
    let transfer = format!(
        "[[app.release.action]]\nname = \"File\"\ntransfer = {{ from = \"index.html\", to = {:?} }}\n\n",
        to.display().to_string()
    );
    let release = |wait: &str| format!("mode = \"custom\"\n\n{}{transfer}", action("Wait", "host", wait));
    shop.configure(&shop.document(&shop.production("", &release("true")))).await;
    assert_eq!(shop.release_new("one").await["state"], "succeeded");
    shop.configure(&shop.document(&shop.production("", &release(&gate.wait())))).await;
    let id = shop.ask(json!({ "commit": shop.commit("two") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    operate(&shop, id, "cancel", json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "cancelled", "{deployment}");
    assert_eq!(std::fs::read_to_string(shop.hosts[0].disk.join("file")).unwrap(), "one");
    shop.finish().await;
}

#[tokio::test]
async fn the_health_check_after_the_last_action_can_be_cancelled_too() {
    for from in ["host", "server"] {
        let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
        // Never healthy, and asked so often that nobody waits for the end.
        let nobody = Nobody::listens();
        let address = nobody.address();
        let health = format!(
            "health = {{ tcp = \"{address}\", from = \"{from}\", retries = 1000, interval = \"1s\", timeout = \"2s\" }}"
        );
        let release = format!("mode = \"custom\"\n{health}\n\n{}", action("Touch", "host", "echo touched"));
        shop.configure(&shop.document(&shop.production("", &release))).await;
        let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
        shop.app.wait_for_lines(id, "try 1: ", 1).await;
        operate(&shop, id, "cancel", json!({})).await;
        let deployment = shop.ended(id).await;
        assert_eq!(deployment["state"], "cancelled", "{from}: {deployment}");
        assert!(text(&deployment["reason"]).starts_with("cancelled by admin: "), "{deployment}");
        shop.finish().await;
    }
}
