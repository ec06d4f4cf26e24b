//! GitLab's project webhooks, their events of the past week, and sending one again.
//!
//! Sources: docs.gitlab.com/api/project_webhooks; gitlab.com/gitlab-org/gitlab merge request 231325 (`signing_token`:
//! `whsec_` and 32 bytes in base64, never shown); a changed URL drops the secret token.

use super::super::Shared;
use super::super::model::{Access, Attempt, Hook, Permission};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Fields, Query, json};
use super::{PAGING, allowed, fields, not_found, require, wrong, wrong_field};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const HOOKS: Option<Permission> = Some(Permission::Hooks);
/// What a hook can tell about; pushes unless told otherwise.
const EVENTS: [&str; 12] = [
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "deployment_events",
    "pipeline_events",
    "job_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "wiki_page_events",
    "releases_events",
];
/// Events are kept for a week.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// So many failures in a row disable a hook for a while, and so many for good.
const DISABLED_AFTER: u32 = 4;
const GONE_AFTER: u32 = 40;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/projects/{id}/hooks", get(list).post(create))
        .route("/projects/{id}/hooks/{hook}", get(show).put(change))
        .route("/projects/{id}/hooks/{hook}/events", get(events))
        .route("/projects/{id}/hooks/{hook}/events/{event}/resend", post(resend))
}

async fn list(State(shared): State<Arc<Shared>>, Path(id): Path<String>, query: Query) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    let items = shared.hooks_of(&repository).iter().map(|hook| shown(&shared, hook)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/projects/{id}/hooks", shared.api_url())))
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["url"])?;
    let mut hook = Hook {
        id: 0,
        repository,
        url: String::new(),
        secret: String::new(),
        signs: false,
        events: vec!["push_events".to_owned()],
        active: true,
        form: false,
        failures: 0,
    };
    configure(&mut hook, &fields)?;
    json(StatusCode::CREATED, &shown(&shared, &shared.keep_hook(hook)))
}

fn configure(hook: &mut Hook, fields: &Fields) -> Result<(), Refused> {
    let text = |name: &str| fields.text(name).map_err(wrong_field);
    let Ok(url) = fields.link("url") else {
        let body = json!({ "error": "Invalid url given" });
        return Err((StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response().into());
    };
    if let Some(url) = url.filter(|url| *url != hook.url) {
        url.clone_into(&mut hook.url);
        hook.secret.clear();
    }
    for event in EVENTS {
        if let Some(wanted) = fields.flag(event).map_err(wrong_field)? {
            hook.events.retain(|known| known != event);
            hook.events.extend(wanted.then(|| event.to_owned()));
        }
    }
    if let Some(token) = text("token")? {
        token.clone_into(&mut hook.secret);
        hook.signs = false;
    }
    if let Some(token) = text("signing_token")? {
        let key = token.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        if key.is_none_or(|key| key.len() != 32) {
            return Err(wrong("signing_token is invalid"));
        }
        token.clone_into(&mut hook.secret);
        hook.signs = true;
    }
    Ok(())
}

async fn show(State(shared): State<Arc<Shared>>, Path((id, hook)): Path<(String, String)>) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    json(StatusCode::OK, &shown(&shared, &find(&shared, &repository, &hook)?))
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path((id, hook)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["url"])?;
    let mut hook = find(&shared, &repository, &hook)?;
    configure(&mut hook, &fields)?;
    shared.change_hook(&hook);
    json(StatusCode::OK, &shown(&shared, &hook))
}

fn find(shared: &Shared, repository: &str, id: &str) -> Result<Hook, Refused> {
    let found = shared.hooks_of(repository).into_iter().find(|hook| hook.id.to_string() == id);
    found.ok_or_else(|| not_found(""))
}

fn shown(shared: &Shared, hook: &Hook) -> Value {
    let alert = match hook.failures {
        GONE_AFTER.. => "disabled",
        DISABLED_AFTER.. => "temporarily_disabled",
        _ => "executable",
    };
    let mut body = json!({
        "id": hook.id,
        "url": hook.url,
        "name": null,
        "description": null,
        "project_id": shared.repository_id(&hook.repository),
        "push_events_branch_filter": "",
        "enable_ssl_verification": true,
        "alert_status": alert,
        "disabled_until": null,
        "url_variables": [],
        "created_at": rfc3339(shared.now()),
        "token_present": !hook.signs && !hook.secret.is_empty(),
        "signing_token_present": hook.signs,
    });
    for event in EVENTS {
        body[event] = json!(hook.events.iter().any(|known| known == event));
    }
    body
}

async fn events(State(shared): State<Arc<Shared>>, Path((id, hook)): Path<(String, String)>, query: Query) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    let hook = find(&shared, &repository, &hook)?;
    let oldest = shared.now() - KEPT_MS;
    let wanted = |attempt: &&Attempt| match query.get("status").map(String::as_str) {
        None => true,
        Some("successful") => (200..300).contains(&attempt.status),
        Some("client_failure") => (400..500).contains(&attempt.status),
        Some("server_failure") => (500..600).contains(&attempt.status),
        Some(status) => attempt.status.to_string() == status,
    };
    let attempts = shared.attempts_of(hook.id);
    let newest_first = attempts.iter().rev().filter(|attempt| attempt.at >= oldest).filter(wanted);
    let items = newest_first.map(|attempt| shown_event(&hook, attempt)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/projects/{id}/hooks/{}/events", shared.api_url(), hook.id)))
}

fn shown_event(hook: &Hook, attempt: &Attempt) -> Value {
    let sent: Map<String, Value> = attempt
        .delivery
        .headers
        .iter()
        .map(|(name, value)| {
            let text =
                if name == "x-gitlab-token" { "[REDACTED]".into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (title_case(name.as_str()), json!(text))
        })
        .collect();
    json!({
        "id": attempt.id,
        "url": hook.url,
        "trigger": attempt.delivery.event.to_lowercase().replace(' ', "_") + "s",
        "request_headers": sent,
        "request_data": serde_json::from_slice::<Value>(&attempt.delivery.body).unwrap_or(Value::Null),
        "response_headers": {},
        "response_body": "",
        "execution_duration": 0.27,
        // A receiver that can't be reached has no status.
        "response_status": if attempt.status == 0 { "internal error".to_owned() } else { attempt.status.to_string() },
    })
}

/// `idempotency-key` as `Idempotency-Key`; ids in capitals, as GitLab writes them.
fn title_case(name: &str) -> String {
    let part = |part: &str| match part {
        "uuid" => "UUID".to_owned(),
        _ => part.get(..1).unwrap_or_default().to_uppercase() + part.get(1..).unwrap_or_default(),
    };
    if name.starts_with("webhook-") {
        return name.to_owned();
    }
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

async fn resend(State(shared): State<Arc<Shared>>, Path((id, hook, event)): Path<(String, String, String)>) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, HOOKS)?;
    let hook = find(&shared, &repository, &hook)?;
    let found = shared.attempts_of(hook.id).into_iter().find(|attempt| attempt.id.to_string() == event);
    let Some(attempt) = found else { return Err(not_found("")) };
    let status = shared.deliver(&hook, attempt.delivery, true).await;
    if status == 0 {
        let body = json!({ "message": "Failed to open TCP connection" });
        return Err((StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response().into());
    }
    json(StatusCode::CREATED, &json!({ "response_status": status }))
}
