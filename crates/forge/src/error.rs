//! Why a call to a forge failed, split by what the outbox does about it.

use davit_domain::ids::CommitSha;
use std::time::Duration;

/// A call to a forge that did not do what it was for. No message holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Later may be better: the network, an overloaded forge, a limit.
    #[error("{detail}")]
    Retry {
        /// How long the forge asks to wait at least; `None` when it did not say.
        after: Option<Duration>,
        /// A sentence for a person.
        detail: String,
    },
    /// The same call will fail again until a person changes something.
    #[error("{detail}")]
    Permanent {
        /// A sentence for a person: what the forge said and what to do.
        detail: String,
        /// The HTTP status; `None` when the call was not made.
        status: Option<u16>,
    },
}

/// Why a change was not merged as it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Its head is another commit by now. Nothing was merged.
    #[error("the change has new commits")]
    HeadMoved,
    /// The forge won't: a conflict, a rule of the branch, a closed change. Nothing was merged.
    #[error("{0}")]
    NotMergeable(String),
    /// The forge is not ready to say, or its base has just moved: the same order may be fine soon. Nothing was merged.
    #[error("the forge still works out whether it can be merged")]
    Computing,
    /// Merged, with another head than the one that was ordered. Only where a forge can't be told which head to merge.
    #[error("a commit that came at the last moment was merged with it, as {commit}")]
    OtherHead {
        /// The commit that the merge made.
        commit: CommitSha,
    },
    /// The call failed; whether anything was merged is not known for sure.
    #[error(transparent)]
    Api(#[from] ApiError),
}
