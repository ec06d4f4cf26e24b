//! Who is logged in, and API tokens. Logging in and out is [`crate::sign_in`].

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Role;
use davit_engine::Engine;
use davit_store::accounts::User;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name for a new token.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewToken {
    name: String,
}

/// A new token, shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    token: String,
}

/// Who is logged in, and to what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    user: Account,
    version: &'static str,
    public_url: String,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    id: i64,
    name: String,
    /// On everything; null: only what grants give.
    role: Option<&'static str>,
}

impl Session {
    pub(crate) fn new(engine: &Engine, user: &User) -> Self {
        Self {
            user: Account { id: user.id.0, name: user.name.clone(), role: user.role.map(Role::as_str) },
            version: env!("CARGO_PKG_VERSION"),
            public_url: engine.settings().public_url.clone(),
        }
    }
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Json<Session> {
    Json(Session::new(&api.engine, &caller.user))
}

/// Makes an API token for one's own account.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 409, body = Problem)))]
pub(crate) async fn create_token(
    State(api): State<Api>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let name = new.name.trim();
    if name.is_empty() || name.len() > 64 {
        return Err(Problem::invalid("a token's name has 1 to 64 characters"));
    }
    let token = api.engine.create_token(caller.name(), name).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token: token.expose_secret().to_owned() })))
}
