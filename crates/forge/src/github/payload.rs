//! The JSON of GitHub's webhooks: only the fields that are read. Source:
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde::Deserialize;
use serde_json::value::RawValue;

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
pub(super) struct DeploymentEvent {
    pub(super) deployment: Deployment,
    pub(super) repository: Repository,
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct Deployment {
    pub(super) id: i64,
    pub(super) sha: String,
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) environment: String,
    pub(super) description: Option<String>,
    pub(super) creator: Option<User>,
    /// An object, or a text.
    pub(super) payload: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct DeploymentStatusEvent {
    pub(super) deployment_status: DeploymentStatus,
    pub(super) deployment: Deployment,
    pub(super) repository: Repository,
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct DeploymentStatus {
    pub(super) state: String,
    pub(super) description: Option<String>,
    pub(super) creator: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct StatusEvent {
    pub(super) sha: String,
    pub(super) state: String,
    pub(super) context: String,
    pub(super) description: Option<String>,
    pub(super) target_url: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) updated_at: Option<String>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct CheckRunEvent {
    pub(super) action: String,
    pub(super) check_run: CheckRun,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct CheckRun {
    pub(super) head_sha: String,
    pub(super) name: String,
    pub(super) status: String,
    /// `null` until it is completed.
    pub(super) conclusion: Option<String>,
    pub(super) html_url: Option<String>,
    pub(super) details_url: Option<String>,
    pub(super) output: Option<CheckOutput>,
    pub(super) started_at: Option<String>,
    pub(super) completed_at: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CheckOutput {
    pub(super) title: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CheckSuiteEvent {
    pub(super) action: String,
    pub(super) check_suite: CheckSuite,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct CheckSuite {
    pub(super) head_sha: String,
    pub(super) conclusion: Option<String>,
    pub(super) app: Option<CheckApp>,
    pub(super) updated_at: Option<String>,
}

/// The App that a suite's checks belong to.
#[derive(Deserialize)]
pub(super) struct CheckApp {
    pub(super) slug: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct MergeGroupEvent {
    pub(super) action: String,
    pub(super) merge_group: MergeGroup,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct MergeGroup {
    pub(super) head_sha: String,
    pub(super) head_ref: String,
    pub(super) base_ref: String,
}

#[derive(Deserialize)]
pub(super) struct IssueCommentEvent {
    pub(super) action: String,
    pub(super) issue: Issue,
    pub(super) comment: Comment,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: i64,
    /// Where the issue is a pull request.
    pub(super) pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    /// `null` when the account is gone.
    pub(super) user: Option<User>,
    pub(super) body: String,
}
