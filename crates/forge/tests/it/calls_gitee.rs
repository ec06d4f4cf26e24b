//! Calls to Gitee: what is asked word for word, and what each answer means.

use crate::calls_server::{REPOSITORY, Server, TOKEN, client, commit, permanent, reply, retry, status, text};
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::status::{CommitState, CommitStatus};
use davit_forge::{Credential, NewHook};
use secrecy::SecretString;
use serde_json::{Value, json};

const GITEE: ForgeKind = ForgeKind::Gitee;
const PULLS: &str = "GET /repos/acme/shop/pulls?state=open&per_page=100";

fn known() -> String {
    format!("GET /repos/acme/shop/commits/{}/check-runs?check_name=davit%2Fdeploy%2Fproduction&per_page=100", commit())
}

fn run(id: i64, status: &str) -> Value {
    json!({ "id": id, "name": "davit/deploy/production", "status": status })
}

fn body(status: &str, conclusion: Option<&str>, is_new: bool) -> Value {
    let mut body = json!({
        "name": "davit/deploy/production",
        "status": status,
        "details_url": "https://davit.example.com/deployments/17",
        "output": { "title": "davit/deploy/production", "summary": "Releasing to 3 hosts" },
    });
    if let Some(conclusion) = conclusion {
        body["conclusion"] = conclusion.into();
    }
    if is_new {
        body["head_sha"] = commit().as_str().into();
    }
    body
}

#[tokio::test]
async fn a_check_run_stands_in_for_a_status() {
    for (state, word, conclusion) in [
        (CommitState::Pending, "in_progress", None),
        (CommitState::Success, "completed", Some("success")),
        (CommitState::Failure, "completed", Some("failure")),
        (CommitState::Error, "completed", Some("failure")),
    ] {
        let wanted = CommitStatus { state, ..status() };
        let others = json!([run(1, "completed"), { "id": 2, "name": "other", "status": "in_progress" }]);
        let server = Server::start([reply(200, &others), reply(201, &run(3, word))]).await;
        server.client(GITEE).set_status(&wanted).await.expect("set");
        assert_eq!(server.lines(), [known(), "POST /repos/acme/shop/check-runs".to_owned()]);
        let seen = &server.seen()[1];
        assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(seen.body, body(word, conclusion, true));

        let open = json!({ "total_count": 2, "check_runs": [run(4, "in_progress"), run(5, "queued")] });
        let server = Server::start([reply(200, &open), reply(200, &run(5, word))]).await;
        server.client(GITEE).set_status(&wanted).await.expect("changed");
        assert_eq!(server.lines(), [known(), "PATCH /repos/acme/shop/check-runs/5".to_owned()]);
        assert_eq!(server.seen()[1].body, body(word, conclusion, false));
    }
}

fn pull_request(number: i64, sha: &str) -> Value {
    json!({
        "number": number, "title": "Add the cart", "user": { "login": "ada" }, "draft": false,
        "head": { "ref": "cart", "sha": sha, "repo": { "full_name": "ada/shop" } },
        "base": { "ref": "main", "sha": "f".repeat(40), "repo": { "full_name": REPOSITORY } },
    })
}

#[tokio::test]
async fn a_comment_stands_in_where_check_runs_are_refused() {
    let refused = || reply(403, &json!({ "message": "403 Forbidden" }));
    let sha = commit();
    let pulls = json!([pull_request(7, sha.as_str()), pull_request(8, &"f".repeat(40)), pull_request(9, sha.as_str())]);
    let ours = json!([
        { "id": 70, "body": "Looks good" },
        { "id": 71, "body": "**davit/deploy/staging** `1a2b3c4`: pending – x" },
        { "id": 72, "body": "**davit/deploy/production** `1a2b3c4`: pending – Waiting" },
    ]);
    let server = Server::start([
        reply(200, &json!([])),
        refused(),
        reply(200, &pulls),
        reply(200, &ours),
        reply(200, &json!({ "id": 72 })),
        reply(200, &json!([])),
        reply(201, &json!({ "id": 73 })),
    ])
    .await;
    let good = CommitStatus { state: CommitState::Success, description: "On 3 hosts".to_owned(), ..status() };
    server.client(GITEE).set_status(&good).await.expect("commented");
    assert_eq!(
        server.lines()[1..],
        [
            "POST /repos/acme/shop/check-runs",
            PULLS,
            "GET /repos/acme/shop/pulls/7/comments?per_page=100",
            "PATCH /repos/acme/shop/pulls/comments/72",
            "GET /repos/acme/shop/pulls/9/comments?per_page=100",
            "POST /repos/acme/shop/pulls/9/comments",
        ]
    );
    let said = "**davit/deploy/production** `1a2b3c4`: success – On 3 hosts\nhttps://davit.example.com/deployments/17";
    for place in [4, 6] {
        assert_eq!(server.seen()[place].body, json!({ "body": said }));
    }
}

#[tokio::test]
async fn where_there_is_nowhere_to_comment_the_first_refusal_says_what_to_mend() {
    let refused = || reply(403, &json!({ "message": "403 Forbidden" }));
    for answer in [reply(200, &json!([pull_request(8, &"f".repeat(40))])), reply(404, &json!({ "message": "404" }))] {
        let server = Server::start([refused(), answer]).await;
        let (code, detail) = permanent(server.client(GITEE).set_status(&status()).await);
        assert_eq!(code, Some(403));
        assert!(detail.contains("check run") && detail.contains("must administrate the repository"), "{detail}");
        assert_eq!(server.lines(), [known(), PULLS.to_owned()]);
    }
    let server = Server::start([refused(), text(502, "")]).await;
    assert_eq!(retry(server.client(GITEE).set_status(&status()).await).0, None);
    let slow_down = reply(403, &json!({ "message": "请求过于频繁" }));
    let server = Server::start([slow_down]).await;
    assert_eq!(retry(server.client(GITEE).set_status(&status()).await).0, Some(60));
}

#[tokio::test]
async fn open_pull_requests_come_as_changes() {
    let sha = commit();
    let full: Vec<_> = (1..=100).map(|number| pull_request(number, sha.as_str())).collect();
    let mut own = pull_request(101, sha.as_str());
    own["head"]["repo"]["full_name"] = REPOSITORY.into();
    let server = Server::start([reply(200, &Value::from(full)), reply(200, &json!([own]))]).await;
    let changes = server.client(GITEE).open_changes(REPOSITORY).await.expect("a list");
    assert_eq!(server.lines(), [PULLS.to_owned(), format!("{PULLS}&page=2")]);
    assert_eq!(changes.len(), 101);
    assert!(changes[0].from_fork && !changes[100].from_fork);
    assert_eq!((changes[0].author.as_str(), changes[0].head_branch.as_str(), &changes[0].head), ("ada", "cart", &sha));
}

#[tokio::test]
async fn a_hook_is_set_once_with_its_sort_of_proof() {
    let secret = SecretString::from("h00k-secret");
    let new = |signature| NewHook { url: "https://d/hooks/ge", secret: &secret, signature };
    let wire = |id: i64, url: &str| {
        json!({ "id": id, "url": url, "password": "x", "result": "ok", "result_code": 202, "push_events": true,
            "tag_push_events": false, "issues_events": true, "note_events": false, "merge_requests_events": true })
    };
    let expected = |encryption_type: u8| {
        json!({
            "url": "https://d/hooks/ge", "encryption_type": encryption_type, "password": "h00k-secret",
            "push_events": true, "tag_push_events": true, "merge_requests_events": true, "issues_events": false,
            "note_events": true,
        })
    };
    let server =
        Server::start([reply(200, &json!([wire(1, "https://a/")])), reply(201, &wire(3, "https://d/hooks/ge"))]).await;
    let hook = server.client(GITEE).register_hook(REPOSITORY, &new(HookSignature::Timestamp)).await.expect("set");
    assert_eq!(hook.events, ["push_events", "merge_requests_events"]);
    assert_eq!(hook.last_response.as_deref(), Some("202 ok"));
    assert_eq!(server.lines(), ["GET /repos/acme/shop/hooks?per_page=100", "POST /repos/acme/shop/hooks"]);
    assert_eq!(server.seen()[1].body, expected(1));

    let known = wire(3, "https://d/hooks/ge");
    let server = Server::start([reply(200, &json!([known])), reply(200, &known)]).await;
    server.client(GITEE).register_hook(REPOSITORY, &new(HookSignature::Token)).await.expect("changed");
    let seen = &server.seen()[1];
    assert_eq!((seen.line.as_str(), &seen.body), ("PATCH /repos/acme/shop/hooks/3", &expected(0)));
}

#[tokio::test]
async fn what_the_token_may_is_tried_where_the_role_allows_it() {
    let details = |admin: bool| {
        let role = json!({ "pull": true, "push": true, "admin": admin });
        reply(200, &json!({ "full_name": REPOSITORY, "default_branch": "master", "permission": role }))
    };
    let fine = || reply(200, &json!([]));
    let server = Server::start([details(true), fine(), fine(), reply(403, &json!({})), fine()]).await;
    let access = server.client(GITEE).check(REPOSITORY).await.expect("visible");
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/shop",
            "GET /repos/acme/shop/branches?per_page=1",
            "GET /repos/acme/shop/branches?per_page=1",
            "GET /repos/acme/shop/hooks?per_page=1",
            "GET /repos/acme/shop/pulls?per_page=1",
        ]
    );
    let granted: Vec<_> = access.needs.iter().map(|need| need.granted).collect();
    assert_eq!(granted, [Some(true), None, Some(false), Some(true)]);
    let server = Server::start([details(false), fine(), fine()]).await;
    let access = server.client(GITEE).check(REPOSITORY).await.expect("visible");
    let granted: Vec<_> = access.needs.iter().map(|need| need.granted).collect();
    assert_eq!(granted, [Some(true), Some(false), Some(false), Some(true)]);
}

#[tokio::test]
async fn a_deploy_key_is_added_once() {
    let server = Server::start([reply(200, &json!([])), reply(201, &json!({ "id": 1 }))]).await;
    server.client(GITEE).add_deploy_key(REPOSITORY, "davit", "ssh-ed25519 AAAA davit").await.expect("added");
    assert_eq!(server.lines(), ["GET /repos/acme/shop/keys?per_page=100", "POST /repos/acme/shop/keys"]);
    assert_eq!(server.seen()[1].body, json!({ "title": "davit", "key": "ssh-ed25519 AAAA davit" }));
}

#[tokio::test]
async fn no_token_is_in_an_address_or_an_error() {
    let echo = reply(422, &json!({ "message": format!("Bearer {TOKEN}") }));
    let server = Server::start([echo]).await;
    let (_, detail) = permanent(server.client(GITEE).set_status(&status()).await);
    assert!(detail.contains("Bearer [secret]") && !detail.contains(TOKEN), "{detail}");
    assert!(!server.only().line.contains(TOKEN));
    let gitee = client(GITEE, "https://gitee.com/api/v5", Credential::Token(SecretString::from(TOKEN)));
    assert_eq!(gitee.clone_url(REPOSITORY).as_deref(), Some("https://gitee.com/acme/shop.git"));
}
