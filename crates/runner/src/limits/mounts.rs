//! Where control groups are mounted: `/proc/self/mountinfo` and `/proc/self/cgroup`, read as text.

use std::path::PathBuf;

/// The mount point of version 2.
pub(super) fn version2(mountinfo: &str) -> Option<PathBuf> {
    mounts(mountinfo).find(|mount| mount.kind == "cgroup2").map(|mount| mount.point.into())
}

/// The mount point of one controller in version 1.
pub(super) fn version1(mountinfo: &str, controller: &str) -> Option<PathBuf> {
    mounts(mountinfo)
        .find(|mount| mount.kind == "cgroup" && mount.options.split(',').any(|option| option == controller))
        .map(|mount| mount.point.into())
}

/// The group of version 2 that this process is in: `0::/system.slice/davit.service`.
pub(super) fn own_group(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::/"))
}

struct Mount<'a> {
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

/// `36 31 0:33 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids` (proc_pid_mountinfo(5)).
fn mounts(mountinfo: &str) -> impl Iterator<Item = Mount<'_>> {
    mountinfo.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let kind = right.next()?;
        Some(Mount { point: left.split(' ').nth(4)?, kind, options: right.nth(1)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:4 - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
";

    #[test]
    fn both_versions_are_found() {
        assert_eq!(version2(HYBRID), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(version1(HYBRID, "cpu"), Some("/sys/fs/cgroup/cpu,cpuacct".into()));
        assert_eq!(version1(HYBRID, "pids"), Some("/sys/fs/cgroup/pids".into()));
        assert_eq!(version1(HYBRID, "memory"), None);
    }

    #[test]
    fn the_own_group_is_that_of_version_2() {
        let own = "9:name=systemd:/x\n0::/system.slice/davit.service\n";
        assert_eq!(own_group(own), Some("system.slice/davit.service"));
        assert_eq!(own_group("9:pids:/x\n"), None);
    }
}
