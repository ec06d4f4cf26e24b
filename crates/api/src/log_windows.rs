//! Logs that are too long to be sent as a whole: windows into them, and search in them.

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Path, Problem, Query};
use crate::{deployments, job_logs};
use axum::Json;
use axum::extract::State;
use davit_domain::ids::{DeploymentId, HostName, JobId};
use davit_domain::log::Line;
use davit_domain::log_text::Needle;
use davit_store::log_search::{Found, LogOf};
use davit_store::log_windows::{Begin, LinesOf, Window};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_LINES: u32 = 5000;
const DEFAULT_LINES: u32 = 1000;
/// Matches named on either side of a line.
const MATCHES_AROUND: usize = 500;
const LONGEST_NEEDLE: usize = 500;

/// Where a window begins and what it shows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WindowQuery {
    /// From this place on among the lines that are shown, counted from 0.
    place: Option<i64>,
    /// Instead of `place`: from the line with this number on.
    line: Option<i64>,
    /// Of this host; `-` is the server.
    host: Option<String>,
    /// Of the step with this number.
    step: Option<u8>,
    /// 1 to 5000; 1000 without it.
    limit: Option<u32>,
}

/// What is searched for, and where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// The text, without regard to case. Colours are not part of a line.
    q: String,
    /// Lines of this host; `-` is the server.
    host: Option<String>,
    /// Lines of the step with this number.
    step: Option<u8>,
    /// Lines around this one are named; 1 without it.
    from: Option<i64>,
}

/// What is searched for in a job's log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobSearchQuery {
    /// The text, without regard to case. Colours are not part of a line.
    q: String,
    /// Lines of the step with this number.
    step: Option<u32>,
    /// Lines around this one are named; 1 without it.
    from: Option<i64>,
}

/// Lines that follow each other among those that are shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogWindow {
    /// The place of the first one, from 0.
    first: i64,
    /// How many there are in all, up to `last_seq`.
    total: i64,
    /// The last line of the whole log; a stream goes on after it.
    last_seq: i64,
    #[schema(value_type = Vec<Object>)]
    items: Vec<Line>,
}

/// Lines that hold a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogMatches {
    /// How many lines hold it.
    total: i64,
    /// How many of them come before the first of `lines`.
    before: i64,
    /// The numbers of those around `from`: at most 500 before it, and 500 from it on.
    lines: Vec<i64>,
    /// The last line that was searched.
    last_seq: i64,
}

impl From<Found> for LogMatches {
    fn from(found: Found) -> Self {
        let Found { total, before, hits, last_seq } = found;
        Self { total, before, lines: hits, last_seq }
    }
}

/// A window into the log of a deployment, or of one host or step of it.
///
/// A line is found by its place without reading those before it, so that a viewer can jump about in a log of a million
/// lines and never holds more than it shows.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs/window", params(("id" = i64, Path), WindowQuery),
    responses((status = 200, body = LogWindow), (status = 404, body = Problem)))]
pub(crate) async fn window(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<WindowQuery>,
) -> Result<Json<LogWindow>, Problem> {
    let id = deployments::seen(&api, &caller, DeploymentId(id)).await?.id;
    let of = LinesOf { host: host_named(query.host.as_deref())?, step: query.step };
    let begin = query.line.map_or(Begin::Place(query.place.unwrap_or(0)), Begin::Line);
    let limit = query.limit.unwrap_or(DEFAULT_LINES).clamp(1, MOST_LINES);
    let window = api.engine.store().log_window(id, &of, begin, i64::from(limit)).await?;
    let Window { first, total, last_seq, items } = window;
    Ok(Json(LogWindow { first, total, last_seq, items }))
}

/// Search in the log of a deployment.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs/search", params(("id" = i64, Path), SearchQuery),
    responses((status = 200, body = LogMatches), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<LogMatches>, Problem> {
    let id = deployments::seen(&api, &caller, DeploymentId(id)).await?.id;
    let of = LinesOf { host: host_named(query.host.as_deref())?, step: query.step };
    matches(&api, &LogOf::Deployment(id, of), &query.q, query.from).await
}

/// Search in the log of an attempt at a job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/logs/search", params(("id" = i64, Path), JobSearchQuery),
    responses((status = 200, body = LogMatches), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search_job(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<JobSearchQuery>,
) -> Result<Json<LogMatches>, Problem> {
    let id = job_logs::known(&api, &caller, JobId(id)).await?.id;
    matches(&api, &LogOf::Job(id, query.step), &query.q, query.from).await
}

async fn matches(api: &Api, log: &LogOf, text: &str, from: Option<i64>) -> Result<Json<LogMatches>, Problem> {
    if text.len() > LONGEST_NEEDLE {
        return Err(Problem::invalid(format!("search for at most {LONGEST_NEEDLE} bytes of text")));
    }
    let needle = Needle::new(text).ok_or_else(|| Problem::invalid("say in `q` what to search for"))?;
    let found = api.engine.store().search_log(log, &needle, from.unwrap_or(1), MATCHES_AROUND).await?;
    Ok(Json(found.into()))
}

/// Whose lines: of all, of the server, of one host.
pub(crate) fn host_named(name: Option<&str>) -> Result<Option<Option<HostName>>, Problem> {
    Ok(match name {
        None => None,
        Some("-") => Some(None),
        Some(name) => Some(Some(name.parse()?)),
    })
}
