//! Sessions: a random cookie each, of which the store keeps the SHA-256 alone. Signing in always makes a new one, so
//! that a cookie that somebody else put into a browser is never worth anything.

use super::Whence;
use crate::accounts::{random_text, token_hash};
use crate::{Engine, EngineError};
use davit_store::Tx;
use davit_store::accounts::User;
use davit_store::sessions::{NewSession, Session};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a session lives, however much it is used.
pub const SESSION: Duration = Duration::from_secs(14 * 24 * 3600);

impl Engine {
    /// Opens a session for an account that has proved who it is; `how` is the word for how.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_session(&self, user: &User, how: &str, whence: &Whence) -> Result<SecretString, EngineError> {
        let mut tx = self.store().begin().await?;
        let cookie = self.open_session_in(&mut tx, user, how, whence).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    pub(super) async fn open_session_in(
        &self,
        tx: &mut Tx,
        user: &User,
        how: &str,
        whence: &Whence,
    ) -> Result<SecretString, EngineError> {
        let (cookie, now) = (random_text(), self.now());
        tx.create_session(NewSession {
            token_hash: &token_hash(&cookie),
            user: user.id,
            at: now,
            expires: now.plus(SESSION),
            how,
            ip: &whence.ip,
            agent: &whence.agent,
        })
        .await?;
        self.feed(tx, &user.name, "logged_in", &user.name, json!({ "how": how })).await?;
        Ok(cookie.into())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn log_out(&self, cookie: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.delete_session(&token_hash(cookie)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose session cookie this is. That it was used is written down, to the minute.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session_user(&self, cookie: &str) -> Result<Option<User>, EngineError> {
        let hash = token_hash(cookie);
        let user = self.store().session_user(&hash, self.now()).await?;
        if let Some(user) = user.as_ref().filter(|_| self.touch_is_due(&hash)) {
            let mut tx = self.store().begin().await?;
            tx.touch_session(&hash, self.now()).await?;
            tx.touch_user(user.id, self.now()).await?;
            tx.commit().await?;
        }
        Ok(user)
    }

    /// The open sessions of an account, each with whether it is the one with this cookie.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sessions_of(&self, user: &User, cookie: Option<&str>) -> Result<Vec<(Session, bool)>, EngineError> {
        let own = cookie.map(token_hash);
        let sessions = self.store().sessions(user.id, self.now()).await?;
        let with_own = |session: Session| {
            let current = own.as_ref() == Some(&session.token_hash);
            (session, current)
        };
        Ok(sessions.into_iter().map(with_own).collect())
    }

    /// Ends one session of an account.
    ///
    /// # Errors
    /// `NotFound` when it has no such session.
    pub async fn end_session(&self, user: &User, id: i64, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.end_session(user.id, id).await?;
        self.feed(&mut tx, by, "session_ended", &user.name, Value::Null).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends every session of an account but the one with this cookie; returns how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_sessions(&self, user: &User, but: Option<&str>, by: &str) -> Result<u64, EngineError> {
        let mut tx = self.store().begin().await?;
        let ended = tx.end_sessions(user.id, but.map(token_hash).as_deref()).await?;
        if ended > 0 {
            self.feed(&mut tx, by, "sessions_ended", &user.name, json!({ "count": ended })).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }
}
