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
