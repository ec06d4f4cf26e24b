//! `davit delivery`: how fast and how safely changes go live.

use super::{Format, filter};
use crate::client::Client;
use crate::client::things::{Delivered, Delivery, Spread};
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output};
use clap::Args;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Show the delivery figures: how often, how fast and how well changes go live
#[derive(Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// The last so many days, today included
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Of this app alone
    #[arg(long)]
    app: Option<String>,
    /// To this environment alone
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: DeliveryArgs) -> Outcome {
    let output = Output::detect();
    let mut query = filter(&[("app", &args.app), ("environment", &args.environment)]);
    query.push(("days", args.days.to_string()));
    let delivery: Delivery = Client::from_environment()?.get(&["delivery"], &query).await?;
    if args.format.json {
        output.json(&delivery)?;
        return Ok(Exit::Done);
    }
    let Delivery { days, period, before, .. } = &delivery;
    let row = |name: &str, show: fn(&Delivered) -> String| {
        vec![Cell::from(name), Cell::from(show(period)), Cell::from(show(before))]
    };
    let rows = [
        row("changes that went live", |of| of.live.to_string()),
        row("a day", |of| format!("{:.2}", of.per_day)),
        row("from the commit to live (median)", |of| median(of.lead.as_ref())),
        row("of them failed or were taken back", |of| {
            of.failure_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0))
        }),
        row("until it was good again (median)", |of| median(of.restore.as_ref())),
    ];
    output.table(&["", &format!("last {days} days"), "before"], &rows, "")?;
    Ok(Exit::Done)
}

fn median(spread: Option<&Spread>) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| lasts(spread.median))
}

/// The two largest units: `2 d 3 h`.
fn lasts(seconds: u64) -> String {
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE),
        DAY.. => format!("{} d {} h", seconds / DAY, seconds % DAY / HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::lasts;

    #[test]
    fn times_have_two_units() {
        for (seconds, expected) in [(59, "59 s"), (61, "1 min 1 s"), (3_700, "1 h 1 min"), (190_000, "2 d 4 h")] {
            assert_eq!(lasts(seconds), expected);
        }
    }
}
