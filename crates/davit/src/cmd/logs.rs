//! `davit logs`: what is stored of a deployment's log, or all of it until the deployment ends.

use super::log_pieces::{PieceArgs, Printing};
use super::{Format, examples};
use crate::client::Client;
use crate::client::follow::Update;
use crate::client::logs::{LogOf, PART};
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
    /// Lines of this step alone
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    step: Option<u32>,
    #[command(flatten)]
    piece: PieceArgs,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: LogsArgs) -> Outcome {
    let client = Client::from_environment()?;
    let outcome = match &args {
        args if args.follow => follow(&client, args).await,
        args if args.piece.is_asked_for() => piece(&client, args).await,
        args => stored(&client, args).await,
    };
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

impl LogsArgs {
    fn of(&self) -> LogOf {
        LogOf::Deployment { id: self.deployment, host: self.host.clone(), step: self.step }
    }
}

async fn piece(client: &Client, args: &LogsArgs) -> Outcome {
    let output = Output::detect();
    let again = format!("davit logs {}", args.deployment);
    let printing = Printing { client, output, format: args.format, again };
    args.piece.print(&printing, &args.of(), |line: &Line| output.log_line(line)).await
}

async fn stored(client: &Client, args: &LogsArgs) -> Outcome {
    let output = Output::detect();
    let mut newest = VecDeque::new();
    let mut after = 0;
    loop {
        let page = client.log::<Line>(&args.of(), after, PART).await?;
        let Some(last) = page.items.last().map(|line| line.seq) else { break };
        after = last;
        for line in page.items {
            match args.piece.limit {
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
