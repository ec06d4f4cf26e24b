//! The feed over the API: from where, who sees what, filters, the file that is taken away.

use crate::shop::Shop;
use davit_domain::access::Role;
use davit_engine::hub::Topic;
use davit_store::feed::FeedEntry;
use davit_store::origin;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use reqwest::header::{CONTENT_DISPOSITION, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn tell(app: &TestApp, actor: &str, subject: &str, place: Option<(&str, &str)>, detail: Value) {
    let mut tx = app.engine().store().begin().await.unwrap();
    let entry = FeedEntry {
        at: app.engine().now(),
        actor: actor.into(),
        action: "tested".into(),
        subject: subject.into(),
        app: place.map(|(app, _)| app.parse().unwrap()),
        environment: place.map(|(_, environment)| environment.parse().unwrap()),
        detail,
    };
    tx.feed(entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// The subjects of what this finds, newest first.
async fn subjects(app: &TestApp, query: &str) -> Vec<String> {
    let items = app.get(&format!("/feed?action=tested&{query}")).await["items"].clone();
    items.as_array().unwrap().iter().map(|entry| entry["subject"].as_str().unwrap().to_owned()).collect()
}

async fn newest(app: &TestApp, action: &str) -> Value {
    app.get(&format!("/feed?limit=1&action={action}")).await["items"][0].clone()
}

async fn export(app: &TestApp, query: &str) -> Response {
    let url = format!("{}/api/v1/feed/export?{query}", app.url());
    app.http().get(url).bearer_auth(app.token(Role::Operator)).send().await.unwrap()
}

#[tokio::test]
async fn an_entry_says_from_where() {
    let shop = Shop::start(&[crate::shop::Kind::Local], "").await;
    let app = &shop.app;
    let lock = json!({ "environment": "production", "reason": "a test" });
    assert_eq!(app.post("/locks", lock.clone()).await.0, 201);
    let locked = newest(app, "locked").await;
    assert_eq!((&locked["origin"], &locked["actor"]), (&json!("token:test@127.0.0.1"), &json!("admin")));

    let session = app.http().post(format!("{}/api/v1/session", app.url()));
    let session = session.header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
    let answer = session.json(&json!({ "name": "admin", "password": PASSWORD })).send().await.unwrap();
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(newest(app, "logged_in").await["origin"], "203.0.113.9", "the proxy on this machine saw that");
    let by_cookie = app.http().post(format!("{}/api/v1/locks", app.url())).header("cookie", &cookie);
    let by_cookie = by_cookie.header("x-davit-request", "1").json(&lock).send().await.unwrap();
    assert_eq!(by_cookie.status(), 201);
    assert_eq!(newest(app, "locked").await["origin"], "127.0.0.1");
    for held in app.get("/locks").await["items"].as_array().unwrap() {
        app.call(Role::Admin, Method::DELETE, &format!("/locks/{}", held["id"]), None).await;
    }

    shop.release_new("by a person").await;
    let (asked, ended) = (newest(app, "release_requested").await, newest(app, "deployment_ended").await);
    assert_eq!((&asked["app"], &asked["environment"]), (&json!("shop"), &json!("production")), "{asked}");
    assert_eq!((&ended["app"], &ended["environment"]), (&json!("shop"), &json!("production")), "{ended}");
    assert_eq!(asked["origin"], "token:test@127.0.0.1");
    assert_eq!(ended["origin"], Value::Null, "davit did that by itself");

    origin::scope("chat:ops", tell(app, "ana", "said in a chat", None, Value::Null)).await;
    assert_eq!(newest(app, "tested").await["origin"], "chat:ops");
    shop.app.finish().await;
}

#[tokio::test]
async fn what_a_forge_leads_to_comes_from_it() {
    let shop = Shop::start(&[crate::shop::Kind::Local], "auto = { on = \"push\", branches = [\"main\"] }").await;
    shop.push("Second").await;
    shop.app.settle().await;
    let asked = newest(&shop.app, "release_requested").await;
    assert_eq!(asked["origin"], "forge:github", "{asked}");
    shop.app.finish().await;
}

async fn filters_on(database: Database) {
    let app = TestApp::start_on(database).await;
    tell(&app, "ana", "one", Some(("shop", "production")), json!({ "before": 1, "after": "Ünïcode 100%" })).await;
    app.advance(Duration::from_secs(24 * 3600));
    tell(&app, "bo", "two", Some(("shop", "test")), Value::Null).await;
    app.advance(Duration::from_secs(24 * 3600));
    tell(&app, "ana", "three", Some(("blog", "production")), Value::Null).await;
    tell(&app, "davit", "four", None, Value::Null).await;
    for (query, expected) in [
        ("", vec!["four", "three", "two", "one"]),
        ("actor=ana", vec!["three", "one"]),
        ("app=shop", vec!["two", "one"]),
        ("environment=production&app=shop", vec!["one"]),
        ("subject=three", vec!["three"]),
        ("q=THREE", vec!["three"]),
        ("q=100%25", vec!["one"]),
        ("q=%25", vec!["one"]),
        ("q=_", vec![]),
        ("from=2026-01-02&to=2026-01-02", vec!["two"]),
        ("from=2026-01-02", vec!["four", "three", "two"]),
        ("to=2026-01-02T00:00:00Z", vec!["one"]),
        ("actor=&app=&q=", vec!["four", "three", "two", "one"]),
        ("actor=%27%20OR%20%271%27=%271", vec![]),
    ] {
        assert_eq!(subjects(&app, query).await, expected, "{query}");
    }
    let first = app.get("/feed?action=tested&limit=3").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    assert_eq!(subjects(&app, &format!("before={next}")).await, ["one"]);
    assert_eq!(subjects(&app, &format!("cursor={next}")).await, ["one"]);
    for bad in ["app=../x", "from=yesterday", "to=2026-13-01", "before=x", "q=a%00b", "actor=%00", "limit=-1"] {
        let (status, answer) = app.call(Role::Viewer, Method::GET, &format!("/feed?{bad}"), None).await;
        assert!((400..500).contains(&status), "{bad}: {status} {answer}");
    }
    let words = app.get("/feed/actions").await["items"].clone();
    let words: Vec<&str> = words.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(words.contains(&"tested") && words.is_sorted() && words.len() > 1, "{words:?}");
    app.finish().await;
}

#[tokio::test]
async fn filters_find_what_they_say() {
    filters_on(Database::Sqlite).await;
}

#[tokio::test]
async fn filters_find_what_they_say_on_postgres() {
    filters_on(Database::Postgres).await;
}

#[tokio::test]
async fn who_sees_some_places_sees_what_happened_there() {
    let app = TestApp::start().await;
    tell(&app, "ana", "in the shop", Some(("shop", "production")), Value::Null).await;
    tell(&app, "ana", "in its test", Some(("shop", "test")), Value::Null).await;
    tell(&app, "ana", "in the blog", Some(("blog", "production")), Value::Null).await;
    tell(&app, "ana", "somewhere", None, Value::Null).await;
    let engine = app.engine();
    for (name, scope, expected) in [
        ("of-app", "app:shop", vec!["in its test", "in the shop"]),
        ("of-place", "app:shop@production", vec!["in the shop"]),
        ("of-environment", "environment:production", vec!["in the blog", "in the shop"]),
        ("of-label", "label:web", vec![]),
    ] {
        engine.create_user(name, None, &PASSWORD.into()).await.unwrap();
        let (status, grant) = app.post("/grants", json!({ "user": name, "role": "operator", "scope": scope })).await;
        assert_eq!(status, 201, "{grant}");
        let token = engine.create_token(name, "t").await.unwrap();
        let get = async |path: &str| {
            let request = app.http().get(format!("{}/api/v1{path}", app.url()));
            request.bearer_auth(secrecy::ExposeSecret::expose_secret(&token)).send().await.unwrap()
        };
        let seen: Value = get("/feed").await.json().await.unwrap();
        let seen: Vec<&str> =
            seen["items"].as_array().unwrap().iter().map(|entry| entry["subject"].as_str().unwrap()).collect();
        assert_eq!(seen, expected, "{scope}");
        assert_eq!(get("/feed/export").await.status(), 403, "{scope}: the file is for who sees all");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_table_is_taken_away_that_does_nothing() {
    let app = TestApp::start().await;
    tell(&app, "=cmd|' /C calc'!A0", "+1", None, json!({ "a": "b,\"c\"\nd" })).await;
    tell(&app, "@SUM(1)", "-2 \"x\",y\r\nz", Some(("shop", "production")), Value::Null).await;
    let response = export(&app, "format=csv&action=tested").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(response.headers()[CONTENT_DISPOSITION], "attachment; filename=\"davit-feed.csv\"");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("id,at,actor,origin,action,subject,app,environment,detail,position"), "{text}");
    assert!(text.contains(",'@SUM(1),") && text.contains(",\"'-2 \"\"x\"\",y\r\nz\",shop,production,"), "{text}");
    assert!(text.contains(",'=cmd|' /C calc'!A0,") && text.contains(",'+1,"), "{text}");
    for start in ["=", "+", "@"] {
        assert!(!text.contains(&format!(",{start}")) && !text.contains(&format!(",\"{start}")), "{text}");
    }
    let noted = newest(&app, "feed_exported").await;
    assert_eq!((&noted["actor"], &noted["detail"]["filter"]["action"]), (&json!("operator"), &json!("tested")));
    app.finish().await;
}

#[tokio::test]
async fn a_long_file_is_whole() {
    let app = TestApp::start().await;
    let mut tx = app.engine().store().begin().await.unwrap();
    for number in 0..2_500 {
        let entry = FeedEntry {
            at: app.engine().now(),
            actor: "ana".into(),
            action: "tested".into(),
            subject: format!("thing {number}"),
            app: None,
            environment: None,
            detail: json!({ "number": number }),
        };
        tx.feed(entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let entries: Vec<Value> = export(&app, "format=json&action=tested").await.json().await.unwrap();
    let numbers: Vec<i64> = entries.iter().map(|entry| entry["detail"]["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (0..2_500).rev().collect::<Vec<_>>());
    let rows = export(&app, "action=tested").await.text().await.unwrap().lines().count();
    assert_eq!(rows, 2_501);
    // Exactly so many as fit a page, and none at all.
    let none: Vec<Value> = export(&app, "format=json&action=nothing").await.json().await.unwrap();
    assert!(none.is_empty());
    assert_eq!(export(&app, "action=nothing").await.text().await.unwrap().lines().count(), 1);
    assert_eq!(export(&app, "format=xlsx").await.status(), 400);
    app.finish().await;
}

#[tokio::test]
async fn no_filter_writes_a_header() {
    let app = TestApp::start().await;
    for bad in [
        "app=x%22%0d%0aSet-Cookie:%20a=b",
        "app=%0d%0aX-Evil:%201",
        "environment=a%22;filename=%22b",
        "app=..%2f..%2fetc",
        "app=%e4%b8%ad",
    ] {
        let response = export(&app, bad).await;
        assert_eq!(response.status(), 422, "{bad}");
        assert!(response.headers().get(SET_COOKIE).is_none() && response.headers().get("x-evil").is_none());
        assert!(response.headers().get(CONTENT_DISPOSITION).is_none());
    }
    let response = export(&app, "app=shop&environment=production&actor=x%22%0d%0aX-Evil:%201&format=json").await;
    assert_eq!(response.headers()[CONTENT_DISPOSITION], "attachment; filename=\"davit-feed-shop-production.json\"");
    assert!(response.headers().get("x-evil").is_none());
    app.finish().await;
}

/// What this stream says until it says this.
async fn heard(stream: &mut Response, what: &str) -> String {
    let mut heard = String::new();
    while !heard.contains(what) {
        heard.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    heard
}

#[tokio::test]
async fn whoever_listens_is_told_of_new_entries() {
    let app = TestApp::start().await;
    let url = format!("{}/api/v1/events", app.url());
    let mut stream = app.http().get(url).bearer_auth(app.token(Role::Viewer)).send().await.unwrap();
    tell(&app, "ana", "news", None, Value::Null).await;
    // The first may be of what the start wrote.
    while newest(&app, "tested").await["sealed"] != true {
        heard(&mut stream, "\"topic\":\"feed\"").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn whoever_began_to_read_before_they_listened_is_told_what_came_between() {
    let app = TestApp::start().await;
    let begun = Instant::now();
    let mut told = app.engine().hub().subscribe();
    // Entries get their places twice a second: the last of these is told more than a second after the beginning.
    let (mut last, mut last_told) = (Value::Null, Duration::ZERO);
    for _ in 0..4 {
        last_told = begun.elapsed();
        tell(&app, "ana", "news", None, Value::Null).await;
        loop {
            let change = told.recv().await.unwrap();
            last = newest(&app, "tested").await["position"].clone();
            if change.topic == Topic::Feed && json!(change.id) == last {
                break;
            }
        }
    }
    let last = format!("\"topic\":\"feed\",\"id\":{last}");
    let listen = async |age_ms: u128| {
        let url = format!("{}/api/v1/events?age_ms={age_ms}", app.url());
        app.http().get(url).bearer_auth(app.token(Role::Admin)).send().await.unwrap()
    };
    let mut from_now_on = listen(0).await;
    app.engine().hub().tell_topic(Topic::Host, None);
    assert!(!heard(&mut from_now_on, "\"topic\":\"host\"").await.contains("\"topic\":\"feed\""));
    // How old it is by davit's clock is known once davit hears of it: where that took longer than it takes from the
    // beginning to the last entry, what is promised says nothing about that entry.
    let mut from_the_beginning = loop {
        let age = begun.elapsed();
        let stream = listen(age.as_millis()).await;
        if begun.elapsed() - age < last_told / 2 {
            break stream;
        }
    };
    heard(&mut from_the_beginning, &last).await;
    heard(&mut listen(4_000_000_000_000).await, "event: lost").await;
    app.finish().await;
}
