//! What people do to a deployment that stands still: let it go on, take it back, retry or leave out a host, let it pass
//! locks and freeze windows.

use crate::Api;
use crate::auth::Caller;
use crate::deployments::seen;
use crate::problem::{Body, Path, Problem};
use crate::views::DeploymentSummary;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::{DeploymentId, HostName};
use davit_store::deployments::Deployment;
use serde::Deserialize;
use utoipa::ToSchema;

/// Why, for the feed and whoever reads it later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    #[serde(default)]
    reason: String,
}

/// Lets the next batch of a paused deployment go.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/continue", params(("id" = i64, Path)),
    responses((status = 200, body = DeploymentSummary), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn go_on(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DeploymentSummary>, Problem> {
    allow(&api, &caller, Action::Release, id).await?;
    view(&api, api.engine.continue_deployment(DeploymentId(id), caller.name()).await?).await
}

/// Takes every host of a paused deployment that switched back to what it served before.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/revert", params(("id" = i64, Path)), request_body = Because,
    responses((status = 200, body = DeploymentSummary), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn revert(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<Because>,
) -> Result<Json<DeploymentSummary>, Problem> {
    allow(&api, &caller, Action::Release, id).await?;
    view(&api, api.engine.revert_deployment(DeploymentId(id), caller.name(), &body.reason).await?).await
}

/// Tries a host again that failed and is held.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/hosts/{host}/retry",
    params(("id" = i64, Path), ("host" = String, Path)),
    responses((status = 200, body = DeploymentSummary), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn retry_host(
    State(api): State<Api>,
    caller: Caller,
    Path((id, host)): Path<(i64, String)>,
) -> Result<Json<DeploymentSummary>, Problem> {
    allow(&api, &caller, Action::Release, id).await?;
    let host: HostName = host.parse()?;
    view(&api, api.engine.retry_host(DeploymentId(id), &host, caller.name()).await?).await
}

/// Leaves a host that failed and is held as it is; with the last one of them, the deployment goes on.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/hosts/{host}/skip",
    params(("id" = i64, Path), ("host" = String, Path)), request_body = Because,
    responses((status = 200, body = DeploymentSummary), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn skip_host(
    State(api): State<Api>,
    caller: Caller,
    Path((id, host)): Path<(i64, String)>,
    Body(body): Body<Because>,
) -> Result<Json<DeploymentSummary>, Problem> {
    allow(&api, &caller, Action::Release, id).await?;
    let host: HostName = host.parse()?;
    view(&api, api.engine.skip_host(DeploymentId(id), &host, caller.name(), &body.reason).await?).await
}

/// Lets a deployment pass the lock or freeze window that it waits for. Needs a reason, which goes to the feed.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/override", params(("id" = i64, Path)), request_body = Because,
    responses((status = 200, body = DeploymentSummary), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn override_gates(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<Because>,
) -> Result<Json<DeploymentSummary>, Problem> {
    allow(&api, &caller, Action::OverrideGates, id).await?;
    view(&api, api.engine.override_gates(DeploymentId(id), caller.name(), &body.reason).await?).await
}

/// Lets the request go on when the account may do this to what the deployment releases, where it does.
pub(crate) async fn allow(api: &Api, caller: &Caller, action: Action, id: i64) -> Result<(), Problem> {
    caller.allow_somewhere(action)?;
    let deployment = seen(api, caller, DeploymentId(id)).await?;
    caller.allow_in(action, &deployment.app, &deployment.environment)
}

async fn view(api: &Api, deployment: Deployment) -> Result<Json<DeploymentSummary>, Problem> {
    Ok(Json(DeploymentSummary::load(api.engine.store(), &deployment).await?))
}
