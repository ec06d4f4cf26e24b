//! Which runs there are: lists for people and for the start of the server.

use super::{Row, Run, select};
use crate::select::Select;
use crate::{Store, StoreError, on_read, parsed, repository_key};
use davit_domain::ci::{RunState, Trigger};
use davit_domain::ids::{CommitSha, ForgeId, RunId};

/// `state`, out of reach of its index: the rows of several states would have to be sorted, all of them, where the
/// newest are found sooner by looking at one after the other.
const ANY_STATE: &str = "(state || '')";

/// Which runs to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this forge.
    pub forge: Option<ForgeId>,
    /// Of this repository, without case.
    pub repository: Option<String>,
    /// In one of these states.
    pub states: Vec<RunState>,
    /// Of this branch.
    pub branch: Option<String>,
    /// Of the change with this number.
    pub change: Option<i64>,
    /// For this commit.
    pub head: Option<CommitSha>,
    /// Of the workflow with this name or file.
    pub workflow: Option<String>,
    /// Started by this.
    pub trigger: Option<Trigger>,
    /// Of these repositories alone; `None`: of all.
    pub within: Option<Vec<(ForgeId, String)>>,
}

impl Store {
    /// Runs, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: i64) -> Result<Vec<Run>, StoreError> {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let branch = filter.branch.as_deref().map(full_branch);
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(select!(""))
            .equals("forge", filter.forge.as_ref())
            .equals("repository", filter.repository.as_deref().map(repository_key))
            .only_if("ended_at IS NULL", !states.is_empty() && filter.states.iter().all(|state| !state.is_final()))
            .one_of(if states.len() == 1 { "state" } else { ANY_STATE }, &states)
            .equals("git_ref", branch.as_deref())
            .equals_number("change_number", filter.change)
            .equals("head_sha", filter.head.as_ref())
            .equals_either("workflow", "workflow_file", filter.workflow.as_deref())
            .equals("trigger", filter.trigger.map(Trigger::as_str))
            .of_repositories(filter.within.as_deref())
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        Row::read_all(rows)
    }

    /// The newest run of a branch that no newer one took the place of; of one workflow (by name or file), or of any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest_run_of_branch(
        &self,
        forge: &ForgeId,
        repository: &str,
        branch: &str,
        workflow: Option<&str>,
    ) -> Result<Option<Run>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(select!(""))
            .equals("forge", Some(forge))
            .equals("repository", Some(repository_key(repository)))
            .equals("git_ref", Some(full_branch(branch)))
            .equals_either("workflow", "workflow_file", workflow)
            .only_if("superseded_by IS NULL", true)
            .newest_first(None, 1)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().next().map(Row::read).transpose()
    }

    /// The repositories that have runs, in lower case.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_repositories(&self) -> Result<Vec<(ForgeId, String)>, StoreError> {
        let sql = "SELECT DISTINCT forge, repository FROM ci_runs ORDER BY forge, repository";
        let rows: Vec<(String, String)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.into_iter().map(|(forge, repository)| Ok((parsed("ci_runs", &forge)?, repository))).collect()
    }

    /// Every run that is open, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        let sql = select!("WHERE ended_at IS NULL ORDER BY id");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?)
    }
}

fn full_branch(branch: &str) -> String {
    format!("refs/heads/{branch}")
}
