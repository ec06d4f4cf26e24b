//! Deliveries after they were stored: claimed, judged, shown, run again. How they come in is [`crate::inbox`].

use crate::select::Select;
use crate::{Db, Store, StoreError, Tx, from_json, on_read, on_tx, parsed, postgres, sqlite, storable};
use davit_domain::ids::{DeliveryId, ForgeId, RequestId};
use davit_domain::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Stored, waits for its turn.
    Received,
    /// It made something happen.
    Processed,
    /// Nothing follows from it; the reason says why.
    Ignored,
    /// It could not be processed; the reason says why.
    Failed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Received, Self::Processed, Self::Ignored, Self::Failed];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a verdict: use received, processed, ignored or failed"))
    }
}

/// A delivery without what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number here.
    pub id: DeliveryId,
    /// The forge it came from.
    pub forge: ForgeId,
    /// The forge's own id for it; the same again when the forge repeats it.
    pub delivery: String,
    /// The forge's word for the event.
    pub event: String,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, as a sentence; empty while it waits.
    pub reason: String,
    /// The repository it is about, once it was read.
    pub repository: Option<String>,
    /// What it says in a few words, once it was read.
    pub summary: String,
    /// How often it was taken up.
    pub attempts: i64,
    /// Whether a person asked to run it again.
    pub replay: bool,
}

/// A delivery with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFull {
    /// The delivery.
    pub delivery: Delivery,
    /// Request headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Which deliveries to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this forge.
    pub forge: Option<ForgeId>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// About this repository, without case.
    pub repository: Option<String>,
    /// Of this event, in the forge's word.
    pub event: Option<String>,
    /// With this in the summary, the reason, the repository or the forge's id, without case.
    pub text: Option<String>,
    /// About these repositories alone; `None`: about all.
    pub within: Option<Vec<(ForgeId, String)>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    forge: String,
    delivery: String,
    event: String,
    received_at: i64,
    verdict: String,
    reason: String,
    repository: Option<String>,
    summary: String,
    attempts: i64,
    replay: bool,
}

impl Row {
    fn read(self) -> Result<Delivery, StoreError> {
        let place = format!("deliveries {}", self.id);
        Ok(Delivery {
            id: DeliveryId(self.id),
            forge: parsed(&place, &self.forge)?,
            delivery: self.delivery,
            event: self.event,
            received_at: Timestamp::from_millis(self.received_at),
            verdict: parsed(&place, &self.verdict)?,
            reason: self.reason,
            repository: self.repository,
            summary: self.summary,
            attempts: self.attempts,
            replay: self.replay,
        })
    }
}

#[derive(sqlx::FromRow)]
struct FullRow {
    #[sqlx(flatten)]
    row: Row,
    headers: String,
    body: Vec<u8>,
}

impl FullRow {
    fn read(self) -> Result<DeliveryFull, StoreError> {
        let headers = from_json(&format!("deliveries {}", self.row.id), &self.headers)?;
        Ok(DeliveryFull { delivery: self.row.read()?, headers, body: self.body })
    }
}

impl Store {
    /// Deliveries, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql =
            "SELECT id, forge, delivery, event, received_at, verdict, reason, repository, summary, attempts, replay
             FROM deliveries";
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(sql)
            .equals("forge", filter.forge.as_ref())
            .equals("verdict", filter.verdict)
            .equals_any_case("repository", filter.repository.as_deref())
            .equals("event", filter.event.as_ref())
            .of_repositories(filter.within.as_deref())
            .contains(&["summary", "reason", "repository", "delivery"], filter.text.as_deref())
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// One delivery with its headers and body.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryFull>, StoreError> {
        let sql =
            "SELECT id, forge, delivery, event, received_at, verdict, reason, repository, summary, attempts, replay,
                 headers, body
             FROM deliveries WHERE id = $1";
        let row: Option<FullRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_optional(p).await)?;
        row.map(FullRow::read).transpose()
    }

    /// The delivery of a forge that came last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_delivery(&self, forge: &ForgeId) -> Result<Option<Delivery>, StoreError> {
        let filter = DeliveryFilter { forge: Some(forge.clone()), ..DeliveryFilter::default() };
        Ok(self.deliveries(&filter, None, 1).await?.pop())
    }

    /// The requests that a delivery made, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delivery_requests(&self, id: DeliveryId) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT id FROM requests WHERE delivery_id = $1 ORDER BY id";
        let ids: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(id.0).fetch_all(p).await)?;
        Ok(ids.into_iter().map(RequestId).collect())
    }

    /// Takes the oldest delivery that waits and that nobody holds; it is the caller's until `lease` is over. Counts as
    /// an attempt. Committed before it returns.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim_delivery(&self, now: Timestamp, lease: Duration) -> Result<Option<DeliveryFull>, StoreError> {
        let sql = match &self.db {
            Db::Sqlite { .. } => sqlite::CLAIM_DELIVERY,
            Db::Postgres(_) => postgres::CLAIM_DELIVERY,
        };
        let mut tx = self.begin().await?;
        let row: Option<FullRow> = on_tx!(&mut tx, c => sqlx::query_as(sql)
            .bind(now.millis()).bind(now.plus(lease).millis())
            .fetch_optional(&mut **c).await)?;
        tx.commit().await?;
        row.map(FullRow::read).transpose()
    }

    /// Gives up the claims of the process before this one; how many. Only SQLite, where there is one process at a time:
    /// call it once, before the first claim. On PostgreSQL other processes may be alive: the leases decide.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reclaim_deliveries_of_previous_process(&self) -> Result<u64, StoreError> {
        let Db::Sqlite { write, .. } = &self.db else { return Ok(0) };
        let sql = "UPDATE deliveries SET claimed_until = NULL WHERE verdict = 'received' AND claimed_until IS NOT NULL";
        Ok(sqlx::query(sql).execute(write).await?.rows_affected())
    }
}

impl Tx {
    /// Writes down what became of a delivery and gives it up.
    ///
    /// # Errors
    /// `Conflict` when it does not wait any more: somebody else, who took it up after the caller's lease was over, was
    /// faster. The caller's transaction must not be committed then.
    pub async fn finish_delivery(
        &mut self,
        id: DeliveryId,
        verdict: Verdict,
        reason: &str,
        summary: &str,
        repository: Option<&str>,
        dedupe_key: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET verdict = $2, reason = $3, summary = $4, repository = $5, dedupe_key = $6,
                 claimed_until = NULL
             WHERE id = $1 AND verdict = 'received'";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(verdict.as_str())
            .bind(storable(reason).as_ref())
            .bind(storable(summary).as_ref())
            .bind(repository.map(storable).as_deref())
            .bind(dedupe_key.map(storable).as_deref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 {
            return Err(StoreError::Conflict(format!(
                "delivery {id} does not wait any more: another worker has done it"
            )));
        }
        Ok(())
    }

    /// Gives a claimed delivery back, to be taken up again from `retry_at` on. Nothing happens when it is done already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_claim(&mut self, id: DeliveryId, retry_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET claimed_until = $2 WHERE id = $1 AND verdict = 'received'";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(retry_at.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Takes back a claim that nothing was done with: it counts as no attempt, and others may take the delivery from `now`
    /// on. Nothing happens when it is done already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn undo_claim(&mut self, id: DeliveryId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET claimed_until = $2, attempts = attempts - 1
             WHERE id = $1 AND verdict = 'received' AND attempts > 0";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// The first processed delivery, other than `not`, that says the same and came at or after `since`. Until the
    /// transaction ends, nobody else gets an answer for this key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn earlier_delivery(
        &mut self,
        dedupe_key: &str,
        not: DeliveryId,
        since: Timestamp,
    ) -> Result<Option<DeliveryId>, StoreError> {
        let dedupe_key = storable(dedupe_key);
        self.lock(&format!("delivery {dedupe_key}")).await?;
        let sql = "SELECT id FROM deliveries
             WHERE dedupe_key = $1 AND id <> $2 AND verdict = 'processed' AND received_at >= $3
             ORDER BY id LIMIT 1";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(dedupe_key.as_ref()).bind(not.0).bind(since.millis())
            .fetch_optional(&mut **c).await)?;
        Ok(id.map(DeliveryId))
    }

    /// Lets a delivery wait again, because a person asked for it.
    ///
    /// # Errors
    /// `NotFound` when there is no such delivery.
    pub async fn replay_delivery(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET verdict = 'received', reason = '', replay = TRUE, claimed_until = NULL
             WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("delivery {id}"))) } else { Ok(()) }
    }
}
