//! All SQL, and nothing but: one file an aggregate, one function an intent.
//!
//! SQLite and PostgreSQL run the same texts (`$1` placeholders) where the dialects agree; what differs (opening,
//! claiming, maintenance) sits in [`sqlite`] and [`postgres`]. Nothing here decides anything: states are read,
//! handed to the domain, and written back in the same transaction.

pub mod accounts;
pub mod alerts;
pub mod builds;
pub mod changes;
mod chat;
pub mod checks;
pub mod ci_annotations;
pub mod ci_artifacts;
pub mod ci_caches;
pub mod ci_jobs;
pub mod ci_logs;
pub mod ci_runs;
pub mod ci_steps;
pub mod configuration;
pub mod deliveries;
pub mod delivery;
pub mod deployments;
pub mod feed;
pub mod feed_chain;
pub mod forge_deployments;
pub mod gates;
pub mod grants;
pub mod groups;
pub mod hosts;
pub mod identities;
pub mod inbox;
pub mod log_outline;
pub mod log_search;
pub mod log_windows;
pub mod logs;
pub mod merge_queue;
pub mod origin;
pub mod outbox;
mod postgres;
pub mod releases;
pub mod requests;
pub mod retention;
pub mod schedules;
pub mod schema;
pub mod search;
pub mod secrets;
pub mod seen;
mod select;
pub mod sessions;
pub mod sign_in;
mod sqlite;
pub mod terminals;
pub mod tokens;
pub mod values;

use feed_chain::Signer;
use sqlx::{Database, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

/// What can go wrong, split by what the caller does.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database is away, full or locked: worth another try.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// What was written exists already, was changed by somebody else in between, or breaks a rule of the schema.
    #[error("{0}")]
    Conflict(String),
    /// What was asked for is not there.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A stored row can't be read back: a bug or a damaged database, never the caller's fault.
    #[error("the database holds something unreadable in {place}: {detail}")]
    Corrupt {
        /// Table and key.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The database can't be opened or migrated; the sentence says what to do.
    #[error("{0}")]
    Open(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            if database.is_unique_violation() {
                return Self::Conflict(format!("it exists already ({})", database.message()));
            }
            if database.is_foreign_key_violation() || database.is_check_violation() {
                return Self::Conflict(format!("the database refuses it ({})", database.message()));
            }
        }
        Self::Unavailable(Arc::new(error))
    }
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    signer: Option<Signer>,
}

/// Which database it is.
#[derive(Debug, Clone)]
pub enum Db {
    /// One file, one process: one connection writes, several read.
    Sqlite {
        /// The one writing connection.
        write: SqlitePool,
        /// Read-only connections.
        read: SqlitePool,
    },
    /// A server, several processes.
    Postgres(PgPool),
}

/// A transaction on either database. Dropped without [`commit`](Tx::commit), it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// `BEGIN IMMEDIATE` on the one writing connection.
    Sqlite(Open<Sqlite>),
    /// `READ COMMITTED`.
    Postgres(Open<Postgres>),
}

/// A transaction of one database, used as its connection, and who signs what is written to the feed in it.
#[derive(Debug)]
pub struct Open<D: Database> {
    tx: Transaction<'static, D>,
    signer: Option<Signer>,
}

impl<D: Database> Deref for Open<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.tx
    }
}

impl<D: Database> DerefMut for Open<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.tx
    }
}

impl Tx {
    /// Makes it durable.
    ///
    /// # Errors
    /// When the database refuses; then nothing was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(open) => open.tx.commit().await?,
            Self::Postgres(open) => open.tx.commit().await?,
        }
        Ok(())
    }

    const fn signer(&self) -> Option<&Signer> {
        match self {
            Self::Sqlite(open) => open.signer.as_ref(),
            Self::Postgres(open) => open.signer.as_ref(),
        }
    }
}

/// Runs one expression on a transaction of either kind: `on_tx!(tx, c => query(SQL).execute(&mut **c).await)`.
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, $c:ident => $body:expr) => {
        match $tx {
            $crate::Tx::Sqlite($c) => $body,
            $crate::Tx::Postgres($c) => $body,
        }
    };
}

/// Runs one reading expression on a pool of either kind: `on_read!(store.db(), p => query(SQL).fetch_all(p).await)`.
#[macro_export]
macro_rules! on_read {
    ($db:expr, $p:ident => $body:expr) => {
        match $db {
            $crate::Db::Sqlite { read: $p, .. } => $body,
            $crate::Db::Postgres($p) => $body,
        }
    };
}

/// Runs one writing statement that returns no rows, outside any transaction.
macro_rules! on_write {
    ($db:expr, $p:ident => $body:expr) => {
        match $db {
            $crate::Db::Sqlite { write: $p, .. } => $body,
            $crate::Db::Postgres($p) => $body,
        }
    };
}
pub(crate) use on_write;

impl Store {
    /// Opens (and makes, when missing) the SQLite database at `file` and brings its schema up to date.
    ///
    /// # Errors
    /// When the file can't be used; the sentence says what to do.
    pub async fn open_sqlite(file: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: sqlite::open(file).await?, signer: None })
    }

    /// Connects to PostgreSQL at `url` and brings its schema up to date.
    ///
    /// # Errors
    /// When the server can't be used; the sentence says what to do and never holds the password.
    pub async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self { db: postgres::open(url).await?, signer: None })
    }

    /// The pools, for the queue, which brings its own SQL.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Starts a writing transaction.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let signer = self.signer.clone();
        Ok(match &self.db {
            Db::Sqlite { write, .. } => Tx::Sqlite(Open { tx: write.begin_with("BEGIN IMMEDIATE").await?, signer }),
            Db::Postgres(pool) => Tx::Postgres(Open { tx: pool.begin().await?, signer }),
        })
    }

    /// Whether the database answers and can be written to.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on_read!(&self.db, p => sqlx::query("SELECT 1").execute(p).await.map(|_| ()))?;
        Ok(())
    }

    /// Closes every connection; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

/// Reads a JSON column.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(place: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { place: place.to_owned(), detail: error.to_string() })
}

/// Writes a JSON column.
pub(crate) fn to_json<T: serde::Serialize>(place: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Corrupt { place: place.to_owned(), detail: error.to_string() })
}

/// Reads a column that holds one of our own words, keys or names.
pub(crate) fn parsed<T: std::str::FromStr>(place: &str, text: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| StoreError::Corrupt { place: place.to_owned(), detail: error.to_string() })
}

/// Reads a column that holds one of the domain's words, once the domain has looked it up.
pub(crate) fn known<T>(place: &str, text: &str, found: Option<T>) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Corrupt { place: place.to_owned(), detail: format!("unknown word {text:?}") })
}

/// A repository as it is stored and looked for: forges don't tell case apart.
pub(crate) fn repository_key(repository: &str) -> String {
    repository.to_ascii_lowercase()
}

/// Free text as both databases can hold it: PostgreSQL's has no NUL, so it becomes `␀`.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}
