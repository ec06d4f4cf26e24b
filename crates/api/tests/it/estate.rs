//! Environments, hosts, forges, repositories and channels, one at a time: what comes with them, what is refused, what is left alone.

use crate::people::{call, grant, newcomer};
use crate::shop::{Kind, Shop, text};
use davit_domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

async fn put(shop: &Shop, path: &str, body: Value) -> (u16, Value) {
    shop.app.call(Role::Admin, Method::PUT, path, Some(body)).await
}

async fn delete(shop: &Shop, path: &str) -> (u16, Value) {
    shop.app.call(Role::Admin, Method::DELETE, path, None).await
}

fn fields(answer: &Value) -> Vec<String> {
    answer["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect()
}

async fn secrets(shop: &Shop) -> Vec<String> {
    let listed = shop.get("/secrets").await;
    listed["items"].as_array().unwrap().iter().map(|secret| text(&secret["name"])).collect()
}

#[tokio::test]
async fn a_forge_comes_with_its_secrets_and_shows_none_of_them() {
    let shop = Shop::start(&[Kind::Local], "keep = 3").await;
    let form = json!({ "kind": "gitea", "api_url": "https://git.example/api/v1",
        "token": { "secret": "gitea-token" }, "webhook_secret": { "secret": "gitea-webhook" } });
    let given = json!({ "gitea-token": "t0p-s3cret", "gitea-webhook": "another" });
    let body = json!({ "form": form, "base": null, "secrets": given, "dry_run": true });
    assert_eq!(put(&shop, "/forges/gitea", body).await.0, 200);
    assert_eq!(shop.app.call(Role::Admin, Method::GET, "/forges/gitea", None).await.0, 404, "it was only looked at");
    assert!(!secrets(&shop).await.contains(&"gitea-token".to_owned()), "and so were its secrets");

    let body = json!({ "form": form, "base": null, "secrets": given });
    let (status, made) = put(&shop, "/forges/gitea", body.clone()).await;
    assert_eq!((status, &made["form"]), (200, &form), "{made}");
    let shown = shop.get("/forges/gitea").await;
    assert_eq!((&shown["has_token"], &shown["has_webhook_secret"]), (&json!(true), &json!(true)), "{shown}");
    let told = format!("{}{}", shop.get("/forges/gitea/form").await, shop.get("/feed?limit=50").await);
    assert!(!told.contains("t0p-s3cret") && told.contains("forge_saved") && told.contains("secret_set"), "{told}");
    let (status, twice) = put(&shop, "/forges/gitea", body).await;
    assert_eq!((status, &twice["code"]), (409, &json!("conflict")), "{twice}");

    let stray = json!({ "form": form, "secrets": { "somebody-elses": "x" } });
    let (status, refused) = put(&shop, "/forges/gitea", stray).await;
    assert_eq!(status, 422, "{refused}");
    assert!(!secrets(&shop).await.contains(&"somebody-elses".to_owned()));
    let (status, wrong) = put(&shop, "/forges/lab", json!({ "form": { "kind": "gitea", "signature": "token" } })).await;
    assert_eq!((status, fields(&wrong)), (422, vec!["api_url".to_owned(), "signature".to_owned()]), "{wrong}");

    assert_eq!(delete(&shop, "/forges/gitea").await.0, 204);
    let used = format!("/forges/{}", shop.app.forge_id());
    let (status, used) = delete(&shop, &used).await;
    assert_eq!((status, &used["code"]), (409, &json!("conflict")), "an app is there: {used}");
    shop.finish().await;
}

#[tokio::test]
async fn a_repository_comes_with_its_secrets_and_is_the_same_in_any_case() {
    let shop = Shop::start(&[Kind::Local], "keep = 3").await;
    let forge = shop.app.forge_id();
    let path = format!("/repositories/{forge}/acme/shop");
    let form =
        json!({ "memory": "4GiB", "secrets": { "NPM_TOKEN": { "secret": "npm" } }, "merge": { "approvals": 1 } });
    let given = json!({ "npm": "t0p-s3cret" });
    let looked = json!({ "form": form, "base": null, "secrets": given, "dry_run": true });
    assert_eq!(put(&shop, &path, looked).await.0, 200);
    assert_eq!(shop.app.call(Role::Admin, Method::GET, &path, None).await.0, 404, "it was only looked at");

    let (status, made) = put(&shop, &path, json!({ "form": form, "base": null, "secrets": given })).await;
    assert_eq!((status, &made["form"]), (200, &form), "{made}");
    assert_eq!(made["key"], json!(format!("{forge}/acme/shop")));
    let escaped = format!("/repositories/{forge}/Acme%2FSHOP");
    let told = format!("{}{}", shop.get(&escaped).await, shop.get("/feed?limit=50").await);
    assert!(!told.contains("t0p-s3cret") && told.contains("repository_saved") && told.contains("secret_set"), "{told}");
    let (status, twice) = put(&shop, &escaped, json!({ "form": form, "base": null })).await;
    assert_eq!((status, &twice["code"]), (409, &json!("conflict")), "{twice}");
    let (status, changed) = put(&shop, &escaped, json!({ "form": {}, "base": form })).await;
    assert_eq!((status, &changed["key"]), (200, &json!(format!("{forge}/acme/shop"))), "its name stays: {changed}");
    let (status, late) = put(&shop, &path, json!({ "form": form, "base": form })).await;
    assert_eq!((status, &late["code"]), (409, &json!("changed")), "{late}");

    let wrong = json!({ "form": { "executor": "host", "secrets": { "GITHUB_X": { "secret": "x" } } } });
    let (status, wrong) = put(&shop, &format!("/repositories/{forge}/shop"), wrong).await;
    assert_eq!((status, fields(&wrong)), (422, vec!["name".into(), "executor".into(), "secrets.GITHUB_X".into()]));
    let listed = shop.get("/repositories").await;
    assert_eq!((&listed["items"][0]["name"], &listed["items"][1]), (&json!("acme/shop"), &Value::Null), "{listed}");
    assert_eq!(delete(&shop, &escaped).await.0, 204);
    assert_eq!(delete(&shop, &path).await.0, 404);
    shop.finish().await;
}

#[tokio::test]
async fn a_channel_is_made_changed_and_taken_away() {
    let shop = Shop::start(&[Kind::Local], "keep = 3").await;
    let form = json!({ "kind": "slack", "url": { "secret": "channel-url" }, "events": ["failed"] });
    let body = json!({ "form": form, "base": null, "secrets": { "channel-url": "https://hooks.example/x" } });
    let (status, made) = put(&shop, "/channels/ops", body).await;
    assert_eq!((status, &made["form"]), (200, &form), "{made}");
    assert_eq!(shop.get("/channels").await["items"][0]["id"], "ops");
    let seen = shop.get("/channels/ops").await["form"].clone();
    let wider = json!({ "kind": "slack", "url": { "secret": "channel-url" } });
    assert_eq!(put(&shop, "/channels/ops", json!({ "form": wider, "base": seen })).await.0, 200);
    let (status, late) = put(&shop, "/channels/ops", json!({ "form": form, "base": seen })).await;
    assert_eq!((status, &late["code"]), (409, &json!("changed")), "{late}");
    let (status, wrong) = put(&shop, "/channels/ops", json!({ "form": { "kind": "slack", "secret": 1 } })).await;
    assert_eq!((status, fields(&wrong)), (422, vec!["url".to_owned(), "secret".to_owned()]), "{wrong}");
    assert_eq!(delete(&shop, "/channels/ops").await.0, 204);
    assert_eq!(delete(&shop, "/channels/ops").await.0, 404);
    shop.finish().await;
}

#[tokio::test]
async fn of_two_who_edit_a_host_or_an_environment_none_overwrites_the_other_unseen() {
    let shop = Shop::start(&[Kind::Local], "keep = 3").await;
    let form = json!({ "address": "192.0.2.7", "user": "deploy" });
    assert_eq!(put(&shop, "/hosts/web-7", json!({ "form": form, "base": null })).await.0, 200);
    let (status, there) = put(&shop, "/hosts/web-7", json!({ "form": form, "base": null })).await;
    assert_eq!((status, &there["code"]), (409, &json!("conflict")), "{there}");
    let seen = shop.get("/hosts/web-7").await["form"].clone();
    let labelled = json!({ "address": "192.0.2.7", "user": "deploy", "labels": ["web"],
        "private_key": { "secret": "host-web-7" } });
    let body = json!({ "form": labelled, "base": seen, "secrets": { "host-web-7": "a key" } });
    assert_eq!(put(&shop, "/hosts/web-7", body).await.0, 200);
    assert!(secrets(&shop).await.contains(&"host-web-7".to_owned()));
    let (status, late) = put(&shop, "/hosts/web-7", json!({ "form": form, "base": seen })).await;
    assert_eq!((status, &late["code"]), (409, &json!("changed")), "{late}");
    let looked = put(&shop, "/hosts/web-7", json!({ "form": { "address": "-x" }, "dry_run": true })).await;
    assert_eq!((looked.0, fields(&looked.1)), (422, vec!["user".to_owned(), "address".to_owned()]), "{}", looked.1);

    let seen = shop.get("/environments/production").await["form"].clone();
    let rule = json!({ "review": { "required": 1 } });
    let body = json!({ "form": rule, "base": seen, "dry_run": true });
    assert_eq!(put(&shop, "/environments/production", body).await.0, 200);
    let listed = shop.get("/environments").await["items"][0].clone();
    assert_eq!(listed["form"], seen, "it was only looked at");
    assert_eq!((&listed["gate"]["open"], &listed["gate"]["reason"]), (&json!(true), &Value::Null), "{listed}");
    let lock = json!({ "environment": "production", "reason": "the shop is full" });
    assert_eq!(shop.app.post("/locks", lock).await.0, 201);
    let listed = shop.get("/environments").await["items"][0].clone();
    assert_eq!(listed["gate"]["open"], json!(false));
    assert!(text(&listed["gate"]["locks"][0]["reason"]).contains("the shop is full"), "{listed}");
    shop.finish().await;
}

#[tokio::test]
async fn of_two_who_sort_environments_none_mixes_the_other_s_order_up() {
    let shop = Shop::start(&[Kind::Local], "").await;
    for key in ["test", "staging"] {
        assert_eq!(put(&shop, &format!("/environments/{key}"), json!({ "form": {} })).await.0, 200);
    }
    let order = async || -> Vec<String> {
        let listed = shop.get("/environments").await;
        listed["items"].as_array().unwrap().iter().map(|item| text(&item["key"])).collect()
    };
    let seen = order().await;
    assert_eq!(seen, ["production", "test", "staging"]);
    let form = shop.get("/environments/staging").await["form"].clone();
    let first = json!({ "form": form, "order": 0, "seen_order": seen });
    assert_eq!(put(&shop, "/environments/staging", first).await.0, 200);
    assert_eq!(order().await, ["staging", "production", "test"]);

    // Somebody else still sees the order of before: the second place there is another one now.
    let form = shop.get("/environments/test").await["form"].clone();
    let (status, problem) =
        put(&shop, "/environments/test", json!({ "form": form, "order": 0, "seen_order": seen })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    assert!(text(&problem["detail"]).contains("staging, production, test"), "{problem}");
    assert_eq!(order().await, ["staging", "production", "test"]);
    // Who does not say what they saw is not asked.
    assert_eq!(put(&shop, "/environments/test", json!({ "form": form, "order": 0 })).await.0, 200);
    assert_eq!(order().await, ["test", "staging", "production"]);
    shop.finish().await;
}

#[tokio::test]
async fn every_environment_says_what_keeps_releases_from_it() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let fair = json!({ "from": "2025-12-24T00:00", "until": "2026-01-07T00:00", "zone": "UTC", "reason": "the fair" });
    let freeze = json!({ "freeze": [fair] });
    for (key, form) in [("test", json!({})), ("staging", freeze)] {
        let (status, made) = put(&shop, &format!("/environments/{key}"), json!({ "form": form })).await;
        assert_eq!(status, 200, "{made}");
    }
    for lock in [
        json!({ "environment": "production", "reason": "the shop is full" }),
        json!({ "environment": "test", "app": "shop", "reason": "one app alone" }),
    ] {
        assert_eq!(shop.app.post("/locks", lock).await.0, 201);
    }
    let listed = shop.get("/environments").await;
    let told = listed["items"].as_array().unwrap().iter().map(|item| {
        let alone = &item["gate"]["open"];
        (text(&item["key"]), alone.as_bool().unwrap(), item["gate"]["locks"].as_array().unwrap().len())
    });
    let expected = [("production", false, 1), ("test", true, 0), ("staging", false, 0)];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|(key, open, locks)| (key.to_owned(), open, locks)));
    for item in listed["items"].as_array().unwrap() {
        assert_eq!(item["gate"], shop.get(&format!("/environments/{}/gates", text(&item["key"]))).await);
    }
    shop.finish().await;
}

#[tokio::test]
async fn who_administers_one_app_changes_nothing_that_others_share() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let url = "https://chat.example/hook";
    let form = json!({ "kind": "webhook", "url": { "secret": "chat-url" } });
    let (status, made) = put(&shop, "/channels/ops", json!({ "form": form, "secrets": { "chat-url": url } })).await;
    assert_eq!(status, 200, "{made}");
    let token = newcomer(&shop.app, "adele").await;
    grant(&shop.app, "adele", "admin", "app:shop").await;
    let export = async || shop.app.engine().export().await.unwrap();
    let before = export().await;

    let body = json!({ "form": {} });
    for (method, path, body) in [
        (Method::GET, "/forges/github/form", None),
        (Method::PUT, "/forges/github", Some(body.clone())),
        (Method::PUT, "/forges/new", Some(body.clone())),
        (Method::DELETE, "/forges/github", None),
        (Method::POST, "/forges/github/check", Some(json!({ "repository": "acme/shop" }))),
        (Method::GET, "/repositories/github/acme/shop", None),
        (Method::PUT, "/repositories/github/acme/shop", Some(body.clone())),
        (Method::DELETE, "/repositories/github/acme/shop", None),
        (Method::GET, "/channels/ops", None),
        (Method::PUT, "/channels/ops", Some(body.clone())),
        (Method::PUT, "/channels/new", Some(body.clone())),
        (Method::DELETE, "/channels/ops", None),
        (Method::PUT, "/environments/production", Some(body.clone())),
        (Method::DELETE, "/environments/production", None),
        (Method::GET, "/hosts/local-1", None),
        (Method::PUT, "/hosts/local-1", Some(body.clone())),
        (Method::DELETE, "/hosts/local-1", None),
        (Method::POST, "/apps", Some(json!({ "key": "blog", "repository": { "url": "https://git.example/b" } }))),
        (Method::PUT, "/secrets/chat-url", Some(json!({ "value": "x" }))),
        (Method::DELETE, "/secrets/chat-url", None),
        (Method::POST, "/apply", Some(json!({ "document": "", "prune": true }))),
        (Method::GET, "/export", None),
    ] {
        let (status, answer) = call(&shop.app, &token, method.clone(), path, body).await;
        assert!(matches!(status, 403 | 404), "{method} {path}: {status} {answer}");
    }
    assert_eq!(export().await, before);
    assert!(secrets(&shop).await.contains(&"chat-url".to_owned()));
    let (status, renamed) = call(&shop.app, &token, Method::PATCH, "/apps/shop", Some(json!({ "name": "Ours" }))).await;
    assert_eq!(status, 200, "their own app they do change: {renamed}");
    shop.finish().await;
}
