//! Release requests: somebody (or something) asks to release a commit.

use crate::InvalidTransition;
use crate::config::Review;
use crate::ids::RequestId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person asked to release a commit.
    Regular,
    /// Go back to a kept release.
    Rollback,
    /// A push, tag or merge asked.
    Auto,
}

impl Kind {
    /// The stored word, which is also `DAVIT_DEPLOY_KIND`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Rollback => "rollback",
            Self::Auto => "auto",
        }
    }

    /// From the stored word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Regular, Self::Rollback, Self::Auto].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a request stands. A reason is part of the states that need one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// Somebody has to look.
    AwaitingReview {
        /// Who approved so far.
        approvals: Vec<Approval>,
    },
    /// May go out.
    AwaitingRelease,
    /// A deployment is under way.
    Releasing,
    /// It is live.
    Succeeded,
    /// Its deployment failed; may be retried.
    Failed {
        /// Why.
        reason: String,
    },
    /// A reviewer said no.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Its author took it back.
    Withdrawn,
    /// Its deployment was cancelled.
    Cancelled {
        /// Who, and why.
        reason: String,
    },
    /// A newer automatic request took its place before it started.
    Superseded {
        /// The newer one.
        by: RequestId,
    },
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub user: String,
    /// When.
    pub at: Timestamp,
}

/// A person may not do this to this request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The state does not allow it.
    #[error(transparent)]
    State(#[from] InvalidTransition),
    /// The environment wants somebody else's eyes.
    #[error("this environment does not let authors approve their own requests: ask somebody else to review it")]
    SelfApproval,
    /// One person, one approval.
    #[error("{0} has approved this request already")]
    ApprovedAlready(String),
    /// A reason is required.
    #[error("say why: a rejection needs a reason")]
    ReasonMissing,
}

impl RequestState {
    /// Where a new request starts.
    #[must_use]
    pub fn initial(review: Review) -> Self {
        if review.required == 0 { Self::AwaitingRelease } else { Self::AwaitingReview { approvals: Vec::new() } }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AwaitingReview { .. } => "awaiting_review",
            Self::AwaitingRelease => "awaiting_release",
            Self::Releasing => "releasing",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled { .. } => "cancelled",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// A reviewer says yes. Enough eyes move it on.
    pub fn approve(self, user: &str, author: &str, review: Review, at: Timestamp) -> Result<Self, ReviewError> {
        let Self::AwaitingReview { mut approvals } = self else {
            return Err(self.refuse("be approved").into());
        };
        if user == author && !review.self_approval {
            return Err(ReviewError::SelfApproval);
        }
        if approvals.iter().any(|approval| approval.user == user) {
            return Err(ReviewError::ApprovedAlready(user.to_owned()));
        }
        approvals.push(Approval { user: user.to_owned(), at });
        let enough = approvals.len() >= usize::try_from(review.required).unwrap_or(usize::MAX);
        Ok(if enough { Self::AwaitingRelease } else { Self::AwaitingReview { approvals } })
    }

    /// A reviewer says no, and why.
    pub fn reject(self, by: &str, reason: &str) -> Result<Self, ReviewError> {
        if !matches!(self, Self::AwaitingReview { .. }) {
            return Err(self.refuse("be rejected").into());
        }
        if reason.trim().is_empty() {
            return Err(ReviewError::ReasonMissing);
        }
        Ok(Self::Rejected { by: by.to_owned(), reason: reason.trim().to_owned() })
    }

    /// Its author takes it back.
    pub fn withdraw(self) -> Result<Self, InvalidTransition> {
        if matches!(self, Self::AwaitingReview { .. } | Self::AwaitingRelease) {
            Ok(Self::Withdrawn)
        } else {
            Err(self.refuse("be withdrawn"))
        }
    }

    /// It goes out.
    pub fn release(self) -> Result<Self, InvalidTransition> {
        if self == Self::AwaitingRelease { Ok(Self::Releasing) } else { Err(self.refuse("be released")) }
    }

    /// A failed one goes out again.
    pub fn retry(self) -> Result<Self, InvalidTransition> {
        if matches!(self, Self::Failed { .. } | Self::Cancelled { .. }) {
            Ok(Self::Releasing)
        } else {
            Err(self.refuse("be retried"))
        }
    }

    /// Its deployment ended, or was superseded while it waited.
    pub fn finish(self, end: Self) -> Result<Self, InvalidTransition> {
        match (&self, &end) {
            (
                Self::Releasing,
                Self::Succeeded | Self::Failed { .. } | Self::Cancelled { .. } | Self::Superseded { .. },
            ) => Ok(end),
            _ => Err(self.refuse("end that way")),
        }
    }

    /// The sentence that belongs to the state, when it has one.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed { reason } | Self::Rejected { reason, .. } | Self::Cancelled { reason } => {
                Some(reason.clone())
            }
            Self::Superseded { by } => Some(format!("request {by} took its place")),
            Self::AwaitingReview { .. }
            | Self::AwaitingRelease
            | Self::Releasing
            | Self::Succeeded
            | Self::Withdrawn => None,
        }
    }

    fn refuse(&self, action: &'static str) -> InvalidTransition {
        InvalidTransition { what: "the request".into(), from: self.as_str().replace('_', " "), action }
    }
}
