//! API tokens: whose they are, and what they leave of their account's access.
//!
//! A token comes in as its hash: the clear text never reaches this crate.

use crate::accounts::{User, UserRow, user_columns};
use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, parsed, to_json};
use davit_domain::access::{Role, Scope};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;

/// How often the last use of a token is written down, in milliseconds.
const TOUCH_EVERY: i64 = 60_000;

/// What a token leaves of its account's access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenLimits {
    /// At most this role; `None`: the account's.
    pub role: Option<Role>,
    /// Only there; `None`: everywhere.
    pub scopes: Option<Vec<Scope>>,
    /// Until then; `None`: for good.
    pub expires_at: Option<Timestamp>,
}

/// A token, without what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for, unique for its account.
    pub name: String,
    /// What it leaves of the account's access.
    pub limits: TokenLimits,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    token_id: i64,
    token_user: i64,
    token_name: String,
    token_role: Option<String>,
    token_scopes: Option<String>,
    token_expires: Option<i64>,
    token_created: i64,
    token_used: Option<i64>,
}

/// What a [`TokenRow`] is read from; the table `tokens` is `t` there.
macro_rules! token_columns {
    () => {
        "t.id AS token_id, t.user_id AS token_user, t.name AS token_name, t.role AS token_role,
         t.scopes AS token_scopes, t.expires_at AS token_expires, t.created_at AS token_created,
         t.last_used_at AS token_used"
    };
}

impl TokenRow {
    fn read(self) -> Result<Token, StoreError> {
        let place = format!("tokens {}", self.token_id);
        Ok(Token {
            id: self.token_id,
            user_id: UserId(self.token_user),
            name: self.token_name,
            limits: TokenLimits {
                role: self.token_role.map(|role| parsed(&place, &role)).transpose()?,
                scopes: self.token_scopes.map(|scopes| from_json(&place, &scopes)).transpose()?,
                expires_at: self.token_expires.map(Timestamp::from_millis),
            },
            created_at: Timestamp::from_millis(self.token_created),
            last_used_at: self.token_used.map(Timestamp::from_millis),
        })
    }
}

#[derive(sqlx::FromRow)]
struct OwnerRow {
    #[sqlx(flatten)]
    user: UserRow,
    #[sqlx(flatten)]
    token: TokenRow,
}

impl Store {
    /// Whose API token this is; not of a disabled account, not past its end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_user(&self, token_hash: &str, now: Timestamp) -> Result<Option<(User, Token)>, StoreError> {
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            ", ",
            token_columns!(),
            " FROM tokens t JOIN users u ON u.id = t.user_id
             WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND NOT u.disabled"
        );
        let row: Option<OwnerRow> = on_read!(&self.db, p =>
            sqlx::query_as(sql).bind(token_hash).bind(now.millis()).fetch_optional(p).await)?;
        row.map(|row| Ok((row.user.read()?, row.token.read()?))).transpose()
    }

    /// An account's tokens, newest first; those that have ended too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tokens_of(&self, user: UserId) -> Result<Vec<Token>, StoreError> {
        let sql = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE t.user_id = $1 ORDER BY t.id DESC");
        let rows: Vec<TokenRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(user.0).fetch_all(p).await)?;
        rows.into_iter().map(TokenRow::read).collect()
    }
}

impl Tx {
    /// The token of this number.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn token(&mut self, id: i64) -> Result<Token, StoreError> {
        let sql = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE t.id = $1");
        let row: Option<TokenRow> = on_tx!(self, c => sqlx::query_as(sql).bind(id).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| StoreError::NotFound(format!("token {id}")))?.read()
    }

    /// Makes an API token; returns its number.
    ///
    /// # Errors
    /// `Conflict` when the account has a token of this name.
    pub async fn create_token(
        &mut self,
        user: UserId,
        name: &str,
        token_hash: &str,
        limits: &TokenLimits,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let scopes = limits.scopes.as_ref().map(|scopes| to_json("tokens", scopes)).transpose()?;
        let sql = "INSERT INTO tokens (user_id, name, token_hash, created_at, expires_at, role, scopes)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, name) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(user.0).bind(name).bind(token_hash).bind(now.millis())
            .bind(limits.expires_at.map(Timestamp::millis)).bind(limits.role.map(Role::as_str)).bind(scopes.as_deref())
            .fetch_optional(&mut **c).await)?;
        id.ok_or_else(|| StoreError::Conflict(format!("there is a token named {name} already")))
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
}
