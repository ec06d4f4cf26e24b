//! What only PostgreSQL needs: connecting, locks (SQLite has one writer), and storing a batch of deliveries at once.

use crate::ci_logs::NewJobLine;
use crate::inbox::{NewDelivery, Put};
use crate::sqlite::{migration_failed, migrator};
use crate::{Db, StoreError, Tx, storable, to_json};
use davit_domain::ids::{DeliveryId, DeploymentId, HostName, JobId};
use davit_domain::log::NewLine;
use sqlx::PgConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

/// Connections a process. PostgreSQL's default limit of 100 leaves room for several processes.
const CONNECTIONS: u32 = 16;

/// Rows that another process is just claiming are passed over, not waited for.
pub(crate) const CLAIM_DELIVERY: &str = "UPDATE deliveries SET claimed_until = $2, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM deliveries WHERE verdict = 'received' AND (claimed_until IS NULL OR claimed_until <= $1)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, forge, delivery, event, received_at, verdict, reason, repository, summary, attempts, replay,
        headers, body";

pub(crate) async fn open(url: &str) -> Result<Db, StoreError> {
    let (options, place) = options(url)?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options)
        .await
        .map_err(|error| unreachable(&place, &error))?;
    // sqlx's migrator takes an advisory lock: a second server waits here until the first is through.
    migrator(sqlx::migrate!("migrations/postgres")).run(&pool).await.map_err(|error| migration_failed(&error))?;
    Ok(Db::Postgres(pool))
}

/// How to connect, and where to, for people.
pub(crate) fn options(url: &str) -> Result<(PgConnectOptions, String), StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        StoreError::Open("the database URL is not valid: write postgres://USER:PASSWORD@HOST:5432/DATABASE".into())
    })?;
    let place = format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or("?"));
    Ok((options.application_name("davit"), place))
}

/// What to say when that fails.
pub(crate) fn unreachable(place: &str, error: &sqlx::Error) -> StoreError {
    StoreError::Open(format!(
        "PostgreSQL at {place} can't be used ({error}). Check that it runs and that user, password and database are right."
    ))
}

impl Tx {
    /// Waits for whoever holds the lock of this name, and holds it until the transaction ends. On SQLite there is
    /// nothing to do: a writing transaction is alone.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        if let Self::Postgres(c) = self {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended('davit ' || $1, 0))";
            sqlx::query(sql).bind(name).execute(&mut **c).await?;
        }
        Ok(())
    }

    /// Locks one row (`sql` selects it by `$1`) until the transaction ends. On SQLite there is nothing to do.
    pub(crate) async fn lock_row(&mut self, sql: &'static str, id: i64) -> Result<(), StoreError> {
        if let Self::Postgres(c) = self {
            sqlx::query(sql).bind(id).execute(&mut **c).await?;
        }
        Ok(())
    }
}

/// Stores deliveries, in their order: one statement, whatever their number.
pub(crate) async fn insert_deliveries(
    c: &mut PgConnection,
    deliveries: &[NewDelivery],
) -> Result<Vec<Put>, StoreError> {
    let insert = "INSERT INTO deliveries (forge, delivery, event, received_at, verdict, reason, summary, attempts,
             headers, body)
         SELECT forge, delivery, event, received_at, 'received', '', '', 0, headers, body
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::BYTEA[])
             AS new (forge, delivery, event, received_at, headers, body)
         ON CONFLICT (forge, delivery) DO NOTHING RETURNING forge, delivery, id";
    let forges: Vec<&str> = deliveries.iter().map(|new| new.forge.as_str()).collect();
    let names: Vec<&str> = deliveries.iter().map(|new| new.delivery.as_str()).collect();
    let headers: Vec<String> =
        deliveries.iter().map(|new| to_json("deliveries", &new.headers)).collect::<Result<_, _>>()?;
    let inserted: Vec<(String, String, i64)> = sqlx::query_as(insert)
        .bind(&forges)
        .bind(&names)
        .bind(deliveries.iter().map(|new| new.event.as_str()).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|new| new.received_at.millis()).collect::<Vec<_>>())
        .bind(headers)
        .bind(deliveries.iter().map(|new| new.body.as_slice()).collect::<Vec<_>>())
        .fetch_all(&mut *c)
        .await?;
    let mut new = by_name(inserted);
    let known = if new.len() == deliveries.len() {
        HashMap::new()
    } else {
        let find = "SELECT forge, delivery, id FROM deliveries
             WHERE (forge, delivery) IN (SELECT * FROM UNNEST($1::TEXT[], $2::TEXT[]))";
        by_name(sqlx::query_as(find).bind(&forges).bind(&names).fetch_all(&mut *c).await?)
    };
    deliveries
        .iter()
        .map(|delivery| {
            let name = (delivery.forge.as_str().to_owned(), delivery.delivery.clone());
            // Taken out, so that the same delivery a second time in the batch is a known one.
            match (new.remove(&name), known.get(&name)) {
                (Some(id), _) => Ok(Put::New(DeliveryId(id))),
                (None, Some(id)) => Ok(Put::Known(DeliveryId(*id))),
                (None, None) => Err(StoreError::NotFound(format!("delivery {} of {}", name.1, name.0))),
            }
        })
        .collect()
}

fn by_name(rows: Vec<(String, String, i64)>) -> HashMap<(String, String), i64> {
    rows.into_iter().map(|(forge, delivery, id)| ((forge, delivery), id)).collect()
}

/// Stores log lines, the first one as number `first_seq`: one statement, whatever their number.
pub(crate) async fn insert_lines(
    c: &mut PgConnection,
    id: DeploymentId,
    first_seq: i64,
    lines: &[NewLine],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_lines (deployment_id, seq, at, host, step, stream, text)
         SELECT $1, $2 + number - 1, at, host, step, stream, text
         FROM UNNEST($3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::TEXT[], $7::TEXT[]) WITH ORDINALITY
             AS new (at, host, step, stream, text, number)";
    sqlx::query(sql)
        .bind(id.0)
        .bind(first_seq)
        .bind(lines.iter().map(|line| line.at.millis()).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.host.as_ref().map(HostName::as_str)).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| i64::from(line.step.number())).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.stream.as_str()).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| storable(&line.text).into_owned()).collect::<Vec<_>>())
        .execute(&mut *c)
        .await?;
    Ok(())
}

/// Stores log lines of a job, the first one as number `first_seq`: one statement, whatever their number.
pub(crate) async fn insert_job_lines(
    c: &mut PgConnection,
    id: JobId,
    first_seq: i64,
    lines: &[NewJobLine],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ci_log_lines (job_id, seq, at, step, stream, text)
         SELECT $1, $2 + number - 1, at, step, stream, text
         FROM UNNEST($3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[]) WITH ORDINALITY
             AS new (at, step, stream, text, number)";
    sqlx::query(sql)
        .bind(id.0)
        .bind(first_seq)
        .bind(lines.iter().map(|line| line.at.millis()).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| i64::from(line.step)).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.stream.as_str()).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| storable(&line.text).into_owned()).collect::<Vec<_>>())
        .execute(&mut *c)
        .await?;
    Ok(())
}
