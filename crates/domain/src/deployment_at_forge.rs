//! Deployments as forges know them: what davit tells a forge about a deployment, and what it hears from one.

use crate::ids::{CommitSha, DeploymentId};
use serde::{Deserialize, Serialize};

/// GitHub's seven states of a deployment; the other forges' are mapped from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgeDeploymentState {
    /// Made, nothing more is known.
    Pending,
    /// Waits for its turn, or for a review.
    Queued,
    /// Under way.
    InProgress,
    /// Good.
    Success,
    /// Bad, because of what was deployed.
    Failure,
    /// Bad, because of davit or its surroundings.
    Error,
    /// Something newer took its place.
    Inactive,
}

impl ForgeDeploymentState {
    /// The word that GitHub uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Inactive => "inactive",
        }
    }

    /// Whether no other state follows by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Queued | Self::InProgress => false,
            Self::Success | Self::Failure | Self::Error | Self::Inactive => true,
        }
    }
}

/// What davit wants a forge to know about one deployment, now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentAtForge {
    /// `owner/name`.
    pub repository: String,
    /// The commit that is released.
    pub commit: CommitSha,
    /// The branch or tag that it came from, else the SHA.
    pub reference: String,
    /// Whether `reference` is a tag.
    pub is_tag: bool,
    /// The environment's key.
    pub environment: String,
    /// davit's own number: travels in the payload, so that davit knows its own again.
    pub deployment: DeploymentId,
    /// Who asked for it.
    pub by: String,
    /// Title of the request.
    pub title: String,
    /// How it goes.
    pub state: ForgeDeploymentState,
    /// One sentence; the forge crate cuts it to what the forge takes.
    pub description: String,
    /// Where the log is.
    pub log_url: String,
    /// Where the released app can be seen; empty when nobody said.
    pub environment_url: String,
}

impl DeploymentAtForge {
    /// What the deployment carries at the forge, so that davit knows its own again.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (scheme, rest) = self.log_url.split_once("://").unwrap_or(("", &self.log_url));
        let authority = rest.split('/').next().unwrap_or_default();
        Mark { deployment: self.deployment, server: format!("{scheme}://{authority}") }
    }
}

/// davit's mark on a deployment at a forge that takes a payload along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number in davit.
    pub deployment: DeploymentId,
    /// Which davit: the start of its public URL, such as `https://davit.example.com`.
    pub server: String,
}

#[derive(Serialize, Deserialize)]
struct Marked {
    davit: Mark,
}

impl Mark {
    /// The payload to send along.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "davit": { "deployment": self.deployment, "server": self.server } })
    }

    /// The mark in a payload, if there is one. Some forges hand JSON back as a string that holds it.
    #[must_use]
    pub fn read(payload: &str) -> Option<Self> {
        let text = serde_json::from_str::<String>(payload);
        let marked: Marked = serde_json::from_str(text.as_deref().unwrap_or(payload)).ok()?;
        Some(marked.davit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again() {
        let mark = Mark { deployment: DeploymentId(7), server: "https://davit.example.com:8443".into() };
        let json = mark.to_json();
        assert_eq!(Mark::read(&json.to_string()), Some(mark.clone()));
        assert_eq!(Mark::read(&serde_json::Value::from(json.to_string()).to_string()), Some(mark));
        for foreign in
            ["", "{}", "null", "\"text\"", "[1]", r#"{"davit":{}}"#, r#"{"davit":"7"}"#, "\"{\\\"davit\\\":1}\""]
        {
            assert_eq!(Mark::read(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_server_is_known_by_the_start_of_its_urls() {
        let deployment = |log_url: &str| DeploymentAtForge {
            repository: "acme/shop".into(),
            commit: "a".repeat(40).parse().expect("a SHA"),
            reference: "main".into(),
            is_tag: false,
            environment: "production".into(),
            deployment: DeploymentId(7),
            by: "ada".into(),
            title: String::new(),
            state: ForgeDeploymentState::Queued,
            description: String::new(),
            log_url: log_url.into(),
            environment_url: String::new(),
        };
        let server = |url| deployment(url).mark().server;
        assert_eq!(server("https://davit.example.com/deployments/7"), "https://davit.example.com");
        assert_eq!(server("http://[::1]:8700/davit/deployments/7"), "http://[::1]:8700");
    }
}
