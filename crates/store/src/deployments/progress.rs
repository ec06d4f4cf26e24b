//! How far a deployment has come: one run a host, and the grid of steps × hosts that people see.

use super::PlannedStep;
use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, to_json};
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::time::Timestamp;

/// One host of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRun {
    /// The host.
    pub host: HostName,
    /// Where it stands.
    pub state: HostRunState,
    /// The batch it belongs to, from 1.
    pub batch: u32,
    /// Which try this is, from 1: a person's retry of the host makes the next one, whose hooks run anew.
    pub tries: u32,
    /// Since when.
    pub updated_at: Timestamp,
}

/// The hosts of a deployment, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostCounts {
    /// All of them.
    pub all: usize,
    /// Those that are done.
    pub done: usize,
    /// In how many batches they go, at least one.
    pub batches: u32,
}

/// One step on one host, or on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The host; `None`: the server.
    pub host: Option<HostName>,
    /// The step's [number](davit_domain::log::Step::number).
    pub step: u8,
    /// Where it stands.
    pub state: CellState,
    /// When it began (the last time, when it ran again).
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The server's row in the grid: no host is called that.
const SERVER: &str = "";

#[derive(sqlx::FromRow)]
struct HostRunRow {
    host: String,
    state_body: String,
    batch: i64,
    tries: i64,
    updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct CellRow {
    host: String,
    step: i64,
    state: String,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

impl CellRow {
    fn read(self) -> Result<Cell, StoreError> {
        Ok(Cell {
            host: if self.host == SERVER { None } else { Some(parsed("cells", &self.host)?) },
            step: step_number(self.step)?,
            state: known("cells", &self.state, CellState::parse(&self.state))?,
            started_at: self.started_at.map(Timestamp::from_millis),
            finished_at: self.finished_at.map(Timestamp::from_millis),
        })
    }
}

impl Store {
    /// How many hosts a deployment has, and how far they are: what lists show of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn host_counts(&self, id: DeploymentId) -> Result<HostCounts, StoreError> {
        let sql = "SELECT COUNT(*), COUNT(CASE WHEN state = 'done' THEN 1 END), COALESCE(MAX(batch), 1) FROM host_runs
             WHERE deployment_id = $1";
        let (all, done, batches): (i64, i64, i64) =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_one(p).await)?;
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        Ok(HostCounts { all: count(all), done: count(done), batches: u32::try_from(batches).unwrap_or(u32::MAX) })
    }

    /// The host runs of a deployment, in the order of its hosts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn host_runs(&self, id: DeploymentId) -> Result<Vec<HostRun>, StoreError> {
        let sql = "SELECT host, state_body, batch, tries, updated_at FROM host_runs WHERE deployment_id = $1
             ORDER BY position";
        let rows: Vec<HostRunRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_all(p).await)?;
        let place = format!("host_runs of deployment {id}");
        rows.into_iter()
            .map(|row| {
                Ok(HostRun {
                    host: parsed(&place, &row.host)?,
                    state: from_json(&place, &row.state_body)?,
                    batch: u32::try_from(row.batch).unwrap_or(u32::MAX),
                    tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
                    updated_at: Timestamp::from_millis(row.updated_at),
                })
            })
            .collect()
    }

    /// The grid of a deployment: the server's steps, then each host's, in the order of its hosts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cells(&self, id: DeploymentId) -> Result<Vec<Cell>, StoreError> {
        let sql = "SELECT c.host, c.step, c.state, c.started_at, c.finished_at
             FROM cells c LEFT JOIN host_runs h ON h.deployment_id = c.deployment_id AND h.host = c.host
             WHERE c.deployment_id = $1 ORDER BY COALESCE(h.position, -1), c.step";
        let rows: Vec<CellRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_all(p).await)?;
        rows.into_iter().map(CellRow::read).collect()
    }
}

impl Tx {
    /// The host runs and the grid of a new deployment.
    pub(super) async fn create_progress(
        &mut self,
        id: DeploymentId,
        hosts: &[(HostName, u32)],
        steps: &[PlannedStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for planned in steps.iter().filter(|planned| planned.on_server) {
            self.insert_cell(id, SERVER, planned).await?;
        }
        let waiting = to_json("host_runs", &HostRunState::Waiting)?;
        let sql = "INSERT INTO host_runs (deployment_id, host, position, state, state_body, batch, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        for (position, (host, batch)) in hosts.iter().enumerate() {
            on_tx!(self, c => sqlx::query(sql)
                .bind(id.0)
                .bind(host.as_str())
                .bind(i64::try_from(position).unwrap_or(i64::MAX))
                .bind(HostRunState::Waiting.as_str())
                .bind(waiting.as_str())
                .bind(i64::from(*batch))
                .bind(now.millis())
                .execute(&mut **c).await.map(drop))?;
            for planned in steps.iter().filter(|planned| !planned.on_server) {
                self.insert_cell(id, host.as_str(), planned).await?;
            }
        }
        Ok(())
    }

    /// Counts one more try of a host and returns its number.
    ///
    /// # Errors
    /// `NotFound` when the deployment has no such host.
    pub async fn next_try(&mut self, id: DeploymentId, host: &HostName) -> Result<u32, StoreError> {
        let sql = "UPDATE host_runs SET tries = tries + 1 WHERE deployment_id = $1 AND host = $2 RETURNING tries";
        let tries: Option<i64> = on_tx!(self, c =>
            sqlx::query_scalar(sql).bind(id.0).bind(host.as_str()).fetch_optional(&mut **c).await)?;
        let tries = tries.ok_or_else(|| StoreError::NotFound(format!("host {host} of deployment {id}")))?;
        Ok(u32::try_from(tries).unwrap_or(u32::MAX))
    }

    async fn insert_cell(&mut self, id: DeploymentId, host: &str, planned: &PlannedStep) -> Result<(), StoreError> {
        let state = if planned.skipped { CellState::Skipped } else { CellState::Waiting };
        let sql = "INSERT INTO cells (deployment_id, host, step, state) VALUES ($1, $2, $3, $4)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(host).bind(i64::from(planned.step.number())).bind(state.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Moves one host of a deployment on.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, `NotFound` when the deployment has no such host.
    pub async fn set_host_run(
        &mut self,
        id: DeploymentId,
        fence: i64,
        host: &HostName,
        state: &HostRunState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.hold_fence(id, fence).await?;
        let sql = "UPDATE host_runs SET state = $3, state_body = $4, updated_at = $5
             WHERE deployment_id = $1 AND host = $2";
        let body = to_json("host_runs", state)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(host.as_str())
            .bind(state.as_str())
            .bind(body.as_str())
            .bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("host {host} of deployment {id}"))) } else { Ok(()) }
    }

    /// Moves one step on one host (`None`: the server) on, and notes when it began or ended.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, `NotFound` when the deployment has no such cell.
    pub async fn set_cell(
        &mut self,
        id: DeploymentId,
        fence: i64,
        host: Option<&HostName>,
        step: u8,
        state: CellState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.hold_fence(id, fence).await?;
        let name = host.map_or(SERVER, HostName::as_str);
        let sql = "SELECT host, step, state, started_at, finished_at FROM cells
             WHERE deployment_id = $1 AND host = $2 AND step = $3";
        let old: Option<CellRow> = on_tx!(self, c => sqlx::query_as(sql)
            .bind(id.0).bind(name).bind(i64::from(step))
            .fetch_optional(&mut **c).await)?;
        let old = old.ok_or_else(|| StoreError::NotFound(format!("step {step} of deployment {id}")))?.read()?;
        let (started, finished) = times(&old, state, now);
        let sql = "UPDATE cells SET state = $4, started_at = $5, finished_at = $6
             WHERE deployment_id = $1 AND host = $2 AND step = $3";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(name)
            .bind(i64::from(step))
            .bind(state.as_str())
            .bind(started.map(Timestamp::millis))
            .bind(finished.map(Timestamp::millis))
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}

/// When a cell that goes from `old` to `new` began and ended.
fn times(old: &Cell, new: CellState, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    match new {
        CellState::Waiting | CellState::Skipped => (None, None),
        CellState::Running if old.state == CellState::Running => (old.started_at, None),
        CellState::Running => (Some(now), None),
        CellState::Succeeded | CellState::Failed => (old.started_at.or(Some(now)), Some(now)),
        CellState::Cancelled => (old.started_at, old.started_at.map(|_| now)),
    }
}

pub(crate) fn step_number(step: i64) -> Result<u8, StoreError> {
    let number = u8::try_from(step).ok();
    known("cells", &step.to_string(), number)
}
