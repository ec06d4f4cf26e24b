//! `davit logs`: what is stored of a deployment's log, or all of it until the deployment ends.

use super::examples;
use super::{Format, positive};
use crate::client::Client;
use crate::client::follow::Update;
use crate::client::types::{DeploymentState, Line};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use clap::Args;
use std::collections::VecDeque;

/// Print a deployment's log; times are UTC
#[derive(Debug, Args)]
#[command(after_help = examples::LOGS)]
pub(crate) struct LogsArgs {
    /// The deployment's number
    deployment: i64,
    /// Go on until the deployment ends; exit code 1 unless it succeeds
    #[arg(short, long)]
    follow: bool,
    /// Lines of this host alone
    #[arg(long)]
    host: Option<String>,
    /// Print at most this many lines, the newest
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "follow")]
    limit: Option<usize>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: LogsArgs) -> Outcome {
    let client = Client::from_environment()?;
    let outcome = if args.follow { follow(&client, &args).await } else { stored(&client, &args).await };
    outcome.map_err(|failure| failure.hint_if_not_found("davit status"))
}

async fn follow(client: &Client, args: &LogsArgs) -> Outcome {
    let output = Output::detect();
    let show = |update| match update {
        Update::Line(line) if args.host.is_none() || line.host == args.host => print(output, args.format, &line),
        Update::Line(_) | Update::State(_) => Ok(()),
    };
    let deployment = client.follow(args.deployment, 0, show).await?;
    if deployment.state == DeploymentState::Succeeded {
        return Ok(Exit::Done);
    }
    let reason = deployment.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let state = deployment.state.as_str();
    Err(Failure::failed(format!("deployment {} ended as {state}{reason}", deployment.id))
        .hint(format!("davit request show {}", deployment.request)))
}

async fn stored(client: &Client, args: &LogsArgs) -> Outcome {
    let output = Output::detect();
    let mut newest = VecDeque::new();
    let mut after = 0;
    loop {
        let page = client.log(args.deployment, args.host.as_deref(), after).await?;
        let Some(last) = page.items.last().map(|line| line.seq) else { break };
        after = last;
        for line in page.items {
            match args.limit {
                None => print(output, args.format, &line)?,
                Some(limit) => {
                    newest.push_back(line);
                    if newest.len() > limit {
                        newest.pop_front();
                    }
                }
            }
        }
        if after >= page.last_seq {
            break;
        }
    }
    newest.iter().try_for_each(|line| print(output, args.format, line))?;
    Ok(Exit::Done)
}

fn print(output: Output, format: Format, line: &Line) -> Result<(), Failure> {
    if format.json { output.json(line) } else { output.line(output.log_line(line)) }
}
