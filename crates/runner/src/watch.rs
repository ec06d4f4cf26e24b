//! Watches what a place uses where the kernel does not: the disk everywhere, memory where there are no control groups.
//! A place that uses too much is ended as a whole: a program in the background must not go on filling the disk.

use crate::disk::{self, Space};
use crate::place::Limits;
use crate::size;
use crate::tree::Tree;
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How often is looked whether it is time to count. Looking is cheap, counting is not.
const TICK: Duration = Duration::from_millis(100);

/// Files are counted at least this often.
const COUNT: Duration = Duration::from_secs(5);

/// Counting may take this part of the time: one fifth.
const REST: u32 = 4;

/// So many new files are a reason to count.
const NEW_FILES: u64 = 20_000;

/// The server itself needs this much of its disk, or the fiftieth part of a small one.
const RESERVE: u64 = 512 << 20;

/// A job that has less than this is not why a disk is full.
const SMALL: u64 = 16 << 20;

/// What to watch.
pub(crate) struct Watch {
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) tree: Tree,
    pub(crate) limits: Limits,
    /// Whether memory is to be watched too.
    pub(crate) memory: bool,
    /// Why the place was ended.
    pub(crate) over: watch::Sender<Option<String>>,
}

impl Watch {
    /// Watches until something is too much.
    pub(crate) async fn until_over(self) {
        let mut used = 0;
        let mut counted: Option<(Instant, Duration, Space)> = None;
        let reason = loop {
            if self.memory
                && let Some(reason) = self.too_much_memory()
            {
                break reason;
            }
            let Some(space) = self.roots.first().and_then(|root| Space::of(root)) else {
                // The directory is gone, and the job with it.
                return;
            };
            let room = self.limits.disk.saturating_sub(used);
            if counted.is_none_or(|(at, took, then)| is_due(at.elapsed(), took, then, space, room)) {
                let started = Instant::now();
                used = self.count().await;
                counted = Some((Instant::now(), started.elapsed(), space));
                if let Some(reason) = too_much_disk(used, self.limits.disk, space) {
                    break reason;
                }
            }
            sleep(TICK).await;
        };
        self.over.send_replace(Some(reason));
        for process in self.tree.members() {
            process.signal(Signal::SIGSTOP);
        }
        self.tree.kill_root();
        self.tree.members().iter().for_each(|process| process.signal(Signal::SIGKILL));
    }

    async fn count(&self) -> u64 {
        let roots = self.roots.clone();
        let processes: Vec<i32> = self.tree.members().iter().map(|process| process.pid).collect();
        tokio::task::spawn_blocking(move || disk::usage(&roots, &processes)).await.unwrap_or(0)
    }

    fn too_much_memory(&self) -> Option<String> {
        let members = self.tree.members();
        // Shared memory counts several times in the quick sum, so the exact one has the last word.
        let quick: u64 = members.iter().map(|process| memory(process.pid, "status", &["RssAnon:", "RssShmem:"])).sum();
        if quick <= self.limits.memory {
            return None;
        }
        let exact: u64 = members.iter().map(|process| memory(process.pid, "smaps_rollup", &["Pss:"])).sum();
        (exact > self.limits.memory).then(|| {
            format!(
                "the job used {} of memory, more than its {}: everything of it was ended",
                size::of(exact),
                size::of(self.limits.memory)
            )
        })
    }
}

/// Whether to count again: the last time is `since` ago, `took` so long, and the disk was like `then`.
fn is_due(since: Duration, took: Duration, then: Space, now: Space, room: u64) -> bool {
    let filled = then.free.saturating_sub(now.free) > room / 2 || then.files.saturating_sub(now.files) > NEW_FILES;
    since >= took * REST && (filled || since >= COUNT)
}

fn too_much_disk(used: u64, most: u64, space: Space) -> Option<String> {
    if used > most {
        return Some(format!(
            "the job used {} of the disk, more than its {}: everything of it was ended",
            size::of(used),
            size::of(most)
        ));
    }
    let reserve = RESERVE.min(space.total / 50);
    (used > SMALL && space.free < reserve).then(|| {
        format!(
            "the server's disk has only {} left and the job takes {} of it: everything of it was ended. Free some disk on the server",
            size::of(space.free),
            size::of(used)
        )
    })
}

/// The sum of some lines of a file of a process, each in kB.
fn memory(pid: i32, file: &str, keys: &[&str]) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let value = |line: &str| {
        keys.iter().find_map(|key| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
    };
    text.lines().filter_map(value).sum::<u64>().saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_waits_for_a_reason() {
        let space = |free: u64, files: u64| Space { total: 1 << 40, free, files };
        let (then, took, soon) = (space(1000, 1_000_000), Duration::from_millis(50), Duration::from_millis(300));
        assert!(!is_due(soon, took, then, space(900, 1_000_000), 400), "hardly anything was written");
        assert!(is_due(soon, took, then, space(700, 1_000_000), 400), "half of the room may be gone");
        assert!(is_due(soon, took, then, space(1000, 900_000), 400), "many files are new");
        assert!(!is_due(soon, Duration::from_secs(1), then, space(0, 0), 400), "counting is slow here");
        assert!(is_due(COUNT, took, then, then, 400), "it is time");
    }

    #[test]
    fn a_full_disk_ends_only_those_who_fill_it() {
        let full = Space { total: 1 << 40, free: 1 << 20, files: 1 };
        assert!(too_much_disk(SMALL, 1 << 30, full).is_none());
        assert!(too_much_disk(SMALL + 1, 1 << 30, full).is_some_and(|text| text.contains("server's disk")));
        let roomy = Space { free: 1 << 39, ..full };
        assert!(too_much_disk(1 << 30, 1 << 30, roomy).is_none());
        assert!(too_much_disk((1 << 30) + 1, 1 << 30, roomy).is_some_and(|text| text.contains("1 GiB")));
    }

    #[test]
    fn memory_of_this_process_is_read() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        assert!(memory(own, "status", &["RssAnon:", "RssShmem:"]) > 10_000);
        assert!(memory(own, "smaps_rollup", &["Pss:"]) > 10_000);
    }
}
