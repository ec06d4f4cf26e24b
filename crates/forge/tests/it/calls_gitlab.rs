//! Calls to GitLab: what is asked word for word, and what each answer means.

use crate::calls_server::{Server, TOKEN, commit, deployment, permanent, reply, retry, status, text};
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::event::ChangeAction;
use davit_domain::status::{CommitState, CommitStatus};
use davit_domain::time::Timestamp;
use davit_forge::{FailedDelivery, Hook, NewHook, RateBudget};
use secrecy::SecretString;
use serde_json::{Value, json};

const GITLAB: ForgeKind = ForgeKind::Gitlab;
const PROJECT: &str = "acme/web/shop";
const PLACE: &str = "/projects/acme%2Fweb%2Fshop";

fn in_group(state: CommitState) -> CommitStatus {
    CommitStatus { repository: PROJECT.to_owned(), state, ..status() }
}

fn at_gitlab(state: ForgeDeploymentState) -> DeploymentAtForge {
    DeploymentAtForge { repository: PROJECT.to_owned(), state, ..deployment() }
}

#[tokio::test]
async fn a_status_names_the_project_with_all_its_groups() {
    for (state, word) in [
        (CommitState::Pending, "pending"),
        (CommitState::Success, "success"),
        (CommitState::Failure, "failed"),
        (CommitState::Error, "failed"),
    ] {
        let server = Server::start([reply(201, &json!({ "id": 1 }))]).await;
        let long = CommitStatus { description: "ä".repeat(300), ..in_group(state) };
        server.client(GITLAB).set_status(&long).await.expect("set");
        let seen = server.only();
        assert_eq!(seen.line, format!("POST {PLACE}/statuses/{}", commit()));
        assert_eq!(seen.headers["private-token"], TOKEN);
        assert!(!seen.headers.contains_key("authorization"));
        assert_eq!(
            seen.body,
            json!({
                "state": word,
                "name": "davit/deploy/production",
                "description": format!("{}…", "ä".repeat(254)),
                "target_url": "https://davit.example.com/deployments/17",
            })
        );
    }
}

#[tokio::test]
async fn a_status_that_is_set_already_is_set() {
    let same =
        r#"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")"#;
    let server = Server::start([reply(400, &json!({ "message": same }))]).await;
    server.client(GITLAB).set_status(&in_group(CommitState::Pending)).await.expect("as wanted");

    let server = Server::start([reply(400, &json!({ "message": { "target_url": ["is blocked"] } }))]).await;
    let (code, detail) = permanent(server.client(GITLAB).set_status(&in_group(CommitState::Pending)).await);
    assert_eq!(code, Some(400));
    assert!(detail.contains("400 target_url is blocked. Check the status's link"), "{detail}");
}

#[tokio::test]
async fn refusals_say_what_to_change_or_when_to_come_back() {
    for (answer, says) in [
        (reply(401, &json!({ "message": "401 Unauthorized" })), "The token is wrong, expired or revoked"),
        (
            reply(403, &json!({ "error": "insufficient_scope", "error_description": "Needs more.", "scope": "api" })),
            "403 insufficient_scope: Needs more. Give the token the permission api, with the role Developer",
        ),
        (
            reply(404, &json!({ "message": "404 Project Not Found" })),
            "404 404 Project Not Found. Check the project's path",
        ),
        (text(405, "405 Not Allowed"), "Check the forge's API URL"),
    ] {
        let server = Server::start([answer]).await;
        let (_, detail) = permanent(server.client(GITLAB).set_status(&in_group(CommitState::Success)).await);
        assert!(detail.contains(says), "{detail}");
        assert!(
            detail.starts_with("GitLab refused to set the status davit/deploy/production on acme/web/shop@1a2b3c4:")
        );
    }
    let busy = json!({ "message": "Another update to this commit status is in progress" });
    let limited = || text(429, "Retry later\n").header("date", "Wed, 21 Oct 2015 07:28:00 GMT");
    for (answer, after) in [
        (text(502, "<html>GitLab is not responding</html>"), None),
        (limited(), Some(60)),
        (limited().header("retry-after", 30), Some(30)),
        (limited().header("ratelimit-remaining", 0).header("ratelimit-reset", 1_445_412_480 + 45), Some(46)),
        (reply(409, &busy), Some(60)),
    ] {
        let server = Server::start([answer]).await;
        assert_eq!(retry(server.client(GITLAB).set_status(&in_group(CommitState::Success)).await).0, after);
    }
}

#[tokio::test]
async fn a_deployment_is_made_in_the_state_it_has() {
    let server = Server::start([reply(201, &json!({ "id": 42, "sha": "", "ref": "", "status": "running" }))]).await;
    let tag =
        DeploymentAtForge { reference: "v1.2".to_owned(), is_tag: true, ..at_gitlab(ForgeDeploymentState::Queued) };
    assert_eq!(server.client(GITLAB).create_deployment(&tag).await, Ok(42));
    let seen = server.only();
    assert_eq!(seen.line, format!("POST {PLACE}/deployments"));
    assert_eq!(
        seen.body,
        json!({ "environment": "production", "sha": commit().as_str(), "ref": "v1.2", "tag": true, "status": "running" })
    );
}

#[tokio::test]
async fn states_of_deployments_have_gitlabs_words() {
    for (state, word) in [
        (ForgeDeploymentState::Pending, "running"),
        (ForgeDeploymentState::InProgress, "running"),
        (ForgeDeploymentState::Success, "success"),
        (ForgeDeploymentState::Failure, "failed"),
        (ForgeDeploymentState::Error, "failed"),
    ] {
        let server = Server::start([reply(200, &json!({}))]).await;
        server.client(GITLAB).set_deployment_state(&at_gitlab(state), 42).await.expect("told");
        let seen = server.only();
        assert_eq!((seen.line, seen.body), (format!("PUT {PLACE}/deployments/42"), json!({ "status": word })));
    }
    let same = json!({ "message": { "status": ["cannot transition via \"run\""] } });
    let server = Server::start([reply(400, &same)]).await;
    let running = at_gitlab(ForgeDeploymentState::InProgress);
    server.client(GITLAB).set_deployment_state(&running, 42).await.expect("it runs already");
}

#[tokio::test]
async fn what_ended_is_not_canceled_when_something_newer_takes_its_place() {
    let inactive = at_gitlab(ForgeDeploymentState::Inactive);
    let now = |status: &str| reply(200, &json!({ "id": 42, "sha": "", "ref": "", "status": status }));
    for status in ["success", "failed", "canceled"] {
        let server = Server::start([now(status)]).await;
        server.client(GITLAB).set_deployment_state(&inactive, 42).await.expect("left as it is");
        assert_eq!(server.lines(), [format!("GET {PLACE}/deployments/42")]);
    }
    let server = Server::start([now("running"), reply(200, &json!({}))]).await;
    server.client(GITLAB).set_deployment_state(&inactive, 42).await.expect("canceled");
    assert_eq!(server.seen()[1].body, json!({ "status": "canceled" }));
}

fn wire_deployment(id: i64, status: &str, user: i64, deployable: Value) -> Value {
    json!({
        "id": id,
        "sha": commit().as_str(),
        "ref": "main",
        "status": status,
        "user": { "id": user, "username": "davit" },
        "deployable": deployable,
    })
}

#[tokio::test]
async fn a_deployment_after_a_lost_answer_is_known_by_all_that_is_known_of_it() {
    let me = || reply(200, &json!({ "id": 5, "username": "davit" }));
    let mut other_commit = wire_deployment(19, "running", 5, Value::Null);
    other_commit["sha"] = "f".repeat(40).into();
    let mut other_branch = wire_deployment(18, "running", 5, Value::Null);
    other_branch["ref"] = "develop".into();
    let strangers = json!([
        other_commit,
        other_branch,
        wire_deployment(17, "running", 6, Value::Null),
        wire_deployment(16, "running", 5, json!({ "id": 3 })),
        wire_deployment(15, "success", 5, Value::Null),
    ]);
    let server = Server::start([me(), reply(200, &strangers)]).await;
    let found = server.client(GITLAB).find_deployment(&at_gitlab(ForgeDeploymentState::InProgress)).await;
    assert_eq!(found, Ok(None));
    assert_eq!(
        server.lines(),
        [
            "GET /user".to_owned(),
            format!("GET {PLACE}/deployments?environment=production&order_by=id&sort=desc&per_page=50"),
        ]
    );
    let mut all = strangers.as_array().expect("a list").clone();
    all.extend([wire_deployment(14, "running", 5, Value::Null), wire_deployment(13, "running", 5, Value::Null)]);
    for (state, expected) in [(ForgeDeploymentState::InProgress, 14), (ForgeDeploymentState::Success, 15)] {
        let server = Server::start([me(), reply(200, &Value::from(all.clone()))]).await;
        let found = server.client(GITLAB).find_deployment(&at_gitlab(state)).await;
        assert_eq!(found, Ok(Some(expected)), "the newest that can be it");
    }
}

#[tokio::test]
async fn open_merge_requests_come_as_changes() {
    let merge_request = |iid: i64, sha: Value, source: Value| {
        json!({
            "iid": iid, "title": "Add the cart", "author": { "id": 1, "username": "ada" }, "sha": sha,
            "source_branch": "cart", "target_branch": "main", "source_project_id": source, "target_project_id": 3,
            "draft": iid == 8, "merge_commit_sha": null,
        })
    };
    let head = commit();
    let page = json!([
        merge_request(7, head.as_str().into(), 3.into()),
        merge_request(8, head.as_str().into(), 4.into()),
        merge_request(9, head.as_str().into(), Value::Null),
        merge_request(10, Value::Null, 3.into()),
    ]);
    let server = Server::start([reply(200, &page)]).await;
    let changes = server.client(GITLAB).open_changes(PROJECT).await.expect("a list");
    assert_eq!(server.only().line, format!("GET {PLACE}/merge_requests?state=opened&scope=all&per_page=50"));
    let facts: Vec<_> = changes.iter().map(|change| (change.number, change.from_fork, change.draft)).collect();
    assert_eq!(facts, [(7, false, false), (8, true, true), (9, true, false)], "without a head there is nothing to see");
    let first = &changes[0];
    assert_eq!((first.repository.as_str(), first.action, &first.head), (PROJECT, ChangeAction::Opened, &head));
    assert_eq!(
        (first.author.as_str(), first.head_branch.as_str(), first.base_branch.as_str()),
        ("ada", "cart", "main")
    );
}

fn wire_hook(id: i64, url: &str, alert: &str) -> Value {
    json!({
        "id": id, "url": url, "push_events": true, "issues_events": false, "pipeline_events": true,
        "alert_status": alert, "disabled_until": (alert != "executable").then_some("2026-03-01T12:00:00Z"),
        "push_events_branch_filter": "", "signing_token_present": true,
    })
}

#[tokio::test]
async fn a_hook_is_set_once_and_one_that_is_turned_off_says_so() {
    let secret = SecretString::from("whsec_aDAway1zZWNyZXQ=");
    let new = |signature| NewHook { url: "https://d/hooks/gl", secret: &secret, signature };
    let all = json!([wire_hook(1, "https://a/", "executable"), wire_hook(2, "https://b/", "temporarily_disabled")]);

    let server = Server::start([reply(200, &all)]).await;
    let hooks = server.client(GITLAB).hooks(PROJECT).await.expect("a list");
    let hook = |id, url: &str, active, last_response: Option<&str>| Hook {
        id,
        url: url.to_owned(),
        active,
        events: vec!["pipeline_events".to_owned(), "push_events".to_owned()],
        last_response: last_response.map(str::to_owned),
    };
    let off = "temporarily_disabled until 2026-03-01T12:00:00Z";
    assert_eq!(hooks, [hook(1, "https://a/", true, None), hook(2, "https://b/", false, Some(off))]);

    let set = wire_hook(3, "https://d/hooks/gl", "executable");
    let server = Server::start([reply(200, &all), reply(201, &set)]).await;
    server.client(GITLAB).register_hook(PROJECT, &new(HookSignature::Token)).await.expect("set");
    let seen = &server.seen()[1];
    assert_eq!(seen.line, format!("POST {PLACE}/hooks"));
    let mut expected = json!({
        "url": "https://d/hooks/gl", "token": "whsec_aDAway1zZWNyZXQ=", "push_events": true, "tag_push_events": true,
        "merge_requests_events": true, "pipeline_events": true, "deployment_events": true, "note_events": true,
        "enable_ssl_verification": true,
    });
    assert_eq!(seen.body, expected);

    let server = Server::start([reply(200, &json!([set])), reply(200, &set)]).await;
    server.client(GITLAB).register_hook(PROJECT, &new(HookSignature::StandardWebhooks)).await.expect("changed");
    let seen = &server.seen()[1];
    assert_eq!(seen.line, format!("PUT {PLACE}/hooks/3"));
    let token = expected.as_object_mut().expect("an object").remove("token").expect("it was there");
    expected["signing_token"] = token;
    assert_eq!(seen.body, expected);

    let mut old = set.clone();
    old.as_object_mut().expect("an object").remove("signing_token_present");
    let server = Server::start([reply(200, &json!([])), reply(201, &old)]).await;
    let refused = server.client(GITLAB).register_hook(PROJECT, &new(HookSignature::StandardWebhooks)).await;
    assert!(permanent(refused).1.contains("did not take its signing token"));

    let echo = json!({ "error": format!("{} is too short", "whsec_aDAway1zZWNyZXQ=") });
    let server = Server::start([reply(200, &json!([])), reply(422, &echo)]).await;
    let (_, detail) = permanent(server.client(GITLAB).register_hook(PROJECT, &new(HookSignature::Token)).await);
    assert!(detail.contains("[secret] is too short") && !detail.contains("whsec"), "{detail}");
}

fn event(id: i64, key: &str, status: &str, date: Option<&str>) -> Value {
    json!({
        "id": id,
        "trigger": "push_hooks",
        "request_headers": { "Idempotency-Key": key, "X-Gitlab-Event": "Push Hook" },
        "response_headers": date.map(|date| json!({ "Date": date })).unwrap_or_else(|| json!({})),
        "response_status": status,
    })
}

#[tokio::test]
async fn failed_deliveries_are_those_without_any_success() {
    let minute = |minute: u32| format!("Sun, 01 Mar 2026 12:{minute:02}:00 GMT");
    let all = json!([
        event(9, "resent", "202", Some(&minute(9))),
        event(8, "nobody-there", "internal error", None),
        event(7, "resent", "500", Some(&minute(7))),
        event(6, "refused", "503", Some(&minute(6))),
        event(5, "too-old", "500", Some(&minute(4))),
    ]);
    let server = Server::start([reply(200, &all).header("link", "<https://x/y?page=2>; rel=\"next\"")]).await;
    let since = Timestamp::from_millis(1_772_366_700_000);
    let failed = server.client(GITLAB).failed_deliveries(PROJECT, 3, since).await.expect("a list");
    assert_eq!(server.only().line, format!("GET {PLACE}/hooks/3/events?per_page=20"));
    let expected = |id, guid: &str, at: Option<i64>| FailedDelivery {
        id,
        guid: guid.to_owned(),
        at: at.map(Timestamp::from_millis),
        event: "Push Hook".to_owned(),
    };
    assert_eq!(failed, [expected(6, "refused", Some(1_772_366_760_000)), expected(8, "nobody-there", None)]);

    let server = Server::start([reply(201, &json!({ "response_status": 202 }))]).await;
    server.client(GITLAB).redeliver(PROJECT, 3, 8).await.expect("sent again");
    assert_eq!(server.only().line, format!("POST {PLACE}/hooks/3/events/8/resend"));
}

#[tokio::test]
async fn scopes_and_role_together_say_what_the_token_may() {
    let project = |permissions: Value| {
        reply(200, &json!({ "path_with_namespace": PROJECT, "default_branch": "main", "permissions": permissions }))
    };
    let role = |project: Value, group: Value| json!({ "project_access": project, "group_access": group });
    let level = |level: u32| json!({ "access_level": level, "notification_level": 3 });
    let scopes = |scopes: &[&str]| reply(200, &json!({ "id": 1, "scopes": scopes }));
    let unknown = || reply(404, &json!({ "message": "404 Not Found" }));
    let (yes, no) = (Some(true), Some(false));
    for (permissions, token, expected) in [
        (role(level(40), Value::Null), scopes(&["api"]), [yes, yes, yes, yes, yes, yes]),
        (role(level(20), level(30)), scopes(&["api"]), [yes, yes, yes, no, yes, yes]),
        (role(level(20), Value::Null), scopes(&["read_api", "read_repository"]), [yes, no, no, no, yes, yes]),
        (role(Value::Null, Value::Null), scopes(&["api"]), [None, None, None, None, None, None]),
        (role(level(50), Value::Null), unknown(), [None, None, None, None, None, None]),
        (role(level(10), Value::Null), unknown(), [no, no, no, no, no, no]),
    ] {
        let server = Server::start([project(permissions.clone()), token]).await;
        let access = server.client(GITLAB).check(PROJECT).await.expect("visible");
        assert_eq!(server.lines(), [format!("GET {PLACE}"), "GET /personal_access_tokens/self".to_owned()]);
        let granted: Vec<_> = access.needs.iter().map(|need| need.granted).collect();
        assert_eq!(granted, expected, "{permissions}");
        assert_eq!((access.repository.as_str(), access.default_branch.as_str()), (PROJECT, "main"));
        assert_eq!(access.needs[3].permission, "scope api, role Maintainer");
    }
}

#[tokio::test]
async fn a_deploy_key_is_added_once() {
    let server = Server::start([reply(200, &json!([])), reply(201, &json!({ "id": 1 }))]).await;
    server.client(GITLAB).add_deploy_key(PROJECT, "davit", "ssh-ed25519 AAAA davit\n").await.expect("added");
    assert_eq!(server.lines(), [format!("GET {PLACE}/deploy_keys?per_page=100"), format!("POST {PLACE}/deploy_keys")]);
    let body = json!({ "title": "davit", "key": "ssh-ed25519 AAAA davit", "can_push": false });
    assert_eq!(server.seen()[1].body, body);

    let server = Server::start([reply(200, &json!([{ "key": "ssh-ed25519 AAAA other" }]))]).await;
    server.client(GITLAB).add_deploy_key(PROJECT, "davit", "ssh-ed25519 AAAA davit").await.expect("there already");
}

#[tokio::test]
async fn the_budget_has_gitlabs_headers_and_git_the_web_address() {
    let answer = reply(201, &json!({}))
        .header("RateLimit-Limit", 2000)
        .header("RateLimit-Remaining", 1990)
        .header("RateLimit-Reset", 1_772_366_700);
    let server = Server::start([answer]).await;
    let client = server.client(GITLAB);
    client.set_status(&in_group(CommitState::Success)).await.expect("set");
    let reset = Some(Timestamp::from_millis(1_772_366_700_000));
    assert_eq!(client.rate_budget(), Some(RateBudget { limit: Some(2000), remaining: 1990, reset }));

    let client = crate::calls_server::client(
        GITLAB,
        "https://git.example.com/gitlab/api/v4",
        davit_forge::Credential::Token(SecretString::from(TOKEN)),
    );
    assert_eq!(client.clone_url(PROJECT).as_deref(), Some("https://git.example.com/gitlab/acme/web/shop.git"));
    assert_eq!(client.git_username(), "oauth2");
    assert!(client.git_token(PROJECT).await.expect("no call").is_some());
}

#[tokio::test]
async fn a_project_that_is_none_is_not_asked_for() {
    let server = Server::start([]).await;
    for bad in ["", "shop", "acme/../../user", "acme//shop", "acme/web/"] {
        assert_eq!(permanent(server.client(GITLAB).hooks(bad).await).0, None, "{bad:?}");
    }
    assert!(server.lines().is_empty());
}
