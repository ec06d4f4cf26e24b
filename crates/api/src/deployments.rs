//! Deployments: list, one with its grid, logs, cancel.

use crate::Api;
use crate::auth::Caller;
use crate::log_windows::host_named;
use crate::page::{Page, PageQuery};
use crate::problem::{Path, Problem, Query};
use crate::views::{Around, CellView, DeploymentSummary, HostRunView, StepView};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use davit_domain::access::Action;
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::Line;
use davit_engine::Engine;
use davit_store::deployments::{Deployment, DeploymentFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_LINES: u32 = 5000;

/// Which deployments.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeploymentQuery {
    app: Option<String>,
    environment: Option<String>,
    state: Option<String>,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// Lines after this number.
    after: Option<i64>,
    /// Of this host; `-` is the server.
    host: Option<String>,
    /// Of the step with this number.
    step: Option<u8>,
    /// 1 to 5000; 1000 without it.
    limit: Option<u32>,
}

/// A deployment with its hosts and grid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeploymentFull {
    #[serde(flatten)]
    pub(crate) summary: DeploymentSummary,
    host_runs: Vec<HostRunView>,
    steps: Vec<StepView>,
    cells: Vec<CellView>,
    previous_release: Option<String>,
    last_seq: i64,
}

/// Stored lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lines {
    #[schema(value_type = Vec<Object>)]
    items: Vec<Line>,
    last_seq: i64,
}

/// Deployments, newest first.
#[utoipa::path(get, path = "/api/v1/deployments", params(DeploymentQuery, PageQuery),
    responses((status = 200, body = Page<DeploymentSummary>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<DeploymentQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeploymentSummary>>, Problem> {
    let filter = DeploymentFilter {
        places: caller.sees(),
        app: query.app.map(|app| app.parse()).transpose()?,
        environment: query.environment.map(|environment| environment.parse()).transpose()?,
        states: query.state.into_iter().collect(),
    };
    let store = api.engine.store();
    let mut items = Vec::new();
    for deployment in store.deployments(&filter, page.before()?.map(DeploymentId), page.limit()).await? {
        items.push(DeploymentSummary::load(store, &deployment).await?);
    }
    Ok(Json(Page::cut(items, page.limit(), |deployment| deployment.id)))
}

/// One deployment.
#[utoipa::path(get, path = "/api/v1/deployments/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = DeploymentFull), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DeploymentFull>, Problem> {
    let id = seen(&api, &caller, DeploymentId(id)).await?.id;
    Ok(Json(full(&api.engine, id).await?))
}

/// Ends a deployment that has not switched yet.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/cancel", params(("id" = i64, Path)),
    responses((status = 200, body = DeploymentSummary), (status = 409, body = Problem)))]
pub(crate) async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DeploymentSummary>, Problem> {
    crate::operate::allow(&api, &caller, Action::Release, id).await?;
    let deployment = api.engine.cancel(DeploymentId(id), caller.name()).await?;
    Ok(Json(DeploymentSummary::load(api.engine.store(), &deployment).await?))
}

/// Stored lines of a deployment.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs", params(("id" = i64, Path), LogQuery),
    responses((status = 200, body = Lines), (status = 404, body = Problem)))]
pub(crate) async fn logs(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Lines>, Problem> {
    let store = api.engine.store();
    let id = seen(&api, &caller, DeploymentId(id)).await?.id;
    let host = host_named(query.host.as_deref())?;
    let limit = i64::from(query.limit.unwrap_or(1000).clamp(1, MOST_LINES));
    let host = host.as_ref().map(Option::as_ref);
    let items = store.lines(id, query.after.unwrap_or(0), host, query.step, limit).await?;
    Ok(Json(Lines { items, last_seq: store.last_seq(id).await? }))
}

/// The whole log as text.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/log.txt", params(("id" = i64, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub(crate) async fn log_text(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<Response, Problem> {
    let id = seen(&api, &caller, DeploymentId(id)).await?.id;
    let engine = api.engine.clone();
    // Page by page, so that a long log never lies in memory as a whole.
    let pages = futures::stream::try_unfold((engine, 0), move |(engine, after)| async move {
        let lines = engine.store().lines(id, after, None, None, i64::from(MOST_LINES)).await?;
        let Some(last) = lines.last().map(|line| line.seq) else { return Ok(None) };
        let text: String = lines.iter().map(text_line).collect();
        Ok::<_, davit_store::StoreError>(Some((Bytes::from(text), (engine, last))))
    });
    let name = format!("attachment; filename=\"deployment-{id}.log\"");
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// A deployment with everything around it.
pub(crate) async fn full(engine: &Engine, id: DeploymentId) -> Result<DeploymentFull, Problem> {
    let store = engine.store();
    let deployment = store.deployment(id).await?.ok_or_else(|| no_such(id))?;
    let around = Around::load(store, &deployment).await?;
    let (cells, runs) = (store.cells(id).await?, store.host_runs(id).await?);
    let previous = runs.iter().find_map(|run| run.state.switched_from()?.as_ref().map(ToString::to_string));
    Ok(DeploymentFull {
        summary: DeploymentSummary::new(&deployment, &around),
        host_runs: runs.iter().map(HostRunView::from).collect(),
        steps: StepView::all(deployment.kind, &around, &cells),
        cells: cells.iter().map(CellView::from).collect(),
        previous_release: previous,
        last_seq: store.last_seq(id).await?,
    })
}

/// The deployment, when the caller sees what it releases.
pub(crate) async fn seen(api: &Api, caller: &Caller, id: DeploymentId) -> Result<Deployment, Problem> {
    let found = api.engine.store().deployment(id).await?;
    let seen = found.filter(|found| caller.may_in(Action::See, &found.app, &found.environment));
    seen.ok_or_else(|| no_such(id))
}

fn no_such(id: DeploymentId) -> Problem {
    Problem::not_found(format!("there is no deployment {id}"))
}

fn text_line(line: &Line) -> String {
    let place = line.host.as_ref().map_or("server", HostName::as_str);
    format!("{} {place} {} {}| {}\n", line.at, line.step, line.stream.as_str(), line.text)
}
