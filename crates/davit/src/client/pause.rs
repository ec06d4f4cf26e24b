//! Deployments that stand still: what they wait for, and the command that lets them go on.

use super::types::{Deployment, DeploymentState};
use crate::output::{clock, visible};
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a deployment stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Pause {
    /// A person lets the next batch go.
    Confirm { next_batch: u32 },
    /// The clock does, or a person earlier.
    Until { next_batch: u32, at: Timestamp },
    /// Hosts failed, and a person decides about them.
    Held { reason: String },
}

impl Deployment {
    /// What it waits for and what somebody can do about it, in words.
    pub(crate) fn waits(&self) -> Option<String> {
        let id = self.id;
        let batch = |number: &u32| format!("batch {number} of {}", self.batches.unwrap_or(*number));
        if let (DeploymentState::Queued, Some(blocked)) = (self.state, &self.blocked) {
            let blocked = visible(blocked);
            return Some(format!("Deployment {id} waits: {blocked}. If it can't: davit override {id} --reason WHY"));
        }
        Some(match self.pause.as_ref()? {
            Pause::Confirm { next_batch } => {
                format!("Deployment {id} waits before {}: davit continue {id}, or davit revert {id}", batch(next_batch))
            }
            Pause::Until { next_batch, at } => format!(
                "Deployment {id} goes on with {} at {} UTC; sooner with davit continue {id}",
                batch(next_batch),
                clock(*at)
            ),
            Pause::Held { reason } => format!(
                "Deployment {id} is held: {}. For each failed host davit deployment retry-host {id} HOST or \
                 skip-host {id} HOST; or davit revert {id}",
                visible(reason)
            ),
        })
    }

    /// Whether a person has to do something before it goes on.
    pub(crate) const fn waits_for_a_person(&self) -> bool {
        matches!(self.pause, Some(Pause::Confirm { .. } | Pause::Held { .. }))
            || (matches!(self.state, DeploymentState::Queued) && self.blocked.is_some())
    }
}
