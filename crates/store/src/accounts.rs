//! Accounts, and the server's few settings.
//!
//! Tokens and passwords come in as hashes: the clear text never reaches this crate.

use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::access::{Role, parse_role, role_word};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;
use std::collections::BTreeSet;

/// Where an account comes from that davit itself made.
pub const LOCAL: &str = "local";

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// Its name, unique.
    pub name: String,
    /// Its role on everything; `None`: only what grants give.
    pub role: Option<Role>,
    /// What people call them; empty: the name.
    pub display_name: String,
    /// Where mail goes; may be empty.
    pub email: String,
    /// [`LOCAL`], or the identity provider that made it: `oidc:ID`, `ldap:ID`.
    pub source: String,
    /// A disabled account keeps its history and may do nothing.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last did something, to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// An account that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its role on everything.
    pub role: Option<Role>,
    /// Argon2id; `None`: no password lets in.
    pub password_hash: Option<&'a str>,
    /// What people call them; may be empty.
    pub display_name: &'a str,
    /// Where mail goes; may be empty.
    pub email: &'a str,
    /// [`LOCAL`], or the identity provider.
    pub source: &'a str,
}

impl<'a> NewUser<'a> {
    /// One that davit itself makes, with nothing but a name and a role.
    #[must_use]
    pub const fn local(name: &'a str, role: Option<Role>) -> Self {
        Self { name, role, password_hash: None, display_name: "", email: "", source: LOCAL }
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct UserRow {
    id: i64,
    name: String,
    role: String,
    display_name: String,
    email: String,
    source: String,
    disabled: bool,
    created_at: i64,
    last_seen_at: Option<i64>,
}

/// What a [`UserRow`] is read from; the table `users` is `u` there.
macro_rules! user_columns {
    () => {
        "u.id, u.name, u.role, u.display_name, u.email, u.source, u.disabled, u.created_at, u.last_seen_at"
    };
}
pub(crate) use user_columns;

impl UserRow {
    pub(crate) fn read(self) -> Result<User, StoreError> {
        let role = parse_role(&self.role)
            .map_err(|detail| StoreError::Corrupt { place: format!("users {}", self.id), detail })?;
        Ok(User {
            id: UserId(self.id),
            role,
            name: self.name,
            display_name: self.display_name,
            email: self.email,
            source: self.source,
            disabled: self.disabled,
            created_at: Timestamp::from_millis(self.created_at),
            last_seen_at: self.last_seen_at.map(Timestamp::from_millis),
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
        let sql = concat!("SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.name = $1");
        let row: Option<LoginRow> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(storable(name).as_ref()).fetch_optional(p).await)?;
        row.map(|row| Ok((row.user.read()?, row.password_hash))).transpose()
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql = concat!("SELECT ", user_columns!(), " FROM users u");
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
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            " FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND NOT u.disabled"
        );
        let row: Option<UserRow> = on_read!(&self.db, p =>
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(p).await)?;
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
    pub async fn create_user(&mut self, new: &NewUser<'_>, now: Timestamp) -> Result<User, StoreError> {
        let sql = "INSERT INTO users (name, role, password_hash, display_name, email, source, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.name).bind(role_word(new.role)).bind(new.password_hash)
            .bind(new.display_name).bind(new.email).bind(new.source).bind(now.millis())
            .fetch_optional(&mut **c).await)?;
        let id = id.ok_or_else(|| StoreError::Conflict(format!("there is an account named {} already", new.name)))?;
        Ok(User {
            id: UserId(id),
            name: new.name.to_owned(),
            role: new.role,
            display_name: new.display_name.to_owned(),
            email: new.email.to_owned(),
            source: new.source.to_owned(),
            disabled: false,
            created_at: now,
            last_seen_at: None,
        })
    }

    /// The account of this name. Whoever goes on to change it calls [`lock_accounts`](Self::lock_accounts) first.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn user(&mut self, name: &str) -> Result<User, StoreError> {
        let sql = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.name = $1");
        let row: Option<UserRow> =
            on_tx!(self, c => sqlx::query_as(sql).bind(storable(name).as_ref()).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| StoreError::NotFound(format!("an account named {name}")))?.read()
    }

    /// The hash of an account's password, when it has one, and whether it is disabled; `None`: it is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credentials(&mut self, id: UserId) -> Result<Option<(Option<String>, bool)>, StoreError> {
        let sql = "SELECT password_hash, disabled FROM users WHERE id = $1";
        Ok(on_tx!(self, c => sqlx::query_as(sql).bind(id.0).fetch_optional(&mut **c).await)?)
    }

    /// Whether there is an account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_users(&mut self) -> Result<bool, StoreError> {
        let found: Option<i64> =
            on_tx!(self, c => sqlx::query_scalar("SELECT id FROM users LIMIT 1").fetch_optional(&mut **c).await)?;
        Ok(found.is_some())
    }

    /// Waits for whoever changes accounts, and keeps others from it until the transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_accounts(&mut self) -> Result<(), StoreError> {
        self.lock("accounts").await
    }

    /// How many enabled administrators of everything there are who can sign in: by password, or through one of these
    /// identity providers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn admins_who_can_sign_in(&mut self, providers: &[String]) -> Result<usize, StoreError> {
        let sql = "SELECT u.id, u.password_hash IS NOT NULL, i.provider
             FROM users u LEFT JOIN identities i ON i.user_id = u.id WHERE u.role = 'admin' AND NOT u.disabled";
        let rows: Vec<(i64, bool, Option<String>)> = on_tx!(self, c => sqlx::query_as(sql).fetch_all(&mut **c).await)?;
        let lets_in = |provider: Option<String>| provider.is_some_and(|provider| providers.contains(&provider));
        let can = rows.into_iter().filter_map(|(id, password, provider)| (password || lets_in(provider)).then_some(id));
        Ok(can.collect::<BTreeSet<i64>>().len())
    }

    /// The name of an account.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn user_name(&mut self, user: UserId) -> Result<String, StoreError> {
        let sql = "SELECT name FROM users WHERE id = $1";
        let name: Option<String> =
            on_tx!(self, c => sqlx::query_scalar(sql).bind(user.0).fetch_optional(&mut **c).await)?;
        name.ok_or_else(|| StoreError::NotFound(format!("account {user}")))
    }

    /// Sets what people call an account, and where its mail goes.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_profile(&mut self, user: UserId, display_name: &str, email: &str) -> Result<(), StoreError> {
        let sql = "UPDATE users SET display_name = $2, email = $3 WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(user.0).bind(display_name).bind(email).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        user_found(user, done)
    }

    /// Deletes an account with its sessions, tokens, grants, memberships and identities. Its name stays in the history,
    /// and is kept from others.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn delete_user(&mut self, user: &User, now: Timestamp) -> Result<(), StoreError> {
        let keep = "INSERT INTO former_users (name, deleted_at) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET deleted_at = excluded.deleted_at";
        let sql = "DELETE FROM users WHERE id = $1";
        on_tx!(self, c =>
            sqlx::query(keep).bind(user.name.as_str()).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.id.0).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        user_found(user.id, done)
    }

    /// Whether a deleted account had this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn was_a_user(&mut self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM former_users WHERE name = $1";
        let found: i64 = on_tx!(self, c => sqlx::query_scalar(sql).bind(name).fetch_one(&mut **c).await)?;
        Ok(found > 0)
    }

    /// Writes down that an account did something.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch_user(&mut self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE users SET last_seen_at = $2
             WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)";
        on_tx!(self, c => sqlx::query(sql).bind(user.0).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
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
    pub async fn set_role(&mut self, user: UserId, role: Option<Role>) -> Result<(), StoreError> {
        let sql = "UPDATE users SET role = $2 WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(role_word(role)).execute(&mut **c).await.map(|done| done.rows_affected()))?;
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

pub(crate) fn user_found(user: UserId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound(format!("account {user}"))) } else { Ok(()) }
}
