//! Why a deployment does not go on, and what waits a while before it gives up.

use crate::EngineError;
use davit_domain::ids::HostName;
use davit_domain::log::Step;
use davit_store::StoreError;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// For how long the database may be away before a run stops and is taken up again later.
const PATIENCE: Duration = Duration::from_secs(120);
/// About so long passes between two tries; each waits a little differently.
const RETRY: Duration = Duration::from_millis(500);

/// Why a run does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// A step failed.
    #[error("{reason}")]
    Failed {
        /// On which host; `None`: on the server.
        host: Option<HostName>,
        /// Where.
        step: Step,
        /// Why.
        reason: String,
    },
    /// A person ended it.
    #[error("{reason}")]
    Cancelled {
        /// Who, and what was seen.
        reason: String,
    },
    /// The server stops: whoever starts next takes it up.
    #[error("the server was stopped")]
    Interrupted,
    /// Another worker has taken the deployment over.
    #[error("another worker has taken over")]
    Superseded,
    /// The database does not answer: the same may work in a moment.
    #[error("{reason}")]
    Away {
        /// What it said.
        reason: String,
    },
    /// Something can't be done now: try again later.
    #[error("{reason}")]
    Later {
        /// What.
        reason: String,
    },
}

impl Stop {
    /// Of several, the one that decides: a failure is never hidden by an interruption.
    const fn weight(&self) -> u8 {
        match self {
            Self::Superseded => 5,
            Self::Failed { .. } => 4,
            Self::Cancelled { .. } => 3,
            Self::Away { .. } => 2,
            Self::Later { .. } => 1,
            Self::Interrupted => 0,
        }
    }

    /// The one that decides.
    pub(super) fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Superseded,
            StoreError::Unavailable(_) => Self::Away { reason: error.to_string() },
            StoreError::NotFound(_) | StoreError::Corrupt { .. } | StoreError::Open(_) => {
                Self::Later { reason: error.to_string() }
            }
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Conflict(_) | EngineError::Changed(_) => Self::Superseded,
            EngineError::Unavailable(reason) => Self::Away { reason },
            EngineError::NotFound(_)
            | EngineError::Denied(_)
            | EngineError::Invalid(_)
            | EngineError::InvalidConfig(_)
            | EngineError::Upstream(_) => Self::Later { reason: error.to_string() },
        }
    }
}

/// Tries the same again while the database is away, for about two minutes: an outage in the middle of a switch must
/// not take a good deployment back. What it does must bear being done twice, since an answer may have been lost.
pub(super) async fn patiently<T, F>(stop: &CancellationToken, mut work: impl FnMut() -> F) -> Result<T, Stop>
where
    F: Future<Output = Result<T, Stop>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        match work().await {
            Err(Stop::Away { reason }) if Instant::now() < end => {
                tracing::warn!(reason, "waiting for the database");
                if stop.run_until_cancelled(tokio::time::sleep(jittered(RETRY))).await.is_none() {
                    return Err(Stop::Interrupted);
                }
            }
            other => return other,
        }
    }
}

/// Between half as long and one and a half times as long, so that many who wait do not come back all at once.
pub(super) fn jittered(about: Duration) -> Duration {
    about.mul_f64(rand::random_range(0.5..1.5))
}
