//! Asking for releases and rollbacks, and what people choose from when they do.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem, Query};
use crate::sight::seen_app;
use crate::views::{RequestView, Seen};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use davit_domain::access::Action;
use davit_domain::config::App;
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey, HostName, ReleaseName};
use davit_domain::time::Timestamp;
use davit_engine::git;
use davit_engine::intents::{Wanted, What};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Branches and tags, or commits, in an answer.
const DEFAULT_REFS: usize = 500;
const MOST_REFS: usize = 2_000;
const DEFAULT_COMMITS: usize = 50;
const MOST_COMMITS: usize = 200;

/// Branches and tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refs {
    branches: Vec<RefView>,
    tags: Vec<RefView>,
    /// How many there are in all, of those that were asked for.
    branches_total: usize,
    tags_total: usize,
}

/// A branch or tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefView {
    name: String,
    commit: String,
    subject: String,
    at: String,
}

/// A commit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommitView {
    sha: String,
    author: String,
    at: String,
    subject: String,
}

/// Which branches and tags.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefsQuery {
    /// Each word of it is in their names.
    q: Option<String>,
    /// Of each, 1 to 2000; 500 without it.
    limit: Option<usize>,
    /// Of each, without the first ones.
    skip: Option<usize>,
}

/// Which commits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommitsQuery {
    /// Of this branch or tag; without it: the default branch.
    r#ref: Option<String>,
    /// Each word of it is in subject or author, or it is the beginning of the SHA.
    q: Option<String>,
    /// Those after this SHA.
    before: Option<String>,
    /// 1 to 200; 50 without it.
    limit: Option<usize>,
}

/// What to release. Neither ref nor commit nor build: the default branch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployBody {
    /// A branch or tag; with `commit`: one that holds it.
    r#ref: Option<String>,
    /// A full SHA.
    commit: Option<String>,
    /// The number of a kept build.
    build: Option<i64>,
    /// What is filled in, by the names of the release config's inputs.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// Without it: the commit's subject.
    title: Option<String>,
    /// What more there is to know.
    #[serde(default)]
    description: String,
    /// Only these hosts.
    hosts: Option<Vec<String>>,
    /// When it goes out by itself, if it may then. Needs the right to release.
    #[schema(value_type = Option<String>)]
    scheduled_at: Option<Timestamp>,
}

/// What to go back to. Nothing: the newest good release that is not live.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackBody {
    to: Option<String>,
}

/// Branches and tags, newest first, after asking the remote.
#[utoipa::path(get, path = "/api/v1/apps/{app}/refs", params(("app" = String, Path), RefsQuery),
    responses((status = 200, body = Refs), (status = 502, body = Problem)))]
pub(crate) async fn refs(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(query): Query<RefsQuery>,
) -> Result<Json<Refs>, Problem> {
    let app = may_ask_for(&api, &caller, &app).await?;
    let most = query.limit.unwrap_or(DEFAULT_REFS).clamp(1, MOST_REFS);
    let text = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let (branches, tags) = api.engine.refs(&app, text).await?;
    let (branches_total, tags_total) = (branches.len(), tags.len());
    let view = |found: davit_engine::repositories::NamedRef| RefView {
        name: found.name,
        commit: found.commit.to_string(),
        subject: found.subject,
        at: found.at.to_string(),
    };
    let page = |all: Vec<davit_engine::repositories::NamedRef>| {
        all.into_iter().skip(query.skip.unwrap_or(0)).take(most).map(view).collect()
    };
    Ok(Json(Refs { branches: page(branches), tags: page(tags), branches_total, tags_total }))
}

/// Commits of a branch or tag, newest first, after asking the remote.
#[utoipa::path(get, path = "/api/v1/apps/{app}/commits", params(("app" = String, Path), CommitsQuery),
    responses((status = 200, body = Page<CommitView>), (status = 422, body = Problem), (status = 502, body = Problem)))]
pub(crate) async fn commits(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(query): Query<CommitsQuery>,
) -> Result<Json<Page<CommitView>>, Problem> {
    let app = may_ask_for(&api, &caller, &app).await?;
    let most = query.limit.unwrap_or(DEFAULT_COMMITS).clamp(1, MOST_COMMITS);
    let after: Option<CommitSha> = query.before.map(|sha| sha.parse()).transpose()?;
    let text = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let wanted = git::Wanted { text, after: after.as_ref() };
    let reference = query.r#ref.as_deref().filter(|name| !name.is_empty());
    let items: Vec<CommitView> =
        api.engine.commits(&app, reference, wanted, most).await?.into_iter().map(CommitView::from).collect();
    let next = items.last().filter(|_| items.len() == most).map(|last| last.sha.clone());
    Ok(Json(Page { items, next }))
}

/// Asks for a release; it goes out at once when no review is needed and the caller may release.
#[utoipa::path(post, path = "/api/v1/apps/{app}/environments/{environment}/deploy",
    params(("app" = String, Path), ("environment" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DeployBody,
    responses((status = 201, body = RequestView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn deploy(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<DeployBody>,
) -> Result<(StatusCode, Json<RequestView>), Problem> {
    let (app, environment) = may_ask(&caller, &app, &environment)?;
    if body.scheduled_at.is_some() {
        caller.allow_in(Action::Release, &app, &environment)?;
    }
    let wanted = Wanted {
        what: what(body.r#ref, body.commit, body.build)?,
        inputs: body.inputs,
        title: body.title,
        description: body.description,
        hosts: host_names(body.hosts)?,
        scheduled_at: body.scheduled_at,
        by: caller.name().to_owned(),
        idempotency_key: idempotency_key(&headers, &caller)?,
        app,
        environment,
    };
    let at_once = caller.may_in(Action::Release, &wanted.app, &wanted.environment);
    let request = api.engine.ask_deploy(wanted, at_once).await?;
    let seen = Seen::new(&api, &caller).await?;
    Ok((StatusCode::CREATED, Json(RequestView::load(&seen, request).await?)))
}

/// Asks to go back to a kept release.
#[utoipa::path(post, path = "/api/v1/apps/{app}/environments/{environment}/rollback",
    params(("app" = String, Path), ("environment" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RollbackBody,
    responses((status = 201, body = RequestView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn rollback(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<RollbackBody>,
) -> Result<(StatusCode, Json<RequestView>), Problem> {
    let (app, environment) = may_ask(&caller, &app, &environment)?;
    let to: Option<ReleaseName> = body.to.map(|release| release.parse()).transpose()?;
    let key = idempotency_key(&headers, &caller)?;
    let at_once = caller.may_in(Action::Release, &app, &environment);
    let request = api.engine.ask_rollback(&app, &environment, to.as_ref(), caller.name(), key, at_once).await?;
    let seen = Seen::new(&api, &caller).await?;
    Ok((StatusCode::CREATED, Json(RequestView::load(&seen, request).await?)))
}

impl From<git::CommitLine> for CommitView {
    fn from(line: git::CommitLine) -> Self {
        Self { sha: line.commit.to_string(), author: line.author, at: line.at.to_string(), subject: line.subject }
    }
}

/// What is asked for: a name, a commit, a commit by the name of what holds it, or a build.
pub(crate) fn what(reference: Option<String>, commit: Option<String>, build: Option<i64>) -> Result<What, Problem> {
    match (reference, commit, build) {
        (None, None, Some(build)) => Ok(What::Build(build)),
        (Some(reference), Some(commit), None) => Ok(What::CommitOf { reference, commit }),
        (reference, commit, None) => Ok(What::Reference(reference.or(commit))),
        (_, _, Some(_)) => Err(Problem::invalid("name a ref, a commit or a build, and a build alone")),
    }
}

/// Names of hosts.
pub(crate) fn host_names(hosts: Option<Vec<String>>) -> Result<Option<Vec<HostName>>, Problem> {
    Ok(hosts.map(|hosts| hosts.iter().map(|host| host.parse()).collect::<Result<_, _>>()).transpose()?)
}

/// The key belongs to its sender: nobody can hit somebody else's.
pub(crate) fn idempotency_key(headers: &HeaderMap, caller: &Caller) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= 200 => Ok(Some(format!("user {} {text}", caller.user.id))),
        Ok(_) | Err(_) => Err(Problem::invalid("Idempotency-Key must be 1 to 200 visible ASCII characters")),
    }
}

fn may_ask(caller: &Caller, app: &str, environment: &str) -> Result<(AppKey, EnvironmentKey), Problem> {
    caller.allow_somewhere(Action::Ask)?;
    let (app, environment) = (app.parse()?, environment.parse()?);
    caller.allow_in(Action::Ask, &app, &environment)?;
    Ok((app, environment))
}

/// The app, for whoever may ask for it anywhere.
async fn may_ask_for(api: &Api, caller: &Caller, app: &str) -> Result<App, Problem> {
    caller.allow_somewhere(Action::Ask)?;
    let app = seen_app(api, caller, app).await?;
    caller.allow_some_of_app(Action::Ask, &app)?;
    Ok(app)
}
