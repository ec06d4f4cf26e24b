//! The SQL of the queue: one text an intent, the same on both databases but for the claim.
//!
//! Every change of a running job names its attempt (`attempts = $n AND state = 'running'`): that is the fence. Whoever
//! lost the job to a later attempt changes no row.

use davit_domain::time::Timestamp;
use davit_store::{Store, StoreError, Tx, on_read, on_tx};
use sqlx::{query, query_as, query_scalar};

/// Who waits for notifications listens here.
pub(super) const CHANNEL: &str = "davit_queue";

const ENQUEUE: &str = "INSERT INTO queue_jobs (kind, key, payload, state, max_attempts, run_at, created_at) \
     VALUES ($1, $2, $3, 'waiting', $4, $5, $6) ON CONFLICT (kind, key) DO NOTHING";

/// One statement, so SQLite runs it as a whole; there is one writer.
pub(super) const CLAIM_SQLITE: &str = "UPDATE queue_jobs \
     SET state = 'running', attempts = attempts + 1, worker = $1, lease_until = $2 \
     WHERE id IN (SELECT id FROM queue_jobs WHERE kind = $3 AND state = 'waiting' AND run_at <= $4 \
                  ORDER BY run_at, id LIMIT $5) \
     RETURNING id, key, payload, attempts, max_attempts, run_at, cancel_asked";

/// `MATERIALIZED`: the rows are picked and locked once, whatever plan is chosen for the update.
pub(super) const CLAIM_POSTGRES: &str = "WITH due AS MATERIALIZED ( \
         SELECT id FROM queue_jobs WHERE kind = $3 AND state = 'waiting' AND run_at <= $4 \
         ORDER BY run_at, id LIMIT $5 FOR UPDATE SKIP LOCKED) \
     UPDATE queue_jobs AS job \
     SET state = 'running', attempts = job.attempts + 1, worker = $1, lease_until = $2 \
     FROM due WHERE job.id = due.id \
     RETURNING job.id, job.key, job.payload, job.attempts, job.max_attempts, job.run_at, job.cancel_asked";

/// What is due now and was not claimed is being claimed by somebody else.
pub(super) const NEXT_DUE: &str =
    "SELECT MIN(run_at) FROM queue_jobs WHERE kind = $1 AND state = 'waiting' AND run_at > $2";

const RENEW: &str = "UPDATE queue_jobs SET lease_until = $1 \
     WHERE id = $2 AND attempts = $3 AND state = 'running' RETURNING cancel_asked";

/// Puts back running jobs, or gives them up when their attempts are used up.
macro_rules! take_away {
    ($why:literal, $which:literal) => {
        concat!(
            "UPDATE queue_jobs SET state = CASE WHEN attempts < max_attempts THEN 'waiting' ELSE 'dead' END, ",
            "ended_at = CASE WHEN attempts < max_attempts THEN NULL ELSE CAST($1 AS BIGINT) END, ",
            "run_at = CAST($1 AS BIGINT), worker = NULL, lease_until = NULL, ",
            $why,
            " WHERE ",
            $which,
            " RETURNING key, state"
        )
    };
}

pub(super) const RESCUE_SQLITE: &str = take_away!(
    "reason = 'worker ' || worker || ' stopped answering in attempt ' || attempts",
    "kind = $2 AND state = 'running' AND lease_until < $1"
);

/// Skips what somebody works on at this moment: its holder renews or settles it, or another worker rescues it.
pub(super) const RESCUE_POSTGRES: &str = take_away!(
    "reason = 'worker ' || worker || ' stopped answering in attempt ' || attempts",
    "id IN (SELECT id FROM queue_jobs WHERE kind = $2 AND state = 'running' AND lease_until < $1 \
            FOR UPDATE SKIP LOCKED)"
);

const RECLAIM: &str = take_away!("reason = 'the server stopped in attempt ' || attempts", "state = 'running'");

const SETTLE: &str = "UPDATE queue_jobs \
     SET state = $1, run_at = COALESCE($2, run_at), ended_at = $3, reason = $4, worker = NULL, lease_until = NULL \
     WHERE id = $5 AND attempts = $6 AND state = 'running'";

const REMOVE_WAITING: &str =
    "DELETE FROM queue_jobs WHERE kind = $1 AND key = $2 AND state = 'waiting' AND attempts = 0";

const ASK_TO_STOP: &str = "UPDATE queue_jobs SET cancel_asked = TRUE, \
         run_at = CASE WHEN state = 'waiting' AND run_at > $3 THEN $3 ELSE run_at END \
     WHERE kind = $1 AND key = $2 AND state IN ('waiting', 'running') AND attempts > 0";

const DEAD: &str = "SELECT kind, key, payload, attempts, reason, ended_at FROM queue_jobs \
     WHERE state = 'dead' AND ended_at IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT $1";

const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM queue_jobs WHERE state = 'waiting'), \
     (SELECT COUNT(*) FROM queue_jobs WHERE state = 'running'), \
     (SELECT COUNT(*) FROM queue_jobs WHERE state = 'dead' AND ended_at IS NOT NULL)";

/// One row, claimed.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct ClaimedRow {
    pub(super) id: i64,
    pub(super) key: String,
    pub(super) payload: String,
    pub(super) attempts: i64,
    pub(super) max_attempts: i64,
    pub(super) run_at: i64,
    pub(super) cancel_asked: bool,
}

/// One dead letter.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct DeadRow {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) payload: String,
    pub(super) attempts: i64,
    pub(super) reason: Option<String>,
    pub(super) ended_at: i64,
}

/// A row that was taken away from a worker, and the state it is in now.
pub(super) type Rescued = (String, String);

/// What becomes of a job after an attempt.
#[derive(Debug)]
pub(super) struct Settlement {
    pub(super) state: &'static str,
    pub(super) run_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) reason: Option<String>,
}

/// Whether a row was inserted.
pub(super) async fn enqueue(
    tx: &mut Tx,
    kind: &str,
    key: &str,
    payload: &str,
    max_attempts: u32,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = on_tx!(tx, c => query(ENQUEUE)
        .bind(kind)
        .bind(key)
        .bind(payload)
        .bind(i64::from(max_attempts))
        .bind(run_at.millis())
        .bind(now.millis())
        .execute(&mut **c)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Tells the other processes, when and if the transaction commits. SQLite has no others.
pub(super) async fn notify(tx: &mut Tx) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(_) => {}
        Tx::Postgres(c) => {
            query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(&mut **c).await?;
        }
    }
    Ok(())
}

/// Takes up to `limit` due jobs, oldest first.
pub(super) async fn claim(
    tx: &mut Tx,
    kind: &str,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Result<Vec<ClaimedRow>, StoreError> {
    let text = match tx {
        Tx::Sqlite(_) => CLAIM_SQLITE,
        Tx::Postgres(_) => CLAIM_POSTGRES,
    };
    let mut rows: Vec<ClaimedRow> = on_tx!(tx, c => query_as(text)
        .bind(worker)
        .bind(lease_until.millis())
        .bind(kind)
        .bind(now.millis())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut **c)
        .await?);
    // RETURNING has no order.
    rows.sort_by_key(|row| (row.run_at, row.id));
    Ok(rows)
}

/// When the next job that is not due yet will be.
pub(super) async fn next_due(tx: &mut Tx, kind: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<i64> =
        on_tx!(tx, c => query_scalar(NEXT_DUE).bind(kind).bind(now.millis()).fetch_one(&mut **c).await?);
    Ok(next.map(Timestamp::from_millis))
}

/// Prolongs the lease of an attempt. `None` when it does not hold the job any more, otherwise whether it should stop.
pub(super) async fn renew(
    tx: &mut Tx,
    id: i64,
    number: u32,
    lease_until: Timestamp,
) -> Result<Option<bool>, StoreError> {
    Ok(on_tx!(tx, c => query_scalar(RENEW)
        .bind(lease_until.millis())
        .bind(id)
        .bind(i64::from(number))
        .fetch_optional(&mut **c)
        .await?))
}

/// Puts back the jobs of this kind whose lease has ended, or gives them up when their attempts are used up.
pub(super) async fn rescue(tx: &mut Tx, kind: &str, now: Timestamp) -> Result<Vec<Rescued>, StoreError> {
    let text = match tx {
        Tx::Sqlite(_) => RESCUE_SQLITE,
        Tx::Postgres(_) => RESCUE_POSTGRES,
    };
    Ok(on_tx!(tx, c => query_as(text).bind(now.millis()).bind(kind).fetch_all(&mut **c).await?))
}

/// Puts back every running job, whatever its lease says.
pub(super) async fn reclaim(tx: &mut Tx, now: Timestamp) -> Result<Vec<Rescued>, StoreError> {
    Ok(on_tx!(tx, c => query_as(RECLAIM).bind(now.millis()).fetch_all(&mut **c).await?))
}

/// Whether the attempt still held the job, and so its result was taken.
pub(super) async fn settle(store: &Store, id: i64, number: u32, what: &Settlement) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let taken = on_tx!(&mut tx, c => query(SETTLE)
        .bind(what.state)
        .bind(what.run_at.map(Timestamp::millis))
        .bind(what.ended_at.map(Timestamp::millis))
        .bind(what.reason.as_deref())
        .bind(id)
        .bind(i64::from(number))
        .execute(&mut **c)
        .await?
        .rows_affected());
    tx.commit().await?;
    Ok(taken == 1)
}

/// Whether there was a job without an attempt, which is gone now.
pub(super) async fn remove_waiting(tx: &mut Tx, kind: &str, key: &str) -> Result<bool, StoreError> {
    let removed = on_tx!(tx, c => query(REMOVE_WAITING).bind(kind).bind(key).execute(&mut **c).await?.rows_affected());
    Ok(removed == 1)
}

/// Whether there is a job that waits or runs.
pub(super) async fn is_open(tx: &mut Tx, kind: &str, key: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM queue_jobs WHERE kind = $1 AND key = $2 AND state IN ('waiting', 'running')";
    let count: i64 = on_tx!(tx, c => sqlx::query_scalar::<_, i64>(sql).bind(kind).bind(key).fetch_one(&mut **c).await?);
    Ok(count > 0)
}

/// What the jobs that wait or run are about.
pub(super) async fn open_payloads(tx: &mut Tx, kind: &str) -> Result<Vec<serde_json::Value>, StoreError> {
    let sql = "SELECT payload FROM queue_jobs WHERE kind = $1 AND state IN ('waiting', 'running')";
    let payloads: Vec<String> =
        on_tx!(tx, c => sqlx::query_scalar::<_, String>(sql).bind(kind).fetch_all(&mut **c).await?);
    Ok(payloads.iter().filter_map(|payload| serde_json::from_str(payload).ok()).collect())
}

/// Whether there was a job that has begun, and is asked to stop now.
pub(super) async fn ask_to_stop(tx: &mut Tx, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let asked = on_tx!(tx, c => query(ASK_TO_STOP)
        .bind(kind)
        .bind(key)
        .bind(now.millis())
        .execute(&mut **c)
        .await?
        .rows_affected());
    Ok(asked == 1)
}

/// Removes what was done before `before`; how many.
pub(super) async fn forget_done(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Ok(on_tx!(tx, c => query("DELETE FROM queue_jobs WHERE state = 'done' AND ended_at < $1")
        .bind(before.millis())
        .execute(&mut **c)
        .await?
        .rows_affected()))
}

/// The dead letters, newest first.
pub(super) async fn dead(store: &Store, limit: u32) -> Result<Vec<DeadRow>, StoreError> {
    Ok(on_read!(store.db(), p => query_as(DEAD).bind(i64::from(limit)).fetch_all(p).await?))
}

/// Waiting, running, dead.
pub(super) async fn counts(store: &Store) -> Result<(i64, i64, i64), StoreError> {
    Ok(on_read!(store.db(), p => query_as(COUNTS).fetch_one(p).await?))
}
