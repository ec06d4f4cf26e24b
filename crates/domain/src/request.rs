//! Release requests: somebody (or something) asks to release a commit.

use crate::InvalidTransition;
use crate::ids::RequestId;
pub use crate::review::Approval;
use crate::review::{Person, Review};
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
    AwaitingRelease {
        /// Who approved it; none where nobody had to.
        #[serde(default)]
        approvals: Vec<Approval>,
    },
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

/// A person may not do this to this request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The state does not allow it.
    #[error(transparent)]
    State(#[from] InvalidTransition),
    /// The environment wants somebody else's eyes.
    #[error("this environment does not let authors approve their own requests: ask somebody else to review it")]
    SelfApproval,
    /// The environment says whose word counts.
    #[error("{0} is not among the reviewers of this request: ask {1}")]
    NotAReviewer(String, String),
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
    pub fn initial(review: &Review) -> Self {
        let approvals = Vec::new();
        if review.required == 0 { Self::AwaitingRelease { approvals } } else { Self::AwaitingReview { approvals } }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AwaitingReview { .. } => "awaiting_review",
            Self::AwaitingRelease { .. } => "awaiting_release",
            Self::Releasing => "releasing",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled { .. } => "cancelled",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Who approved it so far; none once it has gone out or ended.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        match self {
            Self::AwaitingReview { approvals } | Self::AwaitingRelease { approvals } => approvals,
            Self::Releasing
            | Self::Succeeded
            | Self::Failed { .. }
            | Self::Rejected { .. }
            | Self::Withdrawn
            | Self::Cancelled { .. }
            | Self::Superseded { .. } => &[],
        }
    }

    /// Whether it waits for people: what can still be edited and withdrawn.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::AwaitingReview { .. } | Self::AwaitingRelease { .. })
    }

    /// A reviewer says yes. Enough eyes move it on; approvals whose time is over are none.
    ///
    /// `makers`: who asked for it, and everybody who edited it: what they wrote is for others to judge.
    pub fn approve(
        self,
        person: Person<'_>,
        makers: &[&str],
        review: &Review,
        at: Timestamp,
    ) -> Result<Self, ReviewError> {
        let (state, _) = self.expire(review, at);
        let Self::AwaitingReview { mut approvals } = state else {
            return Err(state.refuse("be approved").into());
        };
        check_reviewer(person, review)?;
        if makers.contains(&person.name) && !review.self_approval {
            return Err(ReviewError::SelfApproval);
        }
        if approvals.iter().any(|approval| approval.user == person.name) {
            return Err(ReviewError::ApprovedAlready(person.name.to_owned()));
        }
        approvals.push(Approval { user: person.name.to_owned(), at });
        Ok(if review.is_met_by(&approvals) {
            Self::AwaitingRelease { approvals }
        } else {
            Self::AwaitingReview { approvals }
        })
    }

    /// A reviewer says no, and why.
    pub fn reject(self, person: Person<'_>, review: &Review, reason: &str) -> Result<Self, ReviewError> {
        if !matches!(self, Self::AwaitingReview { .. }) {
            return Err(self.refuse("be rejected").into());
        }
        check_reviewer(person, review)?;
        if reason.trim().is_empty() {
            return Err(ReviewError::ReasonMissing);
        }
        Ok(Self::Rejected { by: person.name.to_owned(), reason: reason.trim().to_owned() })
    }

    /// Its author takes it back.
    pub fn withdraw(self) -> Result<Self, InvalidTransition> {
        if self.is_open() { Ok(Self::Withdrawn) } else { Err(self.refuse("be withdrawn")) }
    }

    /// What it asks for becomes something else: whatever was approved is void, and the rule of now holds.
    pub fn edit(self, review: &Review) -> Result<Self, InvalidTransition> {
        if self.is_open() { Ok(Self::initial(review)) } else { Err(self.refuse("be edited")) }
    }

    /// Leaves out the approvals whose time is over, and returns them. Without enough it waits for a review again.
    #[must_use]
    pub fn expire(self, review: &Review, now: Timestamp) -> (Self, Vec<Approval>) {
        let split = |approvals: Vec<Approval>| -> (Vec<Approval>, Vec<Approval>) {
            approvals.into_iter().partition(|approval| review.counts(approval, now))
        };
        match self {
            Self::AwaitingReview { approvals } => {
                let (approvals, gone) = split(approvals);
                (Self::AwaitingReview { approvals }, gone)
            }
            Self::AwaitingRelease { approvals } => {
                let (approvals, gone) = split(approvals);
                // One that needed no approval has none to lose.
                let waits = !gone.is_empty() && !review.is_met_by(&approvals);
                (if waits { Self::AwaitingReview { approvals } } else { Self::AwaitingRelease { approvals } }, gone)
            }
            other @ (Self::Releasing
            | Self::Succeeded
            | Self::Failed { .. }
            | Self::Rejected { .. }
            | Self::Withdrawn
            | Self::Cancelled { .. }
            | Self::Superseded { .. }) => (other, Vec::new()),
        }
    }

    /// It goes out, when enough of its approvals still count.
    pub fn release(self, review: &Review, now: Timestamp) -> Result<Self, InvalidTransition> {
        let (state, _) = self.expire(review, now);
        if matches!(state, Self::AwaitingRelease { .. }) {
            Ok(Self::Releasing)
        } else {
            Err(state.refuse("be released"))
        }
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
            | Self::AwaitingRelease { .. }
            | Self::Releasing
            | Self::Succeeded
            | Self::Withdrawn => None,
        }
    }

    fn refuse(&self, action: &'static str) -> InvalidTransition {
        InvalidTransition { what: "the request".into(), from: self.as_str().replace('_', " "), action }
    }
}

fn check_reviewer(person: Person<'_>, review: &Review) -> Result<(), ReviewError> {
    if review.names(person) {
        return Ok(());
    }
    let named: Vec<String> = review.reviewers.iter().map(ToString::to_string).collect();
    Err(ReviewError::NotAReviewer(person.name.to_owned(), named.join(", ")))
}
