//! Signing in elsewhere: to an OpenID Connect provider and back, by a browser. Outside of the API, because these
//! answer with redirects and pages.
//!
//! The session's cookie is not sent along when another site leads here (`SameSite=Strict`), which is what the way back
//! from a provider is. So the way back ends on a page of our own that leads on, within the site; and what belongs to
//! the try travels in a cookie of its own, which is `Lax`, sealed, and short-lived.

use super::{Visitor, own_session, secure, set_cookie};
use crate::Api;
use crate::auth::{Caller, session_cookie};
use crate::problem::{Path, Problem, Query};
use crate::words;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use davit_domain::config::IdentityKind;
use davit_domain::ids::IdentityId;
use davit_engine::EngineError;
use davit_engine::sign_in::oidc::{Answer, Departure, Errand, LASTS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const COOKIE: &str = "davit_sign_in";

/// The routes outside of the API.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/auth/oidc/{id}/start", get(start))
        .route("/auth/oidc/{id}/link", get(link))
        .route("/auth/oidc/{id}/callback", get(callback))
}

/// How one can sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Providers {
    /// Whether name and password are asked for: always.
    password: bool,
    items: Vec<ProviderView>,
}

/// An identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    id: String,
    /// `oidc`: sign in at `/auth/oidc/ID/start`. `ldap`: with its name and password, here.
    #[schema(value_type = words::ProviderKind)]
    kind: &'static str,
    name: String,
}

/// Where somebody wanted to go.
#[derive(Debug, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

/// What a provider sends a browser back with (RFC 6749, 4.1.2).
#[derive(Debug, Deserialize)]
struct Back {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// How one can sign in. Anybody may know.
#[utoipa::path(get, path = "/api/v1/auth/providers", responses((status = 200, body = Providers)))]
pub(crate) async fn providers(State(api): State<Api>) -> Result<Json<Providers>, Problem> {
    let view = |identity: davit_domain::config::Identity| ProviderView {
        id: identity.id.to_string(),
        kind: match identity.kind {
            IdentityKind::Oidc(_) => "oidc",
            IdentityKind::Ldap(_) => "ldap",
        },
        name: identity.name,
    };
    let identities = api.engine.store().configuration().await?.identities;
    Ok(Json(Providers { password: true, items: identities.into_iter().map(view).collect() }))
}

async fn start(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<IdentityId>,
    Query(next): Query<Next>,
    headers: HeaderMap,
) -> Response {
    // Behind a proxy elsewhere all people are one address: who makes names up leaves the others their departures.
    let known = api.engine.leads_to_a_provider(&id).await.map_err(Problem::from);
    if let Err(problem) = known.and_then(|()| api.logins.depart(visitor.from, api.engine.now())) {
        return sorry(problem);
    }
    let errand = Errand::SignIn { former: session_cookie(&headers) };
    match api.engine.depart(&id, &next.next, errand).await {
        Ok(departure) => leave(&api, &departure),
        Err(error) => sorry(error.into()),
    }
}

/// Links the provider to the account that is signed in here: by a session, for whoever holds a token is not its owner.
/// Another site can't begin this: the session's cookie is not sent along from there.
async fn link(
    State(api): State<Api>,
    caller: Result<Caller, Problem>,
    Path(id): Path<IdentityId>,
    Query(next): Query<Next>,
) -> Response {
    let session = match caller.as_ref().map_err(Clone::clone).and_then(own_session) {
        Ok(session) => session,
        Err(problem) => return sorry(problem),
    };
    match api.engine.depart(&id, &next.next, Errand::Link { session }).await {
        Ok(departure) => leave(&api, &departure),
        Err(error) => sorry(error.into()),
    }
}

async fn callback(
    State(api): State<Api>,
    visitor: Visitor,
    Path(id): Path<IdentityId>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    let cookie = crate::auth::cookie(&headers, COOKIE);
    let (code, error) = (back.code.as_deref(), back.error.as_deref());
    let answer = Answer { cookie, state: &back.state, code, error };
    let arrived = match api.engine.arrive(&id, &answer, &visitor.whence).await {
        Ok(arrived) => arrived,
        Err(error) => return sorry(error.into()),
    };
    let mut response = page(StatusCode::OK, &go_on(&arrived.next));
    forget(response.headers_mut());
    match arrived.cookie.map(|cookie| set_cookie(&api.engine, &cookie)) {
        Some(Ok(value)) => {
            response.headers_mut().append(header::SET_COOKIE, value);
            response
        }
        Some(Err(problem)) => sorry(problem),
        None => response,
    }
}

fn leave(api: &Api, departure: &Departure) -> Response {
    use secrecy::ExposeSecret;
    let (cookie, seconds) = (departure.cookie.expose_secret(), LASTS.as_secs());
    let secure = secure(&api.engine);
    let text = format!("{COOKIE}={cookie}; Path=/auth/oidc; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    match (HeaderValue::from_str(&departure.url), HeaderValue::from_str(&text)) {
        (Ok(url), Ok(mut cookie)) => {
            cookie.set_sensitive(true);
            let headers = [
                (header::LOCATION, url),
                (header::SET_COOKIE, cookie),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        (Err(_), _) | (_, Err(_)) => sorry(EngineError::Upstream("the provider's address is none".into()).into()),
    }
}

/// A cookie of a try is worth one answer.
fn forget(headers: &mut HeaderMap) {
    let gone = "davit_sign_in=; Path=/auth/oidc; Max-Age=0; HttpOnly; SameSite=Lax";
    headers.append(header::SET_COOKIE, HeaderValue::from_static(gone));
}

/// Leads on within the site, with the session's cookie; scripts are not allowed in a page like this.
fn go_on(next: &str) -> String {
    let next = escaped(next);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>davit</title>\
         <meta http-equiv=\"refresh\" content=\"0;url={next}\"></head><body><p><a href=\"{next}\">Go on · 继续</a></p>\
         </body></html>"
    )
}

fn sorry(problem: Problem) -> Response {
    let (status, detail) = problem.into_parts();
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>davit</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><h1>You are not signed in · 未能登录</h1>\
         <p>{}</p><p><a href=\"/login\">Try again · 重试</a></p></body></html>",
        escaped(&detail)
    );
    let mut response = page(status, &text);
    forget(response.headers_mut());
    response
}

fn page(status: StatusCode, text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text.to_owned()).into_response()
}

/// For text and for values of attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}
