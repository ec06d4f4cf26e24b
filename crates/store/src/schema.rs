//! How far a database's schema is, without changing anything: for those who look before they start a server.

use crate::sqlite::migrator;
use crate::{StoreError, postgres};
use davit_domain::time::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::collections::BTreeSet;
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The newest migration that was done; 0: none.
    pub version: i64,
    /// Migrations that this davit would do at the start.
    pub to_do: usize,
    /// Migrations that this davit does not know: a newer one did them.
    pub unknown: usize,
    /// The database server's clock; `None`: it is this machine's.
    pub clock: Option<Timestamp>,
}

/// Looks at the SQLite database at `file`, which must be there.
///
/// # Errors
/// When it can't be read.
pub async fn of_sqlite(file: &Path) -> Result<Standing, StoreError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await?;
    let table = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'davit_migrations'";
    let there: i64 = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
    let done: Vec<i64> = if there == 0 {
        Vec::new()
    } else {
        sqlx::query_scalar("SELECT version FROM davit_migrations").fetch_all(&mut connection).await?
    };
    connection.close().await?;
    Ok(compare(&migrator(sqlx::migrate!("migrations/sqlite")), done, None))
}

/// Looks at the PostgreSQL database at `url`.
///
/// # Errors
/// When it can't be reached; the sentence never holds the password.
pub async fn of_postgres(url: &str) -> Result<Standing, StoreError> {
    let (options, place) = postgres::options(url)?;
    let mut connection = options.connect().await.map_err(|error| postgres::unreachable(&place, &error))?;
    let table = "SELECT to_regclass('davit_migrations') IS NOT NULL";
    let there: bool = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
    let done: Vec<i64> = if there {
        sqlx::query_scalar("SELECT version FROM davit_migrations").fetch_all(&mut connection).await?
    } else {
        Vec::new()
    };
    let now = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT";
    let now: i64 = sqlx::query_scalar(now).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(compare(&migrator(sqlx::migrate!("migrations/postgres")), done, Some(Timestamp::from_millis(now))))
}

fn compare(migrator: &Migrator, done: Vec<i64>, clock: Option<Timestamp>) -> Standing {
    let known: BTreeSet<i64> = migrator.iter().map(|migration| migration.version).collect();
    let done: BTreeSet<i64> = done.into_iter().collect();
    Standing {
        version: done.last().copied().unwrap_or(0),
        to_do: known.difference(&done).count(),
        unknown: done.difference(&known).count(),
        clock,
    }
}
