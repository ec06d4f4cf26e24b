//! `davit outbox …`: calls to forges and channels that wait, were made or were given up.

use super::examples;
use super::{Format, ListFormat, filter, tone};
use crate::client::Client;
use crate::client::forges::Call;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::{Args, Subcommand};

/// What is listed unless somebody asks for more: what was given up, and what is still to be made.
const UNFINISHED: &str = "dead,waiting,leased";

/// Look at calls to forges and channels, and have one made again
#[derive(Debug, Subcommand)]
#[command(after_help = examples::OUTBOX)]
pub(crate) enum OutboxCommand {
    /// List calls, newest first: those that are not made yet, unless --state says otherwise
    List(ListArgs),
    /// Show a call: what it says and why it was not made
    Show(OneArgs),
    /// Make a call now: one that waits for its next try, or one that was given up
    Retry(OneArgs),
}

/// Which calls are listed.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// In these states alone, with commas between them: dead (given up), waiting, leased (under way), done, superseded
    #[arg(long)]
    state: Option<String>,
    /// To this forge alone
    #[arg(long)]
    forge: Option<String>,
    /// To this channel alone
    #[arg(long, conflicts_with = "forge")]
    channel: Option<String>,
    /// With this in the repository, commit, kind or last error
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// One call.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneArgs {
    /// The call's number
    call: i64,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: OutboxCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        OutboxCommand::List(args) => list(&client, args).await,
        OutboxCommand::Show(one) => print(one.format, &client.call(one.call).await.map_err(see_list)?),
        OutboxCommand::Retry(one) => print(one.format, &client.retry_call(one.call).await.map_err(see_list)?),
    }
}

async fn list(client: &Client, args: ListArgs) -> Outcome {
    let output = Output::detect();
    let state = args.state.or_else(|| Some(UNFINISHED.to_owned()));
    let filter =
        filter(&[("state", &state), ("forge", &args.forge), ("channel", &args.channel), ("search", &args.search)]);
    let calls = client.list::<Call>(&["outbox"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&calls)?;
    } else {
        let rows: Vec<_> = calls.items.iter().map(row).collect();
        let header = ["id", "state", "to", "repository", "what", "tries", "next (UTC)", "why"];
        output.table(&header, &rows, "No such call: everything was told, or nothing was to be told")?;
    }
    Ok(Exit::Done)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit outbox list")
}

fn row(call: &Call) -> Vec<Cell> {
    vec![
        Cell::from(call.id.to_string()),
        Cell::toned(tone(&call.state), &call.state),
        Cell::from(call.target()),
        Cell::from(call.repository.as_deref().unwrap_or_default()),
        Cell::from(&call.summary),
        Cell::from(call.attempts.to_string()),
        Cell::from(call.next_at.map(minute).unwrap_or_default()),
        Cell::from(call.error.as_deref().unwrap_or_default()),
    ]
}

fn print(format: Format, call: &Call) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(call)?;
        return Ok(Exit::Done);
    }
    let state = output.paint(tone(&call.state), visible(&call.state));
    output.line(format!("call {} {state}: {}", call.id, visible(&call.summary)))?;
    let repository = call.repository.as_deref().unwrap_or("-");
    let (kind, since) = (visible(&call.kind), minute(call.created_at));
    output.line(format!("  {kind} to {} about {} since {since} UTC", visible(call.target()), visible(repository)))?;
    if let Some(next) = call.next_at {
        output.line(format!("  tried {} time(s), next at {} UTC", call.attempts, minute(next)))?;
    }
    if let Some(error) = &call.error {
        output.line(format!("  {}", visible(error)))?;
    }
    match &call.payload {
        Some(payload) => output.line(visible(&payload.to_string())).map(|()| Exit::Done),
        None => Ok(Exit::Done),
    }
}
