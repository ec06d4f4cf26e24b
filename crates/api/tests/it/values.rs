//! Values: who may set them, what hooks find, what is pinned, what nobody reads again.

use crate::shop::{Kind, Shop, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::access::Role;
use davit_testkit::app::{Database, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SECRET: &str = "s3cr3t & more/than?that";
const ONE_EYE: &str = "review = { required = 1 }";

async fn put(app: &TestApp, role: Role, body: Value) -> (u16, Value) {
    app.call(role, Method::PUT, "/values", Some(body)).await
}

/// Sets values as an administrator, whatever the revision is.
async fn set(app: &TestApp, place: Value, values: Value) -> Value {
    let query: Vec<String> = place.as_object().unwrap().iter().map(|(key, at)| format!("{key}={}", text(at))).collect();
    let revision = app.get(&format!("/values?{}", query.join("&"))).await["revision"].clone();
    let mut body = json!({ "base_revision": revision, "set": values });
    body.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
    let (status, answer) = put(app, Role::Admin, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn plain(value: &str) -> Value {
    json!({ "kind": "plain", "value": value })
}

fn secret(value: &str) -> Value {
    json!({ "kind": "secret", "value": value })
}

fn here() -> Value {
    json!({ "app": "shop", "environment": "production" })
}

#[tokio::test]
async fn hooks_find_the_most_specific_value_and_logs_no_secret() {
    let hook = "hooks.after_checkout = 'echo \"server $A $B $C $D\"; echo \"$TOKEN\"'\n\
                hooks.before_release = 'echo \"host $A $B $C $D\"; printf %s \"$TOKEN\" > token; echo \"token $TOKEN\"; \
                printf %s \"$TOKEN\" | base64; echo \"s3cr3t%20%26%20more%2Fthan%3Fthat\"; echo \"file $FILED\"; \
                echo \"env ${#HOME_OF_SERVER}\"'\nvariables = 'C=config'";
    let shop = Shop::start(&[Kind::Ssh], hook).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("value");
    std::fs::write(&file, "from-a-file\n").unwrap();
    set(&shop.app, json!({}), json!({ "A": plain("all"), "B": plain("all"), "C": plain("all"), "D": plain("all") }))
        .await;
    set(&shop.app, json!({ "app": "shop" }), json!({ "B": plain("app"), "D": plain("app") })).await;
    let values = json!({
        "D": plain("here"),
        "TOKEN": secret(SECRET),
        "FILED": { "kind": "file", "value": file },
        "HOME_OF_SERVER": { "kind": "env", "value": "PATH" },
    });
    set(&shop.app, here(), values).await;

    let all = shop.get("/values?app=shop&environment=production&inherited=true").await;
    let items: Vec<String> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            format!("{} {} {} {}", text(&item["key"]), text(&item["kind"]), text(&item["from"]), item["overrides"])
        })
        .collect();
    assert_eq!(
        items,
        [
            "A plain global false",
            "B plain app true",
            "C plain global false",
            "D plain environment true",
            "FILED file environment false",
            "HOME_OF_SERVER env environment false",
            "TOKEN secret environment false",
        ]
    );
    assert!(!all.to_string().contains("s3cr3t"), "{all}");

    let deployment = shop.release_new("one").await;
    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {log:#?}");
    let has = |text: &str| log.iter().any(|line| line.contains(text));
    assert!(has("server all app config here") && has("host all app config here"), "{log:#?}");
    assert_eq!(shop.hosts[0].read("token").as_deref(), Some(SECRET));
    let encoded = STANDARD.encode(SECRET);
    for form in [SECRET, &encoded, "s3cr3t", "from-a-file", &std::env::var("PATH").unwrap()] {
        assert!(!has(form), "{form}: {log:#?}");
    }
    assert!(has("token ***") && has("file ***"), "{log:#?}");
    shop.finish().await;
}

#[tokio::test]
async fn what_was_approved_is_what_hooks_find() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let release = "hooks.before_release = 'echo \"$MOOD $LATER $TOKEN\" > mood'";
    shop.configure(&shop.document(&shop.production(ONE_EYE, release))).await;
    set(&shop.app, here(), json!({ "MOOD": plain("calm"), "TOKEN": secret("old-token") })).await;
    shop.commit("approved");
    let (status, request) = shop.app.post("/apps/shop/environments/production/deploy", json!({ "ref": "main" })).await;
    assert_eq!(status, 201, "{request}");
    let say = async |role, what: &str| {
        let path = format!("/requests/{}/{what}", request["id"]);
        let (status, answer) = shop.app.call(role, Method::POST, &path, Some(json!({}))).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    say(Role::Reviewer, "approve").await;
    // Plain values were approved as they were, and none was added; a secret is what it is when it is used.
    set(&shop.app, here(), json!({ "MOOD": plain("wild"), "LATER": plain("later"), "TOKEN": secret("new-token") }))
        .await;
    let answer = say(Role::Releaser, "release").await;
    let deployment = shop.ended(answer["deployment"].as_i64().unwrap()).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(shop.hosts[0].read("mood").as_deref(), Some("calm  new-token\n"));
    shop.finish().await;
}

#[tokio::test]
async fn a_build_is_not_used_with_other_values() {
    let shop = Shop::start(&[Kind::Local], "hooks.after_checkout = 'printf %s \"$TOKEN\" > made'").await;
    let commit = shop.commit("one");
    for token in ["first-token", "second-token"] {
        set(&shop.app, here(), json!({ "TOKEN": secret(token) })).await;
        let id = shop.ask(json!({ "commit": commit })).await;
        assert_eq!(shop.ended(id).await["state"], "succeeded");
        assert_eq!(shop.hosts[0].read("made").as_deref(), Some(token));
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_secret_that_was_removed_and_a_file_that_is_gone_are_told() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let file = shop.app.path("gone");
    std::fs::write(&file, "x").unwrap();
    for (values, told) in [
        (json!({ "TOKEN": secret("geheim-geheim") }), "the secret value TOKEN of shop in production was removed"),
        (json!({ "FILED": { "kind": "file", "value": file } }), "the value FILED can't be read"),
    ] {
        shop.configure(&shop.document(&shop.production(ONE_EYE, ""))).await;
        set(&shop.app, here(), values.clone()).await;
        shop.commit(told);
        let (_, request) = shop.app.post("/apps/shop/environments/production/deploy", json!({ "ref": "main" })).await;
        let path = format!("/requests/{}", request["id"]);
        shop.app.call(Role::Reviewer, Method::POST, &format!("{path}/approve"), Some(json!({}))).await;
        let names: Vec<&String> = values.as_object().unwrap().keys().collect();
        let revision = shop.app.get("/values?app=shop&environment=production").await["revision"].clone();
        let _ = std::fs::remove_file(&file);
        let mut body = here();
        body["base_revision"] = revision;
        body["remove"] = json!(names);
        assert_eq!(put(&shop.app, Role::Admin, body).await.0, 200);
        let (status, answer) = shop.app.post(&format!("{path}/release"), json!({})).await;
        assert_eq!(status, 200, "{answer}");
        let deployment = shop.ended(answer["deployment"].as_i64().unwrap()).await;
        assert_eq!(deployment["state"], "failed", "{deployment}");
        assert!(deployment.to_string().contains(told), "{deployment}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn history_tells_what_changed_and_brings_it_back_but_no_secret() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let app = &shop.app;
    set(app, here(), json!({ "A": plain("1"), "TOKEN": secret("geheim-1") })).await;
    set(app, here(), json!({ "A": plain("2"), "TOKEN": secret("geheim-2") })).await;
    let saved = set(app, here(), json!({ "A": plain("2") })).await;
    assert_eq!(saved["revision"], 2, "what changes nothing is no revision");
    let mut body = here();
    body["base_revision"] = json!(2);
    body["remove"] = json!(["TOKEN", "A"]);
    body["set"] = json!({ "B": plain("3") });
    assert_eq!(put(app, Role::Admin, body).await.0, 200);

    let history = shop.get("/values/history?app=shop&environment=production").await;
    let seen: Vec<String> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|item| {
            let revision = item["revision"].clone();
            item["changes"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |change| {
                    format!(
                        "{revision} {} {} {} {}",
                        text(&change["key"]),
                        text(&change["change"]),
                        change["before"],
                        change["after"]
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        seen,
        [
            "3 A removed \"2\" null",
            "3 B set null \"3\"",
            "3 TOKEN removed null null",
            "2 A changed \"1\" \"2\"",
            "2 TOKEN changed null null",
            "1 A set null \"1\"",
            "1 TOKEN set null null",
        ]
    );
    let diff = shop.get("/values/diff?app=shop&environment=production&from=1&to=3").await;
    assert_eq!(diff["changes"].as_array().unwrap().len(), 3, "{diff}");

    let mut back = here();
    back["revision"] = json!(1);
    let (status, restored) = app.post("/values/restore", back).await;
    assert_eq!((status, &restored["revision"], &restored["kept"]), (200, &json!(4), &json!(["TOKEN"])), "{restored}");
    let now = shop.get("/values?app=shop&environment=production").await;
    let keys: Vec<String> = now["items"].as_array().unwrap().iter().map(|item| text(&item["key"])).collect();
    assert_eq!((keys, &now["items"][0]["value"]), (vec!["A".to_owned()], &json!("1")));

    let feed = app.get("/feed?limit=200").await.to_string();
    assert!(feed.contains("values_changed") && feed.contains("values_restored"), "{feed}");
    for answer in [feed, history.to_string(), diff.to_string(), now.to_string()] {
        assert!(!answer.contains("geheim"), "{answer}");
    }
    let stored = app.engine().store().secret_keys().await.unwrap();
    assert!(!stored.iter().any(|(key, _)| key.starts_with("value:")), "a removed secret is gone: {stored:?}");
    shop.finish().await;
}

async fn two_at_once(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    for round in 0..8 {
        let body = |value: &str| json!({ "base_revision": round, "set": { "A": plain(&format!("{value} {round}")) } });
        let (one, other) =
            tokio::join!(put(&shop.app, Role::Admin, body("one")), put(&shop.app, Role::Operator, body("other")));
        let mut codes = [one.0, other.0];
        codes.sort_unstable();
        assert_eq!(codes, [200, 409], "{one:?} {other:?}");
        let refused = if one.0 == 409 { one.1 } else { other.1 };
        assert_eq!(refused["code"], "changed", "{refused}");
        assert!(text(&refused["detail"]).contains(&format!("revision {}", round + 1)), "{refused}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn of_two_who_save_at_once_one_is_told_on_sqlite() {
    two_at_once(Database::Sqlite).await;
}

#[tokio::test]
async fn of_two_who_save_at_once_one_is_told_on_postgres() {
    two_at_once(Database::Postgres).await;
}

#[tokio::test]
async fn names_and_values_that_cannot_be_are_refused() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let own = shop.app.engine().settings().data_dir.join("master.key");
    for (name, value, place) in [
        ("1A", plain("x"), json!({})),
        ("DAVIT_ENV", plain("x"), json!({})),
        ("A", plain("a\0b"), json!({})),
        ("A", plain(&"x".repeat(70_000)), json!({})),
        ("A", secret(""), json!({})),
        ("A", json!({ "kind": "env", "value": "not a name" }), json!({})),
        ("A", json!({ "kind": "env", "value": "DAVIT_DATABASE_URL" }), json!({})),
        ("A", json!({ "kind": "file", "value": "relative" }), json!({})),
        ("A", json!({ "kind": "file", "value": "/etc/../root/.ssh/id_ed25519" }), json!({})),
        ("A", json!({ "kind": "file", "value": "/proc/self/environ" }), json!({})),
        ("A", plain("x"), json!({ "app": "../shop" })),
        ("A", plain("x"), json!({ "environment": "production" })),
    ] {
        let mut body = json!({ "base_revision": 0, "set": { name: value } });
        body.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        let (status, answer) = put(&shop.app, Role::Admin, body).await;
        assert_eq!(status, 422, "{name}: {answer}");
    }
    for place in [json!({ "app": "none" }), json!({ "app": "shop", "environment": "none" })] {
        let mut body = json!({ "base_revision": 0, "set": { "A": plain("x") } });
        body.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        assert_eq!(put(&shop.app, Role::Admin, body).await.0, 404);
    }
    // What davit itself keeps is read for nobody.
    set(&shop.app, here(), json!({ "KEY": { "kind": "file", "value": own } })).await;
    let deployment = shop.release_new("one").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert!(deployment.to_string().contains("one of davit's own files"), "{deployment}");
    shop.finish().await;
}

#[tokio::test]
async fn grants_on_a_place_reach_its_values_and_no_others() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let app = &shop.app;
    let mut tokens = BTreeMap::new();
    for (user, role) in [("olaf", "operator"), ("adele", "admin")] {
        let body = json!({ "name": user, "role": "none", "password": "a password of a test" });
        let (status, answer) = app.post("/users", body).await;
        assert!(status < 300, "{answer}");
        let grant = json!({ "user": user, "role": role, "scope": "app:shop@production" });
        let (status, answer) = app.post("/grants", grant).await;
        assert!(status < 300, "{answer}");
        let token = app.engine().create_token(user, "test").await.unwrap();
        tokens.insert(user, secrecy::ExposeSecret::expose_secret(&token).to_owned());
    }
    let as_user = async |user: &str, method: Method, path: &str, body: Value| {
        let url = format!("{}/api/v1{path}", app.url());
        let call = app.http().request(method, url).bearer_auth(&tokens[user]).json(&body);
        call.send().await.unwrap().status().as_u16()
    };
    let save = |place: Value, value: Value, revision: i64| {
        let mut body = json!({ "base_revision": revision, "set": { "A": value } });
        body.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        body
    };
    let reference = json!({ "kind": "env", "value": "PATH" });
    assert_eq!(as_user("olaf", Method::PUT, "/values", save(here(), secret("geheim"), 0)).await, 200);
    assert_eq!(as_user("olaf", Method::PUT, "/values", save(here(), reference.clone(), 1)).await, 403);
    let file = json!({ "kind": "file", "value": "/etc/hostname" });
    for reference in [&reference, &file] {
        let saved = as_user("adele", Method::PUT, "/values", save(here(), reference.clone(), 1)).await;
        assert_eq!(saved, 403, "what the server has is none of a place's");
    }
    let steering = json!({ "app": "shop", "environment": "production", "base_revision": 1,
        "set": { "BASH_ENV": plain("$(id)") } });
    for user in ["olaf", "adele"] {
        assert_eq!(as_user(user, Method::PUT, "/values", steering.clone()).await, 403);
    }
    set(app, here(), json!({ "A": reference })).await;
    // Not by way of the history either.
    set(app, here(), json!({ "A": plain("x") })).await;
    for (revision, answer) in [(2, 403), (1, 200)] {
        let mut back = here();
        back["revision"] = json!(revision);
        assert_eq!(as_user("olaf", Method::POST, "/values/restore", back.clone()).await, answer);
        assert_eq!(as_user("adele", Method::POST, "/values/restore", back).await, answer);
    }
    for place in [json!({}), json!({ "app": "shop" })] {
        assert!(as_user("adele", Method::PUT, "/values", save(place, plain("x"), 0)).await >= 403);
    }
    shop.finish().await;
}

#[tokio::test]
async fn an_app_that_comes_again_finds_no_values_of_the_one_before() {
    let shop = Shop::start(&[Kind::Local], "").await;
    set(&shop.app, here(), json!({ "TOKEN": secret("geheim") })).await;
    set(&shop.app, json!({ "app": "shop" }), json!({ "A": plain("1") })).await;
    let (status, answer) = shop.app.call(Role::Admin, Method::DELETE, "/apps/shop", None).await;
    assert_eq!(status, 204, "{answer}");
    shop.configure(&shop.document(&shop.production("", ""))).await;
    let now = shop.get("/values?app=shop&environment=production&inherited=true").await;
    assert_eq!(now["items"], json!([]), "{now}");
    assert!(shop.app.engine().store().secret_keys().await.unwrap().iter().all(|(key, _)| !key.starts_with("value:")));
    shop.finish().await;
}
