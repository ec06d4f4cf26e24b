//! The processes of one place, seen from the server.

use crate::limits::Groups;
use crate::processes::{self, Identity, Process};
use nix::sys::signal::Signal;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Carries the mark of a place in the environment of its steps, where nothing better tells whose they are.
pub(crate) const MARK: &str = "DAVIT_PLACE";

/// How long KILL may need: longer only for a process stuck in the kernel, or on a machine that stands still.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(30);

/// How often is looked whether processes are gone.
const LOOK: Duration = Duration::from_millis(10);

/// Where to look for them.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// Whose descendants they are: pid 1 of a namespace, or the shell that runs the steps.
    pub(crate) root: Process,
    /// The shell that runs the steps.
    pub(crate) shell: i32,
    /// In a namespace of its own nothing can leave the tree. Elsewhere what left it is found by control group and mark.
    pub(crate) strays: Option<Strays>,
}

/// How to find processes that are no descendants any more.
#[derive(Debug, Clone)]
pub(crate) struct Strays {
    pub(crate) groups: Groups,
    /// `DAVIT_PLACE=…`
    pub(crate) mark: String,
}

impl Strays {
    fn of(&self, everybody: &[Process]) -> Vec<Process> {
        let in_groups: HashSet<i32> = self.groups.members().into_iter().collect();
        let is_ours = |process: &&Process| {
            !process.ended && (in_groups.contains(&process.pid) || process.has_in_environment(&self.mark))
        };
        everybody.iter().filter(is_ours).cloned().collect()
    }
}

impl Tree {
    /// All but the root.
    pub(crate) fn members(&self) -> Vec<Process> {
        let everybody = processes::all();
        // A root that is gone may have left its id to somebody else.
        let is_there = everybody.iter().any(|process| process.identity() == self.root.identity());
        let strays = self.strays.as_ref().map(|strays| strays.of(&everybody)).unwrap_or_default();
        let mut found = if is_there { processes::below(self.root.pid, everybody) } else { Vec::new() };
        let known: HashSet<i32> = found.iter().map(|process| process.pid).chain([self.root.pid]).collect();
        found.extend(strays.into_iter().filter(|process| !known.contains(&process.pid)));
        found
    }

    /// Lets the shell go on if somebody has stopped it.
    pub(crate) fn wake_shell(&self) {
        let tree = self.members();
        let shell = tree.iter().chain([&self.root]).find(|process| process.pid == self.shell);
        if let Some(shell) = shell.filter(|shell| shell.is_alive()) {
            shell.signal(Signal::SIGCONT);
        }
    }

    /// What neither is in `older` nor descends from one of these: what a step started.
    pub(crate) fn newer(&self, older: &HashSet<Identity>) -> Vec<Process> {
        processes::newer(self.members(), older, self.shell)
    }

    /// Ends the root, and with it its namespace.
    pub(crate) fn kill_root(&self) {
        if self.root.is_alive() {
            self.root.signal(Signal::SIGKILL);
        }
    }

    /// Waits until nothing is left of what is newer than `older`.
    pub(crate) async fn gone_within(&self, older: &HashSet<Identity>, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        // What is born while `/proc` is read may not be in it: only the second look is sure.
        let mut empty = 0;
        while empty < 2 {
            empty = if self.newer(older).is_empty() { empty + 1 } else { 0 };
            if empty == 0 && Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    /// Kills what is newer than `older`. Everything is stopped first: what is stopped can't start more.
    pub(crate) async fn kill_all(&self, older: &HashSet<Identity>) -> bool {
        let deadline = Instant::now() + KILL_GRACE;
        while Instant::now() < deadline {
            let mut stopped: HashSet<Identity> = HashSet::new();
            loop {
                let mut fresh = self.newer(older);
                fresh.retain(|process| stopped.insert(process.identity()));
                if fresh.is_empty() || Instant::now() >= deadline {
                    break;
                }
                fresh.iter().for_each(|process| process.signal(Signal::SIGSTOP));
            }
            self.newer(older).iter().for_each(|process| process.signal(Signal::SIGKILL));
            if self.gone_within(older, LOOK * 2).await {
                return true;
            }
        }
        false
    }
}
