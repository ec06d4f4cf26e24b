//! What a piece of work costs the side that starts it: wall time, CPU, peak memory. What the hosts do is not counted.

use crate::process;
use anyhow::{Context, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Wall, CPU, memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// From the start to the end.
    pub wall: Duration,
    /// User and system time of the tool and all it started here.
    pub cpu: Duration,
    /// The most resident memory of all its processes together, in KiB; sampled, so a short peak may be missed.
    pub peak: u64,
}

/// Runs a command in a process group of its own and says what it cost.
///
/// # Errors
/// When it fails; with what it said.
pub async fn measured(mut command: Command) -> anyhow::Result<Cost> {
    let before = children()?;
    let started = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let child = command.spawn().with_context(|| format!("{command:?}"))?;
    let group = child.id().context("it has just started")?;
    let mut peak = 0;
    let output = {
        let mut ended = std::pin::pin!(child.wait_with_output());
        let mut ticks = interval(Duration::from_millis(50));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                output = &mut ended => break output?,
                _ = ticks.tick() => peak = peak.max(process::group_memory(group)),
            }
        }
    };
    let wall = started.elapsed();
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Cost { wall, cpu: children()?.saturating_sub(before), peak })
}

/// CPU time of all children that have ended so far.
fn children() -> anyhow::Result<Duration> {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}
