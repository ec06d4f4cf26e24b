//! Who calls, and whether they may.
//!
//! A cookie-authenticated write needs the header `X-Davit-Request` as well: a browser sends a cookie along with a
//! forged cross-site form, but lets no other site set that header.

use crate::Api;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use davit_domain::access::{self, Action};
use davit_store::accounts::User;

pub(crate) const COOKIE: &str = "davit_session";
const WRITE_HEADER: &str = "x-davit-request";

/// The account that makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: User,
    /// The session's cookie, when it was not a token.
    pub(crate) session: Option<String>,
}

impl Caller {
    /// Lets the request go on when the account's role allows the action.
    pub(crate) fn allow(&self, action: Action) -> Result<(), Problem> {
        if access::allows(self.user.role, action) {
            return Ok(());
        }
        Err(Problem::denied(format!(
            "{} has the role {}: this needs {} or more. Ask an administrator",
            self.user.name,
            self.user.role.as_str(),
            access::least_role(action).as_str()
        )))
    }

    /// Whether the account's role allows the action.
    pub(crate) fn may(&self, action: Action) -> bool {
        access::allows(self.user.role, action)
    }

    /// The account's name, as the feed has it.
    pub(crate) fn name(&self) -> &str {
        &self.user.name
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            let user = api.engine.token_user(token).await?.ok_or_else(Problem::unauthenticated)?;
            return Ok(Self { user, session: None });
        }
        let cookie = session_cookie(&parts.headers).ok_or_else(Problem::unauthenticated)?;
        let user = api.engine.session_user(cookie).await?.ok_or_else(Problem::unauthenticated)?;
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        if !reads && !parts.headers.contains_key(WRITE_HEADER) {
            return Err(Problem::denied("a change by session cookie needs the header X-Davit-Request: 1"));
        }
        Ok(Self { user, session: Some(cookie.to_owned()) })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session cookie of a request.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}
