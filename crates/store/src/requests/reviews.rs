//! What reviewers said about requests.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, storable};
use davit_domain::ids::RequestId;
use davit_domain::time::Timestamp;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go out.
    Approve,
    /// It may not.
    Reject,
}

impl Verdict {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// What a reviewer says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReview<'a> {
    /// About which version of the request.
    pub version: i64,
    /// Who.
    pub user: &'a str,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// What a reviewer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// About which version of the request.
    pub version: i64,
    /// Who.
    pub user: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// When an edit or the rule's time made it count no more.
    pub void_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    version: i64,
    user_name: String,
    verdict: String,
    reason: Option<String>,
    at: i64,
    void_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Word, StoreError> {
        let verdict = [Verdict::Approve, Verdict::Reject].into_iter().find(|word| word.as_str() == self.verdict);
        Ok(Word {
            version: self.version,
            user: self.user_name,
            verdict: known("request_reviews", &self.verdict, verdict)?,
            reason: self.reason,
            at: Timestamp::from_millis(self.at),
            void_at: self.void_at.map(Timestamp::from_millis),
        })
    }
}

const OF_REQUEST: &str = "SELECT version, user_name, verdict, reason, at, void_at FROM request_reviews
     WHERE request_id = $1 ORDER BY id";

impl Store {
    /// What reviewers said about a request, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_reviews(&self, id: RequestId) -> Result<Vec<Word>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(OF_REQUEST).bind(id.0).fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Tx {
    /// As [`Store::request_reviews`], in this transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_reviews(&mut self, id: RequestId) -> Result<Vec<Word>, StoreError> {
        let rows: Vec<Row> = on_tx!(self, c => sqlx::query_as(OF_REQUEST).bind(id.0).fetch_all(&mut **c).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Writes down what a reviewer says.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_review(&mut self, id: RequestId, review: &NewReview<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO request_reviews (request_id, version, user_name, verdict, reason, at)
             VALUES ($1, $2, $3, $4, $5, $6)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(review.version)
            .bind(review.user)
            .bind(review.verdict.as_str())
            .bind(review.reason.map(storable).as_deref())
            .bind(review.at.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// From now on, none of a request's approvals counts; with a name, that person's alone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn void_approvals(
        &mut self,
        id: RequestId,
        user: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE request_reviews SET void_at = $3
             WHERE request_id = $1 AND verdict = 'approve' AND void_at IS NULL AND user_name = COALESCE($2, user_name)";
        on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(user).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
