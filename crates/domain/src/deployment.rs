//! A deployment carries a release request out; it has one host run a host.

use crate::InvalidTransition;
use crate::ids::{DeploymentId, ReleaseName};
use crate::log::Step;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a deployment stands still, and what makes it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pause {
    /// A batch is through; a person lets the next one go.
    Confirm {
        /// The next batch, from 2.
        next_batch: u32,
    },
    /// A batch is through; the next one goes at this time, or when a person says so.
    Until {
        /// The next batch, from 2.
        next_batch: u32,
        /// When.
        at: Timestamp,
    },
    /// Hosts failed and stay as they are until a person retries, skips or reverts.
    Held {
        /// What failed.
        reason: String,
    },
}

impl Pause {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "confirm",
            Self::Until { .. } => "until",
            Self::Held { .. } => "held",
        }
    }

    /// The sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Confirm { next_batch } => format!("batch {next_batch} waits for somebody to continue"),
            Self::Until { next_batch, at } => format!("batch {next_batch} goes on at {at}"),
            Self::Held { reason } => format!("held for a person: {reason}"),
        }
    }
}

/// Where a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeploymentState {
    /// Waits for its turn: one deployment at a time for an (app, environment).
    Queued,
    /// Steps 1 to 3, on the server.
    Building,
    /// Uploading, checking and running step 4 on every host of a batch. Nothing of the batch is switched yet.
    Staging,
    /// Every host of the batch is staged; the symlinks are being replaced. Custom mode: actions change hosts.
    Switching,
    /// Every host of the batch is switched; step 6 and the health check.
    Verifying,
    /// Stands still until a person or the clock lets it go on.
    Paused {
        /// Why.
        pause: Pause,
    },
    /// Live on every host that was not skipped by a person.
    Succeeded,
    /// Failed. Every host that failed serves what it served; others may have gone on when the strategy allows failures.
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
            Self::Paused { .. } => "paused",
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
            | Self::Paused { .. }
            | Self::Reverting { .. } => false,
            Self::Succeeded
            | Self::Failed { .. }
            | Self::Reverted { .. }
            | Self::Cancelled { .. }
            | Self::Superseded { .. } => true,
        }
    }

    /// Whether hosts may already serve the new release. [`Staging`](Self::Staging) of a later batch is told from that
    /// of the first one by its host runs, not by this.
    #[must_use]
    pub const fn may_have_switched(&self) -> bool {
        matches!(self, Self::Switching | Self::Verifying | Self::Paused { .. } | Self::Reverting { .. })
    }

    /// Whether a person may still cancel it: until the first switch.
    #[must_use]
    pub const fn is_cancellable(&self) -> bool {
        matches!(self, Self::Queued | Self::Building | Self::Staging)
    }

    /// Why it stands still, when it does.
    #[must_use]
    pub const fn pause(&self) -> Option<&Pause> {
        if let Self::Paused { pause } = self { Some(pause) } else { None }
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
            Self::Paused { pause } => Some(pause.sentence()),
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
            // A later batch that needs its build again, or goes on after a pause.
            | (S::Switching | S::Verifying | S::Paused { .. }, S::Building | S::Staging)
            | (S::Staging, S::Switching)
            // Taken up again after the server went away, or a host that is retried.
            | (S::Switching | S::Verifying | S::Paused { .. }, S::Switching)
            | (S::Switching | S::Verifying, S::Verifying)
            | (S::Switching | S::Verifying | S::Staging, S::Paused { .. })
            | (S::Switching | S::Verifying | S::Paused { .. }, S::Succeeded)
            | (S::Queued | S::Building | S::Staging, S::Failed { .. } | S::Cancelled { .. })
            // Some hosts failed, no more than the strategy allows; a custom action did; or a host on the way back can't be
            // asked any more, and its outcome stays open.
            | (S::Switching | S::Verifying | S::Paused { .. } | S::Reverting { .. }, S::Failed { .. })
            // Custom mode has actions to be cancelled, not switches to be undone.
            | (S::Switching, S::Cancelled { .. })
            | (S::Building | S::Staging | S::Switching | S::Verifying | S::Paused { .. }, S::Reverting { .. })
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
                    S::Paused { .. } => "pause",
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
    /// Failed after its switch (or in it) and stays as it is until a person retries, skips or reverts it.
    Held {
        /// Where.
        step: Step,
        /// Why.
        reason: String,
        /// What it served before.
        previous: Option<ReleaseName>,
    },
    /// Went back to what it served before.
    Reverted {
        /// What it serves again.
        to: Option<ReleaseName>,
    },
    /// Not reached because another host failed first, or left out by a person.
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
            Self::Held { .. } => "held",
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
            | Self::Held { previous, .. }
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
