//! What it says: any JSON, read as the configuration says.

use crate::senders::generic_hook;
use crate::support::{changed, payload, understood};
use davit_domain::config::GenericHook;
use davit_domain::event::{GitRef, Push};
use davit_forge::{ForgeEvent, ForgeKind, ParseError, parse};
use serde_json::{Value, json};

const HEAD: &str = "9e8d7c6b5a493827160f5e4d3c2b1a0f9e8d7c6b";

/// The payload, changed.
fn body(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    changed("generic/push", change)
}

fn push(body: &[u8]) -> Push {
    let event = understood(ForgeKind::Generic, "push", body);
    let ForgeEvent::Push(push) = event else { panic!("{event:?}") };
    push
}

fn refused(hook: &GenericHook, body: &[u8]) -> ParseError {
    parse(ForgeKind::Generic, Some(hook), "push", body).expect_err("refused")
}

#[test]
fn fields_are_where_the_configuration_says() {
    let expected = Push {
        repository: "acme/shop".to_owned(),
        git_ref: GitRef::Branch("main".to_owned()),
        before: None,
        after: Some(HEAD.parse().expect("a SHA")),
        pusher: "ada".to_owned(),
        title: "Add black tea".to_owned(),
    };
    assert_eq!(push(&payload("generic/push")), expected);

    let elsewhere = GenericHook {
        repository: "/a~1b/0".to_owned(),
        reference: "/branch".to_owned(),
        commit: "/tip".to_owned(),
        by: None,
        title: None,
        ..generic_hook()
    };
    let document = json!({ "a/b": ["group/sub/shop"], "branch": "release/1", "tip": HEAD, "sender": { "login": "x" } });
    let event =
        parse(ForgeKind::Generic, Some(&elsewhere), "push", document.to_string().as_bytes()).expect("understood");
    let ForgeEvent::Push(push) = event else { panic!("{event:?}") };
    assert_eq!((push.repository.as_str(), push.git_ref), ("group/sub/shop", GitRef::Branch("release/1".to_owned())));
    assert_eq!((push.pusher.as_str(), push.title.as_str()), ("somebody", ""));
}

#[test]
fn a_reference_is_full_or_a_branch() {
    for (text, git_ref) in [
        ("refs/heads/a/b", GitRef::Branch("a/b".to_owned())),
        ("a/b", GitRef::Branch("a/b".to_owned())),
        ("refs/tags/v1", GitRef::Tag("v1".to_owned())),
    ] {
        assert_eq!(push(&body(|document| document["ref"] = json!(text))).git_ref, git_ref);
    }
    for other in ["refs/notes/commits", "refs/heads/", ""] {
        let event = understood(ForgeKind::Generic, "push", &body(|document| document["ref"] = json!(other)));
        assert_eq!(event, ForgeEvent::Other { name: "push".to_owned() }, "{other:?}");
    }
}

#[test]
fn a_deletion_is_all_zeros() {
    assert_eq!(push(&body(|document| document["after"] = json!("0".repeat(40)))).after, None);
}

#[test]
fn what_may_be_missing_may_be_missing() {
    let bare = body(|document| {
        document["sender"] = Value::Null;
        document["head_commit"] = json!({ "message": 7 });
    });
    assert_eq!((push(&bare).pusher.as_str(), push(&bare).title.as_str()), ("somebody", ""));
}

#[test]
fn a_document_about_something_else_is_uninteresting() {
    for other in ["{}", "[]", "null", "\"ping\"", r#"{"zen":"Keep it simple."}"#] {
        let event = understood(ForgeKind::Generic, "push", other.as_bytes());
        assert_eq!(event, ForgeEvent::Other { name: "push".to_owned() }, "{other}");
    }
}

#[test]
fn half_a_push_is_refused_by_field() {
    let field = |field| ParseError::Field { event: "push".to_owned(), field };
    for (name, pointer) in [("ref", "ref"), ("commit", "after"), ("repository", "repository")] {
        for bad in [Value::Null, json!(7), json!({ "full_name": ["acme/shop"] })] {
            let broken = body(|document| document[pointer] = bad.clone());
            assert_eq!(refused(&generic_hook(), &broken), field(name), "{pointer} {bad}");
        }
    }
    for bad in ["main", "9e8d7c6", "--upload-pack=x", ""] {
        assert_eq!(
            refused(&generic_hook(), &body(|document| document["after"] = json!(bad))),
            field("commit"),
            "{bad:?}"
        );
    }
    for bad in ["shop", "acme/..", "acme/sh op", ""] {
        let broken = body(|document| document["repository"]["full_name"] = json!(bad));
        assert_eq!(refused(&generic_hook(), &broken), field("repository"), "{bad:?}");
    }
    let unconfigured = parse(ForgeKind::Generic, None, "push", &payload("generic/push"));
    assert!(matches!(unconfigured, Err(ParseError::Malformed { .. })));
}
