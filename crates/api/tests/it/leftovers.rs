//! Stored secrets that go with what named them, or stay.

use crate::schema;
use davit_domain::access::Role;
use davit_testkit::app::TestApp;
use davit_testkit::nobody::Nobody;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn put(app: &TestApp, path: &str, form: Value, secrets: Value) -> Value {
    let body = json!({ "form": form, "secrets": secrets });
    let (status, answer) = app.call(Role::Admin, Method::PUT, path, Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn own_secrets(app: &TestApp, path: &str) -> Value {
    let form = app.get(path).await;
    schema::check(path, &form);
    form["own_secrets"].clone()
}

async fn delete(app: &TestApp, path: &str) -> (u16, Value) {
    app.call(Role::Admin, Method::DELETE, path, None).await
}

async fn stored(app: &TestApp) -> Vec<String> {
    let secrets = app.get("/secrets").await;
    secrets["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

fn slack(secret: &str) -> Value {
    json!({ "kind": "slack", "url": { "secret": secret } })
}

#[tokio::test]
async fn a_secret_goes_with_the_last_that_names_it() {
    let app = TestApp::start().await;
    let before = stored(&app).await;
    let url = "https://hooks.slack.com/services/T/B/x";
    let made = put(&app, "/channels/ops", slack("shared"), json!({ "shared": url })).await;
    assert_eq!(made["own_secrets"], json!(["shared"]));
    put(&app, "/channels/web", slack("shared"), json!({})).await;
    assert_eq!(own_secrets(&app, "/channels/ops").await, json!([]), "another one names it as well");

    let (status, problem) = delete(&app, "/channels/ops?secrets=shared").await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    let (status, problem) = delete(&app, "/channels/ops?secrets=nothing").await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem}");
    assert_eq!(own_secrets(&app, "/channels/ops").await, json!([]), "it is still there");

    assert_eq!(delete(&app, "/channels/ops").await.0, 204);
    assert_eq!(own_secrets(&app, "/channels/web").await, json!(["shared"]));
    assert_eq!(delete(&app, "/channels/web?secrets=shared").await.0, 204);
    assert_eq!(stored(&app).await, before);
    let told = app.engine().store().feed(None, 2).await.unwrap().into_iter();
    let told: Vec<(String, String)> = told.map(|row| (row.entry.action, row.entry.subject)).collect();
    assert!(told.contains(&("secret_deleted".to_owned(), "shared".to_owned())), "{told:?}");
    app.finish().await;
}

#[tokio::test]
async fn hosts_forges_and_repositories_name_their_own() {
    let app = TestApp::start().await;
    let key = davit_testkit::sshd::Sshd::start().await.client_private_key().to_owned();
    let host = json!({ "address": "192.0.2.1", "user": "deploy", "private_key": { "secret": "key" } });
    put(&app, "/hosts/web-1", host, json!({ "key": key })).await;
    let nobody = Nobody::listens();
    let api_url = format!("http://{}/api/v1", nobody.address());
    let forge = json!({ "kind": "gitea", "api_url": api_url, "token": { "secret": "gitea" } });
    put(&app, "/forges/gitea", forge, json!({ "gitea": "a-token" })).await;
    let tested = json!({ "secrets": { "NPM": { "secret": "npm" } } });
    put(&app, "/repositories/gitea/acme/shop", tested, json!({ "npm": "another" })).await;
    for (form, path, secret) in [
        ("/hosts/web-1", "/hosts/web-1", "key"),
        ("/repositories/gitea/acme%2Fshop", "/repositories/gitea/acme/shop", "npm"),
        ("/forges/gitea/form", "/forges/gitea", "gitea"),
    ] {
        assert_eq!(own_secrets(&app, form).await, json!([secret]));
        let (status, problem) = delete(&app, &format!("{path}?secrets={secret}")).await;
        assert_eq!(status, 204, "{problem}");
        assert!(!stored(&app).await.contains(&secret.to_owned()), "{secret}");
    }
    // davit may have looked for workflows in the repository meanwhile, in vain: it looks again, and finds that it is gone.
    let nobody_looks = async || {
        app.advance_between_jobs(Duration::from_secs(10)).await;
        let jobs = app.engine().queue().counts().await.unwrap();
        (jobs.waiting + jobs.running == 0).then_some(())
    };
    app.until("nobody looks for workflows any more", nobody_looks).await;
    app.finish().await;
}

#[tokio::test]
async fn a_secret_stays_without_a_word_about_it() {
    let app = TestApp::start().await;
    put(&app, "/channels/ops", slack("ops"), json!({ "ops": "https://hooks.slack.com/services/T/B/x" })).await;
    assert_eq!(delete(&app, "/channels/ops").await.0, 204);
    assert!(stored(&app).await.contains(&"ops".to_owned()));
    app.finish().await;
}
