//! The JSON of GitHub's REST API: only the fields that are read. Source: <https://docs.github.com/en/rest>.

use serde::{Deserialize, Serialize};

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
    /// Left out for a caller without an account.
    #[serde(default)]
    pub(super) permissions: Permissions,
}

#[derive(Deserialize, Default)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) push: bool,
}

/// What comes with a refusal.
#[derive(Deserialize, Default)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) message: String,
    /// Of several shapes: objects with `message`, objects with `code` and `field`, plain texts.
    #[serde(default)]
    pub(super) errors: serde_json::Value,
}
