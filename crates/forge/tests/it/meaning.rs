//! What it says: GitHub's payloads in the domain's words.

use crate::support::{changed, parsed, payload};
use davit_domain::event::{ChangeAction, ChangeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_forge::{ForgeEvent, ForgeKind, ParseError, dedupe_key, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

const FIRST: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const BEFORE: &str = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e";
const HEAD: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
const MERGE: &str = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

fn push(payload: &[u8]) -> Push {
    match parsed("push", payload) {
        ForgeEvent::Push(push) => push,
        other @ (ForgeEvent::Ping { .. }
        | ForgeEvent::Change(_)
        | ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_)
        | ForgeEvent::Other { .. }) => panic!("{other:?}"),
    }
}

fn change(payload: &[u8]) -> ChangeEvent {
    match parsed("pull_request", payload) {
        ForgeEvent::Change(change) => change,
        other @ (ForgeEvent::Ping { .. }
        | ForgeEvent::Push(_)
        | ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_)
        | ForgeEvent::Other { .. }) => panic!("{other:?}"),
    }
}

fn refused(event: &str, payload: &[u8]) -> ParseError {
    parse(ForgeKind::Github, event, payload).expect_err("refused")
}

#[test]
fn a_branch_moves() {
    let expected = Push {
        repository: "Codertocat/Hello-World".to_owned(),
        git_ref: GitRef::Branch("master".to_owned()),
        before: Some(sha(BEFORE)),
        after: Some(sha(FIRST)),
        pusher: "Codertocat".to_owned(),
        title: "Update README.md".to_owned(),
    };
    assert_eq!(push(&payload("push.branch")), expected);
}

#[test]
fn a_new_branch_comes_from_nowhere() {
    let push = push(&payload("push.branch_created"));
    assert_eq!((push.before, push.after), (None, Some(sha(FIRST))));
}

#[test]
fn a_deleted_ref_goes_nowhere() {
    let push = push(&payload("push.tag_deleted"));
    assert_eq!(push.git_ref, GitRef::Tag("simple-tag".to_owned()));
    assert_eq!((push.before, push.after, push.title.as_str()), (Some(sha(FIRST)), None, ""));
}

#[test]
fn either_sign_of_a_deletion_is_enough() {
    for (deleted, after) in [(true, FIRST), (false, ZERO)] {
        let body = changed("push.branch", |payload| {
            payload["deleted"] = json!(deleted);
            payload["after"] = json!(after);
        });
        assert_eq!(push(&body).after, None, "{deleted} {after}");
    }
}

#[test]
fn a_tag_stands_for_its_commit() {
    let tag = push(&payload("push.tag"));
    assert_eq!((tag.git_ref, tag.after), (GitRef::Tag("simple-tag".to_owned()), Some(sha(FIRST))));

    let tag_object = "a".repeat(40);
    let annotated = push(&changed("push.tag", |payload| payload["after"] = json!(tag_object)));
    assert_eq!(annotated.after, Some(sha(FIRST)), "the commit, not the tag object");
}

#[test]
fn branch_names_may_have_slashes_and_any_script() {
    let push = push(&changed("push.branch", |payload| payload["ref"] = json!("refs/heads/feature/发布")));
    assert_eq!(push.git_ref, GitRef::Branch("feature/发布".to_owned()));
}

#[test]
fn other_refs_are_of_no_interest() {
    let body = changed("push.branch", |payload| payload["ref"] = json!("refs/notes/commits"));
    assert_eq!(parsed("push", &body), ForgeEvent::Other { name: "push".to_owned() });
}

#[test]
fn a_pusher_without_an_account_has_a_name() {
    let named = changed("push.branch", |payload| payload["sender"] = Value::Null);
    assert_eq!(push(&named).pusher, "Codertocat");
    let nobody = changed("push.branch", |payload| {
        payload["sender"] = Value::Null;
        payload["pusher"] = Value::Null;
    });
    assert_eq!(push(&nobody).pusher, "ghost");
}

#[test]
fn a_pull_request_is_opened() {
    let expected = ChangeEvent {
        repository: "Codertocat/Hello-World".to_owned(),
        number: 2,
        action: ChangeAction::Opened,
        title: "Update the README with new information.".to_owned(),
        author: "Codertocat".to_owned(),
        head: sha(HEAD),
        head_branch: "changes".to_owned(),
        base_branch: "master".to_owned(),
        from_fork: false,
        draft: false,
        merge_commit: None,
    };
    assert_eq!(change(&payload("pull_request.opened")), expected);
}

#[test]
fn a_fork_is_another_repository_or_one_that_is_gone() {
    let forked = change(&payload("pull_request.opened_from_fork"));
    assert!(forked.from_fork);
    assert_eq!(forked.repository, "Codertocat/Hello-World");
    let gone = changed("pull_request.opened", |payload| payload["pull_request"]["head"]["repo"] = Value::Null);
    assert!(change(&gone).from_fork);
}

#[test]
fn closing_is_not_merging() {
    let closed = change(&payload("pull_request.closed"));
    assert_eq!((closed.action, closed.merge_commit), (ChangeAction::Closed, None), "the test merge is no merge");
    let merged = change(&payload("pull_request.closed_merged"));
    assert_eq!((merged.action, merged.merge_commit), (ChangeAction::Merged, Some(sha(MERGE))));
    assert_eq!(merged.repository, "Codertocat/Hello-World");
}

#[test]
fn actions_have_their_words() {
    assert_eq!(change(&payload("pull_request.synchronize")).action, ChangeAction::Updated);
    for (action, meaning) in [
        ("reopened", ChangeAction::Opened),
        ("labeled", ChangeAction::Edited),
        ("converted_to_draft", ChangeAction::Edited),
        ("ready_for_review", ChangeAction::Edited),
        ("an action of the future", ChangeAction::Edited),
    ] {
        let body = changed("pull_request.opened", |payload| payload["action"] = json!(action));
        assert_eq!(change(&body).action, meaning, "{action}");
    }
}

#[test]
fn fields_that_old_servers_leave_out_have_defaults() {
    let body = changed("pull_request.opened", |payload| {
        let pull_request = payload["pull_request"].as_object_mut().expect("an object");
        pull_request.remove("draft");
        pull_request.remove("merged");
        pull_request.insert("user".to_owned(), Value::Null);
    });
    let change = change(&body);
    assert_eq!((change.draft, change.author.as_str()), (false, "ghost"));
}

#[test]
fn pings_are_shown() {
    let message = "Anything added dilutes everything else.".to_owned();
    assert_eq!(parsed("ping", &payload("ping")), ForgeEvent::Ping { message });
}

#[test]
fn other_events_are_not_even_read() {
    for body in ["{}", "", "not JSON"] {
        assert_eq!(parsed("star", body.as_bytes()), ForgeEvent::Other { name: "star".to_owned() });
    }
}

#[test]
fn what_is_not_the_documented_payload_is_refused_in_a_sentence() {
    let deep = format!("{{\"ref\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_where_nobody_looks = format!("{{\"x\":{}", "{\"x\":".repeat(100_000));
    let long = format!("{{\"ref\":\"{}\",\"before\":1}}", "x".repeat(100_000));
    let bad: [&[u8]; 8] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{\"ref\":\"refs/heads/\xff\"}",
        deep.as_bytes(),
        deep_where_nobody_looks.as_bytes(),
        long.as_bytes(),
    ];
    for body in bad {
        for event in ["push", "pull_request"] {
            let refusal = refused(event, body).to_string();
            assert!(refusal.starts_with(&format!("The payload of the event {event} can't be read: ")), "{refusal}");
            assert!(refusal.len() < 400, "{refusal}");
        }
    }
}

#[test]
fn impossible_values_are_refused_by_field() {
    let field = |field| ParseError::Field { event: "push".to_owned(), field };
    for bad in ["", "acme", "acme/../x", "../..", "acme/shop/x", "acme/sh op", "acme/", "/shop", "acme/shop\n"] {
        let body = changed("push.branch", |payload| payload["repository"]["full_name"] = json!(bad));
        assert_eq!(refused("push", &body), field("repository.full_name"), "{bad:?}");
    }
    for bad in ["", "main", "6113728", "G113728f27ae82c7b1a177c8d03f9e96e0adf246", "--upload-pack=x"] {
        let body = changed("push.branch", |payload| payload["after"] = json!(bad));
        assert_eq!(refused("push", &body), field("after"), "{bad:?}");
    }
    let body = changed("pull_request.opened", |payload| payload["pull_request"]["head"]["sha"] = json!(ZERO));
    let expected = ParseError::Field { event: "pull_request".to_owned(), field: "pull_request.head.sha" };
    assert_eq!(refused("pull_request", &body), expected);
}

#[test]
fn one_happening_has_one_key() {
    let key = |event: &str, body: &[u8]| dedupe_key(&parsed(event, body));
    let moved = key("push", &payload("push.branch"));
    assert_eq!(moved.as_deref(), Some(format!("push Codertocat/Hello-World branch master {BEFORE} {FIRST}").as_str()));
    let with_other_words = changed("push.branch", |payload| {
        payload["head_commit"]["message"] = json!("Another message");
        payload["installation"] = json!({ "id": 2 });
    });
    assert_eq!(key("push", &with_other_words), moved, "what the second hook adds makes no difference");

    let mut keys = vec![moved];
    for name in ["push.branch_created", "push.tag", "push.tag_deleted"] {
        keys.push(key("push", &payload(name)));
    }
    for name in ["opened", "synchronize", "closed", "closed_merged"] {
        keys.push(key("pull_request", &payload(&format!("pull_request.{name}"))));
    }
    let same_name = changed("push.tag", |payload| payload["ref"] = json!("refs/heads/simple-tag"));
    keys.push(key("push", &same_name));
    assert!(keys.iter().all(Option::is_some));
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

#[test]
fn what_may_happen_twice_has_no_key() {
    let labelled = changed("pull_request.opened", |payload| payload["action"] = json!("labeled"));
    assert_eq!(dedupe_key(&parsed("pull_request", &labelled)), None);
    assert_eq!(dedupe_key(&parsed("ping", &payload("ping"))), None);
    assert_eq!(dedupe_key(&parsed("star", b"{}")), None);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(
        name in prop::sample::select(vec!["push.branch", "push.tag", "pull_request.opened", "ping"]),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        truncate in any::<bool>(),
    ) {
        let mut body = payload(name);
        let position = cut.index(body.len());
        body[position] = byte;
        if truncate {
            body.truncate(position);
        }
        let event = name.split('.').next().expect("the first part");
        let _ = parse(ForgeKind::Github, event, &body);
    }
}
