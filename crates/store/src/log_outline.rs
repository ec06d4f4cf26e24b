//! The outline of a job's log: where its steps and groups begin and end, for a viewer that folds them without reading
//! what is in them.

use crate::ci_steps::step_number;
use crate::{Store, StoreError, on_read};
use davit_domain::ids::JobId;

/// Lines a piece.
const PIECE: i64 = 16_384;
/// Characters read of a line, which is enough of a group's title.
const LONGEST_START: i64 = 200;
/// Marks that are kept beside those of steps: whoever writes a workflow decides how many groups there are.
const MOST_MARKS: usize = 20_000;

/// What a viewer of a job's log folds by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// In the order of the lines.
    pub marks: Vec<Mark>,
    /// The last line that was looked at.
    pub last_seq: i64,
    /// There are more groups than are named.
    pub truncated: bool,
}

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
    /// Where the steps of a job's log begin, and its groups, of which only the first thousands are named.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job_outline(&self, id: JobId) -> Result<Outline, StoreError> {
        let last_seq = self.last_job_seq(id).await?;
        // A row for each line that a step or a command begins with; of others there is none.
        let sql = "SELECT seq, step, SUBSTR(text, 1, CAST($4 AS INTEGER)) FROM (
                 SELECT seq, step, text, LAG(step) OVER (ORDER BY seq) AS earlier FROM ci_log_lines
                 WHERE job_id = $1 AND seq > $2 AND seq <= $3) lines
             WHERE earlier IS NULL OR earlier <> step OR text LIKE '::group::%' OR text LIKE '::endgroup::%'
                 OR text LIKE '::error::%' ORDER BY seq";
        let place = format!("ci_log_lines of job {id}");
        let mut reader = Reader { outline: Outline { last_seq, ..Outline::default() }, ..Reader::default() };
        let mut after = 0;
        while after < last_seq {
            let until = (after + PIECE).min(last_seq);
            let rows: Vec<(i64, i64, String)> = on_read!(&self.db, p => sqlx::query_as(sql)
                .bind(id.0).bind(after).bind(until).bind(LONGEST_START)
                .fetch_all(p).await)?;
            for (seq, step, text) in rows {
                reader.read(seq, step_number(&place, step)?, &text);
            }
            after = until;
        }
        Ok(reader.outline)
    }
}

/// Line by line to marks.
#[derive(Default)]
struct Reader {
    outline: Outline,
    step: Option<u32>,
    in_group: bool,
    has_error: bool,
}

impl Reader {
    fn read(&mut self, seq: i64, step: u32, text: &str) {
        if self.step != Some(step) {
            self.step = Some(step);
            self.in_group = false;
            self.outline.marks.push(Mark { seq, step, kind: MarkKind::Step });
        }
        if let Some(kind) = self.command(text) {
            self.outline.marks.push(Mark { seq, step, kind });
        }
    }

    /// What a line says about groups, as long as there is room for it.
    fn command(&mut self, text: &str) -> Option<MarkKind> {
        let is_full = self.outline.marks.len() >= MOST_MARKS;
        if let Some(title) = text.strip_prefix("::group::") {
            if is_full {
                self.outline.truncated = true;
                return None;
            }
            self.in_group = true;
            self.has_error = false;
            return Some(MarkKind::Group(title.to_owned()));
        }
        if text.starts_with("::endgroup::") {
            let was_in_group = std::mem::replace(&mut self.in_group, false);
            // The last group that is named has an end.
            return (!is_full || was_in_group).then_some(MarkKind::EndGroup);
        }
        let is_first_error = text.starts_with("::error::") && self.in_group && !self.has_error;
        self.has_error |= is_first_error;
        is_first_error.then_some(MarkKind::Error)
    }
}
