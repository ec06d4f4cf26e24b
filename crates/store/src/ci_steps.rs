//! Steps of jobs.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, storable};
use davit_domain::ci::StepState;
use davit_domain::ids::JobId;
use davit_domain::time::Timestamp;

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiStep {
    /// Its place, from 0.
    pub number: u32,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// How its program ended.
    pub exit_code: Option<i32>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The Markdown that it wrote for people.
    pub summary: Option<String>,
}

/// What is new about a step; `None` leaves what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepChange {
    /// What people call it, once its expressions are known.
    pub name: Option<String>,
    /// Where it stands.
    pub state: Option<StepState>,
    /// How its program ended.
    pub exit_code: Option<i32>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The Markdown that it wrote for people.
    pub summary: Option<String>,
}

#[derive(sqlx::FromRow)]
struct StepRow {
    number: i64,
    name: String,
    state: String,
    exit_code: Option<i64>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    summary: Option<String>,
}

impl StepRow {
    fn read(self, job: JobId) -> Result<CiStep, StoreError> {
        let place = format!("ci_steps of job {job}");
        Ok(CiStep {
            number: step_number(&place, self.number)?,
            name: self.name,
            state: known(&place, &self.state, StepState::parse(&self.state))?,
            exit_code: self.exit_code.and_then(|code| i32::try_from(code).ok()),
            started_at: self.started_at.map(Timestamp::from_millis),
            ended_at: self.ended_at.map(Timestamp::from_millis),
            summary: self.summary,
        })
    }
}

impl Store {
    /// The steps of a job, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn steps(&self, job: JobId) -> Result<Vec<CiStep>, StoreError> {
        let sql = "SELECT number, name, state, exit_code, started_at, ended_at, summary FROM ci_steps
             WHERE job_id = $1 ORDER BY number";
        let rows: Vec<StepRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(job.0).fetch_all(p).await)?;
        rows.into_iter().map(|row| row.read(job)).collect()
    }
}

impl Tx {
    /// Writes down the steps of a job, the first of them as number 0; none of them has begun. Those that are there
    /// already get the new name and keep the rest.
    ///
    /// # Errors
    /// As [`hold_job_fence`](Self::hold_job_fence).
    pub async fn put_steps(&mut self, id: JobId, fence: i64, names: &[impl AsRef<str>]) -> Result<(), StoreError> {
        self.hold_job_fence(id, fence).await?;
        let sql = "INSERT INTO ci_steps (job_id, number, name, state) VALUES ($1, $2, $3, $4)
             ON CONFLICT (job_id, number) DO UPDATE SET name = excluded.name";
        for (number, name) in (0_i64..).zip(names) {
            on_tx!(self, c => sqlx::query(sql)
                .bind(id.0).bind(number).bind(storable(name.as_ref()).as_ref()).bind(StepState::Queued.as_str())
                .execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }

    /// Moves a step of a worker's job on.
    ///
    /// # Errors
    /// As [`hold_job_fence`](Self::hold_job_fence); `NotFound` also when the job has no such step.
    pub async fn set_step(
        &mut self,
        id: JobId,
        fence: i64,
        number: u32,
        change: &StepChange,
    ) -> Result<(), StoreError> {
        self.hold_job_fence(id, fence).await?;
        let sql = "UPDATE ci_steps SET name = COALESCE($3, name), state = COALESCE($4, state),
                 exit_code = COALESCE($5, exit_code), started_at = COALESCE($6, started_at),
                 ended_at = COALESCE($7, ended_at), summary = COALESCE($8, summary)
             WHERE job_id = $1 AND number = $2";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(i64::from(number))
            .bind(change.name.as_deref().map(storable).as_deref())
            .bind(change.state.map(StepState::as_str))
            .bind(change.exit_code.map(i64::from))
            .bind(change.started_at.map(Timestamp::millis))
            .bind(change.ended_at.map(Timestamp::millis))
            .bind(change.summary.as_deref().map(storable).as_deref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("step {number} of job {id}"))) } else { Ok(()) }
    }

    /// Nothing of an ended job goes on.
    pub(crate) async fn end_steps(&mut self, id: JobId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE ci_steps SET state = CASE WHEN state = $3 THEN $4 ELSE $5 END,
                 ended_at = CASE WHEN state = $3 THEN $2 END
             WHERE job_id = $1 AND state IN ($3, $6)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(at.millis())
            .bind(StepState::Running.as_str())
            .bind(StepState::Cancelled.as_str())
            .bind(StepState::Skipped.as_str())
            .bind(StepState::Queued.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}

pub(crate) fn step_number(place: &str, number: i64) -> Result<u32, StoreError> {
    known(place, &number.to_string(), u32::try_from(number).ok())
}
