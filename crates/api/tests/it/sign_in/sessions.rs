//! Sessions that one sees and ends.

use super::{Browser, cookie, request};
use davit_domain::access::Role;
use davit_testkit::app::{PASSWORD, TestApp};
use reqwest::Method;
use reqwest::header::{COOKIE, USER_AGENT};
use serde_json::{Value, json};
use std::time::Duration;

async fn sessions(browser: &Browser<'_>) -> Vec<Value> {
    browser.get("/session/list").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_it() {
    let app = TestApp::start().await;
    let here = Browser::log_in(&app, "viewer", PASSWORD).await;
    app.advance(Duration::from_secs(120));
    let body = json!({ "name": "viewer", "password": PASSWORD });
    let phone = request(&app, Method::POST, "/session").header("x-forwarded-for", "203.0.113.7");
    let phone = phone.header(USER_AGENT, "A phone").json(&body).send().await.unwrap();
    let there = Browser { app: &app, cookie: cookie(&phone) };

    let seen = sessions(&here).await;
    assert_eq!(seen.len(), 2);
    let (own, other): (Vec<&Value>, Vec<&Value>) = seen.iter().partition(|one| one["current"] == true);
    let (own, other) = (own[0], other[0]);
    assert_eq!((&other["ip"], &other["how"]), (&json!("203.0.113.7"), &json!("password")));
    assert_eq!(other["user_agent"], "A phone");
    assert_ne!(own["created_at"], other["created_at"]);
    assert_eq!(own["last_seen_at"], other["created_at"], "it is used just now");
    assert!(!Value::from(seen.clone()).to_string().contains(here.cookie.split('=').nth(1).unwrap()), "no cookie");

    let end = format!("/session/list/{}", other["id"]);
    let stranger = Browser::log_in(&app, "reviewer", PASSWORD).await;
    assert_eq!(stranger.status(Method::DELETE, &end, Value::Null).await, 404, "only one's own");
    assert_eq!(there.status(Method::GET, "/session", Value::Null).await, 200);
    assert_eq!(here.status(Method::DELETE, &end, Value::Null).await, 204);
    assert_eq!(there.status(Method::GET, "/session", Value::Null).await, 401);
    assert_eq!(here.status(Method::DELETE, &end, Value::Null).await, 404);
    app.finish().await;
}

#[tokio::test]
async fn one_signs_out_everywhere_else() {
    let app = TestApp::start().await;
    let (here, there) =
        (Browser::log_in(&app, "viewer", PASSWORD).await, Browser::log_in(&app, "viewer", PASSWORD).await);
    let other = Browser::log_in(&app, "reviewer", PASSWORD).await;
    assert_eq!(here.status(Method::DELETE, "/session/list", Value::Null).await, 204);
    for (browser, expected) in [(&here, 200), (&there, 401), (&other, 200)] {
        assert_eq!(browser.status(Method::GET, "/session", Value::Null).await, expected);
    }
    assert_eq!(app.call(Role::Viewer, Method::DELETE, "/session/list", None).await.0, 403, "a token has no session");
    app.finish().await;
}

#[tokio::test]
async fn administrators_see_and_end_the_sessions_of_others() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    let path = "/users/viewer/sessions";
    assert_eq!(app.get(path).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.call(Role::Operator, Method::GET, path, None).await.0, 403);
    assert_eq!(app.call(Role::Operator, Method::DELETE, path, None).await.0, 403);
    assert_eq!(app.call(Role::Admin, Method::DELETE, path, None).await.0, 204);
    assert_eq!(browser.status(Method::GET, "/session", Value::Null).await, 401);
    assert_eq!(app.call(Role::Admin, Method::GET, "/users/none/sessions", None).await.0, 404);
    app.finish().await;
}

#[tokio::test]
async fn signing_in_never_takes_over_a_cookie_that_somebody_else_put_there() {
    let app = TestApp::start().await;
    let body = json!({ "name": "viewer", "password": PASSWORD });
    let planted = request(&app, Method::POST, "/session").header(COOKIE, "davit_session=planted-by-somebody-else");
    let fresh = cookie(&planted.json(&body).send().await.unwrap());
    assert_ne!(fresh, "davit_session=planted-by-somebody-else");
    let planted = Browser { app: &app, cookie: "davit_session=planted-by-somebody-else".into() };
    assert_eq!(planted.status(Method::GET, "/session", Value::Null).await, 401);
    // And the one that was there is over: somebody who knew it knows nothing now.
    let again = request(&app, Method::POST, "/session").header(COOKIE, &fresh).json(&body).send().await.unwrap();
    let (former, now) = (Browser { app: &app, cookie: fresh }, Browser { app: &app, cookie: cookie(&again) });
    assert_eq!(former.status(Method::GET, "/session", Value::Null).await, 401);
    assert_eq!(now.status(Method::GET, "/session", Value::Null).await, 200);
    app.finish().await;
}

#[tokio::test]
async fn another_role_and_being_shut_out_end_sessions() {
    let app = TestApp::start().await;
    for (body, expected) in [(json!({ "role": "developer" }), 200), (json!({ "disabled": true }), 200)] {
        let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
        let (status, answer) = app.call(Role::Admin, Method::PATCH, "/users/viewer", Some(body)).await;
        assert_eq!(status, expected, "{answer}");
        assert_eq!(browser.status(Method::GET, "/session", Value::Null).await, 401);
    }
    app.finish().await;
}

#[tokio::test]
async fn another_site_can_change_nothing_of_how_one_signs_in() {
    let app = TestApp::start().await;
    let browser = Browser::log_in(&app, "viewer", PASSWORD).await;
    for (method, path) in [
        (Method::DELETE, "/session"),
        (Method::POST, "/session/password"),
        (Method::DELETE, "/session/list"),
        (Method::DELETE, "/session/list/1"),
        (Method::POST, "/session/second-factor"),
        (Method::POST, "/session/second-factor/confirm"),
        (Method::POST, "/session/second-factor/recovery-codes"),
        (Method::DELETE, "/session/second-factor"),
        (Method::DELETE, "/users/viewer/sessions"),
    ] {
        let forged = request(&app, method, path).header(COOKIE, &browser.cookie).json(&json!({ "code": "1" }));
        assert_eq!(forged.send().await.unwrap().status(), 403, "{path}");
    }
    app.finish().await;
}
