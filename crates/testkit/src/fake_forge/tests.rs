//! The fake refuses what GitHub refuses, also what our client would never send.

use super::*;
use crate::git::Repo;
use serde_json::{Value, json};

const REPOSITORY: &str = "acme/shop";

fn commit() -> CommitSha {
    "1a2b3c4d".repeat(5).parse().expect("a SHA")
}

fn http() -> reqwest::Client {
    // Everything is plain HTTP on the loopback address: no certificates, no proxy.
    reqwest::Client::builder().tls_certs_only([]).no_proxy().user_agent("test").build().expect("a client")
}

async fn fake() -> FakeGitHub {
    let fake = FakeGitHub::start().await;
    fake.add_repository(REPOSITORY, Access::Write);
    fake
}

/// Sends a status as it is and returns what comes back.
async fn post(fake: &FakeGitHub, sha: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/repos/{REPOSITORY}/statuses/{sha}", fake.api_url());
    answer(http().post(url).json(body), fake.token()).await
}

async fn answer(request: reqwest::RequestBuilder, token: &str) -> (u16, Value) {
    let request = request.bearer_auth(token).header("x-github-api-version", "2022-11-28");
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn fields_follow_the_description() {
    let fake = fake().await;
    for (body, message) in [
        (json!({}), "state is not included in the list"),
        (json!({ "state": "green" }), "state is not included in the list"),
        (
            json!({ "state": "success", "description": "x".repeat(141) }),
            "description is too long (maximum is 140 characters)",
        ),
        (json!({ "state": "success", "target_url": "" }), "target_url must use http(s) scheme"),
        (json!({ "state": "success", "context": 1 }), "must be a string"),
    ] {
        let (status, answer) = post(&fake, commit().as_str(), &body).await;
        assert_eq!((status, answer["errors"][0]["message"].as_str()), (422, Some(message)), "{body}");
    }
    for bad in ["main", "1a2b3c4"] {
        let (status, answer) = post(&fake, bad, &json!({ "state": "success" })).await;
        assert_eq!(
            (status, answer["message"].as_str()),
            (422, Some(format!("No commit found for SHA: {bad}").as_str()))
        );
    }
    assert_eq!(post(&fake, commit().as_str(), &json!([])).await.0, 400);
    assert_eq!(fake.statuses(REPOSITORY, &commit()), []);

    let (status, answer) = post(&fake, commit().as_str(), &json!({ "state": "success" })).await;
    assert_eq!((status, answer["context"].as_str()), (201, Some("default")));
}

#[tokio::test]
async fn the_list_is_newest_first() {
    let fake = fake().await;
    for state in ["pending", "success"] {
        assert_eq!(post(&fake, commit().as_str(), &json!({ "state": state })).await.0, 201);
    }
    let url = format!("{}/repos/{REPOSITORY}/commits/{}/statuses", fake.api_url(), commit());
    let (status, list) = answer(http().get(url), fake.token()).await;
    assert_eq!((status, &list[0]["state"], &list[1]["state"]), (200, &json!("success"), &json!("pending")));
}

#[tokio::test]
async fn callers_are_checked() {
    let fake = fake().await;
    let url = format!("{}/repos/{REPOSITORY}", fake.api_url());
    assert_eq!(answer(http().get(&url), "wrong").await.0, 401);
    let anonymous = http().get(&url).header("user-agent", "").send().await.expect("an answer");
    assert_eq!(anonymous.status(), 401);
    let old = http().get(&url).bearer_auth(fake.token()).send().await.expect("an answer");
    assert_eq!(old.status(), 400, "without a version");
}

#[tokio::test]
async fn with_real_repositories_only_their_commits_have_statuses() {
    let root = tempfile::tempdir().expect("a directory");
    let work = Repo::init(root.path().join("work"));
    let real: CommitSha = work.commit("First", &[("a", "1")]).parse().expect("a SHA");
    let bare = work.clone_bare(root.path().join("acme/shop.git"));
    let fake = FakeGitHub::start_with_git(GitBackend { root: root.path().to_owned(), router: Router::new() }).await;
    fake.add_repository(REPOSITORY, Access::Write);

    assert_eq!(post(&fake, real.as_str(), &json!({ "state": "success" })).await.0, 201);
    assert_eq!(post(&fake, commit().as_str(), &json!({ "state": "success" })).await.0, 422);
    let tree = bare.rev("HEAD^{tree}");
    assert_eq!(post(&fake, &tree, &json!({ "state": "success" })).await.0, 422, "a tree is no commit");
}

#[tokio::test]
async fn deliveries_have_ids_of_their_own() {
    let fake = fake().await;
    let (first, second) = (fake.ping_delivery(REPOSITORY), fake.ping_delivery(REPOSITORY));
    assert_ne!(first.id(), second.id());
    assert_eq!(first.body, second.body);
    let text = String::from_utf8(first.body).expect("JSON is text");
    assert!(text.contains("\"full_name\":\"acme/shop\""), "{text}");
}
