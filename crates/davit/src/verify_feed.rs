//! `davit admin verify-feed`: looks whether the feed is as davit wrote it.

use crate::app;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, visible};
use crate::settings::DataArgs;
use clap::Args;
use davit_engine::feed::{Head, Verified};
use serde_json::json;

/// What is compared, and where.
#[derive(Debug, Args)]
pub(crate) struct VerifyFeedArgs {
    /// An end of the feed that an earlier look has printed, and that was kept somewhere else: it must still be there
    #[arg(long, value_name = "POSITION:SEAL")]
    expect: Option<String>,
    /// Print JSON and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Ends with 1 when something is wrong.
pub(crate) async fn run(args: VerifyFeedArgs) -> Outcome {
    let expected: Option<Head> = args
        .expect
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: davit_engine::EngineError| Failure::usage(error.to_string()))?;
    let engine = app::idle_engine(args.data.decide()?).await?;
    let verified = engine.verify_feed(expected.as_ref()).await;
    engine.store().close().await;
    let verified = verified.map_err(|error| Failure::failed(error.to_string()))?;
    let output = Output::detect();
    if args.json { say_json(output, &verified) } else { say(output, &verified) }?;
    Ok(if verified.is_whole() { Exit::Done } else { Exit::Failed })
}

fn say(output: Output, verified: &Verified) -> Result<(), Failure> {
    for fault in &verified.faults {
        output.line(format!("{}: {}", output.paint(Tone::Bad, fault.kind.as_str()), visible(&fault.sentence)))?;
    }
    let told = verified.faults.len();
    if verified.fault_count > told {
        output.line(format!("… and {} more", verified.fault_count - told))?;
    }
    if verified.is_whole() {
        output.line(format!(
            "The feed is as davit wrote it: {} entries from position {}.",
            verified.entries, verified.first
        ))?;
        if verified.waiting > 0 {
            output.line(format!("{} more are so new that they have no place in the chain yet.", verified.waiting))?;
        }
        if let Some(end) = &verified.end {
            output.line(format!("Its end, to be kept somewhere else and given to --expect:\n{end}"))?;
        }
    } else {
        output.line(
            "The feed is NOT as davit wrote it: somebody has changed the database, or an older copy was restored.",
        )?;
    }
    Ok(())
}

fn say_json(output: Output, verified: &Verified) -> Result<(), Failure> {
    let faults = verified.faults.iter().map(|fault| {
        json!({
            "kind": fault.kind.as_str(),
            "entry": fault.entry,
            "position": fault.position,
            "sentence": fault.sentence,
        })
    });
    output.json(&json!({
        "whole": verified.is_whole(),
        "entries": verified.entries,
        "waiting": verified.waiting,
        "first": verified.first,
        "end": verified.end.as_ref().map(ToString::to_string),
        "fault_count": verified.fault_count,
        "faults": faults.collect::<Vec<_>>(),
    }))
}
