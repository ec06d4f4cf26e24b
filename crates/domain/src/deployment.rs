//! A deployment carries a release request out; it has one host run a host.

use crate::InvalidTransition;
use crate::ids::{DeploymentId, ReleaseName};
use crate::log::Step;
use serde::{Deserialize, Serialize};

/// Where a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeploymentState {
    /// Waits for its turn: one deployment at a time for an (app, environment).
    Queued,
    /// Steps 1 to 3, on the server.
    Building,
    /// Uploading, checking and running step 4 on every host. Nothing is switched yet.
    Staging,
    /// Every host is staged; the symlinks are being replaced.
    Switching,
    /// Every host is switched; step 6.
    Verifying,
    /// Live everywhere.
    Succeeded,
    /// Failed before anything was switched: every host serves what it served.
    Failed {
        /// Why, with the step.
        reason: String,
    },
    /// Hosts that switched go back.
    Reverting {
        /// Why.
        reason: String,
    },
    /// Hosts that had switched are back.
    Reverted {
        /// Why.
        reason: String,
    },
    /// Somebody ended it before the switch.
    Cancelled {
        /// Who, and how far it had come.
        reason: String,
    },
    /// A newer automatic one took its place in the queue.
    Superseded {
        /// The newer one.
        by: DeploymentId,
    },
}

impl DeploymentState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Staging => "staging",
            Self::Switching => "switching",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Reverting { .. } => "reverting",
            Self::Reverted { .. } => "reverted",
            Self::Cancelled { .. } => "cancelled",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Queued
            | Self::Building
            | Self::Staging
            | Self::Switching
            | Self::Verifying
            | Self::Reverting { .. } => false,
            Self::Succeeded
            | Self::Failed { .. }
            | Self::Reverted { .. }
            | Self::Cancelled { .. }
            | Self::Superseded { .. } => true,
        }
    }

    /// Whether hosts may already serve the new release.
    #[must_use]
    pub const fn may_have_switched(&self) -> bool {
        matches!(self, Self::Switching | Self::Verifying | Self::Reverting { .. })
    }

    /// Whether a person may still cancel it: until the first switch.
    #[must_use]
    pub const fn is_cancellable(&self) -> bool {
        matches!(self, Self::Queued | Self::Building | Self::Staging)
    }

    /// The sentence that belongs to the state, when it has one.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed { reason }
            | Self::Reverting { reason }
            | Self::Reverted { reason }
            | Self::Cancelled { reason } => Some(reason.clone()),
            Self::Superseded { by } => Some(format!("deployment {by} took its place")),
            Self::Queued | Self::Building | Self::Staging | Self::Switching | Self::Verifying | Self::Succeeded => None,
        }
    }

    /// Moves on, when that is a way a deployment can go.
    pub fn advance(self, to: Self) -> Result<Self, InvalidTransition> {
        use DeploymentState as S;
        let allowed = match (&self, &to) {
            (S::Queued, S::Building | S::Staging | S::Superseded { .. })
            // A server that died in the middle starts the part before the switch again.
            | (S::Building | S::Staging, S::Building | S::Staging)
            | (S::Staging, S::Switching)
            | (S::Switching, S::Verifying)
            | (S::Verifying, S::Succeeded)
            | (S::Queued | S::Building | S::Staging, S::Failed { .. } | S::Cancelled { .. })
            | (S::Switching | S::Verifying, S::Reverting { .. })
            | (S::Reverting { .. }, S::Reverting { .. } | S::Reverted { .. }) => true,
            (_, _) => false,
        };
        if allowed {
            Ok(to)
        } else {
            Err(InvalidTransition {
                what: "the deployment".into(),
                from: self.as_str().into(),
                action: match to {
                    S::Queued => "queue",
                    S::Building => "build",
                    S::Staging => "stage",
                    S::Switching => "switch",
                    S::Verifying => "verify",
                    S::Succeeded => "succeed",
                    S::Failed { .. } => "fail",
                    S::Reverting { .. } => "revert",
                    S::Reverted { .. } => "be reverted",
                    S::Cancelled { .. } => "be cancelled",
                    S::Superseded { .. } => "be superseded",
                },
            })
        }
    }
}

/// Where one host of a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HostRunState {
    /// Nothing happened yet.
    Waiting,
    /// Upload, check, step 4.
    Staging,
    /// The release lies on the host, checked; step 4 is through.
    Staged,
    /// The symlink is being replaced. Until the host is asked, either release may be live.
    Switching {
        /// What it served before.
        previous: Option<ReleaseName>,
    },
    /// It serves the new release.
    Live {
        /// What it served before.
        previous: Option<ReleaseName>,
    },
    /// Step 6 runs.
    Verifying {
        /// What it served before.
        previous: Option<ReleaseName>,
    },
    /// Through.
    Done {
        /// What it served before.
        previous: Option<ReleaseName>,
    },
    /// Failed, and serves what it served before the deployment.
    Failed {
        /// Where.
        step: Step,
        /// Why.
        reason: String,
    },
    /// Went back to what it served before.
    Reverted {
        /// What it serves again.
        to: Option<ReleaseName>,
    },
    /// Not reached because another host failed first.
    Skipped,
    /// Ended by a person.
    Cancelled,
    /// The connection or the server went away at a moment that leaves the outcome open; the host has to be asked.
    Unknown {
        /// What is known.
        reason: String,
        /// What it served before.
        previous: Option<ReleaseName>,
    },
}

impl HostRunState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Staging => "staging",
            Self::Staged => "staged",
            Self::Switching { .. } => "switching",
            Self::Live { .. } => "live",
            Self::Verifying { .. } => "verifying",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Reverted { .. } => "reverted",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether the host may serve the new release, and if so what it served before.
    #[must_use]
    pub const fn switched_from(&self) -> Option<&Option<ReleaseName>> {
        match self {
            Self::Switching { previous }
            | Self::Live { previous }
            | Self::Verifying { previous }
            | Self::Done { previous }
            | Self::Unknown { previous, .. } => Some(previous),
            Self::Waiting
            | Self::Staging
            | Self::Staged
            | Self::Failed { .. }
            | Self::Reverted { .. }
            | Self::Skipped
            | Self::Cancelled => None,
        }
    }
}

/// One cell of the steps × hosts grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Not started.
    Waiting,
    /// Runs.
    Running,
    /// Through.
    Succeeded,
    /// Failed.
    Failed,
    /// Nothing to do, or not reached.
    Skipped,
    /// Ended by a person.
    Cancelled,
}

impl CellState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// From the stored word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Succeeded, Self::Failed, Self::Skipped, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}
