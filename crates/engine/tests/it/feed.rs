//! The feed's evidence, against somebody who has the database.

use davit_domain::time::Timestamp;
use davit_engine::feed::{FaultKind, Head, Verified, signed};
use davit_engine::hub::Topic;
use davit_engine::seal::Sealer;
use davit_store::feed::FeedEntry;
use davit_store::{Db, origin};
use davit_testkit::app::{Database, TestApp};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// `both!(name, |app| { … })`: the body on an app on SQLite, and on one on PostgreSQL.
macro_rules! both {
    ($name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($app: TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body(TestApp::start_empty(Database::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                body(TestApp::start_empty(Database::Postgres).await).await;
            }
        }
    };
}

fn entry(at: Timestamp, subject: impl Into<String>) -> FeedEntry {
    FeedEntry {
        at,
        actor: "ana".into(),
        action: "tested".into(),
        subject: subject.into(),
        app: None,
        environment: Some("production".parse().expect("a key")),
        detail: serde_json::json!({ "before": 1, "after": "two" }),
    }
}

async fn write(app: &TestApp, count: u32) {
    let engine = app.engine();
    for number in 0..count {
        let mut tx = engine.store().begin().await.expect("begins");
        let told = tx.feed(entry(engine.now(), format!("thing {number}")));
        origin::scope("192.0.2.7", told).await.expect("is written");
        tx.commit().await.expect("commits");
    }
}

/// Statements of somebody who has the database.
async fn sql(app: &TestApp, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    match app.engine().store().db() {
        Db::Sqlite { write, .. } => sqlx::raw_sql(statements).execute(write).await.map(drop),
        Db::Postgres(pool) => sqlx::raw_sql(statements).execute(pool).await.map(drop),
    }
    .expect("is done");
}

/// Has every entry given its place. Returns once the end is noted too: where the app's own task was faster with the
/// chain, it is that which notes it.
async fn chained(app: &TestApp) -> Head {
    let end = app.engine().chain_feed().await.expect("is chained").expect("there is an end");
    let is_noted = async || {
        let noted = std::fs::read_to_string(app.path("feed-head")).ok()?;
        (noted.trim() == end.to_string()).then_some(())
    };
    app.until("the end is noted", is_noted).await;
    end
}

async fn verified(app: &TestApp) -> Verified {
    app.engine().verify_feed(None).await.expect("is verified")
}

fn kinds(verified: &Verified) -> Vec<FaultKind> {
    verified.faults.iter().map(|fault| fault.kind).collect()
}

const COPY: &str =
    "CREATE TABLE feed_copy AS SELECT * FROM feed; CREATE TABLE anchor_copy AS SELECT * FROM feed_anchor";
const RESTORE: &str = "DELETE FROM feed; INSERT INTO feed SELECT * FROM feed_copy;
    DELETE FROM feed_anchor; INSERT INTO feed_anchor SELECT * FROM anchor_copy";
const COLUMNS: &str = "at, actor, action, subject, app, environment, detail, origin";

both!(what_davit_wrote_is_whole, |app| {
    let mut app = app;
    write(&app, 3).await;
    let end = chained(&app).await;
    let found = verified(&app).await;
    assert_eq!((found.entries, found.waiting, found.first), (3, 0, 1));
    assert!(found.is_whole(), "{:?}", found.faults);
    assert_eq!(found.end, Some(end.clone()));
    assert_eq!(end.to_string().parse::<Head>().expect("reads"), end);
    for bad in ["", "1", "1:", ":00", "1:zz", "x:00", "-1:00", "1:é", &format!("1:{}", "é".repeat(32))] {
        assert!(bad.parse::<Head>().is_err(), "{bad:?}");
    }
    write(&app, 2).await;
    chained(&app).await;
    let later = app.engine().verify_feed(Some(&end)).await.expect("is verified");
    assert!(later.is_whole() && later.entries == 5, "an earlier end is still there");
    app.restart().await;
    write(&app, 1).await;
    chained(&app).await;
    assert!(verified(&app).await.is_whole(), "and goes on after a restart");
    app.finish().await;
});

both!(whoever_changes_an_entry_is_found_out, |app| {
    write(&app, 6).await;
    chained(&app).await;
    sql(&app, COPY).await;
    for change in [
        "actor = 'eve'",
        "action = 'slept'",
        "subject = 'another thing'",
        "at = at + 1",
        "app = 'shop'",
        "environment = NULL",
        "environment = 'test'",
        "origin = '203.0.113.1'",
        "origin = NULL",
        "detail = '{\"after\":\"two\",\"before\":2}'",
        "detail = '{ \"after\":\"two\",\"before\":1}'",
        "id = 4711",
        "seal = (SELECT seal FROM feed_copy WHERE position = 4)",
        "seal = NULL",
    ] {
        sql(&app, &format!("UPDATE feed SET {change} WHERE position = 3")).await;
        let found = verified(&app).await;
        assert!(kinds(&found).contains(&FaultKind::Changed), "{change}: {:?}", found.faults);
        assert!(found.faults.iter().any(|fault| fault.position == Some(3)), "{change}: {:?}", found.faults);
        sql(&app, RESTORE).await;
        assert!(verified(&app).await.is_whole(), "{change} was taken back");
    }
    // What two fields say together is the same; what each says is not.
    sql(&app, "UPDATE feed SET actor = 'anatest', action = 'ed' WHERE position = 3").await;
    assert_eq!(kinds(&verified(&app).await), [FaultKind::Changed]);
    sql(&app, RESTORE).await;
    // Two that change places.
    let swap = "UPDATE feed SET position = -1 WHERE position = 3; UPDATE feed SET position = 3 WHERE position = 4;
        UPDATE feed SET position = 4 WHERE position = -1";
    sql(&app, swap).await;
    assert!(kinds(&verified(&app).await).contains(&FaultKind::Changed));
    sql(&app, RESTORE).await;
    app.finish().await;
});

both!(whoever_takes_entries_away_is_found_out, |app| {
    write(&app, 6).await;
    let end = chained(&app).await;
    sql(&app, COPY).await;
    for (taken, kind) in [
        ("position = 3", FaultKind::Missing),
        ("position IN (3, 4)", FaultKind::Missing),
        ("position = 1", FaultKind::Missing),
        ("position > 4", FaultKind::Cut),
        ("position IS NOT NULL", FaultKind::Cut),
    ] {
        sql(&app, &format!("DELETE FROM feed WHERE {taken}")).await;
        let found = verified(&app).await;
        assert_eq!(kinds(&found), [kind], "{taken}: {:?}", found.faults);
        sql(&app, RESTORE).await;
    }
    // And the positions behind it moved up.
    sql(&app, "DELETE FROM feed WHERE position = 3").await;
    for position in 4..=6 {
        sql(&app, &format!("UPDATE feed SET position = {} WHERE position = {position}", position - 1)).await;
    }
    assert!(!verified(&app).await.is_whole());
    sql(&app, RESTORE).await;
    // Whoever has the data directory too hides a cut; not from whom has kept an end elsewhere.
    sql(&app, "DELETE FROM feed WHERE position > 4").await;
    std::fs::remove_file(app.path("feed-head")).expect("the note of the end");
    assert!(verified(&app).await.is_whole(), "this can't be seen from inside");
    let found = app.engine().verify_feed(Some(&end)).await.expect("is verified");
    assert_eq!(kinds(&found), [FaultKind::Cut]);
    // The cut filled up again with entries that davit itself writes: the old end has another seal now.
    write(&app, 3).await;
    chained(&app).await;
    assert!(verified(&app).await.is_whole());
    let found = app.engine().verify_feed(Some(&end)).await.expect("is verified");
    assert_eq!(kinds(&found), [FaultKind::Changed]);
    app.finish().await;
});

both!(whoever_puts_entries_in_is_found_out, |app| {
    write(&app, 6).await;
    chained(&app).await;
    sql(&app, COPY).await;
    let forged = format!(
        "INSERT INTO feed ({COLUMNS}) VALUES (1, 'ana', 'request_approved', 'request 7', NULL, NULL, 'null', NULL)"
    );
    let placed =
        format!("INSERT INTO feed ({COLUMNS}, position, seal) SELECT {COLUMNS}, 7, seal FROM feed WHERE position = 3");
    let copied = format!(
        "DROP INDEX feed_proof; INSERT INTO feed ({COLUMNS}, proof) SELECT {COLUMNS}, proof FROM feed WHERE position = 3"
    );
    let early =
        format!("INSERT INTO feed ({COLUMNS}, position, seal) SELECT {COLUMNS}, 0, seal FROM feed WHERE position = 3");
    for insert in [&forged, &placed, &copied, &early] {
        sql(&app, insert).await;
        // Also when davit goes on as if nothing were.
        drop(app.engine().chain_feed().await);
        let found = verified(&app).await;
        assert!(kinds(&found).contains(&FaultKind::Inserted), "{insert}: {:?}", found.faults);
        sql(&app, RESTORE).await;
    }
    sql(&app, &forged).await;
    write(&app, 2).await;
    chained(&app).await;
    let found = verified(&app).await;
    assert_eq!((kinds(&found), found.entries), (vec![FaultKind::Inserted], 8), "the others get their places");
    let alerts = app.engine().store().alerts(true, None, 10).await.expect("alerts");
    assert!(alerts.iter().any(|alert| alert.kind == "feed_altered"), "somebody is told: {alerts:?}");
    app.finish().await;
});

both!(the_beginning_is_evidence_too, |app| {
    write(&app, 4).await;
    chained(&app).await;
    sql(&app, COPY).await;
    for change in [
        "UPDATE feed_anchor SET last_bare = 1000000",
        "UPDATE feed_anchor SET position = 2; DELETE FROM feed WHERE position <= 2",
        "UPDATE feed_anchor SET position = 2, seal = (SELECT seal FROM feed WHERE position = 2); DELETE FROM feed WHERE position <= 2",
        "UPDATE feed_anchor SET at = at + 1",
        "DELETE FROM feed_anchor",
    ] {
        sql(&app, change).await;
        let found = verified(&app).await;
        assert!(kinds(&found).contains(&FaultKind::Beginning), "{change}: {:?}", found.faults);
        sql(&app, RESTORE).await;
    }
    let sealer = Sealer::from_file(&app.path("master.key")).expect("the key");
    sql(&app, "CREATE TABLE kept AS SELECT * FROM secrets; DELETE FROM secrets WHERE key = 'davit:feed-key'").await;
    let error = signed(app.engine().store().clone(), &sealer, app.engine().now()).await.expect_err("refused");
    assert!(error.to_string().contains("davit:feed-key"), "no new key is made over what the old one signed: {error}");
    sql(&app, "DELETE FROM secrets; INSERT INTO secrets SELECT * FROM kept").await;
    app.finish().await;
});

both!(entries_of_before_there_were_proofs_are_believed, |app| {
    let mut app = app;
    write(&app, 3).await;
    chained(&app).await;
    sql(
        &app,
        "DELETE FROM secrets WHERE key = 'davit:feed-key'; DELETE FROM feed_anchor;
         UPDATE feed SET proof = NULL, position = NULL, seal = NULL, origin = NULL",
    )
    .await;
    std::fs::remove_file(app.path("feed-head")).expect("the note of the end");
    app.restart().await;
    write(&app, 2).await;
    chained(&app).await;
    let found = verified(&app).await;
    assert!(found.is_whole() && found.entries == 5, "{:?}", found.faults);
    sql(&app, "UPDATE feed SET actor = 'eve' WHERE position = 2").await;
    assert_eq!(kinds(&verified(&app).await), [FaultKind::Changed], "from now on they are in the chain");
    app.finish().await;
});

both!(the_oldest_are_forgotten_and_not_taken, |app| {
    write(&app, 3).await;
    let old = chained(&app).await;
    sql(&app, COPY).await;
    app.advance(Duration::from_secs(800 * 24 * 3600));
    write(&app, 2).await;
    chained(&app).await;
    // The first look of the app's own task may come as late as this, and be the one that forgets them.
    app.engine().forget_feed().await.expect("forgets");
    assert_eq!(app.engine().forget_feed().await.expect("forgets"), 0, "once");
    chained(&app).await;
    let found = app.engine().verify_feed(Some(&old)).await.expect("is verified");
    assert!(found.is_whole(), "{:?}", found.faults);
    assert_eq!((found.first, found.entries), (4, 3));
    let all = app.engine().store().feed(None, 10).await.expect("reads");
    let told: Vec<_> = all.iter().filter(|entry| entry.entry.action == "feed_forgotten").collect();
    assert_eq!(told.len(), 1, "{all:?}");
    assert_eq!(told[0].entry.detail["entries"], 3);
    // Nobody brings them back, and nobody moves the beginning.
    sql(&app, "INSERT INTO feed SELECT * FROM feed_copy WHERE position <= 3").await;
    assert_eq!(kinds(&verified(&app).await), [FaultKind::Inserted; 3]);
    sql(&app, "DELETE FROM feed WHERE position <= 3; DELETE FROM feed_anchor; INSERT INTO feed_anchor SELECT * FROM anchor_copy").await;
    assert_eq!(kinds(&verified(&app).await), [FaultKind::Missing], "an old beginning does not fit");
    app.finish().await;
});

both!(a_chain_that_was_broken_off_goes_on, |app| {
    let mut app = app;
    write(&app, 4).await;
    let engine = app.engine();
    // As a process that dies between two statements leaves it.
    let mut tx = engine.store().begin().await.expect("begins");
    let end = tx.hold_chain().await.expect("is held");
    for entry in tx.unchained(0, 2).await.expect("reads") {
        tx.chain_entry(entry.id, end.as_ref().map_or(1, |end| end.0 + 1) + entry.id, b"half").await.expect("chains");
    }
    drop(tx);
    chained(&app).await;
    app.restart().await;
    write(&app, 1).await;
    chained(&app).await;
    let found = verified(&app).await;
    assert!(found.is_whole() && found.entries == 5 && found.waiting == 0, "{:?}", found.faults);
    app.finish().await;
});

both!(many_who_write_at_once_leave_no_hole, |app| {
    let writers = (0..8).map(|writer| {
        let engine = app.engine().clone();
        async move {
            for number in 0..25 {
                let mut tx = engine.store().begin().await.expect("begins");
                tx.feed(entry(engine.now(), format!("thing {writer} {number}"))).await.expect("is written");
                tokio::task::yield_now().await;
                // Some think better of it: their numbers are never seen.
                if number % 5 == writer % 5 {
                    drop(tx);
                } else {
                    tx.commit().await.expect("commits");
                }
            }
        }
    });
    let chainers = (0..3).map(|_| async {
        for _ in 0..20 {
            app.engine().chain_feed().await.expect("is chained");
            tokio::task::yield_now().await;
        }
    });
    tokio::join!(futures::future::join_all(writers), futures::future::join_all(chainers));
    chained(&app).await;
    let found = verified(&app).await;
    assert!(found.is_whole(), "{:?}", found.faults);
    assert_eq!((found.entries, found.waiting), (8 * 20, 0));
    app.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_commits_late_gets_a_late_place() {
    let app = TestApp::start_empty(Database::Postgres).await;
    let engine = app.engine();
    let mut late = engine.store().begin().await.expect("begins");
    late.feed(entry(engine.now(), "the first number")).await.expect("is written");
    write(&app, 2).await;
    chained(&app).await;
    late.commit().await.expect("commits");
    chained(&app).await;
    let all = engine.store().feed(None, 10).await.expect("reads");
    let places: Vec<_> = all.iter().rev().map(|entry| (entry.entry.subject.as_str(), entry.position)).collect();
    assert_eq!(places, [("the first number", Some(3)), ("thing 0", Some(1)), ("thing 1", Some(2))]);
    assert!(verified(&app).await.is_whole());
    app.finish().await;
}

both!(new_entries_get_their_places_by_themselves_and_everybody_is_told, |app| {
    let mut changes = app.engine().hub().subscribe();
    write(&app, 1).await;
    while changes.recv().await.expect("a change").topic != Topic::Feed {}
    let found = &app.engine().store().feed(None, 1).await.expect("reads")[0];
    assert_eq!((found.position, found.origin.as_deref()), (Some(1), Some("192.0.2.7")));
    app.finish().await;
});
