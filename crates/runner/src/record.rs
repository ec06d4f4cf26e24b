//! What a place leaves on the disk for the case that the server dies: a lock that only a living server holds, and what
//! there is to clear away ([`mod@crate::sweep`]).

use crate::RunnerError;
use crate::processes::Process;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// In the job's directory; not writable by steps.
const LOCK: &str = "control/lock";
const RECORD: &str = "control/place.json";

/// What there is to clear away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The place's control groups.
    pub(crate) groups: Vec<PathBuf>,
    /// Process id and start of what everything else descends from.
    pub(crate) root: Option<(i32, u64)>,
    /// `DAVIT_PLACE=…`, where processes carry it.
    pub(crate) mark: Option<String>,
}

/// Held as long as a place lives.
pub(crate) type Lock = Flock<File>;

/// Locks a job's directory. `None` when somebody else has it.
pub(crate) fn lock(job_dir: &Path) -> std::io::Result<Option<Lock>> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(job_dir.join(LOCK))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

impl Record {
    /// Remembers a process as the root.
    pub(crate) const fn with_root(mut self, root: &Process) -> Self {
        self.root = Some(root.identity());
        self
    }

    /// Writes it.
    pub(crate) fn write(&self, job_dir: &Path) -> Result<(), RunnerError> {
        let what = || format!("writing {}", job_dir.join(RECORD).display());
        let text = serde_json::to_vec(self).map_err(std::io::Error::other).map_err(RunnerError::io(what()))?;
        fs::write(job_dir.join(RECORD), text).map_err(RunnerError::io(what()))
    }

    /// Reads it. Nothing where there is none, or half of one: then nothing was started yet.
    pub(crate) fn read(job_dir: &Path) -> Self {
        fs::read(job_dir.join(RECORD)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}
