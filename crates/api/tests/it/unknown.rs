//! When it is not known what a host serves, or what belongs to a deployment is gone.

use crate::shop::{Gate, Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::{Value, json};
use std::time::Duration;

/// Two hosts; step 6 of `new` fails on the second one, after the test opened the gate. The gate is to be kept: one that is
/// gone before the hook comes to it opens for nobody.
async fn about_to_fail(shop: &Shop) -> (String, i64, Gate) {
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let hook = format!("[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || {{ {}; exit 12; }}", gate.wait());
    shop.configure(&shop.document(&shop.production("", &format!("hooks.after_release = \"\"\"{hook}\"\"\"")))).await;
    let id = shop.ask(json!({ "title": "new" })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    until_host(shop, id, 0, "done").await;
    shop.hosts[0].sshd().refuse(true);
    shop.hosts[0].sshd().cut_now();
    gate.open();
    (old, id, gate)
}

async fn until_host(shop: &Shop, id: i64, host: usize, state: &str) -> Value {
    let look = async || {
        let deployment = shop.app.get(&format!("/deployments/{id}")).await;
        (deployment["host_runs"][host]["state"] == state).then_some(deployment)
    };
    shop.app.until(&format!("host {host} is {state}"), look).await
}

#[tokio::test]
async fn a_host_that_can_not_be_asked_is_unknown_until_it_can() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let (old, id, _gate) = about_to_fail(&shop).await;
    let deployment = until_host(&shop, id, 0, "unknown").await;
    assert_eq!((&deployment["state"], &deployment["finished_at"]), (&json!("reverting"), &Value::Null), "{deployment}");
    until_host(&shop, id, 1, "reverted").await;
    assert_ne!(shop.hosts[0].live(), Some(old.clone()), "nobody has reached it yet");

    shop.hosts[0].sshd().refuse(false);
    let reverted = async || {
        // The next try comes when its time has come.
        shop.app.advance_between_jobs(Duration::from_secs(10)).await;
        (shop.app.get(&format!("/deployments/{id}")).await["state"] == "reverted").then_some(())
    };
    shop.app.until("the host was asked again", reverted).await;
    let deployment = shop.ended(id).await;
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    let reason = text(&deployment["reason"]);
    assert_eq!(reason, "step 6 (after release) on ssh-2 ended with exit 12");
    assert!(shop.statuses(&text(&deployment["commit"]).parse().unwrap()).last().unwrap().starts_with("failure"));
    shop.finish().await;
}

#[tokio::test]
async fn a_host_that_never_comes_back_is_given_up_and_said_to_be_unknown() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let (old, id, _gate) = about_to_fail(&shop).await;
    let ended = async || {
        shop.app.advance_between_jobs(Duration::from_secs(10)).await;
        (!shop.app.get(&format!("/deployments/{id}")).await["finished_at"].is_null()).then_some(())
    };
    shop.app.until("the last try is over", ended).await;
    let deployment = shop.ended(id).await;
    let reason = text(&deployment["reason"]);
    assert!(
        reason.starts_with("given up after 10 tries: step 6 (after release) on ssh-2 ended with exit 12"),
        "{reason}"
    );
    assert!(reason.ends_with("; it is not known what these hosts serve: ssh-1"), "{reason}");
    assert_eq!(deployment["state"], "failed", "nobody knows whether every host went back: {deployment}");
    let cells = deployment["cells"].as_array().unwrap_or(&Vec::new()).clone();
    assert!(cells.iter().all(|cell| cell["state"] != "running" && cell["state"] != "waiting"), "{deployment}");
    assert_eq!(deployment["host_runs"][0]["state"], "unknown", "{deployment}");
    assert_eq!(deployment["host_runs"][1]["state"], "reverted", "{deployment}");
    assert_eq!(shop.hosts[1].live(), Some(old));
    assert!(shop.statuses(&text(&deployment["commit"]).parse().unwrap()).last().unwrap().starts_with("failure"));

    // The queue goes on.
    shop.hosts[0].sshd().refuse(false);
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let next = shop.released("next").await;
    assert!(shop.hosts.iter().all(|host| host.live().as_ref() == Some(&next)));
    shop.finish().await;
}

#[tokio::test]
async fn an_app_that_is_deleted_while_its_deployment_waits_ends_it_with_a_reason() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let script = format!("hooks.after_checkout = \"\"\"{}\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &script))).await;
    let first = shop.ask(json!({})).await;
    shop.app.wait_for_lines(first, "stdout waiting", 1).await;
    let second = shop.ask(json!({})).await;
    let (status, answer) =
        shop.send_document("environment = [{ key = \"production\" }]", json!({ "prune": true })).await;
    assert_eq!(status, 200, "{answer}");
    gate.open();
    shop.app.settle().await;
    // It had begun with all that it needed.
    assert_eq!(shop.get(&format!("/deployments/{first}")).await["state"], "succeeded");
    let deployment = shop.get(&format!("/deployments/{second}")).await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert!(text(&deployment["reason"]).contains("the app shop was deleted"), "{deployment}");
    assert_eq!(shop.get(&format!("/requests/{}", deployment["request"])).await["state"], "failed");
    shop.finish().await;
}

#[tokio::test]
async fn a_commit_that_is_gone_fails_with_a_sentence() {
    let shop = Shop::start(&[Kind::Local], "auto = { on = \"push\" }").await;
    // A push that was undone by force before anybody looked.
    let gone = "f".repeat(40).parse().unwrap();
    assert_eq!(shop.app.deliver(&shop.push_of(&gone, "gone")).await.0, 202);
    shop.app.forge.fail_next(2, &davit_testkit::fake_forge::Fault::Status(422));
    shop.app.settle().await;
    let deployment = shop.get("/deployments/1").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("Release a commit that is there"), "{reason}");
    assert_eq!(shop.hosts[0].live(), None);
    shop.finish().await;
}

#[tokio::test]
async fn a_host_that_was_removed_meanwhile_is_named_as_unknown() {
    let mut shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let strategy = "strategy = { batches = [\"2\", \"1\"], on_failure = \"hold\" }\n\
                    hooks.after_release = '[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || exit 12'";
    shop.configure(&shop.document(&shop.production("", strategy))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    crate::batches::reaches(&shop, id, "paused").await;
    let new = shop.hosts[0].live();
    assert_ne!(new, Some(old.clone()));

    let removed = shop.hosts.remove(0);
    let document = shop.document(&shop.production("", ""));
    let (status, answer) = shop.send_document(&document, json!({ "prune": true })).await;
    assert_eq!(status, 200, "{answer}");
    crate::batches::operate(&shop, id, "revert", json!({ "reason": "" })).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.ends_with("; it is not known what these hosts serve: ssh-1"), "{reason}");
    assert_eq!(crate::batches::states(&deployment), ["unknown", "reverted"]);
    assert_eq!((removed.live(), shop.hosts[0].live()), (new, Some(old)), "the one that could be asked went back");
    shop.finish().await;
}
