//! Log lines of deployments: one sequence a deployment, from 1, without gaps.

use crate::deployments::progress::step_number;
use crate::log_windows::{LinesOf, among};
use crate::{Store, StoreError, Tx, known, on_read, on_tx, parsed, postgres, sqlite, storable};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::{Line, NewLine, Stream};
use davit_domain::time::Timestamp;
use sqlx::QueryBuilder;

/// How far a detached hook's output was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputMark {
    /// Where it runs; `None`: on the server.
    pub host: Option<HostName>,
    /// Its id there.
    pub hook: String,
    /// Bytes of its output that are in the log.
    pub bytes: u64,
}

/// The server's rows: no host is called that.
const SERVER: &str = "";

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    seq: i64,
    at: i64,
    host: Option<String>,
    step: i64,
    stream: String,
    text: String,
}

impl Row {
    fn read(self, place: &str) -> Result<Line, StoreError> {
        Ok(Line {
            seq: self.seq,
            at: Timestamp::from_millis(self.at),
            host: self.host.map(|host| parsed(place, &host)).transpose()?,
            step: step_number(self.step)?,
            stream: known(place, &self.stream, Stream::parse(&self.stream))?,
            text: self.text,
        })
    }

    pub(crate) fn read_all(id: DeploymentId, rows: Vec<Self>) -> Result<Vec<Line>, StoreError> {
        let place = format!("log_lines of deployment {id}");
        rows.into_iter().map(|row| row.read(&place)).collect()
    }
}

impl Store {
    /// Stores the next lines, the first of them as number `first_seq`, and with them how far the hooks that said them
    /// were read; returns the last number. Durable when it returns, and the same call again changes nothing: its answer
    /// may have been lost. NUL, which PostgreSQL can't hold, is stored as `␀`.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, or when `first_seq` does not follow the last stored line.
    pub async fn append_lines(
        &self,
        id: DeploymentId,
        fence: i64,
        first_seq: i64,
        lines: &[NewLine],
        marks: &[OutputMark],
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        tx.hold_fence(id, fence).await?;
        let last = tx.last_seq(id).await?;
        let end = first_seq - 1 + i64::try_from(lines.len()).unwrap_or(i64::MAX);
        if first_seq <= last && end == last && tx.is_line(id, last, lines.last()).await? {
            // Only the holder of the fence writes: these are the lines it sent before.
            return Ok(last);
        }
        if first_seq != last + 1 {
            return Err(StoreError::Conflict(format!(
                "line {first_seq} of deployment {id} does not follow line {last}, the last one stored"
            )));
        }
        match &mut tx {
            Tx::Sqlite(c) => sqlite::insert_lines(c, id, first_seq, lines).await?,
            Tx::Postgres(c) => postgres::insert_lines(c, id, first_seq, lines).await?,
        }
        tx.seal(id, first_seq, end).await?;
        for mark in marks {
            tx.set_offset(id, mark).await?;
        }
        tx.commit().await?;
        Ok(end)
    }

    /// How many bytes of a hook's output are in the log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hook_offset(&self, id: DeploymentId, host: Option<&HostName>, hook: &str) -> Result<u64, StoreError> {
        let sql = "SELECT bytes FROM hook_offsets WHERE deployment_id = $1 AND host = $2 AND hook = $3";
        let bytes: Option<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql)
            .bind(id.0).bind(host.map_or(SERVER, HostName::as_str)).bind(hook)
            .fetch_optional(p).await)?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
    }

    /// The number of the last stored line; 0: none yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_seq(&self, id: DeploymentId) -> Result<i64, StoreError> {
        Ok(on_read!(&self.db, p => sqlx::query_scalar(LAST_SEQ).bind(id.0).fetch_one(p).await)?)
    }

    /// At most `limit` lines after number `after`, in order. `host`: of all (`None`), of the server (`Some(None)`), or
    /// of one; `step`: of one step.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lines(
        &self,
        id: DeploymentId,
        after: i64,
        host: Option<Option<&HostName>>,
        step: Option<u8>,
        limit: i64,
    ) -> Result<Vec<Line>, StoreError> {
        let of = LinesOf { host: host.map(Option::<&HostName>::cloned), step };
        let rows: Vec<Row> = on_read!(&self.db, p => {
            let mut query = QueryBuilder::new("SELECT seq, at, host, step, stream, text FROM log_lines WHERE ");
            among(&mut query, id, &of);
            query.push(" AND seq > ").push_bind(after).push(" ORDER BY seq LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(p).await
        })?;
        Row::read_all(id, rows)
    }
}

const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM log_lines WHERE deployment_id = $1";

impl Tx {
    async fn set_offset(&mut self, id: DeploymentId, mark: &OutputMark) -> Result<(), StoreError> {
        let sql = "INSERT INTO hook_offsets (deployment_id, host, hook, bytes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (deployment_id, host, hook) DO UPDATE SET bytes = excluded.bytes";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(mark.host.as_ref().map_or(SERVER, HostName::as_str))
            .bind(mark.hook.as_str())
            .bind(i64::try_from(mark.bytes).unwrap_or(i64::MAX))
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Whether the line with this number says that.
    async fn is_line(&mut self, id: DeploymentId, seq: i64, line: Option<&NewLine>) -> Result<bool, StoreError> {
        let sql = "SELECT at, text FROM log_lines WHERE deployment_id = $1 AND seq = $2";
        let stored: Option<(i64, String)> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id.0).bind(seq).fetch_optional(&mut **c).await)?;
        Ok(match (stored, line) {
            (Some((at, text)), Some(line)) => at == line.at.millis() && text == storable(&line.text),
            (_, _) => false,
        })
    }

    async fn last_seq(&mut self, id: DeploymentId) -> Result<i64, StoreError> {
        Ok(on_tx!(self, c => sqlx::query_scalar(LAST_SEQ).bind(id.0).fetch_one(&mut **c).await)?)
    }
}
