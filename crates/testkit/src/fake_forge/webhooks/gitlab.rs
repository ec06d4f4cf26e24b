//! GitLab's payloads and headers.
//!
//! Sources: docs.gitlab.com/user/project/integrations/webhook_events for the payloads, .../webhooks for the headers
//! and the signing token (Standard Webhooks); `app/services/web_hook_service.rb` of gitlab-org/gitlab.

use super::super::Shared;
use super::super::model::Review;
use super::{
    Envelope, NewComment, NewDeployment, NewPullRequest, NewPush, NewStatus, Signing, Told, base64, halves, hex, sha256,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::HookSignature;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use serde_json::{Value, json};

const DATE: &str = "2026-01-31T12:00:00Z";

pub(super) fn push(shared: &Shared, push: &NewPush<'_>) -> Told {
    let (object_kind, event) = if push.is_tag() { ("tag_push", "Tag Push Hook") } else { ("push", "Push Hook") };
    let commits = match push.after {
        None => json!([]),
        Some(after) => json!([commit(shared, push.repository, after, push.message, push.pusher)]),
    };
    let payload = json!({
        "object_kind": object_kind,
        "event_name": object_kind,
        "before": push.before(),
        "after": push.after(),
        "ref": push.git_ref,
        "ref_protected": true,
        "checkout_sha": push.after.map(CommitSha::as_str),
        "message": null,
        "user_id": 4,
        "user_name": push.pusher,
        "user_username": push.pusher,
        "user_email": "",
        "project_id": shared.repository_id(push.repository),
        "project": project(shared, push.repository),
        "commits": commits,
        "total_commits_count": i32::from(push.after.is_some()),
        "push_options": {},
        "repository": { "name": halves(push.repository).1, "homepage": format!("{}/{}", shared.web_url, push.repository) },
    });
    Told::new(event, payload)
}

fn commit(shared: &Shared, repository: &str, sha: &CommitSha, message: &str, author: &str) -> Value {
    json!({
        "id": sha.as_str(),
        "message": message,
        "title": message.lines().next(),
        "timestamp": DATE,
        "url": format!("{}/{repository}/-/commit/{sha}", shared.web_url),
        "author": { "name": author, "email": "[REDACTED]" },
        "added": [],
        "modified": ["README.md"],
        "removed": [],
    })
}

/// The names that people read differ from the path on purpose.
fn project(shared: &Shared, path: &str) -> Value {
    let (namespace, name) = halves(path);
    json!({
        "id": shared.repository_id(path),
        "name": format!("The {name}"),
        "description": "",
        "web_url": format!("{}/{path}", shared.web_url),
        "avatar_url": null,
        "git_ssh_url": format!("git@{}:{path}.git", shared.host()),
        "git_http_url": format!("{}/{path}.git", shared.web_url),
        "namespace": format!("The people of {namespace}"),
        "visibility_level": 0,
        "path_with_namespace": path,
        "default_branch": "main",
    })
}

pub(super) fn change(shared: &Shared, new: &NewPullRequest<'_>) -> Told {
    let (action, state) = match (new.action, new.merge_commit) {
        ("opened", _) => ("open", "opened"),
        ("reopened", _) => ("reopen", "opened"),
        ("closed", Some(_)) => ("merge", "merged"),
        ("closed", None) => ("close", "closed"),
        _ => ("update", "opened"),
    };
    let mut attributes = json!({
        "id": 99,
        "iid": new.number,
        "target_branch": new.base_branch,
        "source_branch": new.head_branch,
        "source_project_id": new.head_repository.map(|name| shared.repository_id(name)),
        "target_project_id": shared.repository_id(new.repository),
        "author_id": 4,
        "title": new.title,
        "created_at": DATE,
        "updated_at": DATE,
        "state": state,
        "draft": new.draft,
        "work_in_progress": new.draft,
        "merge_status": "unchecked",
        "merge_commit_sha": new.merge_commit.map(CommitSha::as_str),
        "source": new.head_repository.map(|name| project(shared, name)),
        "target": project(shared, new.repository),
        "last_commit": commit(shared, new.repository, new.head, new.title, new.author),
        "labels": [],
        "url": format!("{}/{}/-/merge_requests/{}", shared.web_url, new.repository, new.number),
        "action": action,
    });
    // Only commits that are pushed leave a trace of what was there before.
    if new.action == "synchronize" {
        attributes["oldrev"] = json!("e59094b8de0f2f91abbe4760a52d9137260252d8");
    }
    let payload = json!({
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": user(new.author),
        "project": project(shared, new.repository),
        "object_attributes": attributes,
        "labels": [],
        "changes": {},
        "repository": { "name": halves(new.repository).1 },
    });
    Told::new("Merge Request Hook", payload)
}

pub(super) fn comment(shared: &Shared, new: &NewComment<'_>) -> Told {
    let payload = json!({
        "object_kind": "note",
        "event_type": "note",
        "user": user(new.author),
        "project_id": shared.repository_id(new.repository),
        "project": project(shared, new.repository),
        "repository": { "name": halves(new.repository).1 },
        "object_attributes": {
            "id": 1244,
            "note": new.text,
            "noteable_type": "MergeRequest",
            "author_id": 4,
            "created_at": DATE,
            "updated_at": DATE,
            "project_id": shared.repository_id(new.repository),
            "system": false,
            "internal": false,
            "action": "create",
            "url": format!("{}/{}/-/merge_requests/{}#note_1244", shared.web_url, new.repository, new.number),
        },
        "merge_request": { "id": 99, "iid": new.number, "state": "opened" },
    });
    Told::new("Note Hook", payload)
}

/// Who wants changes only comments, for a GitLab without a licence.
pub(super) fn review(shared: &Shared, new: &NewPullRequest<'_>, reviewer: &str, review: Review) -> Told {
    let mut told = change(shared, new);
    told.payload["user"] = user(reviewer);
    told.payload["user"]["id"] = json!(5);
    told.payload["object_attributes"]["action"] = json!(match review {
        Review::Approved => "approved",
        Review::ChangesRequested => "unapproved",
    });
    told
}

fn user(login: &str) -> Value {
    json!({ "id": 4, "name": format!("{login} themself"), "username": login, "email": "[REDACTED]" })
}

pub(super) fn deployment(shared: &Shared, new: &NewDeployment<'_>, status: &str) -> Told {
    let payload = json!({
        "object_kind": "deployment",
        "status": status,
        "status_changed_at": "2026-01-31 12:00:00 +0000",
        "deployment_id": new.number,
        "deployable_id": null,
        "deployable_url": null,
        "environment": new.environment,
        "environment_tier": "production",
        "environment_slug": new.environment,
        "environment_external_url": null,
        "project": project(shared, new.repository),
        "ref": new.reference,
        "short_sha": &new.commit.as_str()[..8],
        "user": user(new.by),
        "user_url": format!("{}/{}", shared.web_url, new.by),
        "commit_url": format!("{}/{}/-/commit/{}", shared.web_url, new.repository, new.commit),
        "commit_title": new.description,
    });
    Told::new("Deployment Hook", payload)
}

pub(super) fn pipeline(shared: &Shared, new: &NewStatus<'_>) -> Told {
    let status = match new.state {
        CommitState::Pending => "running",
        CommitState::Success => "success",
        CommitState::Failure => "failed",
        CommitState::Error => "canceled",
    };
    let payload = json!({
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 31,
            "iid": 3,
            "name": new.name,
            "ref": "main",
            "tag": false,
            "sha": new.commit.as_str(),
            "before_sha": "bcbb5ec396a2c0f828686f14fac9b80b780504f2",
            "source": "external",
            "status": status,
            "detailed_status": status,
            "stages": ["external"],
            "url": new.target_url,
        },
        "user": user("ci"),
        "project": project(shared, new.repository),
        "commit": commit(shared, new.repository, new.commit, new.description, "ci"),
        "builds": [],
    });
    Told::new("Pipeline Hook", payload)
}

/// GitLab's body is always JSON.
pub(super) fn envelope(shared: &Shared, event: &str, guid: &str, json: &[u8], signing: &Signing) -> Envelope {
    let attempt = hex(&sha256(guid.as_bytes(), &shared.now().to_be_bytes()));
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", "GitLab/18.5.0".to_owned()),
        ("idempotency-key", guid.to_owned()),
        ("x-gitlab-event", event.to_owned()),
        ("x-gitlab-instance", shared.web_url.clone()),
        // New with each attempt, and shared by hooks that set off each other: neither names a delivery.
        ("x-gitlab-webhook-uuid", attempt[..32].to_owned()),
        ("x-gitlab-event-uuid", "9cebe914-4827-408f-b014-cfa23a47a35f".to_owned()),
    ];
    if signing.signature == HookSignature::StandardWebhooks {
        let seconds = shared.now().div_euclid(1000).to_string();
        let key = signing.secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let signed = [guid.as_bytes(), b".", seconds.as_bytes(), b".", json].concat();
        let signature = sha256(&key.expect("a signing token is whsec_ and base64"), &signed);
        headers.push(("webhook-id", guid.to_owned()));
        headers.push(("webhook-timestamp", seconds));
        headers.push(("webhook-signature", format!("v1,{}", base64(&signature))));
    } else if !signing.secret.is_empty() {
        headers.push(("x-gitlab-token", signing.secret.clone()));
    }
    (headers, json.to_vec())
}
