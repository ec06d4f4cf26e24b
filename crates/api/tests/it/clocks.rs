//! Clocks that jump: the server's, forth and back in the middle of a deployment and between two.

use crate::shop::{Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::json;

/// In seconds, as all jumps here.
const DAY: i64 = 24 * 3600;

async fn a_clock_that_jumps_during_a_deployment_changes_nothing(database: Database) {
    let shop = Shop::bare(database, &[Kind::Local, Kind::Ssh]).await;
    let gate = shop.gate("gate");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let old = shop.released("old").await;
    let waits = |step: u32| {
        format!("\"\"\"echo begun {step}; [ \"${{DAVIT_HOST_NAME:-ssh-2}}\" != ssh-2 ] || {{ {}; }}\"\"\"", gate.wait())
    };
    let hooks = format!(
        "hooks.after_checkout = {}\nhooks.before_release = {}\nhooks.after_release = {}",
        waits(3),
        waits(4),
        waits(6)
    );
    shop.configure(&shop.document(&shop.production("", &hooks))).await;
    let commit = shop.commit("new");
    let id = shop.ask(json!({ "commit": commit })).await;
    for (count, jump) in [(1, DAY), (2, -3 * DAY), (3, 2 * DAY)] {
        shop.app.wait_for_lines(id, "stdout waiting", count).await;
        shop.app.jump(jump);
        gate.open();
    }
    let deployment = shop.ended(id).await;
    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {log:#?}");
    let new = text(&deployment["release"]);
    for host in &shop.hosts {
        assert_eq!(host.live(), Some(new.clone()), "{}", host.name);
        assert_eq!(host.releases(), [old.clone(), new.clone()], "{}", host.name);
    }
    for (line, times) in [("begun 3", 1), ("begun 4", 2), ("begun 6", 2), ("waiting", 3), ("going on", 3)] {
        let said = log.iter().filter(|said| said.ends_with(&format!("stdout {line}"))).count();
        assert_eq!(said, times, "{line}: {log:#?}");
    }
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    shop.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_during_a_deployment_changes_nothing_on_sqlite() {
    a_clock_that_jumps_during_a_deployment_changes_nothing(Database::Sqlite).await;
}

#[tokio::test]
async fn a_clock_that_jumps_during_a_deployment_changes_nothing_on_postgres() {
    a_clock_that_jumps_during_a_deployment_changes_nothing(Database::Postgres).await;
}

/// Names of releases begin with the time, so after the jump a newer one sorts before an older one. What is kept, what goes
/// and where a rollback leads must follow the order in which they were made.
#[tokio::test]
async fn after_a_jump_back_newer_releases_are_still_the_newer_ones() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "keep = 2").await;
    let first = shop.released("first").await;
    shop.app.jump(-DAY);
    let second = shop.released("second").await;
    shop.app.jump(-DAY);
    let third = shop.released("third").await;
    assert!(third < second && second < first, "{third} {second} {first}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.read("index.html")), (Some(third.clone()), Some("third".into())));
        assert_eq!(
            host.releases(),
            [third.clone(), second.clone()],
            "{}: the first one made is the one too many",
            host.name
        );
    }
    let (status, request) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!(status, 201, "{request}");
    let back = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(back["state"], "succeeded", "{back} {:#?}", shop.log_of(&back).await);
    for host in &shop.hosts {
        assert_eq!((host.live(), host.read("index.html")), (Some(second.clone()), Some("second".into())));
    }
    shop.app.jump(3 * DAY);
    let fourth = shop.released("fourth").await;
    for host in &shop.hosts {
        assert_eq!(host.live(), Some(fourth.clone()), "{}", host.name);
        assert!(host.releases().contains(&second), "{}: the one before stays", host.name);
    }
    shop.finish().await;
}
