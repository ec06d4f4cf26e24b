//! Calls still to be made to forges and channels, written with the state that caused them.
//!
//! A lane is one thing elsewhere that has a state, such as one commit status: only its newest state matters, and one
//! call of a lane is under way at a time, so that the last state wins. Rows that differ must not share a lane.
//! A call is made at least once: a worker whose lease runs out may have made it. How people see calls, and ask for
//! one again, is in [`people`].

pub mod people;

use crate::{Db, Store, StoreError, Tx, on_read, on_tx, on_write, parsed, storable};
use davit_domain::ids::{ChannelId, ForgeId};
use davit_domain::time::Timestamp;
pub use people::{OutboxCount, OutboxEntry, OutboxFilter};
use sqlx::{Database, Encode, QueryBuilder, Type};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Whom a call goes to. Its text is `forge:ID` or `channel:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A forge.
    Forge(ForgeId),
    /// A channel: people.
    Channel(ChannelId),
}

impl Target {
    /// The forge that it is.
    #[must_use]
    pub const fn forge(&self) -> Option<&ForgeId> {
        match self {
            Self::Forge(id) => Some(id),
            Self::Channel(_) => None,
        }
    }

    /// The channel that it is.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Forge(_) => None,
            Self::Channel(id) => Some(id),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forge(id) => write!(f, "forge:{id}"),
            Self::Channel(id) => write!(f, "channel:{id}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is nobody that davit calls");
        match text.split_once(':') {
            Some(("forge", id)) => id.parse().map(Self::Forge).map_err(|_| refused()),
            Some(("channel", id)) => id.parse().map(Self::Channel).map_err(|_| refused()),
            Some(_) | None => Err(refused()),
        }
    }
}

/// A call that something just made necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCall<'a> {
    /// What kind of call.
    pub kind: &'a str,
    /// Its lane.
    pub lane: &'a str,
    /// Whom to call.
    pub target: &'a Target,
    /// What to say, in the kind's own form.
    pub payload: &'a str,
    /// Whether it says a state that no other follows by itself.
    pub is_final: bool,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// What kind of call.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// Whom to call.
    pub target: Target,
    /// What to say, in the kind's own form.
    pub payload: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// Whether it says a state that no other follows by itself.
    pub is_final: bool,
    /// When it was written.
    pub created_at: Timestamp,
    /// Since when it is tried: since it was written, or since a person asked for it again.
    pub tried_since: Timestamp,
}

/// What to take, and in what order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRules {
    /// Nothing for these: they have asked for a pause.
    pub paused: Vec<Target>,
    /// States that no other follows before all others; otherwise what is due longest comes first.
    pub finals_first: bool,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// To be made, now or later.
    Waiting,
    /// Somebody is making it.
    Leased,
    /// Made.
    Done,
    /// Given up.
    Dead,
    /// A newer one of its lane took its place.
    Superseded,
}

impl OutboxState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Leased, Self::Done, Self::Dead, Self::Superseded];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for OutboxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OutboxState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a state of an outgoing call"))
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxEnd {
    /// Made.
    Done,
    /// Given up: trying again would not help.
    Dead,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    lane: String,
    target: String,
    payload: String,
    attempts: i64,
    is_final: bool,
    created_at: i64,
    tried_since: i64,
}

impl Row {
    fn read(self) -> Result<OutboxRow, StoreError> {
        Ok(OutboxRow {
            id: self.id,
            target: parsed(&format!("outbox {}", self.id), &self.target)?,
            kind: self.kind,
            lane: self.lane,
            payload: self.payload,
            attempts: self.attempts,
            is_final: self.is_final,
            created_at: Timestamp::from_millis(self.created_at),
            tried_since: Timestamp::from_millis(self.tried_since),
        })
    }
}

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "id, kind, lane, target, payload, attempts, is_final, created_at, tried_since"
    };
}
use columns;

/// The newest open row of a lane that is due, unless another row of the lane is under way.
fn next<DB>(now: Timestamp, rules: &ClaimRules) -> QueryBuilder<DB>
where
    DB: Database,
    for<'a> String: Encode<'a, DB> + Type<DB>,
    for<'a> i64: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT o.id FROM outbox o WHERE o.done_at IS NULL AND o.next_at <= ");
    query.push_bind(now.millis());
    not_paused(&mut query, rules);
    query.push(
        " AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.lane = o.lane AND n.id > o.id AND n.done_at IS NULL)
          AND NOT EXISTS (SELECT 1 FROM outbox l WHERE l.lane = o.lane AND l.done_at IS NULL
              AND l.state = 'leased' AND l.next_at > ",
    );
    query.push_bind(now.millis()).push(") ORDER BY ");
    if rules.finals_first {
        query.push("o.is_final DESC, ");
    }
    query.push("o.next_at, o.id LIMIT 1");
    query
}

fn next_due<DB>(rules: &ClaimRules) -> QueryBuilder<DB>
where
    DB: Database,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT MIN(o.next_at) FROM outbox o WHERE o.done_at IS NULL");
    not_paused(&mut query, rules);
    query.push(
        " AND (o.state = 'leased'
            OR (NOT EXISTS (SELECT 1 FROM outbox n WHERE n.lane = o.lane AND n.id > o.id AND n.done_at IS NULL)
                AND NOT EXISTS (SELECT 1 FROM outbox l WHERE l.lane = o.lane AND l.done_at IS NULL
                    AND l.state = 'leased')))",
    );
    query
}

fn not_paused<DB>(query: &mut QueryBuilder<DB>, rules: &ClaimRules)
where
    DB: Database,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    for target in &rules.paused {
        query.push(" AND o.target <> ").push_bind(target.to_string());
    }
}

impl Tx {
    /// Writes down a call to be made, due at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn enqueue_outbox(&mut self, call: &NewCall<'_>, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO outbox (kind, lane, target, payload, state, attempts, is_final, next_at, created_at,
                 tried_since)
             VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $6, $6, $6)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(call.kind)
            .bind(storable(call.lane).as_ref())
            .bind(call.target.to_string())
            .bind(storable(call.payload).as_ref())
            .bind(call.is_final)
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}

impl Store {
    /// Takes a call to make; it is the caller's until `lease` is over. Older ones of its lane are superseded by it.
    /// Committed before it returns.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim_outbox(
        &self,
        now: Timestamp,
        lease: Duration,
        rules: &ClaimRules,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let mut tx = self.begin().await?;
        // One claim at a time over all processes: two must not take two rows of a lane, and a claim takes a millisecond.
        tx.lock("outbox").await?;
        let id: Option<i64> =
            on_tx!(&mut tx, c => next(now, rules).build_query_scalar().fetch_optional(&mut **c).await)?;
        let Some(id) = id else {
            tx.commit().await?;
            return Ok(None);
        };
        let sql = concat!(
            "UPDATE outbox SET state = 'leased', next_at = $2, attempts = attempts + 1 WHERE id = $1 RETURNING ",
            columns!()
        );
        let row: Row = on_tx!(&mut tx, c =>
            sqlx::query_as(sql).bind(id).bind(now.plus(lease).millis()).fetch_one(&mut **c).await)?;
        let sql =
            "UPDATE outbox SET state = 'superseded', done_at = $3 WHERE lane = $1 AND id < $2 AND done_at IS NULL";
        on_tx!(&mut tx, c => sqlx::query(sql)
            .bind(row.lane.as_str()).bind(id).bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        tx.commit().await?;
        row.read().map(Some)
    }

    /// Holds a claimed call until `until`; whether it was still the caller's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew_outbox(&self, call: &OutboxRow, until: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET next_at = $3
             WHERE id = $1 AND attempts = $2 AND done_at IS NULL AND state = 'leased'";
        let renewed = on_write!(&self.db, p => sqlx::query(sql)
            .bind(call.id).bind(call.attempts).bind(until.millis())
            .execute(p).await.map(|done| done.rows_affected()))?;
        Ok(renewed > 0)
    }

    /// Ends a claimed call. Nothing happens when a newer one has superseded it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn finish_outbox(
        &self,
        id: i64,
        end: OutboxEnd,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let state = match end {
            OutboxEnd::Done => OutboxState::Done,
            OutboxEnd::Dead => OutboxState::Dead,
        };
        let sql = "UPDATE outbox SET state = $2, last_error = COALESCE($3, last_error), done_at = $4
             WHERE id = $1 AND done_at IS NULL";
        on_write!(&self.db, p => sqlx::query(sql)
            .bind(id).bind(state.as_str()).bind(error.map(storable).as_deref()).bind(now.millis())
            .execute(p).await.map(drop))?;
        Ok(())
    }

    /// Gives a claimed call back, to be tried again from `next_at` on. Nothing happens when a newer one has superseded
    /// it, or when somebody else has claimed it since.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retry_outbox(&self, call: &OutboxRow, next_at: Timestamp, error: &str) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET state = 'waiting', next_at = $3, last_error = $4
             WHERE id = $1 AND attempts = $2 AND done_at IS NULL AND state = 'leased'";
        on_write!(&self.db, p => sqlx::query(sql)
            .bind(call.id).bind(call.attempts).bind(next_at.millis()).bind(storable(error).as_ref())
            .execute(p).await.map(drop))?;
        Ok(())
    }

    /// Lets the calls that the process before this one was making wait again; how many. Only SQLite, where there is one
    /// process at a time: call it once, before the first claim. On PostgreSQL other processes may be alive: the leases
    /// decide.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reclaim_outbox_of_previous_process(&self, now: Timestamp) -> Result<u64, StoreError> {
        let Db::Sqlite { write, .. } = &self.db else { return Ok(0) };
        let sql = "UPDATE outbox SET state = 'waiting', next_at = $1 WHERE state = 'leased' AND done_at IS NULL";
        Ok(sqlx::query(sql).bind(now.millis()).execute(write).await?.rows_affected())
    }

    /// When there will be something to claim, unless something changes before: the time may be past. A call under way
    /// counts with the end of its lease, one to somebody who wants a pause not at all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_next_due(&self, rules: &ClaimRules) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = on_read!(&self.db, p => next_due(rules).build_query_scalar().fetch_one(p).await)?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// How many calls of a lane have not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_waiting(&self, lane: &str) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM outbox WHERE lane = $1 AND done_at IS NULL";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(storable(lane).as_ref()).fetch_one(p).await)?)
    }
}
