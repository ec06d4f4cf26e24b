//! Calls to Gitea and Forgejo, and what generic forges say: what is asked word for word, and what each answer means.

use crate::calls_server::{
    REPOSITORY, Server, TOKEN, client, commit, deployment, permanent, reply, retry, status, text,
};
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::status::{CommitState, CommitStatus};
use davit_domain::time::Timestamp;
use davit_forge::{Credential, Hook, NewHook, has_deployments};
use secrecy::SecretString;
use serde_json::{Value, json};

const GITEA: ForgeKind = ForgeKind::Gitea;

#[tokio::test]
async fn statuses_have_gitea_words_and_its_sort_of_token() {
    for state in [CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error] {
        let server = Server::start([reply(201, &json!({ "id": 1 }))]).await;
        server.client(GITEA).set_status(&CommitStatus { state, ..status() }).await.expect("set");
        let seen = server.only();
        assert_eq!(seen.line, format!("POST /repos/acme/shop/statuses/{}", commit()));
        assert_eq!(seen.headers["authorization"], format!("token {TOKEN}"));
        assert_eq!(
            seen.body,
            json!({
                "state": state.as_str(),
                "context": "davit/deploy/production",
                "description": "Releasing to 3 hosts",
                "target_url": "https://davit.example.com/deployments/17",
            })
        );
    }
}

#[tokio::test]
async fn refusals_say_what_to_change() {
    let scope =
        json!({ "message": "token does not have at least one of required scope(s): [write:repository]", "url": "" });
    let missing = json!({ "message": "The target couldn't be found.", "errors": [], "url": "https://x/api/swagger" });
    for (answer, says) in [
        (reply(403, &scope), "[write:repository]. Give the token the permission write:repository"),
        (reply(404, &missing), "404 The target couldn't be found. Check the repository's name"),
        (text(401, "{}"), "The token is wrong"),
    ] {
        let server = Server::start([answer]).await;
        let (_, detail) = permanent(server.client(GITEA).set_status(&status()).await);
        assert!(detail.contains(says), "{detail}");
    }
    for (answer, after) in [(text(500, ""), None), (text(429, "").header("retry-after", 9), Some(9))] {
        let server = Server::start([answer]).await;
        assert_eq!(retry(server.client(GITEA).set_status(&status()).await).0, after);
    }
}

#[tokio::test]
async fn lists_are_read_to_their_end_whatever_the_length_of_a_page() {
    let change = |number: i64, repo_id: i64| {
        json!({
            "number": number, "title": "WIP: Add the cart", "user": { "login": "ada" }, "merged": false,
            "merge_commit_sha": null,
            "head": { "ref": "cart", "sha": commit().as_str(), "repo_id": repo_id },
            "base": { "ref": "main", "sha": commit().as_str(), "repo_id": 1 },
        })
    };
    let server = Server::start([
        reply(200, &json!([change(7, 1), change(8, 2)])).header("x-total-count", 3),
        reply(200, &json!([change(9, 1)])).header("x-total-count", 3),
    ])
    .await;
    let changes = server.client(GITEA).open_changes(REPOSITORY).await.expect("a list");
    assert_eq!(
        server.lines(),
        ["GET /repos/acme/shop/pulls?state=open&limit=50", "GET /repos/acme/shop/pulls?state=open&limit=50&page=2"]
    );
    let facts: Vec<_> = changes.iter().map(|change| (change.number, change.from_fork, change.draft)).collect();
    assert_eq!(facts, [(7, false, true), (8, true, true), (9, false, true)]);
    assert!(changes.iter().all(|change| change.repository == REPOSITORY));
}

#[tokio::test]
async fn a_hook_is_set_once() {
    let secret = SecretString::from("h00k-secret");
    let new = NewHook { url: "https://d/hooks/gt", secret: &secret, signature: HookSignature::HmacSha256 };
    let wire = |id: i64, url: &str| json!({ "id": id, "type": "gitea", "active": true, "events": ["push"], "config": { "url": url, "content_type": "json" } });
    let events = json!(["push", "delete", "pull_request", "status"]);
    let config = json!({ "url": new.url, "content_type": "json", "secret": "h00k-secret" });

    let server = Server::start([
        reply(200, &json!([wire(1, "https://a/")])).header("x-total-count", 1),
        reply(201, &wire(3, new.url)),
    ])
    .await;
    let expected =
        Hook { id: 3, url: new.url.to_owned(), active: true, events: vec!["push".to_owned()], last_response: None };
    assert_eq!(server.client(GITEA).register_hook(REPOSITORY, &new).await, Ok(expected));
    assert_eq!(server.lines(), ["GET /repos/acme/shop/hooks?limit=50", "POST /repos/acme/shop/hooks"]);
    let body = json!({ "type": "gitea", "active": true, "events": events, "config": config });
    assert_eq!(server.seen()[1].body, body);

    let server = Server::start([reply(200, &json!([wire(3, new.url)])), reply(200, &wire(3, new.url))]).await;
    server.client(GITEA).register_hook(REPOSITORY, &new).await.expect("changed");
    let seen = &server.seen()[1];
    assert_eq!(seen.line, "PATCH /repos/acme/shop/hooks/3");
    assert_eq!(seen.body, json!({ "active": true, "events": events, "config": config }));
}

#[tokio::test]
async fn what_the_token_may_is_tried_where_the_role_allows_it() {
    let details = |push: bool, admin: bool| {
        let role = json!({ "admin": admin, "push": push, "pull": true });
        reply(200, &json!({ "full_name": REPOSITORY, "default_branch": "main", "permissions": role }))
    };
    let fine = || reply(200, &json!([]));
    let no_scope = || reply(403, &json!({ "message": "token does not have at least one of required scope(s)" }));
    let server = Server::start([details(true, true), fine(), fine(), no_scope(), fine(), fine()]).await;
    let access = server.client(GITEA).check(REPOSITORY).await.expect("visible");
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/shop",
            "GET /repos/acme/shop/branches?limit=1",
            "GET /repos/acme/shop/commits/main/statuses?limit=1",
            "GET /repos/acme/shop/hooks?limit=1",
            "GET /repos/acme/shop/pulls?limit=1",
            "GET /repos/acme/shop/commits/main/statuses?limit=1",
        ]
    );
    let granted: Vec<_> = access.needs.iter().map(|need| (need.what, need.granted)).collect();
    assert_eq!(
        granted,
        [
            ("read the code", Some(true)),
            ("set commit statuses", None),
            ("set its webhook", Some(false)),
            ("see pull requests", Some(true)),
            ("see commit statuses", Some(true)),
        ]
    );
    let server = Server::start([details(false, false), fine(), fine(), fine()]).await;
    let access = server.client(GITEA).check(REPOSITORY).await.expect("visible");
    let granted: Vec<_> = access.needs.iter().map(|need| need.granted).collect();
    assert_eq!(granted, [Some(true), Some(false), Some(false), Some(true), Some(true)]);
}

#[tokio::test]
async fn a_deploy_key_is_added_once() {
    let server = Server::start([reply(200, &json!([])), reply(201, &json!({ "id": 1 }))]).await;
    server.client(GITEA).add_deploy_key(REPOSITORY, "davit", "ssh-ed25519 AAAA davit").await.expect("added");
    assert_eq!(server.lines(), ["GET /repos/acme/shop/keys?limit=50", "POST /repos/acme/shop/keys"]);
    let body = json!({ "title": "davit", "key": "ssh-ed25519 AAAA davit", "read_only": true });
    assert_eq!(server.seen()[1].body, body);
}

#[tokio::test]
async fn git_fetches_from_the_web_address() {
    let gitea = client(GITEA, "https://git.example.com/api/v1/", Credential::Token(SecretString::from(TOKEN)));
    assert_eq!(gitea.clone_url(REPOSITORY).as_deref(), Some("https://git.example.com/acme/shop.git"));
}

#[tokio::test]
async fn what_a_forge_has_no_call_for_is_refused_without_one() {
    let server = Server::start([]).await;
    let at = Timestamp::from_millis(0);
    for kind in [GITEA, ForgeKind::Gitee] {
        let client = server.client(kind);
        assert!(!has_deployments(kind));
        let refusals = [
            client.find_deployment(&deployment()).await.map(drop),
            client.create_deployment(&deployment()).await.map(drop),
            client.set_deployment_state(&deployment(), 1).await,
            client.failed_deliveries(REPOSITORY, 1, at).await.map(drop),
            client.redeliver(REPOSITORY, 1, 1).await,
        ];
        for refusal in refusals {
            let (code, detail) = permanent(refusal);
            assert_eq!(code, None);
            assert!(detail.contains(" has no API for de"), "{detail}");
        }
    }
    assert!(server.lines().is_empty());
    assert!(has_deployments(ForgeKind::Github) && has_deployments(ForgeKind::Gitlab));
}

#[tokio::test]
async fn a_generic_forge_has_no_api_at_all() {
    let generic = client(ForgeKind::Generic, "", Credential::None);
    let secret = SecretString::from("s");
    let hook = NewHook { url: "https://d/", secret: &secret, signature: HookSignature::HmacSha256 };
    let at = Timestamp::from_millis(0);
    let refusals: [(_, Value); 10] = [
        (generic.set_status(&status()).await, "commit statuses".into()),
        (generic.find_deployment(&deployment()).await.map(drop), "deployments".into()),
        (generic.create_deployment(&deployment()).await.map(drop), "deployments".into()),
        (generic.set_deployment_state(&deployment(), 1).await, "deployments".into()),
        (generic.open_changes(REPOSITORY).await.map(drop), "changes".into()),
        (generic.hooks(REPOSITORY).await.map(drop), "webhooks".into()),
        (generic.register_hook(REPOSITORY, &hook).await.map(drop), "webhooks".into()),
        (generic.failed_deliveries(REPOSITORY, 1, at).await.map(drop), "deliveries of webhooks".into()),
        (generic.check(REPOSITORY).await.map(drop), "repositories".into()),
        (generic.add_deploy_key(REPOSITORY, "t", "k").await, "deploy keys".into()),
    ];
    for (refusal, what) in refusals {
        let what = what.as_str().expect("text");
        assert_eq!(permanent(refusal), (None, format!("A generic forge has no API for {what}.")));
    }
    assert!(generic.git_token(REPOSITORY).await.expect("no call").is_none());
    assert_eq!(generic.clone_url(REPOSITORY), None);
    assert_eq!(generic.rate_budget(), None);
}
