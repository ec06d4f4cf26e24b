//! Lists of requests, and how many there are.

use super::{LIST, Request, Row};
use crate::select::Select;
use crate::{Store, StoreError, on_read};
use davit_domain::access::Places;
use davit_domain::ids::{AppKey, EnvironmentKey, RequestId};
use davit_domain::time::Timestamp;
use std::collections::BTreeMap;

/// Which requests to list. Empty: all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFilter {
    /// In one of these states (their stored words).
    pub states: Vec<String>,
    /// Of this app.
    pub app: Option<AppKey>,
    /// To this environment.
    pub environment: Option<EnvironmentKey>,
    /// Made by one of these.
    pub authors: Vec<String>,
    /// Made together in this batch.
    pub batch: Option<i64>,
    /// With this text in its title, description, reference or author, with this number, or of a commit that begins so.
    pub text: Option<String>,
    /// Of these apps in these environments alone.
    pub places: Places,
}

impl Default for RequestFilter {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            app: None,
            environment: None,
            authors: Vec::new(),
            batch: None,
            text: None,
            places: Places::All,
        }
    }
}

/// What people look for requests by.
const SEARCHED: [&str; 4] = ["title", "description", "git_ref", "created_by"];

/// Fills in the filter's conditions, which both databases have.
macro_rules! filtered {
    ($select:expr, $filter:expr) => {
        $select
            .one_of("state", &$filter.states)
            .equals("app", $filter.app.as_ref())
            .equals("environment", $filter.environment.as_ref())
            .one_of("created_by", &$filter.authors)
            .equals_number("batch_id", $filter.batch)
            .found_by(&SEARCHED, "commit_sha", $filter.text.as_deref())
            .within("app", "environment", Some(&$filter.places))
    };
}

impl Store {
    /// Requests, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn requests(
        &self,
        filter: &RequestFilter,
        before: Option<RequestId>,
        limit: i64,
    ) -> Result<Vec<Request>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => filtered!(Select::new(LIST), filter)
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// How many requests there are in each state (its stored word). States without any are absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_counts(&self, filter: &RequestFilter) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = "SELECT state, COUNT(*) FROM requests";
        let counts: Vec<(String, i64)> = on_read!(&self.db, p => filtered!(Select::new(sql), filter)
            .grouped_by("state")
            .build_query_as().fetch_all(p).await)?;
        Ok(counts.into_iter().collect())
    }

    /// The requests whose time to go out by itself has come, those that are due longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_requests(&self, now: Timestamp) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT id FROM requests WHERE state = 'awaiting_release' AND scheduled_at IS NOT NULL AND scheduled_at <= $1
             ORDER BY scheduled_at, id";
        let ids: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(now.millis()).fetch_all(p).await)?;
        Ok(ids.into_iter().map(RequestId).collect())
    }

    /// The requests of which an approval does not count any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn requests_with_old_approvals(&self, now: Timestamp) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT id FROM requests WHERE approvals_expire_at IS NOT NULL AND approvals_expire_at <= $1
             AND state IN ('awaiting_review', 'awaiting_release') ORDER BY id";
        let ids: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(now.millis()).fetch_all(p).await)?;
        Ok(ids.into_iter().map(RequestId).collect())
    }
}
