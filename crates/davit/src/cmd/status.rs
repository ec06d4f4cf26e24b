//! `davit status`: what is live where, what runs, what waits.

use super::examples;
use super::{Format, SEE_STATUS, not_found, tone};
use crate::client::Client;
use crate::client::things::LiveCheck;
use crate::client::types::{Overview, OverviewApp, OverviewCell, Request};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, short, visible};
use clap::Args;

/// Show what is live where, what runs and what waits
#[derive(Debug, Args)]
#[command(after_help = examples::STATUS)]
pub(crate) struct StatusArgs {
    /// This app alone
    app: Option<String>,
    /// This environment alone
    environment: Option<String>,
    /// Ask every host now what it really serves; exit code 1 when that is not what davit put there
    #[arg(long, requires = "environment")]
    ask: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: StatusArgs) -> Outcome {
    if let (true, Some(app), Some(environment)) = (args.ask, &args.app, &args.environment) {
        return ask(app, environment, args.format).await;
    }
    let output = Output::detect();
    let mut overview: Overview = Client::from_environment()?.get(&["overview"], &[]).await?;
    narrow(&mut overview, args.app.as_deref(), args.environment.as_deref())?;
    if args.format.json {
        output.json(&overview)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = overview.apps.iter().flat_map(|app| app.cells.iter().map(|cell| row(app, cell))).collect();
    let header = ["app", "environment", "live release", "commit", "since (UTC)", "last deployment", ""];
    output.table(&header, &rows, "No app is configured yet: davit apps add, or davit apply -f davit.toml")?;
    for deployment in &overview.running {
        let state = deployment.state.as_str();
        let what = format!("{} to {}", deployment.app, deployment.environment);
        match deployment.waits() {
            Some(waits) => output.note(format!("{what}: {waits}")),
            None => {
                output.note(format!("{what} is {}: davit logs -f {}", output.paint(tone(state), state), deployment.id));
            }
        }
    }
    overview.waiting.iter().for_each(|request| output.note(waiting(request)));
    Ok(Exit::Done)
}

async fn ask(app: &str, environment: &str, format: Format) -> Outcome {
    let output = Output::detect();
    let checks = Client::from_environment()?.ask_live(app, environment).await;
    let checks = checks.map_err(|failure| failure.hint_if_not_found(SEE_STATUS))?;
    if format.json {
        output.json(&checks)?;
    } else {
        let row = |check: &LiveCheck| {
            vec![
                Cell::from(&check.host),
                Cell::toned(tone(&check.verdict), &check.verdict),
                Cell::from(check.live.as_deref().unwrap_or("-")),
                Cell::from(check.expected.as_deref().unwrap_or("-")),
                Cell::from(&check.detail.sentence),
            ]
        };
        let rows: Vec<_> = checks.items.iter().map(row).collect();
        output.table(&["host", "", "serves", "should serve", "detail"], &rows, "It has no hosts.")?;
    }
    match checks.items.iter().filter(|check| check.verdict != "ok").count() {
        0 => Ok(Exit::Done),
        other => Err(Failure::failed(format!(
            "{other} of {} hosts do not serve what davit put there, or did not say",
            checks.items.len()
        ))),
    }
}

/// Leaves what was asked for; what does not exist is a failure, not an empty table.
fn narrow(overview: &mut Overview, app: Option<&str>, environment: Option<&str>) -> Result<(), Failure> {
    let Some(app) = app else { return Ok(()) };
    overview.apps.retain(|known| known.key == app);
    overview.running.retain(|deployment| deployment.app == app);
    overview.waiting.retain(|request| request.app == app);
    if overview.apps.is_empty() {
        return Err(not_found("app", app, SEE_STATUS));
    }
    let Some(environment) = environment else { return Ok(()) };
    overview.apps.iter_mut().for_each(|app| app.cells.retain(|cell| cell.environment == environment));
    overview.running.retain(|deployment| deployment.environment == environment);
    overview.waiting.retain(|request| request.environment == environment);
    if overview.apps.iter().all(|app| app.cells.is_empty()) {
        return Err(not_found(&format!("release of {app} to"), environment, &format!("davit status {app}")));
    }
    Ok(())
}

fn row(app: &OverviewApp, cell: &OverviewCell) -> Vec<Cell> {
    let live = cell.live.as_ref();
    let last = cell.last.as_ref();
    let state = last.map_or("", |deployment| deployment.state.as_str());
    vec![
        Cell::from(&app.key),
        Cell::from(&cell.environment),
        Cell::from(live.map_or("-", |live| &live.release)),
        Cell::from(live.map_or("", |live| short(&live.commit))),
        Cell::from(live.map(|live| minute(live.at)).unwrap_or_default()),
        Cell::from(last.map(|deployment| deployment.id.to_string()).unwrap_or_default()),
        Cell::toned(tone(state), state),
    ]
}

fn waiting(request: &Request) -> String {
    let Request { id, app, environment, .. } = request;
    format!("request {id} ({app} to {environment}) is {}: davit request show {id}", visible(request.state.as_str()))
}
