//! What others say about commits: the newest state of each check.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, repository_key, storable};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::status::CommitState;
use davit_domain::time::Timestamp;

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there; read back in lower case.
    pub repository: String,
    /// The commit.
    pub commit: CommitSha,
    /// The check's name.
    pub name: String,
    /// Its state.
    pub state: CommitState,
    /// One sentence; may be empty.
    pub description: String,
    /// Where a person reads more; may be empty.
    pub target_url: String,
    /// Since when.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    state: String,
    description: String,
    target_url: String,
    at: i64,
}

impl Store {
    /// The checks of a commit, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn checks(
        &self,
        forge: &ForgeId,
        repository: &str,
        commit: &CommitSha,
    ) -> Result<Vec<Check>, StoreError> {
        let sql = "SELECT name, state, description, target_url, at FROM checks
             WHERE forge = $1 AND repository = $2 AND commit_sha = $3 ORDER BY name";
        let repository = repository_key(repository);
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository.as_str()).bind(commit.as_str())
            .fetch_all(p).await)?;
        let read = |row: Row| {
            let place = format!("checks {forge} {repository} {commit} {}", row.name);
            Ok(Check {
                forge: forge.clone(),
                repository: repository.clone(),
                commit: commit.clone(),
                state: known(&place, &row.state, CommitState::parse(&row.state))?,
                name: row.name,
                description: row.description,
                target_url: row.target_url,
                at: Timestamp::from_millis(row.at),
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Tx {
    /// Remembers the state of a check, unless a newer one is known; of two of one time, one that still waits is the
    /// older. False: a newer one is known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_check(&mut self, check: &Check) -> Result<bool, StoreError> {
        let sql = "INSERT INTO checks (forge, repository, commit_sha, name, state, description, target_url, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (forge, repository, commit_sha, name) DO UPDATE SET state = excluded.state,
                 description = excluded.description, target_url = excluded.target_url, at = excluded.at
             WHERE excluded.at > checks.at
                 OR (excluded.at = checks.at AND (excluded.state <> 'pending' OR checks.state = 'pending'))";
        let written = on_tx!(self, c => sqlx::query(sql)
            .bind(check.forge.as_str())
            .bind(repository_key(&check.repository).as_str())
            .bind(check.commit.as_str())
            .bind(storable(&check.name).as_ref())
            .bind(check.state.as_str())
            .bind(storable(&check.description).as_ref())
            .bind(storable(&check.target_url).as_ref())
            .bind(check.at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(written > 0)
    }
}
