//! Commit statuses: what davit tells a forge about a commit.

use crate::ids::CommitSha;
use serde::{Deserialize, Serialize};

/// GitHub's four commit states; the other forges' are mapped from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitState {
    /// Not decided yet.
    Pending,
    /// Good.
    Success,
    /// Bad, because of the commit or its deployment.
    Failure,
    /// Bad, because of davit or its surroundings.
    Error,
}

/// What the contexts of davit's own statuses about deployments begin with; the environment's key follows.
pub const DEPLOY_CONTEXT: &str = "davit/deploy/";

impl CommitState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Success, Self::Failure, Self::Error];

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The word that GitHub uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    /// Whether no other state follows by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// One status to be set at a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitStatus {
    /// `owner/name`.
    pub repository: String,
    /// The commit.
    pub commit: CommitSha,
    /// Its context, such as `davit/deploy/production`.
    pub context: String,
    /// The state.
    pub state: CommitState,
    /// One sentence; the forge crate cuts it to what the forge takes.
    pub description: String,
    /// Where a person reads more.
    pub target_url: String,
}
