//! Going back, and what is kept to go back to.

use crate::shop::{Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::{Value, json};

const RELEASES: &str = "/apps/shop/environments/production/releases";

async fn roll_back(shop: &Shop, body: Value) -> (u16, Value) {
    shop.app.post("/apps/shop/environments/production/rollback", body).await
}

async fn rolled_back(shop: &Shop, body: Value) -> Value {
    let (status, request) = roll_back(shop, body).await;
    assert_eq!(status, 201, "{request}");
    assert_eq!(request["kind"], "rollback");
    shop.ended(request["deployment"].as_i64().unwrap()).await
}

#[tokio::test]
async fn going_back_only_switches_on_sqlite() {
    going_back_only_switches(Database::Sqlite).await;
}

#[tokio::test]
async fn going_back_only_switches_on_postgres() {
    going_back_only_switches(Database::Postgres).await;
}

async fn going_back_only_switches(database: Database) {
    let hook = |step: u8| format!("echo \"hook {step} $DAVIT_DEPLOY_KIND $DAVIT_RELEASE_PATH $PWD\"");
    let hooks = format!(
        "hooks.before_checkout = 'echo on the server'\nhooks.before_release = '{}'\nhooks.after_release = '{}'",
        hook(4),
        hook(6)
    );
    let shop = Shop::start_on(database, &[Kind::Local, Kind::Ssh], &hooks).await;
    let one = shop.released("one").await;
    let two = shop.released("two").await;

    let back = rolled_back(&shop, json!({})).await;
    assert_eq!((&back["state"], &back["release"]), (&json!("succeeded"), &json!(one)), "{back}");
    assert_eq!(back["title"], "Back to one");
    let log = shop.log_of(&back).await;
    let srv = shop.srv();
    let path = format!("{}/davit/shop/releases/{one}", srv.display());
    for host in &shop.hosts {
        assert_eq!(host.live().as_deref(), Some(one.as_str()));
        assert_eq!(host.read("index.html").as_deref(), Some("one"));
        for line in [format!("hook 4 rollback {path} {path}"), format!("hook 6 rollback {path} {}/www", srv.display())]
        {
            let found = log.iter().any(|logged| logged.starts_with(&host.name) && logged.ends_with(&line));
            assert!(found, "{line} is not in {log:#?}");
        }
    }
    assert!(!log.iter().any(|line| line.contains("Uploaded") || line.contains("on the server")), "{log:?}");
    assert_eq!(back["steps"][0]["state"], "skipped");

    // And forward again, by name.
    let forward = rolled_back(&shop, json!({ "to": two })).await;
    assert_eq!((&forward["state"], &forward["release"]), (&json!("succeeded"), &json!(two)), "{forward}");
    assert!(shop.hosts.iter().all(|host| host.live().as_deref() == Some(two.as_str())));
    shop.finish().await;
}

#[tokio::test]
async fn keeping_counts_good_releases_and_never_takes_the_live_one_or_the_one_before() {
    let shop = Shop::start(
        &[Kind::Local],
        "keep = 2\nhooks.after_release = 'case $DAVIT_REQUEST_TITLE in bad*) exit 1;; esac'",
    )
    .await;
    let one = shop.released("one").await;
    let two = shop.released("two").await;
    for _ in 0..3 {
        assert_eq!(shop.release_new("bad").await["state"], "reverted");
    }
    assert_eq!(shop.hosts[0].releases(), [one.clone(), two.clone()]);
    let kept = shop.get(RELEASES).await;
    let kept: Vec<_> = kept["items"].as_array().unwrap().iter().map(|kept| text(&kept["title"])).collect();
    assert_eq!(kept, ["two", "one"]);

    let back = rolled_back(&shop, json!({ "to": one })).await;
    assert_eq!(back["state"], "succeeded", "{back}");
    // `one` is live and the one before; two newer ones would fill the count.
    let three = shop.released("three").await;
    assert_eq!(shop.hosts[0].releases(), [one.clone(), two.clone(), three.clone()]);
    let four = shop.released("four").await;
    assert_eq!(shop.hosts[0].releases(), [three, four]);

    let (status, problem) = roll_back(&shop, json!({ "to": one })).await;
    assert_eq!(status, 404, "{problem}");
    assert!(text(&problem["detail"]).contains("is not kept in production any more"), "{problem}");
    let (status, problem) = roll_back(&shop, json!({ "to": "../../etc" })).await;
    assert_eq!(status, 422, "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn keep_one_still_keeps_the_one_before() {
    let shop = Shop::start(&[Kind::Local], "keep = 1").await;
    shop.released("one").await;
    let two = shop.released("two").await;
    let three = shop.released("three").await;
    assert_eq!(shop.hosts[0].releases(), [two.clone(), three]);
    assert_eq!(rolled_back(&shop, json!({})).await["release"], json!(two));
    shop.finish().await;
}

#[tokio::test]
async fn a_rollback_that_fails_leaves_the_newer_release_live() {
    let hook = "[ $DAVIT_DEPLOY_KIND = regular ] || exit 3";
    for (config, state) in [("before_release", "failed"), ("after_release", "reverted")] {
        let shop = Shop::start(&[Kind::Local, Kind::Ssh], &format!("hooks.{config} = '{hook}'")).await;
        let one = shop.released("one").await;
        let two = shop.released("two").await;
        let back = rolled_back(&shop, json!({})).await;
        assert_eq!(back["state"], state, "{back}");
        for host in &shop.hosts {
            assert_eq!(host.live().as_deref(), Some(two.as_str()));
            assert_eq!(host.releases(), [one.clone(), two.clone()], "the kept release is still there");
        }
        shop.finish().await;
    }
}

#[tokio::test]
async fn without_an_earlier_release_there_is_nothing_to_go_back_to() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let (status, problem) = roll_back(&shop, json!({})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem}");
    shop.released("one").await;
    let (status, problem) = roll_back(&shop, json!({})).await;
    assert_eq!(status, 422, "{problem}");
    assert!(text(&problem["detail"]).contains("no earlier good release"), "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn a_host_that_lost_the_release_gets_it_from_the_stored_build() {
    let hook = "hooks.before_checkout = 'echo on the server'";
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], hook).await;
    let one = shop.released("one").await;
    shop.released("two").await;
    let lost = shop.hosts[1].disk.join("davit/shop/releases").join(&one);
    std::fs::remove_dir_all(&lost).unwrap();
    // As after keep-N there, or on a host that joined later.
    let mut tx = shop.app.engine().store().begin().await.unwrap();
    let now = davit_domain::time::Timestamp::from_millis(1);
    tx.mark_release_removed(&one.parse().unwrap(), &"ssh-2".parse().unwrap(), now).await.unwrap();
    tx.commit().await.unwrap();

    let back = rolled_back(&shop, json!({ "to": one })).await;
    let log = shop.log_of(&back).await;
    assert_eq!(back["state"], "succeeded", "{back} {log:#?}");
    for host in &shop.hosts {
        assert_eq!((host.live().as_ref(), host.read("index.html").as_deref()), (Some(&one), Some("one")));
    }
    let uploads: Vec<&String> = log.iter().filter(|line| line.contains("Uploaded and checked")).collect();
    assert!(uploads.len() == 1 && uploads[0].starts_with("ssh-2 "), "only where it was lost: {log:#?}");
    assert!(!log.iter().any(|line| line.contains("on the server")), "nothing was built again: {log:#?}");
    shop.finish().await;
}
