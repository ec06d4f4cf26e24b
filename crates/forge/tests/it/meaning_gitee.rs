//! What it says: Gitee's payloads in the domain's words.

use crate::support::{changed, payload, understood};
use davit_domain::event::{ChangeAction, ChangeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_forge::{ForgeEvent, ForgeKind, ParseError, parse};
use serde_json::{Value, json};

const BEFORE: &str = "4b1f0a8c7d3e2f6a9b5c8d7e0f1a2b3c4d5e6f70";
const HEAD: &str = "9e8d7c6b5a493827160f5e4d3c2b1a0f9e8d7c6b";
const TAG_OBJECT: &str = "77aa88bb99cc00dd11ee22ff33445566778899aa";
const MERGE: &str = "d2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8";
const REPOSITORY: &str = "acme/shop";

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

fn said(event: &str, payload: &[u8]) -> ForgeEvent {
    understood(ForgeKind::Gitee, event, payload)
}

fn push(event: &str, payload: &[u8]) -> Push {
    let event = said(event, payload);
    let ForgeEvent::Push(push) = event else { panic!("{event:?}") };
    push
}

fn change(payload: &[u8]) -> ChangeEvent {
    let event = said("Merge Request Hook", payload);
    let ForgeEvent::Change(change) = event else { panic!("{event:?}") };
    change
}

#[test]
fn a_branch_moves_in_a_repository_with_another_name_for_people() {
    let expected = Push {
        repository: REPOSITORY.to_owned(),
        git_ref: GitRef::Branch("main".to_owned()),
        before: Some(sha(BEFORE)),
        after: Some(sha(HEAD)),
        pusher: "ada".to_owned(),
        title: "Add black tea 红茶".to_owned(),
    };
    assert_eq!(push("Push Hook", &payload("gitee/push")), expected);
}

#[test]
fn a_branch_is_made_and_deleted() {
    let made = push("Push Hook", &payload("gitee/push.branch_created"));
    assert_eq!((made.before, made.after), (None, Some(sha(HEAD))));
    for (deleted, after) in [(true, HEAD), (false, "0000000000000000000000000000000000000000"), (false, "00000000")] {
        let body = changed("gitee/push.branch_deleted", |event| {
            event["deleted"] = json!(deleted);
            event["after"] = json!(after);
        });
        let push = push("Push Hook", &body);
        assert_eq!((push.before, push.after), (Some(sha(HEAD)), None), "{deleted} {after}");
    }
}

#[test]
fn a_tag_stands_for_its_commit() {
    let body = changed("gitee/tag_push", |event| event["after"] = json!(TAG_OBJECT));
    let tag = push("Tag Push Hook", &body);
    assert_eq!((tag.git_ref, tag.after), (GitRef::Tag("v1.2".to_owned()), Some(sha(HEAD))));
}

#[test]
fn somebody_without_an_account_has_a_name() {
    let named = changed("gitee/push", |event| {
        event["sender"] = json!({ "name": "艾达", "email": "ada@example.com" });
    });
    assert_eq!(push("Push Hook", &named).pusher, "艾达");
    let nobody = changed("gitee/push", |event| {
        event["sender"] = Value::Null;
        event["pusher"] = Value::Null;
    });
    assert_eq!(push("Push Hook", &nobody).pusher, "ghost");
}

#[test]
fn a_pull_request_is_opened() {
    let expected = ChangeEvent {
        repository: REPOSITORY.to_owned(),
        number: 5,
        action: ChangeAction::Opened,
        title: "Add oolong 乌龙茶".to_owned(),
        author: "ada".to_owned(),
        head: sha(HEAD),
        head_branch: "oolong".to_owned(),
        base_branch: "main".to_owned(),
        from_fork: false,
        draft: false,
        merge_commit: None,
        word: None,
    };
    assert_eq!(change(&payload("gitee/merge_request.open")), expected, "and its merge commit is none");
    assert!(change(&payload("gitee/merge_request.open_from_fork")).from_fork);
    let gone = changed("gitee/merge_request.open", |event| event["pull_request"]["head"]["repo"] = Value::Null);
    assert!(change(&gone).from_fork);
}

#[test]
fn actions_have_their_words() {
    assert_eq!(change(&payload("gitee/merge_request.update")).action, ChangeAction::Updated);
    let merged = change(&payload("gitee/merge_request.merge"));
    assert_eq!((merged.action, merged.merge_commit), (ChangeAction::Merged, Some(sha(MERGE))));
    let closed = change(&payload("gitee/merge_request.close"));
    assert_eq!((closed.action, closed.merge_commit), (ChangeAction::Closed, None));
    for (action, detail, meaning) in [
        (json!("reopen"), Value::Null, ChangeAction::Opened),
        (json!("update"), json!("target_branch_changed"), ChangeAction::Edited),
        (json!("update"), json!("update_label"), ChangeAction::Edited),
        (json!("approved"), Value::Null, ChangeAction::Edited),
        (json!("test"), Value::Null, ChangeAction::Edited),
        (Value::Null, Value::Null, ChangeAction::Edited),
    ] {
        // Said of one that was merged long ago: its merge is no news.
        let body = changed("gitee/merge_request.merge", |event| {
            event["action"] = action.clone();
            event["action_desc"] = detail.clone();
        });
        assert_eq!((change(&body).action, change(&body).merge_commit), (meaning, None), "{action} {detail}");
    }
}

#[test]
fn a_test_of_the_hook_is_a_ping() {
    assert!(matches!(said("ping", &payload("gitee/push")), ForgeEvent::Ping { .. }));
}

#[test]
fn what_is_merely_uninteresting_is_not_even_read() {
    for event in ["Issue Hook", "Wiki Hook"] {
        assert_eq!(said(event, b"not JSON"), ForgeEvent::Other { name: event.to_owned() });
    }
    let pull = changed("gitee/push", |event| event["ref"] = json!("refs/pull/5/MERGE"));
    assert_eq!(said("Push Hook", &pull), ForgeEvent::Other { name: "Push Hook".to_owned() });
}

#[test]
fn impossible_values_are_refused_by_field() {
    let refused = |event: &str, body: &[u8]| parse(ForgeKind::Gitee, None, event, body).expect_err("refused");
    let field = |event: &str, field| ParseError::Field { event: event.to_owned(), field };
    for bad in ["", "shop", "acme/..", "顶峰/商店", "a/b/c"] {
        let body = changed("gitee/push", |event| event["repository"]["path_with_namespace"] = json!(bad));
        assert_eq!(refused("Push Hook", &body), field("Push Hook", "repository.path_with_namespace"), "{bad:?}");
        let body = changed("gitee/merge_request.open", |event| {
            event["pull_request"]["base"]["repo"]["path_with_namespace"] = json!(bad);
        });
        let expected = field("Merge Request Hook", "pull_request.base.repo.path_with_namespace");
        assert_eq!(refused("Merge Request Hook", &body), expected, "{bad:?}");
    }
    let body = changed("gitee/merge_request.merge", |event| event["pull_request"]["merge_commit_sha"] = json!("main"));
    assert_eq!(refused("Merge Request Hook", &body), field("Merge Request Hook", "pull_request.merge_commit_sha"));
    for event in ["Push Hook", "Tag Push Hook", "Merge Request Hook"] {
        assert!(matches!(refused(event, b"{}"), ParseError::Malformed { .. }), "{event}");
    }
}
