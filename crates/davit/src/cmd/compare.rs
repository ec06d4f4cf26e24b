//! `davit deployment list` and `davit deployment compare`: deployments among each other.

use super::{Format, ListFormat, filter, tone};
use crate::client::Client;
use crate::client::compare::{ComparedCell, Comparison, Parting, PartingOf, StepEnd};
use crate::client::types::Deployment;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, short, visible};
use clap::Args;
use std::collections::BTreeMap;

/// Which deployments.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Of this app alone
    #[arg(long)]
    app: Option<String>,
    /// To this environment alone
    #[arg(long)]
    environment: Option<String>,
    /// In these states alone, with commas between them, such as failed,reverted
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// Which two.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The deployment's number
    deployment: i64,
    /// An earlier one of the same app [default: the attempt before, else the deployment before]
    #[arg(long, value_name = "DEPLOYMENT")]
    with: Option<i64>,
    /// Show where the logs of the step with this number part
    #[arg(long, value_name = "N")]
    step: Option<u8>,
    /// With --step: on this host [default: on the server]
    #[arg(long, requires = "step")]
    host: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn list(client: &Client, args: ListArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[("app", &args.app), ("environment", &args.environment), ("state", &args.state)]);
    let deployments = client.list::<Deployment>(&["deployments"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&deployments)?;
        return Ok(Exit::Done);
    }
    let row = |deployment: &Deployment| {
        let state = deployment.state.as_str();
        vec![
            Cell::from(deployment.id.to_string()),
            Cell::from(&deployment.app),
            Cell::from(&deployment.environment),
            Cell::toned(tone(state), state),
            Cell::from(short(&deployment.commit)),
            Cell::from(deployment.request.to_string()),
            Cell::from(deployment.reason.as_deref().unwrap_or_default()),
        ]
    };
    let rows: Vec<_> = deployments.items.iter().map(row).collect();
    let header = ["id", "app", "environment", "state", "commit", "request", "reason"];
    output.table(&header, &rows, "There are no such deployments. Ask for one: davit deploy APP ENV")?;
    Ok(Exit::Done)
}

pub(super) async fn compare(client: &Client, args: CompareArgs) -> Outcome {
    let output = Output::detect();
    if let Some(step) = args.step {
        let of = PartingOf { with: args.with, host: args.host, step };
        let parting = client.parting(args.deployment, of).await?;
        if args.format.json {
            output.json(&parting)?;
            return Ok(Exit::Done);
        }
        return print_parting(output, &parting);
    }
    let comparison = client.compare(args.deployment, args.with).await?;
    if args.format.json {
        output.json(&comparison)?;
        return Ok(Exit::Done);
    }
    let deployment = client.deployment(args.deployment).await?;
    print(output, &deployment, &comparison)
}

fn print(output: Output, deployment: &Deployment, comparison: &Comparison) -> Outcome {
    let earlier = &comparison.earlier;
    let what = |deployment: &Deployment| {
        let state = deployment.state.as_str();
        format!("{} ({}, {})", deployment.id, short(&deployment.commit), output.paint(tone(state), state))
    };
    output.line(format!("deployment {} beside {}", what(deployment), what(earlier)))?;
    let titles: BTreeMap<u8, &str> = deployment.steps.iter().map(|step| (step.number, step.title.as_str())).collect();
    let row = |cell: &ComparedCell| {
        let title = titles.get(&cell.step).copied().unwrap_or_default();
        let changed = cell.before.as_ref().map(|end| &end.state) != cell.now.as_ref().map(|end| &end.state);
        vec![
            Cell::toned(Tone::Busy, if changed { "≠" } else { "" }),
            Cell::from(cell.host.as_deref().unwrap_or("server")),
            Cell::from(cell.step.to_string()),
            Cell::from(title),
            ended(cell.before.as_ref()),
            ended(cell.now.as_ref()),
        ]
    };
    let rows: Vec<_> = comparison.cells.iter().map(row).collect();
    output.table(&["", "host", "step", "title", "before", "now"], &rows, "Neither has done anything yet")?;
    Ok(Exit::Done)
}

fn ended(end: Option<&StepEnd>) -> Cell {
    let Some(end) = end else { return Cell::from("-") };
    let took = end.took.map(|millis| format!(" {}.{:01} s", millis / 1000, millis % 1000 / 100)).unwrap_or_default();
    Cell::toned(tone(&end.state), format!("{}{took}", end.state))
}

fn print_parting(output: Output, parting: &Parting) -> Outcome {
    if !parting.differs {
        output.line(format!("They say the same, in {} lines", parting.same))?;
        return Ok(Exit::Done);
    }
    output.line(format!("The first {} lines are the same; then", parting.same))?;
    let sides = [("-", Tone::Bad, &parting.before), ("+", Tone::Good, &parting.now)];
    for (sign, tone, lines) in sides {
        lines.iter().try_for_each(|line| {
            output.line(output.paint(tone, format!("{sign} {}| {}", line.seq, visible(&line.text))))
        })?;
    }
    Ok(Exit::Done)
}

/// What a number that nobody has is looked up with.
pub(super) fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit deployment list")
}
