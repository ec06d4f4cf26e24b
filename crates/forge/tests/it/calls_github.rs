//! Calls to GitHub that the fake GitHub plays no part in: what is asked word for word, and what each answer means.

use crate::calls_server::{
    REPOSITORY, Server, TOKEN, client, commit, deployment, hanging_up, permanent, reply, retry, status, text,
};
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::event::ChangeAction;
use davit_domain::time::Timestamp;
use davit_forge::{Credential, FailedDelivery, Hook, Need, NewHook, RateBudget};
use secrecy::SecretString;
use serde_json::{Value, json};

const GITHUB: ForgeKind = ForgeKind::Github;

fn payload(deployment: i64, server: &str) -> Value {
    json!({ "davit": { "deployment": deployment, "server": server } })
}

#[tokio::test]
async fn a_deployment_is_made_without_github_judging_the_commit() {
    let server = Server::start([reply(201, &json!({ "id": 42, "payload": "" }))]).await;
    assert_eq!(server.client(GITHUB).create_deployment(&deployment()).await, Ok(42));
    let seen = server.only();
    assert_eq!(seen.line, "POST /repos/acme/shop/deployments");
    assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(seen.headers["x-github-api-version"], "2022-11-28");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(
        seen.body,
        json!({
            "ref": commit().as_str(),
            "environment": "production",
            "description": "Add the cart",
            "payload": payload(17, "https://davit.example.com"),
            "auto_merge": false,
            "required_contexts": [],
        })
    );
}

#[tokio::test]
async fn a_deployment_that_was_not_made_is_none() {
    for (code, says) in [(202, "merged the base branch"), (409, "conflicts with"), (422, "still in the repository")] {
        let server = Server::start([reply(code, &json!({ "message": "No." }))]).await;
        let (status, detail) = permanent(server.client(GITHUB).create_deployment(&deployment()).await);
        assert_eq!(status, Some(code));
        assert!(detail.contains(says), "{detail}");
    }
}

#[tokio::test]
async fn a_deployment_after_a_lost_answer_is_found_by_its_mark() {
    let (url, _task) = hanging_up().await;
    let lost = client(GITHUB, &url, Credential::None).create_deployment(&deployment()).await;
    assert_eq!(retry(lost).0, None);

    let others = json!([
        { "id": 9, "payload": payload(17, "https://other.example.com") },
        { "id": 8, "payload": payload(18, "https://davit.example.com") },
        { "id": 7, "payload": {} },
        { "id": 6, "payload": "deploy it" },
    ]);
    let ours = json!([{ "id": 5, "payload": payload(17, "https://davit.example.com").to_string() }]);
    let server = Server::start([
        reply(200, &others).header("link", "<https://api.github.com/x?per_page=100&page=2>; rel=\"next\""),
        reply(200, &ours),
    ])
    .await;
    assert_eq!(server.client(GITHUB).find_deployment(&deployment()).await, Ok(Some(5)));
    let sha = commit();
    assert_eq!(
        server.lines(),
        [
            format!("GET /repos/acme/shop/deployments?sha={sha}&environment=production&per_page=100"),
            "GET /repos/acme/shop/deployments?per_page=100&page=2".to_owned()
        ]
    );

    let server = Server::start([reply(200, &others)]).await;
    assert_eq!(server.client(GITHUB).find_deployment(&deployment()).await, Ok(None));
}

#[tokio::test]
async fn every_state_of_a_deployment_is_told() {
    for state in [
        ForgeDeploymentState::Pending,
        ForgeDeploymentState::Queued,
        ForgeDeploymentState::InProgress,
        ForgeDeploymentState::Success,
        ForgeDeploymentState::Failure,
        ForgeDeploymentState::Error,
        ForgeDeploymentState::Inactive,
    ] {
        let server = Server::start([reply(201, &json!({ "id": 1 }))]).await;
        let told = DeploymentAtForge { state, description: "发布".repeat(100), ..deployment() };
        server.client(GITHUB).set_deployment_state(&told, 42).await.expect("told");
        let seen = server.only();
        assert_eq!(seen.line, "POST /repos/acme/shop/deployments/42/statuses");
        assert_eq!(
            seen.body,
            json!({
                "state": state.as_str(),
                "description": format!("{}发…", "发布".repeat(69)),
                "log_url": "https://davit.example.com/deployments/17",
                "environment_url": "https://shop.example.com",
            })
        );
    }
    let server = Server::start([reply(201, &json!({ "id": 1 }))]).await;
    let bare = DeploymentAtForge { environment_url: String::new(), log_url: String::new(), ..deployment() };
    server.client(GITHUB).set_deployment_state(&bare, 42).await.expect("told");
    assert_eq!(server.only().body, json!({ "state": "in_progress", "description": "Releasing to 3 hosts" }));
}

fn pull_request(number: i64, head_repository: &str) -> Value {
    json!({
        "number": number,
        "title": "Add the cart",
        "user": { "login": "ada" },
        "draft": false,
        "merge_commit_sha": "f".repeat(40),
        "head": { "ref": "cart", "sha": commit().as_str(), "repo": { "full_name": head_repository } },
        "base": { "ref": "main", "repo": { "full_name": REPOSITORY } },
    })
}

#[tokio::test]
async fn open_pull_requests_come_as_changes() {
    let server = Server::start([
        reply(200, &json!([pull_request(7, REPOSITORY)]))
            .header("link", "<https://x/y?page=2>; rel=\"next\", <https://x/y?page=2>; rel=\"last\""),
        reply(200, &json!([pull_request(8, "ada/shop")])),
    ])
    .await;
    let changes = server.client(GITHUB).open_changes(REPOSITORY).await.expect("a list");
    assert_eq!(
        server.lines(),
        ["GET /repos/acme/shop/pulls?state=open&per_page=50", "GET /repos/acme/shop/pulls?page=2"]
    );
    let facts: Vec<_> = changes.iter().map(|change| (change.number, change.action, change.from_fork)).collect();
    assert_eq!(facts, [(7, ChangeAction::Opened, false), (8, ChangeAction::Opened, true)]);
    assert!(changes.iter().all(|change| change.head == commit() && change.merge_commit.is_none()));
}

fn wire_hook(id: i64, url: &str, code: Option<i64>) -> Value {
    json!({
        "id": id,
        "name": "web",
        "active": true,
        "events": ["push"],
        "config": { "url": url, "content_type": "json", "insecure_ssl": "0", "secret": "********" },
        "last_response": { "code": code, "status": "active", "message": code.map(|_| "OK") },
    })
}

#[tokio::test]
async fn hooks_are_listed() {
    let server =
        Server::start([reply(200, &json!([wire_hook(1, "https://a/", Some(200)), wire_hook(2, "https://b/", None)]))])
            .await;
    let hooks = server.client(GITHUB).hooks(REPOSITORY).await.expect("a list");
    assert_eq!(server.only().line, "GET /repos/acme/shop/hooks?per_page=100");
    let hook = |id, url: &str, last_response: Option<&str>| Hook {
        id,
        url: url.to_owned(),
        active: true,
        events: vec!["push".to_owned()],
        last_response: last_response.map(str::to_owned),
    };
    assert_eq!(hooks, [hook(1, "https://a/", Some("200 OK")), hook(2, "https://b/", None)]);
}

#[tokio::test]
async fn a_hook_is_set_once() {
    let secret = SecretString::from("h00k-secret");
    let new = NewHook { url: "https://d/hooks/gh", secret: &secret, signature: HookSignature::HmacSha256 };
    let events = json!([
        "push",
        "pull_request",
        "pull_request_review",
        "issue_comment",
        "deployment",
        "deployment_status",
        "status",
        "check_run",
        "check_suite",
        "merge_group"
    ]);
    let config =
        json!({ "url": "https://d/hooks/gh", "content_type": "json", "secret": "h00k-secret", "insecure_ssl": "0" });

    let set = reply(201, &wire_hook(3, new.url, None));
    let server = Server::start([reply(200, &json!([wire_hook(1, "https://a/", None)])), set]).await;
    assert_eq!(server.client(GITHUB).register_hook(REPOSITORY, &new).await.expect("set").id, 3);
    let seen = &server.seen()[1];
    assert_eq!(seen.line, "POST /repos/acme/shop/hooks");
    assert_eq!(seen.body, json!({ "name": "web", "active": true, "events": events, "config": config }));

    let known = wire_hook(4, new.url, None);
    let server = Server::start([reply(200, &json!([known])), reply(200, &known)]).await;
    assert_eq!(server.client(GITHUB).register_hook(REPOSITORY, &new).await.expect("changed").id, 4);
    let seen = &server.seen()[1];
    assert_eq!(seen.line, "PATCH /repos/acme/shop/hooks/4");
    assert_eq!(seen.body, json!({ "active": true, "events": events, "config": config }));

    let echo = json!({ "message": "Validation Failed", "errors": [{ "message": "h00k-secret is too short" }] });
    let server = Server::start([reply(200, &json!([])), reply(422, &echo)]).await;
    let (code, detail) = permanent(server.client(GITHUB).register_hook(REPOSITORY, &new).await);
    assert_eq!(code, Some(422));
    assert!(detail.contains("Validation Failed: [secret] is too short") && !detail.contains("h00k"), "{detail}");
}

fn delivery(id: i64, guid: &str, at: &str, status_code: i64) -> Value {
    json!({ "id": id, "guid": guid, "delivered_at": at, "status_code": status_code, "event": "push", "action": null })
}

#[tokio::test]
async fn failed_deliveries_are_those_without_any_success() {
    let first = json!([
        delivery(9, "resent", "2026-03-01T12:09:00Z", 202),
        delivery(8, "lost", "2026-03-01T12:08:00Z", 0),
        delivery(7, "resent", "2026-03-01T12:07:00Z", 500),
        delivery(6, "lost", "2026-03-01T12:06:00.5Z", 502),
    ]);
    let second = json!([
        delivery(5, "on-the-dot", "2026-03-01T12:05:00Z", 503),
        delivery(4, "too-old", "2026-03-01T12:04:59Z", 500),
    ]);
    let next = "<https://api.github.com/repositories/1/hooks/3/deliveries?per_page=100&cursor=v1_7>; rel=\"next\"";
    let server =
        Server::start([reply(200, &first).header("link", next), reply(200, &second).header("link", next)]).await;
    let since = Timestamp::from_millis(1_772_366_700_000);
    let failed = server.client(GITHUB).failed_deliveries(REPOSITORY, 3, since).await.expect("a list");
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/shop/hooks/3/deliveries?per_page=100",
            "GET /repos/acme/shop/hooks/3/deliveries?per_page=100&cursor=v1_7",
        ],
        "nothing is asked for beyond the first that is too old"
    );
    let expected = |id, guid: &str, at: i64| FailedDelivery {
        id,
        guid: guid.to_owned(),
        at: Some(Timestamp::from_millis(at)),
        event: "push".to_owned(),
    };
    assert_eq!(failed, [expected(5, "on-the-dot", 1_772_366_700_000), expected(8, "lost", 1_772_366_880_000)]);
}

#[tokio::test]
async fn a_delivery_is_asked_for_again() {
    let server = Server::start([reply(202, &json!({}))]).await;
    server.client(GITHUB).redeliver(REPOSITORY, 3, 8).await.expect("accepted");
    let seen = server.only();
    assert_eq!(seen.line, "POST /repos/acme/shop/hooks/3/deliveries/8/attempts");
    assert_eq!(seen.body, Value::Null);
}

#[tokio::test]
async fn a_deploy_key_is_added_once() {
    let key = "ssh-ed25519 AAAAC3Nz davit@example";
    let server = Server::start([reply(200, &json!([{ "key": "ssh-ed25519 BBBB" }])), reply(201, &json!({}))]).await;
    server.client(GITHUB).add_deploy_key(REPOSITORY, "davit", key).await.expect("added");
    assert_eq!(server.lines(), ["GET /repos/acme/shop/keys?per_page=100", "POST /repos/acme/shop/keys"]);
    assert_eq!(server.seen()[1].body, json!({ "title": "davit", "key": key, "read_only": true }));

    let server = Server::start([reply(200, &json!([{ "key": "ssh-ed25519 AAAAC3Nz" }]))]).await;
    server.client(GITHUB).add_deploy_key(REPOSITORY, "davit", key).await.expect("there already");

    let taken = json!({ "message": "Validation Failed", "errors": [{ "message": "key is already in use" }] });
    let server = Server::start([reply(200, &json!([])), reply(422, &taken)]).await;
    let (_, detail) = permanent(server.client(GITHUB).add_deploy_key(REPOSITORY, "davit", key).await);
    assert!(detail.contains("key is already in use. A key can be in use once"), "{detail}");
}

fn details(push: bool, admin: bool, private: bool) -> Value {
    json!({
        "full_name": REPOSITORY,
        "default_branch": "main",
        "private": private,
        "permissions": { "admin": admin, "push": push, "pull": true },
    })
}

fn granted(needs: &[Need]) -> Vec<Option<bool>> {
    needs.iter().map(|need| need.granted).collect()
}

/// Code, statuses, deployments, webhooks, pull requests, checks.
#[tokio::test]
async fn a_classic_token_lists_its_scopes() {
    let (yes, no) = (Some(true), Some(false));
    for (scopes, push, admin, private, expected) in [
        ("repo", true, true, true, [yes, yes, yes, yes, yes, yes]),
        ("repo", true, false, true, [yes, yes, yes, no, yes, yes]),
        ("repo", false, false, true, [yes, no, no, no, yes, yes]),
        ("repo:status, repo_deployment", true, true, true, [no, yes, yes, no, no, no]),
        ("public_repo", true, true, false, [yes, yes, yes, no, yes, yes]),
        ("public_repo, admin:repo_hook", true, true, true, [no, no, no, yes, no, no]),
        ("", true, true, false, [yes, no, no, no, yes, yes]),
    ] {
        let answer = reply(200, &details(push, admin, private)).header("x-oauth-scopes", scopes);
        let server = Server::start([answer]).await;
        let access = server.client(GITHUB).check(REPOSITORY).await.expect("visible");
        assert_eq!(server.only().line, "GET /repos/acme/shop");
        assert_eq!(granted(&access.needs), expected, "{scopes:?} {push} {admin} {private}");
        assert_eq!((access.repository.as_str(), access.default_branch.as_str()), (REPOSITORY, "main"));
        assert_eq!(access.needs[1].what, "set commit statuses");
        assert_eq!(access.needs[1].permission, "Commit statuses: write (a classic token: the scope repo:status)");
    }
}

#[tokio::test]
async fn what_a_fine_grained_token_may_is_tried() {
    let refused = || reply(403, &json!({ "message": "Resource not accessible by personal access token" }));
    let fine = || reply(200, &json!([]));
    let answers = [
        reply(200, &details(true, true, true)),
        fine(),
        refused(),
        fine(),
        refused(),
        fine(),
        reply(409, &json!({ "message": "Git Repository is empty." })),
    ];
    let server = Server::start(answers).await;
    let access = server.client(GITHUB).check(REPOSITORY).await.expect("visible");
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/shop",
            "GET /repos/acme/shop/branches?per_page=1",
            "GET /repos/acme/shop/commits/main/statuses?per_page=1",
            "GET /repos/acme/shop/deployments?per_page=1",
            "GET /repos/acme/shop/hooks?per_page=1",
            "GET /repos/acme/shop/pulls?per_page=1",
            "GET /repos/acme/shop/commits/main/check-runs?per_page=1",
        ]
    );
    let expected = [Some(true), Some(false), None, Some(false), Some(true), None];
    assert_eq!(granted(&access.needs), expected, "reading says nothing of writing");

    let server = Server::start([reply(200, &details(true, true, true)), text(502, "")]).await;
    assert_eq!(retry(server.client(GITHUB).check(REPOSITORY).await).0, None);
}

#[tokio::test]
async fn the_budget_is_what_the_last_answer_said() {
    let server = Server::start([
        reply(201, &json!({}))
            .header("x-ratelimit-limit", 5000)
            .header("x-ratelimit-remaining", 4987)
            .header("x-ratelimit-reset", 1_772_366_700),
        reply(201, &json!({})),
        reply(403, &json!({ "message": "API rate limit exceeded" })).header("x-ratelimit-remaining", 0),
    ])
    .await;
    let client = server.client(GITHUB);
    assert_eq!(client.rate_budget(), None);
    let budget =
        RateBudget { limit: Some(5000), remaining: 4987, reset: Some(Timestamp::from_millis(1_772_366_700_000)) };
    for _ in 0..2 {
        client.set_status(&status()).await.expect("set");
        assert_eq!(client.rate_budget(), Some(budget));
    }
    assert_eq!(retry(client.set_status(&status()).await).0, Some(60));
    assert_eq!(client.rate_budget(), Some(RateBudget { limit: None, remaining: 0, reset: None }));
}

#[tokio::test]
async fn without_a_token_nobody_is_named() {
    let server = Server::start([reply(401, &json!({ "message": "Requires authentication" }))]).await;
    let client = client(GITHUB, &server.url, Credential::None);
    let (_, detail) = permanent(client.create_deployment(&deployment()).await);
    assert!(detail.contains("davit has no token for this forge"), "{detail}");
    assert!(!server.only().headers.contains_key("authorization"));
    assert_eq!(client.git_token(REPOSITORY).await.map(|token| token.is_some()), Ok(false));
}

#[tokio::test]
async fn a_list_without_end_is_left() {
    let server =
        Server::answering(|_| reply(200, &json!([])).header("link", "<https://api.github.com/x?page=2>; rel=\"next\""))
            .await;
    let (code, detail) = permanent(server.client(GITHUB).find_deployment(&deployment()).await);
    assert_eq!(code, None);
    assert!(detail.contains("more than 300 pages"), "{detail}");
}
