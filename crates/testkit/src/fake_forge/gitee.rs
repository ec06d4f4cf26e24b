//! Gitee (`/api/v5`): check runs take the place of commit statuses; there are no deployments.
//!
//! Sources: gitee.com/api/v5/swagger (groups Checks, Webhooks, Pull Requests, Repositories), through the clients that
//! are generated from it; gitee.com/help/articles/4186 for webhooks. Gitee's words for a wrong field are not
//! documented: a call without one is refused as the framework under it (Grape) does, `… is missing`.

mod changes;
mod hooks;

use super::Shared;
use super::model::{Access, Budget, Change, CheckRun, Comment, DeployKey, Permission, Status};
use super::server::{Answer, Denied, Dialect, Refused, rfc3339};
use super::wire::{Fields, Invalid, Paging, Query, content_type, form, json};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use davit_domain::status::CommitState;
use serde_json::{Value, json};
use std::sync::Arc;

const PAGING: Paging = Paging { size: "per_page", default: 20, max: 100, total: Some("total_count") };
const CONCLUSIONS: [&str; 7] =
    ["success", "failure", "neutral", "cancelled", "timed_out", "action_required", "skipped"];

#[derive(Debug)]
pub(super) struct Gitee;

impl Dialect for Gitee {
    fn root(&self) -> &'static str {
        "/api/v5"
    }

    fn routes(&self) -> Router<Arc<Shared>> {
        Router::new()
            .route("/repos/{owner}/{name}", get(repository))
            .route("/repos/{owner}/{name}/check-runs", post(create_check_run))
            .route("/repos/{owner}/{name}/check-runs/{id}", patch(update_check_run).get(show_check_run))
            .route("/repos/{owner}/{name}/commits/{sha}/check-runs", get(list_check_runs))
            .route("/repos/{owner}/{name}/branches", get(list_branches))
            .route("/repos/{owner}/{name}/pulls", get(list_pulls))
            .route("/repos/{owner}/{name}/pulls/{number}/comments", get(list_comments).post(comment))
            .route("/repos/{owner}/{name}/keys", get(list_keys).post(add_key))
            .merge(changes::routes())
            .merge(hooks::routes())
    }

    fn refuse_caller(&self, shared: &Shared, request: &request::Parts) -> Option<Response> {
        let shown = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let named = shown.and_then(|value| value.split_once(' '));
        let by_header = named.filter(|(scheme, _)| ["token", "bearer"].contains(&scheme.to_lowercase().as_str()));
        let query = form(request.uri.query().unwrap_or_default());
        let by_query = query.get("access_token").and_then(Value::as_str);
        if by_header.map(|(_, token)| token).or(by_query) == Some(&shared.token) {
            return None;
        }
        Some(refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized: Access token does not exist"))
    }

    fn refusal(&self, status: StatusCode, message: &str) -> Response {
        refusal(status, message)
    }

    fn no_such_path(&self) -> Response {
        refusal(StatusCode::NOT_FOUND, "404 Not Found")
    }

    fn no_such_method(&self) -> Response {
        refusal(StatusCode::METHOD_NOT_ALLOWED, "405 Not Allowed")
    }

    fn exhausted(&self, _budget: &Budget, _now: i64) -> Response {
        refusal(StatusCode::FORBIDDEN, "403 Forbidden: API rate limit exceeded")
    }

    fn tell_budget(&self, budget: Option<&Budget>, now: i64, headers: &mut HeaderMap) {
        let Some(budget) = budget else { return };
        headers.entry("x-ratelimit-limit").or_insert(HeaderValue::from(budget.limit));
        headers.entry("x-ratelimit-remaining").or_insert(HeaderValue::from(budget.remaining));
        if budget.remaining == 0 {
            let wait = (budget.reset - now + 999).div_euclid(1000).max(1);
            headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from(wait));
        }
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

fn wrong(message: &str) -> Refused {
    refusal(StatusCode::BAD_REQUEST, message).into()
}

fn invalid(Invalid { field, .. }: Invalid) -> Refused {
    wrong(&format!("{field} is invalid"))
}

fn not_found(words: &str) -> Refused {
    refusal(StatusCode::NOT_FOUND, words).into()
}

fn allowed(shared: &Shared, repository: &str, needs: Access, permission: Option<Permission>) -> Result<(), Refused> {
    match shared.may(repository, needs, permission) {
        Ok(()) => Ok(()),
        Err(Denied::Hidden) => Err(not_found("Not Found Project")),
        Err(Denied::Forbidden) => Err(refusal(StatusCode::FORBIDDEN, "403 Forbidden").into()),
    }
}

/// JSON or a form.
fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Fields, Refused> {
    match content_type(headers) {
        "application/json" => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) | Err(_) => Err(wrong("message body does not match declared format")),
        },
        "application/x-www-form-urlencoded" => Ok(Fields(form(&String::from_utf8_lossy(body)))),
        other => {
            let words = format!("The provided content-type '{other}' is not supported.");
            Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, &words).into())
        }
    }
}

fn require(fields: &Fields, names: &[&str]) -> Result<(), Refused> {
    let missing = names.iter().filter(|name| fields.0.get(**name).is_none_or(Value::is_null));
    let missing: Vec<String> = missing.map(|name| format!("{name} is missing")).collect();
    if missing.is_empty() { Ok(()) } else { Err(wrong(&missing.join(", "))) }
}

async fn repository(State(shared): State<Arc<Shared>>, Path((owner, name)): Path<(String, String)>) -> Answer {
    let full_name = format!("{owner}/{name}");
    allowed(&shared, &full_name, Access::Read, None)?;
    let at_least = |access| shared.may(&full_name, access, None).is_ok();
    let mut body = shown_repository(&shared, &full_name);
    body["permission"] = json!({ "pull": true, "push": at_least(Access::Write), "admin": at_least(Access::Admin) });
    json(StatusCode::OK, &body)
}

fn shown_repository(shared: &Shared, full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    json!({
        "id": shared.repository_id(full_name),
        "full_name": full_name,
        "human_name": format!("The people of {owner}/{name}"),
        "path": name,
        "name": name,
        "namespace": { "id": 1, "type": "group", "name": format!("The people of {owner}"), "path": owner },
        "owner": { "id": 1, "login": owner, "name": owner },
        "private": true,
        "html_url": format!("{}/{full_name}.git", shared.web_url),
        "ssh_url": format!("git@{}:{full_name}.git", shared.host()),
        "default_branch": "main",
        "status": "开始",
    })
}

async fn create_check_run(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Write, Some(Permission::Checks))?;
    let fields = fields(&headers, &body)?;
    require(&fields, &["name", "head_sha"])?;
    let text = |name: &str| fields.text(name).map_err(invalid).map(Option::unwrap_or_default);
    let sha = text("head_sha")?;
    let Some(sha) = shared.commit(&repository, sha).await else { return Err(not_found("404 Commit Not Found")) };
    let mut run = CheckRun {
        repository,
        sha,
        name: text("name")?.to_owned(),
        status: "queued".to_owned(),
        conclusion: None,
        details_url: String::new(),
        summary: String::new(),
    };
    change_run(&mut run, &fields)?;
    let id = shared.keep_check_run(None, run.clone());
    json(StatusCode::CREATED, &shown_run(&shared, id, &run))
}

async fn update_check_run(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, id)): Path<(String, String, usize)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Write, Some(Permission::Checks))?;
    let mut run = find_run(&shared, &repository, id)?;
    change_run(&mut run, &fields(&headers, &body)?)?;
    shared.keep_check_run(Some(id), run.clone());
    json(StatusCode::OK, &shown_run(&shared, id, &run))
}

/// Takes over what is said. A conclusion ends a run.
fn change_run(run: &mut CheckRun, fields: &Fields) -> Result<(), Refused> {
    let text = |name: &str| fields.text(name).map_err(invalid);
    if let Some(status) = text("status")? {
        if !["queued", "in_progress", "completed"].contains(&status) {
            return Err(wrong("status does not have a valid value"));
        }
        status.clone_into(&mut run.status);
    }
    match text("conclusion")? {
        Some(conclusion) if CONCLUSIONS.contains(&conclusion) => {
            run.conclusion = Some(conclusion.to_owned());
            "completed".clone_into(&mut run.status);
        }
        Some(_) => return Err(wrong("conclusion does not have a valid value")),
        None if run.status != "completed" => run.conclusion = None,
        None => {}
    }
    if run.status == "completed" && run.conclusion.is_none() {
        return Err(wrong("conclusion is missing"));
    }
    if let Some(url) = text("details_url")? {
        url.clone_into(&mut run.details_url);
    }
    if let Some(output) = fields.inner("output").map_err(invalid)? {
        if output.0.get("title").is_none() || output.0.get("summary").is_none() {
            return Err(wrong("output[title] is missing, output[summary] is missing"));
        }
        output.text("summary").map_err(invalid)?.unwrap_or_default().clone_into(&mut run.summary);
    }
    Ok(())
}

fn find_run(shared: &Shared, repository: &str, id: usize) -> Result<CheckRun, Refused> {
    let state = shared.state();
    let run = id.checked_sub(1).and_then(|at| state.check_runs.get(at));
    run.filter(|run| run.repository == repository).cloned().ok_or_else(|| not_found("404 Check Run Not Found"))
}

async fn show_check_run(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, id)): Path<(String, String, usize)>,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, Some(Permission::Checks))?;
    json(StatusCode::OK, &shown_run(&shared, id, &find_run(&shared, &repository, id)?))
}

fn shown_run(shared: &Shared, id: usize, run: &CheckRun) -> Value {
    json!({
        "id": id,
        "head_sha": run.sha,
        "name": run.name,
        "status": run.status,
        "conclusion": run.conclusion,
        "details_url": run.details_url,
        "html_url": run.details_url,
        "started_at": rfc3339(shared.now()),
        "completed_at": run.conclusion.as_ref().map(|_| rfc3339(shared.now())),
        "output": { "title": run.name, "summary": run.summary, "text": null, "annotations_count": 0 },
        "pull_requests": [],
    })
}

async fn list_check_runs(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, Some(Permission::Checks))?;
    let state = shared.state();
    let asked = |run: &CheckRun| query.get("check_name").is_none_or(|name| *name == run.name);
    let mine = state.check_runs.iter().enumerate();
    let mine = mine.filter(|(_, run)| run.repository == repository && run.sha == sha && asked(run));
    let runs: Vec<Value> = mine.map(|(at, run)| shown_run(&shared, at + 1, run)).collect();
    json(StatusCode::OK, &json!({ "total_count": runs.len(), "check_runs": runs }))
}

impl Shared {
    /// Keeps a run, and its state among the statuses. Returns its number.
    fn keep_check_run(&self, id: Option<usize>, run: CheckRun) -> usize {
        let mut state = self.state();
        let conclusion = run.conclusion.as_deref().unwrap_or_default();
        let word = if run.status == "completed" { format!("completed/{conclusion}") } else { run.status.clone() };
        state.statuses.push(Status {
            repository: run.repository.clone(),
            sha: run.sha.clone(),
            context: run.name.clone(),
            reference: String::new(),
            state: match conclusion {
                "" => CommitState::Pending,
                "success" | "neutral" | "skipped" => CommitState::Success,
                "failure" => CommitState::Failure,
                _ => CommitState::Error,
            },
            word,
            description: run.summary.clone(),
            target_url: run.details_url.clone(),
        });
        let id = match id {
            Some(id) => {
                state.check_runs[id - 1] = run;
                id
            }
            None => {
                state.check_runs.push(run);
                state.check_runs.len()
            }
        };
        drop(state);
        self.note();
        id
    }

    /// A pull request as Gitee shows it in lists.
    pub(super) fn gitee_pull_request(&self, change: &Change) -> Value {
        let head_repo = change.head_repository.as_deref().map(|name| shown_repository(self, name));
        json!({
            "id": 1000 + change.number,
            "number": change.number,
            "title": change.title,
            "state": changes::state(change.standing),
            "draft": change.draft,
            "html_url": format!("{}/{}/pulls/{}", self.web_url, change.repository, change.number),
            "user": { "id": 1, "login": change.author, "name": change.author },
            "labels": change.labels.iter().map(|name| json!({ "id": 1, "name": name })).collect::<Vec<_>>(),
            "merged_at": change.merge_commit.as_ref().map(|_| rfc3339(self.now())),
            "merge_commit_sha": change.merge_commit.as_ref().unwrap_or(&change.head).as_str(),
            "mergeable": true,
            "head": {
                "label": change.head_branch,
                "ref": change.head_branch,
                "sha": change.head.as_str(),
                "repo": head_repo,
            },
            "base": {
                "label": change.base_branch,
                "ref": change.base_branch,
                "sha": "",
                "repo": shown_repository(self, &change.repository),
            },
        })
    }
}

async fn list_branches(State(shared): State<Arc<Shared>>, Path((owner, name)): Path<(String, String)>) -> Answer {
    allowed(&shared, &format!("{owner}/{name}"), Access::Read, None)?;
    json(StatusCode::OK, &super::branches())
}

async fn list_pulls(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, Some(Permission::Changes))?;
    let state = query.get("state").map_or("open", String::as_str);
    if !["open", "closed", "merged", "all"].contains(&state) {
        return Err(wrong("state does not have a valid value"));
    }
    let known = shared.state().changes.clone();
    let wanted = |standing| state == "all" || changes::state(standing) == state;
    let mine = known.iter().rev().filter(|change| change.repository == repository && wanted(change.standing));
    let items = mine.map(|change| shared.gitee_pull_request(change)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/pulls", shared.api_url())))
}

async fn list_comments(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, i64)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, Some(Permission::Changes))?;
    let state = shared.state();
    let mine = state.comments.iter().enumerate();
    let mine = mine.filter(|(_, comment)| comment.repository == repository && comment.number == number);
    let items = mine.map(|(at, comment)| json!({ "id": at + 1, "body": comment.body, "user": { "login": "davit" } }));
    let url = format!("{}/repos/{repository}/pulls/{number}/comments", shared.api_url());
    Ok(PAGING.answer(items.collect(), &query, &url))
}

async fn comment(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, i64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, Some(Permission::Changes))?;
    let fields = fields(&headers, &body)?;
    require(&fields, &["body"])?;
    if !shared.has_change(&repository, number) {
        return Err(not_found("404 Pull Request Not Found"));
    }
    let body = fields.text("body").map_err(invalid)?.unwrap_or_default().to_owned();
    let id = shared.keep_comment(Comment { repository, number, body: body.clone() });
    json(StatusCode::CREATED, &json!({ "id": id, "body": body, "comment_type": "pr_comment" }))
}

async fn list_keys(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::DeployKeys))?;
    let state = shared.state();
    let mine = state.deploy_keys.iter().enumerate().filter(|(_, key)| key.repository == repository);
    let items = mine.map(|(at, key)| shown_key(at, key)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/keys", shared.api_url())))
}

async fn add_key(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::DeployKeys))?;
    let fields = fields(&headers, &body)?;
    require(&fields, &["key", "title"])?;
    let text = |name: &str| fields.text(name).map_err(invalid).map(|text| text.unwrap_or_default().to_owned());
    let (key, title) = (text("key")?, text("title")?);
    if !super::is_public_key(&key) {
        return Err(wrong("Key is invalid"));
    }
    // Gitee's deploy keys never push.
    let new = DeployKey { repository, title, key, read_only: true };
    let known = |other: &DeployKey| other.repository == new.repository && other.key == new.key;
    let Some(at) = shared.keep_key(new.clone(), known) else { return Err(wrong("Key has already been taken")) };
    json(StatusCode::CREATED, &shown_key(at, &new))
}

fn shown_key(at: usize, key: &DeployKey) -> Value {
    json!({ "id": at + 1, "key": key.key, "title": key.title })
}
