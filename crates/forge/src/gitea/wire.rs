//! The JSON of Gitea's REST API: only the fields that are read. Source: <https://docs.gitea.com/api/>.

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
