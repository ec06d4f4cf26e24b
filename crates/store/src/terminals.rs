//! Shells that people opened on hosts: who, where, when, how they ended. What was shown lies in files beside the
//! database.

use crate::select::Select;
use crate::{Store, StoreError, Tx, on_read, on_tx, parsed};
use davit_domain::ids::{HostName, TerminalId, UserId};
use davit_domain::time::Timestamp;

/// A shell on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its number.
    pub id: TerminalId,
    /// Where.
    pub host: HostName,
    /// Whose.
    pub user: UserId,
    /// What they were called then.
    pub user_name: String,
    /// From where.
    pub origin: Option<String>,
    /// Columns and rows at the start.
    pub size: (u16, u16),
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a browser came for it.
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// Why it ended, as a word.
    pub reason: Option<String>,
    /// Who wants it ended.
    pub end_by: Option<String>,
    /// What the shell exited with.
    pub exit_code: Option<i32>,
    /// What it has shown. Bytes.
    pub bytes: i64,
    /// Whether there is a recording.
    pub recorded: bool,
}

/// A shell that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct NewTerminal<'a> {
    /// Where.
    pub host: &'a HostName,
    /// Whose.
    pub user: UserId,
    /// What they are called.
    pub user_name: &'a str,
    /// From where.
    pub origin: Option<&'a str>,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// How a shell ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// Why, as a word.
    pub reason: &'a str,
    /// What the shell exited with.
    pub exit_code: Option<i32>,
    /// What it has shown. Bytes.
    pub bytes: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    host: String,
    user_id: i64,
    user_name: String,
    origin: Option<String>,
    cols: i64,
    rows: i64,
    created_at: i64,
    opened_at: Option<i64>,
    closed_at: Option<i64>,
    reason: Option<String>,
    end_by: Option<String>,
    exit_code: Option<i64>,
    bytes: i64,
    recorded: bool,
}

impl Row {
    fn read(self) -> Result<Terminal, StoreError> {
        let place = format!("terminals {}", self.id);
        let side = |count: i64| u16::try_from(count).unwrap_or(u16::MAX);
        Ok(Terminal {
            id: TerminalId(self.id),
            host: parsed(&place, &self.host)?,
            user: UserId(self.user_id),
            user_name: self.user_name,
            origin: self.origin,
            size: (side(self.cols), side(self.rows)),
            created_at: Timestamp::from_millis(self.created_at),
            opened_at: self.opened_at.map(Timestamp::from_millis),
            closed_at: self.closed_at.map(Timestamp::from_millis),
            reason: self.reason,
            end_by: self.end_by,
            exit_code: self.exit_code.and_then(|code| i32::try_from(code).ok()),
            bytes: self.bytes,
            recorded: self.recorded,
        })
    }
}

macro_rules! terminals {
    ($rest:literal) => {
        concat!(
            "SELECT id, host, user_id, user_name, origin, cols, rows, created_at, opened_at, closed_at, reason, end_by, \
             exit_code, bytes, recorded FROM terminals",
            $rest
        )
    };
}

impl Store {
    /// A shell that somebody came for, or asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn terminal(&self, id: TerminalId) -> Result<Option<Terminal>, StoreError> {
        let sql = terminals!(" WHERE id = $1");
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// Shells that somebody came for, newest first, below the id `before`; on one host or of one person.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn terminals(
        &self,
        host: Option<&str>,
        user: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Terminal>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(terminals!(""))
            .equals("host", host)
            .equals("user_name", user)
            .only_if("opened_at IS NOT NULL", true)
            .newest_first(before, limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Shells without an end that were last heard of before `opened`, and those that were asked for before `asked` and
    /// nobody came for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lost_terminals(&self, opened: Timestamp, asked: Timestamp) -> Result<Vec<Terminal>, StoreError> {
        let sql = terminals!(
            " WHERE closed_at IS NULL AND (seen_at < $1 OR (opened_at IS NULL AND created_at < $2)) ORDER BY id LIMIT 500"
        );
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(opened.millis()).bind(asked.millis()).fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Shells with a recording that ended before a moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn old_recordings(&self, before: Timestamp) -> Result<Vec<TerminalId>, StoreError> {
        let sql = "SELECT id FROM terminals WHERE recorded AND closed_at < $1 ORDER BY closed_at LIMIT 500";
        let ids: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(before.millis()).fetch_all(p).await)?;
        Ok(ids.into_iter().map(TerminalId).collect())
    }
}

impl Tx {
    /// How many shells somebody has, or has just asked for. Whoever asks the same for them waits until this transaction
    /// ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_terminals(&mut self, user: UserId) -> Result<i64, StoreError> {
        self.lock(&format!("terminals {}", user.0)).await?;
        let sql = "SELECT COUNT(*) FROM terminals WHERE user_id = $1 AND closed_at IS NULL";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql).bind(user.0).fetch_one(&mut **c).await)?)
    }

    /// Notes that a shell is asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_terminal(&mut self, new: &NewTerminal<'_>, now: Timestamp) -> Result<TerminalId, StoreError> {
        let sql = "INSERT INTO terminals (host, user_id, user_name, origin, cols, rows, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let id: i64 = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.host.as_str())
            .bind(new.user.0)
            .bind(new.user_name)
            .bind(new.origin)
            .bind(i64::from(new.size.0))
            .bind(i64::from(new.size.1))
            .bind(now.millis())
            .fetch_one(&mut **c).await)?;
        Ok(TerminalId(id))
    }

    /// Lets its owner come for a shell that was asked for after `since`. False: it is somebody else's, too old, or
    /// somebody came already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_terminal(
        &mut self,
        id: TerminalId,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE terminals SET opened_at = $4, seen_at = $4 WHERE id = $1 AND user_id = $2
             AND created_at >= $3 AND opened_at IS NULL AND closed_at IS NULL";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(user.0).bind(since.millis()).bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Notes that a shell lives, what it has shown so far, and that it is recorded.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn see_terminal(&mut self, id: TerminalId, bytes: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE terminals SET seen_at = $3, bytes = $2, recorded = TRUE WHERE id = $1 AND closed_at IS NULL";
        on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(bytes).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes that somebody wants a shell ended. False: it has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_end_of_terminal(&mut self, id: TerminalId, by: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE terminals SET end_by = COALESCE(end_by, $2) WHERE id = $1 AND closed_at IS NULL";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(by).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Notes how a shell ended. False: it had ended already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn close_terminal(
        &mut self,
        id: TerminalId,
        ending: &Ending<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE terminals SET closed_at = $5, reason = $2, exit_code = $3, bytes = $4
             WHERE id = $1 AND closed_at IS NULL";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(ending.reason)
            .bind(ending.exit_code.map(i64::from))
            .bind(ending.bytes)
            .bind(now.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Who wants a shell ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn terminal_end_by(&mut self, id: TerminalId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT end_by FROM terminals WHERE id = $1";
        let by: Option<Option<String>> =
            on_tx!(self, c => sqlx::query_scalar(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        Ok(by.flatten())
    }

    /// Forgets a shell that nobody came for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_terminal(&mut self, id: TerminalId) -> Result<(), StoreError> {
        let sql = "DELETE FROM terminals WHERE id = $1 AND opened_at IS NULL";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes that the recording of a shell is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_recording(&mut self, id: TerminalId) -> Result<(), StoreError> {
        let sql = "UPDATE terminals SET recorded = FALSE WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
