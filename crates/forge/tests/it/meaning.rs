//! What it says: GitHub's payloads in the domain's words.

use crate::support::{changed, parsed, payload};
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::event::{
    ChangeAction, ChangeEvent, CheckEvent, DeploymentEvent, DeploymentStatusEvent, GitRef, MergeGroupEvent, Push,
};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_domain::time::Timestamp;
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
    let event = parsed("push", payload);
    let ForgeEvent::Push(push) = event else { panic!("{event:?}") };
    push
}

fn change(payload: &[u8]) -> ChangeEvent {
    let event = parsed("pull_request", payload);
    let ForgeEvent::Change(change) = event else { panic!("{event:?}") };
    change
}

fn check(event: &str, payload: &[u8]) -> CheckEvent {
    let event = parsed(event, payload);
    let ForgeEvent::Check(check) = event else { panic!("{event:?}") };
    check
}

fn at(text: &str) -> Option<Timestamp> {
    let quoted = serde_json::to_string(text).expect("a text");
    Some(serde_json::from_str(&quoted).expect("a time"))
}

fn refused(event: &str, payload: &[u8]) -> ParseError {
    parse(ForgeKind::Github, None, event, payload).expect_err("refused")
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
        word: Some("opened".into()),
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
fn a_deleted_branch_or_tag_is_told_twice_and_means_the_same() {
    let expected = Push {
        repository: "Codertocat/Hello-World".to_owned(),
        git_ref: GitRef::Tag("simple-tag".to_owned()),
        before: None,
        after: None,
        pusher: "Codertocat".to_owned(),
        title: String::new(),
    };
    assert_eq!(parsed("delete", &payload("delete")), ForgeEvent::Push(expected));
    for (kind, name) in [("branch", ""), ("repository", "x")] {
        let body = changed("delete", |payload| {
            payload["ref_type"] = json!(kind);
            payload["ref"] = json!(name);
        });
        assert_eq!(parsed("delete", &body), ForgeEvent::Other { name: "delete".to_owned() });
    }
}

#[test]
fn a_creation_names_no_commit_and_so_means_nothing() {
    assert_eq!(parsed("create", &payload("create")), ForgeEvent::Other { name: "create".to_owned() });
}

#[test]
fn a_deployment_is_asked_for() {
    let expected = DeploymentEvent {
        repository: "Codertocat/Hello-World".to_owned(),
        number: 145_988_746,
        environment: "production".to_owned(),
        commit: sha(BEFORE),
        reference: "master".to_owned(),
        description: String::new(),
        by: "Codertocat".to_owned(),
        payload: String::new(),
        state: ForgeDeploymentState::Pending,
    };
    assert_eq!(parsed("deployment", &payload("deployment")), ForgeEvent::Deployment(expected));
}

#[test]
fn what_a_deployments_maker_sent_along_stays_json() {
    let said = |payload: Value| {
        let body = changed("deployment", |event| {
            event["deployment"]["payload"] = payload;
            event["deployment"]["creator"] = Value::Null;
        });
        let event = parsed("deployment", &body);
        let ForgeEvent::Deployment(deployment) = event else { panic!("{event:?}") };
        assert_eq!(deployment.by, "Codertocat", "the sender, where the maker's account is gone");
        deployment.payload
    };
    assert_eq!(said(json!({ "davit": { "deployment": 17 } })), r#"{"davit":{"deployment":17}}"#);
    assert_eq!(said(json!("a text")), r#""a text""#);
    for nothing in [json!({}), json!(""), json!([]), Value::Null] {
        assert_eq!(said(nothing), "");
    }
}

#[test]
fn a_deployment_goes_on() {
    let expected = DeploymentStatusEvent {
        repository: "Codertocat/Hello-World".to_owned(),
        deployment: 145_988_746,
        environment: "production".to_owned(),
        commit: sha(BEFORE),
        state: ForgeDeploymentState::Success,
        description: String::new(),
        by: "Codertocat".to_owned(),
    };
    assert_eq!(parsed("deployment_status", &payload("deployment_status")), ForgeEvent::DeploymentStatus(expected));
    for (word, state) in [
        ("pending", ForgeDeploymentState::Pending),
        ("waiting", ForgeDeploymentState::Queued),
        ("queued", ForgeDeploymentState::Queued),
        ("in_progress", ForgeDeploymentState::InProgress),
        ("failure", ForgeDeploymentState::Failure),
        ("error", ForgeDeploymentState::Error),
        ("inactive", ForgeDeploymentState::Inactive),
        ("a state of the future", ForgeDeploymentState::Pending),
    ] {
        let body = changed("deployment_status", |event| event["deployment_status"]["state"] = json!(word));
        let event = parsed("deployment_status", &body);
        assert!(matches!(&event, ForgeEvent::DeploymentStatus(status) if status.state == state), "{word}: {event:?}");
    }
}

#[test]
fn commit_statuses_are_checks() {
    let expected = CheckEvent {
        repository: "Codertocat/Hello-World".to_owned(),
        commit: sha(FIRST),
        name: "default".to_owned(),
        state: CommitState::Success,
        description: String::new(),
        target_url: String::new(),
        at: at("2019-05-15T15:20:55Z"),
    };
    assert_eq!(check("status", &payload("status")), expected);
    for (word, state) in [
        ("pending", CommitState::Pending),
        ("failure", CommitState::Failure),
        ("error", CommitState::Error),
        ("a state of the future", CommitState::Pending),
    ] {
        let body = changed("status", |event| event["state"] = json!(word));
        assert_eq!(check("status", &body).state, state, "{word}");
    }
    let without_time = changed("status", |event| {
        event["updated_at"] = json!("yesterday");
        event["created_at"] = Value::Null;
    });
    assert_eq!(check("status", &without_time).at, None);
}

#[test]
fn check_runs_are_checks() {
    let created = check("check_run", &payload("check_run.created"));
    assert_eq!((created.name.as_str(), created.state), ("Octocoders-linter", CommitState::Pending));
    assert_eq!((created.description.as_str(), created.at), ("queued", at("2019-05-15T15:21:12Z")));
    assert_eq!(created.target_url, "https://github.com/Codertocat/Hello-World/runs/128620228");
    assert_eq!(check("check_run", &payload("check_run.completed")).state, CommitState::Success);
    for (conclusion, state) in [
        ("neutral", CommitState::Success),
        ("skipped", CommitState::Success),
        ("failure", CommitState::Failure),
        ("timed_out", CommitState::Failure),
        ("action_required", CommitState::Failure),
        ("cancelled", CommitState::Error),
        ("stale", CommitState::Error),
        ("startup_failure", CommitState::Error),
        ("a conclusion of the future", CommitState::Error),
    ] {
        let body = changed("check_run.completed", |event| event["check_run"]["conclusion"] = json!(conclusion));
        let check = check("check_run", &body);
        assert_eq!((check.state, check.description.as_str()), (state, conclusion));
    }
    let titled = changed("check_run.completed", |event| {
        event["check_run"]["output"]["title"] = json!("2 warnings");
        event["check_run"]["html_url"] = Value::Null;
    });
    let titled = check("check_run", &titled);
    assert_eq!((titled.description.as_str(), titled.target_url.as_str()), ("2 warnings", "https://octocoders.io"));
    for wish in ["rerequested", "requested_action"] {
        let body = changed("check_run.completed", |event| event["action"] = json!(wish));
        assert_eq!(parsed("check_run", &body), ForgeEvent::Other { name: "check_run".to_owned() });
    }
}

#[test]
fn check_suites_count_when_they_are_done() {
    let suite = check("check_suite", &payload("check_suite.completed"));
    assert_eq!((suite.name.as_str(), suite.state), ("github-actions", CommitState::Success));
    assert_eq!((suite.description.as_str(), suite.at), ("success", at("2019-05-15T15:21:14Z")));
    let old = changed("check_suite.completed", |event| {
        event["check_suite"]["app"].as_object_mut().expect("an object").remove("slug");
    });
    assert_eq!(check("check_suite", &old).name, "octocoders-linter");
    let nobodys = changed("check_suite.completed", |event| event["check_suite"]["app"] = Value::Null);
    assert_eq!(check("check_suite", &nobodys).name, "check suite");
    for action in ["requested", "rerequested"] {
        let body = changed("check_suite.completed", |event| event["action"] = json!(action));
        assert_eq!(parsed("check_suite", &body), ForgeEvent::Other { name: "check_suite".to_owned() });
    }
}

#[test]
fn a_merge_queue_asks_for_checks() {
    let group = |requested| {
        ForgeEvent::MergeGroup(MergeGroupEvent {
            repository: "octo-org/octo-repo".to_owned(),
            head: sha("2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d"),
            head_branch: "gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64".to_owned(),
            base_branch: "main".to_owned(),
            requested,
        })
    };
    assert_eq!(parsed("merge_group", &payload("merge_group")), group(true));
    let gone = changed("merge_group", |event| event["action"] = json!("destroyed"));
    assert_eq!(parsed("merge_group", &gone), group(false));
    for (field, name) in [("head_ref", "merge_group.head_ref"), ("base_ref", "merge_group.base_ref")] {
        for bad in ["main", "refs/tags/v1", "refs/heads/"] {
            let body = changed("merge_group", |event| event["merge_group"][field] = json!(bad));
            let expected = ParseError::Field { event: "merge_group".to_owned(), field: name };
            assert_eq!(refused("merge_group", &body), expected, "{bad:?}");
        }
    }
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
        for event in [
            "push",
            "pull_request",
            "delete",
            "deployment",
            "deployment_status",
            "status",
            "check_run",
            "check_suite",
            "merge_group",
        ] {
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

    let merged = key("pull_request", &payload("pull_request.closed_merged"));
    let found_out = changed("pull_request.closed_merged", |payload| {
        payload["pull_request"]["head"]["sha"] = payload["pull_request"]["merge_commit_sha"].clone();
        payload["pull_request"]["number"] = json!(7);
    });
    assert_eq!(key("pull_request", &found_out), merged, "a merge is known by the commit that it made");

    let mut keys = vec![moved];
    for name in ["push.branch_created", "push.tag", "push.tag_deleted"] {
        keys.push(key("push", &payload(name)));
    }
    for name in ["opened", "synchronize", "closed", "closed_merged"] {
        keys.push(key("pull_request", &payload(&format!("pull_request.{name}"))));
    }
    let same_name = changed("push.tag", |payload| payload["ref"] = json!("refs/heads/simple-tag"));
    keys.push(key("push", &same_name));
    for name in ["delete", "deployment", "merge_group"] {
        keys.push(key(name, &payload(name)));
    }
    let another = changed("deployment", |event| event["deployment"]["id"] = json!(2));
    keys.push(key("deployment", &another));
    let gone = changed("merge_group", |event| event["action"] = json!("destroyed"));
    keys.push(key("merge_group", &gone));
    assert!(keys.iter().all(Option::is_some));
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

#[test]
fn what_may_happen_twice_has_no_key() {
    let labelled = changed("pull_request.opened", |payload| payload["action"] = json!("labeled"));
    assert_eq!(dedupe_key(&parsed("pull_request", &labelled)), None);
    for (event, name) in [
        ("ping", "ping"),
        ("status", "status"),
        ("check_run", "check_run.completed"),
        ("check_suite", "check_suite.completed"),
        ("deployment_status", "deployment_status"),
        ("create", "create"),
    ] {
        assert_eq!(dedupe_key(&parsed(event, &payload(name))), None, "{name}");
    }
    assert_eq!(dedupe_key(&parsed("star", b"{}")), None);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(
        name in prop::sample::select(vec![
            "push.branch", "push.tag", "pull_request.opened", "ping", "delete", "deployment", "deployment_status", "status",
            "check_run.completed", "check_suite.completed", "merge_group",
        ]),
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
        let _ = parse(ForgeKind::Github, None, event, &body);
    }
}
