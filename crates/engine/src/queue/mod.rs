//! The job queue: work that must happen, written in the transaction that decided it, carried out by any process.
//!
//! A job is a row of `queue_jobs`. It is `waiting` until a worker takes it, `running` while that worker renews its
//! lease, and ends `done` or `dead`. What is promised:
//!
//! - a job exists if and only if the transaction that enqueued it committed; the same (kind, key) exists once;
//! - an attempt is counted before it starts, so a job that kills its worker is tried `max_attempts` times and no more;
//! - a worker that died loses its jobs when their leases end; a worker that lost a job to a later attempt can neither
//!   renew nor settle it (its result is refused), and its handler is asked to stop;
//! - waiting workers are woken by the commit, not by polling; the heartbeat looks too, in case a wake-up was lost;
//! - a handler is never dropped in the middle: it is asked through its token and may finish what it holds.
//!
//! Delivery is at least once: a worker can die between its last effect and its result. Handlers are written for that.
//!
//! Not here: what the jobs do, schedules, the outbox. Accepted: lease times come from the clock of each process, so the
//! clocks of processes on one PostgreSQL must agree to within the lease less one heartbeat (any NTP does). A clock
//! further ahead takes over jobs of living workers, whose results are then refused.

#[cfg(test)]
mod plan_tests;
mod sql;
mod worker;

use crate::clock::Clock;
use davit_domain::time::Timestamp;
use davit_store::{Db, Store, StoreError, Tx};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// Between two tries to listen to PostgreSQL.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The settings contradict each other; the sentence says which.
    #[error("{0}")]
    Settings(String),
    /// The database; its own error says whether another try is worth it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What sort of work a job is. Each kind has its own workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobKind(&'static str);

impl JobKind {
    /// `name` is stored with every job: it must not change between releases.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What sort of work.
    pub kind: JobKind,
    /// Idempotency key: a second job of this kind and key is not made, also when the first has ended, until
    /// [`forget_done`](Queue::forget_done) removes it.
    pub key: String,
    /// What the handler gets. No secrets: it is stored as it is.
    pub payload: serde_json::Value,
    /// How often it may be started; 0 counts as 1.
    pub max_attempts: u32,
    /// Not before this long from now.
    pub run_after: Option<Duration>,
}

/// What became of an [`enqueue`](Queue::enqueue).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// The job was added.
    New,
    /// A job with this kind and key was there already; nothing was changed.
    Existing,
}

/// One start of a job: what the handler gets.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What sort of work.
    pub kind: JobKind,
    /// The idempotency key.
    pub key: String,
    /// What was enqueued.
    pub payload: serde_json::Value,
    /// The first is 1. Grows with every start of this job, so it fences: a lower number has lost the job.
    pub number: u32,
    /// How often the job may be started.
    pub max: u32,
    /// The name of the worker that runs it.
    pub worker: String,
    id: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job is done.
    Done,
    /// Try again, not before `after`; after the last attempt the job is dead.
    Retry {
        /// How long to wait, see [`backoff`].
        after: Duration,
        /// A sentence for people.
        reason: String,
    },
    /// Trying again would not help.
    Dead {
        /// A sentence for people.
        reason: String,
    },
}

/// A job that will not be tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadJob {
    /// What sort of work, by its stored name.
    pub kind: String,
    /// The idempotency key.
    pub key: String,
    /// What was enqueued.
    pub payload: serde_json::Value,
    /// How often it was started.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// How many jobs are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Not started yet, or waiting for the next attempt.
    pub waiting: u64,
    /// Held by a worker.
    pub running: u64,
    /// Dead letters.
    pub dead: u64,
}

/// How this process takes part.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    /// Names this process in reasons and logs.
    pub worker_name: String,
    /// How long a job stays with a worker that does not answer.
    pub lease: Duration,
    /// How often leases are renewed, those of dead workers are ended and lost wake-ups are made good.
    pub heartbeat: Duration,
    /// The time.
    pub clock: Clock,
}

impl QueueSettings {
    /// A lease of 30 s, renewed every 5 s.
    #[must_use]
    pub fn new(worker_name: impl Into<String>, clock: Clock) -> Self {
        Self {
            worker_name: worker_name.into(),
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(5),
            clock,
        }
    }
}

/// How long to wait after attempt `number` failed: 5 s, doubled every time, 5 min at most.
#[must_use]
pub fn backoff(number: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_mins(5);
    let doublings = number.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

/// The queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    settings: QueueSettings,
    /// Counts wake-ups, so that one that comes while a worker looks is not lost.
    wakes: watch::Sender<u64>,
    /// Held by the one worker of this process that listens to PostgreSQL for all of them.
    listening: Mutex<()>,
}

impl Queue {
    /// Opens the queue on a store that is open, and so has its tables.
    ///
    /// # Errors
    /// When the settings make no sense or the database does not answer.
    pub async fn open(store: &Store, settings: QueueSettings) -> Result<Self, QueueError> {
        if settings.heartbeat.is_zero() || settings.lease < settings.heartbeat * 2 {
            return Err(QueueError::Settings(format!(
                "a job's lease ({:?}) must be at least twice the heartbeat ({:?}), or living workers lose their jobs",
                settings.lease, settings.heartbeat
            )));
        }
        store.ping().await?;
        let inner = Inner { store: store.clone(), settings, wakes: watch::Sender::new(0), listening: Mutex::new(()) };
        Ok(Self(Arc::new(inner)))
    }

    /// Adds a job in the caller's transaction. After the commit, call [`wake`](Self::wake).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue(&self, tx: &mut Tx, job: NewJob) -> Result<Enqueued, QueueError> {
        let now = self.now();
        let run_at = now.plus(job.run_after.unwrap_or_default());
        let payload = job.payload.to_string();
        if !sql::enqueue(tx, job.kind.name(), &job.key, &payload, job.max_attempts.max(1), run_at, now).await? {
            return Ok(Enqueued::Existing);
        }
        sql::notify(tx).await?;
        Ok(Enqueued::New)
    }

    /// Makes the workers of this process look now. Other processes are told by the commit itself.
    pub fn wake(&self) {
        self.0.wakes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Removes a job that has never been started, in the caller's transaction, and frees its key. Whether there was one:
    /// `false` means that it has begun, has ended, or never was.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cancel_waiting(&self, tx: &mut Tx, kind: JobKind, key: &str) -> Result<bool, QueueError> {
        Ok(sql::remove_waiting(tx, kind.name(), key).await?)
    }

    /// Asks a job that has begun to stop, whichever process runs it, in the caller's transaction: after the commit and
    /// [`wake`](Self::wake), the token of its handler is cancelled. Between two attempts, the next one starts at once
    /// with a cancelled token; the wish outlives the attempt. How the job ends is the handler's to say. Whether there
    /// was one to ask; ask after [`cancel_waiting`](Self::cancel_waiting) said `false`, then none slips through.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ask_to_stop(&self, tx: &mut Tx, kind: JobKind, key: &str) -> Result<bool, QueueError> {
        let asked = sql::ask_to_stop(tx, kind.name(), key, self.now()).await?;
        if asked {
            sql::notify(tx).await?;
        }
        Ok(asked)
    }

    /// Whether a job waits, runs, or will be tried again; as the caller's transaction sees it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_open(&self, tx: &mut Tx, kind: JobKind, key: &str) -> Result<bool, QueueError> {
        Ok(sql::is_open(tx, kind.name(), key).await?)
    }

    /// What the jobs of a kind that wait or run are about.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_payloads(&self, tx: &mut Tx, kind: JobKind) -> Result<Vec<serde_json::Value>, QueueError> {
        Ok(sql::open_payloads(tx, kind.name()).await?)
    }

    /// Whether the attempt still holds its job. If it does, its lease starts anew, and until the caller's transaction
    /// ends nobody can take the job away: what is written beside it is written by the attempt in charge.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn holds(&self, tx: &mut Tx, attempt: &Attempt) -> Result<bool, QueueError> {
        Ok(sql::renew(tx, attempt.id, attempt.number, self.lease_end(self.now())).await?.is_some())
    }

    /// The dead letters, newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds something unreadable.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, QueueError> {
        sql::dead(&self.0.store, limit).await?.into_iter().map(DeadJob::try_from).collect()
    }

    /// How many jobs are in which state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counts(&self) -> Result<Counts, QueueError> {
        let (waiting, running, dead) = sql::counts(&self.0.store).await?;
        let natural = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Counts { waiting: natural(waiting), running: natural(running), dead: natural(dead) })
    }

    /// Puts back what the process before this one left running; how many jobs. Only SQLite, where there is one process
    /// at a time: call it once, before the first [`run`](Self::run). On PostgreSQL other processes may be alive, so
    /// nothing is done and the leases decide.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reclaim_orphans_of_previous_process(&self) -> Result<u64, QueueError> {
        match self.0.store.db() {
            Db::Postgres(_) => return Ok(0),
            Db::Sqlite { .. } => {}
        }
        let mut tx = self.0.store.begin().await?;
        let orphans = sql::reclaim(&mut tx, self.now()).await?;
        tx.commit().await?;
        Ok(orphans.len() as u64)
    }

    /// Removes jobs that were done longer than `age` ago and frees their keys; how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_done(&self, age: Duration) -> Result<u64, QueueError> {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(self.now().millis().saturating_sub(age));
        let mut tx = self.0.store.begin().await?;
        let forgotten = sql::forget_done(&mut tx, before).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }

    /// When a lease that begins at `now` ends.
    fn lease_end(&self, now: Timestamp) -> Timestamp {
        now.plus(self.0.settings.lease)
    }

    /// Turns the notifications of other processes into wake-ups, for as long as it is polled.
    async fn listen(&self) -> Infallible {
        let Db::Postgres(pool) = self.0.store.db() else {
            return std::future::pending().await;
        };
        let _the_one = self.0.listening.lock().await;
        let mut told: Option<Instant> = None;
        loop {
            let Err(error) = self.forward_notifications(pool).await;
            if told.is_none_or(|at| at.elapsed() >= self.0.settings.heartbeat) {
                told = Some(Instant::now());
                tracing::warn!(%error, "jobs of other processes are found by the heartbeat only: can't listen to PostgreSQL");
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn forward_notifications(&self, pool: &sqlx::PgPool) -> Result<Infallible, sqlx::Error> {
        let mut listener = sqlx::postgres::PgListener::connect_with(pool).await?;
        listener.listen(sql::CHANNEL).await?;
        loop {
            // Also right after connecting and (`None`) reconnecting: what was sent before then has been missed.
            self.wake();
            listener.try_recv().await?;
            while listener.next_buffered().is_some() {}
        }
    }
}

impl TryFrom<sql::DeadRow> for DeadJob {
    type Error = QueueError;

    fn try_from(row: sql::DeadRow) -> Result<Self, QueueError> {
        let payload = serde_json::from_str(&row.payload).map_err(|error| StoreError::Corrupt {
            place: format!("queue_jobs {} {}", row.kind, row.key),
            detail: error.to_string(),
        })?;
        Ok(Self {
            kind: row.kind,
            key: row.key,
            payload,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            reason: row.reason.unwrap_or_default(),
            at: Timestamp::from_millis(row.ended_at),
        })
    }
}
