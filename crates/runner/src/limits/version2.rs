//! Control groups of version 2: one directory a place, beside the group of the server in the part of the tree that was
//! handed to it (`Delegate=yes` in its unit).

use super::{make_group, mounts, quota};
use crate::place::Limits;
use nix::errno::Errno;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where the server itself goes: a group with controllers for its children may hold no process of its own.
const SERVER: &str = "davit-server";

/// How often it is tried to make the server's own group empty.
const TRIES: u32 = 10;

/// The group whose children are to be made.
pub(super) fn base(mountinfo: &str, own_cgroup: &str) -> Option<PathBuf> {
    let own = mounts::version2(mountinfo)?.join(mounts::own_group(own_cgroup)?);
    let base = if own.file_name().is_some_and(|name| name == SERVER) { own.parent()?.to_owned() } else { own };
    let controllers = fs::read_to_string(base.join("cgroup.controllers")).ok()?;
    let has = |controller| controllers.split_whitespace().any(|each| each == controller);
    (has("memory") && has("pids")).then_some(base)
}

/// Makes `base` ready to have groups with limits.
///
/// # Errors
/// Why not, for a person.
pub(super) fn prepare(base: &Path) -> Result<PathBuf, String> {
    let refuse = |error: io::Error| {
        format!("the control group {} is not davit's to divide ({error}): put Delegate=yes in its unit", base.display())
    };
    let switch = base.join("cgroup.subtree_control");
    let mut tries = 0;
    loop {
        move_aside(base, refuse)?;
        match fs::write(&switch, "+memory +pids") {
            Ok(()) => break,
            // A process was born meanwhile.
            Err(error) if error.kind() == ErrorKind::ResourceBusy && tries < TRIES => tries += 1,
            Err(error) => return Err(refuse(error)),
        }
    }
    // Processors are divided less often than the rest.
    let _ = fs::write(&switch, "+cpu");
    Ok(base.to_owned())
}

/// Moves this process and its children to a group of their own.
fn move_aside(base: &Path, refuse: impl Fn(io::Error) -> String) -> Result<(), String> {
    let members = fs::read_to_string(base.join("cgroup.procs")).map_err(&refuse)?;
    let members: Vec<i32> = members.lines().filter_map(|line| line.parse().ok()).collect();
    if let Some(stranger) = members.iter().find(|pid| !is_ours(**pid)) {
        return Err(format!(
            "process {stranger} shares the control group {}: start davit as a service with Delegate=yes",
            base.display()
        ));
    }
    if members.is_empty() {
        return Ok(());
    }
    let server = base.join(SERVER);
    make_group(&server).map_err(&refuse)?;
    for pid in members {
        match fs::write(server.join("cgroup.procs"), pid.to_string()) {
            // It has ended.
            Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => {}
            other => other.map_err(&refuse)?,
        }
    }
    Ok(())
}

/// Makes the group of one place.
pub(super) fn make(group: &Path, limits: &Limits) -> io::Result<()> {
    make_group(group)?;
    fs::write(group.join("memory.max"), limits.memory.to_string())?;
    // Not there without swap.
    let _ = fs::write(group.join("memory.swap.max"), "0");
    fs::write(group.join("pids.max"), limits.processes.to_string())?;
    let _ = fs::write(group.join("cpu.max"), format!("{} 100000", quota(limits.cpus)));
    Ok(())
}

/// Whether a process is this one or descends from it.
fn is_ours(mut pid: i32) -> bool {
    let own = nix::unistd::getpid().as_raw();
    while pid > 1 && pid != own {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        pid = parent.unwrap_or(0);
    }
    pid == own
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn group(controllers: &str, members: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (file, content) in [("cgroup.controllers", controllers), ("cgroup.procs", members)] {
            fs::write(directory.path().join(file), content).expect("written");
        }
        directory
    }

    fn mountinfo(directory: &Path) -> String {
        format!("41 31 0:38 / {} rw,relatime - cgroup2 cgroup2 rw\n", directory.display())
    }

    #[test]
    fn a_group_with_the_controllers_is_the_base_from_the_leaf_too() {
        let directory = group("cpuset cpu memory pids", "");
        let mounts = mountinfo(directory.path());
        assert_eq!(base(&mounts, "0::/"), Some(directory.path().join("")));
        assert_eq!(base(&mounts, "0::/davit-server"), Some(directory.path().to_owned()));
        let poor = group("cpu", "");
        assert_eq!(base(&mountinfo(poor.path()), "0::/"), None);
    }

    #[test]
    fn the_server_moves_aside_and_strangers_stay() {
        let own = std::process::id().to_string();
        let directory = group("memory pids", &own);
        let made = prepare(directory.path()).expect("prepared");
        let moved = fs::read_to_string(made.join("davit-server/cgroup.procs")).expect("a file");
        assert_eq!(moved, own);
        let shared = group("memory pids", "1\n");
        let refused = prepare(shared.path()).expect_err("process 1 is not ours");
        assert!(refused.contains("Delegate=yes"), "{refused}");
        assert!(!shared.path().join("cgroup.subtree_control").exists(), "nothing was changed");
    }

    #[test]
    fn a_place_has_its_limits_written() {
        let directory = group("cpu memory pids", "");
        let limits =
            Limits { memory: 1 << 20, cpus: 0.5, processes: 7, disk: 1, output: 1, time: Duration::from_secs(1) };
        let made = directory.path().join("davit-job-7-1");
        make(&made, &limits).expect("made");
        let read = |file: &str| fs::read_to_string(made.join(file)).expect("a file");
        assert_eq!((read("memory.max"), read("memory.swap.max")), ("1048576".into(), "0".into()));
        assert_eq!((read("pids.max"), read("cpu.max")), ("7".into(), "50000 100000".into()));
    }
}
