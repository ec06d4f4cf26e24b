//! The engine's one error, split by what the caller must do. Texts are sentences for people.

use davit_domain::InvalidTransition;
use davit_domain::config::ConfigError;
use davit_domain::ids::InvalidId;
use davit_domain::request::ReviewError;
use davit_exec::ExecError;
use davit_store::StoreError;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Not in this state, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else has changed it since the caller looked at it: look again, then decide again.
    #[error("{0}")]
    Changed(String),
    /// This person may not.
    #[error("{0}")]
    Denied(String),
    /// What was asked does not make sense; the sentence says what would.
    #[error("{0}")]
    Invalid(String),
    /// `davit.toml` has mistakes.
    #[error("the configuration has {} mistake(s); nothing was changed", .0.len())]
    InvalidConfig(Vec<ConfigError>),
    /// A host, git or the forge did not do its part.
    #[error("{0}")]
    Upstream(String),
    /// The database or the server's own disk: worth another try.
    #[error("{0}")]
    Unavailable(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::NotFound(error.to_string()),
            StoreError::Conflict(_) => Self::Conflict(error.to_string()),
            StoreError::Unavailable(_) | StoreError::Corrupt { .. } | StoreError::Open(_) => {
                Self::Unavailable(error.to_string())
            }
        }
    }
}

impl From<ExecError> for EngineError {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::Refused(_) => Self::Invalid(error.to_string()),
            ExecError::Io { .. } => Self::Unavailable(error.to_string()),
            ExecError::Unreachable { .. }
            | ExecError::Denied { .. }
            | ExecError::HostKeyUnknown { .. }
            | ExecError::HostKeyChanged { .. }
            | ExecError::ConnectionLost { .. }
            | ExecError::Cancelled { .. }
            | ExecError::TimedOut { .. }
            | ExecError::Git(_) => Self::Upstream(error.to_string()),
        }
    }
}

impl From<crate::queue::QueueError> for EngineError {
    fn from(error: crate::queue::QueueError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<InvalidTransition> for EngineError {
    fn from(error: InvalidTransition) -> Self {
        Self::Conflict(error.to_string())
    }
}

impl From<InvalidId> for EngineError {
    fn from(error: InvalidId) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<ReviewError> for EngineError {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::State(_) | ReviewError::ApprovedAlready(_) => Self::Conflict(error.to_string()),
            ReviewError::SelfApproval | ReviewError::NotAReviewer(..) => Self::Denied(error.to_string()),
            ReviewError::ReasonMissing => Self::Invalid(error.to_string()),
        }
    }
}
