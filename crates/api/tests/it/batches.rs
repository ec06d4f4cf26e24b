//! Hosts in portions: a canary first, a person or the clock in between, and what a failure means for those before it.

use crate::shop::{Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::{Value, json};
use std::time::Duration;

const THREE: [Kind; 3] = [Kind::Local, Kind::Ssh, Kind::Ssh];

/// What the hosts serve, in their order.
pub(crate) fn live(shop: &Shop) -> Vec<Option<String>> {
    shop.hosts.iter().map(super::shop::TestHost::live).collect()
}

/// Waits until a deployment is in this state.
pub(crate) async fn reaches(shop: &Shop, id: i64, state: &str) -> Value {
    let look = async || {
        let deployment = shop.app.get(&format!("/deployments/{id}")).await;
        (deployment["state"] == state).then_some(deployment)
    };
    shop.app.until(&format!("deployment {id} is {state}"), look).await
}

/// What people do to a deployment.
pub(crate) async fn operate(shop: &Shop, id: i64, what: &str, body: Value) -> Value {
    let (status, answer) = shop.app.post(&format!("/deployments/{id}/{what}"), body).await;
    assert_eq!(status, 200, "{what}: {answer}");
    answer
}

/// The states of its hosts.
pub(crate) fn states(deployment: &Value) -> Vec<String> {
    deployment["host_runs"].as_array().unwrap().iter().map(|run| text(&run["state"])).collect()
}

async fn a_canary_is_followed_by_the_others_when_a_person_says_so(database: Database) {
    let mut shop =
        Shop::start_on(database, &THREE, "strategy = { batches = [\"1\", \"100%\"], pause = \"confirm\" }").await;
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let strategy = "strategy = { batches = [[\"ssh-2\"], \"100%\"], pause = \"confirm\" }";
    shop.configure(&shop.document(&shop.production("", strategy))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    let paused = reaches(&shop, id, "paused").await;
    let new = text(&paused["release"]);
    assert_eq!(paused["pause"]["kind"], "confirm", "{paused}");
    assert_eq!(states(&paused), ["waiting", "done", "waiting"]);
    let canary = [Some(old.clone()), Some(new.clone()), Some(old.clone())];
    assert_eq!(live(&shop), canary);

    // It waits for a person however long that takes, and holds nothing meanwhile.
    shop.app.restart().await;
    shop.app.settle().await;
    shop.app.advance(Duration::from_secs(3600));
    shop.app.settle().await;
    assert_eq!(live(&shop), canary);
    operate(&shop, id, "continue", json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(live(&shop), vec![Some(new); 3]);
    shop.finish().await;
}

#[tokio::test]
async fn a_canary_is_followed_by_the_others_when_a_person_says_so_on_sqlite() {
    a_canary_is_followed_by_the_others_when_a_person_says_so(Database::Sqlite).await;
}

#[tokio::test]
async fn a_canary_is_followed_by_the_others_when_a_person_says_so_on_postgres() {
    a_canary_is_followed_by_the_others_when_a_person_says_so(Database::Postgres).await;
}

#[tokio::test]
async fn the_next_batch_goes_when_its_time_has_come() {
    let shop = Shop::start(&THREE, "strategy = { batches = [\"1\", \"1\", \"1\"], pause = \"5m\" }").await;
    let id = shop.ask(json!({})).await;
    let paused = reaches(&shop, id, "paused").await;
    let new = Some(text(&paused["release"]));
    assert_eq!((&paused["pause"]["kind"], &paused["pause"]["next_batch"]), (&json!("until"), &json!(2)), "{paused}");
    assert_eq!(live(&shop), [new.clone(), None, None]);
    shop.app.advance(Duration::from_secs(299));
    assert_eq!(states(&reaches(&shop, id, "paused").await), ["done", "waiting", "waiting"]);
    shop.app.advance(Duration::from_secs(1));
    let third = async || (live(&shop)[1] == new).then_some(());
    shop.app.until("the second batch went", third).await;
    let paused = async || {
        let deployment = shop.app.get(&format!("/deployments/{id}")).await;
        (deployment["pause"]["next_batch"] == 3).then_some(())
    };
    shop.app.until("it waits before the third batch", paused).await;
    // Nobody has to wait for the clock.
    operate(&shop, id, "continue", json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(live(&shop), vec![new; 3]);
    shop.finish().await;
}

#[tokio::test]
async fn a_failure_in_a_later_batch_takes_the_earlier_ones_back() {
    let shop = Shop::start(&THREE, "").await;
    let old = shop.released("old").await;
    for (hook, number) in [("before_release", 4), ("after_release", 6)] {
        let script = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || exit 12";
        let release = format!("strategy = {{ batches = [\"1\", \"100%\"] }}\nhooks.{hook} = '{script}'");
        shop.configure(&shop.document(&shop.production("", &release))).await;
        let deployment = shop.release_new(hook).await;
        assert_eq!(deployment["state"], "reverted", "{deployment}");
        let title = hook.replace('_', " ");
        assert_eq!(deployment["reason"], format!("step {number} ({title}) on ssh-2 ended with exit 12"));
        assert_eq!(states(&deployment)[0], "reverted", "{deployment}");
        for host in &shop.hosts {
            assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
        }
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_tolerated_host_is_put_back_and_the_others_go_on() {
    let shop = Shop::start(&THREE, "").await;
    let old = shop.released("old").await;
    let script = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-2 ] || exit 12";
    let strategy = "strategy = { max_failures = 2 }";
    let release = format!("{strategy}\nhooks.after_release = '{script}'");
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let deployment = shop.release_new("new").await;
    let new = text(&deployment["release"]);
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = format!("1 of 3 hosts failed (ssh-2) and serve what they served before; the others serve {new}");
    assert_eq!(deployment["reason"], json!(reason));
    assert_eq!(states(&deployment), ["done", "failed", "done"]);
    assert_eq!(live(&shop), [Some(new.clone()), Some(old.clone()), Some(new.clone())]);
    assert_eq!(shop.hosts[1].releases(), std::slice::from_ref(&old), "what it does not serve is taken away");
    let kept = shop.get("/apps/shop/environments/production/releases").await;
    assert_eq!(kept["items"][0]["release"], json!(new), "it is good on the hosts that serve it: {kept}");

    // Only the failed host gets the next attempt.
    shop.configure(&shop.document(&shop.production("", strategy))).await;
    let path = format!("/requests/{}/retry", deployment["request"]);
    let (status, request) = shop.app.post(&path, json!({ "hosts": "failed" })).await;
    assert_eq!(status, 200, "{request}");
    let again = shop.app.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(states(&again).len(), 1, "{again}");
    shop.finish().await;
}

#[tokio::test]
async fn a_batch_in_which_every_host_failed_ends_it() {
    let strategy = "strategy = { batches = [\"1\", \"100%\"], max_failures = 3 }";
    let script = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME$DAVIT_REQUEST_TITLE != regularlocal-1new ] || exit 12";
    let shop = Shop::start(&THREE, &format!("{strategy}\nhooks.after_release = '{script}'")).await;
    let old = shop.released("old").await;
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert_eq!(states(&deployment), ["reverted", "skipped", "skipped"], "the others were not touched");
    assert_eq!(live(&shop), vec![Some(old); 3]);
    shop.finish().await;
}

#[tokio::test]
async fn a_failure_before_the_first_switch_changes_nothing_however_many_are_tolerated() {
    let strategy = "strategy = { max_failures = 3 }";
    let script = "[ $DAVIT_HOST_NAME$DAVIT_REQUEST_TITLE != ssh-2new ] || exit 12";
    let shop = Shop::start(&THREE, &format!("{strategy}\nhooks.before_release = '{script}'")).await;
    let old = shop.released("old").await;
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_paused_deployment_can_be_taken_back() {
    let shop = Shop::start(&THREE, "strategy = { batches = [\"2\", \"100%\"], pause = \"confirm\" }").await;
    let first = shop.ask(json!({})).await;
    reaches(&shop, first, "paused").await;
    operate(&shop, first, "continue", json!({})).await;
    let old = text(&shop.ended(first).await["release"]);

    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    reaches(&shop, id, "paused").await;
    assert_eq!(live(&shop)[2], Some(old.clone()));
    operate(&shop, id, "revert", json!({ "reason": "it looks wrong" })).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert!(text(&deployment["reason"]).contains("it looks wrong"), "{deployment}");
    assert_eq!(states(&deployment), ["reverted", "reverted", "skipped"]);
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }
    shop.finish().await;
}
