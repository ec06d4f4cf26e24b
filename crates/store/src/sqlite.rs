//! What only SQLite needs: opening with the settings that make a commit durable, and storing deliveries one by one.

use crate::ci_logs::NewJobLine;
use crate::inbox::{NewDelivery, Put};
use crate::{Db, StoreError, storable, to_json};
use davit_domain::ids::{DeliveryId, DeploymentId, HostName, JobId};
use davit_domain::log::NewLine;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

/// Parallel readers. They share the page cache of the operating system; four keep two cores busy.
const READERS: u32 = 4;

/// Inside `BEGIN IMMEDIATE` nobody else writes, so what is chosen is ours.
pub(crate) const CLAIM_DELIVERY: &str = "UPDATE deliveries SET claimed_until = $2, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM deliveries WHERE verdict = 'received' AND (claimed_until IS NULL OR claimed_until <= $1)
        ORDER BY id LIMIT 1)
    RETURNING id, forge, delivery, event, received_at, verdict, reason, repository, summary, attempts, replay,
        headers, body";

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

/// A name of our own, so that a database shared with another program that uses sqlx is no trouble.
pub(crate) fn migrator(mut migrator: sqlx::migrate::Migrator) -> sqlx::migrate::Migrator {
    migrator.dangerous_set_table_name("davit_migrations");
    migrator
}

pub(crate) fn migration_failed(error: &sqlx::migrate::MigrateError) -> StoreError {
    StoreError::Open(format!(
        "the database schema can't be brought up to date: {error}. If a newer davit has used this database, start that version; otherwise restore a backup."
    ))
}

/// Stores deliveries, in their order. SQLite has no round trips: one prepared statement, row by row.
pub(crate) async fn insert_deliveries(
    c: &mut SqliteConnection,
    deliveries: &[NewDelivery],
) -> Result<Vec<Put>, StoreError> {
    let insert = "INSERT INTO deliveries (forge, delivery, event, received_at, verdict, reason, summary, attempts,
             headers, body)
         VALUES ($1, $2, $3, $4, 'received', '', '', 0, $5, $6)
         ON CONFLICT (forge, delivery) DO NOTHING RETURNING id";
    let find = "SELECT id FROM deliveries WHERE forge = $1 AND delivery = $2";
    let mut put = Vec::with_capacity(deliveries.len());
    for new in deliveries {
        let headers = to_json("deliveries", &new.headers)?;
        let id: Option<i64> = sqlx::query_scalar(insert)
            .bind(new.forge.as_str())
            .bind(new.delivery.as_str())
            .bind(new.event.as_str())
            .bind(new.received_at.millis())
            .bind(headers.as_str())
            .bind(new.body.as_slice())
            .fetch_optional(&mut *c)
            .await?;
        put.push(match id {
            Some(id) => Put::New(DeliveryId(id)),
            None => {
                let known = sqlx::query_scalar(find).bind(new.forge.as_str()).bind(new.delivery.as_str());
                Put::Known(DeliveryId(known.fetch_one(&mut *c).await?))
            }
        });
    }
    Ok(put)
}

/// Stores log lines, the first one as number `first_seq`.
pub(crate) async fn insert_lines(
    c: &mut SqliteConnection,
    id: DeploymentId,
    first_seq: i64,
    lines: &[NewLine],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_lines (deployment_id, seq, at, host, step, stream, text)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for (seq, line) in (first_seq..).zip(lines) {
        sqlx::query(sql)
            .bind(id.0)
            .bind(seq)
            .bind(line.at.millis())
            .bind(line.host.as_ref().map(HostName::as_str))
            .bind(i64::from(line.step.number()))
            .bind(line.stream.as_str())
            .bind(storable(&line.text).as_ref())
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// Stores log lines of a job, the first one as number `first_seq`.
pub(crate) async fn insert_job_lines(
    c: &mut SqliteConnection,
    id: JobId,
    first_seq: i64,
    lines: &[NewJobLine],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ci_log_lines (job_id, seq, at, step, stream, text) VALUES ($1, $2, $3, $4, $5, $6)";
    for (seq, line) in (first_seq..).zip(lines) {
        sqlx::query(sql)
            .bind(id.0)
            .bind(seq)
            .bind(line.at.millis())
            .bind(i64::from(line.step))
            .bind(line.stream.as_str())
            .bind(storable(&line.text).as_ref())
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}
