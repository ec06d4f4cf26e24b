//! Gitee's webhooks.
//!
//! Sources: gitee.com/api/v5/swagger, group Webhooks; gitee.com/help/articles/4290 for the two ways to sign.

use super::super::Shared;
use super::super::model::{Access, Hook, Permission};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Fields, Query, json};
use super::{PAGING, allowed, fields, invalid, not_found, require, wrong};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, patch};
use serde_json::{Value, json};
use std::sync::Arc;

const EVENTS: [&str; 5] = ["push_events", "tag_push_events", "issues_events", "note_events", "merge_requests_events"];

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/hooks", get(list).post(create))
        .route("/repos/{owner}/{name}/hooks/{hook}", patch(change))
}

async fn list(State(shared): State<Arc<Shared>>, Path((owner, name)): Path<(String, String)>, query: Query) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
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
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
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
    configure(&mut hook, &fields(&headers, &body)?)?;
    json(StatusCode::CREATED, &shown(&shared, &shared.keep_hook(hook)))
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
    let found = shared.hooks_of(&repository).into_iter().find(|known| known.id.to_string() == hook);
    let Some(mut hook) = found else { return Err(not_found("404 Hook Not Found")) };
    configure(&mut hook, &fields(&headers, &body)?)?;
    shared.change_hook(&hook);
    json(StatusCode::OK, &shown(&shared, &hook))
}

fn configure(hook: &mut Hook, fields: &Fields) -> Result<(), Refused> {
    require(fields, &["url"])?;
    let Ok(url) = fields.link("url") else { return Err(wrong("url is invalid")) };
    url.unwrap_or_default().clone_into(&mut hook.url);
    if let Some(password) = fields.text("password").map_err(invalid)? {
        password.clone_into(&mut hook.secret);
    }
    // 0: the password itself; 1: a signature of the time with it as the key.
    match fields.0.get("encryption_type").map(|value| value.to_string().trim_matches('"').to_owned()).as_deref() {
        None => {}
        Some("0") => hook.signs = false,
        Some("1") => hook.signs = true,
        Some(_) => return Err(wrong("encryption_type does not have a valid value")),
    }
    for event in EVENTS {
        if let Some(wanted) = fields.flag(event).map_err(invalid)? {
            hook.events.retain(|known| known != event);
            hook.events.extend(wanted.then(|| event.to_owned()));
        }
    }
    Ok(())
}

/// A hook as Gitee shows it: with its password.
fn shown(shared: &Shared, hook: &Hook) -> Value {
    let last = shared.attempts_of(hook.id).pop().map(|attempt| attempt.status);
    let mut body = json!({
        "id": hook.id,
        "url": hook.url,
        "password": hook.secret,
        "project_id": shared.repository_id(&hook.repository),
        "result": if last.is_some_and(|status| (200..300).contains(&status)) { "success" } else { "" },
        "result_code": last,
        "created_at": rfc3339(shared.now()),
    });
    for event in EVENTS {
        body[event] = json!(hook.events.iter().any(|known| known == event));
    }
    body
}
