//! Users for jobs: a server that is root gives every sandbox a user id that nobody else on the machine has, not even
//! another davit.

use crate::RunnerError;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Free in Debian's and systemd's plans: above the users and homes (60513), below dynamic services (61184).
pub(crate) const RANGE: RangeInclusive<u32> = 61001..=61183;

/// Where the locks are: one file a user, locked as long as a job has it.
const LOCKS: &str = "/run/davit/users";

/// A user that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    id: u32,
    _lock: Flock<File>,
}

impl Lease {
    /// Takes a user that nobody has.
    pub(crate) fn take() -> Result<Self, RunnerError> {
        let locks = Path::new(LOCKS);
        let what = || format!("making {LOCKS} (a systemd unit needs RuntimeDirectory=davit for it)");
        DirBuilder::new().recursive(true).mode(0o755).create(locks).map_err(RunnerError::io(what()))?;
        let busy = users_with_processes();
        for id in RANGE.filter(|id| !busy.contains(id)) {
            let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(locks.join(id.to_string()));
            match Flock::lock(file.map_err(RunnerError::io(what()))?, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Self { id, _lock: lock }),
                Err((_, Errno::EWOULDBLOCK)) => {}
                Err((_, errno)) => return Err(RunnerError::io(what())(errno)),
            }
        }
        Err(RunnerError::Unavailable(format!(
            "all users for jobs ({} to {}) are taken: run fewer jobs at the same time",
            RANGE.start(),
            RANGE.end()
        )))
    }

    /// User and group.
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Never gives it back while davit runs: something of the job is still there.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

/// Every user that a process runs as: one that an earlier job left behind has its user for itself.
fn users_with_processes() -> HashSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes =
        entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
    processes.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.uid()).collect()
}
