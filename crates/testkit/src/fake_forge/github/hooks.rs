//! GitHub's repository webhooks, what they delivered, and asking for a delivery again.
//!
//! Sources: docs.github.com/rest/repos/webhooks (a changed `config` without a secret removes the secret; the content
//! type is a form unless said otherwise) and docs.github.com/webhooks ("Viewing webhook deliveries": of the past three
//! days; "Redelivering webhooks": the same GUID).

use super::super::Shared;
use super::super::model::{Access, Attempt, Hook, Permission};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Fields, Invalid, Query, json};
use super::{PAGING, allowed, fields, invalid, invalid_request, not_found, refusal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

const READ: (Permission, &str) = (Permission::Hooks, "repository_hooks=read");
const WRITE: (Permission, &str) = (Permission::Hooks, "repository_hooks=write");
/// What can be asked for when a hook is made.
const FIELDS: [&str; 4] = ["name", "config", "events", "active"];
/// Deliveries are kept for three days.
const KEPT_MS: i64 = 3 * 24 * 3_600_000;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/hooks", get(list).post(create))
        .route("/repos/{owner}/{name}/hooks/{hook}", get(show).patch(change))
        .route("/repos/{owner}/{name}/hooks/{hook}/deliveries", get(deliveries))
        .route("/repos/{owner}/{name}/hooks/{hook}/deliveries/{id}", get(delivery))
        .route("/repos/{owner}/{name}/hooks/{hook}/deliveries/{id}/attempts", post(redeliver))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(READ))?;
    let items = shared.hooks_of(&repository).iter().map(|hook| shown(&shared, hook)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/hooks", shared.api_url())))
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(WRITE))?;
    let fields = fields(&body)?;
    if let Some(unknown) = fields.0.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(invalid_request(&format!("{unknown:?} is not a permitted key.")));
    }
    let refuse = invalid("Hook");
    if fields.text("name").map_err(&refuse)?.is_some_and(|name| name != "web") {
        return Err(refuse(Invalid::new("name", "name is not a known integration")));
    }
    let mut hook = Hook {
        id: 0,
        repository: repository.clone(),
        url: String::new(),
        secret: String::new(),
        signs: true,
        events: fields.texts("events").map_err(&refuse)?.unwrap_or_else(|| vec!["push".to_owned()]),
        active: fields.flag("active").map_err(&refuse)?.unwrap_or(true),
        form: true,
        failures: 0,
    };
    configure(&mut hook, &fields).map_err(&refuse)?;
    if hook.url.is_empty() {
        return Err(refuse(Invalid::new("url", "Config must contain URL for webhooks")));
    }
    if shared.hooks_of(&repository).iter().any(|other| other.url == hook.url && other.events == hook.events) {
        return Err(refuse(Invalid::new("url", "Hook already exists on this repository")));
    }
    let made = shared.keep_hook(hook);
    json(StatusCode::CREATED, &shown(&shared, &made))
}

/// Takes over a `config`, which stands for the whole of it.
fn configure(hook: &mut Hook, fields: &Fields) -> Result<(), Invalid> {
    let Some(config) = fields.inner("config")? else { return Ok(()) };
    if let Some(url) = config.link("url")? {
        url.clone_into(&mut hook.url);
    }
    hook.form = match config.text("content_type")?.unwrap_or("form") {
        "json" => false,
        "form" => true,
        _ => return Err(Invalid::new("content_type", "content_type is not included in the list")),
    };
    hook.secret = config.text("secret")?.unwrap_or_default().to_owned();
    Ok(())
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(READ))?;
    json(StatusCode::OK, &shown(&shared, &find(&shared, &repository, &hook)?))
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(WRITE))?;
    let mut hook = find(&shared, &repository, &hook)?;
    let fields = fields(&body)?;
    let refuse = invalid("Hook");
    configure(&mut hook, &fields).map_err(&refuse)?;
    let texts = |field: &str| fields.texts(field).map_err(&refuse);
    if let Some(events) = texts("events")? {
        hook.events = events;
    }
    hook.events.extend(texts("add_events")?.unwrap_or_default());
    let removed = texts("remove_events")?.unwrap_or_default();
    hook.events.retain(|event| !removed.contains(event));
    hook.active = fields.flag("active").map_err(&refuse)?.unwrap_or(hook.active);
    shared.change_hook(&hook);
    json(StatusCode::OK, &shown(&shared, &hook))
}

fn find(shared: &Shared, repository: &str, id: &str) -> Result<Hook, Refused> {
    let found = shared.hooks_of(repository).into_iter().find(|hook| hook.id.to_string() == id);
    found.ok_or_else(|| not_found().into())
}

/// A hook as GitHub shows it: the secret is stars.
fn shown(shared: &Shared, hook: &Hook) -> Value {
    let url = format!("{}/repos/{}/hooks/{}", shared.api_url(), hook.repository, hook.id);
    let last = shared.attempts_of(hook.id).pop();
    let last_response = match &last {
        None => json!({ "code": null, "status": "unused", "message": null }),
        Some(attempt) => json!({
            "code": code(attempt),
            "status": if is_success(attempt) { "active" } else { "misconfigured" },
            "message": words(attempt),
        }),
    };
    let mut config = json!({
        "content_type": if hook.form { "form" } else { "json" },
        "insecure_ssl": "0",
        "url": hook.url,
    });
    if !hook.secret.is_empty() {
        config["secret"] = json!("********");
    }
    json!({
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config,
        "updated_at": rfc3339(shared.now()),
        "created_at": rfc3339(shared.now()),
        "url": url,
        "test_url": format!("{url}/test"),
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
        "last_response": last_response,
    })
}

async fn deliveries(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(READ))?;
    let hook = find(&shared, &repository, &hook)?;
    let oldest = shared.now() - KEPT_MS;
    let wanted = |attempt: &Attempt| match query.get("status").map(String::as_str) {
        None => true,
        Some(status) => (status == "success") == is_success(attempt),
    };
    let cursor = match query.get("cursor") {
        None => i64::MAX,
        Some(cursor) => cursor
            .strip_prefix("v1_")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Refused::from(refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid cursor")))?,
    };
    let size = query.get("per_page").and_then(|size| size.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let mut found: Vec<Attempt> = shared.attempts_of(hook.id);
    found.retain(|attempt| attempt.at >= oldest && attempt.id < cursor && wanted(attempt));
    found.reverse();
    let more = found.len() > size;
    found.truncate(size);
    let items: Vec<Value> = found.iter().map(|attempt| shown_attempt(&shared, &repository, attempt)).collect();
    let mut response = axum::Json(items).into_response();
    if let (true, Some(last)) = (more, found.last()) {
        let url = format!("{}/repos/{repository}/hooks/{}/deliveries", shared.api_url(), hook.id);
        let status = query.get("status").map(|status| format!("&status={status}")).unwrap_or_default();
        let link = format!("<{url}?per_page={size}&cursor=v1_{}{status}>; rel=\"next\"", last.id);
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).expect("an address is ASCII"));
    }
    Ok(response)
}

fn shown_attempt(shared: &Shared, repository: &str, attempt: &Attempt) -> Value {
    let payload: Value = serde_json::from_slice(&attempt.delivery.body).unwrap_or(Value::Null);
    json!({
        "id": attempt.id,
        "guid": attempt.guid,
        "delivered_at": rfc3339(attempt.at),
        "redelivery": attempt.redelivery,
        "duration": 0.27,
        "status": words(attempt),
        "status_code": code(attempt),
        "event": attempt.delivery.event,
        "action": payload["action"],
        "installation_id": null,
        "repository_id": shared.repository_id(repository),
        "throttled_at": null,
    })
}

fn is_success(attempt: &Attempt) -> bool {
    (200..300).contains(&attempt.status)
}

/// A receiver that can't be reached counts as a bad gateway.
fn code(attempt: &Attempt) -> u16 {
    if attempt.status == 0 { 502 } else { attempt.status }
}

fn words(attempt: &Attempt) -> String {
    match attempt.status {
        0 => "failed to connect to host".to_owned(),
        200..300 => "OK".to_owned(),
        status => format!("Invalid HTTP Response: {status}"),
    }
}

async fn delivery(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook, id)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(READ))?;
    let attempt = find_attempt(&shared, &repository, &hook, &id)?;
    let mut body = shown_attempt(&shared, &repository, &attempt);
    let sent = attempt.delivery.headers.iter();
    let sent = sent.map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))));
    body["request"] = json!({
        "headers": sent.collect::<serde_json::Map<_, _>>(),
        "payload": serde_json::from_slice::<Value>(&attempt.delivery.body).unwrap_or(Value::Null),
    });
    body["response"] = json!({ "headers": {}, "payload": "" });
    json(StatusCode::OK, &body)
}

fn find_attempt(shared: &Shared, repository: &str, hook: &str, id: &str) -> Result<Attempt, Refused> {
    let hook = find(shared, repository, hook)?;
    let oldest = shared.now() - KEPT_MS;
    let found = shared.attempts_of(hook.id).into_iter().find(|attempt| attempt.id.to_string() == id);
    found.filter(|attempt| attempt.at >= oldest).ok_or_else(|| not_found().into())
}

async fn redeliver(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook, id)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Admin, Some(WRITE))?;
    let attempt = find_attempt(&shared, &repository, &hook, &id)?;
    let hook = find(&shared, &repository, &hook)?;
    if !hook.active {
        return Err(invalid("Hook")(Invalid::new("active", "This hook is not active")));
    }
    shared.deliver_soon(&hook, attempt.delivery);
    json(StatusCode::ACCEPTED, &json!({}))
}
