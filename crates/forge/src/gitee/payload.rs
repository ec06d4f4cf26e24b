//! The JSON of Gitee's webhooks: only the fields that are read. Sources:
//! <https://help.gitee.com/webhook/gitee-webhook-push-data-format> and
//! <https://help.gitee.com/webhook/gitee-webhook-push-data-type>.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What must not be stored: the body repeats the proof, and in password mode that is the secret.
#[derive(Deserialize)]
pub(super) struct Proofs<'a> {
    #[serde(borrow)]
    pub(super) password: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) sign: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct PushEvent {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) before: String,
    pub(super) after: String,
    #[serde(default)]
    pub(super) created: bool,
    #[serde(default)]
    pub(super) deleted: bool,
    /// `null` for a deletion.
    pub(super) head_commit: Option<HeadCommit>,
    pub(super) repository: Repository,
    pub(super) pusher: Option<User>,
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct HeadCommit {
    pub(super) id: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    /// `full_name` is made of what people call the two.
    pub(super) path_with_namespace: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    /// Not there for an author without an account.
    pub(super) login: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct MergeRequestEvent {
    /// `open`, `update`, `merge`, `close`, `assign`, `test`, `approved`, ….
    pub(super) action: Option<String>,
    /// What was updated.
    pub(super) action_desc: Option<String>,
    pub(super) pull_request: PullRequest,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) draft: bool,
    /// While it is open: some commit, not that of the merge.
    pub(super) merge_commit_sha: Option<String>,
    pub(super) head: Head,
    pub(super) base: Base,
}

#[derive(Deserialize)]
pub(super) struct Head {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) sha: String,
    /// `null` when the fork is deleted.
    pub(super) repo: Option<Repository>,
}

#[derive(Deserialize)]
pub(super) struct Base {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) repo: Repository,
}

#[derive(Deserialize)]
pub(super) struct NoteEvent {
    /// `comment`; `edited` and `deleted` are told of old ones.
    pub(super) action: Option<String>,
    pub(super) noteable_type: Option<String>,
    pub(super) comment: Comment,
    pub(super) pull_request: Option<NotedPullRequest>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) body: Option<String>,
    pub(super) user: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct NotedPullRequest {
    pub(super) number: i64,
}
