//! Codes of an authenticator app, and recovery codes.

use super::{Browser, code_of, count, log_in, log_in_with};
use davit_domain::access::Role;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use davit_testkit::totp;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// What an authenticator app shows, so many steps of thirty seconds from now.
pub(super) fn shown(app: &TestApp, secret: &str, steps: i64) -> String {
    totp::shown(secret, app.engine().now().millis() / 1000 + steps * totp::STEP)
}

/// Who has the session knows the account's password, too.
fn owner() -> Value {
    json!({ "password": PASSWORD })
}

/// Gives the viewer a second factor; its secret and recovery codes.
async fn enrol(app: &TestApp) -> (String, Vec<String>) {
    let browser = Browser::log_in(app, "viewer", PASSWORD).await;
    let started = browser.send(Method::POST, "/session/second-factor", owner()).await;
    assert_eq!(started.status(), 200);
    let started: Value = started.json().await.unwrap();
    let secret = started["secret"].as_str().unwrap().to_owned();
    let body = json!({ "code": shown(app, &secret, 0) });
    let confirmed = browser.send(Method::POST, "/session/second-factor/confirm", body).await;
    assert_eq!(confirmed.status(), 200);
    let codes = confirmed.json::<Value>().await.unwrap()["recovery_codes"].as_array().unwrap().clone();
    let codes = codes.into_iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    // The code that confirmed it is used up.
    app.advance(Duration::from_secs(30));
    (secret, codes)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_its_owner_has_shown_that_it_works() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let none = json!({ "enabled": false, "recovery_codes_left": 0, "asks_password": true });
    assert_eq!(browser.get("/session/second-factor").await, none);
    let started: Value = browser.send(Method::POST, "/session/second-factor", owner()).await.json().await.unwrap();
    let secret = started["secret"].as_str().unwrap();
    let url = started["otpauth_url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/davit:viewer?secret=") && url.contains(secret), "{url}");
    assert!(started["qr_svg"].as_str().unwrap().contains("<svg"));
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200, "not confirmed yet");
    let confirm = async |code: &str| {
        browser.status(Method::POST, "/session/second-factor/confirm", json!({ "code": code })).await
    };
    assert_eq!(confirm("000000").await, 422);
    assert_eq!(confirm(&shown(&app, secret, 0)).await, 200);
    assert_eq!(confirm(&shown(&app, secret, 1)).await, 409, "there is nothing to confirm any more");
    assert_eq!(browser.status(Method::POST, "/session/second-factor", owner()).await, 409, "and none to replace");
    assert_eq!(browser.get("/session").await["user"]["two_factor"], true);
    let there = json!({ "enabled": true, "recovery_codes_left": 10, "asks_password": true });
    assert_eq!(browser.get("/session/second-factor").await, there);

    let without = log_in(&app, "viewer", PASSWORD).await;
    assert_eq!(without.status(), 401);
    assert_eq!(code_of(without).await, "second_factor_required");
    assert_eq!(code_of(log_in(&app, "viewer", "a wrong password").await).await, "unauthenticated");
    let used = log_in_with(&app, "viewer", PASSWORD, &shown(&app, secret, 0)).await;
    assert_eq!(code_of(used).await, "unauthenticated", "the code that confirmed it is used up");
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &shown(&app, secret, 1)).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_session_puts_no_second_factor_on() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let start = |body| browser.status(Method::POST, "/session/second-factor", body);
    for body in [Value::Null, json!({})] {
        assert_eq!(start(body).await, 422, "the password is missing");
    }
    for _ in 0..10 {
        assert_eq!(start(json!({ "password": "a wrong password" })).await, 403);
    }
    assert_eq!(start(owner()).await, 403, "it was guessed at too often");
    assert_eq!(count(&app, "account_locked").await, 1);
    assert!(app.engine().store().secret_keys().await.unwrap().iter().all(|(key, _)| !key.starts_with("totp:")));
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_session_does_not_guess_the_code_of_what_its_owner_began() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let begin = async || {
        let started = browser.send(Method::POST, "/session/second-factor", owner()).await;
        started.json::<Value>().await.unwrap()["secret"].as_str().unwrap().to_owned()
    };
    let confirm = async |code: &str| {
        browser.status(Method::POST, "/session/second-factor/confirm", json!({ "code": code })).await
    };
    let secret = begin().await;
    for _ in 0..10 {
        assert_eq!(confirm("not a code").await, 422);
    }
    assert_eq!(count(&app, "account_locked").await, 1);
    assert_eq!(confirm(&shown(&app, &secret, 0)).await, 403, "nothing is right now");
    app.advance(Duration::from_secs(15 * 60 + 1));

    let secret = begin().await;
    app.advance(Duration::from_secs(10 * 60));
    assert_eq!(confirm(&shown(&app, &secret, 0)).await, 409, "it has lapsed");
    let secret = begin().await;
    for _ in 0..9 {
        assert_eq!(confirm("not a code").await, 422);
    }
    assert_eq!(confirm(&shown(&app, &secret, 0)).await, 200);
    let code = shown(&app, &secret, 1);
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, "123").await.status(), 401, "counting started anew");
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &code).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn codes_of_one_step_before_and_after_count_and_no_others() {
    let app = TestApp::start().await;
    let (secret, _) = enrol(&app).await;
    app.advance(Duration::from_secs(600));
    for (steps, expected) in [(-2, 401), (2, 401), (-1, 200), (0, 200), (1, 200), (0, 401)] {
        let answer = log_in_with(&app, "viewer", PASSWORD, &shown(&app, &secret, steps)).await;
        assert_eq!(answer.status(), expected, "{steps}");
    }
    let spaced = shown(&app, &secret, 1);
    app.advance(Duration::from_secs(300));
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &spaced).await.status(), 401, "an old one");
    let now = shown(&app, &secret, 0);
    let spaced = format!(" {} {}", &now[..3], &now[3..]);
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &spaced).await.status(), 200, "as apps show it");
    app.finish().await;
}

async fn a_code_that_comes_many_times_at_once_lets_in_once(database: Database) {
    let app = TestApp::start_on(database).await;
    let (secret, recovery) = enrol(&app).await;
    for code in [shown(&app, &secret, 0), recovery[0].clone()] {
        let tries = (0..5).map(|_| log_in_with(&app, "viewer", PASSWORD, &code));
        let answers = futures::future::join_all(tries).await;
        let inside = answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!(inside, 1, "{code}");
        app.advance(Duration::from_secs(15 * 60 + 1));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_comes_many_times_at_once_lets_in_once_on_sqlite() {
    a_code_that_comes_many_times_at_once_lets_in_once(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_comes_many_times_at_once_lets_in_once_on_postgres() {
    a_code_that_comes_many_times_at_once_lets_in_once(Database::Postgres).await;
}

#[tokio::test]
async fn a_recovery_code_is_good_for_once_however_it_is_typed() {
    let app = TestApp::start().await;
    let (_, codes) = enrol(&app).await;
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 19 && code.split('-').count() == 4), "{codes:?}");
    let typed = codes[3].to_uppercase().replace('-', " ");
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &typed).await.status(), 200);
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &codes[3]).await.status(), 401);
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, "aaaa-aaaa-aaaa-aaaa").await.status(), 401);
    let response = log_in_with(&app, "viewer", PASSWORD, &codes[4]).await;
    let browser = Browser { app: &app, cookie: super::cookie(&response) };
    assert_eq!(browser.get("/session/second-factor").await["recovery_codes_left"], 8);
    let renew = |body| browser.send(Method::POST, "/session/second-factor/recovery-codes", body);
    assert_eq!(renew(json!({ "password": "a wrong password" })).await.status(), 403);
    assert_eq!(renew(json!({})).await.status(), 422);
    assert_eq!(renew(json!({ "password": PASSWORD })).await.status(), 200);
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &codes[5]).await.status(), 401, "the old ones are worth nothing");
    app.finish().await;
}

#[tokio::test]
async fn guessing_codes_locks_the_account() {
    let app = TestApp::start().await;
    let (secret, _) = enrol(&app).await;
    for _ in 0..10 {
        assert_eq!(code_of(log_in_with(&app, "viewer", PASSWORD, "123456").await).await, "unauthenticated");
    }
    assert_eq!(count(&app, "account_locked").await, 1);
    let right = shown(&app, &secret, 0);
    let elsewhere = json!({ "name": "viewer", "password": PASSWORD, "code": right });
    assert_eq!(super::log_in_from(&app, "203.0.113.1", elsewhere).await.status(), 401);
    let asking = json!({ "name": "viewer", "password": PASSWORD });
    let told = super::log_in_from(&app, "203.0.113.2", asking).await;
    assert_eq!(code_of(told).await, "unauthenticated", "not even that the password is right");
    app.finish().await;
}

#[tokio::test]
async fn asking_for_the_code_is_no_wrong_try() {
    let app = TestApp::start().await;
    let (secret, _) = enrol(&app).await;
    for _ in 0..15 {
        assert_eq!(code_of(log_in(&app, "viewer", PASSWORD).await).await, "second_factor_required");
    }
    assert_eq!(log_in_with(&app, "viewer", PASSWORD, &shown(&app, &secret, 0)).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_session_does_not_take_the_second_factor_away() {
    let app = TestApp::start().await;
    let (secret, _) = enrol(&app).await;
    let response = log_in_with(&app, "viewer", PASSWORD, &shown(&app, &secret, 0)).await;
    let browser = Browser { app: &app, cookie: super::cookie(&response) };
    let remove = |body| browser.status(Method::DELETE, "/session/second-factor", body);
    assert_eq!(remove(json!({})).await, 422);
    assert_eq!(remove(json!({ "password": "a wrong password" })).await, 403);
    assert_eq!(remove(json!({ "code": shown(&app, &secret, 0) })).await, 403, "used up");
    assert_eq!(app.call(Role::Viewer, Method::DELETE, "/session/second-factor", Some(json!({}))).await.0, 403);
    assert_eq!(remove(json!({ "code": shown(&app, &secret, 1) })).await, 204);
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200);
    assert!(app.engine().store().secret_keys().await.unwrap().iter().all(|(key, _)| !key.starts_with("totp:")));
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_helps_who_lost_the_phone() {
    let app = TestApp::start().await;
    enrol(&app).await;
    let remove = async |role| app.call(role, Method::DELETE, "/users/viewer/second-factor", None).await.0;
    assert_eq!(app.get("/users/viewer").await["two_factor"], true);
    assert_eq!(remove(Role::Operator).await, 403);
    assert_eq!(remove(Role::Admin).await, 204);
    assert_eq!(log_in(&app, "viewer", PASSWORD).await.status(), 200);
    app.finish().await;
}
