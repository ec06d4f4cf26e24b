//! `davit alerts`: what a person has to look at.

use super::{ListFormat, examples};
use crate::client::Client;
use crate::client::things::Alert;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, minute};
use clap::Args;

/// List what somebody has to look at
#[derive(Debug, Args)]
#[command(after_help = examples::ALERTS)]
pub(crate) struct AlertsArgs {
    /// Those that are over
    #[arg(long)]
    ended: bool,
    #[command(flatten)]
    list: ListFormat,
}

pub(super) async fn run(args: AlertsArgs) -> Outcome {
    let output = Output::detect();
    let filter: Vec<_> = args.ended.then(|| ("ended", true.to_string())).into_iter().collect();
    let alerts = Client::from_environment()?.list::<Alert>(&["alerts"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&alerts)?;
        return Ok(Exit::Done);
    }
    let row = |alert: &Alert| {
        vec![
            Cell::from(alert.id.to_string()),
            Cell::from(minute(alert.since)),
            Cell::from(alert.ended_at.map(minute).unwrap_or_default()),
            Cell::from(&alert.kind),
            Cell::from(&alert.subject),
            Cell::from(&alert.detail),
        ]
    };
    let rows: Vec<_> = alerts.items.iter().map(row).collect();
    let header = ["id", "since (UTC)", "until (UTC)", "what", "about", "detail"];
    output.table(&header, &rows, "Nothing needs anybody.")?;
    Ok(Exit::Done)
}
