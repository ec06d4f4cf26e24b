//! The JSON of Gitea's webhooks: only the fields that are read. Source: <https://docs.gitea.com/usage/webhooks>.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct PushEvent {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) before: String,
    pub(super) after: String,
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
    pub(super) full_name: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct DeleteEvent {
    /// The bare name.
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    /// `branch` or `tag`.
    pub(super) ref_type: String,
    pub(super) repository: Repository,
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct PullRequestEvent {
    pub(super) action: String,
    pub(super) pull_request: PullRequest,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) user: Option<User>,
    /// Since Gitea 1.22; before, the title says it.
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) merged: bool,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) head: Branch,
    pub(super) base: Branch,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) sha: String,
    /// 0 when the fork is deleted.
    pub(super) repo_id: i64,
}

#[derive(Deserialize)]
pub(super) struct StatusEvent {
    pub(super) sha: String,
    pub(super) state: String,
    pub(super) context: String,
    pub(super) description: Option<String>,
    pub(super) target_url: Option<String>,
    pub(super) created_at: Option<String>,
    /// `null` for a status that is as it was set.
    pub(super) updated_at: Option<String>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct CommentEvent {
    pub(super) action: String,
    /// Whether the issue is a pull request.
    #[serde(default)]
    pub(super) is_pull: bool,
    pub(super) issue: Issue,
    pub(super) comment: Comment,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: i64,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) user: Option<User>,
    pub(super) body: String,
}
