//! `davit.toml` over HTTP: all or nothing, all mistakes at once, secrets in and never out. And names that mean nothing.

use crate::shop::{Kind, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::{Database, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn export(app: &TestApp) -> String {
    let request = app.http().get(format!("{}/api/v1/export", app.url())).bearer_auth(app.token(Role::Admin));
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn every_mistake_is_told_with_its_line_and_nothing_changes() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let before = export(&shop.app).await;
    let document = "[[environment]]\nkey = \"new\"\ncolour = \"red\"\n\n[[app]]\nkey = \"Bad Key\"\n\
                    repository = { url = \"/srv/x\" }\n\n[[app.release]]\nenvironment = \"nowhere\"\n\
                    hosts = [\"ghost\"]\ndeploy_path = \"relative\"\nreleases_path = \"/srv/davit\"\n";
    let (status, problem) = shop.send_document(document, json!({})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_config")), "{problem}");
    let mistakes: Vec<(u64, String)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mistake| (mistake["line"].as_u64().unwrap(), text(&mistake["message"])))
        .collect();
    let lines: Vec<u64> = mistakes.iter().map(|(line, _)| *line).collect();
    for (line, word) in [(3, "colour"), (6, "Bad Key"), (10, "nowhere"), (11, "ghost"), (12, "relative")] {
        let found = mistakes.iter().any(|(at, message)| *at == line && message.contains(word));
        assert!(found, "line {line} {word}: {mistakes:#?}");
    }
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(export(&shop.app).await, before);

    let (status, problem) = shop.send_document("this is not TOML [", json!({})).await;
    assert_eq!((status, &problem["errors"][0]["line"]), (422, &json!(1)), "{problem}");
    let (status, problem) = shop.send_document("", json!({ "values": { "env:NOBODY": "x" } })).await;
    assert_eq!(status, 422, "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let before = export(&shop.app).await;
    let document = shop.document(&shop.production("name = \"Live\"", "keep = 9"));
    let (status, planned) = shop.send_document(&document, json!({ "dry_run": true })).await;
    assert_eq!((status, &planned["applied"]), (200, &json!(false)), "{planned}");
    assert_eq!(export(&shop.app).await, before);
    let (_, applied) = shop.send_document(&document, json!({})).await;
    assert_eq!((&applied["plan"], &applied["applied"]), (&planned["plan"], &json!(true)));
    let actions: Vec<String> = applied["plan"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {} {}", text(&item["action"]), text(&item["kind"]), text(&item["name"])))
        .collect();
    assert!(actions.contains(&"update environment production".to_owned()), "{actions:?}");
    assert!(actions.contains(&"unchanged host local-1".to_owned()), "{actions:?}");
    let (_, again) = shop.send_document(&document, json!({})).await;
    assert!(again["plan"].as_array().unwrap().iter().all(|item| item["action"] == "unchanged"), "{again}");
    shop.finish().await;
}

#[tokio::test]
async fn what_is_exported_can_be_applied_again_and_pruning_deletes_the_rest() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "variables = 'A=1'\nhooks.after_release = 'true'").await;
    let exported = export(&shop.app).await;
    let (status, again) = shop.send_document(&exported, json!({})).await;
    assert_eq!(status, 200, "{again}");
    assert!(again["plan"].as_array().unwrap().iter().all(|item| item["action"] == "unchanged"), "{again}");
    let (status, pruned) = shop.send_document("environment = [{ key = \"only\" }]", json!({ "prune": true })).await;
    assert_eq!(status, 200, "{pruned}");
    for path in ["/apps", "/hosts", "/forges"] {
        assert_eq!(shop.get(path).await["items"], json!([]));
    }
    assert_eq!(shop.get("/environments").await["items"][0]["key"], "only");
    shop.finish().await;
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let shop = Shop::start(&[Kind::Ssh], "").await;
    let key = shop.hosts[0].sshd().client_private_key();
    let key_line = key.lines().nth(1).unwrap();
    let exported = export(&shop.app).await;
    assert!(exported.contains("TEST_TOKEN") && exported.contains("ssh-1.key"), "{exported}");
    assert!(!exported.contains(shop.app.forge.token()) && !exported.contains(key_line));
    let forges = shop.get("/forges").await;
    assert_eq!(
        (&forges["items"][0]["has_token"], &forges["items"][0]["has_webhook_secret"]),
        (&json!(true), &json!(true))
    );
    // A document that is refused says nothing of the values that came with it.
    let values = json!({ "values": { "env:TEST_TOKEN": "s3cret-value" } });
    let (status, problem) = shop.send_document("nonsense = 1", values).await;
    assert_eq!(status, 422);
    assert!(!problem.to_string().contains("s3cret-value"), "{problem}");
    for file in ["davit.sqlite", "davit.sqlite-wal"] {
        let bytes = std::fs::read(shop.app.path(file)).unwrap_or_default();
        for secret in [shop.app.forge.token(), key_line, shop.app.token(Role::Admin)] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{file} holds a secret as it is");
        }
    }
    shop.finish().await;
}

async fn deploy(shop: &Shop, app: &str, body: Value) -> (u16, String) {
    let path = format!("/apps/{app}/environments/production/deploy");
    let (status, problem) = shop.app.call(Role::Admin, Method::POST, &path, Some(body)).await;
    (status, problem["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_name_that_means_nothing_is_refused_with_a_sentence() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let away = shop.production("branches = [\"main\"]", "").replace(
        "repository = { forge = \"github\", name = \"acme/shop\" }",
        "repository = { url = \"/no/such/repository\" }",
    );
    let away =
        away.replace("key = \"shop\"", "key = \"away\"").replace("/www", "/away").replace("/davit\"", "/of-away\"");
    shop.configure(&shop.document(&format!(
        "{}{}",
        shop.production("branches = [\"main\"]", ""),
        &away[away.find("[[app]]").unwrap()..]
    )))
    .await;
    shop.repo.branch("feature");
    shop.commit("on a branch");
    for (app, body, status, sentence) in [
        ("shop", json!({ "ref": "no-such-branch" }), 422, "no-such-branch"),
        ("shop", json!({ "commit": "f".repeat(40) }), 422, "ffffff"),
        ("shop", json!({ "ref": "--upload-pack=x" }), 422, "--upload-pack"),
        ("shop", json!({ "ref": "main", "commit": "x" }), 422, "there is no branch, tag or commit"),
        ("shop", json!({ "ref": "main", "build": 1 }), 422, "a build alone"),
        ("shop", json!({ "ref": "feature" }), 422, "production does not take the branch feature"),
        ("shop", json!({ "ref": "main", "hosts": ["ghost"] }), 422, "ghost is not a host that shop is released to"),
        ("shop", json!({ "ref": "main", "hosts": [] }), 422, "no host"),
        ("shop", json!({ "reff": "main" }), 422, "reff"),
        ("away", json!({}), 424, "/no/such/repository"),
        ("nobody", json!({}), 404, "there is no app named nobody"),
    ] {
        let (got, detail) = deploy(&shop, app, body.clone()).await;
        assert_eq!(got, status, "{app} {body}: {detail}");
        assert!(detail.contains(sentence), "{app} {body}: {detail}");
    }
    assert_eq!(shop.get("/requests").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn a_first_start_has_nothing_to_show() {
    let shop = Shop::bare(Database::Sqlite, &[]).await;
    let overview = shop.get("/overview").await;
    assert_eq!((&overview["apps"], &overview["hosts"], &overview["forges"]), (&json!([]), &json!(0), &json!(1)));
    let refused = shop.app.call(Role::Admin, Method::GET, "/deliveries?verdict=nonsense", None).await;
    assert_eq!(refused.0, 422, "{}", refused.1);
    let refused = shop.app.call(Role::Admin, Method::GET, "/requests?cursor=nonsense", None).await;
    assert_eq!(refused.0, 422, "{}", refused.1);
    shop.finish().await;
}
