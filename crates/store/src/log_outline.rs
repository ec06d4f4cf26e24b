//! The outline of a job's log: where its steps and groups begin and end, for a viewer that folds them without reading
//! what is in them.

use crate::ci_steps::step_number;
use crate::{Store, StoreError, on_read};
use davit_domain::ids::JobId;

/// Lines a piece.
const PIECE: i64 = 16_384;
/// Characters kept of a group's title.
const LONGEST_TITLE: i64 = 500;

/// Something that a viewer folds by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The line.
    pub seq: i64,
    /// The number of the step that said it.
    pub step: u32,
    /// What it means.
    pub kind: MarkKind,
}

/// What a mark means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkKind {
    /// The first line of a step, or of more from it after others.
    Step,
    /// The heading of a group, with its title.
    Group(String),
    /// The end of the group.
    EndGroup,
    /// The first error in a group.
    Error,
}

impl Store {
    /// The marks of a job's log, in order, and its last line.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job_outline(&self, id: JobId) -> Result<(Vec<Mark>, i64), StoreError> {
        let last_seq = self.last_job_seq(id).await?;
        // A row for each line that a step or a command begins with; of others there is none.
        let sql = "SELECT seq, step, SUBSTR(text, 1, $4) FROM (
                 SELECT seq, step, text, LAG(step) OVER (ORDER BY seq) AS earlier FROM ci_log_lines
                 WHERE job_id = $1 AND seq > $2 AND seq <= $3) lines
             WHERE earlier IS NULL OR earlier <> step OR text LIKE '::group::%' OR text LIKE '::endgroup::%'
                 OR text LIKE '::error::%' ORDER BY seq";
        let place = format!("ci_log_lines of job {id}");
        let mut reader = Reader::default();
        let mut after = 0;
        while after < last_seq {
            let until = (after + PIECE).min(last_seq);
            let rows: Vec<(i64, i64, String)> = on_read!(&self.db, p => sqlx::query_as(sql)
                .bind(id.0).bind(after).bind(until).bind(LONGEST_TITLE)
                .fetch_all(p).await)?;
            for (seq, step, text) in rows {
                reader.read(seq, step_number(&place, step)?, &text);
            }
            after = until;
        }
        Ok((reader.marks, last_seq))
    }
}

/// Line by line to marks.
#[derive(Default)]
struct Reader {
    marks: Vec<Mark>,
    step: Option<u32>,
    in_group: bool,
    has_error: bool,
}

impl Reader {
    fn read(&mut self, seq: i64, step: u32, text: &str) {
        if self.step != Some(step) {
            self.step = Some(step);
            self.in_group = false;
            self.marks.push(Mark { seq, step, kind: MarkKind::Step });
        }
        let kind = if let Some(title) = text.strip_prefix("::group::") {
            self.in_group = true;
            self.has_error = false;
            MarkKind::Group(title.to_owned())
        } else if text.starts_with("::endgroup::") {
            self.in_group = false;
            MarkKind::EndGroup
        } else if text.starts_with("::error::") && self.in_group && !self.has_error {
            self.has_error = true;
            MarkKind::Error
        } else {
            return;
        };
        self.marks.push(Mark { seq, step, kind });
    }
}
