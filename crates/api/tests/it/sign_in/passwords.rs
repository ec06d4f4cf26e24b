//! Names, passwords, locks, and changing a password.

use super::{Browser, code_of, cookie, count, feed, log_in, log_in_from, request};
use davit_domain::access::Role;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use reqwest::header::COOKIE;
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const WRONG: &str = "not the password of anybody";
const NEW: &str = "another password of a test";

/// From an address that nobody else comes from.
async fn guess(app: &TestApp, name: &str, number: usize) -> Response {
    log_in_from(app, &format!("198.51.100.{number}"), json!({ "name": name, "password": WRONG })).await
}

#[tokio::test]
async fn ten_wrong_tries_from_anywhere_lock_an_account() {
    let app = TestApp::start().await;
    for number in 0..10 {
        assert_eq!(guess(&app, "reviewer", number).await.status(), 401);
    }
    let right = log_in(&app, "reviewer", PASSWORD).await;
    assert_eq!(right.status(), 401, "the right password does not help now");
    let (locked, unknown) = (right.text().await.unwrap(), guess(&app, "nobody", 0).await.text().await.unwrap());
    assert_eq!(locked, unknown, "that it is locked is told to nobody");
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200, "others are not");
    assert_eq!(log_in(&app, "REVIEWER", PASSWORD).await.status(), 401, "a name is counted however it is typed");
    let user = app.get("/users/reviewer").await;
    assert!(user["locked_until"].is_string(), "{user}");
    assert!(feed(&app).await.contains(&("account_locked".into(), "reviewer".into())));
    app.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(log_in(&app, "reviewer", PASSWORD).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn names_that_nobody_has_are_locked_alike_and_not_written_down() {
    let app = TestApp::start().await;
    for number in 0..12 {
        assert_eq!(guess(&app, "my password, in the wrong field", number).await.status(), 401);
    }
    let locked = app.engine().store().locked_names(app.engine().now()).await.unwrap();
    assert_eq!(locked.len(), 1);
    assert!(feed(&app).await.iter().all(|(_, subject)| !subject.contains("my password")));
    assert_eq!(count(&app, "login_failed").await, 1, "the feed hears of it once a minute");
    app.finish().await;
}

#[tokio::test]
async fn the_feed_hears_of_wrong_passwords_once_a_minute() {
    let app = TestApp::start().await;
    for number in 0..3 {
        guess(&app, "viewer", number).await;
    }
    guess(&app, "reviewer", 4).await;
    assert_eq!(count(&app, "login_failed").await, 2, "by name");
    app.advance(Duration::from_secs(61));
    guess(&app, "viewer", 5).await;
    assert_eq!(count(&app, "login_failed").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_unlocks() {
    let app = TestApp::start().await;
    for _ in 0..10 {
        assert_eq!(log_in(&app, "viewer", WRONG).await.status(), 401);
    }
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 429, "who tried too often from one place is told");
    let unlock = async |role| app.call(role, Method::POST, "/users/viewer/unlock", None).await.0;
    assert_eq!(unlock(Role::Operator).await, 403);
    assert_eq!(unlock(Role::Admin).await, 204);
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200);
    assert_eq!(count(&app, "account_unlocked").await, 1);
    app.finish().await;
}

async fn many_at_once_are_no_way_around_the_lock(database: Database) {
    let app = TestApp::start_on(database).await;
    let tries = (0..40).map(|number| guess(&app, "reviewer", number));
    let answers = futures::future::join_all(tries).await;
    assert!(answers.iter().all(|answer| answer.status() == 401));
    assert_eq!(log_in(&app, "reviewer", PASSWORD).await.status(), 401);
    assert_eq!(count(&app, "account_locked").await, 1, "once");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_no_way_around_the_lock_on_sqlite() {
    many_at_once_are_no_way_around_the_lock(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_no_way_around_the_lock_on_postgres() {
    many_at_once_are_no_way_around_the_lock(Database::Postgres).await;
}

/// Passwords that are compared on this thread, each with what it costs.
#[derive(Clone, Default)]
struct Compared(Arc<Mutex<Vec<String>>>);

impl Subscriber for Compared {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "davit_engine::sign_in::passwords"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &Field, value: &dyn Debug| text.push_str(&format!("{field}={value:?} ")));
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The work is counted, not its time: whether there is such an account, and whether it is locked, changes nothing of it.
#[tokio::test]
async fn whether_an_account_exists_is_not_to_be_timed() {
    let app = TestApp::start().await;
    for number in 0..10 {
        assert_eq!(guess(&app, "viewer", number).await.status(), 401);
    }
    let compared = Compared::default();
    let _guard = tracing::subscriber::set_default(compared.clone());
    for name in ["reviewer", "nobody", "viewer"] {
        assert_eq!(guess(&app, name, 20).await.status(), 401);
    }
    let work = compared.0.lock().unwrap().clone();
    assert_eq!(work.len(), 3, "{work:?}");
    assert!(work[0].contains("argon2id") && work.iter().all(|one| *one == work[0]), "{work:?}");
    app.finish().await;
}

#[tokio::test]
async fn one_changes_ones_password_and_is_logged_out_elsewhere() {
    let app = TestApp::start().await;
    let (here, elsewhere) =
        (Browser::log_in(&app, "viewer", PASSWORD).await, Browser::log_in(&app, "viewer", PASSWORD).await);
    let change = async |old: &str, new: &str| {
        here.send(Method::POST, "/session/password", json!({ "old": old, "new": new })).await
    };
    assert_eq!(change(WRONG, NEW).await.status(), 403);
    for bad in ["short", "passwordpassword", "123456789012345", "viewer123456"] {
        assert_eq!(change(PASSWORD, bad).await.status(), 422, "{bad}");
    }
    assert_eq!(elsewhere.status(Method::GET, "/session", Value::Null).await, 200, "nothing has changed yet");
    let changed = change(PASSWORD, NEW).await;
    assert_eq!(changed.status(), 204);
    let fresh = cookie(&changed);
    assert_ne!(fresh, here.cookie, "the session is a new one");
    let read = async |cookie: &str| {
        request(&app, Method::GET, "/session").header(COOKIE, cookie).send().await.unwrap().status().as_u16()
    };
    assert_eq!((read(&fresh).await, read(&here.cookie).await, read(&elsewhere.cookie).await), (200, 401, 401));
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 401);
    assert_eq!(log_in(&app, "viewer", NEW).await.status(), 200);
    let by_token = json!({ "old": NEW, "new": PASSWORD });
    assert_eq!(app.call(Role::Viewer, Method::POST, "/session/password", Some(by_token)).await.0, 403, "no token can");
    app.finish().await;
}

#[tokio::test]
async fn guessing_the_old_password_within_a_session_locks_too() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let change = |old: &str| {
        let body = json!({ "old": old, "new": NEW });
        browser.status(Method::POST, "/session/password", body)
    };
    for _ in 0..10 {
        assert_eq!(change(WRONG).await, 403);
    }
    assert_eq!(change(PASSWORD).await, 403, "locked");
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_resets_a_password_and_everybody_is_out() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let reset = Some(json!({ "password": NEW }));
    assert_eq!(app.call(Role::Admin, Method::POST, "/users/viewer/password", reset).await.0, 204);
    assert_eq!(browser.status(Method::GET, "/session", Value::Null).await, 401);
    assert_eq!(log_in(&app, "viewer", NEW).await.status(), 200);
    app.finish().await;
}

async fn the_code_of_the_set_up_makes_one_account(database: Database) {
    let app = TestApp::start_empty(database).await;
    let code = app.engine().set_up_code().expose_secret().to_owned();
    let set_up = |name: String| {
        let body = json!({ "code": code, "name": name, "password": PASSWORD });
        request(&app, Method::POST, "/setup").json(&body).send()
    };
    let made = futures::future::join_all((0..6).map(|number| set_up(format!("root{number}")))).await;
    let mut statuses: Vec<u16> = made.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    assert_eq!(app.engine().store().count_users().await.unwrap(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_code_of_the_set_up_makes_one_account_on_sqlite() {
    the_code_of_the_set_up_makes_one_account(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_code_of_the_set_up_makes_one_account_on_postgres() {
    the_code_of_the_set_up_makes_one_account(Database::Postgres).await;
}

#[tokio::test]
async fn a_body_that_is_none_says_so() {
    let app = TestApp::start().await;
    let long = "x".repeat(5000);
    for body in [json!({}), json!({ "name": "viewer" }), json!({ "name": 1, "password": 2 }), json!([])] {
        let answer = log_in_from(&app, "192.0.2.9", body).await;
        assert_eq!(answer.status(), 422);
    }
    let answer = log_in(&app, &long, PASSWORD).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(code_of(log_in(&app, "viewer", &long).await).await, "unauthenticated");
    app.finish().await;
}
