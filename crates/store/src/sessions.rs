//! Sessions: who is signed in, since when, from where and how. Whose a cookie is, is in [`crate::accounts`].
//!
//! Cookies come in as hashes: the clear text never reaches this crate.

use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;

/// A session to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Of its cookie.
    pub token_hash: &'a str,
    /// Whose it is.
    pub user: UserId,
    /// Now.
    pub at: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// `password`, `oidc:ID` or `ldap:ID`.
    pub how: &'a str,
    /// From which address; empty: nobody knows.
    pub ip: &'a str,
    /// What the browser calls itself, cut; empty: it does not say.
    pub agent: &'a str,
}

/// An open session, as its owner and administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number; no secret.
    pub id: i64,
    /// Of its cookie.
    pub token_hash: String,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_seen_at: Timestamp,
    /// `password`, `oidc:ID` or `ldap:ID`.
    pub how: String,
    /// From which address.
    pub ip: String,
    /// What the browser calls itself.
    pub agent: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    token_hash: String,
    created_at: i64,
    expires_at: i64,
    last_seen_at: i64,
    how: String,
    ip: String,
    agent: String,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            token_hash: row.token_hash,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            how: row.how,
            ip: row.ip,
            agent: row.agent,
        }
    }
}

impl Store {
    /// The open sessions of an account, the one that was used last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT id, token_hash, created_at, expires_at, last_seen_at, how, ip, agent FROM sessions
             WHERE user_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC";
        let rows: Vec<Row> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(user.0).bind(now.millis()).fetch_all(p).await)?;
        Ok(rows.into_iter().map(Session::from).collect())
    }
}

impl Tx {
    /// Opens a session, and clears away those of the account that have ended.
    ///
    /// # Errors
    /// `Conflict` when there is a session with this cookie.
    pub async fn create_session(&mut self, new: NewSession<'_>) -> Result<(), StoreError> {
        let ended = "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2";
        let sql = "INSERT INTO sessions (token_hash, user_id, created_at, expires_at, last_seen_at, how, ip, agent)
             VALUES ($1, $2, $3, $4, $3, $5, $6, $7)";
        on_tx!(self, c => {
            sqlx::query(ended).bind(new.user.0).bind(new.at.millis()).execute(&mut **c).await?;
            sqlx::query(sql)
                .bind(new.token_hash).bind(new.user.0).bind(new.at.millis()).bind(new.expires.millis())
                .bind(new.how).bind(new.ip).bind(storable(new.agent).as_ref())
                .execute(&mut **c).await?;
        });
        Ok(())
    }

    /// Writes down that a session was used.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch_session(&mut self, token_hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2";
        on_tx!(self, c => sqlx::query(sql).bind(token_hash).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Ends a session; nothing happens when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_session(&mut self, token_hash: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE token_hash = $1";
        on_tx!(self, c => sqlx::query(sql).bind(token_hash).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Ends one session of an account, by its number.
    ///
    /// # Errors
    /// `NotFound` when the account has no such session.
    pub async fn end_session(&mut self, user: UserId, id: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(id).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("the session {id}"))) } else { Ok(()) }
    }

    /// Ends every session of an account but the one with this cookie; returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_sessions(&mut self, user: UserId, but: Option<&str>) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2";
        Ok(on_tx!(self, c => sqlx::query(sql)
            .bind(user.0).bind(but.unwrap_or_default())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?)
    }
}
