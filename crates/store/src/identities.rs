//! Who accounts are elsewhere: at identity providers, forges and in chats.

use crate::accounts::{User, UserRow, user_columns};
use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;
use std::borrow::Cow;

/// An account's name elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub id: i64,
    /// Where: `oidc:ID`, `ldap:ID`, `forge:ID`, `chat:CHANNEL`.
    pub provider: String,
    /// What the provider calls it, for good.
    pub subject: String,
    /// What people see there.
    pub label: String,
    /// When it was linked.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    provider: String,
    subject: String,
    label: String,
    created_at: i64,
}

impl Row {
    fn read(self) -> Identity {
        Identity {
            id: self.id,
            provider: self.provider,
            subject: self.subject,
            label: self.label,
            created_at: Timestamp::from_millis(self.created_at),
        }
    }
}

const ACCOUNT_OF: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM identities i JOIN users u ON u.id = i.user_id WHERE i.provider = $1 AND i.subject = $2"
);

impl Store {
    /// Whose identity this is; disabled accounts too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn account_of(&self, provider: &str, subject: &str) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = on_read!(&self.db, p =>
            sqlx::query_as(ACCOUNT_OF).bind(provider).bind(subject_key(provider, subject).as_ref()).fetch_optional(p).await)?;
        row.map(UserRow::read).transpose()
    }

    /// Who an account is elsewhere.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn identities_of(&self, user: UserId) -> Result<Vec<Identity>, StoreError> {
        let sql = "SELECT id, provider, subject, label, created_at FROM identities WHERE user_id = $1 ORDER BY id";
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(user.0).fetch_all(p).await)?;
        Ok(rows.into_iter().map(Row::read).collect())
    }
}

impl Tx {
    /// As [`Store::account_of`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn account_of(&mut self, provider: &str, subject: &str) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = on_tx!(self, c =>
            sqlx::query_as(ACCOUNT_OF).bind(provider).bind(subject_key(provider, subject).as_ref()).fetch_optional(&mut **c).await)?;
        row.map(UserRow::read).transpose()
    }

    /// Says who an account is elsewhere; whether that is news.
    ///
    /// # Errors
    /// `Conflict` when somebody else is that.
    pub async fn link_identity(
        &mut self,
        user: UserId,
        provider: &str,
        subject: &str,
        label: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO identities (provider, subject, user_id, label, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (provider, subject) DO NOTHING";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(provider).bind(subject_key(provider, subject).as_ref()).bind(user.0).bind(storable(label).as_ref()).bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 1 {
            return Ok(true);
        }
        match self.account_of(provider, subject).await? {
            Some(owner) if owner.id == user => Ok(false),
            Some(_) | None => Err(StoreError::Conflict(format!("{label} of {provider} is another account already"))),
        }
    }

    /// Forgets who an account is elsewhere.
    ///
    /// # Errors
    /// `NotFound` when the account has no such identity.
    pub async fn unlink_identity(&mut self, user: UserId, id: i64) -> Result<Identity, StoreError> {
        let sql = "DELETE FROM identities WHERE id = $1 AND user_id = $2
             RETURNING id, provider, subject, label, created_at";
        let row: Option<Row> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id).bind(user.0).fetch_optional(&mut **c).await)?;
        row.map(Row::read).ok_or_else(|| StoreError::NotFound(format!("the identity {id}")))
    }

    /// Keeps the hash of a code by which somebody will say from elsewhere who they are. An earlier one for the same
    /// provider is worth nothing from then on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_link_code(
        &mut self,
        user: UserId,
        provider: &str,
        code_hash: &str,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let earlier = "DELETE FROM link_codes WHERE user_id = $1 AND provider = $2";
        let sql = "INSERT INTO link_codes (code_hash, user_id, provider, expires_at) VALUES ($1, $2, $3, $4)";
        on_tx!(self, c => {
            sqlx::query(earlier).bind(user.0).bind(provider).execute(&mut **c).await?;
            sqlx::query(sql)
                .bind(code_hash).bind(user.0).bind(provider).bind(expires.millis())
                .execute(&mut **c).await?;
        });
        Ok(())
    }

    /// Whose code this is; it works this once. Codes that have ended are cleared away.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_link_code(
        &mut self,
        provider: &str,
        code_hash: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let ended = "DELETE FROM link_codes WHERE expires_at <= $1";
        let take = "DELETE FROM link_codes WHERE code_hash = $1 AND provider = $2 RETURNING user_id";
        let find = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1 AND NOT u.disabled");
        on_tx!(self, c => sqlx::query(ended).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        let user: Option<i64> =
            on_tx!(self, c => sqlx::query_scalar(take).bind(code_hash).bind(provider).fetch_optional(&mut **c).await)?;
        let Some(user) = user else { return Ok(None) };
        let row: Option<UserRow> = on_tx!(self, c => sqlx::query_as(find).bind(user).fetch_optional(&mut **c).await)?;
        row.map(UserRow::read).transpose()
    }
}

/// A subject as it is stored and looked for: forges don't tell the case of logins apart.
fn subject_key<'a>(provider: &str, subject: &'a str) -> Cow<'a, str> {
    if provider.starts_with("forge:") {
        Cow::Owned(storable(&subject.to_lowercase()).into_owned())
    } else {
        storable(subject)
    }
}
