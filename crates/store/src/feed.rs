//! The append-only record of everything that happened, with who and when. Nothing here changes or removes a row.

use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, parsed, storable, to_json};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::time::Timestamp;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// When.
    pub at: Timestamp,
    /// Who: an account's name, or the part of davit that acted.
    pub actor: String,
    /// What, as a word: `request_approved`.
    pub action: String,
    /// To what: `request 12`, a host's name.
    pub subject: String,
    /// The app it belongs to.
    pub app: Option<AppKey>,
    /// The environment it belongs to.
    pub environment: Option<EnvironmentKey>,
    /// Whatever else there is to say; never a secret.
    pub detail: serde_json::Value,
}

/// An entry with its place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Grows with every entry.
    pub id: i64,
    /// The entry.
    pub entry: FeedEntry,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    app: Option<String>,
    environment: Option<String>,
    detail: String,
}

impl Row {
    fn read(self) -> Result<Recorded, StoreError> {
        let place = format!("feed {}", self.id);
        let entry = FeedEntry {
            at: Timestamp::from_millis(self.at),
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            app: self.app.map(|app| parsed(&place, &app)).transpose()?,
            environment: self.environment.map(|environment| parsed(&place, &environment)).transpose()?,
            detail: from_json(&place, &self.detail)?,
        };
        Ok(Recorded { id: self.id, entry })
    }
}

impl Store {
    /// The newest `limit` entries, or those below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&self, before: Option<i64>, limit: i64) -> Result<Vec<Recorded>, StoreError> {
        let sql = "SELECT id, at, actor, action, subject, app, environment, detail FROM feed
             WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows: Vec<Row> = on_read!(&self.db, p =>
            sqlx::query_as(sql).bind(before.unwrap_or(i64::MAX)).bind(limit).fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Tx {
    /// Adds an entry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&mut self, entry: FeedEntry) -> Result<(), StoreError> {
        let detail = to_json("feed", &entry.detail)?;
        let sql = "INSERT INTO feed (at, actor, action, subject, app, environment, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(entry.at.millis())
            .bind(storable(&entry.actor).as_ref())
            .bind(&entry.action)
            .bind(storable(&entry.subject).as_ref())
            .bind(entry.app.as_ref().map(AppKey::as_str))
            .bind(entry.environment.as_ref().map(EnvironmentKey::as_str))
            .bind(detail.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
