//! The directories of a place: made, and removed again.

use crate::RunnerError;
use crate::layout::Layout;
use crate::record::{self, Lock};
use nix::unistd::{Gid, Uid};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes an empty job directory with everything that steps write to, owned by `owner`, and locks it.
pub(crate) async fn directories(
    job_dir: &Path,
    layout: &Layout,
    owner: Option<(Uid, Gid)>,
) -> Result<Lock, RunnerError> {
    let what = || format!("making {}", job_dir.display());
    if !job_dir.is_absolute() {
        return Err(RunnerError::Unavailable(format!("{} must be a whole path, from the root", job_dir.display())));
    }
    let ours = || RunnerError::Unavailable(format!("{} belongs to a job that another davit runs", job_dir.display()));
    if layout.control.is_dir() && record::lock(job_dir).map_err(RunnerError::io(what()))?.is_none() {
        return Err(ours());
    }
    remove_tree(job_dir).await.map_err(RunnerError::io(what()))?;
    let make = |mode: u32, path: &Path| {
        fs::DirBuilder::new().recursive(true).mode(mode).create(path)?;
        // Whatever the server's umask is.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    let make_all = || {
        make(0o711, job_dir)?;
        make(0o711, &layout.control)?;
        for directory in layout.writable() {
            make(0o700, &directory.outside)?;
            if let Some((user, group)) = owner {
                std::os::unix::fs::chown(&directory.outside, Some(user.as_raw()), Some(group.as_raw()))?;
            }
        }
        fs::set_permissions(&layout.tmp.outside, fs::Permissions::from_mode(0o1777))
    };
    make_all().map_err(RunnerError::io(what()))?;
    let lock = record::lock(job_dir).map_err(RunnerError::io(what()))?;
    lock.ok_or_else(ours)
}

/// Removes a directory with everything in it. One that is not there is removed.
pub(crate) async fn remove_tree(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_dir_all(path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let owned = path.to_owned();
            tokio::task::spawn_blocking(move || open_up(&owned)).await.map_err(io::Error::other)?;
            tokio::fs::remove_dir_all(path).await
        }
        other => other,
    }
}

/// A job can take its own user, which is the server's, the right to its directories. Nothing of the job runs any more:
/// nobody puts links in the way.
fn open_up(path: &Path) {
    let mut closed = vec![path.to_owned()];
    while let Some(directory) = closed.pop() {
        // What can't be opened up is said by the removal.
        let _ = fs::set_permissions(&directory, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        closed.extend(directories.map(|entry| entry.path()));
    }
}
