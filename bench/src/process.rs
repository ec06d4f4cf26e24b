//! What a process costs, as the kernel counts it (`/proc`, so Linux only).

use anyhow::Context;
use std::time::Duration;

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// In RAM now (`VmRSS`).
    pub now: u64,
    /// The most there was since the start, or since [`forget_peak`] (`VmHWM`).
    pub peak: u64,
}

/// What the process uses.
///
/// # Errors
/// When it is gone.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> anyhow::Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.trim_matches([':', ' ', '\t']).split(' ').next().unwrap_or_default().parse()?)
    };
    Ok(Memory { now: field("VmRSS")?, peak: field("VmHWM")? })
}

/// Makes the peak start again from now.
///
/// # Errors
/// When the process is gone or somebody else's.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    // 5: "reset the peak resident set size" (proc_pid_clear_refs(5)).
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Resident memory of all processes of a group together, in KiB. Those that end meanwhile count as nothing.
#[must_use]
pub fn group_memory(group: u32) -> u64 {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| group_of(*pid) == Some(group)).filter_map(|pid| Some(memory(pid).ok()?.now)).sum()
}

fn group_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(2)?.parse().ok()
}

/// CPU time of the process so far and of its children that have ended.
///
/// # Errors
/// When it is gone.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("an odd /proc/PID/stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || -> anyhow::Result<u64> { Ok(fields.next().context("an odd /proc/PID/stat")?.parse()?) };
    // The unit of user and system time is 1/100 s on every Linux (sysconf(_SC_CLK_TCK)).
    Ok(Duration::from_millis((ticks()? + ticks()? + ticks()? + ticks()?) * 10))
}

/// KiB as MiB with one digit.
#[must_use]
pub fn mib(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}
