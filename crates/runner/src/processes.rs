//! Processes of the machine, read from `/proc`: who descends from whom, and ending a whole tree.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// When it started, in ticks since the machine did: a process id used again is told apart by it.
    pub(crate) started: u64,
    pub(crate) name: String,
    /// Whether it has ended and only its parent does not know yet.
    pub(crate) ended: bool,
}

/// A process for good, however often its id is used again.
pub(crate) type Identity = (i32, u64);

impl Process {
    pub(crate) const fn identity(&self) -> Identity {
        (self.pid, self.started)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that has ended meanwhile is what was wanted.
        let _ = kill(Pid::from_raw(self.pid), signal);
    }

    /// Whether it is still there, and its id not used again by another.
    pub(crate) fn is_alive(&self) -> bool {
        one(self.pid).is_some_and(|now| now.started == self.started && !now.ended)
    }

    /// Whether this signal would do nothing to it.
    pub(crate) fn ignores(&self, signal: Signal) -> bool {
        let status = std::fs::read(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        is_ignored(&String::from_utf8_lossy(&status), signal)
    }

    /// Whether `NAME=value` is in the environment that it was started with.
    pub(crate) fn has_in_environment(&self, pair: &str) -> bool {
        std::fs::read(format!("/proc/{}/environ", self.pid))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|each| each == pair.as_bytes()))
    }
}

/// The process with this id.
pub(crate) fn one(pid: i32) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&stat))
}

/// What descends from `root`, without it.
pub(crate) fn descendants(root: i32) -> Vec<Process> {
    below(root, all())
}

/// Of `everybody`, what descends from `root` and has not ended, without `root` itself. Whoever has just ended may still
/// be known as the parent of others.
pub(crate) fn below(root: i32, everybody: Vec<Process>) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in everybody {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            parents.push(process.pid);
            if !process.ended {
                found.push(process);
            }
        }
    }
    found
}

/// Of `tree`, what neither is in `older` nor descends from one of these, except through `supervisor`.
pub(crate) fn newer(tree: Vec<Process>, older: &HashSet<Identity>, supervisor: i32) -> Vec<Process> {
    let by_pid: HashMap<i32, (Identity, i32)> =
        tree.iter().map(|process| (process.pid, (process.identity(), process.parent))).collect();
    let of_older = |mut pid: i32| {
        while let Some((identity, parent)) = by_pid.get(&pid) {
            if older.contains(identity) {
                return pid != supervisor;
            }
            pid = *parent;
        }
        false
    };
    tree.into_iter().filter(|process| process.pid != supervisor && !of_older(process.pid)).collect()
}

/// `4711 (sleep), 4712 (sh)`, at most ten.
pub(crate) fn list(processes: &[Process]) -> String {
    let mut names: Vec<String> =
        processes.iter().take(10).map(|process| format!("{} ({})", process.pid, process.name)).collect();
    if processes.len() > names.len() {
        names.push(format!("{} more", processes.len() - names.len()));
    }
    names.join(", ")
}

/// Every process of the machine that this one may see.
pub(crate) fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| one(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// `4711 (name, which may hold spaces and brackets) S 1 …`: state, parent, 17 others, start (proc_pid_stat(5)).
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = tail.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    let ended = matches!(state, "Z" | "X");
    Some(Process { pid, parent, started, name, ended })
}

/// `SigIgn:\t0000000000004001` among other lines: a bit for each signal, the first is that of signal 1 (proc_pid_status(5)).
fn is_ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        Process { pid, parent, started: 100, name: "x".into(), ended: false }
    }

    #[test]
    fn a_process_name_can_hold_anything() {
        let stat = "7 (a) S (b) R 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        let process = parse_stat(7, stat).expect("a process");
        assert_eq!((process.parent, process.started, process.name.as_str()), (1, 4711, "a) S (b"));
        let zombie = parse_stat(7, &stat.replace(" R ", " Z ")).expect("a process");
        assert!(zombie.ended && !process.ended);
    }

    #[test]
    fn what_a_process_ignores_is_read_from_its_mask() {
        let status = "Name:\tsh\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000004003\nSigCgt:\t0000000000010000\n";
        let ignored = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGCHLD]
            .map(|signal| is_ignored(status, signal));
        assert_eq!(ignored, [true, true, false, true, false]);
        assert!(!is_ignored("", Signal::SIGTERM));
    }

    #[test]
    fn a_child_is_found_through_a_parent_that_has_just_ended() {
        let ended = Process { ended: true, ..process(3, 1) };
        let pids: Vec<i32> = below(1, vec![process(1, 0), ended, process(2, 3)]).iter().map(|each| each.pid).collect();
        assert_eq!(pids, [2]);
    }

    #[test]
    fn a_step_owns_what_it_started_and_not_what_older_ones_start_meanwhile() {
        let older: HashSet<Identity> = [(2, 100), (3, 100)].into();
        // 2 supervises; 3 is a server of an older step, 4 its new child; 5 the step, 6 its child, 7 its daemon.
        let tree = vec![process(2, 1), process(3, 1), process(4, 3), process(5, 2), process(6, 5), process(7, 1)];
        let pids: Vec<i32> = newer(tree, &older, 2).iter().map(|process| process.pid).collect();
        assert_eq!(pids, [5, 6, 7]);
        // The id of an older one, used again.
        let again = Process { started: 200, ..process(3, 1) };
        assert_eq!(newer(vec![again.clone()], &older, 2), [again]);
    }
}
