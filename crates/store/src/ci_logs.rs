//! Log lines of jobs: one sequence an attempt of a job, from 1, without gaps.

use crate::ci_steps::step_number;
use crate::{Store, StoreError, Tx, known, on_read, on_tx, postgres, sqlite, storable};
use davit_domain::ids::JobId;
use davit_domain::log::Stream;
use davit_domain::time::Timestamp;

/// A line before it has a place in the sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJobLine {
    /// When it was read.
    pub at: Timestamp,
    /// The number of the step that said it.
    pub step: u32,
    /// Which stream.
    pub stream: Stream,
    /// The text without its line ending, redacted.
    pub text: String,
}

/// A stored line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// Place in the job's one sequence, from 1.
    pub seq: i64,
    /// When it was read.
    pub at: Timestamp,
    /// The number of the step that said it.
    pub step: u32,
    /// Which stream.
    pub stream: Stream,
    /// The text.
    pub text: String,
}

/// A line that holds what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLine {
    /// The job that said it.
    pub job: JobId,
    /// Place in the job's sequence.
    pub seq: i64,
    /// The number of the step that said it.
    pub step: u32,
    /// The text.
    pub text: String,
}

const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM ci_log_lines WHERE job_id = $1";

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: i64,
    step: i64,
    stream: String,
    text: String,
}

impl Row {
    fn read(self, place: &str) -> Result<JobLine, StoreError> {
        Ok(JobLine {
            seq: self.seq,
            at: Timestamp::from_millis(self.at),
            step: step_number(place, self.step)?,
            stream: known(place, &self.stream, Stream::parse(&self.stream))?,
            text: self.text,
        })
    }
}

impl Store {
    /// Stores the next lines of a job, the first of them as number `first_seq`; returns the last number. Durable when
    /// it returns, and the same call again changes nothing: its answer may have been lost. NUL, which PostgreSQL can't
    /// hold, is stored as `␀`.
    ///
    /// # Errors
    /// `Conflict` when the job was taken away, or when `first_seq` does not follow the last stored line.
    pub async fn append_job_lines(
        &self,
        id: JobId,
        fence: i64,
        first_seq: i64,
        lines: &[NewJobLine],
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        tx.hold_job_fence(id, fence).await?;
        let last = tx.last_job_seq(id).await?;
        let end = first_seq - 1 + i64::try_from(lines.len()).unwrap_or(i64::MAX);
        if first_seq <= last && end == last && tx.is_job_line(id, last, lines.last()).await? {
            // Only the holder of the fence writes: these are the lines it sent before.
            return Ok(last);
        }
        if first_seq != last + 1 {
            return Err(StoreError::Conflict(format!(
                "line {first_seq} of job {id} does not follow line {last}, the last one stored"
            )));
        }
        match &mut tx {
            Tx::Sqlite(c) => sqlite::insert_job_lines(c, id, first_seq, lines).await?,
            Tx::Postgres(c) => postgres::insert_job_lines(c, id, first_seq, lines).await?,
        }
        tx.commit().await?;
        Ok(end)
    }

    /// The number of a job's last stored line; 0: none yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_job_seq(&self, id: JobId) -> Result<i64, StoreError> {
        Ok(on_read!(&self.db, p => sqlx::query_scalar(LAST_SEQ).bind(id.0).fetch_one(p).await)?)
    }

    /// At most `limit` lines of a job after number `after`, in order; of all steps, or of one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job_lines(
        &self,
        id: JobId,
        after: i64,
        step: Option<u32>,
        limit: i64,
    ) -> Result<Vec<JobLine>, StoreError> {
        let sql = "SELECT seq, at, step, stream, text FROM ci_log_lines
             WHERE job_id = $1 AND seq > $2 AND ($3 IS NULL OR step = $3) ORDER BY seq LIMIT $4";
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(id.0).bind(after).bind(step.map(i64::from)).bind(limit)
            .fetch_all(p).await)?;
        let place = format!("ci_log_lines of job {id}");
        rows.into_iter().map(|row| row.read(&place)).collect()
    }
}

impl Tx {
    /// Whether the line with this number says that.
    async fn is_job_line(&mut self, id: JobId, seq: i64, line: Option<&NewJobLine>) -> Result<bool, StoreError> {
        let sql = "SELECT at, text FROM ci_log_lines WHERE job_id = $1 AND seq = $2";
        let stored: Option<(i64, String)> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id.0).bind(seq).fetch_optional(&mut **c).await)?;
        Ok(match (stored, line) {
            (Some((at, text)), Some(line)) => at == line.at.millis() && text == storable(&line.text),
            (_, _) => false,
        })
    }

    async fn last_job_seq(&mut self, id: JobId) -> Result<i64, StoreError> {
        Ok(on_tx!(self, c => sqlx::query_scalar(LAST_SEQ).bind(id.0).fetch_one(&mut **c).await)?)
    }
}
