//! Sessions: a random cookie each, of which the store keeps the SHA-256 alone.

use crate::accounts::{random_text, token_hash};
use crate::{Engine, EngineError};
use davit_store::accounts::User;
use secrecy::SecretString;
use std::time::Duration;

/// How long a session lives without being renewed.
pub const SESSION: Duration = Duration::from_secs(14 * 24 * 3600);

impl Engine {
    /// Opens a session for an account that has proved who it is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_session(&self, user: &User) -> Result<SecretString, EngineError> {
        let token = random_text();
        let now = self.now();
        let mut tx = self.store().begin().await?;
        tx.create_session(&token_hash(&token), user.id, now, now.plus(SESSION)).await?;
        self.feed(&mut tx, &user.name, "logged_in", &user.name, serde_json::Value::Null).await?;
        tx.commit().await?;
        Ok(token.into())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn log_out(&self, token: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.delete_session(&token_hash(token)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose session cookie this is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session_user(&self, token: &str) -> Result<Option<User>, EngineError> {
        Ok(self.store().session_user(&token_hash(token), self.now()).await?)
    }
}
