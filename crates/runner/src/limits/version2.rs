//! Control groups of version 2: one directory a place.
//!
//! They are made beside the server's own group, where systemd starts it in a subgroup of a part of the tree that is
//! handed to it (`Delegate=yes`, `DelegateSubgroup=davit-server`), or, for a server that is root, in `davit` at the top.
//! The server never moves itself: hooks that outlive it stay in its group, and systemd must be able to start the next
//! server beside them, which it can't in a group with controllers for its children.

use super::{make_group, mounts, quota};
use crate::place::Limits;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The name of the server's own group, where the one above it is the server's to divide.
const SUBGROUP: &str = "davit-server";

/// The group whose children are to be made, ready for it.
///
/// # Errors
/// Why there is none, for a person.
pub(super) fn find(mountinfo: &str, own_cgroup: &str, is_root: bool) -> Result<PathBuf, String> {
    let mount = mounts::version2(mountinfo).ok_or("there are no control groups of version 2")?;
    let own = mount.join(mounts::own_group(own_cgroup).unwrap_or_default());
    if let Some(base) = own.parent().filter(|_| own.file_name().is_some_and(|name| name == SUBGROUP)) {
        enable(base)?;
        return Ok(base.to_owned());
    }
    if !is_root {
        return Err("davit has no control group to divide".to_owned());
    }
    let base = mount.join("davit");
    enable(&mount)?;
    make_group(&base).map_err(|error| format!("{} can't be made: {error}", base.display()))?;
    enable(&base)?;
    Ok(base)
}

/// Gives the children of a group their own memory, processes and processors.
fn enable(group: &Path) -> Result<(), String> {
    let refuse = |error: io::Error| format!("the control group {} can't be divided: {error}", group.display());
    let words = |file: &str| fs::read_to_string(group.join(file)).map_err(refuse);
    let has = |words: &str| {
        let words: Vec<&str> = words.split_whitespace().collect();
        ["memory", "pids"].iter().all(|controller| words.contains(controller))
    };
    if !has(&words("cgroup.controllers")?) {
        return Err(format!("the control group {} has no memory and pids to divide", group.display()));
    }
    let switch = group.join("cgroup.subtree_control");
    if !has(&words("cgroup.subtree_control")?) {
        fs::write(&switch, "+memory +pids").map_err(refuse)?;
    }
    // Processors are divided less often than the rest.
    let _ = fs::write(&switch, "+cpu");
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A directory that looks like a group, for what the kernel would make.
    fn group(path: &Path, controllers: &str) {
        fs::create_dir_all(path).expect("made");
        for (file, content) in [("cgroup.controllers", controllers), ("cgroup.subtree_control", "")] {
            fs::write(path.join(file), content).expect("written");
        }
    }

    fn mountinfo(directory: &Path) -> String {
        format!("41 31 0:38 / {} rw,relatime - cgroup2 cgroup2 rw\n", directory.display())
    }

    #[test]
    fn the_group_above_the_servers_own_is_divided_when_it_is_the_servers() {
        let directory = tempfile::tempdir().expect("a directory");
        let service = directory.path().join("system.slice/davit.service");
        group(&service, "cpu memory pids");
        let mounts = mountinfo(directory.path());
        let base = find(&mounts, "0::/system.slice/davit.service/davit-server\n", false);
        assert_eq!(base.as_ref(), Ok(&service));
        assert_eq!(fs::read_to_string(service.join("cgroup.subtree_control")).expect("read"), "+cpu");
        let undivided = find(&mounts, "0::/system.slice/davit.service\n", false);
        assert!(undivided.is_err(), "the server's own group is left alone");
    }

    #[test]
    fn root_has_a_group_at_the_top() {
        let directory = tempfile::tempdir().expect("a directory");
        group(directory.path(), "cpu memory pids");
        group(&directory.path().join("davit"), "cpu memory pids");
        let mounts = mountinfo(directory.path());
        assert_eq!(find(&mounts, "0::/user.slice\n", true), Ok(directory.path().join("davit")));
        assert!(find(&mounts, "0::/user.slice\n", false).is_err());
        group(directory.path(), "cpu");
        let poor = find(&mounts, "0::/user.slice\n", true).expect_err("version 1 has the controllers");
        assert!(poor.contains("no memory and pids"), "{poor}");
    }

    #[test]
    fn a_place_has_its_limits_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let limits =
            Limits { memory: 1 << 20, cpus: 0.5, processes: 7, disk: 1, output: 1, time: Duration::from_secs(1) };
        let made = directory.path().join("davit-job-7-1");
        make(&made, &limits).expect("made");
        let read = |file: &str| fs::read_to_string(made.join(file)).expect("a file");
        assert_eq!((read("memory.max"), read("memory.swap.max")), ("1048576".into(), "0".into()));
        assert_eq!((read("pids.max"), read("cpu.max")), ("7".into(), "50000 100000".into()));
    }
}
