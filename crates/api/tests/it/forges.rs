//! What people do with forges: see how they stand, test a repository, register its hook, make a key, have the doctor look.

use davit_domain::access::Role;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_engine::apply::Apply;
use davit_testkit::app::{Database, TestApp};
use davit_testkit::fake_forge::{Access, NewPush, Permission};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REPOSITORY: &str = "acme/shop";
const KINDS: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];

async fn app(kind: ForgeKind) -> TestApp {
    let app = TestApp::start_at(kind, Database::Sqlite).await;
    app.forge.add_repository(REPOSITORY, Access::Admin);
    match kind {
        ForgeKind::Github => app.forge.set_scopes("repo"),
        ForgeKind::Gitlab => app.forge.set_scopes("api"),
        ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {}
    }
    app
}

/// Has the forge's secret stored in davit, where there is none yet.
async fn keep_secret_in_davit(app: &TestApp) {
    let stored = "webhook_secret = { secret = \"the-hook\" }";
    let document = app.forge_table().replace("webhook_secret = { env = \"TEST_SECRET\" }", stored);
    let values = BTreeMap::from([("env:TEST_TOKEN".to_owned(), app.forge.token().to_owned().into())]);
    app.engine().apply(Apply { document, values, prune: false, dry_run: false }, "test").await.unwrap();
}

fn state_of<'v>(check: &'v Value, word: &str) -> &'v Value {
    let needs = check["needs"].as_array().unwrap();
    let need = needs.iter().find(|need| need["what"].as_str().unwrap().contains(word));
    &need.unwrap_or_else(|| panic!("no {word} in {check}"))["granted"]
}

#[tokio::test]
async fn every_forge_says_what_davit_may_do_and_takes_a_hook() {
    for kind in KINDS {
        let app = app(kind).await;
        let id = app.forge_id();
        let ask = json!({ "repository": REPOSITORY });
        let (status, check) = app.post(&format!("/forges/{id}/check"), ask.clone()).await;
        assert_eq!((status, &check["reachable"]), (200, &json!(true)), "{id}: {check}");
        assert_eq!((&check["hook"]["state"], &check["needs"].is_array()), (&json!("missing"), &true), "{id}: {check}");
        assert_ne!(state_of(&check, "webhook"), &json!(false), "{id}: {check}");
        assert!(check["clock_skew_ms"].is_i64(), "{id}: {check}");

        let (status, hook) = app.post(&format!("/forges/{id}/hook"), ask.clone()).await;
        assert_eq!((status, &hook["secret"], &hook["active"]), (200, &json!("env"), &json!(true)), "{id}: {hook}");
        let (_, again) = app.post(&format!("/forges/{id}/hook"), ask.clone()).await;
        assert_eq!(again["id"], hook["id"], "{id}: the one that is there is changed");
        let hooks = app.forge.hooks(REPOSITORY);
        assert_eq!(hooks.len(), 1, "{id}");
        assert_eq!((&hooks[0].url, &hooks[0].secret), (&app.hook_url(), &app.forge.webhook_secret()), "{id}");
        let (_, check) = app.post(&format!("/forges/{id}/check"), ask).await;
        assert_eq!(check["hook"]["state"], "registered", "{id}: {check}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_in_the_forges_words() {
    let app = app(ForgeKind::Github).await;
    app.forge.add_repository(REPOSITORY, Access::Write);
    let (status, check) = app.post("/forges/github/check", json!({ "repository": REPOSITORY })).await;
    assert_eq!((status, state_of(&check, "webhook")), (200, &json!(false)), "{check}");
    assert_eq!(check["hook"]["state"], "unknown", "{check}");
    let (status, problem) = app.post("/forges/github/hook", json!({ "repository": REPOSITORY })).await;
    assert_eq!((status, &problem["code"]), (424, &json!("upstream")), "{problem}");

    let (status, check) = app.post("/forges/github/check", json!({ "repository": "acme/nothing" })).await;
    assert_eq!((status, &check["reachable"]), (200, &json!(false)), "{check}");
    assert!(!check["detail"].as_str().unwrap().is_empty() && check["needs"] == json!([]), "{check}");
    let (status, _) = app.post("/forges/github/check", json!({ "repository": "../../user" })).await;
    assert_eq!(status, 422);
    app.finish().await;
}

#[tokio::test]
async fn the_credential_is_for_repositories_that_apps_use() {
    let app = app(ForgeKind::Github).await;
    app.forge.add_repository("acme/other", Access::Admin);
    let ask = json!({ "repository": "acme/other" });
    for path in ["check", "hook", "deploy-key"] {
        let path = format!("/forges/github/{path}");
        let (status, problem) = app.call(Role::Operator, Method::POST, &path, Some(ask.clone())).await;
        assert_eq!(status, 403, "{path}: {problem}");
    }
    assert!(app.forge.hooks("acme/other").is_empty() && app.forge.deploy_keys("acme/other").is_empty());
    let (status, _) = app.call(Role::Admin, Method::POST, "/forges/github/check", Some(ask)).await;
    assert_eq!(status, 200);
    let (_, seen) = app.call(Role::Viewer, Method::GET, "/forges/github", None).await;
    assert_eq!((&seen["webhook_secret"], &seen["has_webhook_secret"]), (&Value::Null, &json!(true)));
    app.finish().await;
}

#[tokio::test]
async fn registering_a_hook_makes_the_secret_that_davit_is_to_keep() {
    for kind in KINDS {
        let app = app(kind).await;
        let id = app.forge_id();
        keep_secret_in_davit(&app).await;
        let before = app.get(&format!("/forges/{id}")).await;
        assert_eq!(
            (&before["has_webhook_secret"], &before["webhook_secret"]),
            (&json!(false), &json!({ "from": "secret", "name": "the-hook", "set": false })),
        );
        let (status, hook) = app.post(&format!("/forges/{id}/hook"), json!({ "repository": REPOSITORY })).await;
        assert_eq!((status, &hook["secret"]), (200, &json!("made")), "{id}: {hook}");
        let made = app.forge.hooks(REPOSITORY).remove(0).secret;
        assert!(made.len() >= 32, "{id}");
        let (_, hook) = app.post(&format!("/forges/{id}/hook"), json!({ "repository": REPOSITORY })).await;
        assert_eq!((&hook["secret"], &app.forge.hooks(REPOSITORY)[0].secret), (&json!("stored"), &made), "{id}");
        assert_eq!(app.get(&format!("/forges/{id}")).await["has_webhook_secret"], true);
        assert!(!app.get("/forges").await.to_string().contains(&made), "{id}: it is shown to nobody");

        // What the forge sends with it is taken.
        let commit: CommitSha = "7f3c2d1e0b5a49c8d7e6f5a4b3c2d1e0f9a8b7c6".parse().unwrap();
        let delivery = app.forge.push_delivery(&NewPush {
            repository: REPOSITORY,
            git_ref: "refs/heads/main",
            before: None,
            after: Some(&commit),
            message: "Sell tea",
            pusher: "ann",
        });
        let taken = app.forge.send(REPOSITORY, &delivery).await;
        assert_eq!(taken, [202], "{id}");
        app.settle().await;
        app.finish().await;
    }
}

#[tokio::test]
async fn a_forge_that_can_not_be_asked_says_what_to_configure() {
    let app = app(ForgeKind::Github).await;
    let ask = json!({ "repository": REPOSITORY });
    let bare = "[[forge]]\nid = \"bare\"\nkind = \"github\"\n\n[[forge]]\nid = \"mute\"\nkind = \"github\"\n\
                token = { env = \"TEST_TOKEN\" }\n\n[[forge]]\nid = \"any\"\nkind = \"generic\"\n\
                webhook_secret = { env = \"TEST_SECRET\" }\n\
                generic = { header = \"x-signature\", repository = \"/r\", ref = \"/b\", commit = \"/c\" }\n";
    app.apply(bare).await;
    for (path, word) in [("bare/check", "token"), ("mute/hook", "webhook_secret"), ("any/check", "generic")] {
        let (status, problem) = app.post(&format!("/forges/{path}"), ask.clone()).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{path}: {problem}");
    }
    let any = app.get("/forges/any").await;
    assert_eq!(
        (&any["kind"], &any["credential"], &any["repositories"]),
        (&json!("generic"), &json!("none"), &json!([]))
    );
    app.finish().await;
}

#[tokio::test]
async fn a_deploy_key_is_made_once_and_added_to_a_repository() {
    for kind in KINDS {
        let app = app(kind).await;
        let id = app.forge_id();
        assert_eq!(app.get(&format!("/forges/{id}")).await["deploy_key"], Value::Null);
        let (status, made) = app.post(&format!("/forges/{id}/deploy-key"), json!({})).await;
        let name = format!("{id}-deploy-key");
        assert_eq!(
            (status, &made["made"], &made["in_use"], made["secret"].as_str()),
            (200, &json!(true), &json!(false), Some(name.as_str())),
            "{made}"
        );
        let line = made["public_key"].as_str().unwrap();
        assert!(line.starts_with("ssh-ed25519 "), "{line}");
        let (status, added) = app.post(&format!("/forges/{id}/deploy-key"), json!({ "repository": REPOSITORY })).await;
        assert_eq!((status, &added["made"], &added["public_key"]), (200, &json!(false), &json!(line)), "{id}: {added}");
        assert_eq!(added["added_to"], REPOSITORY);
        let keys = app.forge.deploy_keys(REPOSITORY);
        assert_eq!(keys.len(), 1, "{id}");
        assert!(line.starts_with(&keys[0].key) || keys[0].key.starts_with(line), "{id}: {}", keys[0].key);
        assert!(keys[0].read_only, "{id}");

        app.apply(&format!("{}git_key = {{ secret = {name:?} }}\n", app.forge_table().trim_end().to_owned() + "\n"))
            .await;
        let forge = app.get(&format!("/forges/{id}")).await;
        assert_eq!((&forge["git_key"]["set"], &forge["deploy_key"]), (&json!(true), &json!(line)), "{forge}");
        app.finish().await;
    }
}

#[tokio::test]
async fn the_doctor_says_what_is_missing_where() {
    let app = app(ForgeKind::Github).await;
    let document = format!(
        "{}[[forge]]\nid = \"bare\"\nkind = \"gitlab\"\n\n\
         [[app]]\nkey = \"shop\"\nrepository = {{ forge = \"github\", name = {REPOSITORY:?} }}\n\n\
         [[app]]\nkey = \"gone\"\nrepository = {{ forge = \"github\", name = \"acme/gone\" }}\n",
        app.forge_table()
    );
    app.apply(&document).await;
    app.forge.add_repository(REPOSITORY, Access::Write);
    let found = app.get("/doctor").await;
    assert_eq!(found["ok"], false, "{found}");
    let bad: Vec<(&str, &str)> = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == json!(false))
        .map(|check| (check["name"].as_str().unwrap(), check["fix"].as_str().unwrap()))
        .collect();
    let names: Vec<&str> = bad.iter().map(|(name, _)| *name).collect();
    let expected = ["public URL", "github acme/gone", "github acme/shop", "forge bare", "forge bare"];
    assert_eq!(names, expected, "{found}");
    assert!(bad[2].1.contains("Webhooks"), "{found}");
    app.forge.add_repository(REPOSITORY, Access::Admin);
    app.forge.deny(REPOSITORY, Permission::Hooks);
    let found = app.get("/doctor").await.to_string();
    assert!(found.contains("its hook can't be seen"), "what no permission explains is said: {found}");
    app.forge.allow(REPOSITORY, Permission::Hooks);
    let found = app.get("/doctor").await.to_string();
    assert!(found.contains("davit forges register-hook github --repository acme/shop"), "{found}");
    app.finish().await;
}

#[tokio::test]
async fn calls_are_shown_searched_and_tried_again() {
    let app = app(ForgeKind::Github).await;
    assert_eq!(app.get("/outbox").await["items"], json!([]));
    assert_eq!(app.get("/alerts").await["items"], json!([]));
    assert_eq!(app.get("/overview").await["alerts"], json!([]));
    let none = |path: &'static str| app.call(Role::Viewer, Method::GET, path, None);
    assert_eq!(none("/outbox?state=dead,waiting&forge=github&search=shop").await.0, 200);
    assert_eq!(none("/outbox?state=lost").await.0, 422);
    assert_eq!(none("/alerts?ended=true").await.0, 200);
    app.finish().await;
}
