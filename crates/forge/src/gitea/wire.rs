//! The JSON of Gitea's REST API: only the fields that are read. Source: <https://docs.gitea.com/api/>.

use super::payload;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct NewStatus<'a> {
    pub(super) state: &'a str,
    pub(super) context: &'a str,
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) target_url: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) active: bool,
    #[serde(default)]
    pub(super) events: Vec<String>,
    pub(super) config: HookAddress,
}

#[derive(Deserialize)]
pub(super) struct HookAddress {
    #[serde(default)]
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct NewHook<'a> {
    /// `gitea`, when the hook is new.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'a str>,
    pub(super) active: bool,
    pub(super) events: &'a [&'a str],
    pub(super) config: HookConfig<'a>,
}

#[derive(Serialize)]
pub(super) struct HookConfig<'a> {
    pub(super) url: &'a str,
    pub(super) content_type: &'a str,
    pub(super) secret: &'a str,
}

#[derive(Serialize)]
pub(super) struct NewDeployKey<'a> {
    pub(super) title: &'a str,
    pub(super) key: &'a str,
    pub(super) read_only: bool,
}

#[derive(Deserialize)]
pub(super) struct DeployKey {
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: String,
    pub(super) permissions: Option<Role>,
}

/// What our account may do, whatever its token may.
#[derive(Deserialize, Clone, Copy)]
pub(super) struct Role {
    #[serde(default)]
    pub(super) push: bool,
    #[serde(default)]
    pub(super) admin: bool,
}

/// What a webhook says of a pull request, and more.
#[derive(Deserialize)]
pub(super) struct PullRequest {
    #[serde(flatten)]
    pub(super) pull_request: payload::PullRequest,
    #[serde(default)]
    pub(super) html_url: String,
    /// `open` or `closed`.
    pub(super) state: String,
    pub(super) labels: Option<Vec<Label>>,
    /// No too while Gitea looks for conflicts, and of a draft.
    #[serde(default)]
    pub(super) mergeable: bool,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Review {
    pub(super) user: Option<payload::User>,
    /// `APPROVED`, `REQUEST_CHANGES`, `COMMENT`, `PENDING` or `REQUEST_REVIEW`.
    pub(super) state: String,
    /// Whether the reviewer's word counts.
    #[serde(default)]
    pub(super) official: bool,
    #[serde(default)]
    pub(super) dismissed: bool,
}

#[derive(Serialize)]
pub(super) struct NewMerge<'a> {
    #[serde(rename = "Do")]
    pub(super) how: &'a str,
    pub(super) head_commit_id: &'a str,
    pub(super) delete_branch_after_merge: bool,
}

#[derive(Serialize)]
pub(super) struct NewComment<'a> {
    pub(super) body: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Collaborator {
    /// `owner`, `admin`, `write`, `read` or `none`.
    pub(super) permission: String,
}
