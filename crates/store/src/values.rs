//! Values of hooks and actions: every save of a scope is a numbered revision with everything it then had. Secret values
//! are among [`secrets`](crate::secrets), sealed.

use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, to_json};
use davit_domain::time::Timestamp;
use davit_domain::values::{ValueScope, Values};

/// One save of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRevision {
    /// 1, 2, 3, … for its scope; 0: nothing was saved yet.
    pub number: i64,
    /// Who saved it.
    pub saved_by: String,
    /// When.
    pub saved_at: Timestamp,
    /// What the scope has since then.
    pub values: Values,
}

#[derive(sqlx::FromRow)]
struct Row {
    scope: String,
    number: i64,
    saved_by: String,
    saved_at: i64,
    body: String,
}

impl Row {
    fn read(self) -> Result<ValueRevision, StoreError> {
        Ok(ValueRevision {
            number: self.number,
            values: from_json(&format!("value_revisions {} {}", self.scope, self.number), &self.body)?,
            saved_by: self.saved_by,
            saved_at: Timestamp::from_millis(self.saved_at),
        })
    }
}

const IN_FORCE: &str = "SELECT scope, number, saved_by, saved_at, body FROM value_revisions
     WHERE scope = $1 ORDER BY number DESC LIMIT 1";
const BY_NUMBER: &str = "SELECT scope, number, saved_by, saved_at, body FROM value_revisions
     WHERE scope = $1 AND number = $2";

fn nothing() -> ValueRevision {
    let saved_at = Timestamp::from_millis(0);
    ValueRevision { number: 0, saved_by: String::new(), saved_at, values: Values::new() }
}

fn no_revision(scope: &ValueScope, number: i64) -> StoreError {
    StoreError::NotFound(format!("revision {number} of the values of {}", scope.in_words()))
}

impl Store {
    /// What a scope has now; number 0 when nothing was ever saved there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn values(&self, scope: &ValueScope) -> Result<ValueRevision, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p =>
            sqlx::query_as(IN_FORCE).bind(scope.to_string()).fetch_optional(p).await)?;
        row.map_or_else(|| Ok(nothing()), Row::read)
    }

    /// What a scope had at a revision; 0: nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision.
    pub async fn value_revision(&self, scope: &ValueScope, number: i64) -> Result<ValueRevision, StoreError> {
        if number == 0 {
            return Ok(nothing());
        }
        let row: Option<Row> = on_read!(&self.db, p =>
            sqlx::query_as(BY_NUMBER).bind(scope.to_string()).bind(number).fetch_optional(p).await)?;
        row.ok_or_else(|| no_revision(scope, number))?.read()
    }

    /// The revisions of a scope, newest first, below the number `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn value_revisions(
        &self,
        scope: &ValueScope,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ValueRevision>, StoreError> {
        let sql = "SELECT scope, number, saved_by, saved_at, body FROM value_revisions
             WHERE scope = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(scope.to_string()).bind(before.unwrap_or(i64::MAX)).bind(limit)
            .fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Tx {
    /// What a scope has now. Nobody else saves it until the transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_values(&mut self, scope: &ValueScope) -> Result<ValueRevision, StoreError> {
        self.lock(&format!("values {scope}")).await?;
        self.values(scope).await
    }

    /// As [`Store::values`], in this transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn values(&mut self, scope: &ValueScope) -> Result<ValueRevision, StoreError> {
        let row: Option<Row> = on_tx!(self, c =>
            sqlx::query_as(IN_FORCE).bind(scope.to_string()).fetch_optional(&mut **c).await)?;
        row.map_or_else(|| Ok(nothing()), Row::read)
    }

    /// Saves what a scope has from now on, as revision `number`.
    ///
    /// # Errors
    /// `Conflict` when there is a revision of this number: call [`lock_values`](Self::lock_values) before.
    pub async fn save_values(
        &mut self,
        scope: &ValueScope,
        number: i64,
        values: &Values,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO value_revisions (scope, number, saved_by, saved_at, body) VALUES ($1, $2, $3, $4, $5)";
        let body = to_json("value_revisions", values)?;
        on_tx!(self, c => sqlx::query(sql)
            .bind(scope.to_string()).bind(number).bind(by).bind(now.millis()).bind(body.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
