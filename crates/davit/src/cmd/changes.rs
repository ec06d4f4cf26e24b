//! `davit changes …`: pull and merge requests, why they are not merged, and asking for that.

use super::examples;
use super::{Format, ListFormat, filter, tone};
use crate::client::Client;
use crate::client::ci::{Change, ChangeDetail};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, short, visible};
use clap::{Args, Subcommand};

/// Look at changes, and have davit merge them
#[derive(Debug, Subcommand)]
#[command(after_help = examples::CHANGES)]
pub(crate) enum ChangesCommand {
    /// List changes: those that are open, unless --state says otherwise
    List(ListArgs),
    /// Show a change: what keeps it from being merged, and its checks
    Show(OneArgs),
    /// Ask the forge once more how a change stands
    Refresh(OneArgs),
    /// Have davit merge a change as soon as nothing holds it up
    Merge(MergeArgs),
}

/// Which changes are listed.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// At this forge alone
    #[arg(long)]
    forge: Option<String>,
    /// Of this repository alone: owner/name
    #[arg(long)]
    repository: Option<String>,
    /// open, merged, closed or all [default: open]
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// One change.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneArgs {
    /// The id that davit changes list shows, which is not the forge's number
    change: i64,
    #[command(flatten)]
    format: Format,
}

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The full SHA of the commit that was looked at; without it, the head of the change
    #[arg(long, value_name = "SHA", conflicts_with = "withdraw")]
    head: Option<String>,
    /// Take it back
    #[arg(long)]
    withdraw: bool,
}

pub(super) async fn run(command: ChangesCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        ChangesCommand::List(args) => list(&client, args).await,
        ChangesCommand::Show(one) => show(one.format, &client.change(one.change).await.map_err(see_list)?),
        ChangesCommand::Refresh(one) => told(one.format, &client.refresh_change(one.change).await.map_err(see_list)?),
        ChangesCommand::Merge(args) => merge(&client, args).await,
    }
}

async fn merge(client: &Client, MergeArgs { one, head, withdraw }: MergeArgs) -> Outcome {
    let change = if withdraw {
        client.withdraw_merge(one.change).await
    } else {
        let head = match head {
            Some(head) => head,
            None => client.change(one.change).await.map_err(see_list)?.change.head_sha,
        };
        client.ask_merge(one.change, &head).await
    };
    told(one.format, &change.map_err(see_list)?)
}

fn told(format: Format, change: &Change) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(change)?
    } else {
        print(output, change)?
    }
    Ok(Exit::Done)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit changes list")
}

async fn list(client: &Client, args: ListArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[("forge", &args.forge), ("repository", &args.repository), ("state", &args.state)]);
    let changes = client.list::<Change>(&["changes"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&changes)?;
    } else {
        let rows: Vec<_> = changes.items.iter().map(row).collect();
        let empty = "No such change: davit hears of changes to the repositories that davit ci repositories lists";
        output.table(&["id", "state", "repository", "number", "into", "by", "title", "held by"], &rows, empty)?;
    }
    Ok(Exit::Done)
}

fn row(change: &Change) -> Vec<Cell> {
    let held = match change.holds.as_slice() {
        [] => String::new(),
        [one] => one.sentence.clone(),
        [first, rest @ ..] => format!("{}, and {} more", first.sentence, rest.len()),
    };
    vec![
        Cell::from(change.id.to_string()),
        Cell::toned(tone(&change.state), &change.state),
        Cell::from(&change.repository),
        Cell::from(change.number.to_string()),
        Cell::from(&change.base_branch),
        Cell::from(&change.author),
        Cell::from(&change.title),
        Cell::from(if change.state == "open" { held } else { String::new() }),
    ]
}

fn show(format: Format, detail: &ChangeDetail) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(detail)?;
        return Ok(Exit::Done);
    }
    print(output, &detail.change)?;
    let check = |check: &crate::client::ci::KnownCheck| {
        vec![Cell::toned(tone(&check.state), &check.state), Cell::from(&check.name)]
    };
    let rows: Vec<_> = detail.checks.iter().map(check).collect();
    output.table(&["state", "check"], &rows, "No check has said anything about its newest commit")?;
    Ok(Exit::Done)
}

fn print(output: Output, change: &Change) -> Result<(), Failure> {
    let state = output.paint(tone(&change.state), visible(&change.state));
    output.line(format!("change {} {state}: {}", change.id, visible(&change.title)))?;
    let (repository, author) = (visible(&change.repository), visible(&change.author));
    let (number, base) = (change.number, visible(&change.base_branch));
    let head = visible(short(&change.head_sha));
    output.line(format!("  {repository} #{number} by {author}, {head} into {base}"))?;
    if !change.url.is_empty() {
        output.line(format!("  {}", visible(&change.url)))?;
    }
    if change.state != "open" {
        return Ok(());
    }
    if change.holds.is_empty() {
        return output.line("  nothing holds it up");
    }
    change.holds.iter().try_for_each(|hold| output.line(format!("  - {}", visible(&hold.sentence))))
}
