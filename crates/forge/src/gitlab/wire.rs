//! The JSON of GitLab's REST API: only the fields that are read. Source: <https://docs.gitlab.com/api/rest/>.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct NewStatus<'a> {
    pub(super) state: &'a str,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) target_url: &'a str,
}

#[derive(Serialize)]
pub(super) struct NewDeployment<'a> {
    pub(super) environment: &'a str,
    pub(super) sha: &'a str,
    #[serde(rename = "ref")]
    pub(super) git_ref: &'a str,
    pub(super) tag: bool,
    pub(super) status: &'a str,
}

#[derive(Serialize)]
pub(super) struct DeploymentState<'a> {
    pub(super) status: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Deployment {
    pub(super) id: i64,
    pub(super) sha: String,
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) status: String,
    pub(super) user: Option<User>,
    /// The job that made it; `null` when the API did.
    pub(super) deployable: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) username: String,
}

#[derive(Deserialize)]
pub(super) struct MergeRequest {
    pub(super) iid: i64,
    pub(super) title: String,
    pub(super) author: Option<User>,
    /// The head; `null` while GitLab still prepares the merge request.
    pub(super) sha: Option<String>,
    pub(super) source_branch: String,
    pub(super) target_branch: String,
    /// `null` when the fork is gone.
    pub(super) source_project_id: Option<i64>,
    pub(super) target_project_id: i64,
    #[serde(default)]
    pub(super) draft: bool,
    /// `opened`, `closed`, `locked` or `merged`.
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) web_url: String,
    #[serde(default)]
    pub(super) merge_status: String,
    /// Since GitLab 15.6.
    pub(super) detailed_merge_status: Option<String>,
    /// Whether somebody asked GitLab to merge it when it can.
    #[serde(default)]
    pub(super) merge_when_pipeline_succeeds: bool,
    /// `null` until it is merged, and for a fast-forward.
    pub(super) merge_commit_sha: Option<String>,
    pub(super) squash_commit_sha: Option<String>,
}

#[derive(Deserialize, Default)]
pub(super) struct Approvals {
    #[serde(default)]
    pub(super) approved_by: Vec<Approval>,
}

#[derive(Deserialize)]
pub(super) struct Approval {
    pub(super) user: User,
}

#[derive(Deserialize)]
pub(super) struct Reviewer {
    pub(super) user: User,
    /// `unreviewed`, `reviewed`, `requested_changes`, `approved`, ….
    #[serde(default)]
    pub(super) state: String,
}

#[derive(Serialize)]
pub(super) struct NewMerge<'a> {
    pub(super) sha: &'a str,
    pub(super) squash: bool,
    pub(super) should_remove_source_branch: bool,
}

#[derive(Serialize)]
pub(super) struct NewNote<'a> {
    pub(super) body: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) access_level: u32,
    /// `active`, `awaiting` or `blocked`.
    pub(super) state: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) url: String,
    /// `executable`, `temporarily_disabled` or `disabled`.
    pub(super) alert_status: Option<String>,
    pub(super) disabled_until: Option<String>,
    /// Not sent by a GitLab that has no signing tokens.
    pub(super) signing_token_present: Option<bool>,
    /// `push_events` and its like are `true` or `false` here.
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Serialize)]
pub(super) struct NewHook<'a> {
    pub(super) url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signing_token: Option<&'a str>,
    pub(super) push_events: bool,
    pub(super) tag_push_events: bool,
    pub(super) merge_requests_events: bool,
    pub(super) pipeline_events: bool,
    pub(super) deployment_events: bool,
    pub(super) note_events: bool,
    pub(super) enable_ssl_verification: bool,
}

#[derive(Deserialize)]
pub(super) struct HookEvent {
    pub(super) id: i64,
    /// `push_hooks` and its like.
    pub(super) trigger: String,
    #[serde(default)]
    pub(super) request_headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) response_headers: BTreeMap<String, String>,
    /// A status as text, or `internal error` when nobody answered.
    pub(super) response_status: Option<String>,
}

#[derive(Serialize)]
pub(super) struct NewDeployKey<'a> {
    pub(super) title: &'a str,
    pub(super) key: &'a str,
    pub(super) can_push: bool,
}

#[derive(Deserialize)]
pub(super) struct DeployKey {
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) path_with_namespace: String,
    /// `null` for a repository without a commit.
    pub(super) default_branch: Option<String>,
    pub(super) permissions: Option<Permissions>,
}

/// The account's roles in the project and in its groups; both `null` for an administrator of GitLab.
#[derive(Deserialize)]
pub(super) struct Permissions {
    pub(super) project_access: Option<Access>,
    pub(super) group_access: Option<Access>,
}

#[derive(Deserialize)]
pub(super) struct Access {
    pub(super) access_level: u32,
}

#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}
