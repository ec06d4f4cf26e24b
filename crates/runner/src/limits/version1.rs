//! Control groups of version 1: one directory a controller, under `davit` beside everybody else's. Only root may.

use super::{make_group, mounts, quota};
use crate::place::Limits;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where each controller's groups are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchies {
    memory: PathBuf,
    pids: PathBuf,
    /// Without it processors are not limited.
    cpu: Option<PathBuf>,
}

/// Finds the hierarchies.
///
/// # Errors
/// Why groups can't be made, for a person.
pub(super) fn find(mountinfo: &str) -> Result<Hierarchies, String> {
    let own = |controller: &str| {
        let mount = mounts::version1(mountinfo, controller)
            .ok_or_else(|| format!("there are no control groups of version 1 for {controller}"))?;
        let directory = mount.join("davit");
        match make_group(&directory) {
            Ok(()) if may_write(&directory) => Ok(directory),
            Ok(()) => Err(format!("{} belongs to somebody else", directory.display())),
            Err(error) => Err(format!("{} can't be made: {error}", directory.display())),
        }
    };
    Ok(Hierarchies { memory: own("memory")?, pids: own("pids")?, cpu: own("cpu").ok() })
}

impl Hierarchies {
    pub(super) fn describe(&self) -> String {
        let mut text = format!("{} and {}", self.memory.display(), self.pids.display());
        if self.cpu.is_none() {
            text.push_str(", processors are not limited");
        }
        text
    }

    pub(super) fn directories(&self, name: &str) -> Vec<PathBuf> {
        [Some(&self.memory), Some(&self.pids), self.cpu.as_ref()]
            .into_iter()
            .flatten()
            .map(|all| all.join(name))
            .collect()
    }

    pub(super) fn make(&self, name: &str, limits: &Limits) -> io::Result<()> {
        let memory = self.memory.join(name);
        make_group(&memory)?;
        fs::write(memory.join("memory.limit_in_bytes"), limits.memory.to_string())?;
        // Not there without swap accounting.
        let _ = fs::write(memory.join("memory.memsw.limit_in_bytes"), limits.memory.to_string());
        let pids = self.pids.join(name);
        make_group(&pids)?;
        fs::write(pids.join("pids.max"), limits.processes.to_string())?;
        if let Some(cpu) = &self.cpu {
            let cpu = cpu.join(name);
            make_group(&cpu)?;
            fs::write(cpu.join("cpu.cfs_period_us"), "100000")?;
            fs::write(cpu.join("cpu.cfs_quota_us"), quota(limits.cpus).to_string())?;
        }
        Ok(())
    }
}

fn may_write(directory: &Path) -> bool {
    nix::unistd::access(directory, nix::unistd::AccessFlags::W_OK).is_ok()
}
