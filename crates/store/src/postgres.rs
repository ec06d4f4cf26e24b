//! What only PostgreSQL needs: connecting, and one migration at a time however many servers start at once.

use crate::sqlite::{migration_failed, migrator};
use crate::{Db, StoreError};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;

/// Connections a process. PostgreSQL's default limit of 100 leaves room for several processes.
const CONNECTIONS: u32 = 16;

pub(crate) async fn open(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        StoreError::Open("the database URL is not valid: write postgres://USER:PASSWORD@HOST:5432/DATABASE".into())
    })?;
    let place = format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or("?"));
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.application_name("davit"))
        .await
        .map_err(|error| {
            StoreError::Open(format!(
                "PostgreSQL at {place} can't be used ({error}). Check that it runs and that user, password and database are right."
            ))
        })?;
    // sqlx's migrator takes an advisory lock: a second server waits here until the first is through.
    migrator(sqlx::migrate!("migrations/postgres")).run(&pool).await.map_err(|error| migration_failed(&error))?;
    Ok(Db::Postgres(pool))
}
