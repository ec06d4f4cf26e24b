//! Secrets by key, sealed before they come here. This crate sees no key and no clear text.

use crate::{Store, StoreError, Tx, on_read, on_tx};
use davit_domain::time::Timestamp;

/// The setting that names the master key.
pub const MASTER_KEY: &str = "master_key";
/// The first byte of what is sealed and says with which key.
const NAMES_ITS_KEY: u8 = 2;
/// Bytes of a key's name, which follow.
const KEY_ID: usize = 8;

impl Store {
    /// The sealed bytes of a secret.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM secrets WHERE key = $1";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(key).fetch_optional(p).await)?)
    }

    /// When a secret was set last, by its key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secret_set_at(&self, key: &str) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT updated_at FROM secrets WHERE key = $1";
        let at: Option<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(key).fetch_optional(p).await)?;
        Ok(at.map(Timestamp::from_millis))
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
    /// `Conflict` when it is sealed with a master key that was replaced meanwhile: nobody could open it.
    pub async fn put_secret(&mut self, key: &str, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
        self.check_master_key(sealed).await?;
        let sql = "INSERT INTO secrets (key, sealed, updated_at) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";
        on_tx!(self, c =>
            sqlx::query(sql).bind(key).bind(sealed).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Every secret with its key, sealed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secrets(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT key, sealed FROM secrets ORDER BY key";
        Ok(on_tx!(self, c => sqlx::query_as(sql).fetch_all(&mut **c).await)?)
    }

    /// Puts the same secret there, sealed with another master key. One that was removed meanwhile stays so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reseal_secret(&mut self, key: &str, sealed: &[u8]) -> Result<(), StoreError> {
        let sql = "UPDATE secrets SET sealed = $2 WHERE key = $1";
        on_tx!(self, c => sqlx::query(sql).bind(key).bind(sealed).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// The name of the master key that the secrets are sealed with, when it is known. Whoever else replaces it waits until
    /// the transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_master_key(&mut self) -> Result<Option<String>, StoreError> {
        self.lock("master key").await?;
        let sql = "SELECT value FROM settings WHERE key = $1";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql).bind(MASTER_KEY).fetch_optional(&mut **c).await)?)
    }

    /// Says which master key the secrets are sealed with, by its name. Whoever puts secrets waits until the transaction
    /// ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_master_key(&mut self, id: &str) -> Result<(), StoreError> {
        self.set_setting(MASTER_KEY, id).await
    }

    /// Whether this is sealed with the master key of now; where none is named, or it names none, it is taken.
    async fn check_master_key(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        let Some((&NAMES_ITS_KEY, rest)) = sealed.split_first() else { return Ok(()) };
        let Some(id) = rest.get(..KEY_ID) else { return Ok(()) };
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let sql = match self {
            Self::Sqlite(_) => "SELECT value FROM settings WHERE key = $1",
            // Who replaces the key waits for those who still use it, and the other way round.
            Self::Postgres(_) => "SELECT value FROM settings WHERE key = $1 FOR SHARE",
        };
        let known: Option<String> =
            on_tx!(self, c => sqlx::query_scalar(sql).bind(MASTER_KEY).fetch_optional(&mut **c).await)?;
        if known.is_none_or(|known| known == id) {
            return Ok(());
        }
        Err(StoreError::Conflict("the master key was replaced: restart this server with the new one".to_owned()))
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
