//! What a person has to look at: raised once, ended when it is over, kept for a while.

use crate::select::Select;
use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::time::Timestamp;

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What sort of thing, a stable word such as `status_undeliverable`.
    pub kind: String,
    /// What it is about; there is one open alert a kind and subject.
    pub subject: String,
    /// A sentence: what is wrong and what to do.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// What [`Tx::raise_alert`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// It is new, and has this number.
    New(i64),
    /// It was open already, since then.
    Open(i64),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    subject: String,
    detail: String,
    since: i64,
    ended_at: Option<i64>,
}

impl Row {
    fn read(self) -> Alert {
        Alert {
            id: self.id,
            kind: self.kind,
            subject: self.subject,
            detail: self.detail,
            since: Timestamp::from_millis(self.since),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        }
    }
}

impl Store {
    /// Alerts, newest first, below the id `before`; all, or those that are open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alerts(&self, open_only: bool, before: Option<i64>, limit: i64) -> Result<Vec<Alert>, StoreError> {
        let sql = "SELECT id, kind, subject, detail, since, ended_at FROM alerts";
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(sql)
            .only_if("ended_at IS NULL", open_only)
            .newest_first(before, limit)
            .build_query_as().fetch_all(p).await)?;
        Ok(rows.into_iter().map(Row::read).collect())
    }

    /// How many alerts are open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_alerts(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM alerts WHERE ended_at IS NULL";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_one(p).await)?)
    }
}

impl Tx {
    /// Raises an alert, unless it is open already: then only its sentence is renewed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn raise_alert(
        &mut self,
        kind: &str,
        subject: &str,
        detail: &str,
        now: Timestamp,
    ) -> Result<Raised, StoreError> {
        let insert = "INSERT INTO alerts (kind, subject, detail, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING RETURNING id";
        let renew = "UPDATE alerts SET detail = $3 WHERE kind = $1 AND subject = $2 AND ended_at IS NULL RETURNING id";
        let (subject, detail) = (storable(subject), storable(detail));
        let new: Option<i64> = on_tx!(self, c => sqlx::query_scalar(insert)
            .bind(kind).bind(subject.as_ref()).bind(detail.as_ref()).bind(now.millis())
            .fetch_optional(&mut **c).await)?;
        if let Some(id) = new {
            return Ok(Raised::New(id));
        }
        let open: i64 = on_tx!(self, c => sqlx::query_scalar(renew)
            .bind(kind).bind(subject.as_ref()).bind(detail.as_ref())
            .fetch_one(&mut **c).await)?;
        Ok(Raised::Open(open))
    }

    /// Ends an alert. False: none is open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_alert(&mut self, kind: &str, subject: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE alerts SET ended_at = $3 WHERE kind = $1 AND subject = $2 AND ended_at IS NULL";
        let ended = on_tx!(self, c => sqlx::query(sql)
            .bind(kind).bind(storable(subject).as_ref()).bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(ended > 0)
    }
}
