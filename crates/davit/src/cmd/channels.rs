//! `davit channels …`: where notices go, how each fares, and a try.

use super::declared::{self, DeclaredCommand};
use super::examples;
use super::{Format, ListFormat};
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::things::{Channel, Preview, Tried};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::{Args, Subcommand};

/// Add and change channels, and try one
#[derive(Debug, Subcommand)]
#[command(after_help = examples::CHANNELS)]
pub(crate) enum ChannelsCommand {
    /// List channels: what they hear of, what got there last, and how much waits
    List(ListFormat),
    /// Send a try to a channel and say what came of it
    Test(TestArgs),
    /// Show what would be sent to a channel
    Preview(PreviewArgs),
    #[command(flatten)]
    Declared(DeclaredCommand),
}

/// Which channel.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The channel's id
    channel: String,
    #[command(flatten)]
    format: Format,
}

/// What would be sent where.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// The channel's id
    channel: String,
    /// Of what: review_requested, reviewed, released, succeeded, failed, rolled_back, window_overridden, host_down,
    /// host_up, status_undeliverable or run_failed
    #[arg(long)]
    event: String,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: ChannelsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        ChannelsCommand::List(list) => self::list(&client, &list).await,
        ChannelsCommand::Test(args) => test(&client, &args).await,
        ChannelsCommand::Preview(args) => preview(&client, &args).await,
        ChannelsCommand::Declared(command) => declared::run(&client, command, Thing::Channel).await,
    }
}

async fn list(client: &Client, list: &ListFormat) -> Outcome {
    let output = Output::detect();
    let mut channels = client.channels().await?;
    channels.items.truncate(list.limit);
    if list.format.json {
        output.json(&channels)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = channels.items.iter().map(row).collect();
    let header = ["id", "kind", "hears of", "waiting", "given up", "last (UTC)", "why not"];
    output.table(
        &header,
        &rows,
        "No channel is declared yet: davit channels set ID kind=KIND, or [[channel]] in davit.toml",
    )?;
    Ok(Exit::Done)
}

fn row(channel: &Channel) -> Vec<Cell> {
    let events = channel.events.as_ref().map_or_else(|| "everything".to_owned(), |events| events.join(", "));
    let last = channel.last.as_ref();
    vec![
        Cell::from(&channel.id),
        Cell::from(&channel.kind),
        Cell::from(&events),
        Cell::from(channel.waiting.to_string()),
        Cell::from(channel.dead.to_string()),
        Cell::from(last.map(|last| minute(last.at)).unwrap_or_default()),
        Cell::from(last.map(|last| last.detail.as_str()).unwrap_or_default()),
    ]
}

async fn test(client: &Client, args: &TestArgs) -> Outcome {
    let tried = client.try_channel(&args.channel).await;
    let tried: Tried = tried.map_err(|failure| failure.hint_if_not_found("davit channels list"))?;
    let output = Output::detect();
    if args.format.json {
        output.json(&tried)?;
    } else if tried.ok {
        output.line(format!("{} took it", args.channel))?;
    }
    if tried.ok {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("{} did not take it: {}", args.channel, visible(&tried.detail))))
}

async fn preview(client: &Client, args: &PreviewArgs) -> Outcome {
    let query = [("event", args.event.clone())];
    let shown: Result<Preview, _> = client.get(&["channels", &args.channel, "preview"], &query).await;
    let shown = shown.map_err(|failure| failure.hint_if_not_found("davit channels list"))?;
    let output = Output::detect();
    if args.format.json {
        output.json(&shown)?;
    } else {
        shown.text.lines().try_for_each(|line| output.line(visible(line)))?;
    }
    Ok(Exit::Done)
}
