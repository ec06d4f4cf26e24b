//! `davit cancel`.

use super::{Format, tone};
use crate::client::Client;
use crate::failure::{Exit, Outcome};
use crate::output::Output;
use clap::Args;

/// Stop a deployment
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The deployment's number
    deployment: i64,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: CancelArgs) -> Outcome {
    let output = Output::detect();
    let deployment = Client::from_environment()?.cancel(args.deployment).await;
    let deployment = deployment.map_err(|failure| failure.hint_if_not_found("davit status"))?;
    if args.format.json {
        output.json(&deployment)?;
        return Ok(Exit::Done);
    }
    let state = deployment.state.as_str();
    output.line(format!("deployment {} {}", deployment.id, output.paint(tone(state), state)))?;
    output.note(format!("What was stopped stands in its log: davit logs {}", deployment.id));
    Ok(Exit::Done)
}
