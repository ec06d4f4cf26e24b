//! The first account, logging in and out, API tokens.

use crate::Api;
use crate::auth::{COOKIE, Caller, session_cookie};
use crate::limiter::Origin;
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use davit_domain::access::Role;
use davit_engine::{Engine, EngineError, sign_in::sessions::SESSION};
use davit_store::accounts::User;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
pub(crate) struct Credentials {
    name: String,
    #[schema(value_type = String)]
    password: SecretString,
}

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
    fn new(engine: &Engine, user: &User) -> Self {
        Self {
            user: Account { id: user.id.0, name: user.name.clone(), role: user.role.map(Role::as_str) },
            version: env!("CARGO_PKG_VERSION"),
            public_url: engine.settings().public_url.clone(),
        }
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
    from: Origin,
    Body(first): Body<FirstAccount>,
) -> Result<Response, Problem> {
    // One counter for all names: the code is guessed or it is not.
    api.logins.attempt(" set-up", from, api.engine.now())?;
    let made = api.engine.set_up(&first.code, first.name.trim(), &first.password).await;
    if !matches!(made, Err(EngineError::Denied(_))) {
        api.logins.forgive(" set-up", from);
    }
    let user = made?;
    let token = api.engine.open_session(&user).await?;
    Ok(with_cookie(&api.engine, StatusCode::CREATED, &user, &token))
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Json<Session> {
    Json(Session::new(&api.engine, &caller.user))
}

/// Logs in.
#[utoipa::path(post, path = "/api/v1/session", request_body = Credentials,
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn log_in(
    State(api): State<Api>,
    from: Origin,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Problem> {
    let name = credentials.name.trim();
    api.logins.attempt(name, from, api.engine.now())?;
    match api.engine.log_in(name, &credentials.password).await {
        Ok((user, token)) => {
            api.logins.forgive(name, from);
            Ok(with_cookie(&api.engine, StatusCode::OK, &user, &token))
        }
        Err(EngineError::Denied(detail)) => Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)),
        Err(error) => Err(error.into()),
    }
}

/// Logs out.
#[utoipa::path(delete, path = "/api/v1/session", responses((status = 204)))]
pub(crate) async fn log_out(State(api): State<Api>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = caller.session.as_deref().or_else(|| session_cookie(&headers)) {
        api.engine.log_out(token).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let gone = HeaderValue::from_static("davit_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
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

fn with_cookie(engine: &Engine, status: StatusCode, user: &User, token: &SecretString) -> Response {
    let secure = if engine.settings().public_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
        token.expose_secret(),
        SESSION.as_secs()
    );
    let mut response = (status, Json(Session::new(engine, user))).into_response();
    match HeaderValue::from_str(&cookie) {
        Ok(mut value) => {
            value.set_sensitive(true);
            response.headers_mut().insert(header::SET_COOKIE, value);
            response
        }
        Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()).into_response(),
    }
}
