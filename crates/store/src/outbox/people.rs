//! The outbox as people see it: what waits and why, what was given up, and "try it again".

use super::{OutboxRow, OutboxState, Row, Target, columns};
use crate::select::Select;
use crate::{Store, StoreError, Tx, on_read, on_tx, parsed};
use davit_domain::time::Timestamp;

/// A call as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The call.
    pub row: OutboxRow,
    /// Where it stands.
    pub state: OutboxState,
    /// When it is tried next, or when its lease is over.
    pub next_at: Timestamp,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it ended.
    pub done_at: Option<Timestamp>,
}

/// Which calls to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxFilter {
    /// In one of these states.
    pub states: Vec<OutboxState>,
    /// To this one.
    pub target: Option<Target>,
    /// With this in the lane, the kind or the last error, without case.
    pub text: Option<String>,
}

/// How many calls to somebody are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxCount {
    /// Whom they go to.
    pub target: Target,
    /// The state.
    pub state: OutboxState,
    /// How many, at least one.
    pub count: i64,
    /// When the oldest of them was written.
    pub oldest: Timestamp,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    #[sqlx(flatten)]
    row: Row,
    state: String,
    next_at: i64,
    last_error: Option<String>,
    done_at: Option<i64>,
}

impl EntryRow {
    fn read(self) -> Result<OutboxEntry, StoreError> {
        Ok(OutboxEntry {
            state: parsed(&format!("outbox {}", self.row.id), &self.state)?,
            row: self.row.read()?,
            next_at: Timestamp::from_millis(self.next_at),
            last_error: self.last_error,
            done_at: self.done_at.map(Timestamp::from_millis),
        })
    }
}

const ENTRIES: &str = concat!("SELECT ", columns!(), ", state, next_at, last_error, done_at FROM outbox");
const ENTRY: &str = concat!("SELECT ", columns!(), ", state, next_at, last_error, done_at FROM outbox WHERE id = $1");

impl Store {
    /// Calls, newest first, below the number `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox(
        &self,
        filter: &OutboxFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let rows: Vec<EntryRow> = on_read!(&self.db, p => Select::new(ENTRIES)
            .one_of("state", &filter.states)
            .equals("target", filter.target.as_ref())
            .contains(&["lane", "kind", "last_error"], filter.text.as_deref())
            .newest_first(before, limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(EntryRow::read).collect()
    }

    /// A call.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_entry(&self, id: i64) -> Result<Option<OutboxEntry>, StoreError> {
        let row: Option<EntryRow> = on_read!(&self.db, p => sqlx::query_as(ENTRY).bind(id).fetch_optional(p).await)?;
        row.map(EntryRow::read).transpose()
    }

    /// The newest call to somebody that has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_call(&self, target: &Target) -> Result<Option<OutboxEntry>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", state, next_at, last_error, done_at FROM outbox
             WHERE target = $1 AND done_at IS NOT NULL ORDER BY done_at DESC, id DESC LIMIT 1"
        );
        let row: Option<EntryRow> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(target.to_string()).fetch_optional(p).await)?;
        row.map(EntryRow::read).transpose()
    }

    /// How many calls to each target there are in each state, by target and state. What there is none of is absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        let sql = "SELECT target, state, COUNT(*), MIN(created_at) FROM outbox GROUP BY target, state
             ORDER BY target, state";
        let rows: Vec<(String, String, i64, i64)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.into_iter()
            .map(|(target, state, count, oldest)| {
                Ok(OutboxCount {
                    target: parsed("outbox", &target)?,
                    state: parsed("outbox", &state)?,
                    count,
                    oldest: Timestamp::from_millis(oldest),
                })
            })
            .collect()
    }
}

impl Tx {
    /// Lets a call be made now, because a person wants it: one that waits for its time, or one that was given up. Its
    /// day begins anew.
    ///
    /// # Errors
    /// `NotFound` when there is no such call; `Conflict`, with a sentence for the person, when it is under way, was
    /// made, or when a newer one has taken its place.
    pub async fn retry_call(&mut self, id: i64, now: Timestamp) -> Result<OutboxEntry, StoreError> {
        // As for a claim: nobody may take this call, or a newer one of its lane, in between.
        self.lock("outbox").await?;
        let entry = self.outbox_entry(id).await?.ok_or_else(|| StoreError::NotFound(format!("call {id}")))?;
        let refused = match entry.state {
            OutboxState::Leased => Some("it is being made right now"),
            OutboxState::Done => Some("it was made"),
            OutboxState::Superseded => Some("a newer one took its place"),
            OutboxState::Waiting | OutboxState::Dead => {
                self.has_newer_call(&entry.row).await?.then_some("a newer one took its place")
            }
        };
        if let Some(reason) = refused {
            return Err(StoreError::Conflict(format!("call {id} can't be tried again: {reason}")));
        }
        let sql = "UPDATE outbox SET state = 'waiting', next_at = $2, tried_since = $2, done_at = NULL WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        self.outbox_entry(id).await?.ok_or_else(|| StoreError::NotFound(format!("call {id}")))
    }

    async fn outbox_entry(&mut self, id: i64) -> Result<Option<OutboxEntry>, StoreError> {
        let row: Option<EntryRow> = on_tx!(self, c => sqlx::query_as(ENTRY).bind(id).fetch_optional(&mut **c).await)?;
        row.map(EntryRow::read).transpose()
    }

    async fn has_newer_call(&mut self, row: &OutboxRow) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM outbox WHERE lane = $1 AND id > $2";
        let newer: i64 = on_tx!(self, c =>
            sqlx::query_scalar(sql).bind(row.lane.as_str()).bind(row.id).fetch_one(&mut **c).await)?;
        Ok(newer > 0)
    }
}
