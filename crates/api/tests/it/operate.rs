//! What people do to deployments and around them, over HTTP: what is refused and why, gates, what hosts really serve.

use crate::batches::{operate, reaches, states};
use crate::shop::{Kind, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn delete(shop: &Shop, path: &str) -> (u16, Value) {
    shop.app.call(Role::Admin, Method::DELETE, path, None).await
}

/// A refusal's status and sentence.
async fn refused(shop: &Shop, id: i64, what: &str, body: Value) -> (u16, String) {
    let (status, answer) = shop.app.post(&format!("/deployments/{id}/{what}"), body).await;
    (status, text(&answer["detail"]))
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_does() {
    let shop = Shop::start(&[Kind::Local], "strategy = { batches = [\"1\"] }").await;
    let id = shop.ask(json!({})).await;
    assert_eq!(shop.ended(id).await["state"], "succeeded");
    let because = json!({ "reason": "a test" });
    for (what, sentence) in [
        ("continue", "is succeeded, not paused; roll back to go to an older release"),
        ("revert", "is succeeded, not paused; roll back"),
        ("hosts/local-1/retry", "only a host of a held deployment can be retried"),
        ("hosts/local-1/skip", "only a host of a held deployment can be retried or skipped"),
        ("override", "is not kept waiting by a lock or window"),
        ("cancel", "it can't be cancelled now"),
    ] {
        let (status, said) = refused(&shop, id, what, because.clone()).await;
        assert_eq!(status, 409, "{what}: {said}");
        assert!(said.contains(sentence), "{what}: {said}");
    }
    let (status, said) = refused(&shop, id, "revert", json!({ "why": "a test" })).await;
    assert_eq!(status, 422, "{said}");
    shop.finish().await;
}

#[tokio::test]
async fn a_confirmation_is_no_failure_and_goes_on_once() {
    let shop =
        Shop::start(&[Kind::Local, Kind::Ssh], "strategy = { batches = [\"1\", \"1\"], pause = \"confirm\" }").await;
    let id = shop.ask(json!({})).await;
    let paused = reaches(&shop, id, "paused").await;
    assert_eq!(paused["pause"], json!({ "kind": "confirm", "next_batch": 2 }), "{paused}");
    assert_eq!((&paused["batches"], &paused["mode"]), (&json!(2), &json!("regular")));
    let batches: Vec<_> = paused["host_runs"].as_array().unwrap().iter().map(|run| run["batch"].clone()).collect();
    assert_eq!(batches, [1, 2]);
    let (status, said) = refused(&shop, id, "hosts/local-1/retry", json!({})).await;
    assert_eq!(status, 409, "{said}");
    assert!(said.contains("only a host of a held deployment"), "{said}");
    operate(&shop, id, "continue", json!({})).await;
    assert_eq!(states(&shop.ended(id).await), ["done", "done"]);
    assert_eq!(refused(&shop, id, "continue", json!({})).await.0, 409);
    shop.get("/deployments").await;
    shop.finish().await;
}

async fn a_lock_keeps_releases_waiting(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    let (status, lock) =
        shop.app.post("/locks", json!({ "environment": "production", "reason": "stock-taking" })).await;
    assert_eq!((status, &lock["owner"], &lock["app"]), (201, &json!("admin"), &Value::Null), "{lock}");
    let gate = shop.get("/environments/production/gates?app=shop").await;
    assert_eq!((&gate["open"], &gate["until"], &gate["locks"]), (&json!(false), &Value::Null, &json!([lock])));
    assert_eq!(shop.get("/locks").await["items"], json!([lock]));

    let id = shop.ask(json!({})).await;
    shop.app.settle().await;
    let waits = shop.get(&format!("/deployments/{id}")).await;
    assert_eq!((&waits["state"], &waits["blocked"]), (&json!("queued"), &gate["reason"]), "{waits}");
    assert_eq!(text(&gate["reason"]), "production is locked by admin: stock-taking");
    assert_eq!(shop.hosts[0].live(), None);

    let id_of = |lock: &Value| lock["id"].as_i64().unwrap();
    assert_eq!(delete(&shop, &format!("/locks/{}", id_of(&lock))).await.0, 204);
    let deployment = shop.ended(id).await;
    assert_eq!((&deployment["state"], &deployment["blocked"]), (&json!("succeeded"), &Value::Null), "{deployment}");
    let (status, again) = delete(&shop, &format!("/locks/{}", id_of(&lock))).await;
    assert_eq!(status, 404, "{again}");
    assert_eq!(shop.get("/environments/production/gates").await["open"], true);
    shop.finish().await;
}

#[tokio::test]
async fn a_lock_keeps_releases_waiting_on_sqlite() {
    a_lock_keeps_releases_waiting(Database::Sqlite).await;
}

#[tokio::test]
async fn a_lock_keeps_releases_waiting_on_postgres() {
    a_lock_keeps_releases_waiting(Database::Postgres).await;
}

#[tokio::test]
async fn a_lock_is_passed_with_a_reason_that_all_can_read() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let lock = json!({ "environment": "production", "app": "shop", "reason": "stock-taking" });
    assert_eq!(shop.app.post("/locks", lock).await.0, 201);
    let id = shop.ask(json!({})).await;
    shop.app.settle().await;
    assert_eq!(refused(&shop, id, "override", json!({ "reason": " " })).await.0, 422);
    operate(&shop, id, "override", json!({ "reason": "the till is down" })).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert_eq!(deployment["gates_overridden_by"], "admin");
    let feed = shop.app.engine().store().feed(None, 100).await.unwrap();
    let told = feed.iter().find(|line| line.entry.action == "gates_overridden").unwrap();
    assert_eq!(told.entry.detail["reason"], "the till is down");
    shop.finish().await;
}

#[tokio::test]
async fn a_lock_ends_by_itself() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let ends = shop.app.engine().now().plus(Duration::from_secs(3600));
    let lock = json!({ "environment": "production", "reason": "stock-taking", "expires_at": ends });
    assert_eq!(shop.app.post("/locks", lock).await.0, 201);
    assert_eq!(shop.get("/environments/production/gates").await["until"], json!(ends));
    let id = shop.ask(json!({})).await;
    shop.app.settle().await;
    assert_eq!(shop.get(&format!("/deployments/{id}")).await["state"], "queued");
    shop.app.advance(Duration::from_secs(3600));
    assert_eq!(reaches(&shop, id, "succeeded").await["blocked"], Value::Null);
    let past = json!({ "environment": "production", "reason": "x", "expires_at": ends });
    for (body, status) in [
        (past, 422),
        (json!({ "environment": "production", "reason": " " }), 422),
        (json!({ "environment": "nowhere", "reason": "x" }), 404),
        (json!({ "environment": "production", "app": "nothing", "reason": "x" }), 404),
        (json!({ "environment": "production", "reason": "x", "expires_at": "soon" }), 422),
    ] {
        assert_eq!(shop.app.post("/locks", body.clone()).await.0, status, "{body}");
    }
    assert_eq!(shop.get("/locks").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn a_freeze_keeps_releases_waiting_and_lets_rollbacks_through() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let old = shop.released("old").await;
    shop.released("new").await;
    let freeze = "freeze = [{ from = \"2025-12-24T00:00\", until = \"2026-01-07T00:00\", zone = \"UTC\", reason = \"holidays\" }]";
    shop.configure(&shop.document(&shop.production(freeze, ""))).await;
    let gate = shop.get("/environments/production/gates").await;
    assert_eq!(gate["frozen"], json!({ "reason": "holidays", "until": "2026-01-07T00:00:00.000Z" }), "{gate}");
    let id = shop.ask(json!({})).await;
    shop.app.settle().await;
    let waits = shop.get(&format!("/deployments/{id}")).await;
    assert_eq!(waits["blocked"], "frozen until 2026-01-07T00:00:00.000Z: holidays", "{waits}");
    assert_eq!(shop.app.post(&format!("/deployments/{id}/cancel"), json!({})).await.0, 200);
    let (status, request) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!(status, 201, "{request}");
    assert_eq!(shop.ended(request["deployment"].as_i64().unwrap()).await["state"], "succeeded");
    assert_eq!(shop.hosts[0].live(), Some(old));
    shop.finish().await;
}

#[tokio::test]
async fn hosts_are_asked_what_they_really_serve() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    let path = "/apps/shop/environments/production/live";
    let release = shop.released("one").await;
    let before = shop.get(path).await;
    assert_eq!((&before["items"][0]["verdict"], &before["items"][0]["at"]), (&json!("unknown"), &Value::Null));
    let (status, asked) = shop.app.call(Role::Developer, Method::POST, path, Some(json!({}))).await;
    assert_eq!(status, 200, "{asked}");
    for check in asked["items"].as_array().unwrap() {
        assert_eq!(
            (&check["verdict"], &check["live"], &check["expected"]),
            (&json!("ok"), &json!(release), &json!(release))
        );
    }
    let www = shop.hosts[1].disk.join("www");
    std::fs::remove_file(&www).unwrap();
    std::os::unix::fs::symlink("/somewhere/else", &www).unwrap();
    let (_, asked) = shop.app.post(path, json!({})).await;
    let check = &asked["items"][1];
    assert_eq!(
        (&check["verdict"], &check["detail"]["foreign"]),
        (&json!("drift"), &json!("/somewhere/else")),
        "{asked}"
    );
    assert_eq!(shop.get(path).await, asked, "what was said last stays");
    shop.finish().await;
}

#[tokio::test]
async fn requests_are_counted_and_configs_written_as_toml() {
    let release = "strategy = { batches = [\"1\", \"25%\"], pause = \"5m\", on_failure = \"hold\" }\n\
                   health = { http = \"http://{address}/\", retries = 3 }\ncaches = [\"node_modules\"]";
    let shop = Shop::start(&[Kind::Local], release).await;
    // So that it is cancelled before it has begun, however fast it is.
    let lock = json!({ "environment": "production", "reason": "a test" });
    assert_eq!(shop.app.post("/locks", lock).await.0, 201);
    let id = shop.ask(json!({ "hosts": ["local-1"] })).await;
    operate(&shop, id, "cancel", json!({})).await;
    shop.app.settle().await;
    let counts = shop.get("/requests/counts").await;
    assert_eq!((&counts["all"], &counts["cancelled"], &counts["other"]), (&json!(1), &json!(1), &json!(1)), "{counts}");

    let config = shop.get("/apps/shop").await["configs"][0].clone();
    let strategy = json!({ "batches": ["1", "25%"], "pause": "300s", "max_failures": 1, "on_failure": "hold" });
    assert_eq!((&config["strategy"], &config["caches"]), (&strategy, &json!(["node_modules"])), "{config}");
    assert_eq!(config["transfer"], json!({ "unchanged": "copy", "verify": "sent", "compress": "auto" }));
    assert!(text(&config["health"]).starts_with("http://{address}/ answers, seen from each host"), "{config}");

    let url = format!("{}/api/v1/apps/shop/configs/production/toml", shop.app.url());
    let toml = shop.app.http().get(url).bearer_auth(shop.app.token(Role::Admin)).send().await.unwrap();
    let toml = toml.text().await.unwrap();
    assert!(toml.starts_with("[[app]]") && toml.contains("[[app.release]]"), "{toml}");
    let (status, plan) = shop.app.post("/apply", json!({ "document": toml, "dry_run": true })).await;
    assert_eq!(status, 200, "{plan}\n{toml}");
    let changes = plan["plan"].as_array().unwrap().iter().filter(|item| item["action"] != "unchanged").count();
    assert_eq!(changes, 0, "{plan}\n{toml}");
    shop.finish().await;
}
