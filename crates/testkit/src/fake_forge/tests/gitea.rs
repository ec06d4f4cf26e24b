//! Gitea.

use super::*;

fn statuses() -> String {
    format!("/repos/{REPOSITORY}/statuses/{}", commit())
}

#[tokio::test]
async fn bodies_have_to_say_that_they_are_json() {
    let fake = fake(ForgeKind::Gitea).await;
    let request = http().post(format!("{}{}", fake.api_url(), statuses())).bearer_auth(fake.token());
    let answer = request.body("{\"state\":\"success\"}").send().await.expect("an answer");
    assert_eq!(answer.status(), 422);
    assert_eq!(words(&answer.json().await.expect("JSON")), "[]: Empty Content-Type");
    assert_eq!(post(&fake, &statuses(), json!({ "state": "green" })).await.0, 422);
    assert_eq!(post(&fake, &statuses(), json!({ "state": "warning" })).await.0, 201);
    assert_eq!(fake.statuses(REPOSITORY, &commit())[0].word, "warning");
}

#[tokio::test]
async fn hooks_keep_only_pushes_unless_told_otherwise() {
    let fake = fake(ForgeKind::Gitea).await;
    let hooks = format!("/repos/{REPOSITORY}/hooks");
    let config = json!({ "url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "s3cret" });
    for (body, refusal) in [
        (json!({ "config": config }), "Invalid hook type: "),
        (json!({ "type": "gitea", "config": { "url": "http://127.0.0.1:9" } }), "Missing config option: content_type"),
        (
            json!({ "type": "gitea", "config": { "url": "http://127.0.0.1:9", "content_type": "xml" } }),
            "Invalid content type",
        ),
    ] {
        let (status, answer) = post(&fake, &hooks, body).await;
        assert_eq!((status, words(&answer)), (422, refusal));
    }
    let new = json!({ "type": "gitea", "config": config, "events": ["push", "pull_request"], "active": true });
    let (status, made) = post(&fake, &hooks, new).await;
    assert_eq!((status, made["config"].get("secret")), (201, None));
    let one = format!("{hooks}/{}", made["id"]);
    let (status, changed) = call(&fake, Method::PATCH, &one, Some(json!({ "active": false }))).await;
    assert_eq!((status, &changed["events"], &changed["active"]), (200, &json!(["push"]), &json!(false)));
    assert_eq!(fake.hooks(REPOSITORY)[0].secret, "s3cret");
}

#[tokio::test]
async fn deploy_keys_have_a_title_and_a_key_of_their_own() {
    let fake = fake(ForgeKind::Gitea).await;
    let keys = format!("/repos/{REPOSITORY}/keys");
    let add = async |title: &str, key: &str| {
        let (status, answer) = post(&fake, &keys, json!({ "title": title, "key": key, "read_only": true })).await;
        (status, words(&answer).to_owned())
    };
    assert_eq!(add("", KEY).await.0, 422);
    assert_eq!(add("davit", KEY).await.0, 201);
    assert_eq!(add("other", KEY).await, (422, "This key has already been added to this repository".to_owned()));
    let other = KEY.replace("Ml6", "Ml7");
    assert_eq!(add("davit", &other).await, (422, "A key with the same name already exists".to_owned()));
}

#[tokio::test]
async fn open_changes_come_in_pages() {
    let fake = fake(ForgeKind::Gitea).await;
    let head = commit();
    for number in 1..=3 {
        fake.open_change(&NewPullRequest {
            repository: REPOSITORY,
            number,
            action: "opened",
            title: "Sell tea",
            author: "ada",
            head_repository: Some(REPOSITORY),
            head_branch: "tea",
            head: &head,
            base_branch: "main",
            draft: false,
            merge_commit: None,
        });
    }
    fake.close_change(REPOSITORY, 2);
    let url = format!("{}/repos/{REPOSITORY}/pulls?state=open&limit=1", fake.api_url());
    let answer = http().get(url).bearer_auth(fake.token()).send().await.expect("an answer");
    assert_eq!(answer.headers()["x-total-count"], "2");
    let next = answer.headers()["link"].to_str().expect("text").to_owned();
    assert!(next.ends_with("pulls?page=2&limit=1&state=open>; rel=\"next\"") || next.contains("page=2"), "{next}");
    let page = answer.json::<Value>().await.expect("JSON");
    assert_eq!((page[0]["number"].as_i64(), page[0]["head"]["sha"].as_str()), (Some(3), Some(head.as_str())));
}
