//! What is forgotten after a while: logs, deliveries, calls and alerts that are long over, and what was known of
//! forges. The feed stays.

use crate::{Store, StoreError, on_tx};
use davit_domain::time::Timestamp;

/// Rows a transaction: others get their turn in between.
const AT_ONCE: i64 = 2_000;

/// What may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// Log lines of deployments that ended before this, and checks of commits from before this.
    pub logs: Timestamp,
    /// Deliveries that were dealt with and came before this, and former heads of branches that they told about.
    pub deliveries: Timestamp,
    /// Calls to forges that were made, or given up, before this, and alerts that ended before this or whose calls are gone.
    pub calls: Timestamp,
    /// Sessions that ended before this.
    pub sessions: Timestamp,
}

const LOGS: &str = "DELETE FROM log_lines WHERE (deployment_id, seq) IN (
         SELECT l.deployment_id, l.seq FROM log_lines l JOIN deployments d ON d.id = l.deployment_id
         WHERE d.finished_at < $1 LIMIT $2)";
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
const SESSIONS: &str = "DELETE FROM sessions WHERE token_hash IN (
         SELECT token_hash FROM sessions WHERE expires_at < $1 LIMIT $2)";

impl Store {
    /// Removes what is older than the cutoffs, some thousand rows a transaction. Returns how many rows went.
    ///
    /// # Errors
    /// When the database does not answer; what went until then is gone.
    pub async fn forget(&self, cutoffs: &Cutoffs) -> Result<u64, StoreError> {
        let mut gone = 0;
        for (sql, before) in [
            (LOGS, cutoffs.logs),
            (CHECKS, cutoffs.logs),
            (DELIVERIES, cutoffs.deliveries),
            (FORMER_HEADS, cutoffs.deliveries),
            (CALLS, cutoffs.calls),
            (ALERTS, cutoffs.calls),
            (ORPHANS, cutoffs.calls),
            (SESSIONS, cutoffs.sessions),
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
}
