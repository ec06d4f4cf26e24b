//! GitHub's deployments and their statuses.
//!
//! Sources: docs.github.com/rest/deployments/deployments ("Merged branch response", "Merge conflict response", "Failed
//! commit status checks") and /deployments/statuses; the OpenAPI description for fields.

use super::super::Shared;
use super::super::model::{Access, Deployment, DeploymentStatus, Permission, Status};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Fields, Invalid, Query, json};
use super::{PAGING, allowed, check_description, fields, invalid, invalid_request, not_found, refusal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use davit_domain::status::CommitState;
use serde_json::{Value, json};
use std::sync::Arc;

const READ: (Permission, &str) = (Permission::Deployments, "deployments=read");
const WRITE: (Permission, &str) = (Permission::Deployments, "deployments=write");
const STATES: [&str; 7] = ["error", "failure", "inactive", "in_progress", "queued", "pending", "success"];

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/deployments", get(list).post(create))
        .route("/repos/{owner}/{name}/deployments/{number}", get(show))
        .route("/repos/{owner}/{name}/deployments/{number}/statuses", get(list_statuses).post(create_status))
}

/// What is asked for, before anything is looked up.
struct Wanted {
    reference: String,
    auto_merge: bool,
    required_contexts: Option<Vec<String>>,
    environment: String,
    description: String,
    payload: Value,
}

fn read(fields: &Fields) -> Result<Wanted, Refused> {
    let refuse = invalid("Deployment");
    let Some(reference) = fields.text("ref").map_err(&refuse)? else {
        return Err(invalid_request("\"ref\" wasn't supplied."));
    };
    for flag in ["transient_environment", "production_environment"] {
        fields.flag(flag).map_err(&refuse)?;
    }
    fields.text("task").map_err(&refuse)?;
    let payload = match fields.0.get("payload") {
        None | Some(Value::Null) => json!({}),
        Some(payload @ (Value::Object(_) | Value::String(_))) => payload.clone(),
        Some(_) => return Err(refuse(Invalid::new("payload", "payload is not an object or a string"))),
    };
    Ok(Wanted {
        reference: reference.to_owned(),
        auto_merge: fields.flag("auto_merge").map_err(&refuse)?.unwrap_or(true),
        required_contexts: fields.texts("required_contexts").map_err(&refuse)?,
        environment: fields.text("environment").map_err(&refuse)?.unwrap_or("production").to_owned(),
        description: check_description(fields).map_err(&refuse)?.to_owned(),
        payload,
    })
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Write, Some(WRITE))?;
    let wanted = read(&fields(&body)?)?;
    let Some(sha) = shared.resolve(&repository, &wanted.reference).await else {
        let words = format!("No ref found for: {}", wanted.reference);
        return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, &words).into());
    };
    if wanted.auto_merge
        && let Some(answer) = auto_merged(&shared, &repository, &wanted.reference).await
    {
        return Ok(answer);
    }
    if let Some(answer) = not_green(&shared, &repository, &sha, &wanted) {
        return Ok(answer);
    }
    let made = shared.keep_deployment(Deployment {
        number: 0,
        repository,
        sha,
        reference: wanted.reference,
        is_tag: false,
        environment: wanted.environment,
        payload: wanted.payload,
        description: wanted.description,
        creator: "davit".to_owned(),
        statuses: Vec::new(),
    });
    json(StatusCode::CREATED, &shown(&shared, &made))
}

/// Where the branch lacks something of the default branch, that is merged first: then there is *no* deployment.
async fn auto_merged(shared: &Shared, repository: &str, branch: &str) -> Option<Response> {
    let base = "main";
    if branch == base || !shared.is_branch(repository, branch).await || shared.is_ahead(repository, branch, base).await
    {
        return None;
    }
    Some(match shared.merge(repository, base, branch).await {
        Some(_) => refusal(StatusCode::ACCEPTED, &format!("Auto-merged {base} into {branch} on deployment.")),
        None => refusal(StatusCode::CONFLICT, &format!("Conflict merging {base} into {branch}.")),
    })
}

/// Every context that was ever set has to be green, or those that are asked for; an empty list asks for none.
fn not_green(shared: &Shared, repository: &str, sha: &str, wanted: &Wanted) -> Option<Response> {
    let state = shared.state();
    let mine = || state.statuses.iter().filter(|status| status.repository == repository && status.sha == sha);
    let newest = |context: &str| mine().rev().find(|status| status.context.eq_ignore_ascii_case(context));
    let required = match &wanted.required_contexts {
        Some(required) => required.clone(),
        None => mine().map(|status| status.context.clone()).collect(),
    };
    let green = |status: Option<&Status>| status.is_some_and(|status| status.state == CommitState::Success);
    if required.iter().all(|context| green(newest(context))) {
        return None;
    }
    let contexts: Vec<Value> = mine().map(|s| json!({ "context": s.context, "state": s.word })).collect();
    let body = json!({
        "message": format!("Conflict: Commit status checks failed for {}.", wanted.reference),
        "errors": [{ "contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid" }],
        "status": "409",
    });
    Some((StatusCode::CONFLICT, axum::Json(body)).into_response())
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(READ))?;
    let asked = |name: &str, value: &str| query.get(name).is_none_or(|asked| asked == value || asked == "none");
    let known = shared.deployments_of(&repository);
    let fitting = known.iter().rev().filter(|deployment| {
        asked("sha", &deployment.sha)
            && asked("ref", &deployment.reference)
            && asked("environment", &deployment.environment)
            && asked("task", "deploy")
    });
    let newest_first = fitting.map(|deployment| shown(&shared, deployment)).collect();
    Ok(PAGING.answer(newest_first, &query, &format!("{}/repos/{repository}/deployments", shared.api_url())))
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(READ))?;
    let deployment = find(&shared, &repository, &number)?;
    json(StatusCode::OK, &shown(&shared, &deployment))
}

fn find(shared: &Shared, repository: &str, number: &str) -> Result<Deployment, Refused> {
    let known = shared.deployments_of(repository);
    let found = known.into_iter().find(|deployment| deployment.number.to_string() == number);
    found.ok_or_else(|| not_found().into())
}

/// A deployment as GitHub shows it.
fn shown(shared: &Shared, deployment: &Deployment) -> Value {
    let repository = format!("{}/repos/{}", shared.api_url(), deployment.repository);
    let url = format!("{repository}/deployments/{}", deployment.number);
    json!({
        "url": url,
        "id": deployment.number,
        "sha": deployment.sha,
        "ref": deployment.reference,
        "task": "deploy",
        "payload": deployment.payload,
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "creator": { "login": deployment.creator, "id": 1, "type": "User" },
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
        "statuses_url": format!("{url}/statuses"),
        "repository_url": repository,
        "transient_environment": false,
        "production_environment": deployment.environment == "production",
    })
}

async fn create_status(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Write, Some(WRITE))?;
    let mut deployment = find(&shared, &repository, &number)?;
    let fields = fields(&body)?;
    let refuse = invalid("DeploymentStatus");
    let status = read_status(&fields).map_err(&refuse)?;
    if let Some(environment) = fields.text("environment").map_err(&refuse)? {
        environment.clone_into(&mut deployment.environment);
    }
    let supersedes = fields.flag("auto_inactive").map_err(&refuse)?.unwrap_or(true) && status.word == "success";
    deployment.statuses.push(status);
    let body = shown_status(&shared, &deployment, deployment.statuses.len() - 1);
    shared.change_deployments(|all| {
        for other in all.iter_mut().filter(|other| other.repository == repository) {
            if other.number == deployment.number {
                *other = deployment.clone();
            } else if supersedes && other.environment == deployment.environment && other.state() == "success" {
                other.statuses.push(inactive());
            }
        }
    });
    json(StatusCode::CREATED, &body)
}

fn inactive() -> DeploymentStatus {
    DeploymentStatus {
        word: "inactive".to_owned(),
        description: String::new(),
        log_url: String::new(),
        environment_url: String::new(),
    }
}

fn read_status(fields: &Fields) -> Result<DeploymentStatus, Invalid> {
    let word = fields.text("state")?.unwrap_or_default();
    if !STATES.contains(&word) {
        return Err(Invalid::new("state", "state is not included in the list"));
    }
    // An empty link is none.
    let link = |field: &str| match fields.text(field)? {
        None | Some("") => Ok(String::new()),
        Some(_) => Ok(fields.link(field)?.unwrap_or_default().to_owned()),
    };
    let target = link("target_url")?;
    let log = link("log_url")?;
    Ok(DeploymentStatus {
        word: word.to_owned(),
        description: check_description(fields)?.to_owned(),
        log_url: if log.is_empty() { target } else { log },
        environment_url: link("environment_url")?,
    })
}

async fn list_statuses(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(READ))?;
    let deployment = find(&shared, &repository, &number)?;
    let newest_first = (0..deployment.statuses.len()).rev().map(|at| shown_status(&shared, &deployment, at)).collect();
    let url = format!("{}/repos/{repository}/deployments/{number}/statuses", shared.api_url());
    Ok(PAGING.answer(newest_first, &query, &url))
}

fn shown_status(shared: &Shared, deployment: &Deployment, at: usize) -> Value {
    let status = &deployment.statuses[at];
    let url = format!("{}/repos/{}/deployments/{}", shared.api_url(), deployment.repository, deployment.number);
    json!({
        "url": format!("{url}/statuses/{}", at + 1),
        "id": at + 1,
        "state": status.word,
        "creator": { "login": "davit", "id": 1, "type": "User" },
        "description": status.description,
        "environment": deployment.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "environment_url": status.environment_url,
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
        "deployment_url": url,
        "repository_url": format!("{}/repos/{}", shared.api_url(), deployment.repository),
    })
}
