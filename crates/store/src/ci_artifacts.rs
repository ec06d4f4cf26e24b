//! Artifacts of runs: one row a file. The files are the engine's; a row is written after its file and removed before
//! it, so that what a row names is there.

use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::ids::{ArtifactId, JobId, RunId};
use davit_domain::time::Timestamp;

/// A file that a job left to its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its number.
    pub id: ArtifactId,
    /// The run.
    pub run: RunId,
    /// The job that left it.
    pub job: JobId,
    /// Its name, unique in the run.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of its content, in hexadecimal digits.
    pub sha256: String,
    /// Where its file is, below the data directory.
    pub path: String,
    /// When it was left.
    pub created_at: Timestamp,
    /// When it may go.
    pub expires_at: Timestamp,
}

/// An artifact before it has a number. Fields as in [`Artifact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// The job that leaves it.
    pub job: JobId,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of its content, in hexadecimal digits.
    pub sha256: String,
    /// Where its file is, below the data directory.
    pub path: String,
    /// When.
    pub created_at: Timestamp,
    /// When it may go.
    pub expires_at: Timestamp,
    /// Whether it takes the place of one with its name.
    pub overwrite: bool,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, run_id, job_id, name, size, sha256, path, created_at, expires_at FROM ci_artifacts ", $rest)
    };
}

const ONE: &str = select!("WHERE id = $1");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    run_id: i64,
    job_id: i64,
    name: String,
    size: i64,
    sha256: String,
    path: String,
    created_at: i64,
    expires_at: i64,
}

impl Row {
    fn read(self) -> Artifact {
        Artifact {
            id: ArtifactId(self.id),
            run: RunId(self.run_id),
            job: JobId(self.job_id),
            name: self.name,
            size: u64::try_from(self.size).unwrap_or(0),
            sha256: self.sha256,
            path: self.path,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: Timestamp::from_millis(self.expires_at),
        }
    }
}

impl Store {
    /// An artifact.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        Ok(row.map(Row::read))
    }

    /// The artifacts of a run, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>, StoreError> {
        let sql = select!("WHERE run_id = $1 ORDER BY name, id");
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(run.0).fetch_all(p).await)?;
        Ok(rows.into_iter().map(Row::read).collect())
    }

    /// Where the files of all artifacts are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn artifact_paths(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT path FROM ci_artifacts";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?)
    }

    /// Removes at most `limit` artifacts whose time was over at `now`; returns where their files are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_expired_artifacts(&self, now: Timestamp, limit: i64) -> Result<Vec<String>, StoreError> {
        let sql = "DELETE FROM ci_artifacts WHERE id IN (
                 SELECT id FROM ci_artifacts WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)
             RETURNING path";
        let mut tx = self.begin().await?;
        let paths = on_tx!(&mut tx, c =>
            sqlx::query_scalar(sql).bind(now.millis()).bind(limit).fetch_all(&mut **c).await)?;
        tx.commit().await?;
        Ok(paths)
    }
}

impl Tx {
    /// Writes down a file that a worker's job leaves to its run, and takes the place of one with its name where that is
    /// wanted, or where it is of an earlier attempt of the same job. Returns its number, and where the file is that
    /// nobody needs any more.
    ///
    /// # Errors
    /// `Conflict` when the run has another artifact with this name, or the job was taken away.
    pub async fn insert_artifact(
        &mut self,
        fence: i64,
        new: &NewArtifact,
    ) -> Result<(ArtifactId, Option<String>), StoreError> {
        self.hold_job_fence(new.job, fence).await?;
        if let Some(id) = self.put_artifact(new).await? {
            return Ok((id, None));
        }
        let sql = "DELETE FROM ci_artifacts WHERE id IN (
                 SELECT a.id FROM ci_artifacts a JOIN ci_jobs j ON j.id = a.job_id JOIN ci_jobs m ON m.run_id = j.run_id
                 WHERE m.id = $1 AND a.name = $2
                     AND ($3 OR (m.key = j.key AND m.idx = j.idx AND m.attempt > j.attempt)))
             RETURNING path";
        let replaced: Option<String> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.job.0).bind(storable(&new.name).as_ref()).bind(new.overwrite)
            .fetch_optional(&mut **c).await)?;
        match (replaced, self.put_artifact(new).await?) {
            (replaced, Some(id)) => Ok((id, replaced)),
            (_, None) => Err(StoreError::Conflict(format!(
                "this run has an artifact called {:?} already: give this one another name, or set `overwrite: true`",
                new.name
            ))),
        }
    }

    /// Unless there is one with this name.
    async fn put_artifact(&mut self, new: &NewArtifact) -> Result<Option<ArtifactId>, StoreError> {
        let sql = "INSERT INTO ci_artifacts (run_id, job_id, name, size, sha256, path, created_at, expires_at)
             SELECT run_id, id, $2, $3, $4, $5, $6, $7 FROM ci_jobs WHERE id = $1
             ON CONFLICT (run_id, name) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.job.0)
            .bind(storable(&new.name).as_ref())
            .bind(i64::try_from(new.size).unwrap_or(i64::MAX))
            .bind(new.sha256.as_str())
            .bind(new.path.as_str())
            .bind(new.created_at.millis())
            .bind(new.expires_at.millis())
            .fetch_optional(&mut **c).await)?;
        Ok(id.map(ArtifactId))
    }
}
