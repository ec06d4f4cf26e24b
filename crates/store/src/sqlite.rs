//! What only SQLite needs: opening with the settings that make a commit durable.

use crate::{Db, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

/// Parallel readers. They share the page cache of the operating system; four keep two cores busy.
const READERS: u32 = 4;

pub(crate) async fn open(file: &Path) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on disk before it returns, also when the power fails (sqlite.org/pragma.html#pragma_synchronous).
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10));
    let explain = |error: sqlx::Error| {
        StoreError::Open(format!(
            "the database file {} can't be opened ({error}). Check that the directory exists and that this user may write to it.",
            file.display()
        ))
    };
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.clone())
        .await
        .map_err(explain)?;
    migrator(sqlx::migrate!("migrations/sqlite")).run(&write).await.map_err(|error| migration_failed(&error))?;
    let read = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await
        .map_err(explain)?;
    Ok(Db::Sqlite { write, read })
}

/// The queue keeps its own migrations in `_sqlx_migrations`; ours have another table so that the two never mix.
pub(crate) fn migrator(mut migrator: sqlx::migrate::Migrator) -> sqlx::migrate::Migrator {
    migrator.dangerous_set_table_name("davit_migrations");
    migrator
}

pub(crate) fn migration_failed(error: &sqlx::migrate::MigrateError) -> StoreError {
    StoreError::Open(format!(
        "the database schema can't be brought up to date: {error}. If a newer davit has used this database, start that version; otherwise restore a backup."
    ))
}
