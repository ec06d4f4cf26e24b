//! The logs of jobs. Live, they come from [`events`](crate::events).

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Path, Problem, Query};
use crate::runs;
use crate::words;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use davit_domain::ids::JobId;
use davit_store::ci_jobs::CiJob;
use davit_store::ci_logs::JobLine;
use davit_store::log_outline::{Mark, MarkKind, Outline};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_LINES: u32 = 5000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobLogQuery {
    /// Lines after this number.
    after: Option<i64>,
    /// Of the step with this number.
    step: Option<u32>,
    /// 1 to 5000; 1000 without it.
    limit: Option<u32>,
}

/// A line of a job's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobLineView {
    pub(crate) seq: i64,
    at: String,
    /// The number of the step that said it.
    step: u32,
    #[schema(value_type = words::LogStream)]
    stream: &'static str,
    text: String,
}

/// Stored lines of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobLines {
    items: Vec<JobLineView>,
    last_seq: i64,
}

/// Where the steps and groups of a job's log begin and end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobOutline {
    marks: Vec<MarkView>,
    /// The last line that was looked at.
    last_seq: i64,
    /// Of the groups only the first thousands are named: there are more.
    truncated: bool,
}

/// Something that a viewer folds by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkView {
    /// The line.
    seq: i64,
    /// The number of the step that said it.
    step: u32,
    /// step: its first line, or the first of more from it; group, endgroup; error: the first one in a group.
    #[schema(value_type = words::MarkKind)]
    kind: &'static str,
    /// Of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<String>,
}

impl From<Mark> for MarkView {
    fn from(mark: Mark) -> Self {
        let (kind, title) = match mark.kind {
            MarkKind::Step => ("step", None),
            MarkKind::Group(title) => ("group", Some(title)),
            MarkKind::EndGroup => ("endgroup", None),
            MarkKind::Error => ("error", None),
        };
        Self { seq: mark.seq, step: mark.step, kind, title }
    }
}

impl From<JobLine> for JobLineView {
    fn from(line: JobLine) -> Self {
        Self { seq: line.seq, at: line.at.to_string(), step: line.step, stream: line.stream.as_str(), text: line.text }
    }
}

/// Stored lines of an attempt at a job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/logs", params(("id" = i64, Path), JobLogQuery),
    responses((status = 200, body = JobLines), (status = 404, body = Problem)))]
pub(crate) async fn logs(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<JobLogQuery>,
) -> Result<Json<JobLines>, Problem> {
    let id = known(&api, &caller, JobId(id)).await?.id;
    let store = api.engine.store();
    let limit = i64::from(query.limit.unwrap_or(1000).clamp(1, MOST_LINES));
    let lines = store.job_lines(id, query.after.unwrap_or(0), query.step, limit).await?;
    let items = lines.into_iter().map(JobLineView::from).collect();
    Ok(Json(JobLines { items, last_seq: store.last_job_seq(id).await? }))
}

/// Where the steps and groups of a job's log begin and end.
///
/// A viewer folds by it, and reads only the lines that it shows.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/logs/outline", params(("id" = i64, Path)),
    responses((status = 200, body = JobOutline), (status = 404, body = Problem)))]
pub(crate) async fn outline(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<JobOutline>, Problem> {
    let id = known(&api, &caller, JobId(id)).await?.id;
    let Outline { marks, last_seq, truncated } = api.engine.store().job_outline(id).await?;
    Ok(Json(JobOutline { marks: marks.into_iter().map(MarkView::from).collect(), last_seq, truncated }))
}

/// The whole log of an attempt at a job, as text.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/log.txt", params(("id" = i64, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub(crate) async fn log_text(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<Response, Problem> {
    let id = known(&api, &caller, JobId(id)).await?.id;
    let engine = api.engine.clone();
    // Page by page, so that a long log never lies in memory as a whole.
    let pages = futures::stream::try_unfold((engine, 0), move |(engine, after)| async move {
        let lines = engine.store().job_lines(id, after, None, i64::from(MOST_LINES)).await?;
        let Some(last) = lines.last().map(|line| line.seq) else { return Ok(None) };
        let text: String = lines.iter().map(text_line).collect();
        Ok::<_, davit_store::StoreError>(Some((Bytes::from(text), (engine, last))))
    });
    let name = format!("attachment; filename=\"job-{id}.log\"");
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// The job, when the caller sees its run.
pub(crate) async fn known(api: &Api, caller: &Caller, id: JobId) -> Result<CiJob, Problem> {
    let missing = || Problem::not_found(format!("there is no job {id}: it may have been removed"));
    let job = api.engine.store().job(id).await?.ok_or_else(missing)?;
    runs::known(api, caller, job.run).await.map_err(|problem| problem.or_missing(missing))?;
    Ok(job)
}

fn text_line(line: &JobLine) -> String {
    format!("{} {} {}| {}\n", line.at, line.step, line.stream.as_str(), line.text)
}
