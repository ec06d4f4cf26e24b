//! A deployment beside an earlier one: what became of each step on each host, and where their logs part.

use crate::Api;
use crate::auth::Caller;
use crate::deployments::seen;
use crate::log_windows::host_named;
use crate::problem::{Path, Problem, Query};
use crate::views::DeploymentSummary;
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::Line;
use davit_engine::log_differences::{Compared, Extent, Parting, first_difference};
use davit_store::deployments::{Cell, Deployment, DeploymentFilter};
use davit_store::log_windows::LinesOf;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// How far back an earlier attempt of the same request is looked for.
const LOOK_BACK: i64 = 50;
/// Lines shown of each log from where they part.
const LINES_SHOWN: usize = 5;
/// Lines of each log that are compared: more take longer than somebody waits.
const LINES_COMPARED: i64 = 200_000;

/// With which one.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WithQuery {
    /// The number of an earlier deployment of the same app. Without it: the attempt before, or the deployment before.
    with: Option<i64>,
}

/// Which lines of which two.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartingQuery {
    /// The number of an earlier deployment of the same app. Without it: the attempt before, or the deployment before.
    with: Option<i64>,
    /// Lines of this host; `-`, and without it: of the server.
    host: Option<String>,
    /// Lines of the step with this number.
    step: u8,
}

/// Two deployments, cell by cell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    /// The earlier one.
    with: DeploymentSummary,
    /// The steps on the server and on each host that either of them had.
    cells: Vec<ComparedCell>,
}

/// What became of a step on a host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparedCell {
    /// None: the server.
    host: Option<String>,
    step: u8,
    /// In the earlier one; none: it had no such step or host.
    before: Option<Outcome>,
    /// In the later one.
    now: Option<Outcome>,
}

/// A cell of one of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outcome {
    #[schema(value_type = words::CellState)]
    state: &'static str,
    /// Milliseconds; none: it has not ended, or never began.
    took: Option<i64>,
}

/// Where two logs part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartingView {
    /// Whether they differ at all. Names of releases, times and durations don't count.
    differs: bool,
    /// They are the same as far as they were compared, which is the first 200,000 lines or so.
    truncated: bool,
    /// Lines at the beginning that are the same.
    same: i64,
    /// What the earlier one said from there on, the first few lines.
    #[schema(value_type = Vec<Object>)]
    before: Vec<Line>,
    /// What the later one said from there on, the first few lines.
    #[schema(value_type = Vec<Object>)]
    now: Vec<Line>,
}

impl From<Compared> for PartingView {
    fn from(compared: Compared) -> Self {
        let same = |same, truncated| Self { differs: false, truncated, same, before: Vec::new(), now: Vec::new() };
        match compared {
            Compared::Same(lines) => same(lines, false),
            Compared::SameSoFar(lines) => same(lines, true),
            Compared::Part(Parting { same, before, now }) => {
                Self { differs: true, truncated: false, same, before, now }
            }
        }
    }
}

impl From<&Cell> for Outcome {
    fn from(cell: &Cell) -> Self {
        let took = cell.started_at.zip(cell.finished_at).map(|(from, until)| until.millis() - from.millis());
        Self { state: cell.state.as_str(), took }
    }
}

/// What became of each step on each host, beside an earlier attempt.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/compare", params(("id" = i64, Path), WithQuery),
    responses((status = 200, body = Comparison), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<WithQuery>,
) -> Result<Json<Comparison>, Problem> {
    let later = seen(&api, &caller, DeploymentId(id)).await?;
    let earlier = earlier(&api, &caller, &later, query.with).await?;
    let store = api.engine.store();
    let cells = paired(&store.cells(earlier.id).await?, &store.cells(later.id).await?);
    Ok(Json(Comparison { with: DeploymentSummary::load(store, &earlier).await?, cells }))
}

/// Where the log of a step on a host parts from that of an earlier attempt.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/compare/lines", params(("id" = i64, Path), PartingQuery),
    responses((status = 200, body = PartingView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn lines(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<PartingQuery>,
) -> Result<Json<PartingView>, Problem> {
    let later = seen(&api, &caller, DeploymentId(id)).await?;
    let earlier = earlier(&api, &caller, &later, query.with).await?;
    let host = host_named(query.host.as_deref())?.unwrap_or(None);
    let of = LinesOf { host: Some(host), step: Some(query.step) };
    let extent = Extent { show: LINES_SHOWN, most: LINES_COMPARED };
    let compared = first_difference(api.engine.store(), &earlier, &later, &of, extent).await?;
    Ok(Json(compared.into()))
}

/// The one that is named, or the attempt before, or the deployment before.
async fn earlier(api: &Api, caller: &Caller, later: &Deployment, with: Option<i64>) -> Result<Deployment, Problem> {
    if let Some(with) = with {
        let earlier = seen(api, caller, DeploymentId(with)).await?;
        if earlier.id >= later.id {
            return Err(Problem::invalid(format!(
                "deployment {with} is not before {}: choose an earlier one, or compare them the other way round",
                later.id
            )));
        }
        if earlier.app != later.app {
            return Err(Problem::invalid(format!(
                "deployment {with} is of another app: choose an earlier one of {}",
                later.app
            )));
        }
        return Ok(earlier);
    }
    let filter = DeploymentFilter {
        places: caller.sees(),
        app: Some(later.app.clone()),
        environment: Some(later.environment.clone()),
        states: Vec::new(),
    };
    let mut before = api.engine.store().deployments(&filter, Some(later.id), LOOK_BACK).await?;
    let attempt = before.iter().position(|earlier| earlier.request == later.request).unwrap_or(0);
    if before.is_empty() {
        return Err(Problem::not_found(format!("there is no deployment before {}", later.id)));
    }
    Ok(before.swap_remove(attempt))
}

/// Cells of the same step on the same host, in the order of the later deployment, then what only the earlier one had.
fn paired(before: &[Cell], now: &[Cell]) -> Vec<ComparedCell> {
    let key = |cell: &Cell| (cell.host.clone(), cell.step);
    let mut rest: BTreeMap<(Option<HostName>, u8), &Cell> = before.iter().map(|cell| (key(cell), cell)).collect();
    let compared = |(host, step): (Option<HostName>, u8), before: Option<&Cell>, now: Option<&Cell>| ComparedCell {
        host: host.map(|host| host.to_string()),
        step,
        before: before.map(Outcome::from),
        now: now.map(Outcome::from),
    };
    let mut cells: Vec<_> = now.iter().map(|cell| compared(key(cell), rest.remove(&key(cell)), Some(cell))).collect();
    cells.extend(rest.into_iter().map(|(key, cell)| compared(key, Some(cell), None)));
    cells
}
