//! Secrets by key, sealed before they come here. This crate sees no key and no clear text.

use crate::{Store, StoreError, Tx, on_read, on_tx};
use davit_domain::time::Timestamp;

impl Store {
    /// The sealed bytes of a secret.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM secrets WHERE key = $1";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(key).fetch_optional(p).await)?)
    }

    /// The keys of all secrets, sorted, each with when it was set last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret_keys(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows: Vec<(String, i64)> =
            on_read!(&self.db, p => sqlx::query_as("SELECT key, updated_at FROM secrets").fetch_all(p).await)?;
        let mut keys: Vec<_> = rows.into_iter().map(|(key, at)| (key, Timestamp::from_millis(at))).collect();
        keys.sort();
        Ok(keys)
    }
}

impl Tx {
    /// As [`Store::secret`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM secrets WHERE key = $1";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql).bind(key).fetch_optional(&mut **c).await)?)
    }

    /// Sets a secret.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_secret(&mut self, key: &str, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO secrets (key, sealed, updated_at) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";
        on_tx!(self, c =>
            sqlx::query(sql).bind(key).bind(sealed).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Removes a secret; says whether there was one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_secret(&mut self, key: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM secrets WHERE key = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(key).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }
}
