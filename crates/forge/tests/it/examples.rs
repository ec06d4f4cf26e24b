//! Every example that GitHub's community collected. The npm package `@octokit/webhooks-examples` is not part of this
//! repository: `DAVIT_WEBHOOK_EXAMPLES` names the directory that it is in, and without that only the payloads in
//! `tests/payloads` are read.

use crate::support::payload;
use davit_forge::{ForgeEvent, ForgeKind, dedupe_key, parse};
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

fn assert_understood(name: &str, payload: &[u8]) {
    let event = parse(ForgeKind::Github, name, payload).unwrap_or_else(|refusal| panic!("{refusal}"));
    let as_expected = match &event {
        ForgeEvent::Ping { .. } => name == "ping",
        ForgeEvent::Push(_) => name == "push",
        ForgeEvent::Change(_) => name == "pull_request",
        ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_) => false,
        ForgeEvent::Other { name: other } => !["ping", "push", "pull_request"].contains(&name) && other == name,
    };
    assert!(as_expected, "{name}: {event:?}");
    let _ = dedupe_key(&event);
}
