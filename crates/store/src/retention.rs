//! What is forgotten after a while: logs, deliveries, calls and alerts that are long over, and what was known of
//! forges; runs of workflows with all that they left. The feed stays.

use crate::{Store, StoreError, on_tx, repository_key};
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;

/// Rows a transaction: others get their turn in between.
const AT_ONCE: i64 = 2_000;

/// What may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// Log lines of deployments that ended before this, checks of commits from before this, and changes that are closed
    /// and were before this.
    pub logs: Timestamp,
    /// Deliveries that were dealt with and came before this, and former heads of branches that they told about.
    pub deliveries: Timestamp,
    /// Calls to forges that were made, or given up, before this, and alerts that ended before this or whose calls are gone.
    pub calls: Timestamp,
    /// Sessions that ended before this, and tries to sign in from before.
    pub sessions: Timestamp,
}

const LOGS: &str = "DELETE FROM log_lines WHERE (deployment_id, seq) IN (
         SELECT l.deployment_id, l.seq FROM log_lines l JOIN deployments d ON d.id = l.deployment_id
         WHERE d.finished_at < $1 LIMIT $2)";
const LOG_BLOCKS: &str = "DELETE FROM log_blocks WHERE (deployment_id, step, block) IN (
         SELECT l.deployment_id, l.step, l.block FROM log_blocks l JOIN deployments d ON d.id = l.deployment_id
         WHERE d.finished_at < $1 LIMIT $2)";
const HOST_BLOCKS: &str = "DELETE FROM log_host_blocks WHERE (deployment_id, host, block, step) IN (
         SELECT l.deployment_id, l.host, l.block, l.step FROM log_host_blocks l
         JOIN deployments d ON d.id = l.deployment_id WHERE d.finished_at < $1 LIMIT $2)";
const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN (
         SELECT id FROM deliveries WHERE received_at < $1 AND verdict <> 'received' ORDER BY id LIMIT $2)";
const CALLS: &str = "DELETE FROM outbox WHERE id IN (
         SELECT id FROM outbox WHERE done_at < $1 ORDER BY id LIMIT $2)";
const ALERTS: &str = "DELETE FROM alerts WHERE id IN (
         SELECT id FROM alerts WHERE ended_at < $1 ORDER BY id LIMIT $2)";
/// Nobody can end those any more: the calls that they are about are forgotten.
const ORPHANS: &str = "DELETE FROM alerts WHERE id IN (
         SELECT a.id FROM alerts a WHERE a.kind = 'forge_call' AND a.ended_at IS NULL AND a.since < $1
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.lane = a.subject) LIMIT $2)";
const CHECKS: &str = "DELETE FROM checks WHERE (forge, repository, commit_sha, name) IN (
         SELECT forge, repository, commit_sha, name FROM checks WHERE at < $1 LIMIT $2)";
/// All but the newest of each branch and tag, which is what its next head is compared with.
const FORMER_HEADS: &str = "DELETE FROM forge_seen WHERE (forge, repository, reference, commit_sha) IN (
         SELECT s.forge, s.repository, s.reference, s.commit_sha FROM forge_seen s
         WHERE s.at < $1 AND EXISTS (SELECT 1 FROM forge_seen n
             WHERE n.forge = s.forge AND n.repository = s.repository AND n.reference = s.reference AND n.at > s.at)
         LIMIT $2)";
const CHANGES: &str = "DELETE FROM changes WHERE id IN (
         SELECT id FROM changes WHERE state <> 'open' AND updated_at < $1 ORDER BY id LIMIT $2)";
const QUEUED: &str = "DELETE FROM merge_queue WHERE id IN (
         SELECT id FROM merge_queue WHERE ended_at < $1 ORDER BY id LIMIT $2)";
const SESSIONS: &str = "DELETE FROM sessions WHERE token_hash IN (
         SELECT token_hash FROM sessions WHERE expires_at < $1 LIMIT $2)";
const TRIES: &str = "DELETE FROM sign_in_tries WHERE name IN (
         SELECT name FROM sign_in_tries WHERE last_at < $1 AND locked_until < $1 LIMIT $2)";
const OLD_RUNS: &str = "SELECT id FROM ci_runs
     WHERE forge = $1 AND repository = $2 AND ended_at < $3 ORDER BY ended_at, id LIMIT $4";
const RUN_LINES: &str = "DELETE FROM ci_log_lines WHERE (job_id, seq) IN (
         SELECT l.job_id, l.seq FROM ci_runs r JOIN ci_jobs j ON j.run_id = r.id JOIN ci_log_lines l ON l.job_id = j.id
         WHERE r.id = $1 AND r.ended_at < $2 LIMIT $3)";
const RUN_FILES: &str = "SELECT a.path FROM ci_artifacts a JOIN ci_runs r ON r.id = a.run_id
     WHERE r.id = $1 AND r.ended_at < $2 ORDER BY a.id";
const RUN: &str = "DELETE FROM ci_runs WHERE id = $1 AND ended_at < $2";

impl Store {
    /// Removes what is older than the cutoffs, some thousand rows a transaction. Returns how many rows went.
    ///
    /// # Errors
    /// When the database does not answer; what went until then is gone.
    pub async fn forget(&self, cutoffs: &Cutoffs) -> Result<u64, StoreError> {
        let mut gone = 0;
        for (sql, before) in [
            // Before the lines: readers may count too few for a while, but are promised none that are gone.
            (LOG_BLOCKS, cutoffs.logs),
            (HOST_BLOCKS, cutoffs.logs),
            (LOGS, cutoffs.logs),
            (CHECKS, cutoffs.logs),
            (CHANGES, cutoffs.logs),
            (QUEUED, cutoffs.logs),
            (DELIVERIES, cutoffs.deliveries),
            (FORMER_HEADS, cutoffs.deliveries),
            (CALLS, cutoffs.calls),
            (ALERTS, cutoffs.calls),
            (ORPHANS, cutoffs.calls),
            (SESSIONS, cutoffs.sessions),
            (TRIES, cutoffs.sessions),
        ] {
            loop {
                let mut tx = self.begin().await?;
                let rows = on_tx!(&mut tx, c => sqlx::query(sql)
                    .bind(before.millis()).bind(AT_ONCE)
                    .execute(&mut **c).await.map(|done| done.rows_affected()))?;
                tx.commit().await?;
                gone += rows;
                if rows < AT_ONCE.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(gone)
    }

    /// Removes at most `limit` runs of a repository that ended before this, with their jobs, logs, annotations and
    /// artifacts; the oldest first, some thousand rows a transaction.
    ///
    /// # Errors
    /// When the database does not answer; what went until then is gone.
    pub async fn forget_runs_before(
        &self,
        forge: &ForgeId,
        repository: &str,
        before: Timestamp,
        limit: i64,
    ) -> Result<ForgottenRuns, StoreError> {
        let repository = repository_key(repository);
        let mut tx = self.begin().await?;
        let ids: Vec<i64> = on_tx!(&mut tx, c => sqlx::query_scalar(OLD_RUNS)
            .bind(forge.as_str()).bind(repository.as_str()).bind(before.millis()).bind(limit)
            .fetch_all(&mut **c).await)?;
        tx.commit().await?;
        let mut gone = ForgottenRuns::default();
        for id in ids {
            self.forget_run_lines(id, before).await?;
            let mut tx = self.begin().await?;
            // Held, so that nobody starts it again between the two questions.
            tx.lock_row("SELECT 1 FROM ci_runs WHERE id = $1 FOR UPDATE", id).await?;
            let paths: Vec<String> = on_tx!(&mut tx, c =>
                sqlx::query_scalar(RUN_FILES).bind(id).bind(before.millis()).fetch_all(&mut **c).await)?;
            let runs = on_tx!(&mut tx, c => sqlx::query(RUN)
                .bind(id).bind(before.millis())
                .execute(&mut **c).await.map(|done| done.rows_affected()))?;
            tx.commit().await?;
            gone.runs += runs;
            gone.paths.extend(paths);
        }
        Ok(gone)
    }

    async fn forget_run_lines(&self, run: i64, before: Timestamp) -> Result<(), StoreError> {
        loop {
            let mut tx = self.begin().await?;
            let rows = on_tx!(&mut tx, c => sqlx::query(RUN_LINES)
                .bind(run).bind(before.millis()).bind(AT_ONCE)
                .execute(&mut **c).await.map(|done| done.rows_affected()))?;
            tx.commit().await?;
            if rows < AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

/// What [`Store::forget_runs_before`] removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgottenRuns {
    /// How many runs.
    pub runs: u64,
    /// Where the files of their artifacts are, below the data directory.
    pub paths: Vec<String>,
}
