//! GitHub, in the wire format of GitHub Enterprise Server (`/api/v3`).
//!
//! Sources: GitHub's OpenAPI description (npm `@octokit/openapi` 23.0.2, `ghes-3.19.json`) for paths, fields, their
//! limits and examples; docs.github.com/rest ("Troubleshooting", "Rate limits", "Best practices") for what is refused
//! with which status and in which words.

mod app;
mod changes;
mod deployments;
mod hooks;

use super::Shared;
use super::model::{Access, Budget, Change, DeployKey, Permission, Status};
use super::server::{Answer, Denied, Dialect, Refused, rfc3339};
use super::wire::{Fields, Invalid, Paging, Query, json, object};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use davit_domain::status::CommitState;
use serde_json::{Value, json};
use std::sync::Arc;

/// GitHub keeps this many statuses for one commit and context.
const MAX_STATUSES: usize = 1000;
const MAX_DESCRIPTION: usize = 140;
const PAGING: Paging = Paging { size: "per_page", default: 30, max: 100, total: None };

#[derive(Debug)]
pub(super) struct GitHub;

impl Dialect for GitHub {
    fn root(&self) -> &'static str {
        "/api/v3"
    }

    fn routes(&self) -> Router<Arc<Shared>> {
        let own = Router::new()
            .route("/repos/{owner}/{name}", get(repository))
            .route("/repos/{owner}/{name}/statuses/{sha}", post(create_status))
            .route("/repos/{owner}/{name}/commits/{sha}/statuses", get(list_statuses))
            .route("/repos/{owner}/{name}/commits/{sha}/check-runs", get(list_check_runs))
            .route("/repos/{owner}/{name}/branches", get(list_branches))
            .route("/repos/{owner}/{name}/pulls", get(list_pulls))
            .route("/repos/{owner}/{name}/keys", get(list_keys).post(add_key));
        own.merge(app::routes()).merge(changes::routes()).merge(deployments::routes()).merge(hooks::routes())
    }

    fn refuse_caller(&self, shared: &Shared, request: &request::Parts) -> Option<Response> {
        let headers = &request.headers;
        if !headers.contains_key(header::USER_AGENT) {
            return Some(refusal(
                StatusCode::FORBIDDEN,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            ));
        }
        if let Some(refused) = app::refuse_caller(shared, request) {
            return Some(refused);
        }
        let version = headers.get("x-github-api-version").map(HeaderValue::as_bytes);
        // The real one takes a request without a version for the oldest; ours has to say it.
        (version != Some(b"2022-11-28")).then(|| refusal(StatusCode::BAD_REQUEST, "Unsupported API version"))
    }

    fn refusal(&self, status: StatusCode, message: &str) -> Response {
        refusal(status, message)
    }

    fn no_such_path(&self) -> Response {
        not_found()
    }

    fn exhausted(&self, _budget: &Budget, _now: i64) -> Response {
        refusal(StatusCode::FORBIDDEN, "API rate limit exceeded for user ID 1.")
    }

    fn tell_budget(&self, budget: Option<&Budget>, now: i64, headers: &mut HeaderMap) {
        let whole = Budget { limit: 5000, remaining: 4999, reset: now + 3_600_000, window: 3_600_000 };
        let budget = budget.unwrap_or(&whole);
        let used = budget.limit - budget.remaining;
        // Rounded up: what is told never comes before the real moment.
        let reset = u64::try_from(budget.reset.div_euclid(1000) + 1).unwrap_or(0);
        for (name, value) in
            [("limit", budget.limit), ("remaining", budget.remaining), ("used", used), ("reset", reset)]
        {
            let name = HeaderName::try_from(format!("x-ratelimit-{name}")).expect("a header's name");
            headers.entry(name).or_insert(HeaderValue::from(value));
        }
        headers.entry("x-ratelimit-resource").or_insert(HeaderValue::from_static("core"));
    }
}

/// A refusal as GitHub words it.
fn refusal(status: StatusCode, message: &str) -> Response {
    let documentation = "https://docs.github.com/rest";
    (status, Json(json!({ "message": message, "documentation_url": documentation, "status": status.as_str() })))
        .into_response()
}

fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "Not Found")
}

/// Whether we may; the refusal names the permission that a fine-grained token or an App would need.
fn allowed(
    shared: &Shared,
    headers: &HeaderMap,
    repository: &str,
    needs: Access,
    permission: Option<(Permission, &'static str)>,
) -> Result<(), Refused> {
    match shared.may(repository, needs, permission.map(|(permission, _)| permission)) {
        Ok(()) => Ok(()),
        Err(Denied::Hidden) => Err(not_found().into()),
        Err(Denied::Forbidden) => {
            let words = format!("Resource not accessible by {}", app::called(headers));
            let mut response = refusal(StatusCode::FORBIDDEN, &words);
            if let Some((_, needed)) = permission {
                response.headers_mut().insert("x-accepted-github-permissions", HeaderValue::from_static(needed));
            }
            Err(response.into())
        }
    }
}

/// A refusal of one field, as GitHub's validation words it.
fn invalid(resource: &'static str) -> impl Fn(Invalid) -> Refused {
    move |Invalid { field, message }| {
        let errors = json!([{ "resource": resource, "code": "custom", "field": field, "message": message }]);
        let body = json!({ "message": "Validation Failed", "errors": errors, "status": "422" });
        (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response().into()
    }
}

/// A refusal before any validation: a field is missing, or one too many.
fn invalid_request(what: &str) -> Refused {
    refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("Invalid request.\n\n{what}")).into()
}

/// GitHub reads a body as JSON whatever its content type says.
fn fields(body: &Bytes) -> Result<Fields, Refused> {
    object(body, |message| refusal(StatusCode::BAD_REQUEST, message).into())
}

fn check_description(fields: &Fields) -> Result<&str, Invalid> {
    let description = fields.text("description")?.unwrap_or_default();
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(Invalid::new("description", "description is too long (maximum is 140 characters)"));
    }
    Ok(description)
}

async fn repository(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let full_name = format!("{owner}/{name}");
    allowed(&shared, &headers, &full_name, Access::Read, None)?;
    let at_least = |access| shared.may(&full_name, access, None).is_ok();
    let (admin, push) = (at_least(Access::Admin), at_least(Access::Write));
    let web = &shared.web_url;
    let mut body = json!({
        "id": shared.repository_id(&full_name),
        "name": name,
        "full_name": full_name,
        "private": true,
        "owner": { "login": owner, "id": 1, "type": "User" },
        "html_url": format!("{web}/{full_name}"),
        "clone_url": format!("{web}/{full_name}.git"),
        "ssh_url": format!("git@{}:{full_name}.git", shared.host()),
        "default_branch": "main",
        "archived": false,
        "disabled": false,
    });
    // A token of an installation has permissions, not a role: GitHub shows none.
    if app::called(&headers) != "integration" {
        body["permissions"] = json!({ "admin": admin, "maintain": admin, "push": push, "triage": push, "pull": true });
    }
    json(StatusCode::OK, &body)
}

async fn create_status(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    let permission = (Permission::Statuses, "statuses=write");
    allowed(&shared, &headers, &repository, Access::Write, Some(permission))?;
    if shared.commit(&repository, &sha).await.is_none() {
        return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("No commit found for SHA: {sha}")).into());
    }
    let status = read_status(&fields(&body)?, repository, sha).map_err(invalid("Status"))?;
    accept_status(&shared, status).map_err(invalid("Status"))
}

/// The checks of GitHub's description of this call.
fn read_status(fields: &Fields, repository: String, sha: String) -> Result<Status, Invalid> {
    let word = fields.text("state")?.unwrap_or_default();
    let state = match word {
        "pending" => CommitState::Pending,
        "success" => CommitState::Success,
        "failure" => CommitState::Failure,
        "error" => CommitState::Error,
        _ => return Err(Invalid::new("state", "state is not included in the list")),
    };
    Ok(Status {
        repository,
        sha,
        context: fields.text("context")?.unwrap_or("default").to_owned(),
        reference: String::new(),
        state,
        word: word.to_owned(),
        description: check_description(fields)?.to_owned(),
        target_url: fields.link("target_url")?.unwrap_or_default().to_owned(),
    })
}

fn accept_status(shared: &Shared, status: Status) -> Result<Response, Invalid> {
    let mut state = shared.state();
    let same = |other: &&Status| {
        other.repository == status.repository
            && other.sha == status.sha
            && other.context.eq_ignore_ascii_case(&status.context)
    };
    if state.statuses.iter().filter(same).count() >= MAX_STATUSES {
        let words = "This SHA and context has reached the maximum number of statuses.";
        return Err(Invalid::new("context", words));
    }
    let body = shown_status(shared, state.statuses.len(), &status);
    state.statuses.push(status);
    drop(state);
    shared.note();
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

async fn list_statuses(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, None)?;
    let state = shared.state();
    let newest_first =
        state.statuses.iter().enumerate().rev().filter(|(_, s)| s.repository == repository && s.sha == sha);
    let items = newest_first.map(|(id, status)| shown_status(&shared, id, status)).collect();
    let url = format!("{}/repos/{repository}/commits/{sha}/statuses", shared.api_url());
    Ok(PAGING.answer(items, &query, &url))
}

/// Nobody makes check runs here: that takes an App of one's own.
async fn list_check_runs(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, _)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let permission = (Permission::Checks, "checks=read");
    allowed(&shared, &headers, &format!("{owner}/{name}"), Access::Read, Some(permission))?;
    json(StatusCode::OK, &json!({ "total_count": 0, "check_runs": [] }))
}

async fn list_branches(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    allowed(&shared, &headers, &format!("{owner}/{name}"), Access::Read, None)?;
    json(StatusCode::OK, &super::branches())
}

/// A status as GitHub shows it.
fn shown_status(shared: &Shared, id: usize, status: &Status) -> Value {
    json!({
        "url": format!("{}/repos/{}/statuses/{}", shared.api_url(), status.repository, status.sha),
        "id": id,
        "state": status.word,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
        "creator": { "login": "davit", "id": 1, "type": "User" },
    })
}

async fn list_pulls(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    let permission = (Permission::Changes, "pull_requests=read");
    allowed(&shared, &headers, &repository, Access::Read, Some(permission))?;
    let state = query.get("state").map_or("open", String::as_str);
    if !["open", "closed", "all"].contains(&state) {
        return Err(invalid("PullRequest")(Invalid::new("state", "state is not included in the list")));
    }
    let url = format!("{}/repos/{repository}/pulls", shared.api_url());
    let known = shared.state().changes.clone();
    let wanted = |is_open: bool| state == "all" || (state == "open") == is_open;
    let mine = known.iter().filter(|change| change.repository == repository && wanted(change.is_open()));
    let on_base = mine.filter(|change| query.get("base").is_none_or(|base| *base == change.base_branch));
    let newest_first = on_base.map(|change| shared.github_pull_request(change)).rev().collect();
    Ok(PAGING.answer(newest_first, &query, &url))
}

async fn list_keys(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    let permission = (Permission::DeployKeys, "administration=read");
    allowed(&shared, &headers, &repository, Access::Admin, Some(permission))?;
    let state = shared.state();
    let mine = state.deploy_keys.iter().enumerate().filter(|(_, key)| key.repository == repository);
    let items = mine.map(|(at, key)| shown_key(&shared, at, key)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/keys", shared.api_url())))
}

async fn add_key(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    let permission = (Permission::DeployKeys, "administration=write");
    allowed(&shared, &headers, &repository, Access::Admin, Some(permission))?;
    let fields = fields(&body)?;
    let refuse = invalid("PublicKey");
    let Some(key) = fields.text("key").map_err(&refuse)? else {
        return Err(invalid_request("\"key\" wasn't supplied."));
    };
    if !super::is_public_key(key) {
        let words = "key is invalid. You must supply a key in OpenSSH public key format";
        return Err(refuse(Invalid::new("key", words)));
    }
    let new = DeployKey {
        repository,
        title: fields.text("title").map_err(&refuse)?.unwrap_or_default().to_owned(),
        key: key.to_owned(),
        read_only: fields.flag("read_only").map_err(&refuse)?.unwrap_or(false),
    };
    // A key is in use when any repository has it.
    let Some(at) = shared.keep_key(new.clone(), |other| other.key == new.key) else {
        return Err(refuse(Invalid::new("key", "key is already in use")));
    };
    json(StatusCode::CREATED, &shown_key(&shared, at, &new))
}

fn shown_key(shared: &Shared, at: usize, key: &DeployKey) -> Value {
    json!({
        "id": at + 1,
        "key": key.key,
        "title": key.title,
        "url": format!("{}/repos/{}/keys/{}", shared.api_url(), key.repository, at + 1),
        "verified": true,
        "created_at": rfc3339(shared.now()),
        "read_only": key.read_only,
        "enabled": true,
    })
}

impl Shared {
    /// A pull request as GitHub lists it.
    fn github_pull_request(&self, change: &Change) -> Value {
        super::webhooks::github_pull_request(self, change)
    }
}
