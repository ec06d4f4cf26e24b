//! Clears away what a server that died left of its jobs.

use crate::container;
use crate::limits::Groups;
use crate::prepare;
use crate::processes::{self, Identity, Process};
use crate::record::{self, Lock, Record};
use crate::tree;
use nix::sys::signal::Signal;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often is looked whether killed processes are gone.
const LOOK: Duration = Duration::from_millis(10);

/// Ends every place under `root` (the directory that job directories are made in) whose server is gone, and removes
/// its control groups and files. Places of servers that live are left alone, this one's too. Returns one sentence for
/// each that was cleared away or could not be.
pub async fn sweep(root: &Path) -> Vec<String> {
    let mut said = Vec::new();
    let mut killed = Vec::new();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let job_dir = entry.path();
        if !job_dir.join("control").is_dir() {
            continue;
        }
        match record::lock(&job_dir) {
            // Its server lives.
            Ok(None) => {}
            Ok(Some(lock)) => killed.push(Killed::all_of(job_dir, lock)),
            Err(error) => said.push(format!("{} could not be cleared away: {error}", job_dir.display())),
        }
    }
    // One that stays holds up the others only once.
    let deadline = Instant::now() + tree::KILL_GRACE;
    for place in killed {
        said.push(place.clear(deadline).await);
    }
    said
}

/// A place whose processes were told to end.
struct Killed {
    job_dir: PathBuf,
    groups: Groups,
    processes: Vec<Process>,
    _lock: Lock,
}

impl Killed {
    fn all_of(job_dir: PathBuf, lock: Lock) -> Self {
        let record = Record::read(&job_dir);
        let groups = Groups::of(record.groups);
        let everybody = processes::all();
        let below = match record.root {
            Some(root) if everybody.iter().any(|process| process.identity() == root) => {
                processes::below(root.0, everybody.clone())
            }
            _ => Vec::new(),
        };
        let mut ours: HashSet<Identity> = below.iter().map(Process::identity).chain(record.root).collect();
        let in_groups = groups.members();
        let is_marked = |process: &Process| record.mark.as_ref().is_some_and(|mark| process.has_in_environment(mark));
        let strays = everybody.iter().filter(|process| in_groups.contains(&process.pid) || is_marked(process));
        ours.extend(strays.map(Process::identity));
        let processes: Vec<Process> =
            everybody.into_iter().filter(|process| ours.contains(&process.identity())).collect();
        processes.iter().for_each(|process| process.signal(Signal::SIGSTOP));
        processes.iter().for_each(|process| process.signal(Signal::SIGKILL));
        Self { job_dir, groups, processes, _lock: lock }
    }

    /// Waits until they are gone. False when one of them stays.
    async fn gone(&self, deadline: Instant) -> bool {
        while self.processes.iter().any(Process::is_alive) {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    async fn clear(self, deadline: Instant) -> String {
        let name = self.job_dir.display();
        // Killed is not gone yet: what still writes would be in the way of the removal of its files. Where something
        // stays, the directory stays too, with all that is known of it: the next sweep tries again.
        if !self.gone(deadline).await {
            let left: Vec<Process> = self.processes.iter().filter(|process| process.is_alive()).cloned().collect();
            return format!("{name} could not be cleared away: STILL RUNNING after KILL: {}", processes::list(&left));
        }
        let mut trouble = self.groups.remove().await;
        if let Some(proof) = container::clear(&self.job_dir).await.filter(|proof| !proof.clean) {
            return format!("{name} could not be cleared away: {proof}");
        }
        if let Err(error) = prepare::remove_tree(&self.job_dir).await {
            trouble.push(error.to_string());
        }
        if trouble.is_empty() {
            format!("{name}: cleared away what a server that died had left, {} processes", self.processes.len())
        } else {
            format!("{name} could not be cleared away: {}", trouble.join("; "))
        }
    }
}
