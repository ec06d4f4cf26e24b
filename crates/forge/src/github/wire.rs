//! The JSON of GitHub's REST API: only the fields that are read. Source: <https://docs.github.com/en/rest>.

use super::payload;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct NewStatus<'a> {
    pub(super) state: &'a str,
    pub(super) context: &'a str,
    pub(super) description: &'a str,
    /// Left out when empty: an empty URL is refused.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) target_url: &'a str,
}

#[derive(Deserialize)]
pub(super) struct RepositoryDetails {
    pub(super) full_name: String,
    pub(super) default_branch: String,
    #[serde(default)]
    pub(super) private: bool,
    /// Left out for a caller without an account, and for an App.
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

#[derive(Serialize)]
pub(super) struct NewDeployment<'a> {
    #[serde(rename = "ref")]
    pub(super) git_ref: &'a str,
    pub(super) environment: &'a str,
    pub(super) description: &'a str,
    pub(super) payload: Value,
    pub(super) auto_merge: bool,
    pub(super) required_contexts: [&'a str; 0],
}

#[derive(Deserialize)]
pub(super) struct Deployment {
    pub(super) id: i64,
    /// Anything that its maker sent, or a text with it.
    pub(super) payload: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct NewDeploymentStatus<'a> {
    pub(super) state: &'a str,
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) log_url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) environment_url: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) active: bool,
    pub(super) events: Vec<String>,
    pub(super) config: HookAddress,
    pub(super) last_response: Option<LastResponse>,
}

#[derive(Deserialize)]
pub(super) struct HookAddress {
    #[serde(default)]
    pub(super) url: String,
}

#[derive(Deserialize)]
pub(super) struct LastResponse {
    /// `null` before the first delivery.
    pub(super) code: Option<i64>,
    pub(super) message: Option<String>,
}

#[derive(Serialize)]
pub(super) struct NewHook<'a> {
    /// `web`, when the hook is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) active: bool,
    pub(super) events: &'a [&'a str],
    pub(super) config: HookConfig<'a>,
}

#[derive(Serialize)]
pub(super) struct HookConfig<'a> {
    pub(super) url: &'a str,
    pub(super) content_type: &'a str,
    pub(super) secret: &'a str,
    /// Text: `0` checks certificates.
    pub(super) insecure_ssl: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Delivery {
    pub(super) id: i64,
    pub(super) guid: String,
    pub(super) delivered_at: jiff::Timestamp,
    /// What the receiver answered; 0 when it did not.
    pub(super) status_code: i64,
    pub(super) event: String,
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
pub(super) struct Installation {
    pub(super) id: i64,
}

#[derive(Deserialize)]
pub(super) struct InstallationToken {
    pub(super) token: String,
    pub(super) expires_at: jiff::Timestamp,
    /// `statuses` → `write`.
    #[serde(default)]
    pub(super) permissions: BTreeMap<String, String>,
}

/// What a list shows of a pull request, and what only asking for one tells.
#[derive(Deserialize)]
pub(super) struct PullRequest {
    #[serde(flatten)]
    pub(super) pull_request: payload::PullRequest,
    pub(super) html_url: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    /// `null` while GitHub works it out.
    pub(super) mergeable: Option<bool>,
    /// `clean`, `dirty`, `blocked`, `behind`, `unstable`, `draft`, `unknown`, ….
    #[serde(default)]
    pub(super) mergeable_state: String,
    /// `null` unless somebody asked for it.
    pub(super) auto_merge: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Review {
    /// `null` when the account is gone.
    pub(super) user: Option<payload::User>,
    pub(super) state: String,
    /// What its author is to the repository.
    #[serde(default)]
    pub(super) author_association: String,
}

#[derive(Serialize)]
pub(super) struct NewMerge<'a> {
    pub(super) sha: &'a str,
    pub(super) merge_method: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Merged {
    pub(super) sha: String,
}

#[derive(Serialize)]
pub(super) struct NewComment<'a> {
    pub(super) body: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Collaborator {
    /// `admin`, `write`, `read` or `none`; a maintainer's is `write`.
    pub(super) permission: String,
}
