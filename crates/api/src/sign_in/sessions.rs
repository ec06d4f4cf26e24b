//! One's password, and where one is signed in.

use super::{Visitor, own_session, set_cookie};
use crate::Api;
use crate::auth::Caller;
use crate::problem::{Body, Path, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use davit_domain::access::Action;
use davit_store::accounts::User;
use davit_store::sessions;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new password, and the one that it replaces.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String)]
    old: SecretString,
    /// At least 12 characters.
    #[schema(value_type = String)]
    new: SecretString,
}

/// Open sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    items: Vec<LoginSession>,
}

/// Somewhere where an account is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginSession {
    id: i64,
    created_at: String,
    last_seen_at: String,
    expires_at: String,
    /// The address somebody signed in from.
    ip: Option<String>,
    /// What their browser called itself.
    user_agent: Option<String>,
    /// `password`, `oidc:ID` or `ldap:ID`.
    how: String,
    /// Whether it is the one that asks.
    current: bool,
}

impl LoginSession {
    fn new((session, current): (sessions::Session, bool)) -> Self {
        let sessions::Session { id, created_at, last_seen_at, expires_at, ip, agent, how, token_hash: _ } = session;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id,
            created_at: created_at.to_string(),
            last_seen_at: last_seen_at.to_string(),
            expires_at: expires_at.to_string(),
            ip: some(ip),
            user_agent: some(agent),
            how,
            current,
        }
    }
}

/// Changes one's own password.
///
/// Every other session ends; the answer sets the cookie of a new one.
#[utoipa::path(post, path = "/api/v1/session/password", request_body = PasswordChange,
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn change_password(
    State(api): State<Api>,
    caller: Caller,
    visitor: Visitor,
    Body(body): Body<PasswordChange>,
) -> Result<Response, Problem> {
    own_session(&caller)?;
    let cookie = api.engine.change_password(&caller.user, &body.old, &body.new, &visitor.whence).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(&api.engine, &cookie)?);
    Ok(response)
}

/// Where one is signed in.
#[utoipa::path(get, path = "/api/v1/session/list", responses((status = 200, body = Sessions)))]
pub(crate) async fn list_sessions(State(api): State<Api>, caller: Caller) -> Result<Json<Sessions>, Problem> {
    let sessions = api.engine.sessions_of(&caller.user, caller.session.as_deref()).await?;
    Ok(Json(Sessions { items: sessions.into_iter().map(LoginSession::new).collect() }))
}

/// Signs out everywhere else.
#[utoipa::path(delete, path = "/api/v1/session/list", responses((status = 204), (status = 403, body = Problem)))]
pub(crate) async fn end_other_sessions(State(api): State<Api>, caller: Caller) -> Result<StatusCode, Problem> {
    let own = own_session(&caller)?;
    api.engine.end_sessions(&caller.user, Some(own), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out in one place.
#[utoipa::path(delete, path = "/api/v1/session/list/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn end_session(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    own_session(&caller)?;
    api.engine.end_session(&caller.user, id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where somebody is signed in.
#[utoipa::path(get, path = "/api/v1/users/{name}/sessions", params(("name" = String, Path)),
    responses((status = 200, body = Sessions), (status = 404, body = Problem)))]
pub(crate) async fn list_sessions_of(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Sessions>, Problem> {
    let user = someone(&api, &caller, &name).await?;
    let sessions = api.engine.sessions_of(&user, caller.session.as_deref()).await?;
    Ok(Json(Sessions { items: sessions.into_iter().map(LoginSession::new).collect() }))
}

/// Signs somebody out everywhere.
#[utoipa::path(delete, path = "/api/v1/users/{name}/sessions", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end_sessions_of(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = someone(&api, &caller, &name).await?;
    api.engine.end_sessions(&user, None, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn someone(api: &Api, caller: &Caller, name: &str) -> Result<User, Problem> {
    caller.allow(Action::ManageUsers)?;
    Ok(api.engine.known_user(name).await?)
}
