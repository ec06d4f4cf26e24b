//! `on_failure = "hold"`: hosts that failed stay as they are until a person retries, skips or reverts.

use crate::batches::{live, operate, reaches, states};
use crate::shop::{Kind, Shop, text};
use serde_json::{Value, json};

const TWO: [Kind; 2] = [Kind::Local, Kind::Ssh];

/// Step 6 of `new` fails on the second host for as long as there is no `fixed` beside its deploy path.
async fn held(shop: &Shop, more: &str) -> (String, i64, Value) {
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let broken =
        "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || [ -e \"$DAVIT_DEPLOY_PATH.fixed\" ] || exit 12";
    let hook = format!("hooks.after_release = '{broken}; echo step 6 is through'");
    let release = format!("strategy = {{ on_failure = \"hold\"{more} }}\n{hook}");
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    let deployment = reaches(shop, id, "paused").await;
    (old, id, deployment)
}

#[tokio::test]
async fn a_host_that_failed_is_held_and_tried_again() {
    let shop = Shop::start(&TWO, "").await;
    let (_, id, paused) = held(&shop, "").await;
    let new = text(&paused["release"]);
    assert_eq!(paused["pause"]["kind"], "held", "{paused}");
    assert_eq!(paused["pause"]["reason"], "step 6 (after release) on ssh-2 ended with exit 12", "{paused}");
    assert_eq!(states(&paused), ["done", "held"]);
    assert_eq!(live(&shop), vec![Some(new.clone()); 2], "nothing was taken back");

    // Not mended yet: held again.
    operate(&shop, id, "hosts/ssh-2/retry", json!({})).await;
    shop.app.settle().await;
    assert_eq!(states(&reaches(&shop, id, "paused").await), ["done", "held"]);
    std::fs::write(shop.hosts[1].disk.join("www.fixed"), "").unwrap();
    operate(&shop, id, "hosts/ssh-2/retry", json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(states(&deployment), ["done", "done"]);
    assert_eq!(live(&shop), vec![Some(new); 2]);
    let log = shop.log_of(&deployment).await;
    let through = log.iter().filter(|line| line.ends_with("step 6 is through")).count();
    assert_eq!(through, 2, "once a host: {log:#?}");
    shop.finish().await;
}

#[tokio::test]
async fn a_held_host_can_be_skipped() {
    let shop = Shop::start(&TWO, "").await;
    let (_, id, paused) = held(&shop, "").await;
    let new = text(&paused["release"]);
    let (status, _) = shop.app.post(&format!("/deployments/{id}/hosts/local-1/skip"), json!({ "reason": "" })).await;
    assert_eq!(status, 409, "it is not held");
    operate(&shop, id, "hosts/ssh-2/skip", json!({ "reason": "it is being replaced" })).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(states(&deployment), ["done", "skipped"]);
    assert_eq!(live(&shop), vec![Some(new); 2]);
    shop.finish().await;
}

#[tokio::test]
async fn skipping_a_canary_does_not_skip_the_confirmation_after_it() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh, Kind::Ssh], "").await;
    let more = ", batches = [[\"ssh-2\"], \"100%\"], pause = \"confirm\"";
    let (old, id, paused) = held(&shop, more).await;
    assert_eq!(states(&paused), ["waiting", "held", "waiting"]);
    operate(&shop, id, "hosts/ssh-2/skip", json!({ "reason": "a known problem" })).await;
    let confirm = async || {
        let deployment = shop.app.get(&format!("/deployments/{id}")).await;
        (deployment["pause"]["kind"] == "confirm").then_some(deployment)
    };
    let paused = shop.app.until("somebody has to confirm", confirm).await;
    assert_eq!(states(&paused), ["waiting", "skipped", "waiting"]);
    assert_eq!(shop.hosts[0].live(), Some(old));
    operate(&shop, id, "continue", json!({})).await;
    assert_eq!(shop.ended(id).await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_held_deployment_can_be_taken_back() {
    let shop = Shop::start(&TWO, "").await;
    let (old, id, _) = held(&shop, "").await;
    operate(&shop, id, "revert", json!({ "reason": "not tonight" })).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert_eq!(states(&deployment), ["reverted", "reverted"]);
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    shop.finish().await;
}
