//! Requests, deployments, runs and changes by a number, a commit or words, in few columns: people search as they type.
//!
//! Words are looked for among the newest [`LOOKED_AT`] rows of each kind; numbers and commits among all.

use crate::select::Select;
use crate::{Db, Store, StoreError, on_read};
use davit_domain::access::Places;
use davit_domain::ids::ForgeId;
use davit_domain::log_text::Needle;

/// Rows that words are looked for in.
const LOOKED_AT: &str = "50000";

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// With this number: davit's, and of a change the forge's.
    Number(i64),
    /// Of a commit whose id begins so, in lower case.
    Commit(&'a str),
    /// With this text in what people read of it.
    Text(&'a str),
}

/// A request that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundRequest {
    /// Its number.
    pub id: i64,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// Its title.
    pub title: String,
    /// Its state, as a word.
    pub state: String,
    /// When it was made. Milliseconds since 1970.
    pub at: i64,
}

/// A deployment that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundDeployment {
    /// Its number.
    pub id: i64,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// What it releases.
    pub commit_sha: String,
    /// Its state, as a word.
    pub state: String,
    /// When it was made. Milliseconds since 1970.
    pub at: i64,
}

/// A run that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundRun {
    /// Its number.
    pub id: i64,
    /// `owner/name` at its forge.
    pub repository: String,
    /// The workflow.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// Its state, as a word.
    pub state: String,
    /// When it was made. Milliseconds since 1970.
    pub at: i64,
}

/// A change that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundChange {
    /// Its number in davit.
    pub id: i64,
    /// `owner/name` at its forge.
    pub repository: String,
    /// Its number there.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its state, as a word.
    pub state: String,
    /// When what the forge tells was last something new. Milliseconds since 1970.
    pub at: i64,
}

/// Rows that are read at once where the database can't compare them.
const PIECE: i64 = 1_024;

/// One kind of row: its table, what it is told in, and what it is looked for by. Both databases run the same text, but
/// SQLite knows small and capital letters of ASCII alone: others are compared here.
macro_rules! found {
    ($store:expr, $sought:expr, $limit:expr, $table:literal, $columns:literal, commit: $commit:literal,
     number: $number:literal, words: [$($word:literal),+], within: |$select:ident| $within:expr) => {{
        let columns = concat!("SELECT ", $columns, " FROM ", $table);
        if let (Sought::Text(text), Db::Sqlite { read, .. }) = ($sought, &$store.db)
            && let Some(needle) = Needle::new(text).filter(|_| has_case_of_its_own(text))
        {
            let words = concat!("SELECT id, ", $("COALESCE(", $word, ", '') || char(10) || ",)+ "'' FROM ", $table);
            let (mut ids, mut before) = (Vec::new(), None);
            let wanted = usize::try_from($limit).unwrap_or_default();
            while ids.len() < wanted {
                let $select = Select::new(words).newest($table, LOOKED_AT);
                let $select = $select.contains(&[$($word),+], Some(needle.longest_piece()));
                let piece: Vec<(i64, String)> =
                    $within.newest_first(before, PIECE).build_query_as().fetch_all(read).await?;
                let Some((last, _)) = piece.last() else { break };
                before = Some(*last);
                // All that a piece holds may be more than SQLite takes in one condition.
                let hits = piece.into_iter().filter(|(_, words)| needle.is_in(words)).map(|(id, _)| id);
                ids.extend(hits.take(wanted - ids.len()));
            }
            let mut rows = Select::new(columns).numbered("id", &ids).newest_first(None, $limit);
            return Ok(rows.build_query_as().fetch_all(read).await?);
        }
        Ok(on_read!(&$store.db, p => {
            let $select = Select::new(columns);
            let $select = match $sought {
                Sought::Number(number) => $select.equals_number($number, Some(number)),
                Sought::Commit(commit) => $select.begins($commit, commit),
                Sought::Text(text) => $select.newest($table, LOOKED_AT).contains(&[$($word),+], Some(text)),
            };
            $within.newest_first(None, $limit).build_query_as().fetch_all(p).await
        })?)
    }};
}

/// Whether a letter of it is another one in capitals or in small, and none of ASCII.
fn has_case_of_its_own(text: &str) -> bool {
    text.chars().any(|letter| !letter.is_ascii() && (letter.is_lowercase() || letter.is_uppercase()))
}

impl Store {
    /// Requests in these places, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_requests(
        &self,
        sought: Sought<'_>,
        places: &Places,
        limit: i64,
    ) -> Result<Vec<FoundRequest>, StoreError> {
        found!(self, sought, limit, "requests", "id, app, environment, title, state, created_at AS at",
            commit: "commit_sha", number: "id", words: ["title", "git_ref", "created_by"],
            within: |select| select.within("app", "environment", Some(places)))
    }

    /// Deployments in these places, newest first, at most `limit`. Their words are the names of their releases.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_deployments(
        &self,
        sought: Sought<'_>,
        places: &Places,
        limit: i64,
    ) -> Result<Vec<FoundDeployment>, StoreError> {
        found!(self, sought, limit, "deployments", "id, app, environment, commit_sha, state, created_at AS at",
            commit: "commit_sha", number: "id", words: ["release_name"],
            within: |select| select.within("app", "environment", Some(places)))
    }

    /// Runs of these repositories (`None`: of all), newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_runs(
        &self,
        sought: Sought<'_>,
        repositories: Option<&[(ForgeId, String)]>,
        limit: i64,
    ) -> Result<Vec<FoundRun>, StoreError> {
        found!(self, sought, limit, "ci_runs", "id, repository, workflow, title, state, created_at AS at",
            commit: "head_sha", number: "id", words: ["title", "workflow", "git_ref"],
            within: |select| select.of_repositories(repositories))
    }

    /// Changes of these repositories (`None`: of all), newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_changes(
        &self,
        sought: Sought<'_>,
        repositories: Option<&[(ForgeId, String)]>,
        limit: i64,
    ) -> Result<Vec<FoundChange>, StoreError> {
        found!(self, sought, limit, "changes", "id, repository, number, title, state, updated_at AS at",
            commit: "head_sha", number: "number", words: ["title", "head_branch", "author"],
            within: |select| select.of_repositories(repositories))
    }
}
