//! Runs of workflows: made, looked up, moved on. Lists of them are in [`list`], their jobs in [`crate::ci_jobs`].
//!
//! What is decided about runs is decided a repository at a time: whatever makes, locks or lists runs in a transaction
//! keeps the repository until the transaction ends, and does so before it touches a row, so that nobody waits for
//! each other. Lock the run first, then its jobs.

pub mod list;

use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, repository_key, storable, to_json};
use davit_domain::ci::{RunState, Trigger};
use davit_domain::ids::{CommitSha, ForgeId, RunId};
use davit_domain::time::Timestamp;
pub use list::RunFilter;
use serde_json::Value;

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there, in lower case.
    pub repository: String,
    /// The workflow's file in the repository.
    pub workflow_file: String,
    /// The workflow's name.
    pub workflow: String,
    /// A line for people: the change's title, the commit's subject.
    pub title: String,
    /// What started it.
    pub trigger: Trigger,
    /// What happened to the change, in GitHub's word; empty for other triggers.
    pub action: String,
    /// The branch, tag or change, in full: `refs/heads/main`.
    pub git_ref: Option<String>,
    /// The commit it runs for.
    pub head: CommitSha,
    /// The commit that it is compared with.
    pub base: Option<CommitSha>,
    /// The change's number at its forge.
    pub change: Option<i64>,
    /// Whether the change comes from a fork.
    pub from_fork: bool,
    /// Who caused it.
    pub by: String,
    /// Where it stands.
    pub state: RunState,
    /// Why it stands there.
    pub reason: Option<String>,
    /// Why somebody wants it ended; what may always run still does.
    pub cancel_reason: Option<String>,
    /// 1, and one more each time that jobs of it are run again.
    pub attempt: i64,
    /// Its concurrency group.
    pub group: Option<String>,
    /// Whether it cancels what runs in its group.
    pub cancel_in_progress: bool,
    /// Who let a fork's run go on.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// The newer run that took its place.
    pub superseded_by: Option<RunId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When this attempt began.
    pub started_at: Option<Timestamp>,
    /// When this attempt ended.
    pub ended_at: Option<Timestamp>,
}

/// A run before it has a number. Fields as in [`Run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there.
    pub repository: String,
    /// The workflow's file in the repository.
    pub workflow_file: String,
    /// The workflow's name.
    pub workflow: String,
    /// A line for people.
    pub title: String,
    /// What starts it.
    pub trigger: Trigger,
    /// What happened to the change, in GitHub's word; empty for other triggers.
    pub action: String,
    /// The branch, tag or change, in full.
    pub git_ref: Option<String>,
    /// The commit it runs for.
    pub head: CommitSha,
    /// The commit that it is compared with.
    pub base: Option<CommitSha>,
    /// The change's number at its forge.
    pub change: Option<i64>,
    /// Whether the change comes from a fork.
    pub from_fork: bool,
    /// Who causes it.
    pub by: String,
    /// Where it starts; a final state ends it at once.
    pub state: RunState,
    /// Why it starts there.
    pub reason: Option<String>,
    /// Its concurrency group.
    pub group: Option<String>,
    /// Whether it cancels what runs in its group.
    pub cancel_in_progress: bool,
    /// The plan, in the form of the one who makes plans.
    pub plan: Value,
    /// The event that jobs see, with the inputs.
    pub event: Value,
    /// Asking again with the same key makes nothing new.
    pub idempotency_key: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// What is known of a run once it is planned. Fields as in [`Run`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedRun<'a> {
    /// The workflow's name.
    pub workflow: &'a str,
    /// A line for people.
    pub title: &'a str,
    /// Its concurrency group.
    pub group: Option<&'a str>,
    /// Whether it cancels what runs in its group.
    pub cancel_in_progress: bool,
    /// The plan, in the form of the one who makes plans.
    pub plan: &'a Value,
}

/// What a run was planned from: large, and so not part of [`Run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlan {
    /// The plan, in the form of the one who makes plans.
    pub plan: Value,
    /// The event that jobs see, with the inputs.
    pub event: Value,
}

/// `SELECT` of every column of [`Row`], with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, forge, repository, workflow_file, workflow, title, trigger, action, git_ref, head_sha, base_sha, ",
            "change_number, from_fork, by_whom, state, reason, cancel_reason, attempt, group_name, cancel_in_progress, approved_by, ",
            "approved_at, superseded_by, created_at, started_at, ended_at FROM ci_runs ",
            $rest
        )
    };
}
use select;

const ONE: &str = select!("WHERE id = $1");
const PLAN: &str = "SELECT plan, event FROM ci_runs WHERE id = $1";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    forge: String,
    repository: String,
    workflow_file: String,
    workflow: String,
    title: String,
    trigger: String,
    action: String,
    git_ref: Option<String>,
    head_sha: String,
    base_sha: Option<String>,
    change_number: Option<i64>,
    from_fork: bool,
    by_whom: String,
    state: String,
    reason: Option<String>,
    cancel_reason: Option<String>,
    attempt: i64,
    group_name: Option<String>,
    cancel_in_progress: bool,
    approved_by: Option<String>,
    approved_at: Option<i64>,
    superseded_by: Option<i64>,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Run, StoreError> {
        let place = format!("ci_runs {}", self.id);
        Ok(Run {
            id: RunId(self.id),
            forge: parsed(&place, &self.forge)?,
            repository: self.repository,
            workflow_file: self.workflow_file,
            workflow: self.workflow,
            title: self.title,
            trigger: known(&place, &self.trigger, Trigger::parse(&self.trigger))?,
            action: self.action,
            git_ref: self.git_ref,
            head: parsed(&place, &self.head_sha)?,
            base: self.base_sha.map(|base| parsed(&place, &base)).transpose()?,
            change: self.change_number,
            from_fork: self.from_fork,
            by: self.by_whom,
            state: known(&place, &self.state, RunState::parse(&self.state))?,
            reason: self.reason,
            cancel_reason: self.cancel_reason,
            attempt: self.attempt,
            group: self.group_name,
            cancel_in_progress: self.cancel_in_progress,
            approved_by: self.approved_by,
            approved_at: self.approved_at.map(Timestamp::from_millis),
            superseded_by: self.superseded_by.map(RunId),
            created_at: Timestamp::from_millis(self.created_at),
            started_at: self.started_at.map(Timestamp::from_millis),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<Run>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// A run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// What a run was planned from.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_plan(&self, id: RunId) -> Result<Option<RunPlan>, StoreError> {
        let row: Option<(String, String)> =
            on_read!(&self.db, p => sqlx::query_as(PLAN).bind(id.0).fetch_optional(p).await)?;
        row.map(|row| read_plan(id, &row)).transpose()
    }
}

impl Tx {
    /// Makes a run, or finds the one that was made with the same idempotency key (`true`). Keeps the repository.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_run(&mut self, new: &NewRun) -> Result<(RunId, bool), StoreError> {
        self.lock_repository(&new.forge, &new.repository).await?;
        let sql = "INSERT INTO ci_runs (forge, repository, workflow_file, workflow, title, trigger, action, git_ref,
                 head_sha, base_sha, change_number, from_fork, by_whom, state, reason, group_name, cancel_in_progress,
                 plan, event, idempotency_key, created_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
             ON CONFLICT (idempotency_key) DO NOTHING RETURNING id";
        let (plan, event) = (to_json("ci_runs", &new.plan)?, to_json("ci_runs", &new.event)?);
        let made: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.forge.as_str())
            .bind(repository_key(&new.repository).as_str())
            .bind(storable(&new.workflow_file).as_ref())
            .bind(storable(&new.workflow).as_ref())
            .bind(storable(&new.title).as_ref())
            .bind(new.trigger.as_str())
            .bind(storable(&new.action).as_ref())
            .bind(new.git_ref.as_deref().map(storable).as_deref())
            .bind(new.head.as_str())
            .bind(new.base.as_ref().map(CommitSha::as_str))
            .bind(new.change)
            .bind(new.from_fork)
            .bind(storable(&new.by).as_ref())
            .bind(new.state.as_str())
            .bind(new.reason.as_deref().map(storable).as_deref())
            .bind(new.group.as_deref().map(storable).as_deref())
            .bind(new.cancel_in_progress)
            .bind(plan.as_str())
            .bind(event.as_str())
            .bind(new.idempotency_key.as_deref())
            .bind(new.created_at.millis())
            .bind(new.state.is_final().then_some(new.created_at.millis()))
            .fetch_optional(&mut **c).await)?;
        if let Some(id) = made {
            return Ok((RunId(id), false));
        }
        let sql = "SELECT id FROM ci_runs WHERE idempotency_key = $1";
        let id: i64 = on_tx!(self, c =>
            sqlx::query_scalar(sql).bind(new.idempotency_key.as_deref()).fetch_one(&mut **c).await)?;
        Ok((RunId(id), true))
    }

    /// A run that nobody else decides about until the transaction ends; nor about any other of its repository. Before
    /// its jobs are touched, as all do it.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn lock_run(&mut self, id: RunId) -> Result<Run, StoreError> {
        let sql = "SELECT forge, repository FROM ci_runs WHERE id = $1";
        let place: Option<(String, String)> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        let (forge, repository) = place.ok_or_else(|| not_found(id))?;
        self.lock(&repository_lock(&forge, &repository)).await?;
        self.lock_row("SELECT 1 FROM ci_runs WHERE id = $1 FOR NO KEY UPDATE", id.0).await?;
        self.run(id).await?.ok_or_else(|| not_found(id))
    }

    /// A run, as it is; without [`lock_run`](Self::lock_run) it may change at any time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.map(Row::read).transpose()
    }

    /// What a run was planned from.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn run_plan(&mut self, id: RunId) -> Result<RunPlan, StoreError> {
        let row: Option<(String, String)> =
            on_tx!(self, c => sqlx::query_as(PLAN).bind(id.0).fetch_optional(&mut **c).await)?;
        read_plan(id, &row.ok_or_else(|| not_found(id))?)
    }

    /// Gives a run the plan it has from now on: it is planned once it has a number, and a fork's run again from its own
    /// files once it is approved.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_run_plan(&mut self, id: RunId, planned: &PlannedRun<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE ci_runs SET workflow = $2, title = $3, group_name = $4, cancel_in_progress = $5, plan = $6
             WHERE id = $1";
        let plan = to_json("ci_runs", planned.plan)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(storable(planned.workflow).as_ref())
            .bind(storable(planned.title).as_ref())
            .bind(planned.group.map(storable).as_deref())
            .bind(planned.cancel_in_progress)
            .bind(plan.as_str())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Moves a run on. Running sets when it began, a final state when it ended; back to waiting clears both. The
    /// reason is always replaced.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_run_state(
        &mut self,
        id: RunId,
        state: RunState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE ci_runs SET state = $2, reason = $3,
                 started_at = CASE WHEN $4 THEN COALESCE(started_at, $6) WHEN $5 THEN started_at END,
                 ended_at = CASE WHEN $5 THEN COALESCE(ended_at, $6) END
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(state.as_str())
            .bind(reason.map(storable).as_deref())
            .bind(state == RunState::Running)
            .bind(state.is_final())
            .bind(at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes who let a fork's run go on. The first one stays on record.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn approve_run(&mut self, id: RunId, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE ci_runs SET approved_by = COALESCE(approved_by, $2), approved_at = COALESCE(approved_at, $3)
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(by).bind(at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes that a newer run took a run's place.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn supersede_run(&mut self, id: RunId, by: RunId) -> Result<(), StoreError> {
        let sql = "UPDATE ci_runs SET superseded_by = COALESCE(superseded_by, $2) WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(by.0).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes why somebody wants a run ended. The first one to ask stays on record.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn ask_run_to_end(&mut self, id: RunId, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE ci_runs SET cancel_reason = COALESCE(cancel_reason, $2) WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(storable(reason).as_ref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Counts one more attempt of a run and returns its number. It is queued as if nothing had happened yet.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn bump_attempt(&mut self, id: RunId) -> Result<i64, StoreError> {
        let sql = "UPDATE ci_runs SET attempt = attempt + 1, state = $2, reason = NULL, cancel_reason = NULL,
                 superseded_by = NULL, started_at = NULL, ended_at = NULL
             WHERE id = $1 RETURNING attempt";
        let attempt: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(id.0).bind(RunState::Queued.as_str())
            .fetch_optional(&mut **c).await)?;
        attempt.ok_or_else(|| not_found(id))
    }

    /// The open runs of a change, oldest first. Keeps the repository, so that what is decided from it stays true.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_runs_of_change(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        number: i64,
    ) -> Result<Vec<Run>, StoreError> {
        self.lock_repository(forge, repository).await?;
        let sql =
            select!("WHERE forge = $1 AND repository = $2 AND change_number = $3 AND ended_at IS NULL ORDER BY id");
        let rows = on_tx!(self, c => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(number)
            .fetch_all(&mut **c).await)?;
        Row::read_all(rows)
    }

    /// The open runs of a concurrency group, oldest first. Keeps the repository, so that what is decided from it stays
    /// true.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_runs_of_group(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        group: &str,
    ) -> Result<Vec<Run>, StoreError> {
        self.lock_repository(forge, repository).await?;
        let sql = select!("WHERE forge = $1 AND repository = $2 AND group_name = $3 AND ended_at IS NULL ORDER BY id");
        let rows = on_tx!(self, c => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(storable(group).as_ref())
            .fetch_all(&mut **c).await)?;
        Row::read_all(rows)
    }

    /// Keeps what is decided about the runs of a repository to this transaction, until it ends.
    pub(crate) async fn lock_repository(&mut self, forge: &ForgeId, repository: &str) -> Result<(), StoreError> {
        self.lock(&repository_lock(forge.as_str(), &repository_key(repository))).await
    }
}

fn repository_lock(forge: &str, repository: &str) -> String {
    format!("ci {forge} {repository}")
}

fn read_plan(id: RunId, (plan, event): &(String, String)) -> Result<RunPlan, StoreError> {
    let place = format!("ci_runs {id}");
    Ok(RunPlan { plan: from_json(&place, plan)?, event: from_json(&place, event)? })
}

fn not_found(id: RunId) -> StoreError {
    StoreError::NotFound(format!("run {id}"))
}
