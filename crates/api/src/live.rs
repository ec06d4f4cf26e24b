//! What hosts really serve, as they said when they were asked.

use crate::Api;
use crate::apps::find;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_store::gates::LiveCheck;
use davit_store::releases::Live;
use serde::Serialize;
use utoipa::ToSchema;

/// What one host said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveCheckView {
    host: String,
    #[schema(value_type = words::LiveVerdict)]
    verdict: String,
    /// The release that it serves.
    live: Option<String>,
    /// The release that davit put there.
    expected: Option<String>,
    detail: LiveDetailView,
    /// None: it was never asked.
    at: Option<String>,
}

/// What differs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveDetailView {
    /// For people.
    sentence: String,
    /// Where the deploy path leads when that is no release of davit's.
    foreign: Option<String>,
    /// How many files of the live release are not as they were sent.
    altered: u64,
    /// The first of them.
    files: Vec<String>,
}

impl LiveCheckView {
    fn new(check: LiveCheck, expected: &[Live]) -> Self {
        let expected = expected.iter().find(|live| live.host == check.host).map(|live| live.release.to_string());
        Self {
            host: check.host.to_string(),
            verdict: check.verdict,
            live: check.live.map(|release| release.to_string()),
            expected,
            detail: LiveDetailView {
                sentence: check.detail.sentence,
                foreign: check.detail.foreign,
                altered: check.detail.altered,
                files: check.detail.files,
            },
            at: Some(check.at.to_string()),
        }
    }

    fn never_asked(host: &HostName, expected: &[Live]) -> Self {
        let expected = expected.iter().find(|live| live.host == *host).map(|live| live.release.to_string());
        let detail =
            LiveDetailView { sentence: "it was not asked yet".into(), foreign: None, altered: 0, files: Vec::new() };
        Self { host: host.to_string(), verdict: "unknown".into(), live: None, expected, detail, at: None }
    }
}

/// What each host said when it was last asked.
#[utoipa::path(get, path = "/api/v1/apps/{app}/environments/{environment}/live",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = Page<LiveCheckView>), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
) -> Result<Json<Page<LiveCheckView>>, Problem> {
    let (key, environment): (AppKey, EnvironmentKey) = (app.parse()?, environment.parse()?);
    caller.allow_in(Action::See, &key, &environment)?;
    view(&api, &app, &environment).await
}

/// Asks every host now what it serves, and says what is known then.
#[utoipa::path(post, path = "/api/v1/apps/{app}/environments/{environment}/live",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = Page<LiveCheckView>), (status = 404, body = Problem)))]
pub(crate) async fn ask(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
) -> Result<Json<Page<LiveCheckView>>, Problem> {
    let (key, environment): (AppKey, EnvironmentKey) = (app.parse()?, environment.parse()?);
    caller.allow_in(Action::Ask, &key, &environment)?;
    api.engine.ask_live(&key, &environment).await?;
    view(&api, &app, &environment).await
}

/// What is known of every host that the release config means now.
async fn view(api: &Api, app: &str, environment: &EnvironmentKey) -> Result<Json<Page<LiveCheckView>>, Problem> {
    let store = api.engine.store();
    let configuration = store.configuration().await?;
    let app = find(&configuration.apps, app)?;
    let config = app
        .release(environment)
        .ok_or_else(|| Problem::not_found(format!("{} is not released to {environment}", app.key)))?;
    let expected = store.live(&app.key, environment).await?;
    let mut checks = store.live_checks(&app.key, environment).await?;
    let items = config.select(&configuration.hosts).into_iter().map(|host| {
        match checks.iter().position(|check| check.host == host.name) {
            Some(at) => LiveCheckView::new(checks.swap_remove(at), &expected),
            None => LiveCheckView::never_asked(&host.name, &expected),
        }
    });
    Ok(Json(Page::whole(items.collect())))
}
