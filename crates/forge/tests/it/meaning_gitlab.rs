//! What it says: GitLab's payloads in the domain's words.

use crate::support::{changed, payload, understood};
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::event::{ChangeAction, ChangeEvent, CheckEvent, DeploymentEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_domain::time::Timestamp;
use davit_forge::{ForgeEvent, ForgeKind, ParseError, dedupe_key, parse};
use serde_json::{Value, json};

const BEFORE: &str = "4b1f0a8c7d3e2f6a9b5c8d7e0f1a2b3c4d5e6f70";
const HEAD: &str = "9e8d7c6b5a493827160f5e4d3c2b1a0f9e8d7c6b";
const TAG_OBJECT: &str = "77aa88bb99cc00dd11ee22ff33445566778899aa";
const MERGE: &str = "d2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8";
const PROJECT: &str = "acme/web/shop";

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

fn said(event: &str, payload: &[u8]) -> ForgeEvent {
    understood(ForgeKind::Gitlab, event, payload)
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

fn check(payload: &[u8]) -> CheckEvent {
    let event = said("Pipeline Hook", payload);
    let ForgeEvent::Check(check) = event else { panic!("{event:?}") };
    check
}

fn deployment(payload: &[u8]) -> DeploymentEvent {
    let event = said("Deployment Hook", payload);
    let ForgeEvent::Deployment(deployment) = event else { panic!("{event:?}") };
    deployment
}

fn refused(event: &str, payload: &[u8]) -> ParseError {
    parse(ForgeKind::Gitlab, None, event, payload).expect_err("refused")
}

#[test]
fn a_branch_moves_in_a_group_within_a_group() {
    let expected = Push {
        repository: PROJECT.to_owned(),
        git_ref: GitRef::Branch("main".to_owned()),
        before: Some(sha(BEFORE)),
        after: Some(sha(HEAD)),
        pusher: "ada".to_owned(),
        title: "Add black tea".to_owned(),
    };
    assert_eq!(push("Push Hook", &payload("gitlab/push")), expected);
}

#[test]
fn of_many_commits_the_newest_twenty_are_sent() {
    let many = payload("gitlab/push.many");
    let value: Value = serde_json::from_slice(&many).expect("JSON");
    assert_eq!((value["commits"].as_array().map(Vec::len), &value["total_commits_count"]), (Some(20), &json!(25)));
    assert_eq!(push("Push Hook", &many).title, "Step 25", "the head's, wherever it is in the list");
}

#[test]
fn a_branch_is_made_and_deleted() {
    let made = push("Push Hook", &payload("gitlab/push.branch_created"));
    assert_eq!((made.before, made.after, made.title.as_str()), (None, Some(sha(HEAD)), ""), "without new commits");
    let deleted = push("Push Hook", &payload("gitlab/push.branch_deleted"));
    assert_eq!(deleted.git_ref, GitRef::Branch("feature/tea".to_owned()));
    assert_eq!((deleted.before, deleted.after), (Some(sha(HEAD)), None));
}

#[test]
fn an_annotated_tag_stands_for_its_commit() {
    let body = payload("gitlab/tag_push");
    let tag = push("Tag Push Hook", &body);
    assert_eq!((tag.git_ref, tag.after), (GitRef::Tag("v1.2".to_owned()), Some(sha(HEAD))));
    assert_eq!(tag.title, "Release 1.2", "what the tag says, as no commit is told");
    let light = changed("gitlab/tag_push", |payload| payload["after"] = json!(HEAD));
    assert_eq!(push("Tag Push Hook", &light).after, Some(sha(HEAD)));
}

#[test]
fn a_deleted_tag_is_nothing_to_release() {
    let body = payload("gitlab/tag_push.deleted");
    let deleted = push("Tag Push Hook", &body);
    assert_eq!((deleted.before, deleted.after), (Some(sha(TAG_OBJECT)), None));
    let with_leftover = changed("gitlab/tag_push.deleted", |payload| payload["checkout_sha"] = json!(HEAD));
    assert_eq!(push("Tag Push Hook", &with_leftover).after, None);
}

#[test]
fn a_merge_request_is_opened() {
    let expected = ChangeEvent {
        repository: PROJECT.to_owned(),
        number: 12,
        action: ChangeAction::Opened,
        title: "Add oolong".to_owned(),
        author: "ada".to_owned(),
        head: sha(HEAD),
        head_branch: "oolong".to_owned(),
        base_branch: "main".to_owned(),
        from_fork: false,
        draft: false,
        merge_commit: None,
        word: None,
    };
    assert_eq!(change(&payload("gitlab/merge_request.open")), expected);
}

#[test]
fn a_fork_is_another_project_or_one_that_is_gone() {
    let forked = change(&payload("gitlab/merge_request.open_from_fork"));
    assert!(forked.from_fork && forked.draft);
    assert_eq!(forked.repository, PROJECT);
    let gone =
        changed("gitlab/merge_request.open", |event| event["object_attributes"]["source_project_id"] = json!(null));
    assert!(change(&gone).from_fork);
}

#[test]
fn an_update_with_new_commits_is_another_thing_than_a_label() {
    assert_eq!(change(&payload("gitlab/merge_request.update")).action, ChangeAction::Updated);
    let labelled = changed("gitlab/merge_request.update", |event| {
        event["object_attributes"].as_object_mut().expect("an object").remove("oldrev");
    });
    assert_eq!(change(&labelled).action, ChangeAction::Edited);
    for (action, meaning) in [
        (json!("reopen"), ChangeAction::Opened),
        (json!("close"), ChangeAction::Closed),
        (json!("approved"), ChangeAction::Edited),
        (json!("unapproval"), ChangeAction::Edited),
        (json!("an action of the future"), ChangeAction::Edited),
        (Value::Null, ChangeAction::Edited),
    ] {
        let body = changed("gitlab/merge_request.open", |event| event["object_attributes"]["action"] = action.clone());
        assert_eq!(change(&body).action, meaning, "{action}");
    }
}

#[test]
fn a_merge_names_its_commit() {
    let merged = change(&payload("gitlab/merge_request.merge"));
    assert_eq!((merged.action, merged.merge_commit), (ChangeAction::Merged, Some(sha(MERGE))));
    assert_eq!(merged.author, "user 7", "another one merged it, and of the author only the number is told");

    let fast_forward = changed("gitlab/merge_request.merge", |event| {
        event["object_attributes"]["merge_commit_sha"] = Value::Null;
    });
    assert_eq!(change(&fast_forward).merge_commit, Some(sha(HEAD)), "the head itself");
    let squashed = changed("gitlab/merge_request.merge", |event| {
        event["object_attributes"]["merge_commit_sha"] = Value::Null;
        event["object_attributes"]["squash_commit_sha"] = json!(BEFORE);
    });
    assert_eq!(change(&squashed).merge_commit, Some(sha(BEFORE)));
    let closed =
        changed("gitlab/merge_request.close", |event| event["object_attributes"]["merge_commit_sha"] = json!(MERGE));
    assert_eq!((change(&closed).action, change(&closed).merge_commit), (ChangeAction::Closed, None));
}

#[test]
fn old_and_anonymous_merge_requests_have_defaults() {
    let old = changed("gitlab/merge_request.open", |event| {
        let request = event["object_attributes"].as_object_mut().expect("an object");
        request.remove("draft");
        request.insert("work_in_progress".to_owned(), json!(true));
        request.remove("author_id");
        event["user"] = Value::Null;
    });
    let old = change(&old);
    assert_eq!((old.draft, old.author.as_str()), (true, "ghost"));
}

#[test]
fn pipelines_are_checks() {
    let expected = CheckEvent {
        repository: PROJECT.to_owned(),
        commit: sha(HEAD),
        name: "push".to_owned(),
        state: CommitState::Success,
        description: "pipeline 3001 is success".to_owned(),
        target_url: "https://gitlab.example.com/acme/web/shop/-/pipelines/3001".to_owned(),
        at: Some(Timestamp::from_millis(1_772_443_110_000)),
    };
    assert_eq!(check(&payload("gitlab/pipeline")), expected);
    for (word, state) in [
        ("created", CommitState::Pending),
        ("waiting_for_resource", CommitState::Pending),
        ("preparing", CommitState::Pending),
        ("pending", CommitState::Pending),
        ("running", CommitState::Pending),
        ("manual", CommitState::Pending),
        ("scheduled", CommitState::Pending),
        ("canceling", CommitState::Pending),
        ("a status of the future", CommitState::Pending),
        ("failed", CommitState::Failure),
        ("canceled", CommitState::Error),
        ("skipped", CommitState::Error),
    ] {
        let body = changed("gitlab/pipeline", |event| event["object_attributes"]["status"] = json!(word));
        assert_eq!(check(&body).state, state, "{word}");
    }
    let running = changed("gitlab/pipeline", |event| {
        event["object_attributes"]["finished_at"] = Value::Null;
        event["object_attributes"]["source"] = Value::Null;
        event["object_attributes"]["url"] = Value::Null;
    });
    let running = check(&running);
    assert_eq!((running.name.as_str(), running.target_url.as_str()), ("pipeline", ""));
    assert_eq!(running.at, Some(Timestamp::from_millis(1_772_442_960_000)));
}

#[test]
fn deployments_say_how_they_go() {
    let expected = DeploymentEvent {
        repository: PROJECT.to_owned(),
        number: 64,
        environment: "production".to_owned(),
        commit: sha(HEAD),
        reference: "main".to_owned(),
        description: "Add black tea".to_owned(),
        by: "ada".to_owned(),
        payload: String::new(),
        state: ForgeDeploymentState::InProgress,
    };
    assert_eq!(deployment(&payload("gitlab/deployment")), expected);
    let mut keys = Vec::new();
    for (word, state) in [
        ("created", ForgeDeploymentState::Pending),
        ("blocked", ForgeDeploymentState::Queued),
        ("running", ForgeDeploymentState::InProgress),
        ("success", ForgeDeploymentState::Success),
        ("failed", ForgeDeploymentState::Failure),
        ("canceled", ForgeDeploymentState::Inactive),
    ] {
        let body = changed("gitlab/deployment", |event| event["status"] = json!(word));
        let event = deployment(&body);
        assert_eq!(event.state, state, "{word}");
        keys.push(dedupe_key(&ForgeEvent::Deployment(event)).expect("a key"));
    }
    keys.dedup();
    assert_eq!(keys.len(), 6, "each state is a happening: {keys:?}");
    let old = changed("gitlab/deployment", |event| {
        event.as_object_mut().expect("an object").remove("ref");
    });
    assert_eq!(deployment(&old).reference, HEAD);
}

#[test]
fn an_installations_own_hook_says_what_it_is_about() {
    for name in ["gitlab/push", "gitlab/tag_push", "gitlab/tag_push.deleted"] {
        assert_eq!(push("System Hook", &payload(name)), push("Push Hook", &payload(name)), "{name}");
    }
    let nameless = changed("gitlab/push", |event| {
        event.as_object_mut().expect("an object").remove("object_kind");
    });
    assert_eq!(push("System Hook", &nameless), push("Push Hook", &payload("gitlab/push")));
    let merged = said("System Hook", &payload("gitlab/merge_request.merge"));
    assert!(matches!(&merged, ForgeEvent::Change(change) if change.action == ChangeAction::Merged), "{merged:?}");
    for other in [json!({ "event_name": "user_create" }), json!({ "object_kind": "issue" }), json!({})] {
        let body = serde_json::to_vec(&other).expect("JSON");
        assert_eq!(said("System Hook", &body), ForgeEvent::Other { name: "System Hook".to_owned() });
    }
}

#[test]
fn what_is_merely_uninteresting_is_not_even_read() {
    for event in ["Issue Hook", "Job Hook", "Wiki Page Hook", "Release Hook", "Feature Flag Hook", "X"] {
        for body in [payload("gitlab/issue"), b"not JSON".to_vec()] {
            assert_eq!(said(event, &body), ForgeEvent::Other { name: event.to_owned() });
        }
    }
    let notes = changed("gitlab/push", |event| event["ref"] = json!("refs/notes/commits"));
    assert_eq!(said("Push Hook", &notes), ForgeEvent::Other { name: "Push Hook".to_owned() });
}

#[test]
fn impossible_values_are_refused_by_field() {
    let field = |event: &str, field| ParseError::Field { event: event.to_owned(), field };
    for bad in ["", "shop", "acme/../x", "acme//shop", "acme/web/", "/acme/shop", "acme/sh op", "acme/shop\n", "a/ö"] {
        let body = changed("gitlab/push", |event| event["project"]["path_with_namespace"] = json!(bad));
        assert_eq!(refused("Push Hook", &body), field("Push Hook", "project.path_with_namespace"), "{bad:?}");
    }
    for bad in ["", "main", "9e8d7c6", "--upload-pack=x"] {
        let body = changed("gitlab/push", |event| event["after"] = json!(bad));
        assert_eq!(refused("Push Hook", &body), field("Push Hook", "after"), "{bad:?}");
        let body = changed("gitlab/tag_push", |event| event["checkout_sha"] = json!(bad));
        assert_eq!(refused("Tag Push Hook", &body), field("Tag Push Hook", "checkout_sha"), "{bad:?}");
        let body =
            changed("gitlab/merge_request.merge", |event| event["object_attributes"]["merge_commit_sha"] = json!(bad));
        let expected = field("Merge Request Hook", "object_attributes.merge_commit_sha");
        assert_eq!(refused("Merge Request Hook", &body), expected, "{bad:?}");
        let body =
            changed("gitlab/deployment", |event| event["commit_url"] = json!(format!("https://x/-/commit/{bad}")));
        assert_eq!(refused("Deployment Hook", &body), field("Deployment Hook", "commit_url"), "{bad:?}");
    }
    for event in ["Push Hook", "Tag Push Hook", "Merge Request Hook", "Pipeline Hook", "Deployment Hook"] {
        assert!(matches!(refused(event, b"{}"), ParseError::Malformed { .. }), "{event}");
    }
}
