//! GitLab's deployments.
//!
//! Sources, of gitlab.com/gitlab-org/gitlab: `lib/api/deployments.rb`, `app/services/deployments/create_service.rb`
//! (the same success again is the one that is there), and the state machine of `app/models/deployment.rb`.

use super::super::Shared;
use super::super::model::{Access, Deployment, DeploymentStatus, Permission};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Fields, Invalid, Query, json};
use super::{PAGING, allowed, fields, invalid, not_found, require, wrong, wrong_field};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;

const STATUSES: [&str; 4] = ["running", "success", "failed", "canceled"];

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/projects/{id}/deployments", get(list).post(create))
        .route("/projects/{id}/deployments/{number}", get(show).put(update))
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["environment", "sha", "ref", "tag", "status"])?;
    let text = |name: &str| fields.text(name).map_err(wrong_field).map(|text| text.unwrap_or_default().to_owned());
    let (environment, sha, reference) = (text("environment")?, text("sha")?, text("ref")?);
    let is_tag = fields.flag("tag").map_err(wrong_field)?.unwrap_or(false);
    let status = status(&fields)?;
    let repository = allowed(&shared, &id, Access::Write, Some(Permission::Deployments))?;
    if shared.resolve(&repository, &reference).await.is_none() {
        return Err(invalid(Invalid::new("ref", "The branch or tag does not exist")));
    }
    let Some(sha) = shared.resolve(&repository, &sha).await else {
        return Err(invalid(Invalid::new("sha", "The commit does not exist")));
    };
    let known = shared.deployments_of(&repository);
    let last = known.iter().rev().find(|other| other.environment == environment && other.state() == "success");
    let again = |other: &&Deployment| {
        (&other.sha, &other.reference, other.is_tag, other.state()) == (&sha, &reference, is_tag, status.as_str())
    };
    if let Some(last) = last.filter(again) {
        return json(StatusCode::CREATED, &shown(&shared, last));
    }
    let made = shared.keep_deployment(Deployment {
        number: 0,
        repository,
        sha,
        reference,
        is_tag,
        environment,
        payload: json!({}),
        description: String::new(),
        creator: "davit".to_owned(),
        statuses: vec![in_state(&status)],
    });
    json(StatusCode::CREATED, &shown(&shared, &made))
}

fn status(fields: &Fields) -> Result<String, Refused> {
    let status = fields.text("status").map_err(wrong_field)?.unwrap_or_default();
    if !STATUSES.contains(&status) {
        return Err(wrong("status does not have a valid value"));
    }
    Ok(status.to_owned())
}

fn in_state(word: &str) -> DeploymentStatus {
    DeploymentStatus {
        word: word.to_owned(),
        description: String::new(),
        log_url: String::new(),
        environment_url: String::new(),
    }
}

async fn update(
    State(shared): State<Arc<Shared>>,
    Path((id, number)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let fields = fields(&headers, query.as_deref(), &body)?;
    require(&fields, &["status"])?;
    let status = status(&fields)?;
    let repository = allowed(&shared, &id, Access::Write, Some(Permission::Deployments))?;
    let mut deployment = find(&shared, &repository, &number)?;
    let event = match (status.as_str(), deployment.state()) {
        ("running", "running" | "success" | "failed" | "canceled") => Some("run"),
        ("success", "success") => Some("succeed"),
        ("failed", "failed") => Some("drop"),
        ("canceled", "canceled") => Some("cancel"),
        _ => None,
    };
    if let Some(event) = event {
        return Err(invalid(Invalid::new("status", format!("cannot transition via \"{event}\""))));
    }
    deployment.statuses.push(in_state(&status));
    shared.change_deployments(|all| {
        for other in all.iter_mut().filter(|other| other.number == deployment.number) {
            *other = deployment.clone();
        }
    });
    json(StatusCode::OK, &shown(&shared, &deployment))
}

async fn list(State(shared): State<Arc<Shared>>, Path(id): Path<String>, query: Query) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, Some(Permission::Deployments))?;
    let asked = |name: &str, value: &str| query.get(name).is_none_or(|asked| asked == value);
    let known = shared.deployments_of(&repository);
    let fitting = known
        .iter()
        .filter(|deployment| asked("environment", &deployment.environment) && asked("status", deployment.state()));
    let mut items: Vec<Value> = fitting.map(|deployment| shown(&shared, deployment)).collect();
    if query.get("sort").is_some_and(|sort| sort == "desc") {
        items.reverse();
    }
    Ok(PAGING.answer(items, &query, &format!("{}/projects/{id}/deployments", shared.api_url())))
}

async fn show(State(shared): State<Arc<Shared>>, Path((id, number)): Path<(String, String)>) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, Some(Permission::Deployments))?;
    json(StatusCode::OK, &shown(&shared, &find(&shared, &repository, &number)?))
}

fn find(shared: &Shared, repository: &str, number: &str) -> Result<Deployment, Refused> {
    let known = shared.deployments_of(repository);
    let found = known.into_iter().find(|deployment| deployment.number.to_string() == number);
    found.ok_or_else(|| not_found(""))
}

fn shown(shared: &Shared, deployment: &Deployment) -> Value {
    json!({
        "id": deployment.number,
        "iid": deployment.number,
        "ref": deployment.reference,
        "sha": deployment.sha,
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
        "status": deployment.state(),
        "user": {
            "id": if deployment.creator == "davit" { 1 } else { 2 },
            "username": deployment.creator,
            "name": deployment.creator,
        },
        "environment": { "id": 1, "name": deployment.environment, "slug": deployment.environment, "external_url": null },
        "deployable": null,
    })
}
