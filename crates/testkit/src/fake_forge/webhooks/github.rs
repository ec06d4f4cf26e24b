//! GitHub's payloads: real ones (npm `@octokit/webhooks-examples`), moved to this server and this repository. The
//! smaller events are written out; their fields are those of docs.github.com/webhooks/webhook-events-and-payloads.

use super::super::Shared;
use super::super::model::{Change, Review};
use super::{
    Envelope, NewComment, NewDeployment, NewPullRequest, NewPush, NewStatus, Signing, Told, body, halves, hex, sha1,
    sha256,
};
use davit_domain::config::HookSignature;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use serde_json::{Value, json};

const PUSH: &str = include_str!("../../../../forge/tests/payloads/push.branch.json");
const PING: &str = include_str!("../../../../forge/tests/payloads/ping.json");
const PULL_REQUEST: &str = include_str!("../../../../forge/tests/payloads/pull_request.opened.json");
const DATE: &str = "2026-01-31T12:00:00Z";

pub(super) fn ping(shared: &Shared, repository: &str) -> Told {
    let mut payload = template(shared, PING, repository);
    payload["hook"]["config"]["content_type"] = json!("json");
    Told::new("ping", payload)
}

pub(super) fn push(shared: &Shared, push: &NewPush<'_>) -> Told {
    let mut payload = template(shared, PUSH, push.repository);
    payload["ref"] = json!(push.git_ref);
    payload["before"] = json!(push.before());
    payload["after"] = json!(push.after());
    payload["created"] = json!(push.before.is_none());
    payload["deleted"] = json!(push.after.is_none());
    payload["pusher"]["name"] = json!(push.pusher);
    payload["sender"]["login"] = json!(push.pusher);
    if let Some(after) = push.after {
        payload["head_commit"]["id"] = json!(after.as_str());
        payload["head_commit"]["message"] = json!(push.message);
        payload["commits"] = json!([payload["head_commit"]]);
    } else {
        payload["head_commit"] = Value::Null;
        payload["commits"] = json!([]);
    }
    Told::new("push", payload)
}

pub(super) fn change(shared: &Shared, new: &NewPullRequest<'_>) -> Told {
    let mut payload = template(shared, PULL_REQUEST, new.repository);
    payload["action"] = json!(new.action);
    payload["number"] = json!(new.number);
    payload["pull_request"] = pull_request(shared, &Change::of(new));
    let pull_request = &mut payload["pull_request"];
    pull_request["state"] = json!(if new.action == "closed" { "closed" } else { "open" });
    pull_request["merged"] = json!(new.merge_commit.is_some());
    pull_request["merge_commit_sha"] = json!(new.merge_commit.map(CommitSha::as_str));
    Told::new("pull_request", payload)
}

pub(super) fn comment(shared: &Shared, new: &NewComment<'_>) -> Told {
    let mut payload = framed(shared, new.repository, new.author);
    let url = format!("{}/repos/{}/pulls/{}", shared.api_url(), new.repository, new.number);
    let more = json!({
        "action": "created",
        "issue": {
            "number": new.number,
            "title": "",
            "state": "open",
            "user": user("author"),
            "labels": [],
            "pull_request": { "url": url, "html_url": url, "diff_url": url, "patch_url": url, "merged_at": null },
        },
        "comment": {
            "id": 99_262_140,
            "user": user(new.author),
            "body": new.text,
            "author_association": "NONE",
            "created_at": DATE,
            "updated_at": DATE,
        },
    });
    merge(&mut payload, more);
    Told::new("issue_comment", payload)
}

/// The pull request in it lacks some fields that its own events have.
pub(super) fn review(shared: &Shared, new: &NewPullRequest<'_>, reviewer: &str, review: Review) -> Told {
    let mut payload = framed(shared, new.repository, reviewer);
    let mut shown = pull_request(shared, &Change::of(new));
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| !["merged", "mergeable", "mergeable_state", "merged_by"].contains(&name.as_str()));
    }
    let more = json!({
        "action": "submitted",
        "review": {
            "id": 237_895_671,
            "user": user(reviewer),
            "body": null,
            "commit_id": new.head.as_str(),
            "submitted_at": DATE,
            "state": match review {
                Review::Approved => "approved",
                Review::ChangesRequested => "changes_requested",
            },
            "author_association": "COLLABORATOR",
        },
        "pull_request": shown,
    });
    merge(&mut payload, more);
    Told::new("pull_request_review", payload)
}

/// An open pull request, as it is in payloads and in lists.
pub(in super::super) fn pull_request(shared: &Shared, change: &Change) -> Value {
    let mut pull_request = template(shared, PULL_REQUEST, &change.repository)["pull_request"].take();
    pull_request["number"] = json!(change.number);
    pull_request["html_url"] = json!(format!("{}/{}/pull/{}", shared.web_url, change.repository, change.number));
    pull_request["title"] = json!(change.title);
    pull_request["user"]["login"] = json!(change.author);
    pull_request["draft"] = json!(change.draft);
    let label = |name: &String| json!({ "id": 208_045_946, "name": name, "color": "ededed", "default": false });
    pull_request["labels"] = change.labels.iter().map(label).collect();
    pull_request["auto_merge"] = if change.auto_merge {
        json!({ "enabled_by": user("someone"), "merge_method": "merge", "commit_title": null, "commit_message": null })
    } else {
        Value::Null
    };
    pull_request["state"] = json!(if change.is_open() { "open" } else { "closed" });
    pull_request["head"]["ref"] = json!(change.head_branch);
    pull_request["head"]["sha"] = json!(change.head.as_str());
    pull_request["base"]["ref"] = json!(change.base_branch);
    match &change.head_repository {
        Some(head) => rename(&mut pull_request["head"]["repo"], head),
        None => pull_request["head"]["repo"] = Value::Null,
    }
    pull_request
}

pub(super) fn deployment(shared: &Shared, new: &NewDeployment<'_>) -> Told {
    let mut payload = framed(shared, new.repository, new.by);
    payload["action"] = json!("created");
    payload["deployment"] = deployment_object(shared, new);
    Told::new("deployment", payload)
}

fn deployment_object(shared: &Shared, new: &NewDeployment<'_>) -> Value {
    let url = format!("{}/repos/{}/deployments/{}", shared.api_url(), new.repository, new.number);
    json!({
        "url": url,
        "id": new.number,
        "sha": new.commit.as_str(),
        "ref": new.reference,
        "task": "deploy",
        "payload": new.payload(),
        "original_environment": new.environment,
        "environment": new.environment,
        "description": if new.description.is_empty() { Value::Null } else { json!(new.description) },
        "creator": user(new.by),
        "created_at": DATE,
        "updated_at": DATE,
        "statuses_url": format!("{url}/statuses"),
    })
}

pub(super) fn deployment_status(shared: &Shared, of: &NewDeployment<'_>, state: &str) -> Told {
    let mut payload = deployment(shared, of).payload;
    payload["deployment_status"] = json!({
        "id": 1,
        "state": state,
        "creator": user(of.by),
        "description": "",
        "environment": of.environment,
        "target_url": "",
        "log_url": "",
        "environment_url": "",
        "created_at": DATE,
        "updated_at": DATE,
    });
    Told::new("deployment_status", payload)
}

pub(super) fn status(shared: &Shared, new: &NewStatus<'_>) -> Told {
    let mut payload = framed(shared, new.repository, "ci");
    let more = json!({
        "id": 1,
        "sha": new.commit.as_str(),
        "name": new.repository,
        "target_url": if new.target_url.is_empty() { Value::Null } else { json!(new.target_url) },
        "context": new.name,
        "description": new.description,
        "state": new.state.as_str(),
        "commit": { "sha": new.commit.as_str() },
        "branches": [{ "name": "main", "commit": { "sha": new.commit.as_str() }, "protected": false }],
        "created_at": DATE,
        "updated_at": DATE,
    });
    merge(&mut payload, more);
    Told::new("status", payload)
}

pub(super) fn check_run(shared: &Shared, new: &NewStatus<'_>) -> Told {
    let mut payload = framed(shared, new.repository, "ci");
    let (action, status, conclusion) = match new.state {
        CommitState::Pending => ("created", "in_progress", Value::Null),
        CommitState::Success => ("completed", "completed", json!("success")),
        CommitState::Failure => ("completed", "completed", json!("failure")),
        CommitState::Error => ("completed", "completed", json!("cancelled")),
    };
    let more = json!({
        "action": action,
        "check_run": {
            "id": 128_620_228,
            "head_sha": new.commit.as_str(),
            "external_id": "",
            "html_url": new.target_url,
            "details_url": new.target_url,
            "status": status,
            "conclusion": conclusion,
            "started_at": DATE,
            "completed_at": if conclusion.is_null() { Value::Null } else { json!(DATE) },
            "output": { "title": new.description, "summary": "", "text": null, "annotations_count": 0 },
            "name": new.name,
            "check_suite": { "id": 118_578_147, "head_branch": "main", "head_sha": new.commit.as_str() },
            "app": { "id": 1, "slug": "ci", "name": "ci" },
            "pull_requests": [],
        },
    });
    merge(&mut payload, more);
    Told::new("check_run", payload)
}

/// What every payload has: the repository and who did it.
fn framed(shared: &Shared, repository: &str, sender: &str) -> Value {
    let push = template(shared, PUSH, repository);
    json!({ "repository": push["repository"], "sender": user(sender) })
}

fn user(login: &str) -> Value {
    json!({ "login": login, "id": 1, "type": "User", "site_admin": false })
}

fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { unreachable!("both are objects") };
    into.extend(more);
}

/// A real payload, moved to this server and this repository.
fn template(shared: &Shared, text: &str, repository: &str) -> Value {
    let text = text
        .replace("Codertocat/Hello-World", repository)
        .replace("https://api.github.com", &shared.api_url())
        .replace("https://github.com", &shared.web_url);
    let mut payload: Value = serde_json::from_str(&text).expect("the payload is JSON");
    for path in ["/repository", "/pull_request/base/repo"] {
        if let Some(repo) = payload.pointer_mut(path) {
            rename(repo, repository);
        }
    }
    payload
}

/// Gives a repository object another name, where it is read.
fn rename(repo: &mut Value, full_name: &str) {
    let (owner, name) = halves(full_name);
    repo["full_name"] = json!(full_name);
    repo["name"] = json!(name);
    repo["owner"]["login"] = json!(owner);
}

/// Old installations sign with SHA-1 alone; the others with both.
pub(super) fn envelope(shared: &Shared, event: &str, guid: &str, json: &[u8], signing: &Signing) -> Envelope {
    let (content_type, body) = body(json, signing.form);
    let key = signing.secret.as_bytes();
    let mut headers = vec![
        ("content-type", content_type),
        ("user-agent", "GitHub-Hookshot/davit".to_owned()),
        ("accept", "*/*".to_owned()),
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", guid.to_owned()),
        ("x-github-hook-id", "109948940".to_owned()),
        ("x-github-hook-installation-target-type", "repository".to_owned()),
        ("x-github-enterprise-host", shared.host().to_owned()),
    ];
    if !key.is_empty() {
        headers.push(("x-hub-signature", format!("sha1={}", hex(&sha1(key, &body)))));
        if signing.signature != HookSignature::HmacSha1 {
            headers.push(("x-hub-signature-256", format!("sha256={}", hex(&sha256(key, &body)))));
        }
    }
    (headers, body)
}
