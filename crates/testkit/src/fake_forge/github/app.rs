//! GitHub Apps: who asks, and the tokens of installations.
//!
//! Sources: docs.github.com/apps ("Generating a JSON Web Token", "Authenticating as a GitHub App installation") for
//! the claims and their limits; docs.github.com/rest/apps/apps for the calls.

use super::super::Shared;
use super::super::model::Installation;
use super::super::server::{Answer, rfc3339};
use super::super::wire::json;
use super::{not_found, refusal};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::Arc;

/// A JWT is for at most ten minutes.
const MAX_JWT_SECONDS: i64 = 600;
/// A token of an installation is for an hour.
const TOKEN_SECONDS: i64 = 3600;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/app", get(own_app))
        .route("/app/installations", get(list))
        .route("/app/installations/{id}/access_tokens", post(create_token))
        .route("/repos/{owner}/{name}/installation", get(of_repository))
        .route("/users/{owner}/installation", get(of_owner))
        .route("/orgs/{owner}/installation", get(of_owner))
}

/// What GitHub calls the credential of a request that it refuses.
pub(super) fn called(headers: &HeaderMap) -> &'static str {
    if bearer(headers).is_some_and(|token| token.starts_with("ghs_")) { "integration" } else { "personal access token" }
}

/// Checks the token, the token of an installation, or the App's own JWT, whichever the path asks for.
pub(super) fn refuse_caller(shared: &Shared, request: &request::Parts) -> Option<Response> {
    let token = bearer(&request.headers).unwrap_or_default();
    let path = request.uri.path();
    let for_apps = path.starts_with("/app") || path.ends_with("/installation");
    if for_apps {
        return app_of(shared, token).err().map(|(status, words)| refusal(status, words));
    }
    if token == shared.token {
        return None;
    }
    let (now, state) = (seconds(shared), shared.state());
    let holds = |installation: &&Installation| installation.tokens.iter().any(|(t, end)| t == token && *end > now);
    let Some(installation) = state.installations.iter().find(holds) else {
        return Some(refusal(StatusCode::UNAUTHORIZED, "Bad credentials"));
    };
    // Other accounts' repositories are not there for it.
    let own = format!("/repos/{}/", installation.owner);
    (path.starts_with("/repos/") && !path.starts_with(&own)).then(not_found)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("token "))
}

/// By the clock that its answers' dates are from: an App goes by those.
fn seconds(shared: &Shared) -> i64 {
    shared.now() / 1000
}

/// The App that a JWT proves to be.
fn app_of(shared: &Shared, jwt: &str) -> Result<String, (StatusCode, &'static str)> {
    let unreadable = (StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    let (signed, signature) = jwt.rsplit_once('.').ok_or(unreadable)?;
    let (head, claims) = signed.split_once('.').ok_or(unreadable)?;
    let part = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
    let (head, claims) = (part(head).ok_or(unreadable)?, part(claims).ok_or(unreadable)?);
    if head["alg"] != "RS256" {
        return Err(unreadable);
    }
    // An App has a number and a client id; either names it. Numbers may be written as such.
    let app = claims["iss"].as_str().map(str::to_owned).or_else(|| claims["iss"].as_i64().map(|id| id.to_string()));
    let app = app.ok_or((StatusCode::UNAUTHORIZED, "'Issuer' claim ('iss') must be an Integer"))?;
    let state = shared.state();
    let installation = state.installations.iter().find(|installation| installation.app == app);
    let Some(installation) = installation else { return Err((StatusCode::NOT_FOUND, "Integration not found")) };
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &installation.public_key);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| unreadable)?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| unreadable)?;
    check_times(&claims, seconds(shared))?;
    Ok(app)
}

fn check_times(claims: &Value, now: i64) -> Result<(), (StatusCode, &'static str)> {
    let refuse = |words| Err((StatusCode::UNAUTHORIZED, words));
    match claims["iat"].as_i64() {
        Some(made) if made <= now => {}
        Some(_) | None => {
            return refuse(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            );
        }
    }
    match claims["exp"].as_i64() {
        Some(end) if end > now + MAX_JWT_SECONDS => refuse("'Expiration time' claim ('exp') is too far in the future"),
        Some(end) if end > now => Ok(()),
        Some(_) | None => refuse(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ),
    }
}

/// Where this App is installed; its JWT was checked at the door.
fn installations(shared: &Shared, headers: &HeaderMap) -> Vec<Installation> {
    let app = bearer(headers).and_then(|jwt| app_of(shared, jwt).ok()).unwrap_or_default();
    shared.state().installations.iter().filter(|installation| installation.app == app).cloned().collect()
}

async fn own_app(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    let app = installations(&shared, &headers).pop().map(|installation| installation.app);
    json(StatusCode::OK, &json!({ "id": app, "slug": "davit", "name": "davit", "permissions": permissions() }))
}

async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    let all: Vec<Value> = installations(&shared, &headers).iter().map(|one| shown(&shared, one)).collect();
    json(StatusCode::OK, &json!(all))
}

async fn of_repository(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let known = shared.state().repositories.contains_key(&format!("{owner}/{name}"));
    if !known {
        return Err(not_found().into());
    }
    of_owner(State(shared), Path(owner), headers).await
}

async fn of_owner(State(shared): State<Arc<Shared>>, Path(owner): Path<String>, headers: HeaderMap) -> Answer {
    let all = installations(&shared, &headers);
    let Some(found) = all.iter().find(|installation| installation.owner == owner) else {
        return Err(not_found().into());
    };
    json(StatusCode::OK, &shown(&shared, found))
}

fn shown(shared: &Shared, installation: &Installation) -> Value {
    let url = format!("{}/app/installations/{}", shared.api_url(), installation.id);
    json!({
        "id": installation.id,
        "account": { "login": installation.owner, "id": 1, "type": "Organization" },
        "repository_selection": "all",
        "access_tokens_url": format!("{url}/access_tokens"),
        "app_id": installation.app.parse::<i64>().unwrap_or(1),
        "target_type": "Organization",
        "permissions": permissions(),
        "events": ["push", "pull_request"],
        "suspended_at": null,
    })
}

fn permissions() -> Value {
    json!({
        "metadata": "read", "contents": "read", "statuses": "write", "deployments": "write",
        "pull_requests": "write", "repository_hooks": "write", "administration": "write", "checks": "write",
    })
}

async fn create_token(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let mine = installations(&shared, &headers);
    if !mine.iter().any(|installation| installation.id.to_string() == id) {
        return Err(not_found().into());
    }
    let end = seconds(&shared) + TOKEN_SECONDS;
    let mut state = shared.state();
    let given: usize = state.installations.iter().map(|installation| installation.tokens.len()).sum();
    let token = format!("ghs_fake{:032}", given + 1);
    let installation = state.installations.iter_mut().find(|installation| installation.id.to_string() == id);
    installation.expect("it was just there").tokens.push((token.clone(), end));
    drop(state);
    shared.note();
    let body = json!({
        "token": token,
        "expires_at": rfc3339(end * 1000),
        "permissions": permissions(),
        "repository_selection": "all",
    });
    json(StatusCode::CREATED, &body)
}
