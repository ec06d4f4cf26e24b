//! `davit environments …`: where apps are released to, and what is asked before.

use super::ListFormat;
use super::declared::{self, DeclaredCommand};
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::things::Environment;
use crate::client::types::Page;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, Tone};
use clap::Subcommand;

const EXAMPLES: &str = "\
Examples:
  davit environments set production name=Production review.required=1 'branches=[\"main\"]'
  davit environments set production --unset branches
  davit environments edit production";

/// List environments, add and change them
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum EnvironmentsCommand {
    /// List environments: their rules, and whether a release would start now
    List(ListFormat),
    #[command(flatten)]
    Declared(DeclaredCommand),
}

pub(super) async fn run(command: EnvironmentsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        EnvironmentsCommand::List(args) => list(&client, args).await,
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
