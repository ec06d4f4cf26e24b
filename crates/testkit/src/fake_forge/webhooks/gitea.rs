//! Gitea's payloads and headers: its own, and the copies under the names of Gogs and GitHub.
//!
//! Sources, of github.com/go-gitea/gitea: `modules/structs/hook.go`, `services/webhook/{notifier,deliver}.go` (the
//! signature covers the JSON also where the body is a form); forgejo.org for the `X-Forgejo-*` copies.

use super::super::Shared;
use super::super::model::{Change, Review};
use super::{Envelope, NewComment, NewPullRequest, NewPush, NewStatus, Signing, Told, body, halves, hex, sha1, sha256};
use serde_json::{Value, json};

const DATE: &str = "2026-01-31T12:00:00Z";

pub(super) fn push(shared: &Shared, push: &NewPush<'_>) -> Told {
    let head = push.after.map(|after| {
        let author = json!({ "name": push.pusher, "email": "", "username": push.pusher });
        json!({
            "id": after.as_str(),
            "message": push.message,
            "url": format!("{}/{}/commit/{after}", shared.web_url, push.repository),
            "author": author,
            "committer": author,
            "timestamp": DATE,
        })
    });
    let payload = json!({
        "ref": push.git_ref,
        "before": push.before(),
        "after": push.after(),
        "compare_url": format!("{}/{}/compare/{}...{}", shared.web_url, push.repository, push.before(), push.after()),
        "commits": head.iter().collect::<Vec<_>>(),
        "total_commits": i32::from(head.is_some()),
        "head_commit": head,
        "repository": repository(shared, push.repository),
        "pusher": user(push.pusher),
        "sender": user(push.pusher),
    });
    Told::new("push", payload)
}

pub(super) fn change(shared: &Shared, new: &NewPullRequest<'_>) -> Told {
    let action = if new.action == "synchronize" { "synchronized" } else { new.action };
    let mut pull_request = shared.gitea_pull_request(&Change::of(new));
    if new.action == "closed" {
        pull_request["state"] = json!("closed");
    }
    if let Some(merged) = new.merge_commit {
        pull_request["merged"] = json!(true);
        pull_request["merged_at"] = json!(DATE);
        pull_request["merge_commit_sha"] = json!(merged.as_str());
    }
    let payload = json!({
        "action": action,
        "number": new.number,
        "pull_request": pull_request,
        "repository": repository(shared, new.repository),
        "sender": user(new.author),
        "commit_id": "",
        "review": null,
    });
    Told::new("pull_request", payload)
}

pub(super) fn comment(shared: &Shared, new: &NewComment<'_>) -> Told {
    let payload = json!({
        "action": "created",
        "issue": { "id": 1000 + new.number, "number": new.number, "state": "open", "user": user("author") },
        "comment": { "id": 7, "user": user(new.author), "body": new.text, "created_at": DATE, "updated_at": DATE },
        "repository": repository(shared, new.repository),
        "sender": user(new.author),
        "is_pull": true,
    });
    Told::new("issue_comment", payload)
}

pub(super) fn review(shared: &Shared, new: &NewPullRequest<'_>, reviewer: &str, review: Review) -> Told {
    let (event, kind) = match review {
        Review::Approved => ("pull_request_approved", "pull_request_review_approved"),
        Review::ChangesRequested => ("pull_request_rejected", "pull_request_review_rejected"),
    };
    let payload = json!({
        "action": "reviewed",
        "number": new.number,
        "pull_request": shared.gitea_pull_request(&Change::of(new)),
        "repository": repository(shared, new.repository),
        "sender": user(reviewer),
        "commit_id": "",
        "review": { "type": kind, "content": "" },
    });
    Told::new(event, payload)
}

pub(super) fn status(shared: &Shared, new: &NewStatus<'_>) -> Told {
    let payload = json!({
        "context": new.name,
        "created_at": DATE,
        "description": new.description,
        "id": 1,
        "sha": new.commit.as_str(),
        "state": new.state.as_str(),
        "target_url": new.target_url,
        "updated_at": DATE,
        "commit": { "id": new.commit.as_str() },
        "repository": repository(shared, new.repository),
        "sender": user("ci"),
    });
    Told::new("status", payload)
}

fn user(login: &str) -> Value {
    json!({ "id": 1, "login": login, "full_name": format!("{login} themself"), "email": "", "username": login })
}

fn repository(shared: &Shared, full_name: &str) -> Value {
    let (owner, name) = halves(full_name);
    json!({
        "id": shared.repository_id(full_name),
        "owner": user(owner),
        "name": name,
        "full_name": full_name,
        "private": true,
        "html_url": format!("{}/{full_name}", shared.web_url),
        "clone_url": format!("{}/{full_name}.git", shared.web_url),
        "default_branch": "main",
    })
}

/// Without a secret the headers of the signature are there, and empty.
pub(super) fn envelope(event: &str, guid: &str, json: &[u8], signing: &Signing) -> Envelope {
    let (content_type, body) = body(json, signing.form);
    let key = signing.secret.as_bytes();
    let signed = |signature: Vec<u8>| if key.is_empty() { String::new() } else { hex(&signature) };
    let (bare, old) = (signed(sha256(key, json)), signed(sha1(key, json)));
    let synchronized = serde_json::from_slice::<Value>(json).is_ok_and(|told| told["action"] == "synchronized");
    let detailed = if synchronized { "pull_request_sync" } else { event };
    let mut headers = vec![("content-type", content_type), ("user-agent", "Go-http-client/1.1".to_owned())];
    for (delivery, name, detail) in [
        ("x-gitea-delivery", "x-gitea-event", "x-gitea-event-type"),
        ("x-forgejo-delivery", "x-forgejo-event", "x-forgejo-event-type"),
        ("x-gogs-delivery", "x-gogs-event", "x-gogs-event-type"),
        ("x-github-delivery", "x-github-event", "x-github-event-type"),
    ] {
        headers.push((delivery, guid.to_owned()));
        headers.push((name, event.to_owned()));
        headers.push((detail, detailed.to_owned()));
    }
    for name in ["x-gitea-signature", "x-forgejo-signature", "x-gogs-signature"] {
        headers.push((name, bare.clone()));
    }
    headers.push(("x-hub-signature", format!("sha1={old}")));
    headers.push(("x-hub-signature-256", format!("sha256={bare}")));
    (headers, body)
}
