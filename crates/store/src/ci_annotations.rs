//! What runs have to say about places in their commits.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, storable};
use davit_domain::ci::{Annotation, AnnotationLevel};
use davit_domain::ids::{JobId, RunId};

/// The most annotations of a run that are kept.
pub const MOST_ANNOTATIONS: i64 = 200;

/// An annotation of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAnnotation {
    /// The job that said it; `None`: the workflow file itself.
    pub job: Option<JobId>,
    /// What it says.
    pub annotation: Annotation,
}

#[derive(sqlx::FromRow)]
struct AnnotationRow {
    job_id: Option<i64>,
    level: String,
    file: Option<String>,
    line: Option<i64>,
    end_line: Option<i64>,
    col: Option<i64>,
    title: Option<String>,
    message: String,
}

impl AnnotationRow {
    fn read(self) -> Result<RunAnnotation, StoreError> {
        let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Ok(RunAnnotation {
            job: self.job_id.map(JobId),
            annotation: Annotation {
                level: known("ci_annotations", &self.level, AnnotationLevel::parse(&self.level))?,
                file: self.file,
                line: number(self.line),
                end_line: number(self.end_line),
                column: number(self.col),
                title: self.title,
                message: self.message,
            },
        })
    }
}

impl Store {
    /// The annotations of a run, in the order they came.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn annotations(&self, run: RunId) -> Result<Vec<RunAnnotation>, StoreError> {
        let sql = "SELECT job_id, level, file, line, end_line, col, title, message FROM ci_annotations
             WHERE run_id = $1 ORDER BY id";
        let rows: Vec<AnnotationRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(run.0).fetch_all(p).await)?;
        rows.into_iter().map(AnnotationRow::read).collect()
    }
}

impl Tx {
    /// Keeps an annotation of a run, unless it has [`MOST_ANNOTATIONS`] already: then `false`.
    ///
    /// # Errors
    /// `Conflict` when there is no such run or job.
    pub async fn add_annotation(
        &mut self,
        run: RunId,
        job: Option<JobId>,
        annotation: &Annotation,
    ) -> Result<bool, StoreError> {
        // Counted under a lock of its own, which is taken last: the run's is held by those who decide about it.
        self.lock(&format!("annotations of run {run}")).await?;
        let sql = "INSERT INTO ci_annotations (run_id, job_id, level, file, line, end_line, col, title, message)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
             WHERE (SELECT COUNT(*) FROM ci_annotations WHERE run_id = $1) < $10";
        let text = |text: &Option<String>| text.as_deref().map(|text| storable(text).into_owned());
        let kept = on_tx!(self, c => sqlx::query(sql)
            .bind(run.0)
            .bind(job.map(|job| job.0))
            .bind(annotation.level.as_str())
            .bind(text(&annotation.file))
            .bind(annotation.line.map(i64::from))
            .bind(annotation.end_line.map(i64::from))
            .bind(annotation.column.map(i64::from))
            .bind(text(&annotation.title))
            .bind(storable(&annotation.message).as_ref())
            .bind(MOST_ANNOTATIONS)
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(kept > 0)
    }
}
