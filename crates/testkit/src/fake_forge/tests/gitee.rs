//! Gitee.

use super::*;

#[tokio::test]
async fn check_runs_take_the_place_of_statuses() {
    let fake = fake(ForgeKind::Gitee).await;
    let runs = format!("/repos/{REPOSITORY}/check-runs");
    assert_eq!(post(&fake, &runs, json!({ "name": "ci" })).await, (400, json!({ "message": "head_sha is missing" })));
    let new = |more: Value| {
        let mut body = json!({ "name": "ci", "head_sha": commit().as_str() });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    assert_eq!(post(&fake, &runs, new(json!({ "status": "done" }))).await.0, 400);
    assert_eq!(post(&fake, &runs, new(json!({ "status": "completed" }))).await.0, 400, "without a conclusion");
    assert_eq!(post(&fake, &runs, new(json!({ "output": { "title": "Half" } }))).await.0, 400);
    let output = json!({ "title": "Deploy", "summary": "Releasing to 3 hosts" });
    let (status, made) = post(&fake, &runs, new(json!({ "status": "in_progress", "output": output }))).await;
    assert_eq!((status, made["status"].as_str()), (201, Some("in_progress")));
    let one = format!("{runs}/{}", made["id"]);
    let (status, ended) = call(&fake, Method::PATCH, &one, Some(json!({ "conclusion": "success" }))).await;
    assert_eq!((status, ended["status"].as_str()), (200, Some("completed")));
    assert_eq!(call(&fake, Method::PATCH, &format!("{runs}/99"), Some(json!({}))).await.0, 404);

    let statuses = fake.statuses(REPOSITORY, &commit());
    let words: Vec<&str> = statuses.iter().map(|status| status.word.as_str()).collect();
    assert_eq!(words, ["in_progress", "completed/success"]);
    assert_eq!(statuses[1].state, CommitState::Success);
    assert_eq!(statuses[1].description, "Releasing to 3 hosts");
    let (_, listed) = get(&fake, &format!("/repos/{REPOSITORY}/commits/{}/check-runs", commit())).await;
    assert_eq!((listed["total_count"].as_i64(), &listed["check_runs"][0]["id"]), (Some(1), &made["id"]));

    fake.deny(REPOSITORY, Permission::Checks);
    assert_eq!(post(&fake, &runs, new(json!({}))).await.0, 403);
}

#[tokio::test]
async fn comments_go_to_open_changes() {
    let fake = fake(ForgeKind::Gitee).await;
    let head = commit();
    fake.open_change(&NewPullRequest {
        repository: REPOSITORY,
        number: 7,
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
    let comments = |number: i64| format!("/repos/{REPOSITORY}/pulls/{number}/comments");
    assert_eq!(post(&fake, &comments(8), json!({ "body": "Released" })).await.0, 404);
    assert_eq!(post(&fake, &comments(7), json!({})).await.0, 400);
    assert_eq!(post(&fake, &comments(7), json!({ "body": "Released" })).await.0, 201);
    assert_eq!(
        fake.comments(REPOSITORY)[0],
        Comment { repository: REPOSITORY.to_owned(), number: 7, body: "Released".to_owned() }
    );
    let (_, listed) = get(&fake, &format!("/repos/{REPOSITORY}/pulls?state=open")).await;
    assert_eq!((listed[0]["number"].as_i64(), listed[0]["head"]["sha"].as_str()), (Some(7), Some(head.as_str())));
    assert_eq!(listed[0]["base"]["repo"]["full_name"], REPOSITORY);
}

#[tokio::test]
async fn tokens_come_in_a_header_or_the_query_and_bodies_as_json_or_a_form() {
    let fake = fake(ForgeKind::Gitee).await;
    let url = format!("{}/repos/{REPOSITORY}/hooks?access_token={}", fake.api_url(), fake.token());
    let form = http().post(&url).header("content-type", "application/x-www-form-urlencoded");
    let form =
        form.body("url=http%3A%2F%2F127.0.0.1%3A9%2Fhook&password=s3cret&tag_push_events=true&encryption_type=1");
    assert_eq!(form.send().await.expect("an answer").status(), 201);
    let hook = fake.hooks(REPOSITORY).remove(0);
    assert_eq!((hook.url.as_str(), hook.secret.as_str(), hook.signs), ("http://127.0.0.1:9/hook", "s3cret", true));
    assert_eq!(hook.events, ["push_events", "tag_push_events"]);
    let bare = http().post(&url).body("{}").send().await.expect("an answer");
    assert_eq!(bare.status(), 415);
}
