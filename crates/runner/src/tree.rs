//! The processes of one place, seen from the server.

use crate::limits::Groups;
use crate::processes::{self, Identity, Process};
use nix::sys::signal::Signal;
use std::collections::HashSet;

/// Carries the mark of a place in the environment of its steps, where nothing better tells whose they are.
pub(crate) const MARK: &str = "DAVIT_PLACE";

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

impl Tree {
    /// All but the root.
    pub(crate) fn members(&self) -> Vec<Process> {
        let Some(strays) = &self.strays else { return processes::descendants(self.root.pid) };
        let everybody = processes::all();
        let mut found = processes::below(self.root.pid, everybody.clone());
        let in_groups: HashSet<i32> = strays.groups.members().into_iter().collect();
        let known: HashSet<i32> = found.iter().map(|process| process.pid).chain([self.root.pid]).collect();
        let others = everybody.into_iter().filter(|process| !known.contains(&process.pid));
        found.extend(
            others.filter(|process| in_groups.contains(&process.pid) || process.has_in_environment(&strays.mark)),
        );
        found
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
}
