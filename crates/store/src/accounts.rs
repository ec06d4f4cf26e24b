//! Accounts, their sessions and API tokens, and the server's few settings.
//!
//! Tokens and passwords come in as hashes: the clear text never reaches this crate.

use crate::{Store, StoreError, Tx, on_read, on_tx, parsed};
use davit_domain::access::Role;
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;

/// How often the last use of a token is written down, in milliseconds.
const TOUCH_EVERY: i64 = 60_000;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// Its name, unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// A disabled account keeps its history and may do nothing.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    name: String,
    role: String,
    disabled: bool,
    created_at: i64,
}

impl UserRow {
    fn read(self) -> Result<User, StoreError> {
        Ok(User {
            id: UserId(self.id),
            role: parsed(&format!("users {}", self.id), &self.role)?,
            name: self.name,
            disabled: self.disabled,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: Option<String>,
}

impl Store {
    /// How many accounts there are; none: the server waits for its first administrator.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_users(&self) -> Result<i64, StoreError> {
        Ok(on_read!(&self.db, p => sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(p).await)?)
    }

    /// The account of this name, with its password hash when it has one. Disabled ones too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, Option<String>)>, StoreError> {
        let sql = "SELECT id, name, role, disabled, created_at, password_hash FROM users WHERE name = $1";
        let row: Option<LoginRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(name).fetch_optional(p).await)?;
        row.map(|row| Ok((row.user.read()?, row.password_hash))).transpose()
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql = "SELECT id, name, role, disabled, created_at FROM users";
        let rows: Vec<UserRow> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        let mut users = rows.into_iter().map(UserRow::read).collect::<Result<Vec<_>, _>>()?;
        // Sorted here: PostgreSQL's collation would put them in another order than SQLite's.
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(users)
    }

    /// Whose session this is: not of a disabled account, not past its end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_user(&self, token_hash: &str, now: Timestamp) -> Result<Option<User>, StoreError> {
        let sql =
            "SELECT u.id, u.name, u.role, u.disabled, u.created_at FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND NOT u.disabled";
        let row: Option<UserRow> = on_read!(&self.db, p =>
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(p).await)?;
        row.map(UserRow::read).transpose()
    }

    /// Whose API token this is; not of a disabled account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_user(&self, token_hash: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT u.id, u.name, u.role, u.disabled, u.created_at FROM tokens t JOIN users u ON u.id = t.user_id
             WHERE t.token_hash = $1 AND NOT u.disabled";
        let row: Option<UserRow> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(token_hash).fetch_optional(p).await)?;
        row.map(UserRow::read).transpose()
    }

    /// A setting of the server.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM settings WHERE key = $1";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(key).fetch_optional(p).await)?)
    }
}

impl Tx {
    /// Makes an account.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub async fn create_user(
        &mut self,
        name: &str,
        role: Role,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<User, StoreError> {
        let sql = "INSERT INTO users (name, role, password_hash, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(name).bind(role.as_str()).bind(password_hash).bind(now.millis())
            .fetch_optional(&mut **c).await)?;
        let id = id.ok_or_else(|| StoreError::Conflict(format!("there is an account named {name} already")))?;
        Ok(User { id: UserId(id), name: name.to_owned(), role, disabled: false, created_at: now })
    }

    /// Sets an account's password hash.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_password(&mut self, user: UserId, hash: &str) -> Result<(), StoreError> {
        let sql = "UPDATE users SET password_hash = $2 WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(hash).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        user_found(user, done)
    }

    /// Sets what an account may do.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_role(&mut self, user: UserId, role: Role) -> Result<(), StoreError> {
        let sql = "UPDATE users SET role = $2 WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(role.as_str()).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        user_found(user, done)
    }

    /// Shuts an account out, or lets it in again. Whoever is shut out is logged out everywhere; its tokens stay and
    /// work again once it is let in.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_disabled(&mut self, user: UserId, disabled: bool) -> Result<(), StoreError> {
        let sql = "UPDATE users SET disabled = $2 WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(disabled).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if disabled {
            let sql = "DELETE FROM sessions WHERE user_id = $1";
            on_tx!(self, c => sqlx::query(sql).bind(user.0).execute(&mut **c).await.map(drop))?;
        }
        user_found(user, done)
    }

    /// Opens a session, and clears away those that have ended.
    ///
    /// # Errors
    /// `Conflict` when there is a session with this token.
    pub async fn create_session(
        &mut self,
        token_hash: &str,
        user: UserId,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        on_tx!(self, c => {
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now.millis()).execute(&mut **c).await?;
            sqlx::query(sql)
                .bind(token_hash).bind(user.0).bind(now.millis()).bind(expires.millis())
                .execute(&mut **c).await?;
        });
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

    /// Makes an API token.
    ///
    /// # Errors
    /// `Conflict` when the account has a token of this name.
    pub async fn create_token(
        &mut self,
        user: UserId,
        name: &str,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO tokens (user_id, name, token_hash, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, name) DO NOTHING";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(user.0).bind(name).bind(token_hash).bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 {
            return Err(StoreError::Conflict(format!("there is a token named {name} already")));
        }
        Ok(())
    }

    /// Takes an API token away for good.
    ///
    /// # Errors
    /// `NotFound` when the account has no token of this name.
    pub async fn delete_token(&mut self, user: UserId, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM tokens WHERE user_id = $1 AND name = $2";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(name).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("a token named {name}"))) } else { Ok(()) }
    }

    /// Writes down that a token was used, at most once a minute.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch_token(&mut self, token_hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE tokens SET last_used_at = $2
             WHERE token_hash = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(token_hash).bind(now.millis()).bind(now.millis() - TOUCH_EVERY)
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Sets a setting of the server.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        on_tx!(self, c => sqlx::query(sql).bind(key).bind(value).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Sets a setting that is not set yet; says whether it did. Of several servers that try, one does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn setting_if_absent(&mut self, key: &str, value: &str) -> Result<bool, StoreError> {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(key).bind(value).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }
}

fn user_found(user: UserId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound(format!("account {user}"))) } else { Ok(()) }
}
