//! Every task of the process: tracked, named, and stopped in two steps.
//!
//! Step 1, *drain*: nothing new is started, what runs goes on. Step 2, *abort*: what still runs is asked to stop at its
//! next safe point; its work stays in the tables and is taken up by whoever starts next.

use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// The tasks of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    tracker: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
}

impl Lifecycle {
    /// Starts a task that lives until it ends by itself or heeds [`drain`](Self::drain_token).
    #[expect(clippy::disallowed_methods, reason = "the one place that may spawn")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let span = tracing::info_span!("task", name);
        tokio::spawn(self.tracker.track_future(task).instrument(span));
    }

    /// Cancelled in step 1.
    #[must_use]
    pub fn drain_token(&self) -> CancellationToken {
        self.drain.child_token()
    }

    /// Cancelled in step 2.
    #[must_use]
    pub fn abort_token(&self) -> CancellationToken {
        self.abort.child_token()
    }

    /// Whether step 1 has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Both steps: drains for at most `grace`, then aborts and waits for the rest.
    pub async fn shut_down(&self, grace: Duration) {
        self.tracker.close();
        self.drain.cancel();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "still running after the grace period: asking them to stop");
            self.abort.cancel();
            self.tracker.wait().await;
        }
    }
}
