//! Requests that were made together.

use crate::{Store, StoreError, Tx, on_read, on_tx, parsed, storable};
use davit_domain::ids::EnvironmentKey;
use davit_domain::time::Timestamp;

/// Several requests to one environment that were made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: i64,
    /// Where to.
    pub environment: EnvironmentKey,
    /// A line for people; may be empty.
    pub title: String,
    /// What more there is to know; may be empty.
    pub description: String,
    /// Who asked.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// A batch before it has a number. Fields as in [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch<'a> {
    /// Where to.
    pub environment: &'a EnvironmentKey,
    /// A line for people.
    pub title: &'a str,
    /// What more there is to know.
    pub description: &'a str,
    /// Who asks.
    pub created_by: &'a str,
    /// When.
    pub created_at: Timestamp,
    /// Asking again with the same key makes nothing new.
    pub idempotency_key: Option<&'a str>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    environment: String,
    title: String,
    description: String,
    created_by: String,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<Batch, StoreError> {
        Ok(Batch {
            id: self.id,
            environment: parsed("request_batches", &self.environment)?,
            title: self.title,
            description: self.description,
            created_by: self.created_by,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

impl Store {
    /// A batch.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_batch(&self, id: i64) -> Result<Option<Batch>, StoreError> {
        let sql =
            "SELECT id, environment, title, description, created_by, created_at FROM request_batches WHERE id = $1";
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The batch that was made with this idempotency key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_batch_of_key(&self, key: &str) -> Result<Option<Batch>, StoreError> {
        let sql = "SELECT id, environment, title, description, created_by, created_at FROM request_batches
             WHERE idempotency_key = $1";
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(key).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }
}

impl Tx {
    /// Makes a batch; `None`: there is one with this idempotency key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_request_batch(&mut self, new: &NewBatch<'_>) -> Result<Option<i64>, StoreError> {
        let sql =
            "INSERT INTO request_batches (environment, title, description, created_by, created_at, idempotency_key)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.environment.as_str())
            .bind(storable(new.title).as_ref())
            .bind(storable(new.description).as_ref())
            .bind(new.created_by)
            .bind(new.created_at.millis())
            .bind(new.idempotency_key)
            .fetch_optional(&mut **c).await)?)
    }
}
