//! GitLab (`/api/v4`): projects, commit statuses with their state machine, merge requests, deploy keys.
//!
//! Sources, all of gitlab.com/gitlab-org/gitlab: `lib/api/commit_statuses.rb` with `app/services/ci/
//! create_commit_status_service.rb` and the state machine of `app/models/commit_status.rb` (only a status that is
//! pending or running is changed; after its end a new one begins), `lib/api/deploy_keys.rb`, and
//! docs.gitlab.com/api/{commits,merge_requests,personal_access_tokens,rest}. The refusal of pending after pending is
//! also in many issues, such as woodpecker-ci/woodpecker#4067.

mod changes;
mod deployments;
mod hooks;

use super::Shared;
use super::model::{Access, Budget, Change, Comment, DeployKey, Permission, Status};
use super::server::{Answer, Denied, Dialect, Refused, rfc3339};
use super::wire::{Fields, Invalid, Paging, Query, content_type, form, json};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use davit_domain::status::CommitState;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const MAX_TEXT: usize = 255;
const PAGING: Paging = Paging { size: "per_page", default: 20, max: 100, total: Some("x-total") };

#[derive(Debug)]
pub(super) struct GitLab;

impl Dialect for GitLab {
    fn root(&self) -> &'static str {
        "/api/v4"
    }

    fn routes(&self) -> Router<Arc<Shared>> {
        let own = Router::new()
            .route("/user", get(own_user))
            .route("/personal_access_tokens/self", get(own_token))
            .route("/projects/{id}", get(project))
            .route("/projects/{id}/statuses/{sha}", post(create_status))
            .route("/projects/{id}/repository/commits/{sha}/statuses", get(list_statuses))
            .route("/projects/{id}/merge_requests", get(list_merge_requests))
            .route("/projects/{id}/merge_requests/{number}/notes", post(comment))
            .route("/projects/{id}/deploy_keys", get(list_keys).post(add_key));
        own.merge(changes::routes()).merge(deployments::routes()).merge(hooks::routes())
    }

    fn refuse_caller(&self, shared: &Shared, request: &request::Parts) -> Option<Response> {
        let text = |name: HeaderName| request.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let shown = text(HeaderName::from_static("private-token")).or(bearer);
        if shown != Some(&shared.token) {
            return Some(refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized"));
        }
        let scopes = shared.state().scopes.clone();
        let scopes: Vec<&str> = scopes.as_deref().unwrap_or("api").split([',', ' ']).collect();
        let reads = request.method == axum::http::Method::GET;
        if scopes.contains(&"api") || (reads && scopes.contains(&"read_api")) {
            return None;
        }
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": if reads { "api read_api" } else { "api" },
        });
        // Every token may ask about itself.
        let about_itself = request.uri.path() == "/personal_access_tokens/self";
        (!about_itself).then(|| (StatusCode::FORBIDDEN, Json(body)).into_response())
    }

    fn refusal(&self, status: StatusCode, message: &str) -> Response {
        refusal(status, message)
    }

    fn no_such_path(&self) -> Response {
        (StatusCode::NOT_FOUND, Json(json!({ "error": "404 Not Found" }))).into_response()
    }

    fn no_such_method(&self) -> Response {
        (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": "405 Not Allowed" }))).into_response()
    }

    fn exhausted(&self, budget: &Budget, now: i64) -> Response {
        let wait = (budget.reset - now + 999).div_euclid(1000).max(1);
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait.to_string())], "Retry later\n").into_response()
    }

    fn tell_budget(&self, budget: Option<&Budget>, _now: i64, headers: &mut HeaderMap) {
        // A self-managed GitLab has no limits until somebody sets them.
        let Some(budget) = budget else { return };
        let reset = u64::try_from(budget.reset.div_euclid(1000) + 1).unwrap_or(0);
        let observed = budget.limit - budget.remaining;
        for (name, value) in
            [("limit", budget.limit), ("observed", observed), ("remaining", budget.remaining), ("reset", reset)]
        {
            let name = HeaderName::try_from(format!("ratelimit-{name}")).expect("a header's name");
            headers.entry(name).or_insert(HeaderValue::from(value));
        }
        headers.entry("ratelimit-name").or_insert(HeaderValue::from_static("throttle_authenticated_api"));
    }
}

/// A refusal as GitLab words it.
fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

fn not_found(what: &str) -> Refused {
    refusal(StatusCode::NOT_FOUND, &format!("404 {what}Not Found")).into()
}

/// What a model's validation says: each field with its complaints.
fn invalid(Invalid { field, message }: Invalid) -> Refused {
    let errors: Map<String, Value> = [(field, json!([message]))].into_iter().collect();
    (StatusCode::BAD_REQUEST, Json(json!({ "message": errors }))).into_response().into()
}

/// What the check of a call's parameters says, before anything is looked up.
fn wrong(message: &str) -> Refused {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": message }))).into_response().into()
}

fn wrong_field(Invalid { field, .. }: Invalid) -> Refused {
    wrong(&format!("{field} is invalid"))
}

/// The fields of a call: from JSON or a form, and from the query, as GitLab takes them.
fn fields(headers: &HeaderMap, query: Option<&str>, body: &Bytes) -> Result<Fields, Refused> {
    let mut fields = form(query.unwrap_or_default());
    match content_type(headers) {
        "application/json" if body.is_empty() => {}
        "application/json" => match serde_json::from_slice(body) {
            Ok(Value::Object(more)) => fields.extend(more),
            Ok(_) | Err(_) => return Err(wrong("message body does not match declared format")),
        },
        "application/x-www-form-urlencoded" => fields.extend(form(&String::from_utf8_lossy(body))),
        "" if body.is_empty() => {}
        other => {
            let words = format!("The provided content-type '{other}' is not supported.");
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Json(json!({ "error": words }))).into_response().into());
        }
    }
    Ok(Fields(fields))
}

/// Refuses a call that lacks fields, with all their names.
fn require(fields: &Fields, names: &[&str]) -> Result<(), Refused> {
    let missing = names.iter().filter(|name| !fields.0.contains_key(**name));
    let missing: Vec<String> = missing.map(|name| format!("{name} is missing")).collect();
    if missing.is_empty() { Ok(()) } else { Err(wrong(&missing.join(", "))) }
}

/// The project of a number or a path, when we may do this there.
fn allowed(shared: &Shared, id: &str, needs: Access, permission: Option<Permission>) -> Result<String, Refused> {
    let known: Vec<String> = shared.state().repositories.keys().cloned().collect();
    let named = |name: &&String| name.as_str() == id || shared.repository_id(name).to_string() == id;
    let Some(repository) = known.iter().find(named) else { return Err(not_found("Project ")) };
    match shared.may(repository, needs, permission) {
        Ok(()) => Ok(repository.clone()),
        Err(Denied::Hidden) => Err(not_found("Project ")),
        Err(Denied::Forbidden) => Err(refusal(StatusCode::FORBIDDEN, "403 Forbidden").into()),
    }
}

/// Whose the token is.
async fn own_user() -> Answer {
    json(StatusCode::OK, &json!({ "id": 1, "username": "davit", "name": "davit", "state": "active" }))
}

async fn own_token(State(shared): State<Arc<Shared>>) -> Answer {
    let scopes = shared.state().scopes.clone().unwrap_or_else(|| "api".to_owned());
    let scopes: Vec<&str> = scopes.split([',', ' ']).filter(|scope| !scope.is_empty()).collect();
    let body = json!({
        "id": 1, "name": "davit", "revoked": false, "active": true, "user_id": 1, "scopes": scopes,
        "created_at": rfc3339(shared.now()), "last_used_at": rfc3339(shared.now()), "expires_at": null,
    });
    json(StatusCode::OK, &body)
}

async fn project(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let path = allowed(&shared, &id, Access::Read, None)?;
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let level = if shared.may(&path, Access::Admin, None).is_ok() {
        40
    } else if shared.may(&path, Access::Write, None).is_ok() {
        30
    } else {
        20
    };
    let body = json!({
        "id": shared.repository_id(&path),
        "name": name,
        "path": name,
        "path_with_namespace": path,
        "namespace": { "id": 1, "path": namespace, "full_path": namespace, "kind": "group" },
        "default_branch": "main",
        "visibility": "private",
        "archived": false,
        "web_url": format!("{}/{path}", shared.web_url),
        "http_url_to_repo": format!("{}/{path}.git", shared.web_url),
        "ssh_url_to_repo": format!("git@{}:{path}.git", shared.host()),
        "permissions": {
            "project_access": { "access_level": level, "notification_level": 3 },
            "group_access": null,
        },
    });
    json(StatusCode::OK, &body)
}

async fn create_status(
    State(shared): State<Arc<Shared>>,
    Path((id, sha)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["state"])?;
    let text = |name: &str| fields.text(name).map_err(wrong_field);
    let word = text("state")?.unwrap_or_default().to_owned();
    if !["pending", "running", "success", "failed", "canceled", "skipped"].contains(&word.as_str()) {
        return Err(wrong("state does not have a valid value"));
    }
    let repository = allowed(&shared, &id, Access::Write, Some(Permission::Statuses))?;
    let Some(sha) = shared.commit(&repository, &sha).await else { return Err(not_found("Commit ")) };
    let reference = match text("ref")? {
        Some(reference) => reference.to_owned(),
        None => match shared.branch_with(&repository, &sha).await {
            Some(branch) => branch,
            None => return Err(not_found("References for commit ")),
        },
    };
    let context = text("name")?.or(text("context")?).unwrap_or("default").to_owned();
    let description = text("description")?.unwrap_or_default().to_owned();
    for (field, value) in [("description", &description), ("name", &context)] {
        if value.chars().count() > MAX_TEXT {
            return Err(invalid(Invalid::new(field, "is too long (maximum is 255 characters)")));
        }
    }
    let target_url = text("target_url")?.unwrap_or_default().to_owned();
    if !target_url.is_empty() && fields.link("target_url").is_err() {
        return Err(invalid(Invalid::new("target_url", "is blocked: Only allowed schemes are http, https")));
    }
    let state = shown_as(&word);
    let status = Status { repository, sha, context, reference, state, word, description, target_url };
    accept_status(&shared, status)
}

/// GitLab's words in ours.
fn shown_as(word: &str) -> CommitState {
    match word {
        "success" | "skipped" => CommitState::Success,
        "failed" => CommitState::Failure,
        "canceled" => CommitState::Error,
        _ => CommitState::Pending,
    }
}

/// Moves the status that is open, or begins a new one.
fn accept_status(shared: &Shared, status: Status) -> Answer {
    let mut state = shared.state();
    let open = open_status(&state.statuses, &status).map(|other| other.word.clone());
    let from = open.as_deref().unwrap_or("created");
    let event = match (status.word.as_str(), from) {
        ("pending", "pending" | "running") => Some("enqueue"),
        ("running", "running") => Some("run"),
        ("skipped", "running") => Some("skip"),
        _ => None,
    };
    if let Some(event) = event {
        let words = format!(
            "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
        );
        return Err(refusal(StatusCode::BAD_REQUEST, &words).into());
    }
    state.statuses.push(status);
    let at = state.statuses.len() - 1;
    let body = shown_status(shared, &state.statuses, at);
    drop(state);
    shared.note();
    json(StatusCode::CREATED, &body)
}

fn same(one: &Status, other: &Status) -> bool {
    (&one.repository, &one.sha, &one.context, &one.reference)
        == (&other.repository, &other.sha, &other.context, &other.reference)
}

/// The last of a name, when it is not at its end.
fn open_status<'a>(all: &'a [Status], like: &Status) -> Option<&'a Status> {
    let last = all.iter().rev().find(|other| same(other, like))?;
    matches!(last.word.as_str(), "pending" | "running").then_some(last)
}

/// A status as GitLab shows it: all states of one open status have its number.
fn shown_status(shared: &Shared, all: &[Status], at: usize) -> Value {
    let status = &all[at];
    let mut id = at;
    while let Some(earlier) = (0..id).rev().find(|earlier| same(&all[*earlier], status)) {
        if !matches!(all[earlier].word.as_str(), "pending" | "running") {
            break;
        }
        id = earlier;
    }
    json!({
        "id": id + 1,
        "sha": status.sha,
        "ref": status.reference,
        "status": status.word,
        "name": status.context,
        "target_url": if status.target_url.is_empty() { Value::Null } else { json!(status.target_url) },
        "description": if status.description.is_empty() { Value::Null } else { json!(status.description) },
        "created_at": rfc3339(shared.now()),
        "started_at": null,
        "finished_at": null,
        "allow_failure": false,
        "coverage": null,
        "pipeline_id": 1,
        "author": { "id": 1, "username": "davit", "name": "davit" },
    })
}

async fn list_statuses(
    State(shared): State<Arc<Shared>>,
    Path((id, sha)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, None)?;
    let all = shared.state().statuses.clone();
    let asked = |name: &str, value: &str| query.get(name).is_none_or(|asked| asked == value);
    let newest = |at: usize| !all[at + 1..].iter().any(|later| same(later, &all[at]));
    let every = query.get("all").is_some_and(|all| all == "true");
    let items = (0..all.len())
        .filter(|at| all[*at].repository == repository && all[*at].sha == sha)
        .filter(|at| asked("name", &all[*at].context) && asked("ref", &all[*at].reference))
        .filter(|at| every || newest(*at))
        .map(|at| shown_status(&shared, &all, at))
        .collect();
    let url = format!("{}/projects/{id}/repository/commits/{sha}/statuses", shared.api_url());
    Ok(PAGING.answer(items, &query, &url))
}

async fn list_merge_requests(State(shared): State<Arc<Shared>>, Path(id): Path<String>, query: Query) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, Some(Permission::Changes))?;
    let state = query.get("state").map_or("all", String::as_str);
    if !["opened", "closed", "locked", "merged", "all"].contains(&state) {
        return Err(wrong("state does not have a valid value"));
    }
    let known = shared.state().changes.clone();
    let wanted = |change: &Change| state == "all" || changes::state(change) == state;
    let mine = known.iter().rev().filter(|change| change.repository == repository && wanted(change));
    let items = mine.map(|change| merge_request(&shared, change)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/projects/{id}/merge_requests", shared.api_url())))
}

fn merge_request(shared: &Shared, change: &Change) -> Value {
    let source = change.head_repository.as_deref().map(|name| shared.repository_id(name));
    json!({
        "id": 1000 + change.number,
        "iid": change.number,
        "project_id": shared.repository_id(&change.repository),
        "title": change.title,
        "state": changes::state(change),
        "source_branch": change.head_branch,
        "target_branch": change.base_branch,
        "source_project_id": source,
        "target_project_id": shared.repository_id(&change.repository),
        "author": { "id": 1, "username": change.author, "name": change.author },
        "labels": change.labels,
        "draft": change.draft,
        "work_in_progress": change.draft,
        "sha": change.head.as_str(),
        "merge_commit_sha": change.merge_commit.as_ref().map(|commit| commit.as_str().to_owned()),
        "squash_commit_sha": null,
        "merge_when_pipeline_succeeds": change.auto_merge,
        "merge_status": "unchecked",
        "detailed_merge_status": "unchecked",
        "web_url": format!("{}/{}/-/merge_requests/{}", shared.web_url, change.repository, change.number),
        "references": { "full": format!("{}!{}", change.repository, change.number) },
    })
}

async fn comment(
    State(shared): State<Arc<Shared>>,
    Path((id, number)): Path<(String, i64)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Write, Some(Permission::Changes))?;
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["body"])?;
    if !shared.has_change(&repository, number) {
        return Err(not_found("Merge Request "));
    }
    let body = fields.text("body").map_err(wrong_field)?.unwrap_or_default().to_owned();
    let id = shared.keep_comment(Comment { repository, number, body: body.clone() });
    json(StatusCode::CREATED, &json!({ "id": id, "body": body, "noteable_iid": number }))
}

async fn list_keys(State(shared): State<Arc<Shared>>, Path(id): Path<String>, query: Query) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, Some(Permission::DeployKeys))?;
    let state = shared.state();
    let mine = state.deploy_keys.iter().enumerate().filter(|(_, key)| key.repository == repository);
    let items = mine.map(|(at, key)| shown_key(at, key)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/projects/{id}/deploy_keys", shared.api_url())))
}

async fn add_key(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Admin, Some(Permission::DeployKeys))?;
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["key", "title"])?;
    let text = |name: &str| fields.text(name).map_err(wrong_field).map(|text| text.unwrap_or_default().to_owned());
    let (key, title) = (text("key")?.trim().to_owned(), text("title")?);
    if !super::is_public_key(&key) {
        return Err(invalid(Invalid::new("fingerprint", "cannot be generated")));
    }
    let can_push = fields.flag("can_push").map_err(wrong_field)?.unwrap_or(false);
    let new = DeployKey { repository, title, key, read_only: !can_push };
    let known = |other: &DeployKey| other.key == new.key && other.repository == new.repository;
    // The same key again is no mistake: GitLab shows the one it has.
    let at = shared.keep_key(new.clone(), known);
    let at = at.or_else(|| shared.state().deploy_keys.iter().position(known)).expect("it is new or known");
    let kept = shared.state().deploy_keys[at].clone();
    json(StatusCode::CREATED, &shown_key(at, &kept))
}

fn shown_key(at: usize, key: &DeployKey) -> Value {
    json!({ "id": at + 1, "title": key.title, "key": key.key, "can_push": !key.read_only, "expires_at": null })
}
