//! Every example that GitHub's community collected, signed as GitHub signs it. The npm package `@octokit/webhooks-examples` is not part of this
//! repository: `DAVIT_WEBHOOK_EXAMPLES` names the directory that it is in, and without that only the payloads in
//! `tests/payloads` are read.

use crate::senders::{DELIVERY, SECRET, sender};
use crate::support::{form, payload};
use davit_domain::config::HookSignature;
use davit_forge::{ForgeEvent, ForgeKind, dedupe_key, parse};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;

/// One event in the package's `index.json`.
#[derive(Deserialize)]
struct Event {
    name: String,
    examples: Vec<Box<RawValue>>,
}

#[test]
fn our_payloads_are_understood() {
    for name in [
        "ping",
        "push.branch",
        "push.branch_created",
        "push.tag",
        "push.tag_deleted",
        "pull_request.closed",
        "pull_request.closed_merged",
        "pull_request.opened",
        "pull_request.opened_from_fork",
        "pull_request.synchronize",
        "create",
        "delete",
        "deployment",
        "deployment_status",
        "status",
        "check_run.created",
        "check_run.completed",
        "check_suite.completed",
        "merge_group",
    ] {
        let event = name.split('.').next().expect("the first part");
        assert_understood(event, &payload(name));
    }
}

#[test]
fn every_example_is_understood() {
    let Some(directory) = std::env::var_os("DAVIT_WEBHOOK_EXAMPLES") else {
        return;
    };
    let mut read = 0;
    for server in ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"] {
        let path = Path::new(&directory).join(server).join("index.json");
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let events: Vec<Event> = serde_json::from_slice(&text).expect("the package's index");
        for event in &events {
            for example in &event.examples {
                assert_understood(&event.name, example.get().as_bytes());
                read += 1;
            }
        }
    }
    assert!(read >= 329, "{read} examples are too few: is the package complete?");
}

/// Accepted when it is signed, as JSON and as a form; and what it says is what its event promises.
fn assert_understood(name: &str, payload: &[u8]) {
    let github = sender(ForgeKind::Github, HookSignature::HmacSha256);
    let as_form = form(payload);
    for (content_type, body) in
        [("application/json", payload), ("application/x-www-form-urlencoded", as_form.as_slice())]
    {
        let mut headers = github.genuine(body);
        headers.insert("x-github-event", HeaderValue::from_str(name).expect("a name"));
        headers.insert("content-type", HeaderValue::from_static(content_type));
        let verified = github.check_with(SECRET, &headers, body).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!((verified.event.as_str(), verified.delivery.as_str()), (name, DELIVERY));
        assert!(verified.payload == payload, "{name} as {content_type}");
    }
    let event = parse(ForgeKind::Github, None, name, payload).unwrap_or_else(|refusal| panic!("{refusal}"));
    let as_expected = match &event {
        ForgeEvent::Ping { .. } => name == "ping",
        ForgeEvent::Push(_) => ["push", "delete"].contains(&name),
        ForgeEvent::Change(_) => ["pull_request", "pull_request_review"].contains(&name),
        ForgeEvent::Comment(_) => name == "issue_comment",
        ForgeEvent::Deployment(_) => name == "deployment",
        ForgeEvent::DeploymentStatus(_) => name == "deployment_status",
        ForgeEvent::Check(_) => ["status", "check_run", "check_suite"].contains(&name),
        ForgeEvent::MergeGroup(_) => name == "merge_group",
        ForgeEvent::Other { name: other } => {
            // Wishes of people and Apps about checks change nothing.
            let acted_on = ["ping", "push", "delete", "pull_request", "deployment", "deployment_status", "status"];
            !acted_on.contains(&name) && name != "merge_group" && other == name
        }
    };
    assert!(as_expected, "{name}: {event:?}");
    let _ = dedupe_key(&event);
}
