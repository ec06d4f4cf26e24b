//! Signing in and out: the first account, name and password with a code, one's sessions and second factor.

mod oidc;
mod second_factor;
mod sessions;

pub(crate) use oidc::*;
pub(crate) use second_factor::*;
pub(crate) use sessions::*;

use crate::Api;
use crate::auth::{COOKIE, Caller, session_cookie};
use crate::limiter::Origin;
use crate::problem::{Body, Problem};
use crate::session::Session;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use davit_engine::sign_in::password::Credentials;
use davit_engine::sign_in::sessions::SESSION;
use davit_engine::sign_in::{BY_PASSWORD, SignedIn, Whence};
use davit_engine::{Engine, EngineError};
use davit_store::accounts::User;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What is kept of what a browser calls itself. Characters.
const AGENT: usize = 200;

/// Everything about signing in that is in the API.
pub(crate) fn sign_in() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(set_up_needed, set_up))
        .routes(routes!(crate::session::show, log_in, log_out))
        .routes(routes!(providers))
        .routes(routes!(change_password))
        .routes(routes!(list_sessions, end_other_sessions))
        .routes(routes!(end_session))
        .routes(routes!(list_sessions_of, end_sessions_of))
        .routes(routes!(show_second_factor, start_second_factor, drop_second_factor))
        .routes(routes!(confirm_second_factor))
        .routes(routes!(renew_recovery_codes))
}

/// Whether the first account has still to be made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetUp {
    needed: bool,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
pub(crate) struct FirstAccount {
    /// The one-time code that the server printed.
    code: String,
    name: String,
    /// At least 12 characters.
    #[schema(value_type = String)]
    password: SecretString,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LogIn {
    name: String,
    #[schema(value_type = String)]
    password: SecretString,
    /// Of the account's second factor, or a recovery code; only needed when the answer was `second_factor_required`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
}

/// Somebody who comes without having proved who they are.
pub(crate) struct Visitor {
    /// Their address.
    pub(crate) from: Origin,
    /// The same for people, with what their browser calls itself.
    pub(crate) whence: Whence,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let from = Origin::from_request_parts(parts, state).await?;
        let ip = if from.0.is_unspecified() { String::new() } else { from.0.to_string() };
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(AGENT).collect();
        Ok(Self { from, whence: Whence { ip, agent } })
    }
}

/// Whether davit has still to be set up.
#[utoipa::path(get, path = "/api/v1/setup", responses((status = 200, body = SetUp)))]
pub(crate) async fn set_up_needed(State(api): State<Api>) -> Result<Json<SetUp>, Problem> {
    Ok(Json(SetUp { needed: api.engine.needs_set_up().await? }))
}

/// Makes the first administrator and logs them in.
#[utoipa::path(post, path = "/api/v1/setup", request_body = FirstAccount,
    responses((status = 201, body = Session), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn set_up(
    State(api): State<Api>,
    visitor: Visitor,
    Body(first): Body<FirstAccount>,
) -> Result<Response, Problem> {
    // One counter for all names: the code is guessed or it is not.
    api.logins.attempt(" set-up", visitor.from, api.engine.now())?;
    let made = api.engine.set_up(&first.code, first.name.trim(), &first.password).await;
    if !matches!(made, Err(EngineError::Denied(_))) {
        api.logins.forgive(" set-up", visitor.from);
    }
    let user = made?;
    let cookie = api.engine.open_session(&user, BY_PASSWORD, &visitor.whence).await?;
    with_cookie(&api.engine, StatusCode::CREATED, user, &cookie).await
}

/// Logs in.
///
/// An account with a second factor is asked for a code: code `second_factor_required`, then the same call with `code`.
#[utoipa::path(post, path = "/api/v1/session", request_body = LogIn,
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn log_in(
    State(api): State<Api>,
    visitor: Visitor,
    headers: HeaderMap,
    Body(typed): Body<LogIn>,
) -> Result<Response, Problem> {
    let name = typed.name.trim();
    api.logins.attempt(name, visitor.from, api.engine.now())?;
    let credentials = Credentials { name, password: &typed.password, code: typed.code.as_ref() };
    match api.engine.log_in(&credentials, &visitor.whence).await {
        Ok(SignedIn::Yes(user, cookie)) => {
            api.logins.forgive(name, visitor.from);
            end_former(&api, &headers).await?;
            with_cookie(&api.engine, StatusCode::OK, *user, &cookie).await
        }
        Ok(SignedIn::CodeMissing) => {
            // Two calls make one try.
            api.logins.forgive(name, visitor.from);
            let detail = "the password is right: send the code of the second factor, or a recovery code, with it";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "second_factor_required", detail))
        }
        Err(EngineError::Denied(detail)) => Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)),
        Err(error) => Err(error.into()),
    }
}

/// Logs out.
#[utoipa::path(delete, path = "/api/v1/session", responses((status = 204)))]
pub(crate) async fn log_out(State(api): State<Api>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(cookie) = caller.session.as_deref().or_else(|| session_cookie(&headers)) {
        api.engine.log_out(cookie).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let gone = HeaderValue::from_static("davit_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
}

/// The session that the browser had before would stay open with nobody to end it.
async fn end_former(api: &Api, headers: &HeaderMap) -> Result<(), Problem> {
    match session_cookie(headers) {
        Some(former) => Ok(api.engine.log_out(former).await?),
        None => Ok(()),
    }
}

/// The answer to somebody who is in now.
async fn with_cookie(
    engine: &Engine,
    status: StatusCode,
    user: User,
    cookie: &SecretString,
) -> Result<Response, Problem> {
    let mut response = (status, Json(Session::of(engine, user).await?)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(engine, cookie)?);
    Ok(response)
}

/// The header that gives a browser its session: scripts do not get it, and other sites do not send it.
fn set_cookie(engine: &Engine, cookie: &SecretString) -> Result<HeaderValue, Problem> {
    let (cookie, seconds, secure) = (cookie.expose_secret(), SESSION.as_secs(), secure(engine));
    let text = format!("{COOKIE}={cookie}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let unusable = |error: header::InvalidHeaderValue| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    };
    let mut value = HeaderValue::from_str(&text).map_err(unusable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Behind HTTPS a cookie is for HTTPS alone.
fn secure(engine: &Engine) -> &'static str {
    if engine.settings().public_url.starts_with("https:") { "; Secure" } else { "" }
}

/// The cookie of somebody who changes how their account signs in.
fn own_session(caller: &Caller) -> Result<&str, Problem> {
    caller.session.as_deref().ok_or_else(|| {
        Problem::denied("how an account signs in is changed by whoever is signed in to it: a token can't")
    })
}
