//! What shows that the feed is as it was written: a proof an entry, made when it is written, and a chain of seals, made
//! soon after.
//!
//! The key is not known here: a [`Signer`] comes in. Entries are not chained where they are written, because then every
//! transaction would wait for the one before it; and PostgreSQL commits them in another order than it numbers them. So
//! a task of the engine takes what is open, in the order of the ids that it sees, and gives it the next positions.

use crate::{Store, StoreError, Tx, on_read, on_tx};
use davit_domain::time::Timestamp;
use std::sync::Arc;

/// Proves that davit wrote what is written.
#[derive(Clone)]
pub struct Signer(Arc<Prove>);

type Prove = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

impl Signer {
    /// Of a function that makes the proof of some content; another one each time, also of the same content.
    pub fn new(prove: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(Arc::new(prove))
    }

    pub(crate) fn prove(&self, content: &[u8]) -> Vec<u8> {
        (self.0)(content)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

/// An entry as it lies in the table, read without understanding it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredEntry {
    /// Its number.
    pub id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    app: Option<String>,
    environment: Option<String>,
    detail: String,
    origin: Option<String>,
    /// That davit wrote it; entries of before there were proofs have none.
    pub proof: Option<Vec<u8>>,
    /// Its place in the chain, once it has one. From 1.
    pub position: Option<i64>,
    /// What binds it to all before it.
    pub seal: Option<Vec<u8>>,
}

impl StoredEntry {
    /// All that it says, as bytes that no other entry has; without its number.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let optional = [self.app.as_deref(), self.environment.as_deref(), self.origin.as_deref()];
        content(self.at, [&self.actor, &self.action, &self.subject, &self.detail], optional)
    }
}

/// Where the chain begins: after the entries that are forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedAnchor {
    /// The last position that is forgotten; 0 when none is.
    pub position: i64,
    /// That one's seal.
    pub seal: Vec<u8>,
    /// The last id that was given before entries had proofs.
    pub last_bare: i64,
    /// Since when.
    pub at: Timestamp,
    /// That davit wrote it.
    pub proof: Vec<u8>,
}

impl FeedAnchor {
    /// All that it says, as bytes.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let numbers = [self.position, self.last_bare, self.at.millis()].map(i64::to_be_bytes).concat();
        [b"davit feed anchor 1".as_slice(), &numbers, &self.seal].concat()
    }
}

/// The parts one after the other, each with its length before it: two entries never have the same bytes.
pub(crate) fn content(at: i64, texts: [&str; 4], optional: [Option<&str>; 3]) -> Vec<u8> {
    let mut bytes = [b"davit feed entry 1".as_slice(), &at.to_be_bytes()].concat();
    let mut add = |text: &str| {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    texts.into_iter().for_each(&mut add);
    for text in optional {
        match text {
            // Not to be taken for an empty one.
            None => add("-"),
            Some(text) => {
                add("+");
                add(text);
            }
        }
    }
    bytes
}

macro_rules! stored {
    ($rest:literal) => {
        concat!(
            "SELECT id, at, actor, action, subject, app, environment, detail, origin, proof, position, seal FROM feed ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct AnchorRow {
    position: i64,
    seal: Vec<u8>,
    last_bare: i64,
    at: i64,
    proof: Vec<u8>,
}

const ANCHOR: &str = "SELECT position, seal, last_bare, at, proof FROM feed_anchor WHERE name = 'anchor'";

impl AnchorRow {
    fn read(self) -> FeedAnchor {
        FeedAnchor {
            position: self.position,
            seal: self.seal,
            last_bare: self.last_bare,
            at: Timestamp::from_millis(self.at),
            proof: self.proof,
        }
    }
}

impl Store {
    /// The same database; what is written to the feed through this one carries a proof.
    #[must_use]
    pub fn signing_with(mut self, signer: Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Entries of the chain behind a position, in its order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn chained(&self, after: i64, limit: i64) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = stored!("WHERE position > $1 ORDER BY position LIMIT $2");
        Ok(on_read!(&self.db, p => sqlx::query_as(sql).bind(after).bind(limit).fetch_all(p).await)?)
    }

    /// Entries that are not in the chain yet, with ids above one, in the order of their ids.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unchained(&self, above: i64, limit: i64) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = stored!("WHERE position IS NULL AND id > $1 ORDER BY id LIMIT $2");
        Ok(on_read!(&self.db, p => sqlx::query_as(sql).bind(above).bind(limit).fetch_all(p).await)?)
    }

    /// Where the chain begins. `None`: nothing has been signed yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed_anchor(&self) -> Result<Option<FeedAnchor>, StoreError> {
        let row: Option<AnchorRow> = on_read!(&self.db, p => sqlx::query_as(ANCHOR).fetch_optional(p).await)?;
        Ok(row.map(AnchorRow::read))
    }

    /// The last position of the chain, and its seal. `None`: no entry is in it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn chain_end(&self) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let end: Option<EndRow> = on_read!(&self.db, p => sqlx::query_as(CHAIN_END).fetch_optional(p).await)?;
        Ok(end.map(EndRow::read))
    }

    /// The ids of entries that have another one's proof, the first hundred.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn copied_entries(&self) -> Result<Vec<i64>, StoreError> {
        // The index that forbids it may be gone together with the rest.
        let sql = "SELECT MAX(id) FROM feed WHERE proof IS NOT NULL GROUP BY proof HAVING COUNT(*) > 1
             ORDER BY MAX(id) LIMIT 100";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?)
    }

    /// The last position whose entry, and all before it, are from before a moment. `None`: the first is not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn chain_before(&self, moment: Timestamp) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT MAX(position) FROM feed WHERE position < COALESCE(
                 (SELECT MIN(position) FROM feed WHERE position IS NOT NULL AND at >= $1), 9223372036854775807)";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(moment.millis()).fetch_one(p).await)?)
    }
}

const CHAIN_END: &str = "SELECT position, seal FROM feed WHERE position = (SELECT MAX(position) FROM feed) LIMIT 1";

#[derive(sqlx::FromRow)]
struct EndRow {
    position: i64,
    seal: Option<Vec<u8>>,
}

impl EndRow {
    /// A seal that somebody took away is an empty one: the chain goes on, and whoever verifies it sees that.
    fn read(self) -> (i64, Vec<u8>) {
        (self.position, self.seal.unwrap_or_default())
    }
}

impl Tx {
    /// As [`Store::unchained`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unchained(&mut self, above: i64, limit: i64) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = stored!("WHERE position IS NULL AND id > $1 ORDER BY id LIMIT $2");
        Ok(on_tx!(self, c => sqlx::query_as(sql).bind(above).bind(limit).fetch_all(&mut **c).await)?)
    }

    /// As [`Store::chain_end`]; whoever else wants to know waits until this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_chain(&mut self) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        self.lock("feed chain").await?;
        let end: Option<EndRow> = on_tx!(self, c => sqlx::query_as(CHAIN_END).fetch_optional(&mut **c).await)?;
        Ok(end.map(EndRow::read))
    }

    /// Puts an entry into the chain.
    ///
    /// # Errors
    /// `Conflict` when it is in it already, or the position is taken.
    pub async fn chain_entry(&mut self, id: i64, position: i64, seal: &[u8]) -> Result<(), StoreError> {
        let sql = "UPDATE feed SET position = $2, seal = $3 WHERE id = $1 AND position IS NULL";
        let done = on_tx!(self, c => sqlx::query(sql).bind(id).bind(position).bind(seal)
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 1 { Ok(()) } else { Err(StoreError::Conflict(format!("entry {id} of the feed is in the chain"))) }
    }

    /// The highest id in the feed; 0 when it is empty.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_feed_id(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(id), 0) FROM feed";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql).fetch_one(&mut **c).await)?)
    }

    /// As [`Store::feed_anchor`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed_anchor(&mut self) -> Result<Option<FeedAnchor>, StoreError> {
        let row: Option<AnchorRow> = on_tx!(self, c => sqlx::query_as(ANCHOR).fetch_optional(&mut **c).await)?;
        Ok(row.map(AnchorRow::read))
    }

    /// Says where the chain begins from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_feed_anchor(&mut self, anchor: &FeedAnchor) -> Result<(), StoreError> {
        let sql = "INSERT INTO feed_anchor (name, position, seal, last_bare, at, proof)
             VALUES ('anchor', $1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET position = excluded.position, seal = excluded.seal,
                 last_bare = excluded.last_bare, at = excluded.at, proof = excluded.proof";
        on_tx!(self, c => sqlx::query(sql)
            .bind(anchor.position)
            .bind(anchor.seal.as_slice())
            .bind(anchor.last_bare)
            .bind(anchor.at.millis())
            .bind(anchor.proof.as_slice())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets the entries up to a position, and returns how many those were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_feed(&mut self, up_to: i64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM feed WHERE position <= $1";
        Ok(on_tx!(self, c => sqlx::query(sql).bind(up_to).execute(&mut **c).await.map(|done| done.rows_affected()))?)
    }

    /// The seal at a position of the chain.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn seal_at(&mut self, position: i64) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT seal FROM feed WHERE position = $1 AND seal IS NOT NULL";
        let seal = on_tx!(self, c => sqlx::query_scalar(sql).bind(position).fetch_optional(&mut **c).await)?;
        seal.ok_or_else(|| StoreError::NotFound(format!("position {position} of the feed")))
    }
}
