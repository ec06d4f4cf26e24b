//! `davit search`: anything by words, a number or the beginning of a commit.

use super::examples;
use super::{Format, tone};
use crate::client::Client;
use crate::client::things::Hit;
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute};
use clap::Args;

/// Find apps, environments, hosts, requests, deployments, runs, changes and people
#[derive(Debug, Args)]
#[command(after_help = examples::SEARCH)]
pub(crate) struct SearchArgs {
    /// Words of names and titles, a number, or the beginning of a commit
    #[arg(required = true)]
    words: Vec<String>,
    #[command(flatten)]
    format: Format,
}

/// Exit code 4 where there is nothing, as for everything that is named and not there.
pub(super) async fn run(args: SearchArgs) -> Outcome {
    let output = Output::detect();
    let words = args.words.join(" ");
    let hits: Page<Hit> = Client::from_environment()?.get(&["search"], &[("q", words.clone())]).await?;
    if args.format.json {
        output.json(&hits)?;
    } else if !hits.items.is_empty() {
        let rows: Vec<_> = hits.items.iter().map(row).collect();
        output.table(&["what", "which", "title", "", "at (UTC)", ""], &rows, "")?;
    }
    if hits.items.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("nothing is called {words}, as far as you may see")));
    }
    Ok(Exit::Done)
}

fn row(hit: &Hit) -> Vec<Cell> {
    let state = hit.state.as_deref().unwrap_or_default();
    vec![
        Cell::from(&hit.kind),
        Cell::from(&hit.key),
        Cell::from(&hit.title),
        Cell::from(&hit.detail),
        Cell::from(hit.at.map(minute).unwrap_or_default()),
        Cell::toned(tone(state), state),
    ]
}
