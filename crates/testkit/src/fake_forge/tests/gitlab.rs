//! GitLab.

use super::*;

const PROJECT: &str = "/projects/acme%2Fshop";
const DEPLOYMENTS: &str = "/projects/acme%2Fshop/deployments";

fn statuses() -> String {
    format!("{PROJECT}/statuses/{}", commit())
}

#[tokio::test]
async fn a_status_moves_as_the_state_machine_lets_it() {
    let refused = |event: &str, from: &str| {
        format!(
            "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
        )
    };
    let fake = fake(ForgeKind::Gitlab).await;
    let set = async |state: &str| {
        let (status, answer) = post(&fake, &statuses(), json!({ "state": state, "name": "ci" })).await;
        if status == 201 { Ok(answer["id"].as_i64().expect("a number")) } else { Err(words(&answer).to_owned()) }
    };
    let first = set("pending").await.expect("a new one");
    assert_eq!(set("pending").await, Err(refused("enqueue", "pending")));
    assert_eq!(set("running").await, Ok(first));
    assert_eq!(set("running").await, Err(refused("run", "running")));
    assert_eq!(set("pending").await, Err(refused("enqueue", "running")));
    assert_eq!(set("skipped").await, Err(refused("skip", "running")));
    assert_eq!(set("success").await, Ok(first));
    let second = set("success").await.expect("after its end a new one begins");
    assert_ne!(second, first);
    let third = set("running").await.expect("a new one may start running at once");
    assert_eq!(set("failed").await, Ok(third));

    let states: Vec<CommitState> = fake.statuses(REPOSITORY, &commit()).iter().map(|status| status.state).collect();
    use CommitState::{Failure, Pending, Success};
    assert_eq!(states, [Pending, Pending, Success, Success, Pending, Failure]);
    let path = format!("{PROJECT}/repository/commits/{}/statuses", commit());
    assert_eq!(get(&fake, &path).await.1.as_array().map(Vec::len), Some(1), "the latest of the name");
    assert_eq!(get(&fake, &format!("{path}?all=true")).await.1.as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn a_status_is_checked_field_by_field() {
    let fake = fake(ForgeKind::Gitlab).await;
    for (body, refusal) in [
        (json!({}), json!({ "error": "state is missing" })),
        (json!({ "state": "green" }), json!({ "error": "state does not have a valid value" })),
        (
            json!({ "state": "success", "description": "x".repeat(256) }),
            json!({ "message": { "description": ["is too long (maximum is 255 characters)"] } }),
        ),
        (
            json!({ "state": "success", "target_url": "ftp://example.com" }),
            json!({ "message": { "target_url": ["is blocked: Only allowed schemes are http, https"] } }),
        ),
    ] {
        assert_eq!(post(&fake, &statuses(), body).await, (400, refusal));
    }
    let unknown = post(&fake, &format!("{PROJECT}/statuses/nowhere"), json!({ "state": "success" })).await;
    assert_eq!(unknown, (404, json!({ "message": "404 Commit Not Found" })));
    let by_query = post(&fake, &format!("{}?state=running", statuses()), json!({})).await;
    assert_eq!((by_query.0, by_query.1["name"].as_str()), (201, Some("default")));
    let text = http().post(format!("{}{}", fake.api_url(), statuses())).bearer_auth(fake.token());
    let text = text.header("content-type", "text/plain").body("state=success").send().await.expect("an answer");
    assert_eq!(text.status(), 415);
}

#[tokio::test]
async fn what_a_token_may_depends_on_its_scopes_and_the_role() {
    let fake = fake(ForgeKind::Gitlab).await;
    for (access, level, hooks, status) in
        [(Access::Admin, 40, 200, 201), (Access::Write, 30, 403, 201), (Access::Read, 20, 403, 403)]
    {
        fake.add_repository(REPOSITORY, access);
        let (_, project) = get(&fake, PROJECT).await;
        assert_eq!(project["permissions"]["project_access"]["access_level"], level);
        assert_eq!(get(&fake, &format!("{PROJECT}/hooks")).await.0, hooks);
        assert_eq!(post(&fake, &statuses(), json!({ "state": "success" })).await.0, status);
    }
    fake.add_repository(REPOSITORY, Access::Hidden);
    assert_eq!(get(&fake, PROJECT).await, (404, json!({ "message": "404 Project Not Found" })));
    fake.add_repository(REPOSITORY, Access::Admin);
    fake.set_scopes("read_api");
    let (status, refusal) = post(&fake, &statuses(), json!({ "state": "success" })).await;
    assert_eq!((status, words(&refusal)), (403, "insufficient_scope"));
    assert_eq!(get(&fake, "/personal_access_tokens/self").await.1["scopes"], json!(["read_api"]));
}

#[tokio::test]
async fn deployments_move_as_the_state_machine_lets_them() {
    let (fake, work, _root) = over_git(ForgeKind::Gitlab).await;
    let head = work.rev("HEAD");
    let new = |sha: &str, reference: &str, status: &str| json!({ "environment": "production", "sha": sha, "ref": reference, "tag": false, "status": status });
    let (status, refusal) = post(&fake, DEPLOYMENTS, json!({ "sha": head })).await;
    assert_eq!(status, 400);
    assert_eq!(words(&refusal), "environment is missing, ref is missing, tag is missing, status is missing");
    let unknown = post(&fake, DEPLOYMENTS, new(&head, "nowhere", "running")).await;
    assert_eq!(unknown, (400, json!({ "message": { "ref": ["The branch or tag does not exist"] } })));
    let unknown = post(&fake, DEPLOYMENTS, new(commit().as_str(), "main", "running")).await;
    assert_eq!(unknown, (400, json!({ "message": { "sha": ["The commit does not exist"] } })));
    let invalid = post(&fake, DEPLOYMENTS, new(&head, "main", "created")).await;
    assert_eq!(invalid, (400, json!({ "error": "status does not have a valid value" })));

    let (status, made) = post(&fake, DEPLOYMENTS, new(&head, "main", "running")).await;
    assert_eq!(status, 201);
    let one = format!("{DEPLOYMENTS}/{}", made["id"]);
    let set = async |status: &str| call(&fake, Method::PUT, &one, Some(json!({ "status": status }))).await;
    let again = json!({ "message": { "status": ["cannot transition via \"run\""] } });
    assert_eq!(set("running").await, (400, again.clone()));
    assert_eq!(set("success").await.0, 200);
    assert_eq!(set("success").await.0, 400);
    assert_eq!(set("running").await, (400, again));
    let (_, same) = post(&fake, DEPLOYMENTS, new(&head, "main", "success")).await;
    assert_eq!(same["id"], made["id"], "the same success is no new deployment");
    assert_eq!(fake.deployments(REPOSITORY).len(), 1);
}

#[tokio::test]
async fn hooks_hide_their_tokens_and_lose_them_with_the_address() {
    let fake = fake(ForgeKind::Gitlab).await;
    let hooks = format!("{PROJECT}/hooks");
    assert_eq!(post(&fake, &hooks, json!({})).await.1, json!({ "error": "url is missing" }));
    assert_eq!(post(&fake, &hooks, json!({ "url": "nowhere" })).await.0, 422);
    let url = "http://127.0.0.1:9/hook";
    let (status, made) = post(&fake, &hooks, json!({ "url": url, "token": "s3cret", "push_events": false })).await;
    assert_eq!((status, made.get("token"), &made["push_events"]), (201, None, &json!(false)));
    assert_eq!((&made["token_present"], &made["signing_token_present"]), (&json!(true), &json!(false)));
    let one = format!("{hooks}/{}", made["id"]);
    let change = async |body: Value| call(&fake, Method::PUT, &one, Some(body)).await;
    assert_eq!(change(json!({ "url": url, "signing_token": "short" })).await.0, 400);
    fake.set_signature(HookSignature::StandardWebhooks);
    let (status, signs) = change(json!({ "url": url, "signing_token": fake.webhook_secret() })).await;
    assert_eq!((status, &signs["signing_token_present"]), (200, &json!(true)));
    assert_eq!(change(json!({ "url": "http://127.0.0.1:9/other" })).await.0, 200);
    assert_eq!(fake.hooks(REPOSITORY)[0].secret, "");
}

#[tokio::test]
async fn the_same_deploy_key_again_is_the_one_that_is_there() {
    let fake = fake(ForgeKind::Gitlab).await;
    let keys = format!("{PROJECT}/deploy_keys");
    assert_eq!(post(&fake, &keys, json!({ "title": "davit", "key": "not a key" })).await.0, 400);
    let (_, first) = post(&fake, &keys, json!({ "title": "davit", "key": KEY })).await;
    let (status, second) = post(&fake, &keys, json!({ "title": "davit", "key": KEY })).await;
    assert_eq!((status, &second), (201, &first));
    assert_eq!(fake.deploy_keys(REPOSITORY).len(), 1);
}
