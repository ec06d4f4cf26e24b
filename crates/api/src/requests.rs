//! Release requests: list, review, release, retry.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Body, Path, Problem, Query};
use crate::views::RequestView;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::RequestId;
use davit_engine::intents::RetryHosts;
use davit_store::requests::{Request, RequestFilter};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which requests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestQuery {
    state: Option<String>,
    app: Option<String>,
    environment: Option<String>,
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RejectBody {
    reason: String,
}

/// Which hosts to try again.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RetryBody {
    #[serde(default)]
    hosts: RetryChoice,
}

/// All hosts, or those that did not end well.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryChoice {
    /// All of the last attempt.
    #[default]
    All,
    /// Those that did not end well.
    Failed,
}

/// Requests, newest first.
#[utoipa::path(get, path = "/api/v1/requests", params(RequestQuery, PageQuery),
    responses((status = 200, body = Page<RequestView>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<RequestQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RequestView>>, Problem> {
    caller.allow(Action::See)?;
    let filter = RequestFilter {
        states: query.state.into_iter().collect(),
        app: query.app.map(|app| app.parse()).transpose()?,
        environment: query.environment.map(|environment| environment.parse()).transpose()?,
    };
    let store = api.engine.store();
    let mut items = Vec::new();
    for request in store.requests(&filter, page.before()?.map(RequestId), page.limit()).await? {
        items.push(RequestView::load(store, request).await?);
    }
    Ok(Json(Page::cut(items, page.limit(), |request| request.id)))
}

/// How many requests are in each state.
#[utoipa::path(get, path = "/api/v1/requests/counts", responses((status = 200, body = BTreeMap<String, i64>)))]
pub(crate) async fn counts(State(api): State<Api>, caller: Caller) -> Result<Json<BTreeMap<String, i64>>, Problem> {
    caller.allow(Action::See)?;
    Ok(Json(api.engine.store().request_counts().await?))
}

/// One request.
#[utoipa::path(get, path = "/api/v1/requests/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::See)?;
    let request = api.engine.store().request(RequestId(id)).await?;
    view(&api, request.ok_or_else(|| Problem::not_found(format!("there is no request {id}")))?).await
}

/// Approves.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approve", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::Review)?;
    view(&api, api.engine.approve(RequestId(id), caller.name()).await?).await
}

/// Rejects, with a reason.
#[utoipa::path(post, path = "/api/v1/requests/{id}/reject", params(("id" = i64, Path)), request_body = RejectBody,
    responses((status = 200, body = RequestView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn reject(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<RejectBody>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::Review)?;
    view(&api, api.engine.reject(RequestId(id), caller.name(), &body.reason).await?).await
}

/// Takes one's own request back; administrators may take anybody's.
#[utoipa::path(post, path = "/api/v1/requests/{id}/withdraw", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::Ask)?;
    let anybodys = caller.may(Action::Configure);
    view(&api, api.engine.withdraw(RequestId(id), caller.name(), anybodys).await?).await
}

/// Lets an approved request go out.
#[utoipa::path(post, path = "/api/v1/requests/{id}/release", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::Release)?;
    view(&api, api.engine.release(RequestId(id), caller.name()).await?).await
}

/// Lets a failed or cancelled request go out again.
#[utoipa::path(post, path = "/api/v1/requests/{id}/retry", params(("id" = i64, Path)), request_body = RetryBody,
    responses((status = 200, body = RequestView), (status = 409, body = Problem)))]
pub(crate) async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<RetryBody>,
) -> Result<Json<RequestView>, Problem> {
    caller.allow(Action::Release)?;
    let hosts = match body.hosts {
        RetryChoice::All => RetryHosts::All,
        RetryChoice::Failed => RetryHosts::Failed,
    };
    view(&api, api.engine.retry(RequestId(id), caller.name(), hosts).await?).await
}

async fn view(api: &Api, request: Request) -> Result<Json<RequestView>, Problem> {
    Ok(Json(RequestView::load(api.engine.store(), request).await?))
}
