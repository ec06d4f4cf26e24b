//! Limits that the kernel holds: memory, processors, processes.
//!
//! Control groups where davit may make them (as root, or version 2 in a service with `Delegate=yes`); elsewhere limits
//! of each process (`setrlimit`), with [`crate::watch`] for what all together use. Disk, output and time are not here:
//! [`crate::watch`] and [`crate::cell`] hold them.

mod mounts;
mod version1;
mod version2;

use crate::RunnerError;
use crate::place::Limits;
use nix::errno::Errno;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often, and how long apart, it is tried to remove a group: its processes were killed and are about to end.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

/// The way limits are held on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Means {
    /// Version 2: groups are made in this directory.
    Version2(PathBuf),
    /// Version 1: groups are made in these directories.
    Version1(version1::Hierarchies),
    /// None, and why.
    EachProcess(String),
}

impl Means {
    /// Finds out, and prepares what has to be prepared once.
    pub(crate) fn find() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let (mounts, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let second = match version2::find(&mounts, &own, nix::unistd::geteuid().is_root()) {
            Ok(base) => return Self::Version2(base),
            Err(reason) => reason,
        };
        match version1::find(&mounts) {
            Ok(hierarchies) => Self::Version1(hierarchies),
            Err(first) => Self::EachProcess(format!("{second}; {first}")),
        }
    }

    /// For people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Version2(base) => format!("limits by control groups in {}", base.display()),
            Self::Version1(hierarchies) => {
                format!("limits by control groups (version 1) in {}", hierarchies.describe())
            }
            Self::EachProcess(reason) => {
                format!(
                    "limits hold for each process, memory and disk of all together are watched, and processors are not limited, because {reason}"
                )
            }
        }
    }

    /// The groups of one place, not made yet: so that whoever clears away after a crash knows of them before.
    pub(crate) fn groups(&self, name: &str) -> Groups {
        Groups::of(match self {
            Self::Version2(base) => vec![base.join(name)],
            Self::Version1(hierarchies) => hierarchies.directories(name),
            Self::EachProcess(_) => Vec::new(),
        })
    }

    /// Makes the groups of one place.
    pub(crate) fn make(&self, name: &str, limits: &Limits) -> Result<(), RunnerError> {
        let what = || format!("making a control group for {name}");
        match self {
            Self::Version2(base) => version2::make(&base.join(name), limits),
            Self::Version1(hierarchies) => hierarchies.make(name, limits),
            Self::EachProcess(_) => Ok(()),
        }
        .map_err(RunnerError::io(what()))
    }
}

/// The control groups of one place; none where limits hold for each process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    directories: Vec<PathBuf>,
}

impl Groups {
    /// In these directories.
    pub(crate) const fn of(directories: Vec<PathBuf>) -> Self {
        Self { directories }
    }

    /// Where they are.
    pub(crate) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// Whether the kernel limits what all processes use together.
    pub(crate) fn hold(&self) -> bool {
        !self.directories.is_empty()
    }

    /// How many processes the kernel ended for want of memory.
    pub(crate) fn memory_kills(&self) -> u64 {
        // memory.events in version 2, memory.oom_control in version 1.
        self.number(&["memory.events", "memory.oom_control"], "oom_kill")
    }

    /// How often a process was refused another one.
    pub(crate) fn refused_processes(&self) -> u64 {
        self.number(&["pids.events"], "max")
    }

    /// Every process in them.
    pub(crate) fn members(&self) -> Vec<i32> {
        let mut members: Vec<i32> = Vec::new();
        for directory in &self.directories {
            let listed = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            members.extend(listed.lines().filter_map(|line| line.trim().parse::<i32>().ok()));
        }
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Kills what is in them and removes them. Returns those that could not be.
    pub(crate) async fn remove(&self) -> Vec<String> {
        let groups = self.clone();
        let lost = |error: tokio::task::JoinError| vec![error.to_string()];
        tokio::task::spawn_blocking(move || groups.remove_here()).await.unwrap_or_else(lost)
    }

    /// [`remove`](Self::remove) on this thread.
    pub(crate) fn remove_here(&self) -> Vec<String> {
        let mut tries = 0;
        loop {
            let left: Vec<String> = self.directories.iter().filter_map(|directory| try_remove(directory)).collect();
            if left.is_empty() || tries == TRIES {
                return left;
            }
            tries += 1;
            for pid in self.members() {
                // One that has ended meanwhile is what is wanted. Zero is a process that davit can't see.
                if pid > 0 {
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
                }
            }
            pause();
        }
    }

    fn number(&self, files: &[&str], key: &str) -> u64 {
        let texts = self.directories.iter().flat_map(|directory| files.iter().map(|file| directory.join(file)));
        texts
            .filter_map(|path| fs::read_to_string(path).ok())
            .filter_map(|text| value_of(&text, key))
            .max()
            .unwrap_or(0)
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever removes groups has a thread for it alone")]
fn pause() {
    std::thread::sleep(PAUSE);
}

/// Removes one group. Why not, when that did not work.
fn try_remove(directory: &Path) -> Option<String> {
    match fs::remove_dir(directory) {
        Ok(()) => None,
        Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => None,
        Err(error) => Some(format!("{}: {error}", directory.display())),
    }
}

/// `oom_kill 3` among lines of that form.
fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Makes a group, empty or not there before.
fn make_group(directory: &Path) -> std::io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// The quota in microseconds for each period of 100 ms.
fn quota(cpus: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let quota = (cpus * 100_000.0).clamp(1_000.0, 1e12) as u64;
    quota
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_whole_key() {
        let text = "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n";
        assert_eq!(value_of(text, "oom_kill"), Some(1));
        assert_eq!(value_of(text, "max"), Some(7));
        assert_eq!(value_of("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", "oom_kill"), Some(4));
        assert_eq!(value_of("", "max"), None);
    }

    #[test]
    fn a_processor_and_a_half_is_a_quota() {
        assert_eq!(quota(1.5), 150_000);
        assert_eq!(quota(0.0), 1_000);
    }
}
