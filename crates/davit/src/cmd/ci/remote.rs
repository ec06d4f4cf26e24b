//! `davit ci repositories` and `davit ci workflows`: what the server tests, and by which files.

use crate::client::Client;
use crate::client::ci::{TestedRepository, Workflow};
use crate::client::declared::Thing;
use crate::cmd::ListFormat;
use crate::cmd::declared::{self, DeclaredCommand};
use crate::cmd::examples;
use crate::cmd::runs::RepositoryArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};
use clap::Args;

/// List, add and change the repositories that davit tests and merges
///
/// NAME is FORGE:OWNER/NAME, or OWNER/NAME where one forge alone has it.
#[derive(Debug, Args)]
#[command(after_help = examples::CI_REPOSITORIES, args_conflicts_with_subcommands = true)]
pub(crate) struct RepositoriesArgs {
    #[command(subcommand)]
    command: Option<DeclaredCommand>,
    #[command(flatten)]
    list: ListFormat,
}

/// Of which repository, and as of when.
#[derive(Debug, Args)]
pub(crate) struct WorkflowsArgs {
    #[command(flatten)]
    which: RepositoryArgs,
    /// A branch or tag [default: the default branch]
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

pub(super) async fn repositories(args: RepositoriesArgs) -> Outcome {
    let client = Client::from_environment()?;
    match args.command {
        None => list(&client, args.list).await,
        Some(command) => {
            let thing = named(&client, command.name()).await?;
            declared::run(&client, command, |_| thing.clone()).await
        }
    }
}

/// `FORGE:OWNER/NAME`, or the one that is declared under `OWNER/NAME`.
async fn named(client: &Client, given: &str) -> Result<Thing, Failure> {
    if let Some((forge, name)) = given.split_once(':') {
        return Ok(Thing::Repository { forge: forge.to_owned(), name: name.to_owned() });
    }
    let declared = client.tested_repositories().await?.items;
    let mut meant = declared.into_iter().filter(|repository| repository.name.eq_ignore_ascii_case(given));
    match (meant.next(), meant.next()) {
        (Some(repository), None) => Ok(Thing::Repository { forge: repository.forge, name: repository.name }),
        (None, _) => {
            let failure = Failure::new(Exit::NotFound, format!("davit tests no repository {given}"));
            Err(failure.hint(format!("FORGE:{given}, to add it; davit ci repositories, to see those that there are")))
        }
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several forges have {given}")).hint(format!("FORGE:{given}")))
        }
    }
}

async fn list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut repositories = client.tested_repositories().await?;
    repositories.items.truncate(list.limit);
    if list.format.json {
        output.json(&repositories)?;
        return Ok(Exit::Done);
    }
    let row = |repository: &TestedRepository| {
        vec![
            Cell::from(&repository.forge),
            Cell::toned(Tone::Name, &repository.name),
            Cell::from(&repository.executor),
            Cell::from(if repository.merge { "yes" } else { "no" }),
        ]
    };
    let rows: Vec<_> = repositories.items.iter().map(row).collect();
    let empty =
        "davit tests no repository: davit ci repositories set FORGE:OWNER/NAME, or [[repository]] in davit.toml";
    output.table(&["forge", "repository", "jobs run in", "merges"], &rows, empty)?;
    Ok(Exit::Done)
}

pub(super) async fn workflows(args: WorkflowsArgs) -> Outcome {
    let output = Output::detect();
    let client = Client::from_environment()?;
    let repository = args.which.find(&client).await?;
    let mut workflows = client.workflows(&repository, args.reference.as_deref()).await?;
    workflows.items.truncate(args.list.limit);
    if args.list.format.json {
        output.json(&workflows)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = workflows.items.iter().map(row).collect();
    output.table(&["file", "name", "start", "asks for", "wrong"], &rows, "There is no workflow file in it")?;
    Ok(Exit::Done)
}

fn row(workflow: &Workflow) -> Vec<Cell> {
    let asked = workflow.inputs.iter().map(|input| format!("{}{}", input.name, if input.required { "*" } else { "" }));
    vec![
        Cell::from(&workflow.file),
        Cell::toned(Tone::Name, &workflow.name),
        Cell::from(if workflow.can_start { "davit ci start" } else { "" }),
        Cell::from(asked.collect::<Vec<_>>().join(" ")),
        Cell::toned(Tone::Bad, workflow.errors.join("; ")),
    ]
}
