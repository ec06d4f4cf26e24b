//! What it says: Gitea's payloads in the domain's words.

use crate::support::{changed, payload, understood};
use davit_domain::event::{ChangeAction, ChangeEvent, CheckEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_domain::time::Timestamp;
use davit_forge::{ForgeEvent, ForgeKind, ParseError, parse};
use serde_json::{Value, json};

const BEFORE: &str = "4b1f0a8c7d3e2f6a9b5c8d7e0f1a2b3c4d5e6f70";
const HEAD: &str = "9e8d7c6b5a493827160f5e4d3c2b1a0f9e8d7c6b";
const MERGE: &str = "d2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8";
const REPOSITORY: &str = "acme/shop";

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

fn said(event: &str, payload: &[u8]) -> ForgeEvent {
    understood(ForgeKind::Gitea, event, payload)
}

fn push(event: &str, payload: &[u8]) -> Push {
    let event = said(event, payload);
    let ForgeEvent::Push(push) = event else { panic!("{event:?}") };
    push
}

fn change(event: &str, payload: &[u8]) -> ChangeEvent {
    let event = said(event, payload);
    let ForgeEvent::Change(change) = event else { panic!("{event:?}") };
    change
}

fn check(payload: &[u8]) -> CheckEvent {
    let event = said("status", payload);
    let ForgeEvent::Check(check) = event else { panic!("{event:?}") };
    check
}

#[test]
fn a_branch_moves() {
    let expected = Push {
        repository: REPOSITORY.to_owned(),
        git_ref: GitRef::Branch("main".to_owned()),
        before: Some(sha(BEFORE)),
        after: Some(sha(HEAD)),
        pusher: "ada".to_owned(),
        title: "Add black tea".to_owned(),
    };
    assert_eq!(push("push", &payload("gitea/push")), expected);
}

#[test]
fn a_branch_is_made_and_deleted() {
    let made = push("push", &payload("gitea/push.branch_created"));
    assert_eq!((made.before, made.after), (None, Some(sha(HEAD))));
    let deleted = push("push", &payload("gitea/push.branch_deleted"));
    assert_eq!((deleted.before, deleted.after, deleted.title.as_str()), (Some(sha(HEAD)), None, ""));
    let told_again = push("delete", &payload("gitea/delete"));
    assert_eq!(told_again.git_ref, GitRef::Branch("feature/tea".to_owned()));
    assert_eq!((told_again.before, told_again.after, told_again.pusher.as_str()), (None, None, "ada"));
}

#[test]
fn a_tag_stands_for_its_commit_and_its_creation_for_nothing() {
    let tag = push("push", &payload("gitea/push.tag"));
    assert_eq!((tag.git_ref, tag.after), (GitRef::Tag("v1.2".to_owned()), Some(sha(HEAD))));
    assert_eq!(said("create", &payload("gitea/create")), ForgeEvent::Other { name: "create".to_owned() });
}

#[test]
fn a_deleted_tag_is_nothing_to_release_whatever_else_is_said() {
    let body = changed("gitea/push.tag", |event| event["after"] = json!("0".repeat(40)));
    let deleted = push("push", &body);
    assert_eq!((deleted.after, deleted.title.as_str()), (None, ""));
}

#[test]
fn a_pull_request_is_opened_updated_and_merged() {
    let opened = ChangeEvent {
        repository: REPOSITORY.to_owned(),
        number: 5,
        action: ChangeAction::Opened,
        title: "Add oolong".to_owned(),
        author: "ada".to_owned(),
        head: sha(HEAD),
        head_branch: "oolong".to_owned(),
        base_branch: "main".to_owned(),
        from_fork: false,
        draft: false,
        merge_commit: None,
        word: Some("opened".into()),
    };
    assert_eq!(change("pull_request", &payload("gitea/pull_request.opened")), opened);
    let synchronized = payload("gitea/pull_request.synchronized");
    for event in ["pull_request", "pull_request_sync"] {
        assert_eq!(change(event, &synchronized).action, ChangeAction::Updated, "{event}");
    }
    let merged = change("pull_request", &payload("gitea/pull_request.merged"));
    assert_eq!((merged.action, merged.merge_commit), (ChangeAction::Merged, Some(sha(MERGE))));
    let closed = changed("gitea/pull_request.merged", |event| event["pull_request"]["merged"] = json!(false));
    let closed = change("pull_request", &closed);
    assert_eq!((closed.action, closed.merge_commit), (ChangeAction::Closed, None));
}

#[test]
fn a_fork_is_another_repository_or_one_that_is_gone() {
    let forked = change("pull_request", &payload("gitea/pull_request.opened_from_fork"));
    assert!(forked.from_fork);
    assert_eq!((forked.repository.as_str(), forked.author.as_str()), (REPOSITORY, "grace"));
    let gone = changed("gitea/pull_request.opened", |event| {
        event["pull_request"]["head"]["repo"] = Value::Null;
        event["pull_request"]["head"]["repo_id"] = json!(0);
        event["pull_request"]["user"] = Value::Null;
    });
    let gone = change("pull_request", &gone);
    assert!(gone.from_fork && gone.author == "ghost");
}

#[test]
fn work_in_progress_is_a_draft() {
    for (title, draft) in
        [("WIP: tea", true), ("[wip] tea", true), ("wipe the floor", false), ("ä", false), ("", false)]
    {
        let body = changed("gitea/pull_request.opened", |event| {
            event["pull_request"]["title"] = json!(title);
            event["pull_request"].as_object_mut().expect("an object").remove("draft");
        });
        assert_eq!(change("pull_request", &body).draft, draft, "{title:?}");
    }
    let draft = changed("gitea/pull_request.opened", |event| event["pull_request"]["draft"] = json!(true));
    assert!(change("pull_request", &draft).draft);
}

#[test]
fn what_leaves_the_heads_alone_is_an_edit() {
    for (event, action) in [
        ("pull_request", "edited"),
        ("pull_request_label", "label_updated"),
        ("pull_request_assign", "assigned"),
        ("pull_request_milestone", "milestoned"),
        ("pull_request_review_request", "review_requested"),
        ("pull_request", "an action of the future"),
    ] {
        let body = changed("gitea/pull_request.opened", |payload| payload["action"] = json!(action));
        assert_eq!(change(event, &body).action, ChangeAction::Edited, "{action}");
    }
}

#[test]
fn commit_statuses_are_checks() {
    let expected = CheckEvent {
        repository: REPOSITORY.to_owned(),
        commit: sha(HEAD),
        name: "ci/unit".to_owned(),
        state: CommitState::Success,
        description: "all 214 tests passed".to_owned(),
        target_url: "https://ci.example.com/runs/88".to_owned(),
        at: Some(Timestamp::from_millis(1_772_443_110_000)),
    };
    assert_eq!(check(&payload("gitea/status")), expected);
    for (word, state) in [
        ("pending", CommitState::Pending),
        ("skipped", CommitState::Success),
        ("failure", CommitState::Failure),
        ("warning", CommitState::Failure),
        ("error", CommitState::Error),
        ("a state of the future", CommitState::Pending),
    ] {
        let body = changed("gitea/status", |event| event["state"] = json!(word));
        assert_eq!(check(&body).state, state, "{word}");
    }
}

#[test]
fn what_is_merely_uninteresting_is_not_even_read() {
    for event in ["issues", "release", "pull_request_comment", "pull_request_review_approved", "workflow_run", "fork"] {
        assert_eq!(said(event, b"not JSON"), ForgeEvent::Other { name: event.to_owned() });
    }
    let pull = changed("gitea/push", |event| event["ref"] = json!("refs/pull/5/head"));
    assert_eq!(said("push", &pull), ForgeEvent::Other { name: "push".to_owned() });
}

#[test]
fn impossible_values_are_refused_by_field() {
    let refused = |event: &str, body: &[u8]| parse(ForgeKind::Gitea, None, event, body).expect_err("refused");
    let field = |event: &str, field| ParseError::Field { event: event.to_owned(), field };
    for bad in ["", "acme", "acme/web/shop", "acme/..", "acme/sh op"] {
        for (event, name) in [
            ("push", "gitea/push"),
            ("delete", "gitea/delete"),
            ("pull_request", "gitea/pull_request.opened"),
            ("status", "gitea/status"),
        ] {
            let body = changed(name, |event| event["repository"]["full_name"] = json!(bad));
            assert_eq!(refused(event, &body), field(event, "repository.full_name"), "{event} {bad:?}");
        }
    }
    let body = changed("gitea/pull_request.merged", |event| event["pull_request"]["merge_commit_sha"] = json!("x"));
    assert_eq!(refused("pull_request", &body), field("pull_request", "pull_request.merge_commit_sha"));
    let body = changed("gitea/push", |event| event["before"] = json!("--all"));
    assert_eq!(refused("push", &body), field("push", "before"));
    for event in ["push", "delete", "pull_request", "pull_request_sync", "status"] {
        assert!(matches!(refused(event, b"{}"), ParseError::Malformed { .. }), "{event}");
    }
}
