//! When workflows run by the clock: the next time of each schedule of a repository's default branch.

use crate::{Store, StoreError, Tx, on_read, on_tx, parsed, repository_key, storable};
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;

/// One schedule of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there; read back in lower case.
    pub repository: String,
    /// The workflow's file.
    pub workflow_file: String,
    /// When, as it is written there.
    pub cron: String,
    /// The time zone it counts in; `None`: UTC.
    pub timezone: Option<String>,
    /// The next time.
    pub next_at: Timestamp,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT forge, repository, workflow_file, cron, timezone, next_at FROM ci_schedules ", $rest)
    };
}

const OF_REPOSITORY: &str = select!("WHERE forge = $1 AND repository = $2 ORDER BY workflow_file, cron, timezone");

#[derive(sqlx::FromRow)]
struct Row {
    forge: String,
    repository: String,
    workflow_file: String,
    cron: String,
    timezone: String,
    next_at: i64,
}

impl Row {
    fn read(self) -> Result<Schedule, StoreError> {
        Ok(Schedule {
            forge: parsed("ci_schedules", &self.forge)?,
            repository: self.repository,
            workflow_file: self.workflow_file,
            cron: self.cron,
            timezone: Some(self.timezone).filter(|zone| !zone.is_empty()),
            next_at: Timestamp::from_millis(self.next_at),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<Schedule>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// The schedules whose time has come, the one that waits longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_schedules(&self, now: Timestamp) -> Result<Vec<Schedule>, StoreError> {
        let sql = select!("WHERE next_at <= $1 ORDER BY next_at, forge, repository, workflow_file, cron, timezone");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).bind(now.millis()).fetch_all(p).await)?)
    }

    /// The schedules of a repository.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schedules(&self, forge: &ForgeId, repository: &str) -> Result<Vec<Schedule>, StoreError> {
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(OF_REPOSITORY)
            .bind(forge.as_str()).bind(repository_key(repository).as_str())
            .fetch_all(p).await)?)
    }
}

impl Tx {
    /// Makes these the schedules of a repository. One that was there already keeps its next time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replace_schedules(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        schedules: &[Schedule],
    ) -> Result<(), StoreError> {
        let repository = repository_key(repository);
        self.lock(&format!("schedules {forge} {repository}")).await?;
        let old = Row::read_all(on_tx!(self, c => sqlx::query_as(OF_REPOSITORY)
            .bind(forge.as_str()).bind(repository.as_str())
            .fetch_all(&mut **c).await)?)?;
        for gone in old.iter().filter(|old| !schedules.iter().any(|new| is_same(old, new))) {
            let sql =
                "DELETE FROM ci_schedules WHERE forge = $1 AND repository = $2 AND workflow_file = $3 AND cron = $4
                 AND timezone = $5";
            on_tx!(self, c => sqlx::query(sql)
                .bind(forge.as_str())
                .bind(repository.as_str())
                .bind(gone.workflow_file.as_str())
                .bind(gone.cron.as_str())
                .bind(zone(gone))
                .execute(&mut **c).await.map(drop))?;
        }
        let sql = "INSERT INTO ci_schedules (forge, repository, workflow_file, cron, timezone, next_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (forge, repository, workflow_file, cron, timezone) DO NOTHING";
        for schedule in schedules {
            on_tx!(self, c => sqlx::query(sql)
                .bind(forge.as_str())
                .bind(repository.as_str())
                .bind(storable(&schedule.workflow_file).as_ref())
                .bind(storable(&schedule.cron).as_ref())
                .bind(zone(schedule))
                .bind(schedule.next_at.millis())
                .execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }

    /// Takes a schedule whose time has come, as it was read, and sets its next time. False: somebody else did, or it is
    /// gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_schedule(&mut self, due: &Schedule, next_at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE ci_schedules SET next_at = $7
             WHERE forge = $1 AND repository = $2 AND workflow_file = $3 AND cron = $4 AND timezone = $5 AND next_at = $6";
        let taken = on_tx!(self, c => sqlx::query(sql)
            .bind(due.forge.as_str())
            .bind(repository_key(&due.repository).as_str())
            .bind(storable(&due.workflow_file).as_ref())
            .bind(storable(&due.cron).as_ref())
            .bind(zone(due))
            .bind(due.next_at.millis())
            .bind(next_at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(taken > 0)
    }
}

fn zone(schedule: &Schedule) -> &str {
    schedule.timezone.as_deref().unwrap_or_default()
}

fn is_same(one: &Schedule, other: &Schedule) -> bool {
    one.workflow_file == other.workflow_file && one.cron == other.cron && zone(one) == zone(other)
}
