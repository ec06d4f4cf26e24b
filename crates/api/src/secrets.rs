//! Secrets that people store by name, for `{ secret = "name" }`. Values come in and never go out.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A secret, without its value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretView {
    name: String,
    updated_at: String,
}

/// A value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretBody {
    #[schema(value_type = String)]
    value: SecretString,
}

/// The names of all secrets.
#[utoipa::path(get, path = "/api/v1/secrets", responses((status = 200, body = Page<SecretView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<SecretView>>, Problem> {
    caller.allow(Action::Configure)?;
    let names = api.engine.secret_names().await?.into_iter();
    let items = names.map(|(name, at)| SecretView { name, updated_at: at.to_string() });
    Ok(Json(Page::whole(items.collect())))
}

/// Stores a secret, in the place of what was there.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", params(("name" = String, Path)), request_body = SecretBody,
    responses((status = 204), (status = 422, body = Problem)))]
pub(crate) async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<SecretBody>,
) -> Result<StatusCode, Problem> {
    caller.allow(Action::Configure)?;
    api.engine.set_secret(&name, &body.value, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets a secret that the configuration no longer refers to.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.allow(Action::Configure)?;
    api.engine.delete_secret(&name, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
