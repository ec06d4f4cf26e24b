//! `davit environments …`: where apps are released to, and what is asked before.

use super::declared::{self, DeclaredCommand};
use super::{Format, ListFormat, filter};
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::things::{Environment, Gate};
use crate::client::types::Page;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, Tone, minute, visible};
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  davit environments set production name=Production review.required=1 'branches=[\"main\"]'
  davit environments set production --unset branches
  davit environments gates production --app shop
  davit environments edit production";

/// List environments, add and change them
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum EnvironmentsCommand {
    /// List environments: their rules, and whether a release would start now
    List(ListFormat),
    /// Say what keeps releases from an environment now, and until when; exit code 1 where something does
    Gates(GatesArgs),
    #[command(flatten)]
    Declared(DeclaredCommand),
}

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct GatesArgs {
    /// The environment's key
    environment: String,
    /// Releases of this app
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: EnvironmentsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        EnvironmentsCommand::List(args) => list(&client, args).await,
        EnvironmentsCommand::Gates(args) => gates(&client, args).await,
        EnvironmentsCommand::Declared(command) => declared::run(&client, command, Thing::Environment).await,
    }
}

async fn list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut environments: Page<Environment> = client.get(&["environments"], &[]).await?;
    environments.items.truncate(list.limit);
    if list.format.json {
        output.json(&environments)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = environments.items.iter().map(row).collect();
    let header = ["environment", "name", "approvals", "branches", "releases"];
    output.table(&header, &rows, "There are no environments yet: davit environments set KEY name=NAME")?;
    Ok(Exit::Done)
}

async fn gates(client: &Client, args: GatesArgs) -> Outcome {
    let output = Output::detect();
    let query = filter(&[("app", &args.app)]);
    let gate: Result<Gate, _> = client.get(&["environments", &args.environment, "gates"], &query).await;
    let gate = gate.map_err(|failure| failure.hint_if_not_found("davit environments list"))?;
    if args.format.json {
        output.json(&gate)?;
    } else if gate.open {
        output.line("A release would start at once")?;
    } else {
        let until = gate.until.map(|at| format!(", until {} UTC", minute(at))).unwrap_or_default();
        output.line(format!("{}{until}", visible(gate.reason.as_deref().unwrap_or("Releases wait"))))?;
    }
    Ok(if gate.open { Exit::Done } else { Exit::Failed })
}

fn row(environment: &Environment) -> Vec<Cell> {
    let branches = environment.branches.as_ref().map_or_else(|| "all".to_owned(), |branches| branches.join(", "));
    let gate = match (environment.gate.open, &environment.gate.reason) {
        (true, _) => Cell::toned(Tone::Good, "start at once"),
        (false, Some(reason)) => Cell::toned(Tone::Busy, reason),
        (false, None) => Cell::toned(Tone::Busy, "wait"),
    };
    vec![
        Cell::from(&environment.key),
        Cell::from(&environment.name),
        Cell::from(environment.required_approvals.to_string()),
        Cell::from(branches),
        gate,
    ]
}
