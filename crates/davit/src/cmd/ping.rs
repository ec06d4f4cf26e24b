//! `davit ping`: whether the server can work. For health checks and for scripts that wait until it does.

use super::Format;
use super::examples;
use super::times::duration;
use crate::client::Client;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks while it is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// Say whether the server can work
#[derive(Debug, Args)]
#[command(after_help = examples::PING)]
pub(crate) struct PingArgs {
    /// Ask again for so long, such as 30s or 5m, until it can
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: PingArgs) -> Outcome {
    let output = Output::detect();
    let client = Client::from_environment()?;
    let until = Instant::now() + args.wait.unwrap_or_default();
    let state = loop {
        match ask(&client).await {
            Ok(state) => break state,
            Err(failure) if Instant::now() + LOOK > until => return Err(failure),
            Err(_) => sleep(LOOK).await,
        }
    };
    if args.format.json {
        output.json(&state)?;
    } else {
        output.line(format!("{} can work", client.base()))?;
    }
    Ok(Exit::Done)
}

/// What `/readyz` says when all is well.
async fn ask(client: &Client) -> Result<Value, Failure> {
    let (status, text) = client.probe("readyz").await?;
    let state: Value = serde_json::from_str(&text).unwrap_or(json!({ "ready": false }));
    if status == 200 && state["ready"] == true {
        return Ok(state);
    }
    let Some(parts) = state.as_object().filter(|parts| parts.len() > 1) else {
        return Err(Failure::new(Exit::Unreachable, format!("{} is not davit: it answers {status}", client.base()))
            .hint("set DAVIT_URL to the server's address"));
    };
    let missing: Vec<&str> = parts
        .iter()
        .filter(|(name, ok)| name.as_str() != "ready" && **ok == false)
        .map(|(name, _)| name.as_str())
        .collect();
    Err(Failure::failed(format!("{} answers and can't work: {} missing", client.base(), missing.join(", ")))
        .hint("davit doctor, and the log of davit serve"))
}
