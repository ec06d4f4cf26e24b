//! The processes of one step in a container that others run in too.
//!
//! The engine can't end what it started in a container. So a shell in the container looks through `/proc`: a process is
//! the step's when it and all its ancestors (up to the container's first process) began with the step or later. One
//! that forked twice is found this way, and what an earlier step left in the background stays.

use super::engine::Engine;
use super::exec;
use crate::RunnerError;
use std::time::Duration;

const END: &str = include_str!("end.sh");
const OUT_OF_MEMORY: &str = include_str!("oom.sh");

/// How long the shell may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What ends processes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    Term,
    Kill,
}

/// Sends a signal to every process that began at `began` (ticks since the machine started) or later; returns which:
/// `4711 sleep`.
pub(super) async fn signal(
    engine: &Engine,
    container: &str,
    began: u64,
    signal: Signal,
) -> Result<Vec<String>, RunnerError> {
    let word = match signal {
        Signal::Term => "TERM",
        Signal::Kill => "KILL",
    };
    let argv = ["sh", "-c", END, "davit", &began.to_string(), word].map(str::to_owned).to_vec();
    let answer = exec::capture(engine, container, argv, Some("0"), LIMIT).await?;
    if answer.code != 0 {
        return Err(RunnerError::Ended(format!(
            "processes in the container can't be ended: exit code {}: {}",
            answer.code,
            answer.stderr.trim()
        )));
    }
    Ok(answer.stdout.lines().map(str::to_owned).collect())
}

/// How many processes of the container the kernel ended for want of memory, where it says so.
pub(super) async fn out_of_memory(engine: &Engine, container: &str) -> u64 {
    let argv = ["sh", "-c", OUT_OF_MEMORY].map(str::to_owned).to_vec();
    match exec::capture(engine, container, argv, Some("0"), LIMIT).await {
        Ok(answer) => answer.stdout.trim().parse().unwrap_or(0),
        Err(_) => 0,
    }
}
