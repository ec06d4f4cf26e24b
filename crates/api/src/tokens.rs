//! API tokens: one's own, and everybody's for administrators. A token's text is shown once, when it is made.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::{Action, Role, Scope};
use davit_store::tokens::{Token, TokenLimits};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// The longest that a token with an end lives, in days.
const LONGEST: u32 = 3650;

/// A token that is to be made, with what it is to leave of the account's access.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewToken {
    /// What it is for.
    name: String,
    /// At most this role; without it: the account's.
    #[schema(value_type = Option<words::Role>)]
    role: Option<String>,
    /// Only there: all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT, label:WORD; without it: everywhere.
    scopes: Option<Vec<String>>,
    /// 1 to 3650; without it: for good.
    expires_in_days: Option<u32>,
}

/// A new token, shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    id: i64,
    token: String,
}

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: i64,
    name: String,
    /// At most this role; null: the account's.
    #[schema(value_type = Option<words::Role>)]
    role: Option<&'static str>,
    /// Only there; null: everywhere.
    scopes: Option<Vec<String>>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: token.limits.role.map(Role::as_str),
            scopes: token.limits.scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect()),
            created_at: token.created_at.to_string(),
            expires_at: token.limits.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// One's own tokens, newest first.
#[utoipa::path(get, path = "/api/v1/tokens", responses((status = 200, body = Page<TokenView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<TokenView>>, Problem> {
    let tokens = api.engine.tokens_of(&caller.user).await?;
    Ok(Json(Page::whole(tokens.into_iter().map(TokenView::from).collect())))
}

/// An account's tokens, newest first.
#[utoipa::path(get, path = "/api/v1/users/{name}/tokens", params(("name" = String, Path)),
    responses((status = 200, body = Page<TokenView>), (status = 404, body = Problem)))]
pub(crate) async fn list_of(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Page<TokenView>>, Problem> {
    caller.allow(Action::ManageUsers)?;
    let user = api.engine.known_user(&name).await?;
    let tokens = api.engine.tokens_of(&user).await?;
    Ok(Json(Page::whole(tokens.into_iter().map(TokenView::from).collect())))
}

/// Makes an API token for one's own account. A token that is limited itself makes none.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    caller.allow_own()?;
    let scopes = |texts: Vec<String>| texts.iter().map(|text| text.trim().parse::<Scope>()).collect::<Result<_, _>>();
    let limits = TokenLimits {
        role: new.role.map(|role| role.parse::<Role>()).transpose().map_err(Problem::invalid)?,
        scopes: new.scopes.map(scopes).transpose().map_err(Problem::invalid)?,
        expires_at: match new.expires_in_days {
            None => None,
            Some(days @ 1..=LONGEST) => Some(api.engine.now().plus(Duration::from_secs(u64::from(days) * 24 * 3600))),
            Some(_) => return Err(Problem::invalid(format!("expires_in_days is 1 to {LONGEST}"))),
        },
    };
    let (id, token) = api.engine.issue_token(&caller.user, &new.name, &limits).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { id, token: token.expose_secret().to_owned() })))
}

/// Takes a token away: one's own, and for administrators everybody's.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    let owner = if caller.may(Action::ManageUsers) { None } else { Some(caller.user.id) };
    api.engine.revoke_token_by_id(id, owner, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
