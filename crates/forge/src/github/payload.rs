//! The JSON of GitHub's webhooks: only the fields that are read. Source:
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct PingEvent {
    pub(super) zen: Option<String>,
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
    pub(super) repository: Repository,
    /// `null` for a deletion.
    pub(super) head_commit: Option<HeadCommit>,
    pub(super) pusher: Option<Pusher>,
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct Pusher {
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct HeadCommit {
    pub(super) id: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
pub(super) struct PullRequestEvent {
    pub(super) action: String,
    pub(super) pull_request: PullRequest,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: i64,
    pub(super) title: String,
    /// `null` when the account is gone.
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) draft: bool,
    /// Not sent by every event that carries a pull request.
    #[serde(default)]
    pub(super) merged: Option<bool>,
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
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
}
