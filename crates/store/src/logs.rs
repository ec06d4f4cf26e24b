//! Log lines of deployments: one sequence a deployment, from 1, without gaps.

use crate::deployments::progress::step_number;
use crate::{Store, StoreError, Tx, known, on_read, on_tx, parsed, postgres, sqlite};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::{Line, NewLine, Stream};
use davit_domain::time::Timestamp;

#[derive(sqlx::FromRow)]
struct Row {
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
}

impl Store {
    /// Stores the next lines, the first of them as number `first_seq`, and returns the last number. Durable when it
    /// returns. NUL, which PostgreSQL can't hold, is stored as `␀`.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, or when `first_seq` does not follow the last stored line.
    pub async fn append_lines(
        &self,
        id: DeploymentId,
        fence: i64,
        first_seq: i64,
        lines: &[NewLine],
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        tx.hold_fence(id, fence).await?;
        let last = tx.last_seq(id).await?;
        if first_seq != last + 1 {
            return Err(StoreError::Conflict(format!(
                "line {first_seq} of deployment {id} does not follow line {last}, the last one stored"
            )));
        }
        match &mut tx {
            Tx::Sqlite(c) => sqlite::insert_lines(c, id, first_seq, lines).await?,
            Tx::Postgres(c) => postgres::insert_lines(c, id, first_seq, lines).await?,
        }
        tx.commit().await?;
        Ok(last + i64::try_from(lines.len()).unwrap_or(i64::MAX))
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
        let sql = "SELECT seq, at, host, step, stream, text FROM log_lines
             WHERE deployment_id = $1 AND seq > $2 AND ($3 OR host = $4 OR (host IS NULL AND $4 IS NULL))
                 AND ($5 IS NULL OR step = $5)
             ORDER BY seq LIMIT $6";
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(id.0)
            .bind(after)
            .bind(host.is_none())
            .bind(host.flatten().map(HostName::as_str))
            .bind(step.map(i64::from))
            .bind(limit)
            .fetch_all(p).await)?;
        let place = format!("log_lines of deployment {id}");
        rows.into_iter().map(|row| row.read(&place)).collect()
    }
}

const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM log_lines WHERE deployment_id = $1";

impl Tx {
    async fn last_seq(&mut self, id: DeploymentId) -> Result<i64, StoreError> {
        Ok(on_tx!(self, c => sqlx::query_scalar(LAST_SEQ).bind(id.0).fetch_one(&mut **c).await)?)
    }
}
