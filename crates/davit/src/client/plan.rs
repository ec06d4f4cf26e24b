//! What an apply changes, as the server says it.

use super::types::More;
use davit_domain::config::PlanAction;
use serde::{Deserialize, Serialize};

/// What applying a document changes, or has changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Item by item.
    pub(crate) plan: Vec<PlanItem>,
    /// Whether it is done.
    pub(crate) applied: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Applied {
    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.plan.iter().all(|item| item.action == PlanAction::Unchanged)
    }
}

/// One item of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlanItem {
    /// What happens to it.
    pub(crate) action: PlanAction,
    /// What it is.
    pub(crate) kind: String,
    /// Its id, key or name.
    pub(crate) name: String,
    /// What differs.
    #[serde(default)]
    pub(crate) changes: Vec<String>,
}
