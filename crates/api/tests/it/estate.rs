//! Environments, hosts, forges and channels, one at a time: what comes with them, what is refused, what is left alone.

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
