//! Calls to GitHub's API, against the fake one.

use crate::calls_server::{self, REPOSITORY, commit, status};
use crate::senders::sender;
use crate::support::parsed;
use davit_domain::config::HookSignature;
use davit_domain::status::{CommitState, CommitStatus};
use davit_forge::{ApiError, Client, Credential, ForgeEvent, ForgeKind};
use davit_testkit::fake_forge::{Access, FakeForge, Fault, NewPullRequest, NewPush};
use secrecy::SecretString;
use std::time::Duration;

async fn github() -> (FakeForge, Client) {
    let fake = FakeForge::start(ForgeKind::Github).await;
    fake.add_repository(REPOSITORY, Access::Write);
    let client = client(&fake.api_url(), fake.token());
    (fake, client)
}

fn client(api_url: &str, token: &str) -> Client {
    calls_server::client(ForgeKind::Github, api_url, Credential::Token(SecretString::from(token)))
}

fn permanent(result: Result<(), ApiError>) -> (u16, String) {
    match result {
        Err(ApiError::Permanent { detail, status: Some(status) }) => (status, detail),
        other => panic!("{other:?}"),
    }
}

fn retry(result: Result<(), ApiError>) -> (Option<Duration>, String) {
    match result {
        Err(ApiError::Retry { after, detail }) => (after, detail),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn statuses_arrive_as_they_were_set() {
    let (fake, client) = github().await;
    for state in [CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error] {
        client.set_status(&CommitStatus { state, ..status() }).await.expect("set");
    }
    let seen = fake.statuses(REPOSITORY, &commit());
    let states: Vec<_> = seen.iter().map(|status| status.state).collect();
    assert_eq!(states, [CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error]);
    assert!(seen.iter().all(|seen| seen.context == status().context));
    assert!(seen.iter().all(|seen| seen.description == status().description));
    assert!(seen.iter().all(|seen| seen.target_url == status().target_url));
    let waited = fake.wait_for_status(REPOSITORY, &commit(), "Davit/Deploy/Production", CommitState::Failure).await;
    assert_eq!(waited, seen[2]);
}

#[tokio::test]
async fn a_long_description_and_no_link_are_fine() {
    let (fake, client) = github().await;
    let long = CommitStatus { description: "发布".repeat(400), target_url: String::new(), ..status() };
    client.set_status(&long).await.expect("set");
    let seen = fake.statuses(REPOSITORY, &commit()).remove(0);
    assert_eq!((seen.description.chars().count(), seen.target_url.as_str()), (140, ""));
}

#[tokio::test]
async fn every_request_says_who_asks_and_in_which_version() {
    let (fake, client) = github().await;
    client.check(REPOSITORY).await.expect("visible");
    let request = fake.requests().remove(0);
    assert_eq!(request.line, "GET /repos/acme/shop");
    assert_eq!(request.headers["user-agent"], format!("davit/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.headers["x-github-api-version"], "2022-11-28");
    assert_eq!(request.headers["accept"], "application/vnd.github+json");
}

#[tokio::test]
async fn a_refusal_says_what_to_change() {
    let (fake, client) = github().await;
    let (code, detail) = permanent(self::client(&fake.api_url(), "another-token").set_status(&status()).await);
    assert_eq!(code, 401);
    assert_eq!(
        detail,
        "GitHub refused to set the status davit/deploy/production on acme/shop@1a2b3c4: 401 Bad credentials. \
         The token is wrong, expired or revoked: set a new one for this forge."
    );

    fake.add_repository(REPOSITORY, Access::Read);
    let (code, detail) = permanent(client.set_status(&status()).await);
    assert_eq!(code, 403);
    assert!(detail.contains("Give the token the permission Commit statuses: write"), "{detail}");

    fake.add_repository(REPOSITORY, Access::Hidden);
    let (code, detail) = permanent(client.set_status(&status()).await);
    assert_eq!(code, 404);
    assert!(detail.contains("Check the repository's name"), "{detail}");

    fake.add_repository(REPOSITORY, Access::Write);
    let bad_link = CommitStatus { target_url: "javascript:alert(1)".to_owned(), ..status() };
    let (code, detail) = permanent(client.set_status(&bad_link).await);
    assert_eq!(code, 422);
    assert!(detail.contains("422 Validation Failed: target_url must use http(s) scheme. Check"), "{detail}");
    assert!(fake.statuses(REPOSITORY, &commit()).is_empty());
}

#[tokio::test]
async fn a_thousand_statuses_are_enough() {
    let (_fake, client) = github().await;
    for _ in 0..1000 {
        client.set_status(&status()).await.expect("set");
    }
    let other_case = CommitStatus { context: "DAVIT/deploy/production".to_owned(), ..status() };
    let (code, detail) = permanent(client.set_status(&other_case).await);
    assert_eq!(code, 422);
    assert!(detail.contains("maximum number of statuses"), "{detail}");
    let other_context = CommitStatus { context: "davit/deploy/staging".to_owned(), ..status() };
    client.set_status(&other_context).await.expect("set");
}

#[tokio::test]
async fn what_passes_is_tried_again_when_the_forge_says() {
    let (fake, client) = github().await;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (fault, after) in [
        (Fault::Status(500), None),
        (Fault::Status(502), None),
        (Fault::Status(503), None),
        (Fault::Status(408), None),
        (Fault::Status(429), seconds(60)),
        (Fault::RetryAfter(Duration::from_secs(7)), seconds(7)),
        (Fault::RetryAfter(Duration::from_secs(u64::MAX)), seconds(24 * 60 * 60)),
        (Fault::SecondaryLimit, seconds(60)),
        (Fault::DropBefore, None),
    ] {
        fake.fail_next(1, &fault);
        let (given, detail) = retry(client.set_status(&status()).await);
        assert_eq!(given, after, "{fault:?}: {detail}");
    }
    fake.fail_next(1, &Fault::HourlyLimit(Duration::from_secs(1_800)));
    let (after, detail) = retry(client.set_status(&status()).await);
    let spare = after.and_then(|after| after.checked_sub(Duration::from_secs(1_800)));
    assert!(spare.is_some_and(|spare| spare <= Duration::from_secs(2)), "whole seconds, and one more: {detail}");
    assert!(fake.statuses(REPOSITORY, &commit()).is_empty());
    client.set_status(&status()).await.expect("the faults are over");
}

#[tokio::test]
async fn a_lost_answer_may_be_a_status_that_was_set() {
    let (fake, client) = github().await;
    fake.fail_next(1, &Fault::DropAfter);
    let (after, _) = retry(client.set_status(&status()).await);
    assert_eq!(after, None);
    assert_eq!(fake.statuses(REPOSITORY, &commit()).len(), 1);
}

#[tokio::test]
async fn a_plain_403_is_not_a_limit() {
    let (fake, client) = github().await;
    fake.fail_next(1, &Fault::Status(403));
    assert_eq!(permanent(client.set_status(&status()).await).0, 403);
}

#[tokio::test]
async fn nobody_at_the_address_is_worth_another_try() {
    // Bound and not listening: the port is ours, and connections to it are refused.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let address = socket.local_addr().expect("its address");
    let client = client(&format!("http://{address}/api/v3"), "s3cret-token");
    let (after, detail) = retry(client.set_status(&status()).await);
    assert_eq!(after, None);
    assert!(detail.starts_with("GitHub could not be reached: "), "{detail}");
}

#[tokio::test]
async fn redirects_are_followed_at_home_alone() {
    let (fake, client) = github().await;
    let renamed = format!("{}/repos/acme/shop/statuses/{}", fake.api_url(), commit());
    fake.fail_next(1, &Fault::Redirect(307, renamed));
    client.set_status(&CommitStatus { repository: "acme/old-name".to_owned(), ..status() }).await.expect("followed");

    let (elsewhere, _) = github().await;
    let address = format!("{}/repos/acme/shop/statuses/{}", elsewhere.api_url(), commit());
    fake.fail_next(1, &Fault::Redirect(307, address));
    let (code, detail) = permanent(client.set_status(&status()).await);
    assert_eq!(code, 307);
    assert!(detail.contains("check the forge's API URL"), "{detail}");
    assert_eq!(elsewhere.requests(), [], "the token stayed at home");

    fake.fail_next(50, &Fault::Redirect(307, format!("{}/repos/acme/shop", fake.api_url())));
    assert_eq!(permanent(client.set_status(&status()).await).0, 307, "in a circle");
}

#[tokio::test]
async fn an_answer_that_is_not_githubs_is_not_success() {
    let (fake, client) = github().await;
    // A redirect of this kind turns the write into a read, and the read succeeds.
    fake.fail_next(1, &Fault::Redirect(302, format!("{}/repos/acme/shop", fake.api_url())));
    let (code, detail) = permanent(client.set_status(&status()).await);
    assert_eq!(code, 200);
    assert!(detail.contains("This is not how GitHub answers that call"), "{detail}");

    let web = self::client(fake.web_url(), fake.token());
    assert_eq!(permanent(web.set_status(&status()).await).0, 404, "the path /api/v3 is missing");
}

#[tokio::test]
async fn no_error_shows_the_token() {
    let (fake, client) = github().await;
    let echo = CommitStatus { target_url: format!("ftp://{}", fake.token()), ..status() };
    let mut texts = vec![format!("{client:?}"), permanent(client.set_status(&echo).await).1];
    for fault in [Fault::DropBefore, Fault::Status(500), Fault::Redirect(307, "http://127.0.0.1:9/".to_owned())] {
        fake.fail_next(1, &fault);
        texts.push(format!("{:?}", client.set_status(&status()).await));
    }
    for text in texts {
        assert!(!text.contains(fake.token()), "{text}");
    }
}

#[tokio::test]
async fn a_repository_that_is_none_is_not_asked_for() {
    let (fake, client) = github().await;
    for bad in ["", "acme", "acme/../../user", "acme/..", "a/b/c"] {
        let refused = client.set_status(&CommitStatus { repository: bad.to_owned(), ..status() }).await;
        assert!(matches!(refused, Err(ApiError::Permanent { status: None, .. })), "{bad:?}");
    }
    assert_eq!(fake.requests(), []);
}

#[tokio::test]
async fn a_held_request_is_answered_later() {
    let (fake, client) = github().await;
    let hold = fake.hold();
    let (wanted, let_go) = (status(), async {
        hold.until_requests(1).await;
        assert_eq!(fake.statuses(REPOSITORY, &commit()), []);
        drop(hold);
    });
    let (set, ()) = tokio::join!(client.set_status(&wanted), let_go);
    set.expect("set");
}

#[tokio::test]
async fn git_fetches_from_the_web_address() {
    let (fake, client) = github().await;
    assert_eq!(client.clone_url(REPOSITORY), Some(format!("{}/acme/shop.git", fake.web_url())));
    assert_eq!(client.git_username(), "x-access-token");
}

#[tokio::test]
async fn what_the_fake_delivers_is_genuine_and_understood() {
    let (fake, _) = github().await;
    let (before, after) = ("f".repeat(40).parse().expect("a SHA"), commit());
    let push = fake.push_delivery(&NewPush {
        repository: REPOSITORY,
        git_ref: "refs/heads/main",
        before: Some(&before),
        after: Some(&after),
        message: "Add the cart\n\nIt has wheels.",
        pusher: "ada",
    });
    let pull_request = fake.pull_request_delivery(&NewPullRequest {
        repository: REPOSITORY,
        number: 7,
        action: "closed",
        title: "Add the cart",
        author: "ada",
        head_repository: Some("ada/shop"),
        head_branch: "cart",
        head: &before,
        base_branch: "main",
        draft: false,
        merge_commit: Some(&after),
    });
    let form = fake.sign_form("ping", &serde_json::json!({ "zen": "Keep it simple & sound." }));
    let mut events = Vec::new();
    for delivery in [&push, &pull_request, &fake.ping_delivery(REPOSITORY), &form] {
        let github = sender(ForgeKind::Github, HookSignature::HmacSha256);
        let verified = github.check_with(&fake.webhook_secret(), &delivery.headers, &delivery.body).expect("genuine");
        assert_eq!(verified.delivery, delivery.id());
        events.push(parsed(&verified.event, &verified.payload));
    }
    assert!(matches!(&events[0], ForgeEvent::Push(push)
        if push.repository == REPOSITORY && push.title == "Add the cart" && push.pusher == "ada"));
    assert!(matches!(&events[1], ForgeEvent::Change(change)
        if change.from_fork && change.number == 7 && change.merge_commit.as_ref() == Some(&after)));
    assert!(matches!(&events[2], ForgeEvent::Ping { .. }));
    assert_eq!(events[3], ForgeEvent::Ping { message: "Keep it simple & sound.".to_owned() });
}
