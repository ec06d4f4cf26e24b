//! What a run is about, as jobs see it: `github.event` in GitHub's shape, whatever the forge.

use super::web::Web;
use davit_domain::event::{ChangeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_exec::git::CommitText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// No commit, as forges write it.
const NOTHING: &str = "0000000000000000000000000000000000000000";
/// A forge's own payload is handed on up to this size. Bytes.
const LARGEST: usize = 256 * 1024;

/// What a run is about: stored with it, and the same for all of its attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// `github.event`.
    pub(super) event: Value,
    /// `github.event_name`.
    pub(super) event_name: String,
    /// `github.head_ref`; empty where there is no change.
    pub(super) head_ref: String,
    /// `github.base_ref`; empty where there is no change.
    pub(super) base_ref: String,
    /// The repository.
    pub(super) web: Web,
    /// The delivery that it began with. Higher ones came later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delivery: Option<i64>,
}

/// `refs/pull/7/head`: what `github.ref` is for a change, at every forge.
pub(crate) fn change_ref(number: i64) -> String {
    format!("refs/pull/{number}/head")
}

/// The payload of a push.
pub(super) fn of_push(push: &Push, commit: &CommitText, web: &Web, own: Option<Value>) -> Value {
    let sha = |sha: Option<&CommitSha>| sha.map_or(NOTHING, CommitSha::as_str).to_owned();
    let head = json!({
        "id": commit.commit.as_str(),
        "message": commit.message.trim_end(),
        "author": { "name": commit.author, "email": commit.email },
        "url": web.commit_url(&commit.commit),
    });
    let made = json!({
        "ref": push.git_ref.full(),
        "before": sha(push.before.as_ref()),
        "after": sha(push.after.as_ref()),
        "created": push.before.is_none(),
        "deleted": push.after.is_none(),
        "base_ref": null,
        "head_commit": head,
        "commits": [head],
        "pusher": { "name": push.pusher },
        "sender": { "login": push.pusher },
        "repository": web.repository(),
    });
    over(own, made)
}

/// The payload of what happened to a change.
pub(super) fn of_change(change: &ChangeEvent, action: &str, web: &Web, own: Option<Value>) -> Value {
    let head_repository = if change.from_fork { json!({ "fork": true }) } else { web.repository() };
    let made = json!({
        "action": action,
        "number": change.number,
        "pull_request": {
            "number": change.number,
            "title": change.title,
            "state": "open",
            "draft": change.draft,
            "merged": change.merge_commit.is_some(),
            "merge_commit_sha": change.merge_commit.as_ref().map(CommitSha::as_str),
            "user": { "login": change.author },
            "head": {
                "ref": change.head_branch, "sha": change.head.as_str(), "label": change.head_branch,
                "repo": head_repository,
            },
            "base": { "ref": change.base_branch, "label": change.base_branch, "repo": web.repository() },
        },
        "sender": { "login": change.author },
        "repository": web.repository(),
    });
    over(own, made)
}

/// The payload of a start by a person.
pub(super) fn of_start(git_ref: &str, file: &str, inputs: &[(String, String)], by: &str, web: &Web) -> Value {
    let inputs: Map<String, Value> = inputs.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
    json!({
        "ref": git_ref,
        "workflow": file,
        "inputs": inputs,
        "sender": { "login": by },
        "repository": web.repository(),
    })
}

/// The payload of a schedule that is due.
pub(super) fn of_schedule(cron: &str, file: &str, web: &Web) -> Value {
    json!({ "schedule": cron, "workflow": file, "repository": web.repository() })
}

/// The payload of a test of the merge queue.
pub(super) fn of_queue(
    change: i64,
    base: (&str, &CommitSha),
    head: &CommitSha,
    by: &str,
    title: &str,
    web: &Web,
) -> Value {
    let (base_branch, base) = base;
    json!({
        "action": "checks_requested",
        "merge_group": {
            "head_sha": head.as_str(),
            "head_ref": queue_ref(base_branch, change),
            "base_sha": base.as_str(),
            "base_ref": format!("refs/heads/{base_branch}"),
        },
        "number": change,
        "pull_request": { "number": change, "title": title, "base": { "ref": base_branch, "sha": base.as_str() } },
        "sender": { "login": by },
        "repository": web.repository(),
    })
}

/// What `github.ref` is in a test of the merge queue.
pub(super) fn queue_ref(base_branch: &str, change: i64) -> String {
    format!("refs/heads/davit/queue/{base_branch}/pr-{change}")
}

/// The forge's own payload, where it has GitHub's shape and is not too large to be kept.
pub(super) fn payload(body: &[u8], has_githubs_shape: bool) -> Option<Value> {
    if !has_githubs_shape || body.len() > LARGEST {
        return None;
    }
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// `github.ref_name` and `github.ref_type` of a full name.
pub(super) fn short_ref(full: &str) -> (&str, &'static str) {
    match GitRef::parse(full) {
        Some(GitRef::Tag(_)) => (full.strip_prefix("refs/tags/").unwrap_or(full), "tag"),
        Some(GitRef::Branch(_)) => (full.strip_prefix("refs/heads/").unwrap_or(full), "branch"),
        None => (full.strip_prefix("refs/pull/").unwrap_or(full), "branch"),
    }
}

/// What is in `own`, and of `made` what is not in it.
fn over(own: Option<Value>, made: Value) -> Value {
    match (own, made) {
        (Some(Value::Object(mut own)), Value::Object(made)) => {
            for (key, value) in made {
                own.entry(key).or_insert(value);
            }
            Value::Object(own)
        }
        (_, made) => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_as_github_has_them() {
        assert_eq!(short_ref("refs/heads/feature/a"), ("feature/a", "branch"));
        assert_eq!(short_ref("refs/tags/v1"), ("v1", "tag"));
        assert_eq!(short_ref("refs/pull/7/head"), ("7/head", "branch"));
    }

    #[test]
    fn a_forges_own_payload_goes_before_what_is_made_of_it() {
        let own = json!({ "ref": "refs/heads/main", "forced": true });
        let made = json!({ "ref": "made", "pusher": { "name": "ada" } });
        let both = json!({ "ref": "refs/heads/main", "forced": true, "pusher": { "name": "ada" } });
        assert_eq!(over(Some(own), made), both);
        assert_eq!(payload(b"{\"a\":1}", false), None);
        assert_eq!(payload(b"[]", true), None);
        assert_eq!(payload(b"{\"a\":1}", true), Some(json!({ "a": 1 })));
    }
}
