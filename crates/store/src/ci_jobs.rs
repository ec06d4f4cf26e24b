//! Jobs of runs; their steps are in [`crate::ci_steps`]. A retry of a job is a new row with the next attempt; the old one and its log stay.
//!
//! Whoever carries a job out holds its fence, a number that grows each time it is given to or taken from somebody.
//! Every write of a worker names its fence and is refused once that is not the newest one: a worker that lost its job
//! and does not know it yet changes nothing any more.

use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, repository_key, storable, to_json};
use davit_domain::ci::JobState;
use davit_domain::ids::{ForgeId, JobId, RunId};
use davit_domain::time::Timestamp;
use serde_json::Value;

/// One attempt of one instance of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiJob {
    /// Its number.
    pub id: JobId,
    /// The run.
    pub run: RunId,
    /// The job's key in the workflow.
    pub key: String,
    /// Which instance of the job's matrix, from 0.
    pub index: usize,
    /// What people call it.
    pub name: String,
    /// 1 for the first attempt.
    pub attempt: i64,
    /// Where it stands.
    pub state: JobState,
    /// Why it stands there.
    pub reason: Option<String>,
    /// Why somebody wants it ended.
    pub cancel_reason: Option<String>,
    /// The keys of the jobs it needs.
    pub needs: Vec<String>,
    /// The instance, in the form of the one who makes plans; null while it is not known.
    pub instance: Value,
    /// What it gave to the jobs that need it.
    pub outputs: Value,
    /// Its concurrency group.
    pub group: Option<String>,
    /// The environment whose secrets it gets.
    pub environment: Option<String>,
    /// How it is carried out.
    pub executor: String,
    /// Who carries it out, or did.
    pub worker: Option<String>,
    /// The newest fence; 0: nobody has had it yet.
    pub fence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it could have begun.
    pub queued_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A job before it has a number. Fields as in [`CiJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCiJob {
    /// The run.
    pub run: RunId,
    /// The job's key in the workflow.
    pub key: String,
    /// Which instance of the job's matrix, from 0.
    pub index: usize,
    /// What people call it.
    pub name: String,
    /// 1 for the first attempt.
    pub attempt: i64,
    /// Where it starts; a final state ends it at once.
    pub state: JobState,
    /// Why it starts there.
    pub reason: Option<String>,
    /// The keys of the jobs it needs.
    pub needs: Vec<String>,
    /// The instance, in the form of the one who makes plans; null while it is not known.
    pub instance: Value,
    /// Its concurrency group.
    pub group: Option<String>,
    /// The environment whose secrets it gets.
    pub environment: Option<String>,
    /// How it is carried out.
    pub executor: String,
    /// When.
    pub created_at: Timestamp,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT j.id, j.run_id, j.key, j.idx, j.name, j.attempt, j.state, j.reason, j.cancel_reason, j.group_name, j.environment, ",
            "j.executor, j.worker, j.fence, j.created_at, j.queued_at, j.started_at, j.ended_at, j.needs, j.outputs, ",
            "j.instance FROM ci_jobs j ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE j.id = $1");
const LOCK: &str = "SELECT 1 FROM ci_jobs WHERE id = $1 FOR NO KEY UPDATE";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    run_id: i64,
    key: String,
    idx: i64,
    name: String,
    attempt: i64,
    state: String,
    reason: Option<String>,
    cancel_reason: Option<String>,
    group_name: Option<String>,
    environment: Option<String>,
    executor: String,
    worker: Option<String>,
    fence: i64,
    created_at: i64,
    queued_at: Option<i64>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    needs: String,
    outputs: String,
    instance: String,
}

impl Row {
    fn read(self) -> Result<CiJob, StoreError> {
        let place = format!("ci_jobs {}", self.id);
        Ok(CiJob {
            id: JobId(self.id),
            run: RunId(self.run_id),
            key: self.key,
            index: known(&place, &self.idx.to_string(), usize::try_from(self.idx).ok())?,
            name: self.name,
            attempt: self.attempt,
            state: known(&place, &self.state, JobState::parse(&self.state))?,
            reason: self.reason,
            cancel_reason: self.cancel_reason,
            needs: from_json(&place, &self.needs)?,
            instance: from_json(&place, &self.instance)?,
            outputs: from_json(&place, &self.outputs)?,
            group: self.group_name,
            environment: self.environment,
            executor: self.executor,
            worker: self.worker,
            fence: self.fence,
            created_at: Timestamp::from_millis(self.created_at),
            queued_at: self.queued_at.map(Timestamp::from_millis),
            started_at: self.started_at.map(Timestamp::from_millis),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<CiJob>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// A job.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job(&self, id: JobId) -> Result<Option<CiJob>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The jobs of a run, every attempt: jobs in the order they were made, the instances of each, the attempts of each.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn jobs(&self, run: RunId) -> Result<Vec<CiJob>, StoreError> {
        let sql = select!(
            "JOIN (SELECT key, MIN(id) AS first_id FROM ci_jobs WHERE run_id = $1 GROUP BY key) o ON o.key = j.key
             WHERE j.run_id = $1 ORDER BY o.first_id, j.idx, j.attempt"
        );
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).bind(run.0).fetch_all(p).await)?)
    }

    /// Every job that has not ended, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unfinished_jobs(&self) -> Result<Vec<CiJob>, StoreError> {
        let sql = select!("WHERE j.ended_at IS NULL ORDER BY j.id");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?)
    }
}

impl Tx {
    /// Makes one attempt of one instance of a job.
    ///
    /// # Errors
    /// `Conflict` when there is one with this run, key, index and attempt, or no such run.
    pub async fn insert_job(&mut self, new: &NewCiJob) -> Result<JobId, StoreError> {
        let sql =
            "INSERT INTO ci_jobs (run_id, key, idx, name, attempt, state, reason, group_name, environment, executor,
                 created_at, ended_at, needs, outputs, instance)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '{}', $14) RETURNING id";
        let (needs, instance) = (to_json("ci_jobs", &new.needs)?, to_json("ci_jobs", &new.instance)?);
        let id: i64 = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.run.0)
            .bind(storable(&new.key).as_ref())
            .bind(i64::try_from(new.index).unwrap_or(i64::MAX))
            .bind(storable(&new.name).as_ref())
            .bind(new.attempt)
            .bind(new.state.as_str())
            .bind(new.reason.as_deref().map(storable).as_deref())
            .bind(new.group.as_deref().map(storable).as_deref())
            .bind(new.environment.as_deref().map(storable).as_deref())
            .bind(new.executor.as_str())
            .bind(new.created_at.millis())
            .bind(new.state.is_final().then_some(new.created_at.millis()))
            .bind(needs.as_str())
            .bind(instance.as_str())
            .fetch_one(&mut **c).await)?;
        Ok(JobId(id))
    }

    /// The jobs of a run, of each instance the newest attempt: jobs in the order they were made, the instances of each.
    /// Decide from it under [`lock_run`](Self::lock_run) alone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn jobs_of_run(&mut self, run: RunId) -> Result<Vec<CiJob>, StoreError> {
        let sql = select!(
            "JOIN (SELECT key, MIN(id) AS first_id FROM ci_jobs WHERE run_id = $1 GROUP BY key) o ON o.key = j.key
             WHERE j.run_id = $1 AND NOT EXISTS (SELECT 1 FROM ci_jobs n
                 WHERE n.run_id = j.run_id AND n.key = j.key AND n.idx = j.idx AND n.attempt > j.attempt)
             ORDER BY o.first_id, j.idx"
        );
        Row::read_all(on_tx!(self, c => sqlx::query_as(sql).bind(run.0).fetch_all(&mut **c).await)?)
    }

    /// Every attempt of one instance of a job, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn attempts_of_job(&mut self, run: RunId, key: &str, index: usize) -> Result<Vec<CiJob>, StoreError> {
        let sql = select!("WHERE j.run_id = $1 AND j.key = $2 AND j.idx = $3 ORDER BY j.attempt");
        Row::read_all(on_tx!(self, c => sqlx::query_as(sql)
            .bind(run.0).bind(storable(key).as_ref()).bind(i64::try_from(index).unwrap_or(i64::MAX))
            .fetch_all(&mut **c).await)?)
    }

    /// A job, as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job(&mut self, id: JobId) -> Result<Option<CiJob>, StoreError> {
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.map(Row::read).transpose()
    }

    /// The jobs of a concurrency group that have not ended, oldest first. Keeps the repository, so that what is decided
    /// from it stays true.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_jobs_of_group(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        group: &str,
    ) -> Result<Vec<CiJob>, StoreError> {
        self.lock_repository(forge, repository).await?;
        let sql = select!(
            "JOIN ci_runs r ON r.id = j.run_id
             WHERE j.group_name = $3 AND j.ended_at IS NULL AND r.forge = $1 AND r.repository = $2 ORDER BY j.id"
        );
        let rows = on_tx!(self, c => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(storable(group).as_ref())
            .fetch_all(&mut **c).await)?;
        Row::read_all(rows)
    }

    /// Gives a job that was made before its values were known its values.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn expand_job(
        &mut self,
        id: JobId,
        name: &str,
        instance: &Value,
        group: Option<&str>,
        environment: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE ci_jobs SET name = $2, instance = $3, group_name = $4, environment = $5 WHERE id = $1";
        let instance = to_json("ci_jobs", instance)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(storable(name).as_ref())
            .bind(instance.as_str())
            .bind(group.map(storable).as_deref())
            .bind(environment.map(storable).as_deref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes that a job could begin now: nothing but a free place is missing. The first time stays.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn queue_job(&mut self, id: JobId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE ci_jobs SET queued_at = COALESCE(queued_at, $2),
                 reason = CASE WHEN state = $3 THEN NULL ELSE reason END
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(at.millis()).bind(JobState::Queued.as_str())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes why a queued job can't begin yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_job(&mut self, id: JobId, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE ci_jobs SET reason = $2 WHERE id = $1 AND state = $3";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(storable(reason).as_ref()).bind(JobState::Queued.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes why somebody wants a job ended. The first one to ask stays on record.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn ask_job_to_end(&mut self, id: JobId, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE ci_jobs SET cancel_reason = COALESCE(cancel_reason, $2) WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(storable(reason).as_ref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Moves on a job whose worker does not do it itself. Whoever holds the job loses it: its fence grows. A final
    /// state sets when it ended, and the steps that had not ended are cancelled, or skipped when they had not begun.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_job_state(
        &mut self,
        id: JobId,
        state: JobState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE ci_jobs SET state = $2, reason = $3, fence = fence + 1,
                 ended_at = CASE WHEN $4 THEN COALESCE(ended_at, $5) END
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(state.as_str())
            .bind(reason.map(storable).as_deref())
            .bind(state.is_final())
            .bind(at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 {
            return Err(not_found(id));
        }
        if state.is_final() { self.end_steps(id, at).await } else { Ok(()) }
    }

    /// Gives a queued job to a worker: the fence it writes with. `None`: it is not queued any more. Asking again as the
    /// same worker gives the same fence.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_job(&mut self, id: JobId, worker: &str, at: Timestamp) -> Result<Option<i64>, StoreError> {
        let sql = "UPDATE ci_jobs SET state = $4, worker = $2, reason = NULL,
                 fence = CASE WHEN state = $5 THEN fence + 1 ELSE fence END,
                 queued_at = COALESCE(queued_at, $3), started_at = COALESCE(started_at, $3)
             WHERE id = $1 AND (state = $5 OR (state = $4 AND worker = $2)) RETURNING fence";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(id.0)
            .bind(worker)
            .bind(at.millis())
            .bind(JobState::Running.as_str())
            .bind(JobState::Queued.as_str())
            .fetch_optional(&mut **c).await)?)
    }

    /// Checks that `fence` is still the newest one of a job, and keeps it so until the transaction ends.
    ///
    /// # Errors
    /// `Conflict` when the job was taken away, `NotFound` when there is none with this number.
    pub async fn hold_job_fence(&mut self, id: JobId, fence: i64) -> Result<(), StoreError> {
        self.lock_row(LOCK, id.0).await?;
        let sql = "SELECT fence FROM ci_jobs WHERE id = $1";
        let stored: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        match stored {
            Some(stored) if stored == fence => Ok(()),
            Some(_) => Err(StoreError::Conflict(format!("job {id} was taken away from this worker"))),
            None => Err(not_found(id)),
        }
    }

    /// Ends a worker's job. The same call again changes nothing: its answer may have been lost.
    ///
    /// # Errors
    /// `Conflict` when the job was taken away, or has ended in another state; `NotFound` when there is none with this
    /// number.
    pub async fn end_job(
        &mut self,
        id: JobId,
        fence: i64,
        state: JobState,
        reason: Option<&str>,
        outputs: &Value,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.hold_job_fence(id, fence).await?;
        let job = self.job(id).await?.ok_or_else(|| not_found(id))?;
        if job.state.is_final() {
            let same = job.state == state;
            let ended = || StoreError::Conflict(format!("job {id} has ended already: {}", job.state.as_str()));
            return if same { Ok(()) } else { Err(ended()) };
        }
        let sql = "UPDATE ci_jobs SET state = $2, reason = $3, outputs = $4, ended_at = $5 WHERE id = $1";
        let outputs = to_json("ci_jobs", outputs)?;
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(state.as_str())
            .bind(reason.map(storable).as_deref())
            .bind(outputs.as_str())
            .bind(at.millis())
            .execute(&mut **c).await.map(drop))?;
        self.end_steps(id, at).await
    }
}

fn not_found(id: JobId) -> StoreError {
    StoreError::NotFound(format!("job {id}"))
}
