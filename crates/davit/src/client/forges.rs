//! Forges and calls to them, as the server's API tells of them: see [`types`](super::types), whose rules hold here too.

use super::Client;
use super::types::{Forge, More, Page};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A call to a forge or a channel that is to be made, was made or was given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Its number.
    pub(crate) id: i64,
    /// The forge that it goes to.
    pub(crate) forge: Option<String>,
    /// The channel that it goes to.
    #[serde(default)]
    pub(crate) channel: Option<String>,
    /// What kind of call.
    pub(crate) kind: String,
    /// The repository that it is about.
    pub(crate) repository: Option<String>,
    /// What it says, in short.
    pub(crate) summary: String,
    /// `waiting`, `leased`, `done`, `dead`, `superseded`.
    pub(crate) state: String,
    /// How often it was tried.
    pub(crate) attempts: i64,
    /// When it was written.
    pub(crate) created_at: Timestamp,
    /// When it is tried next, while it waits.
    pub(crate) next_at: Option<Timestamp>,
    /// What went wrong last.
    pub(crate) error: Option<String>,
    /// What is said; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<serde_json::Value>,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Call {
    /// Whom it goes to.
    pub(crate) fn target(&self) -> &str {
        self.channel.as_deref().or(self.forge.as_deref()).unwrap_or_default()
    }
}

/// What davit found at a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ForgeCheck {
    /// The repository.
    pub(crate) repository: String,
    /// Whether it could be seen at all.
    pub(crate) reachable: bool,
    /// Why not.
    pub(crate) detail: String,
    /// What davit does there.
    pub(crate) needs: Vec<Need>,
    /// The hook that sends to davit.
    pub(crate) hook: HookStanding,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl ForgeCheck {
    /// Whether nothing is missing that is known to be needed.
    pub(crate) fn is_good(&self) -> bool {
        let lacks = self.needs.iter().any(|need| need.granted == Some(false));
        self.reachable && !lacks && !matches!(self.hook.state.as_str(), "missing" | "inactive")
    }
}

/// Something that davit does with a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Need {
    /// Words that follow "davit can".
    pub(crate) what: String,
    /// In the forge's words.
    pub(crate) permission: String,
    /// `None`: the forge does not say.
    pub(crate) granted: Option<bool>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// The hook that sends to davit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HookStanding {
    /// `registered`, `inactive`, `missing`, `unknown`.
    pub(crate) state: String,
    /// How its last delivery ended.
    pub(crate) last_response: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A hook as it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RegisteredHook {
    /// Where it sends to.
    pub(crate) url: String,
    /// Where the secret came from: `made`, `stored`, `env`, `file`.
    pub(crate) secret: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A key with which git reads a forge's repositories.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeployKey {
    /// The line for the forge.
    pub(crate) public_key: String,
    /// What the private part is stored as.
    pub(crate) secret: String,
    /// Whether git uses it.
    pub(crate) in_use: bool,
    /// The repository that it was added to.
    pub(crate) added_to: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What the server found when it looked at itself and its forges.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Examination {
    /// One a thing that was looked at.
    pub(crate) checks: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Which.
    pub(crate) name: String,
    /// Whether it is as it should be.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) fix: Option<String>,
}

impl Client {
    /// All forges.
    pub(crate) async fn forges(&self) -> Result<Page<Forge>, Failure> {
        self.get(&["forges"], &[]).await
    }

    /// One forge.
    pub(crate) async fn forge(&self, id: &str) -> Result<Forge, Failure> {
        self.get(&["forges", id], &[]).await
    }

    /// Asks a forge what davit may do with a repository.
    pub(crate) async fn check_forge(&self, id: &str, repository: &str) -> Result<ForgeCheck, Failure> {
        self.post(&["forges", id, "check"], &json!({ "repository": repository })).await
    }

    /// Sets a repository's hook to send to davit.
    pub(crate) async fn register_hook(&self, id: &str, repository: &str) -> Result<RegisteredHook, Failure> {
        self.post(&["forges", id, "hook"], &json!({ "repository": repository })).await
    }

    /// A forge's deploy key, made where there is none, and added to a repository where one is named.
    pub(crate) async fn deploy_key(&self, id: &str, repository: Option<&str>) -> Result<DeployKey, Failure> {
        self.post(&["forges", id, "deploy-key"], &json!({ "repository": repository })).await
    }

    /// One call to a forge.
    pub(crate) async fn call(&self, id: i64) -> Result<Call, Failure> {
        self.get(&["outbox", &id.to_string()], &[]).await
    }

    /// Has a call to a forge made now.
    pub(crate) async fn retry_call(&self, id: i64) -> Result<Call, Failure> {
        self.post(&["outbox", &id.to_string(), "retry"], &json!({})).await
    }

    /// Has the server look at itself and ask its forges.
    pub(crate) async fn examine(&self) -> Result<Examination, Failure> {
        self.get(&["doctor"], &[]).await
    }
}
