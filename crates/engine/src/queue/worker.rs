//! The worker of one kind of job: takes jobs, keeps their leases, hears how they ended.
//!
//! A worker that is cut off from the database fences itself: before the lease of a job can have ended for everybody
//! else, its handler is told to stop. The process's own clock decides, which nobody sets.

use super::sql::{self, ClaimedRow, Settlement};
use super::{Attempt, JobKind, Outcome, Queue, QueueError, backoff};
use davit_domain::time::Timestamp;
use davit_store::StoreError;
use futures::FutureExt as _;
use futures::future::FusedFuture as _;
use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Between two tries to store a result.
const SETTLE_AGAIN: Duration = Duration::from_millis(500);
/// What asking the database may take at least.
const A_MOMENT: Duration = Duration::from_millis(500);
/// For the last look when the handlers are asked to stop, too.
const LAST_LOOK: Duration = Duration::from_secs(3);
/// A look for due jobs that has no answer after this has none to come.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

impl Queue {
    /// Carries out the jobs of one kind, up to `concurrency` at a time, each in its own task. `stop` is step 1: no new
    /// jobs are taken. `abort`, which comes after it, is step 2: the handlers' tokens are cancelled. Returns after
    /// `stop`, when every handler has ended.
    ///
    /// A handler's token is also cancelled when the job is [asked to stop](Queue::ask_to_stop) or has been lost to another
    /// worker. It should then end at its next safe point; its outcome counts as any other, unless the job was lost. A
    /// handler that panics has failed: the job is tried again after [`backoff`].
    ///
    /// A database that does not answer is waited for. Dropping the future cancels the handlers' tokens and leaves the
    /// handlers to end by themselves.
    ///
    /// # Errors
    /// When `concurrency` is 0: no job would ever run.
    pub async fn run<H, F>(
        &self,
        kind: JobKind,
        concurrency: usize,
        handler: H,
        stop: CancellationToken,
        abort: CancellationToken,
    ) -> Result<(), QueueError>
    where
        H: Fn(Attempt, CancellationToken) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        if concurrency == 0 {
            return Err(QueueError::Settings(format!("{kind} jobs would never run: allow at least 1 at a time")));
        }
        let mut worker = Worker {
            queue: self.clone(),
            kind,
            concurrency,
            handler: Arc::new(handler),
            stop,
            abort,
            running: Running::default(),
            looking: Looking::default(),
        };
        worker.work().await;
        worker.drain().await;
        Ok(())
    }
}

struct Worker<H> {
    queue: Queue,
    kind: JobKind,
    concurrency: usize,
    handler: Arc<H>,
    stop: CancellationToken,
    abort: CancellationToken,
    running: Running,
    looking: Looking,
}

impl<H, F> Worker<H>
where
    H: Fn(Attempt, CancellationToken) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    async fn work(&mut self) {
        let (queue, stop) = (self.queue.clone(), self.stop.clone());
        let mut woken = queue.0.wakes.subscribe();
        let mut listening = pin!(queue.listen());
        let mut heartbeat = self.heartbeat();
        let mut next_due = None;
        loop {
            let fence_at = self.fence_at();
            let all = tokio::select! {
                () = stop.cancelled() => return,
                never = &mut listening => match never {},
                _ = woken.changed() => true,
                _ = heartbeat.tick() => true,
                () = self.running.ended() => false,
                taken = self.looking.answer() => {
                    self.begin(taken).await;
                    false
                }
                () = wait(next_due) => false,
                () = until(fence_at) => true,
            };
            if all {
                self.beat().await;
            }
            next_due = self.take().await;
        }
    }

    async fn drain(&mut self) {
        let mut woken = self.queue.0.wakes.subscribe();
        let mut heartbeat = self.heartbeat();
        let abort = self.abort.clone();
        let hangs = async move {
            abort.cancelled().await;
            tokio::time::sleep(LAST_LOOK).await;
        };
        let mut hangs = pin!(hangs.fuse());
        while !self.running.held.is_empty() || self.looking.is_open() {
            let fence_at = self.fence_at();
            tokio::select! {
                () = self.running.ended() => {}
                taken = self.looking.answer() => {
                    self.begin(taken).await;
                }
                () = &mut hangs, if !hangs.is_terminated() => self.looking.task.abort_all(),
                _ = woken.changed() => self.beat().await,
                _ = heartbeat.tick() => self.beat().await,
                () = until(fence_at) => self.beat().await,
            }
        }
    }

    /// Ticks at once, then every heartbeat.
    fn heartbeat(&self) -> tokio::time::Interval {
        let mut interval = tokio::time::interval(self.queue.0.settings.heartbeat);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    }

    /// Takes as many due jobs as there is room for. How long until the next one is due, when there is room left.
    async fn take(&mut self) -> Option<Duration> {
        // A database that hangs must not keep the worker from its heartbeat: the look goes on beside that.
        let end = Instant::now() + self.queue.0.settings.heartbeat;
        let end = self.fence_at().map_or(end, |at| at.min(end));
        loop {
            let is_late = self.looking.is_open();
            if !is_late {
                let free = self.concurrency.saturating_sub(self.running.held.len());
                if free == 0 {
                    return None;
                }
                self.looking.begin(look(self.queue.clone(), self.kind, free, self.stop.clone()));
            }
            let Ok(taken) = tokio::time::timeout_at(end, self.looking.answer()).await else {
                tracing::warn!(kind = %self.kind, "can't take jobs yet: the database has not answered");
                return None;
            };
            let next_due = self.begin(taken).await;
            // What came while an earlier look was waited for is seen by a new one.
            if !is_late {
                return next_due;
            }
        }
    }

    /// Begins what a look has taken. How long until the next job is due, as far as that look was to see it.
    async fn begin(&mut self, taken: Result<Taken, String>) -> Option<Duration> {
        match taken {
            Ok(taken) => {
                let Taken { rows, asked, next_due, .. } = self.still_held(taken).await;
                rows.into_iter().for_each(|row| self.start(row, asked));
                next_due
            }
            Err(error) => {
                tracing::warn!(kind = %self.kind, error, "can't take jobs, trying again with the next heartbeat");
                None
            }
        }
    }

    /// Without what others may have taken while the answer was on its way, for longer than a lease goes.
    async fn still_held(&self, taken: Taken) -> Taken {
        let settings = &self.queue.0.settings;
        let safe = settings.lease.saturating_sub(settings.heartbeat);
        if taken.rows.is_empty() || (self.queue.now() < taken.lease_end && taken.asked.elapsed() < safe) {
            return taken;
        }
        let asked = Instant::now();
        let error = match tokio::time::timeout(settings.heartbeat, self.renewed(taken.rows)).await {
            Ok(Ok(rows)) => return Taken { rows, asked, ..taken },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!(kind = %self.kind, error, "jobs were taken too late to be begun: their leases end");
        Taken { rows: Vec::new(), ..taken }
    }

    /// Those of them that this worker still holds, with new leases.
    async fn renewed(&self, mut rows: Vec<ClaimedRow>) -> Result<Vec<ClaimedRow>, StoreError> {
        let lease_end = self.queue.lease_end(self.queue.now());
        let mut tx = self.queue.0.store.begin().await?;
        let mut held = Vec::new();
        // In the order of everybody, as in a beat.
        rows.sort_by_key(|row| row.id);
        for mut row in rows {
            if let Some(to_stop) = sql::renew(&mut tx, row.id, natural(row.attempts), lease_end).await? {
                row.cancel_asked |= to_stop;
                held.push(row);
            }
        }
        tx.commit().await?;
        Ok(held)
    }

    fn start(&mut self, row: ClaimedRow, renewed: Instant) {
        let held = Held { id: row.id, number: natural(row.attempts), stop: self.abort.child_token(), renewed };
        if row.cancel_asked {
            held.stop.cancel();
        }
        let task = carry_out(self.queue.clone(), self.kind, Arc::clone(&self.handler), row, held.stop.clone());
        let task = self.running.tasks.spawn(task);
        self.running.held.insert(task.id(), held);
    }

    /// Renews what this worker holds, then puts back what dead workers held. In this order: a worker that itself was
    /// asleep for longer than a lease keeps the jobs that nobody has taken from it. Handlers whose jobs could not be
    /// renewed for too long are told to stop.
    async fn beat(&mut self) {
        self.looking.give_up();
        let asked = Instant::now();
        let end = asked + self.queue.0.settings.heartbeat;
        // At least a moment, so that a worker that was asleep still asks whether it lost its jobs.
        let end = self.fence_at().map_or(end, |at| at.clamp(asked + A_MOMENT, end.max(asked + A_MOMENT)));
        let error = match tokio::time::timeout_at(end, self.try_beat()).await {
            Ok(Ok(())) => {
                self.running.held.values_mut().for_each(|held| held.renewed = asked);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!(kind = %self.kind, error, "can't renew the leases of jobs, trying again with the next heartbeat");
        self.fence();
    }

    /// When the first handler has to be told to stop, unless its lease is renewed before.
    fn fence_at(&self) -> Option<Instant> {
        let settings = &self.queue.0.settings;
        // What is left of the lease after it is for the handler, to come to its next safe point.
        let safe = settings.lease.saturating_sub(settings.heartbeat);
        let running = self.running.held.values().filter(|held| !held.stop.is_cancelled());
        running.map(|held| held.renewed + safe).min()
    }

    /// Tells the handlers to stop whose leases may end soon.
    fn fence(&self) {
        let settings = &self.queue.0.settings;
        let safe = settings.lease.saturating_sub(settings.heartbeat);
        for held in self.running.held.values().filter(|held| !held.stop.is_cancelled()) {
            if held.renewed.elapsed() >= safe {
                tracing::error!(kind = %self.kind, job = held.id, "the lease could not be renewed: the job is left to others");
                held.stop.cancel();
            }
        }
    }

    async fn try_beat(&self) -> Result<(), StoreError> {
        // Read once: a process that sleeps between renewing and rescuing would take its own jobs away from itself.
        let now = self.queue.now();
        let mut tx = self.queue.0.store.begin().await?;
        let mut to_stop = Vec::new();
        // One order for everybody, so that two workers never wait for each other's rows.
        let mut all: Vec<&Held> = self.running.held.values().collect();
        all.sort_by_key(|held| held.id);
        for held in all {
            // Not held any more: lost to another worker, or just ended; then cancelling disturbs nobody.
            if sql::renew(&mut tx, held.id, held.number, self.queue.lease_end(now)).await?.unwrap_or(true) {
                to_stop.push(&held.stop);
            }
        }
        let rescued = sql::rescue(&mut tx, self.kind.name(), now).await?;
        tx.commit().await?;
        to_stop.into_iter().for_each(CancellationToken::cancel);
        for (key, state) in rescued {
            tracing::warn!(kind = %self.kind, key, state, "the worker of this job stopped answering");
        }
        Ok(())
    }
}

/// The tasks of the handlers.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    held: HashMap<Id, Held>,
}

/// A job that this worker holds.
struct Held {
    id: i64,
    number: u32,
    stop: CancellationToken,
    /// When the database was last asked to renew its lease, and did.
    renewed: Instant,
}

impl Running {
    /// Returns when one has ended; never, when none runs.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                tracing::error!(%error, "the task of a job broke; its lease will end");
                error.id()
            }
        };
        self.held.remove(&id);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.held.values().for_each(|held| held.stop.cancel());
        self.tasks.detach_all();
    }
}

/// A look for due jobs. It is a task of its own, so that none is dropped in the middle: where the database answers a commit
/// late, the jobs were taken, and nobody else would begin them before their leases end.
#[derive(Default)]
struct Looking {
    task: JoinSet<Result<Taken, StoreError>>,
    since: Option<Instant>,
}

/// What a look has brought.
struct Taken {
    rows: Vec<ClaimedRow>,
    /// Their leases are no older than this.
    asked: Instant,
    lease_end: Timestamp,
    next_due: Option<Duration>,
}

impl Looking {
    fn begin(&mut self, look: impl Future<Output = Result<Taken, StoreError>> + Send + 'static) {
        self.since = Some(Instant::now());
        self.task.spawn(look);
    }

    fn is_open(&self) -> bool {
        !self.task.is_empty()
    }

    /// What it has brought, or a sentence about why nothing; never, when there is none.
    async fn answer(&mut self) -> Result<Taken, String> {
        match self.task.join_next().await {
            None => std::future::pending().await,
            Some(Ok(taken)) => taken.map_err(|error| error.to_string()),
            Some(Err(error)) => Err(error.to_string()),
        }
    }

    /// Ends one that nobody answers any more, so that there can be another.
    fn give_up(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= LONGEST_LOOK) {
            self.task.abort_all();
        }
    }
}

async fn look(queue: Queue, kind: JobKind, free: usize, stop: CancellationToken) -> Result<Taken, StoreError> {
    let (inner, kind, now, asked) = (&queue.0, kind.name(), queue.now(), Instant::now());
    let lease_end = queue.lease_end(now);
    let claim = async {
        let mut tx = inner.store.begin().await?;
        let worker = &inner.settings.worker_name;
        let rows = sql::claim(&mut tx, kind, worker, now, lease_end, free).await?;
        let next_due = if rows.len() < free { sql::next_due(&mut tx, kind, now).await? } else { None };
        Ok::<_, StoreError>((tx, rows, next_due.map(|due| due.since(now))))
    };
    // Where that comes while we look, nothing is committed, and so nothing was taken.
    let claimed = stop.run_until_cancelled(claim).await.filter(|_| !stop.is_cancelled());
    let Some(claimed) = claimed else { return Ok(Taken { rows: Vec::new(), asked, lease_end, next_due: None }) };
    let (tx, rows, next_due) = claimed?;
    tx.commit().await?;
    Ok(Taken { rows, asked, lease_end, next_due })
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn wait(how_long: Option<Duration>) {
    match how_long {
        Some(how_long) => tokio::time::sleep(how_long).await,
        None => std::future::pending().await,
    }
}

/// One attempt from its start to its stored result.
async fn carry_out<H, F>(queue: Queue, kind: JobKind, handler: Arc<H>, row: ClaimedRow, stop: CancellationToken)
where
    H: Fn(Attempt, CancellationToken) -> F,
    F: Future<Output = Outcome>,
{
    let (id, number, max) = (row.id, natural(row.attempts), natural(row.max_attempts));
    let key = row.key.clone();
    let outcome = match serde_json::from_str(&row.payload) {
        Ok(payload) => {
            let worker = queue.0.settings.worker_name.clone();
            let attempt = Attempt { kind, key: row.key, payload, number, max, worker, id };
            let handling = AssertUnwindSafe(async { handler(attempt, stop).await });
            handling.catch_unwind().await.unwrap_or_else(|panic| panicked(number, panic.as_ref()))
        }
        Err(error) => Outcome::Dead { reason: format!("the stored payload can't be read: {error}") },
    };
    let settlement = settlement(outcome, number, max, queue.now());
    if let Some(reason) = &settlement.reason {
        tracing::warn!(%kind, key, number, max, state = settlement.state, reason, "a job failed");
    }
    match tokio::time::timeout(queue.0.settings.lease, settle(&queue, id, number, &settlement)).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(%kind, key, number, "result refused: the job was taken over by another worker"),
        Err(_) => tracing::error!(%kind, key, number, "the result can't be stored: the job will be tried again"),
    }
}

/// Stores the result, however long the database takes. Whether the attempt still held the job.
async fn settle(queue: &Queue, id: i64, number: u32, settlement: &Settlement) -> bool {
    loop {
        match sql::settle(&queue.0.store, id, number, settlement).await {
            Ok(taken) => return taken,
            Err(error) => tracing::warn!(%error, "the result of a job can't be stored yet"),
        }
        tokio::time::sleep(SETTLE_AGAIN).await;
    }
}

fn settlement(outcome: Outcome, number: u32, max: u32, now: Timestamp) -> Settlement {
    match outcome {
        Outcome::Done => Settlement { state: "done", run_at: None, ended_at: Some(now), reason: None },
        Outcome::Retry { after, reason } if number < max => {
            Settlement { state: "waiting", run_at: Some(now.plus(after)), ended_at: None, reason: Some(reason) }
        }
        Outcome::Retry { reason, .. } | Outcome::Dead { reason } => {
            Settlement { state: "dead", run_at: None, ended_at: Some(now), reason: Some(reason) }
        }
    }
}

fn panicked(number: u32, panic: &(dyn Any + Send)) -> Outcome {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Outcome::Retry { after: backoff(number), reason: format!("the handler panicked: {}", said.unwrap_or("no message")) }
}

/// Counts are stored as 64 bits; none ever comes near the end of 32.
fn natural(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
