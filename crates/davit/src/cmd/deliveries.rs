//! `davit deliveries …`: webhook requests as they came in.

use super::examples;
use super::{Format, ListFormat, filter, number_or_dash, tone};
use crate::client::Client;
use crate::client::types::Delivery;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::{Args, Subcommand};
use serde_json::json;

/// Look at webhook deliveries
#[derive(Debug, Subcommand)]
#[command(after_help = examples::DELIVERIES)]
pub(crate) enum DeliveriesCommand {
    /// List deliveries, newest first
    List(ListArgs),
    /// Show a delivery: headers, body, and what it started
    Show(OneArgs),
    /// Treat a delivery as if it came again
    Replay(OneArgs),
}

/// Which deliveries are listed.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Of this forge alone
    #[arg(long)]
    forge: Option<String>,
    /// With this verdict alone: received, processed, ignored or failed
    #[arg(long)]
    verdict: Option<String>,
    /// Of this event alone, in the forge's word
    #[arg(long)]
    event: Option<String>,
    /// About this repository alone
    #[arg(long)]
    repository: Option<String>,
    /// With this in the summary, the reason, the repository or the forge's id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// One delivery.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneArgs {
    /// The delivery's number
    delivery: i64,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: DeliveriesCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        DeliveriesCommand::List(args) => list(&client, &args).await,
        DeliveriesCommand::Show(one) => {
            let delivery = client.get(&["deliveries", &one.delivery.to_string()], &[]).await;
            print(one.format, &delivery.map_err(see_list)?)
        }
        DeliveriesCommand::Replay(one) => {
            let delivery = client.post(&["deliveries", &one.delivery.to_string(), "replay"], &json!({})).await;
            print(one.format, &delivery.map_err(see_list)?)
        }
    }
}

async fn list(client: &Client, args: &ListArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[
        ("forge", &args.forge),
        ("verdict", &args.verdict),
        ("event", &args.event),
        ("repository", &args.repository),
        ("search", &args.search),
    ]);
    let deliveries = client.list::<Delivery>(&["deliveries"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&deliveries)?;
    } else {
        let rows: Vec<_> = deliveries.items.iter().map(row).collect();
        let header = ["id", "at (UTC)", "forge", "event", "verdict", "summary", "reason"];
        output.table(&header, &rows, "No forge has sent such a delivery. Its hook URL is in: davit forges list")?;
    }
    Ok(Exit::Done)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit deliveries list")
}

fn row(delivery: &Delivery) -> Vec<Cell> {
    vec![
        Cell::from(delivery.id.to_string()),
        Cell::from(minute(delivery.received_at)),
        Cell::from(&delivery.forge),
        Cell::from(&delivery.event),
        Cell::toned(tone(&delivery.verdict), &delivery.verdict),
        Cell::from(delivery.summary.as_deref().unwrap_or_default()),
        Cell::from(delivery.reason.as_deref().unwrap_or_default()),
    ]
}

fn print(format: Format, delivery: &Delivery) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(delivery)?;
        return Ok(Exit::Done);
    }
    let verdict = output.paint(tone(&delivery.verdict), visible(&delivery.verdict));
    let reason = delivery.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
    let event = visible(&delivery.event);
    output.line(format!("delivery {} {verdict}{reason}", delivery.id))?;
    output.line(format!("  {event} of {} at {} UTC", delivery.forge, minute(delivery.received_at)))?;
    for started in &delivery.started {
        let deployment = number_or_dash(started.deployment);
        output.line(format!("  started request {}, deployment {deployment}", started.request))?;
    }
    for (name, value) in &delivery.headers {
        output.line(format!("{}: {}", visible(name), visible(value)))?;
    }
    if let Some(body) = &delivery.body {
        output.line("")?;
        body.lines().try_for_each(|line| output.line(visible(line)))?;
    }
    Ok(Exit::Done)
}
