//! What is live where, what runs, what waits. Whether what is live is as it should be: [`health`]; whether something
//! newer waits: [`heads`].

mod heads;
mod health;

use crate::Api;
use crate::alerts::AlertView;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::views::{DeploymentSummary, LiveView, RequestView, Seen, by_place};
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::config::{App, Configuration, ReleaseConfig};
use davit_store::Store;
use davit_store::releases::LiveRelease;
use davit_store::requests::RequestFilter;
use heads::{Heads, NewestView};
use health::{CellHealth, Estate};
use serde::Serialize;
use utoipa::ToSchema;

/// How many waiting requests, and how many alerts, the overview shows.
const WAITING: i64 = 50;

/// The first page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    environments: Vec<EnvironmentBrief>,
    apps: Vec<AppRow>,
    running: Vec<DeploymentSummary>,
    waiting: Vec<RequestView>,
    hosts: usize,
    forges: usize,
    /// What a person has to look at.
    alerts: Vec<AlertView>,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnvironmentBrief {
    key: String,
    name: String,
    color: Option<String>,
}

/// A row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppRow {
    key: String,
    name: String,
    cells: Vec<OverviewCell>,
}

/// An app in an environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverviewCell {
    environment: String,
    live: Option<LiveView>,
    last: Option<DeploymentSummary>,
    health: CellHealth,
    /// The newest commit of the branch or tags that it follows, when another one is live.
    newest: Option<NewestView>,
}

/// Everything the first page shows.
#[utoipa::path(get, path = "/api/v1/overview", responses((status = 200, body = Overview)))]
pub(crate) async fn overview(State(api): State<Api>, caller: Caller) -> Result<Json<Overview>, Problem> {
    let store = api.engine.store();
    let (configuration, places) = (caller.configuration(&api).await?, caller.sees());
    let live = store.live_within(&places).await?;
    let rows = cells(store, &configuration, &live).await?;
    let latest = store.latest_deployments().await?;
    let estate = Estate::load(store, &configuration, &places).await?;
    let heads = Heads::load(store, rows.iter().flat_map(|(_, cells)| cells)).await?;
    let mut apps = Vec::with_capacity(rows.len());
    for (app, row) in rows {
        let mut cells = Vec::with_capacity(row.len());
        for cell in row {
            let environment = &cell.config.environment;
            let last = latest.iter().find(|last| last.app == app.key && last.environment == *environment);
            cells.push(OverviewCell {
                environment: environment.to_string(),
                health: estate.health(&cell),
                newest: heads.newest(&cell),
                last: match last {
                    Some(last) => Some(DeploymentSummary::load(store, last).await?),
                    None => None,
                },
                live: cell.live,
            });
        }
        apps.push(AppRow { key: app.key.to_string(), name: app.name.clone(), cells });
    }
    let mut running = Vec::new();
    for deployment in store.all_unfinished().await? {
        if places.contains(&deployment.app, &deployment.environment) {
            running.push(DeploymentSummary::load(store, &deployment).await?);
        }
    }
    let states = vec!["awaiting_review".into(), "awaiting_release".into()];
    let filter = RequestFilter { states, places: caller.access().places(Action::See), ..RequestFilter::default() };
    let seen = Seen::new(&api, &caller).await?;
    let mut waiting = Vec::new();
    for request in store.requests(&filter, None, WAITING).await? {
        waiting.push(RequestView::load(&seen, request).await?);
    }
    let alerts = if caller.may(Action::See) { store.alerts(true, None, WAITING).await? } else { Vec::new() };
    let alerts = alerts.into_iter().map(AlertView::from).collect();
    let environments = configuration.environments.into_iter().map(|environment| EnvironmentBrief {
        key: environment.key.to_string(),
        name: environment.name,
        color: environment.color,
    });
    Ok(Json(Overview {
        environments: environments.collect(),
        apps,
        running,
        waiting,
        hosts: configuration.hosts.len(),
        forges: configuration.forges.len(),
        alerts,
    }))
}

/// An app in an environment, and what its hosts serve.
struct Cell<'c> {
    app: &'c App,
    config: &'c ReleaseConfig,
    here: &'c [LiveRelease],
    live: Option<LiveView>,
}

/// The apps with their cells.
async fn cells<'c>(
    store: &Store,
    configuration: &'c Configuration,
    live: &'c [LiveRelease],
) -> Result<Vec<(&'c App, Vec<Cell<'c>>)>, Problem> {
    let live = by_place(live);
    let mut rows = Vec::with_capacity(configuration.apps.len());
    for app in &configuration.apps {
        let mut cells = Vec::with_capacity(app.releases.len());
        for config in &app.releases {
            let here = live.get(&(&app.key, &config.environment)).copied().unwrap_or_default();
            cells.push(Cell { app, config, here, live: LiveView::load(store, here).await? });
        }
        rows.push((app, cells));
    }
    Ok(rows)
}
