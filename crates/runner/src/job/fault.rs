//! Why a step did not do what it should, split by what becomes of the job.

use crate::RunnerError;
use crate::services::ServiceError;
use davit_ci::EvaluationError;

/// Why a step ended without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its own fault; a sentence for its author.
    Failed {
        /// Why.
        reason: String,
        /// The exit code of its program, where that is why.
        exit_code: Option<i32>,
    },
    /// It was ended, with the whole job or by its own time limit.
    Ended,
    /// Its own fault, and no other step can run.
    Gone(String),
    /// Not its fault, and no other step can run.
    Ours(String),
}

impl Fault {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), exit_code: None }
    }

    /// Whether no other step can run.
    pub(crate) const fn is_last(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::Ours(_))
    }
}

impl From<EvaluationError> for Fault {
    fn from(error: EvaluationError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<RunnerError> for Fault {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::Refused(reason) => Self::failed(reason),
            RunnerError::Ended(reason) => Self::Gone(reason),
            RunnerError::Unavailable(_) | RunnerError::Io { .. } => Self::Ours(error.to_string()),
        }
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Refused(reason) => Self::failed(reason),
            ServiceError::Failed(reason) => Self::Ours(reason),
        }
    }
}
