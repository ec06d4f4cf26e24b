//! `davit terminals …`: shells on hosts. Opening one, who has or had one, and playing what it showed.

mod open;
mod play;
mod screen;

use super::saving::Saving;
use super::{Format, ListFormat, examples, filter, size, tone};
use crate::client::Client;
use crate::client::terminals::Terminal;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, minute, visible};
use clap::{Args, Subcommand};
use serde_json::json;

/// Open shells on hosts, and see what they showed
#[derive(Debug, Subcommand)]
#[command(after_help = examples::TERMINALS)]
pub(crate) enum TerminalsCommand {
    /// Open a shell on a host: asks for one's password; ~. at the beginning of a line hangs up
    Open(open::OpenArgs),
    /// List shells, newest first
    List(ListArgs),
    /// Show a shell
    Show(OneArgs),
    /// Play what a shell showed
    Play(play::PlayArgs),
    /// Download what a shell showed, as an asciinema file
    Download(DownloadArgs),
    /// End a shell: one's own, or anybody's for an administrator
    End(OneArgs),
}

/// Which shells.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// On this host alone
    #[arg(long)]
    host: Option<String>,
    /// Of this person alone
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// One shell.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// The terminal's number
    terminal: i64,
    #[command(flatten)]
    format: Format,
}

/// Which recording, and where to.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    saving: Saving,
}

pub(super) async fn run(command: TerminalsCommand) -> Outcome {
    let client = Client::from_environment()?;
    let done = match command {
        TerminalsCommand::Open(args) => return open::open(&client, args).await,
        TerminalsCommand::List(args) => return list(&client, args).await,
        TerminalsCommand::Show(one) => show(&client, one).await,
        TerminalsCommand::Play(args) => play::play(&client, args).await,
        TerminalsCommand::Download(args) => download(&client, args).await,
        TerminalsCommand::End(one) => end(&client, one).await,
    };
    done.map_err(|failure| failure.hint_if_not_found("davit terminals list"))
}

async fn list(client: &Client, args: ListArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[("host", &args.host), ("user", &args.user)]);
    let terminals = client.list::<Terminal>(&["terminals"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&terminals)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = terminals.items.iter().map(row).collect();
    let header = ["id", "host", "who", "state", "from (UTC)", "until (UTC)", "ended", "shown", "recording"];
    output.table(&header, &rows, "Nobody has had a shell through davit.")?;
    Ok(Exit::Done)
}

fn row(terminal: &Terminal) -> Vec<Cell> {
    vec![
        Cell::from(terminal.id.to_string()),
        Cell::toned(Tone::Name, &terminal.host),
        Cell::from(&terminal.user),
        Cell::toned(tone(&terminal.state), &terminal.state),
        Cell::from(minute(terminal.opened_at)),
        Cell::from(terminal.closed_at.map(minute).unwrap_or_default()),
        Cell::from(terminal.reason.as_deref().unwrap_or_default()),
        Cell::from(size(terminal.bytes)),
        Cell::from(if terminal.recorded { "yes" } else { "no" }),
    ]
}

async fn show(client: &Client, one: OneArgs) -> Outcome {
    let output = Output::detect();
    let terminal = client.terminal(one.terminal).await?;
    if one.format.json {
        output.json(&terminal)?;
        return Ok(Exit::Done);
    }
    let state = output.paint(tone(&terminal.state), visible(&terminal.state));
    let (host, user) = (visible(&terminal.host), visible(&terminal.user));
    output.line(format!("terminal {} {state}: {user} on {host}", terminal.id))?;
    let until = terminal.closed_at.map(|at| format!(" until {} UTC", minute(at))).unwrap_or_default();
    let reason = terminal.reason.as_deref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
    output.line(format!("  from {} UTC{until}{reason}", minute(terminal.opened_at)))?;
    if terminal.recorded {
        output.note(format!("Play it: davit terminals play {}", terminal.id));
    }
    Ok(Exit::Done)
}

async fn download(client: &Client, args: DownloadArgs) -> Outcome {
    let output = Output::detect();
    let number = args.one.terminal;
    let content = client.recording(number).await?;
    match args.saving.save(content, &format!("terminal-{number}.cast")).await? {
        Some(path) if args.one.format.json => output.json(&json!({ "terminal": number, "file": path }))?,
        Some(path) => output.line(visible(&path.display().to_string()))?,
        None => {}
    }
    Ok(Exit::Done)
}

async fn end(client: &Client, one: OneArgs) -> Outcome {
    client.end_terminal(one.terminal).await?;
    let output = Output::detect();
    if one.format.json {
        output.json(&client.terminal(one.terminal).await?)?;
    } else {
        output.line(format!("Terminal {} is ended", one.terminal))?;
    }
    Ok(Exit::Done)
}

/// A recording that is none.
fn unreadable(number: i64, why: &str) -> Failure {
    Failure::failed(format!("the recording of terminal {number} can't be played: {why}"))
}
