//! What ends a job before its time: a cancellation, its own time limit, the limit of a step.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long what runs in spite of an end may take, all steps together.
pub const GRACE: Duration = Duration::from_secs(300);

/// Why a job ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody cancelled it.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
}

/// What there is to watch while something runs.
#[derive(Debug)]
pub(crate) struct Ends {
    cancel: CancellationToken,
    limit: Duration,
    deadline: Instant,
    ended: Option<(End, Instant)>,
    step: Option<Instant>,
    step_is_late: bool,
}

impl Ends {
    /// The job ends when `cancel` fires, or after `limit`.
    pub(crate) fn new(cancel: CancellationToken, limit: Duration) -> Self {
        let deadline = Instant::now() + limit;
        Self { cancel, limit, deadline, ended: None, step: None, step_is_late: false }
    }

    /// How long the job may take.
    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// A step begins, which may take so long.
    pub(crate) fn begin_step(&mut self, limit: Option<Duration>) {
        self.step = limit.map(|limit| Instant::now() + limit);
        self.step_is_late = false;
    }

    /// Whether the step was ended by its own limit.
    pub(crate) const fn step_is_late(&self) -> bool {
        self.step_is_late
    }

    /// Why the job ends, if it does.
    pub(crate) fn now(&mut self) -> Option<End> {
        if self.ended.is_none() {
            if self.cancel.is_cancelled() {
                self.end(End::Cancelled);
            } else if Instant::now() >= self.deadline {
                self.end(End::TimedOut);
            }
        }
        self.ended.map(|(end, _)| end)
    }

    /// Whether nothing more may run, not even in spite of the end.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_some_and(|(_, over)| Instant::now() >= over)
    }

    /// Waits for `work`, and cancels `token` when the work is to end. The work comes to its end in any case.
    pub(crate) async fn watch<T>(&mut self, token: &CancellationToken, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.end_of_work(), if !token.is_cancelled() => token.cancel(),
            }
        }
    }

    /// Waits for work that knows no token; [`None`] when it was dropped because it is to end.
    pub(crate) async fn unless_ended<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.end_of_work() => None,
        }
    }

    async fn end_of_work(&mut self) {
        let over = self.ended.map_or(self.deadline, |(_, over)| over);
        let cancelled = async {
            match self.ended {
                None => self.cancel.cancelled().await,
                Some(_) => std::future::pending().await,
            }
        };
        let late = async {
            match self.step {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => self.end(End::Cancelled),
            () = tokio::time::sleep_until(over) => {
                if self.ended.is_none() {
                    self.end(End::TimedOut);
                }
            }
            () = late => self.step_is_late = true,
        }
    }

    fn end(&mut self, end: End) {
        self.ended = Some((end, Instant::now() + GRACE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const LONG: Duration = Duration::from_secs(3600);

    /// Work that ends when it is told to.
    async fn until(token: CancellationToken) -> &'static str {
        token.cancelled().await;
        "told"
    }

    #[tokio::test]
    async fn work_is_told_that_the_job_ends() {
        let (cancel, token) = (CancellationToken::new(), CancellationToken::new());
        let mut ends = Ends::new(cancel.clone(), LONG);
        assert_eq!((ends.now(), ends.watch(&token, async { "done" }).await), (None, "done"));
        cancel.cancel();
        assert_eq!(ends.watch(&token, until(token.clone())).await, "told");
        assert_eq!((ends.now(), ends.is_over()), (Some(End::Cancelled), false));
        // What runs in spite of it is left alone.
        let token = CancellationToken::new();
        assert_eq!((ends.watch(&token, async { "cleaned" }).await, token.is_cancelled()), ("cleaned", false));

        let mut late = Ends::new(CancellationToken::new(), Duration::ZERO);
        assert_eq!(late.unless_ended(pending::<()>()).await, None);
        assert_eq!(late.now(), Some(End::TimedOut));
    }

    #[tokio::test]
    async fn a_step_has_its_own_limit() {
        let mut ends = Ends::new(CancellationToken::new(), LONG);
        ends.begin_step(Some(Duration::ZERO));
        let token = CancellationToken::new();
        assert_eq!(ends.watch(&token, until(token.clone())).await, "told");
        assert!(ends.step_is_late() && ends.now().is_none());
        ends.begin_step(None);
        assert!(!ends.step_is_late());
        assert_eq!(ends.unless_ended(async { 1 }).await, Some(1));
    }
}
