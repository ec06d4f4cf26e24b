//! Gitee's payloads and headers. The secret, or the signature of the time, is in the body as well; nothing signs the
//! body, and no header names the delivery.
//!
//! Sources: gitee.com/help/articles/4186 (payloads: `full_name` is written as people read it, the path is
//! `path_with_namespace`), /4290 (the signature), /4271 (the fields).

use super::super::Shared;
use super::super::model::{Change, Review};
use super::{Envelope, NewComment, NewPullRequest, NewPush, Signing, Told, base64, halves, sha256};
use davit_domain::config::HookSignature;
use davit_domain::ids::CommitSha;
use serde_json::{Value, json};

const DATE: &str = "2026-01-31T20:00:00+08:00";
/// Marks a payload as that of a trial; the envelope turns it into the header.
const PING: &str = "davit_fake_ping";

/// A trial is a push with a header that says so.
pub(super) fn ping(shared: &Shared, repository: &str) -> Told {
    let commit = CommitSha::try_from("1cdcd819599cbb4099289dbbec762452f006cb40".to_owned()).expect("a SHA");
    let mut told = push(
        shared,
        &NewPush {
            repository,
            git_ref: "refs/heads/main",
            before: None,
            after: Some(&commit),
            message: "Update README.md",
            pusher: "robot",
        },
    );
    told.payload[PING] = json!(true);
    told
}

pub(super) fn push(shared: &Shared, push: &NewPush<'_>) -> Told {
    let (hook_name, event) =
        if push.is_tag() { ("tag_push_hooks", "Tag Push Hook") } else { ("push_hooks", "Push Hook") };
    let head = push.after.map(|after| {
        json!({
            "id": after.as_str(),
            "tree_id": "db78f3594ec0683f5d857ef731df0d860f14f2b2",
            "distinct": true,
            "message": push.message,
            "timestamp": DATE,
            "url": format!("{}/{}/commit/{after}", shared.web_url, push.repository),
            "author": user(shared, push.pusher),
            "committer": user(shared, push.pusher),
            "added": null,
            "removed": null,
            "modified": ["README.md"],
        })
    });
    let payload = json!({
        "hook_name": hook_name,
        "hook_id": 1,
        "hook_url": format!("{}/{}/hooks/1/edit", shared.web_url, push.repository),
        "ref": push.git_ref,
        "before": push.before(),
        "after": push.after(),
        "created": push.before.is_none(),
        "deleted": push.after.is_none(),
        "compare": format!("{}/{}/compare/{}...{}", shared.web_url, push.repository, push.before(), push.after()),
        "commits": head.iter().collect::<Vec<_>>(),
        "head_commit": head,
        "total_commits_count": i32::from(head.is_some()),
        "commits_more_than_ten": false,
        "repository": repository(shared, push.repository),
        "project": repository(shared, push.repository),
        "user_name": push.pusher,
        "user": user(shared, push.pusher),
        "pusher": user(shared, push.pusher),
        "sender": user(shared, push.pusher),
        "enterprise": null,
    });
    Told::new(event, payload)
}

pub(super) fn change(shared: &Shared, new: &NewPullRequest<'_>) -> Told {
    let (action, description, state) = match (new.action, new.merge_commit) {
        ("opened" | "reopened", _) => ("open", "", "open"),
        ("synchronize", _) => ("update", "source_branch_changed", "open"),
        ("closed", Some(_)) => ("merge", "", "merged"),
        ("closed", None) => ("close", "", "closed"),
        _ => ("update", "update_label", "open"),
    };
    let mut pull_request = shared.gitee_pull_request(&Change::of(new));
    pull_request["state"] = json!(state);
    pull_request["user"] = user(shared, new.author);
    pull_request["merge_commit_sha"] = json!(new.merge_commit.unwrap_or(new.head).as_str());
    pull_request["merged"] = json!(new.merge_commit.is_some());
    pull_request["merged_at"] = json!(new.merge_commit.map(|_| DATE));
    pull_request["base"]["repo"] = repository(shared, new.repository);
    if let Some(head) = new.head_repository {
        pull_request["head"]["repo"] = repository(shared, head);
    }
    let payload = json!({
        "hook_name": "merge_request_hooks",
        "hook_id": 1,
        "hook_url": format!("{}/{}/hooks/1/edit", shared.web_url, new.repository),
        "action": action,
        "action_desc": description,
        "pull_request": pull_request,
        "number": new.number,
        "iid": new.number,
        "title": new.title,
        "body": null,
        "state": state,
        "merge_status": "can_be_merged",
        "merge_commit_sha": new.merge_commit.unwrap_or(new.head).as_str(),
        "url": format!("{}/{}/pulls/{}", shared.web_url, new.repository, new.number),
        "source_branch": new.head_branch,
        "source_repo": { "project": new.head_repository.map(|name| repository(shared, name)) },
        "target_branch": new.base_branch,
        "target_repo": { "project": repository(shared, new.repository) },
        "project": repository(shared, new.repository),
        "repository": repository(shared, new.repository),
        "author": user(shared, new.author),
        "updated_by": user(shared, new.author),
        "sender": user(shared, new.author),
        "enterprise": null,
    });
    Told::new("Merge Request Hook", payload)
}

pub(super) fn comment(shared: &Shared, new: &NewComment<'_>) -> Told {
    let payload = json!({
        "hook_name": "note_hooks",
        "hook_id": 1,
        "hook_url": format!("{}/{}/hooks/1/edit", shared.web_url, new.repository),
        "action": "comment",
        "comment": {
            "id": 1,
            "body": new.text,
            "user": user(shared, new.author),
            "html_url": format!("{}/{}/pulls/{}#note_1", shared.web_url, new.repository, new.number),
            "created_at": DATE,
            "updated_at": DATE,
        },
        "noteable_type": "PullRequest",
        "noteable_id": 1000 + new.number,
        "pull_request": { "id": 1000 + new.number, "number": new.number, "state": "open" },
        "repository": repository(shared, new.repository),
        "project": repository(shared, new.repository),
        "author": user(shared, new.author),
        "sender": user(shared, new.author),
        "note": new.text,
        "enterprise": null,
    });
    Told::new("Note Hook", payload)
}

/// Nobody can say no: who does not accept says nothing.
pub(super) fn review(shared: &Shared, new: &NewPullRequest<'_>, reviewer: &str, _: Review) -> Told {
    let mut told = change(shared, new);
    told.payload["action"] = json!("approved");
    told.payload["sender"] = user(shared, reviewer);
    told
}

fn user(shared: &Shared, login: &str) -> Value {
    json!({
        "id": 1,
        "login": login,
        "name": format!("{login} themself"),
        "email": format!("{login}@example.com"),
        "username": login,
        "user_name": login,
        "url": format!("{}/{login}", shared.web_url),
    })
}

/// The names that people read differ from the path on purpose.
fn repository(shared: &Shared, path: &str) -> Value {
    let (namespace, name) = halves(path);
    let read = format!("The people of {namespace}/The {name}");
    json!({
        "id": shared.repository_id(path),
        "name": format!("The {name}"),
        "path": name,
        "full_name": read,
        "owner": user(shared, namespace),
        "private": true,
        "html_url": format!("{}/{path}", shared.web_url),
        "url": format!("{}/{path}", shared.web_url),
        "ssh_url": format!("git@{}:{path}.git", shared.host()),
        "clone_url": format!("{}/{path}.git", shared.web_url),
        "git_http_url": format!("{}/{path}.git", shared.web_url),
        "default_branch": "main",
        "namespace": namespace,
        "name_with_namespace": read,
        "path_with_namespace": path,
    })
}

pub(super) fn envelope(shared: &Shared, event: &str, json: &[u8], signing: &Signing) -> Envelope {
    let timestamp = shared.now().to_string();
    let secret = &signing.secret;
    let (password, sign) = if signing.signature == HookSignature::Token {
        (secret.clone(), String::new())
    } else {
        (String::new(), base64(&sha256(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes())))
    };
    let mut payload: Value = serde_json::from_slice(json).expect("it was JSON");
    let mut is_ping = false;
    if let Some(fields) = payload.as_object_mut() {
        is_ping = fields.remove(PING).is_some();
        fields.insert("password".to_owned(), json!(password));
        fields.insert("timestamp".to_owned(), json!(timestamp));
        fields.insert("sign".to_owned(), json!(sign));
    }
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", "git-oschina-hook".to_owned()),
        ("x-gitee-event", event.to_owned()),
        ("x-git-oschina-event", event.to_owned()),
        ("x-gitee-timestamp", timestamp),
        ("x-gitee-token", if sign.is_empty() { password } else { sign }),
        ("x-gitee-ping", is_ping.to_string()),
    ];
    (headers, serde_json::to_vec(&payload).expect("JSON values are JSON"))
}
