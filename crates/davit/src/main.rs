//! davit: the command line of the server and of those who use it.
//!
//! Lives here: which commands there are, and how the process ends. What a command does lives in [`cmd`] for those
//! that talk to a server over its API, in [`serve`], [`admin`] and [`demo`] for those that are one.

mod admin;
mod app;
mod client;
mod cmd;
mod demo;
mod ending;
mod failure;
mod logging;
mod manual;
mod output;
mod progress;
mod prompt;
mod serve;
mod service;
mod settings;
mod verify_feed;

use clap::{Parser, Subcommand};
use failure::{Exit, Failure, Outcome};
use output::{Output, Tone, When};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// What --help says below the list of commands.
const AFTER_HELP: &str = "\
    The client commands talk to the server at DAVIT_URL (default http://127.0.0.1:8700) with the token in DAVIT_TOKEN, \
    or as `davit login` stored them.\n\n\
    Exit codes: 0 done, 1 failed, 2 usage, 3 not allowed, 4 not found, 5 unreachable; 128 and a signal's number: ended by it.";

/// The `davit` command line.
#[derive(Debug, Parser)]
#[command(name = "davit", version, about = "Releases code to many hosts", after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Colours: auto on a terminal and without NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto, hide_default_value = true)]
    color: When,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: UI, API, webhooks and deployments
    Serve(serve::ServeArgs),
    /// Make accounts and tokens directly in the data directory or database
    Admin(admin::AdminArgs),
    /// Try everything on this machine, with a made-up app
    Demo(demo::DemoArgs),
    /// Write the manual pages
    #[command(hide = true)]
    Man(manual::ManArgs),
    #[command(flatten)]
    Client(cmd::ClientCommand),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    output::choose(cli.color);
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::failed(format!("nothing can be started: {error}"))).into(),
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = run(cli) => outcome,
            failure = ending::ended() => Err(failure),
        }
    });
    if matches!(&outcome, Err(Failure { exit: Exit::Ended(_), .. })) {
        // Whoever ends davit does not wait for a name server.
        runtime.shutdown_background();
    }
    outcome.unwrap_or_else(|failure| report(&failure)).into()
}

async fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Admin(args) => admin::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Man(args) => manual::run(&args),
        Command::Client(command) => cmd::run(command).await,
    }
}

/// Says on stderr what went wrong and what to try next.
fn report(failure: &Failure) -> Exit {
    let output = Output::detect();
    if !failure.message.is_empty() {
        output.note(format!("{} {}", output.paint(Tone::Bad, "error:"), output::visible(&failure.message)));
    }
    if let Some(hint) = &failure.hint {
        output.note(format!("  {} {}", output.paint(Tone::Busy, "try:"), output::visible(hint)));
    }
    failure.exit
}
