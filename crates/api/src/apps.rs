//! Apps: how they are released, and asking for releases and rollbacks.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::views::{ConfigView, DeploymentSummary, LiveView, ReleaseView, RepositoryView, RequestView, live_in};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use davit_domain::access::Action;
use davit_domain::config::{App, Configuration, export};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName, ReleaseName};
use davit_engine::intents::{Wanted, What};
use davit_store::deployments::DeploymentFilter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

const RECENT: i64 = 20;

/// An app in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppItem {
    key: String,
    name: String,
    repository: RepositoryView,
    environments: Vec<AppEnvironment>,
}

/// Where it is released to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppEnvironment {
    environment: String,
    live: Option<LiveView>,
}

/// An app with everything.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppFull {
    key: String,
    name: String,
    repository: RepositoryView,
    configs: Vec<ConfigView>,
    recent: Vec<DeploymentSummary>,
}

/// Branches and tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refs {
    branches: Vec<RefView>,
    tags: Vec<RefView>,
}

/// A branch or tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefView {
    name: String,
    commit: String,
    subject: String,
    at: String,
}

/// What to release. Neither ref nor commit nor build: the default branch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployBody {
    /// A branch or tag.
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
    /// Only these hosts.
    hosts: Option<Vec<String>>,
}

/// What to go back to. Nothing: the newest good release that is not live.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackBody {
    to: Option<String>,
}

/// All apps.
#[utoipa::path(get, path = "/api/v1/apps", responses((status = 200, body = Page<AppItem>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<AppItem>>, Problem> {
    caller.allow(Action::See)?;
    let store = api.engine.store();
    let live = store.live_all().await?;
    let mut items = Vec::new();
    for app in store.configuration().await?.apps {
        let mut environments = Vec::with_capacity(app.releases.len());
        for config in &app.releases {
            environments.push(AppEnvironment {
                environment: config.environment.to_string(),
                live: LiveView::load(store, &live_in(&live, &app.key, &config.environment)).await?,
            });
        }
        items.push(AppItem {
            key: app.key.to_string(),
            name: app.name,
            repository: (&app.repository).into(),
            environments,
        });
    }
    Ok(Json(Page::whole(items)))
}

/// One app.
#[utoipa::path(get, path = "/api/v1/apps/{app}", params(("app" = String, Path)),
    responses((status = 200, body = AppFull), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
) -> Result<Json<AppFull>, Problem> {
    caller.allow(Action::See)?;
    let store = api.engine.store();
    let configuration = store.configuration().await?;
    let app = find(&configuration.apps, &app)?;
    let mut configs = Vec::with_capacity(app.releases.len());
    for config in &app.releases {
        if let Some((revision, config)) = store.release_config(&app.key, &config.environment).await? {
            configs.push(ConfigView::new(&revision, config, &configuration.hosts));
        }
    }
    let filter = DeploymentFilter { app: Some(app.key.clone()), ..DeploymentFilter::default() };
    let mut recent = Vec::new();
    for deployment in store.deployments(&filter, None, RECENT).await? {
        recent.push(DeploymentSummary::load(store, &deployment).await?);
    }
    Ok(Json(AppFull {
        key: app.key.to_string(),
        name: app.name.clone(),
        repository: (&app.repository).into(),
        configs,
        recent,
    }))
}

/// Branches and tags, after asking the remote.
#[utoipa::path(get, path = "/api/v1/apps/{app}/refs", params(("app" = String, Path)),
    responses((status = 200, body = Refs), (status = 502, body = Problem)))]
pub(crate) async fn refs(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
) -> Result<Json<Refs>, Problem> {
    caller.allow(Action::Ask)?;
    let app = known(&api, &app).await?;
    let (branches, tags) = api.engine.refs(&app).await?;
    let view = |found: davit_engine::repositories::NamedRef| RefView {
        name: found.name,
        commit: found.commit.to_string(),
        subject: found.subject,
        at: found.at.to_string(),
    };
    Ok(Json(Refs { branches: branches.into_iter().map(view).collect(), tags: tags.into_iter().map(view).collect() }))
}

/// How an app is released to an environment, as the part of a `davit.toml` that says so: applied, it changes nothing.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}/toml",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub(crate) async fn config_toml(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    caller.allow(Action::Configure)?;
    let mut app = known(&api, &app).await?;
    app.releases.retain(|config| config.environment.as_str() == environment);
    if app.releases.is_empty() {
        return Err(Problem::not_found(format!("{} is not released to {environment}", app.key)));
    }
    let text = export(&Configuration { apps: vec![app], ..Configuration::default() });
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text))
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
    caller.allow(Action::Ask)?;
    let what = match (body.r#ref, body.commit, body.build) {
        (None, None, Some(build)) => What::Build(build),
        (reference, commit, None) if reference.is_none() || commit.is_none() => What::Reference(reference.or(commit)),
        (_, _, _) => return Err(Problem::invalid("name a ref, a commit or a build, and only one of them")),
    };
    let environment: EnvironmentKey = environment.parse()?;
    let hosts: Option<Vec<HostName>> =
        body.hosts.map(|hosts| hosts.iter().map(|host| host.parse()).collect::<Result<_, _>>()).transpose()?;
    let wanted = Wanted {
        app: app.parse()?,
        environment,
        what,
        inputs: body.inputs,
        title: body.title,
        hosts,
        by: caller.name().to_owned(),
        idempotency_key: idempotency_key(&headers, &caller)?,
    };
    let request = api.engine.ask_deploy(wanted, caller.may(Action::Release)).await?;
    Ok((StatusCode::CREATED, Json(RequestView::load(api.engine.store(), request).await?)))
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
    caller.allow(Action::Ask)?;
    let (app, environment): (AppKey, EnvironmentKey) = (app.parse()?, environment.parse()?);
    let to: Option<ReleaseName> = body.to.map(|release| release.parse()).transpose()?;
    let key = idempotency_key(&headers, &caller)?;
    let at_once = caller.may(Action::Release);
    let request = api.engine.ask_rollback(&app, &environment, to.as_ref(), caller.name(), key, at_once).await?;
    Ok((StatusCode::CREATED, Json(RequestView::load(api.engine.store(), request).await?)))
}

/// The good releases that are still on hosts, newest first.
#[utoipa::path(get, path = "/api/v1/apps/{app}/environments/{environment}/releases",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = Page<ReleaseView>), (status = 404, body = Problem)))]
pub(crate) async fn releases(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
) -> Result<Json<Page<ReleaseView>>, Problem> {
    caller.allow(Action::See)?;
    let store = api.engine.store();
    let configuration = store.configuration().await?;
    let app = find(&configuration.apps, &app)?;
    let environment: EnvironmentKey = environment.parse()?;
    let meant = app.release(&environment).map(|config| config.select(&configuration.hosts)).unwrap_or_default();
    let meant: Vec<HostName> = meant.into_iter().map(|host| host.name.clone()).collect();
    let mut items = Vec::new();
    for kept in store.kept_releases(&app.key, &environment).await? {
        items.push(ReleaseView::load(store, kept, &meant).await?);
    }
    Ok(Json(Page::whole(items)))
}

/// The app of this key.
pub(crate) async fn known(api: &Api, app: &str) -> Result<App, Problem> {
    let key: AppKey = app.parse()?;
    api.engine.store().app(&key).await?.ok_or_else(|| no_such_app(app))
}

/// The app of this key among these.
pub(crate) fn find<'a>(apps: &'a [App], app: &str) -> Result<&'a App, Problem> {
    apps.iter().find(|known| known.key.as_str() == app).ok_or_else(|| no_such_app(app))
}

fn no_such_app(app: &str) -> Problem {
    Problem::not_found(format!("there is no app named {app}"))
}

/// The key belongs to its sender: nobody can hit somebody else's.
fn idempotency_key(headers: &HeaderMap, caller: &Caller) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= 200 => Ok(Some(format!("user {} {text}", caller.user.id))),
        Ok(_) | Err(_) => Err(Problem::invalid("Idempotency-Key must be 1 to 200 visible ASCII characters")),
    }
}
