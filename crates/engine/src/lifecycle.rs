//! Every task of the process: tracked, named, and stopped in two steps.
//!
//! Step 1, *drain*: nothing new is started, what runs goes on. Step 2, *abort*: what still runs is asked to stop at its
//! next safe point; its work stays in the tables and is taken up by whoever starts next. Then the process is *down*:
//! who only listens or shows things goes on until that.

use futures::FutureExt as _;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// So that a bug that comes back at once does not fill the log.
const AFTER_A_PANIC: Duration = Duration::from_millis(200);

/// The tasks of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    tracker: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
    down: CancellationToken,
}

impl Lifecycle {
    /// Starts a task that lives until it ends by itself or heeds [`drain`](Self::drain_token).
    #[expect(clippy::disallowed_methods, reason = "the one place that may spawn")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let span = tracing::info_span!("task", name);
        tokio::spawn(self.tracker.track_future(task).instrument(span));
    }

    /// As [`spawn`](Self::spawn), for a loop that the process can't do without: after a panic it is made anew. What it
    /// was at lies in the tables and is found again.
    pub fn keep<F>(&self, name: &'static str, make: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let drain = self.drain.clone();
        self.spawn(name, async move {
            while AssertUnwindSafe(make()).catch_unwind().await.is_err() {
                tracing::error!(name, "a bug ended this task: starting it again");
                tokio::select! {
                    () = drain.cancelled() => return,
                    () = tokio::time::sleep(AFTER_A_PANIC) => {}
                }
            }
        });
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

    /// Cancelled when both steps are through.
    #[must_use]
    pub fn down_token(&self) -> CancellationToken {
        self.down.child_token()
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
        self.down.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_loop_that_panics_is_started_again() {
        let lifecycle = Lifecycle::default();
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        let (count, drain) = (AtomicU32::new(0), lifecycle.drain_token());
        lifecycle.keep("test", move || {
            let (number, drain) = (count.fetch_add(1, Ordering::SeqCst), drain.clone());
            started.send(number).expect("the test listens");
            async move {
                assert!(number > 1, "the first two panic");
                drain.cancelled().await;
            }
        });
        for expected in 0..3 {
            assert_eq!(starts.recv().await, Some(expected));
        }
        lifecycle.shut_down(Duration::from_secs(5)).await;
        assert_eq!(starts.recv().await, None);
    }
}
