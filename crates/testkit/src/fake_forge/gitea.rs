//! Gitea and Forgejo (`/api/v1`). They have no deployments: those paths are not there.
//!
//! Sources, all of github.com/go-gitea/gitea: `routers/api/v1/repo/{status,key,hook,pull}.go`,
//! `routers/api/v1/utils/hook.go` (an edit without events leaves pushes alone), `modules/structs`, and docs.gitea.com
//! ("API usage": `Authorization: token …`, pages by `page` and `limit`). An unknown commit is a 404 at Forgejo and a
//! 500 at older Giteas; here it is the 404.

mod changes;

use super::Shared;
use super::model::{Access, Budget, Change, Comment, DeployKey, Hook, Permission, Status};
use super::server::{Answer, Denied, Dialect, Refused, rfc3339};
use super::wire::{Fields, Invalid, Paging, Query, content_type, json, object};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use davit_domain::status::CommitState;
use serde_json::{Value, json};
use std::sync::Arc;

const PAGING: Paging = Paging { size: "limit", default: 30, max: 50, total: Some("x-total-count") };

#[derive(Debug)]
pub(super) struct Gitea;

impl Dialect for Gitea {
    fn root(&self) -> &'static str {
        "/api/v1"
    }

    fn routes(&self) -> Router<Arc<Shared>> {
        Router::new()
            .route("/repos/{owner}/{name}", get(repository))
            .route("/repos/{owner}/{name}/statuses/{sha}", get(list_statuses).post(create_status))
            .route("/repos/{owner}/{name}/commits/{sha}/statuses", get(list_statuses))
            .route("/repos/{owner}/{name}/branches", get(list_branches))
            .route("/repos/{owner}/{name}/pulls", get(list_pulls))
            .route("/repos/{owner}/{name}/issues/{number}/comments", post(comment))
            .route("/repos/{owner}/{name}/keys", get(list_keys).post(add_key))
            .route("/repos/{owner}/{name}/hooks", get(list_hooks).post(create_hook))
            .route("/repos/{owner}/{name}/hooks/{hook}", get(show_hook).patch(change_hook))
            .merge(changes::routes())
    }

    fn refuse_caller(&self, shared: &Shared, request: &request::Parts) -> Option<Response> {
        let shown = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("token ").or_else(|| value.strip_prefix("Bearer ")));
        if token == Some(&shared.token) {
            return None;
        }
        let words = if shown.is_some() { "user does not exist [uid: 0, name: ]" } else { "token is required" };
        Some(refusal(StatusCode::UNAUTHORIZED, words))
    }

    fn refusal(&self, status: StatusCode, message: &str) -> Response {
        refusal(status, message)
    }

    fn no_such_path(&self) -> Response {
        (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
    }

    fn no_such_method(&self) -> Response {
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    }

    fn exhausted(&self, _budget: &Budget, _now: i64) -> Response {
        // Gitea itself has no limits; a proxy before it may.
        refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
    }

    fn tell_budget(&self, _budget: Option<&Budget>, _now: i64, _headers: &mut HeaderMap) {}
}

/// A refusal as Gitea words it.
fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message, "url": "https://gitea.example.com/api/swagger" }))).into_response()
}

fn not_found() -> Refused {
    refusal(StatusCode::NOT_FOUND, "The target couldn't be found.").into()
}

fn unprocessable(message: &str) -> Refused {
    refusal(StatusCode::UNPROCESSABLE_ENTITY, message).into()
}

fn invalid(Invalid { field, message }: Invalid) -> Refused {
    unprocessable(&format!("[{field}]: {message}"))
}

/// Gitea reads a body only when its content type says that it is JSON.
fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Fields, Refused> {
    match content_type(headers) {
        "application/json" => object(body, |_| unprocessable("[]: json: cannot unmarshal the request's body")),
        "" => Err(unprocessable("[]: Empty Content-Type")),
        _ => Err(unprocessable("[]: Unsupported Content-Type")),
    }
}

fn allowed(shared: &Shared, repository: &str, needs: Access, permission: Option<Permission>) -> Result<(), Refused> {
    match shared.may(repository, needs, permission) {
        Ok(()) => Ok(()),
        Err(Denied::Hidden) => Err(not_found()),
        Err(Denied::Forbidden) => {
            let words = if shared.may(repository, needs, None).is_ok() {
                // The access is there; it is the token's scope that lacks.
                "token does not have at least one of required scope(s): [write:repository]"
            } else if needs == Access::Admin {
                "user should be an owner or a collaborator with admin write of a repository"
            } else {
                "user should have a permission to write to a repo"
            };
            Err(refusal(StatusCode::FORBIDDEN, words).into())
        }
    }
}

async fn repository(State(shared): State<Arc<Shared>>, Path((owner, name)): Path<(String, String)>) -> Answer {
    let full_name = format!("{owner}/{name}");
    allowed(&shared, &full_name, Access::Read, None)?;
    json(StatusCode::OK, &shown_repository(&shared, &full_name))
}

fn shown_repository(shared: &Shared, full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    let at_least = |access| shared.may(full_name, access, None).is_ok();
    json!({
        "id": shared.repository_id(full_name),
        "owner": { "id": 1, "login": owner, "username": owner },
        "name": name,
        "full_name": full_name,
        "private": true,
        "fork": false,
        "archived": false,
        "empty": false,
        "html_url": format!("{}/{full_name}", shared.web_url),
        "clone_url": format!("{}/{full_name}.git", shared.web_url),
        "ssh_url": format!("git@{}:{full_name}.git", shared.host()),
        "default_branch": "main",
        "permissions": { "admin": at_least(Access::Admin), "push": at_least(Access::Write), "pull": true },
    })
}

async fn create_status(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Write, Some(Permission::Statuses))?;
    let fields = fields(&headers, &body)?;
    let text = |field: &str| fields.text(field).map_err(invalid).map(|text| text.unwrap_or_default().to_owned());
    let word = text("state")?;
    let state = match word.as_str() {
        "pending" => CommitState::Pending,
        "success" | "warning" => CommitState::Success,
        "failure" => CommitState::Failure,
        "error" => CommitState::Error,
        _ => return Err(unprocessable(&format!("invalid commit status state: {word}"))),
    };
    let Some(sha) = shared.commit(&repository, &sha).await else {
        return Err(refusal(StatusCode::NOT_FOUND, &format!("object does not exist [id: {sha}, rel_path: ]")).into());
    };
    let context = Some(text("context")?).filter(|context| !context.is_empty()).unwrap_or_else(|| "default".to_owned());
    let status = Status {
        repository,
        sha,
        context,
        reference: String::new(),
        state,
        word,
        description: text("description")?,
        target_url: text("target_url")?,
    };
    let mut kept = shared.state();
    kept.statuses.push(status);
    let at = kept.statuses.len() - 1;
    let body = shown_status(&shared, at, &kept.statuses[at]);
    drop(kept);
    shared.note();
    json(StatusCode::CREATED, &body)
}

fn shown_status(shared: &Shared, at: usize, status: &Status) -> Value {
    json!({
        "id": at + 1,
        "status": status.word,
        "target_url": status.target_url,
        "description": status.description,
        "url": format!("{}/repos/{}/statuses/{}", shared.api_url(), status.repository, status.sha),
        "context": status.context,
        "creator": { "id": 1, "login": "davit", "username": "davit" },
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
    })
}

async fn list_statuses(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, None)?;
    let state = shared.state();
    let mine = state.statuses.iter().enumerate().rev();
    let mine = mine.filter(|(_, status)| status.repository == repository && status.sha == sha);
    let items = mine.map(|(at, status)| shown_status(&shared, at, status)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/statuses/{sha}", shared.api_url())))
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
    let wanted = |is_open: bool| state == "all" || (state == "open") == is_open;
    let known = shared.state().changes.clone();
    let mine = known.iter().rev().filter(|change| change.repository == repository && wanted(change.is_open()));
    let items = mine.map(|change| shared.gitea_pull_request(change)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/pulls", shared.api_url())))
}

impl Shared {
    /// A pull request as Gitea shows it, in lists and in webhooks.
    pub(super) fn gitea_pull_request(&self, change: &Change) -> Value {
        let head_repo = change.head_repository.as_deref().map(|name| shown_repository(self, name));
        json!({
            "id": 1000 + change.number,
            "number": change.number,
            "url": format!("{}/{}/pulls/{}", self.web_url, change.repository, change.number),
            "html_url": format!("{}/{}/pulls/{}", self.web_url, change.repository, change.number),
            "user": { "id": 1, "login": change.author, "username": change.author },
            "title": change.title,
            "body": "",
            "labels": change.labels.iter().map(|name| json!({ "id": 1, "name": name })).collect::<Vec<_>>(),
            "state": if change.is_open() { "open" } else { "closed" },
            "draft": change.draft,
            "mergeable": true,
            "merged": change.merge_commit.is_some(),
            "merged_at": change.merge_commit.as_ref().map(|_| rfc3339(self.now())),
            "merge_commit_sha": change.merge_commit.as_ref().map(|commit| commit.as_str().to_owned()),
            "base": {
                "label": change.base_branch,
                "ref": change.base_branch,
                "sha": "",
                "repo_id": self.repository_id(&change.repository),
                "repo": shown_repository(self, &change.repository),
            },
            "head": {
                "label": change.head_branch,
                "ref": change.head_branch,
                "sha": change.head.as_str(),
                "repo_id": change.head_repository.as_deref().map_or(0, |name| self.repository_id(name)),
                "repo": head_repo,
            },
        })
    }
}

async fn comment(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, i64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Write, Some(Permission::Changes))?;
    let fields = fields(&headers, &body)?;
    let Some(body) = fields.text("body").map_err(invalid)? else { return Err(unprocessable("[Body]: Required")) };
    if !shared.has_change(&repository, number) {
        return Err(not_found());
    }
    let id = shared.keep_comment(Comment { repository, number, body: body.to_owned() });
    json(StatusCode::CREATED, &json!({ "id": id, "body": body }))
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
    let required = |field: &str, shown: &str| match fields.text(field).map_err(invalid)? {
        None | Some("") => Err(unprocessable(&format!("[{shown}]: Required"))),
        Some(text) => Ok(text.to_owned()),
    };
    let (title, key) = (required("title", "Title")?, required("key", "Key")?);
    if !super::is_public_key(&key) {
        return Err(unprocessable("Invalid key content: failed to parse the key"));
    }
    let read_only = fields.flag("read_only").map_err(invalid)?.unwrap_or(false);
    let new = DeployKey { repository, title, key, read_only };
    let known =
        |other: &DeployKey| other.repository == new.repository && (other.key == new.key || other.title == new.title);
    let Some(at) = shared.keep_key(new.clone(), known) else {
        let same_key = shared.state().deploy_keys.iter().any(|other| known(other) && other.key == new.key);
        return Err(unprocessable(if same_key {
            "This key has already been added to this repository"
        } else {
            "A key with the same name already exists"
        }));
    };
    json(StatusCode::CREATED, &shown_key(at, &new))
}

fn shown_key(at: usize, key: &DeployKey) -> Value {
    json!({ "id": at + 1, "key_id": at + 1, "key": key.key, "title": key.title, "read_only": key.read_only })
}

async fn list_hooks(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
    let items = shared.hooks_of(&repository).iter().map(|hook| shown_hook(&shared, hook)).collect();
    Ok(PAGING.answer(items, &query, &format!("{}/repos/{repository}/hooks", shared.api_url())))
}

async fn create_hook(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
    let fields = fields(&headers, &body)?;
    let kind = fields.text("type").map_err(invalid)?.unwrap_or_default();
    if !["gitea", "gogs", "forgejo"].contains(&kind) {
        return Err(unprocessable(&format!("Invalid hook type: {kind}")));
    }
    let config = fields.inner("config").map_err(invalid)?.unwrap_or_else(|| Fields(serde_json::Map::new()));
    if let Some(missing) = ["url", "content_type"].iter().find(|name| !config.0.contains_key(**name)) {
        return Err(unprocessable(&format!("Missing config option: {missing}")));
    }
    let mut hook = Hook {
        id: 0,
        repository,
        url: String::new(),
        secret: String::new(),
        signs: true,
        events: Vec::new(),
        // Off unless told otherwise.
        active: false,
        form: false,
        failures: 0,
    };
    configure(&mut hook, &fields)?;
    json(StatusCode::CREATED, &shown_hook(&shared, &shared.keep_hook(hook)))
}

fn configure(hook: &mut Hook, fields: &Fields) -> Result<(), Refused> {
    if let Some(config) = fields.inner("config").map_err(invalid)? {
        let text = |name: &str| config.text(name).map_err(invalid);
        if let Some(url) = text("url")? {
            url.clone_into(&mut hook.url);
        }
        match text("content_type")? {
            None => {}
            Some("json") => hook.form = false,
            Some("form") => hook.form = true,
            Some(_) => return Err(unprocessable("Invalid content type")),
        }
        if let Some(secret) = text("secret")? {
            secret.clone_into(&mut hook.secret);
        }
    }
    let events = fields.texts("events").map_err(invalid)?.unwrap_or_default();
    hook.events = if events.is_empty() { vec!["push".to_owned()] } else { events };
    hook.active = fields.flag("active").map_err(invalid)?.unwrap_or(hook.active);
    Ok(())
}

fn find_hook(shared: &Shared, repository: &str, id: &str) -> Result<Hook, Refused> {
    let found = shared.hooks_of(repository).into_iter().find(|hook| hook.id.to_string() == id);
    found.ok_or_else(not_found)
}

async fn show_hook(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
    json(StatusCode::OK, &shown_hook(&shared, &find_hook(&shared, &repository, &hook)?))
}

async fn change_hook(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, hook)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, Some(Permission::Hooks))?;
    let mut hook = find_hook(&shared, &repository, &hook)?;
    configure(&mut hook, &fields(&headers, &body)?)?;
    shared.change_hook(&hook);
    json(StatusCode::OK, &shown_hook(&shared, &hook))
}

/// A hook as Gitea shows it: without its secret.
fn shown_hook(shared: &Shared, hook: &Hook) -> Value {
    json!({
        "id": hook.id,
        "type": "gitea",
        "config": { "url": hook.url, "content_type": if hook.form { "form" } else { "json" } },
        "events": hook.events,
        "active": hook.active,
        "branch_filter": "",
        "authorization_header": "",
        "created_at": rfc3339(shared.now()),
        "updated_at": rfc3339(shared.now()),
    })
}
