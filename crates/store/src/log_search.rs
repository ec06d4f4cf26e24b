//! Search in the log of a deployment or a job: how many lines hold a text, and which ones around a line; and in the logs
//! of all jobs of a run: which lines come first. A log passes by in pieces and never lies in memory as a whole; the
//! database leaves out most lines, and what a person would read of the others decides
//! ([`log_text`](davit_domain::log_text)).

use crate::ci_logs::FoundLine;
use crate::ci_steps::step_number;
use crate::log_windows::{LinesOf, among};
use crate::{Db, Store, StoreError, on_read};
use davit_domain::ids::{DeploymentId, JobId, RunId};
use davit_domain::log_text::Needle;
use sqlx::{Database, Encode, QueryBuilder, Type};
use std::collections::VecDeque;

/// Lines a piece: all of them may have to be read, and each may be 16 KiB long.
const PIECE: i64 = 1_024;

/// Whose log it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOf {
    /// A deployment's: the lines to search.
    Deployment(DeploymentId, LinesOf),
    /// A job's: all steps, or the one with this number.
    Job(JobId, Option<u32>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// How many lines hold the text.
    pub total: i64,
    /// How many of them come before the first of `hits`.
    pub before: i64,
    /// The numbers of those around the line that was asked for, in order.
    pub hits: Vec<i64>,
    /// The last line that was looked at.
    pub last_seq: i64,
}

impl Store {
    /// Lines that hold a text: all are counted, and at most `around` before line `from` and `around` from it on are
    /// named.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_log(
        &self,
        log: &LogOf,
        needle: &Needle,
        from: i64,
        around: usize,
    ) -> Result<Found, StoreError> {
        let last_seq = match log {
            LogOf::Deployment(id, _) => self.last_seq(*id).await?,
            LogOf::Job(id, _) => self.last_job_seq(*id).await?,
        };
        let mut earlier = VecDeque::new();
        let mut found = Found { last_seq, ..Found::default() };
        let mut after = 0;
        while after < last_seq {
            for seq in self.hits_in(log, needle, after, (after + PIECE).min(last_seq)).await? {
                found.total += 1;
                if seq < from {
                    earlier.push_back(seq);
                    if earlier.len() > around {
                        earlier.pop_front();
                        found.before += 1;
                    }
                } else if found.hits.len() < around {
                    found.hits.push(seq);
                }
            }
            after += PIECE;
            // Much text was read: others are served before the next piece.
            tokio::task::yield_now().await;
        }
        earlier.extend(found.hits);
        found.hits = earlier.into();
        Ok(found)
    }

    /// The first lines of a run's jobs that hold a text, at most `limit`, in the order of jobs and lines.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_run(&self, run: RunId, needle: &Needle, limit: usize) -> Result<Vec<FoundLine>, StoreError> {
        let sql = "SELECT id FROM ci_jobs WHERE run_id = $1 ORDER BY id";
        let jobs: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(run.0).fetch_all(p).await)?;
        let mut found = Vec::new();
        for job in jobs.into_iter().map(JobId) {
            let (log, last_seq) = (LogOf::Job(job, None), self.last_job_seq(job).await?);
            let mut after = 0;
            while after < last_seq && found.len() < limit {
                let until = (after + PIECE).min(last_seq);
                let rows: Vec<(i64, i64, String)> = on_read!(&self.db, p => {
                    candidates("seq, step, text", &log, needle, self.like(), (after, until))
                        .build_query_as().fetch_all(p).await
                })?;
                let hits = rows.into_iter().filter(|(_, _, text)| needle.is_in(text));
                for (seq, step, text) in hits.take(limit - found.len()) {
                    let step = step_number(&format!("ci_log_lines of job {job}"), step)?;
                    found.push(FoundLine { job, seq, step, text });
                }
                after += PIECE;
                tokio::task::yield_now().await;
            }
        }
        Ok(found)
    }

    /// Of the lines with numbers in `(after, until]`, those that hold the text.
    async fn hits_in(&self, log: &LogOf, needle: &Needle, after: i64, until: i64) -> Result<Vec<i64>, StoreError> {
        let rows: Vec<(i64, String)> = on_read!(&self.db, p => {
            candidates("seq, text", log, needle, self.like(), (after, until)).build_query_as().fetch_all(p).await
        })?;
        Ok(rows.into_iter().filter(|(_, text)| needle.is_in(text)).map(|(seq, _)| seq).collect())
    }

    /// Whether a text has a part, without regard to the case of ASCII.
    fn like(&self) -> &'static str {
        match &self.db {
            Db::Sqlite { .. } => " LIKE ",
            Db::Postgres(_) => " ILIKE ",
        }
    }
}

/// Lines with numbers in `(after, until]` that may hold the text: those with a piece of it, and those whose colours may
/// part it.
fn candidates<DB: Database>(
    columns: &str,
    log: &LogOf,
    needle: &Needle,
    like: &str,
    (after, until): (i64, i64),
) -> QueryBuilder<DB>
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
    for<'a> i64: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(" FROM ");
    match log {
        LogOf::Deployment(id, of) => {
            query.push("log_lines WHERE ");
            among(&mut query, *id, of);
        }
        LogOf::Job(id, step) => {
            query.push("ci_log_lines WHERE job_id = ").push_bind(id.0);
            if let Some(step) = step {
                query.push(" AND step = ").push_bind(i64::from(*step));
            }
        }
    }
    query.push(" AND seq > ").push_bind(after).push(" AND seq <= ").push_bind(until);
    let piece = needle.longest_piece();
    if !piece.is_empty() {
        query
            .push(" AND (text")
            .push(like)
            .push_bind(crate::select::containing(piece))
            .push(" ESCAPE '\\' OR text LIKE ");
        query.push_bind("%\u{1b}%".to_owned()).push(")");
    }
    query.push(" ORDER BY seq");
    query
}
