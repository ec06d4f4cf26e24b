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

    /// The keys of all secrets, sorted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret_keys(&self) -> Result<Vec<String>, StoreError> {
        let mut keys: Vec<String> =
            on_read!(&self.db, p => sqlx::query_scalar("SELECT key FROM secrets").fetch_all(p).await)?;
        keys.sort();
        Ok(keys)
    }
}

impl Tx {
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

    /// Removes a secret; nothing happens when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_secret(&mut self, key: &str) -> Result<(), StoreError> {
        on_tx!(self, c => sqlx::query("DELETE FROM secrets WHERE key = $1").bind(key).execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
