//! Apps, how they are released, and what is kept of it. Asking for releases is in [`crate::asks`].

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Path, Problem};
use crate::views::{ConfigView, DeploymentSummary, LiveView, ReleaseView, RepositoryView, by_place};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use davit_domain::access::Action;
use davit_domain::config::{App, Configuration, export};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_store::deployments::DeploymentFilter;
use serde::Serialize;
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

/// All apps.
#[utoipa::path(get, path = "/api/v1/apps", responses((status = 200, body = Page<AppItem>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<AppItem>>, Problem> {
    let store = api.engine.store();
    let live = store.live_within(&caller.sees()).await?;
    let live = by_place(&live);
    let mut items = Vec::new();
    for app in caller.configuration(&api).await?.apps {
        let mut environments = Vec::with_capacity(app.releases.len());
        for config in &app.releases {
            environments.push(AppEnvironment {
                environment: config.environment.to_string(),
                live: match live.get(&(&app.key, &config.environment)) {
                    Some(here) => LiveView::load(store, here).await?,
                    None => None,
                },
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
    let store = api.engine.store();
    let configuration = caller.configuration(&api).await?;
    let app = find(&configuration.apps, &app)?;
    let mut configs = Vec::with_capacity(app.releases.len());
    for config in &app.releases {
        if let Some((revision, config)) = store.release_config(&app.key, &config.environment).await? {
            configs.push(ConfigView::new(&revision, config, &configuration.hosts));
        }
    }
    let filter = DeploymentFilter { app: Some(app.key.clone()), places: caller.sees(), ..DeploymentFilter::default() };
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

/// How an app is released to an environment, as the part of a `davit.toml` that says so: applied, it changes nothing.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}/toml",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub(crate) async fn config_toml(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    caller.allow_in(Action::Configure, &app.parse()?, &environment.parse()?)?;
    let mut app = known(&api, &app).await?;
    app.releases.retain(|config| config.environment.as_str() == environment);
    if app.releases.is_empty() {
        return Err(Problem::not_found(format!("{} is not released to {environment}", app.key)));
    }
    let text = export(&Configuration { apps: vec![app], ..Configuration::default() });
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text))
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
    let (key, environment): (AppKey, EnvironmentKey) = (app.parse()?, environment.parse()?);
    caller.allow_in(Action::See, &key, &environment)?;
    let store = api.engine.store();
    let configuration = store.configuration().await?;
    let app = find(&configuration.apps, &app)?;
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
