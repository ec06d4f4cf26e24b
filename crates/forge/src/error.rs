//! Why a call to a forge failed, split by what the outbox does about it.

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
