//! A database that is away in the middle of a deployment, or whose answers are lost: the deployment goes on. Nothing runs
//! twice, no log line is lost or doubled, and the host serves the old release or the new one.

use crate::crash::{Shop, slow_programs};
use crate::process::{Site, TAKEN_UP, until};
use davit_testkit::postgres::{Relay, TestDatabase};
use davit_testkit::sshd::Sshd;
use tokio::time::timeout;

#[tokio::test]
async fn away_during_the_upload_and_the_switch() {
    let database = TestDatabase::create().await;
    let relay = Relay::to(&database).await;
    let site = Site::new(Some(relay.url())).await;
    let sshd = Sshd::start_with_path(&slow_programs(&site)).await;
    let shop = Shop::new(site, sshd, "").await;
    for place in ["tar", "before_mv", "after_mv"] {
        let served = shop.site.served();
        let commit = shop.site.commit(place);
        let hold = shop.site.hold(place);
        let deployment = shop.server.deploy(&commit).await;
        hold.reached().await;
        relay.cut();
        // What is said and done on the host can't be written down now.
        drop(hold);
        relay.refuses(3).await;
        let now = shop.site.served();
        assert!(now == served || now.as_deref() == Some(place), "one release or the other: {now:?}");
        relay.mend();
        shop.succeeded(deployment, place).await;
    }
}

#[tokio::test]
async fn away_while_hooks_talk() {
    let database = TestDatabase::create().await;
    let relay = Relay::to(&database).await;
    let shop = Shop::new(Site::new(Some(relay.url())).await, Sshd::start().await, "").await;
    for (hook, step) in [("three", None), ("four", Some(4)), ("six", Some(6))] {
        let commit = shop.site.commit(hook);
        let hold = shop.site.hold(hook);
        let deployment = shop.server.deploy(&commit).await;
        hold.reached().await;
        relay.cut();
        drop(hold);
        if let Some(step) = step {
            // It says all that it has to say, and ends, before the database is back.
            let exit = shop.site.path(&format!("releases/shop/.davit/hook-{deployment}-{step}-1/exit"));
            until("the hook ends", TAKEN_UP, async || exit.exists().then_some(())).await;
        }
        relay.refuses(3).await;
        relay.mend();
        shop.succeeded(deployment, hook).await;
    }
}

/// The worst of outages: what was written is there, and whoever wrote it does not know.
#[tokio::test]
async fn answers_to_commits_are_lost() {
    let database = TestDatabase::create().await;
    let relay = Relay::to(&database).await;
    let shop = Shop::new(Site::new(Some(relay.url())).await, Sshd::start().await, "").await;
    let mut lost = 0;
    for (every, most) in [(2, 8), (3, 8), (1, 4)] {
        let page = format!("{most} answers, each {every}th");
        let commit = shop.site.commit(&page);
        let hold = shop.site.hold("three");
        let deployment = shop.server.deploy(&commit).await;
        hold.reached().await;
        relay.lose_commits(every, most);
        drop(hold);
        lost += most;
        timeout(TAKEN_UP, relay.has_lost(lost)).await.expect("much is written");
        shop.succeeded(deployment, &page).await;
    }
}
