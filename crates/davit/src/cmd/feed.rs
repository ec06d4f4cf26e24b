//! `davit feed …`: who did what, when and from where.

use super::examples;
use super::{ListFormat, filter};
use crate::client::Client;
use crate::client::feed::Entry;
use crate::client::stream::Signal;
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, minute, visible};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use tokio::time::timeout;

/// How often is looked even though nobody said that there is something new.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Who did what, when and from where
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = examples::FEED)]
pub(crate) struct FeedArgs {
    #[command(subcommand)]
    command: Option<FeedCommand>,
    #[command(flatten)]
    which: Which,
    /// Go on with what happens from now on
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    list: ListFormat,
}

#[derive(Debug, Subcommand)]
enum FeedCommand {
    /// Write it to a file, or to standard output
    Export(Box<ExportArgs>),
    /// List the words for what happens, as --action takes them
    Actions(ListFormat),
}

/// What is exported, and where to.
#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    which: Which,
    /// As a table or as JSON
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,
    /// Into this file, which must not be there yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    #[default]
    Csv,
    Json,
}

/// Which entries.
#[derive(Debug, Args)]
struct Which {
    /// By this account alone
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Of this sort alone, such as `request_approved`
    #[arg(long, value_name = "WORD")]
    action: Option<String>,
    /// To this alone, such as "request 12" or a host's name
    #[arg(long)]
    subject: Option<String>,
    /// Of this app alone
    #[arg(long)]
    app: Option<String>,
    /// In this environment alone
    #[arg(long, value_name = "ENV")]
    environment: Option<String>,
    /// From this day (UTC) or moment on: 2026-01-31, 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to the end of this day, or before this moment
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// With this text in actor, subject or detail
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

impl Which {
    fn query(&self) -> Vec<(&'static str, String)> {
        filter(&[
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("app", &self.app),
            ("environment", &self.environment),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.search),
        ])
    }
}

pub(super) async fn run(args: FeedArgs) -> Outcome {
    let client = Client::from_environment()?;
    match args.command {
        Some(FeedCommand::Export(export)) => write(&client, *export).await,
        Some(FeedCommand::Actions(list)) => actions(&client, list).await,
        None if args.follow => follow(&client, &args).await,
        None => list(&client, &args).await,
    }
}

async fn actions(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut words: Page<String> = client.whole(&["feed", "actions"]).await?;
    words.items.truncate(list.limit);
    if list.format.json {
        output.json(&words)?;
    } else {
        words.items.iter().try_for_each(|word| output.line(visible(word)))?;
    }
    Ok(Exit::Done)
}

async fn list(client: &Client, args: &FeedArgs) -> Outcome {
    let output = Output::detect();
    let found = client.list::<Entry>(&["feed"], &args.which.query(), args.list.limit).await?;
    if args.list.format.json {
        output.json(&found)?;
    } else {
        let rows: Vec<_> = found.items.iter().map(row).collect();
        let header = ["id", "when (UTC)", "who", "from", "what", "to", "where"];
        output.table(&header, &rows, "Nothing like that has happened")?;
    }
    Ok(Exit::Done)
}

/// What there is, oldest first, then what comes.
async fn follow(client: &Client, args: &FeedArgs) -> Outcome {
    let output = Output::detect();
    let query = args.which.query();
    let mut changes = client.stream(&["events"], &[]);
    let mut found = client.list::<Entry>(&["feed"], &query, args.list.limit).await?.items;
    let mut seen = found.first().map_or(0, |newest| newest.id);
    found.reverse();
    loop {
        for entry in &found {
            say(output, entry, args.list.format.json)?;
            seen = seen.max(entry.id);
        }
        while let Ok(signal) = timeout(LOOK_AGAIN, changes.next()).await {
            match signal? {
                Signal::Message(message) if message.event != "change" => {}
                Signal::Message(_) | Signal::Connected => break,
            }
        }
        found = match client.feed_since(&query, seen).await {
            Ok(new) => new,
            // The stream says when the server has been away for too long.
            Err(failure) if failure.exit == Exit::Unreachable => Vec::new(),
            Err(failure) => return Err(failure),
        };
    }
}

async fn write(client: &Client, args: ExportArgs) -> Outcome {
    let mut query = args.which.query();
    query.push(("format", if args.format == FileFormat::Json { "json" } else { "csv" }.to_owned()));
    let content = client.open(&["feed", "export"], &query).await?;
    match args.output {
        None => content.copy(&mut std::io::stdout()).await?,
        Some(path) => content.into_file(&path, false).await?,
    }
    Ok(Exit::Done)
}

fn say(output: Output, entry: &Entry, json: bool) -> Result<(), Failure> {
    if json {
        return output.json(entry);
    }
    let when = output.paint(Tone::Faint, minute(entry.at));
    let who = output.paint(Tone::Name, visible(&entry.actor));
    let from = entry.origin.as_deref().map(|origin| format!(" from {}", visible(origin))).unwrap_or_default();
    output.line(format!("{when}  {who}{from}  {}  {}", visible(&entry.action), visible(&entry.subject)))
}

fn row(entry: &Entry) -> Vec<Cell> {
    let place = match (&entry.app, &entry.environment) {
        (Some(app), Some(environment)) => format!("{app} in {environment}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    };
    vec![
        Cell::from(entry.id.to_string()),
        Cell::from(minute(entry.at)),
        Cell::toned(Tone::Name, &entry.actor),
        Cell::from(entry.origin.as_deref().unwrap_or_default()),
        Cell::from(&entry.action),
        Cell::from(&entry.subject),
        Cell::from(place),
    ]
}
