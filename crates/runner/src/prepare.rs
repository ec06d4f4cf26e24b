//! Makes the directories of a place.

use crate::RunnerError;
use crate::layout::Layout;
use crate::place::PlaceSpec;
use nix::unistd::{Gid, Uid};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

/// An empty job directory with everything that steps write to, owned by `owner`.
pub(crate) fn directories(spec: &PlaceSpec, layout: &Layout, owner: Option<(Uid, Gid)>) -> Result<(), RunnerError> {
    let what = || format!("making {}", spec.job_dir.display());
    match fs::remove_dir_all(&spec.job_dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(RunnerError::io(what())(error)),
        Ok(()) | Err(_) => {}
    }
    let make = |mode: u32, path: &std::path::Path| {
        fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(RunnerError::io(what()))
    };
    make(0o711, &spec.job_dir)?;
    make(0o711, &layout.control)?;
    for directory in layout.writable() {
        make(0o755, &directory.outside)?;
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(&directory.outside, Some(user.as_raw()), Some(group.as_raw()))
                .map_err(RunnerError::io(what()))?;
        }
    }
    fs::set_permissions(&layout.tmp.outside, fs::Permissions::from_mode(0o1777)).map_err(RunnerError::io(what()))
}
