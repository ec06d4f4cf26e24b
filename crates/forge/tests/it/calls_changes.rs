//! Changes at all four forges: how they stand, merging them, comments, and who may push.

use crate::calls_server::{self, REPOSITORY, Server, commit, reply};
use davit_domain::config::{ForgeKind, MergeMethod};
use davit_domain::event::{ChangeAction, CommentEvent};
use davit_domain::ids::CommitSha;
use davit_domain::merge::Mergeable;
use davit_forge::{ApiError, Client, Credential, ForgeEvent, MergeError, MergeOrder, parse};
use davit_testkit::fake_forge::{Access, FakeForge, Fault, NewComment, NewPullRequest, Permission, Review};
use secrecy::SecretString;
use serde_json::json;

const ALL: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];

fn pull_request(head: &CommitSha) -> NewPullRequest<'_> {
    NewPullRequest {
        repository: REPOSITORY,
        number: 7,
        action: "opened",
        title: "Sell tea",
        author: "ada",
        head_repository: Some(REPOSITORY),
        head_branch: "topic",
        head,
        base_branch: "main",
        draft: false,
        merge_commit: None,
    }
}

async fn forge(kind: ForgeKind) -> (FakeForge, Client) {
    let fake = FakeForge::start(kind).await;
    fake.add_repository(REPOSITORY, Access::Admin);
    fake.open_change(&pull_request(&commit()));
    for (login, may_push) in [("bob", true), ("eve", false)] {
        fake.add_person(REPOSITORY, login, may_push);
    }
    let client = calls_server::client(kind, &fake.api_url(), Credential::Token(SecretString::from(fake.token())));
    (fake, client)
}

fn order(head: &CommitSha) -> MergeOrder<'_> {
    MergeOrder { number: 7, head, method: MergeMethod::Merge, delete_branch: None }
}

#[tokio::test]
async fn a_change_is_told_with_all_that_matters() {
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        fake.set_labels(REPOSITORY, 7, &["merge", "ui"]);
        for (login, review) in [("bob", Review::ChangesRequested), ("eve", Review::Approved), ("bob", Review::Approved)]
        {
            fake.review(REPOSITORY, 7, login, review);
        }
        let first = client.change(REPOSITORY, 7).await.expect("told");
        let is_unknown = matches!(first.mergeable, Mergeable::Unknown | Mergeable::Refused(_));
        assert!(is_unknown, "{kind:?} has not looked yet: {:?}", first.mergeable);
        let change = client.change(REPOSITORY, 7).await.expect("told");
        assert_eq!((change.mergeable, change.auto_merge), (Mergeable::Yes, false), "{kind:?}");
        assert_eq!((change.event.number, change.event.action), (7, ChangeAction::Opened), "{kind:?}");
        assert_eq!((change.event.head, change.event.from_fork), (commit(), false), "{kind:?}");
        assert_eq!(change.labels, ["merge", "ui"], "{kind:?}");
        assert!(change.approvals.contains(&"bob".to_owned()), "{kind:?} {:?}", change.approvals);
        let counts = matches!(kind, ForgeKind::Github | ForgeKind::Gitea);
        assert_eq!(change.approvals.contains(&"eve".to_owned()), !counts, "{kind:?}: eve may not push");
        assert!(change.changes_requested.is_empty(), "{kind:?}");
        assert!(change.url.starts_with(fake.web_url()) && change.url.ends_with("/7"), "{kind:?} {}", change.url);

        fake.set_conflict(REPOSITORY, 7, true);
        let conflict = client.change(REPOSITORY, 7).await.expect("told").mergeable;
        assert!(matches!(conflict, Mergeable::Conflict | Mergeable::Refused(_)), "{kind:?} {conflict:?}");
        fake.give_up_change(REPOSITORY, 7);
        let closed = client.change(REPOSITORY, 7).await.expect("told");
        assert_eq!((closed.event.action, closed.event.merge_commit), (ChangeAction::Closed, None), "{kind:?}");
        assert!(client.open_changes(REPOSITORY).await.expect("a list").is_empty(), "{kind:?}");
        let missing = client.change(REPOSITORY, 8).await;
        assert!(matches!(missing, Err(ApiError::Permanent { status: Some(404), .. })), "{kind:?} {missing:?}");
    }
}

#[tokio::test]
async fn only_the_head_that_was_ordered_is_merged_and_only_once() {
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        let newer = CommitSha::try_from("2".repeat(40)).expect("a SHA");
        fake.move_head(REPOSITORY, 7, &newer);
        assert_eq!(client.merge(REPOSITORY, &order(&commit())).await, Err(MergeError::HeadMoved), "{kind:?}");
        assert_eq!(fake.merges(REPOSITORY), [], "{kind:?}");

        let merged = client.merge(REPOSITORY, &order(&newer)).await.expect("merged");
        assert_eq!(fake.merges(REPOSITORY)[0].commit, merged, "{kind:?}");
        let again = client.merge(REPOSITORY, &order(&newer)).await;
        assert!(matches!(again, Err(MergeError::NotMergeable(_))), "{kind:?} {again:?}");
        let change = client.change(REPOSITORY, 7).await.expect("told");
        assert_eq!((change.event.action, change.event.merge_commit), (ChangeAction::Merged, Some(merged)), "{kind:?}");
        assert_eq!(fake.merges(REPOSITORY).len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_refused_merge_says_why() {
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        fake.set_draft(REPOSITORY, 7, true);
        let draft = client.merge(REPOSITORY, &order(&commit())).await;
        assert!(matches!(draft, Err(MergeError::NotMergeable(_))), "{kind:?} {draft:?}");
        fake.set_draft(REPOSITORY, 7, false);
        fake.block(REPOSITORY, 7, Some("a rule"));
        let blocked = client.merge(REPOSITORY, &order(&commit())).await;
        let Err(MergeError::NotMergeable(words)) = blocked else { panic!("{kind:?} {blocked:?}") };
        assert!(words.contains("405"), "{kind:?} {words}");
        fake.block(REPOSITORY, 7, None);
        fake.deny(REPOSITORY, Permission::Merges);
        let denied = client.merge(REPOSITORY, &order(&commit())).await;
        assert!(matches!(denied, Err(MergeError::Api(ApiError::Permanent { .. }))), "{kind:?} {denied:?}");
        fake.allow(REPOSITORY, Permission::Merges);
        fake.fail_where("/7/merge", 1, &Fault::DropAfter);
        let lost = client.merge(REPOSITORY, &order(&commit())).await;
        assert!(matches!(lost, Err(MergeError::Api(ApiError::Retry { .. }))), "{kind:?} {lost:?}");
        assert!(client.change(REPOSITORY, 7).await.expect("told").event.merge_commit.is_some(), "{kind:?}");
    }
}

#[tokio::test]
async fn people_and_comments() {
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        for (login, may) in [("bob", true), ("eve", false), ("mallory", false)] {
            assert_eq!(client.may_write(REPOSITORY, login).await, Ok(may), "{kind:?} {login}");
        }
        client.comment(REPOSITORY, 7, "It waits.").await.expect("made");
        assert_eq!(fake.comments(REPOSITORY)[0].body, "It waits.", "{kind:?}");

        let new = NewComment { repository: REPOSITORY, number: 7, author: "bob", text: "/merge\n" };
        let delivery = fake.comment_delivery(&new);
        let event = delivery.headers.iter().find(|(name, _)| name.as_str().ends_with(header(kind)));
        let event = event.and_then(|(_, value)| value.to_str().ok()).expect("the event's name");
        let said = parse(kind, None, event, &delivery.body).expect("understood");
        let expected = CommentEvent {
            repository: REPOSITORY.to_owned(),
            number: 7,
            author: "bob".to_owned(),
            text: "/merge\n".to_owned(),
        };
        assert_eq!(said, ForgeEvent::Comment(expected), "{kind:?}");
        let head = commit();
        let delivery = fake.review_delivery(&pull_request(&head), "bob", Review::Approved);
        let event = delivery.headers.iter().find(|(name, _)| name.as_str().ends_with(header(kind)));
        let event = event.and_then(|(_, value)| value.to_str().ok()).expect("the event's name");
        let said = parse(kind, None, event, &delivery.body).expect("understood");
        assert!(
            matches!(&said, ForgeEvent::Change(change) if change.action == ChangeAction::Edited),
            "{kind:?} {said:?}"
        );
    }
}

const fn header(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Github | ForgeKind::Generic => "x-github-event",
        ForgeKind::Gitlab => "x-gitlab-event",
        ForgeKind::Gitea => "x-gitea-event",
        ForgeKind::Gitee => "x-gitee-event",
    }
}

/// Gitee takes no head: who pushes between the look and the merge is merged too, and that is said.
#[tokio::test]
async fn a_merge_of_another_head_does_not_go_unnoticed() {
    let head = commit();
    let shown = |state: &str| {
        let branch = |name: &str| json!({ "ref": name, "sha": head.as_str(), "repo": { "full_name": REPOSITORY } });
        json!({ "number": 7, "title": "Sell tea", "state": state, "head": branch("topic"), "base": branch("main"),
            "mergeable": true, "merge_commit_sha": "3".repeat(40) })
    };
    let server = Server::start([
        reply(200, &shown("open")),
        reply(200, &json!({ "sha": "3".repeat(40), "merged": true, "message": "" })),
        reply(200, &shown("merged")),
        reply(
            200,
            &json!({ "sha": "3".repeat(40), "parents": [{ "sha": "1".repeat(40) }, { "sha": "2".repeat(40) }] }),
        ),
    ])
    .await;
    let merged = server.client(ForgeKind::Gitee).merge(REPOSITORY, &order(&head)).await;
    let commit = CommitSha::try_from("3".repeat(40)).expect("a SHA");
    assert_eq!(merged, Err(MergeError::OtherHead { commit }));
}
