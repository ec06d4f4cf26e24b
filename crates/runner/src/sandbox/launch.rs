//! The command line that builds a sandbox. Nothing secret is on it.

use super::system;
use crate::RunnerError;
use crate::cell::Pieces;
use crate::layout::Layout;
use crate::place::PlaceSpec;
use std::path::{Path, PathBuf};

/// Where the job's directory appears to bubblewrap that runs as the job's own user, who can't walk through the data
/// directory. Mounted in a mount namespace of its own: nobody else sees it.
const STAGE: &str = "/run/davit/stage";

/// The most that a sandbox has for `/dev/shm`, which is half of its memory otherwise.
const SHARED_MEMORY: u64 = 256 << 20;

/// Refuses to show a directory in which the server's own data is.
fn check(spec: &PlaceSpec) -> Result<(), RunnerError> {
    let shown = spec.tools.iter().map(PathBuf::as_path).chain([Path::new("/usr")]);
    for directory in shown {
        if spec.job_dir.starts_with(directory) {
            return Err(RunnerError::Unavailable(format!(
                "sandboxes show {}, and davit's data is in it: keep the data somewhere else, or show less",
                directory.display()
            )));
        }
    }
    Ok(())
}

/// The program and arguments of a sandbox's outermost process.
pub(super) fn command(spec: &PlaceSpec, layout: &Layout, pieces: &Pieces<'_>) -> Result<Vec<String>, RunnerError> {
    check(spec)?;
    let mut argv = Vec::new();
    let seen: PathBuf = match pieces.owner {
        None => {
            argv.extend(crate::launch::shell(pieces, None)?);
            spec.job_dir.clone()
        }
        Some((user, group)) => {
            std::fs::create_dir_all(STAGE).map_err(RunnerError::io(format!("making {STAGE}")))?;
            argv.extend(["unshare", "--mount", "--propagation", "private", "--"].map(str::to_owned));
            argv.extend(crate::launch::shell(pieces, Some((&spec.job_dir, Path::new(STAGE))))?);
            let (user, group) = (user.to_string(), group.to_string());
            argv.extend(["setpriv", "--reuid", &user, "--regid", &group, "--clear-groups", "--"].map(str::to_owned));
            PathBuf::from(STAGE)
        }
    };
    argv.extend(walls(spec, layout, &seen)?);
    argv.extend(pieces.shell.iter().cloned());
    Ok(argv)
}

/// bubblewrap and its arguments. `seen` is the job's directory as bubblewrap sees it.
fn walls(spec: &PlaceSpec, layout: &Layout, seen: &Path) -> Result<Vec<String>, RunnerError> {
    let user = system::USER.to_string();
    let shared_memory = SHARED_MEMORY.min(spec.limits.memory / 2).to_string();
    let mut argv: Vec<String> =
        ["bwrap", "--unshare-user", "--disable-userns", "--unshare-all"].map(str::to_owned).into();
    if spec.network {
        argv.push("--share-net".into());
    }
    let mut push = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    push(&["--die-with-parent", "--new-session", "--info-fd", "4"]);
    push(&["--uid", &user, "--gid", &user, "--hostname", system::HOST_NAME]);
    for word in system::binds(&seen.join("control"), &spec.job_dir)? {
        push(&[&word]);
    }
    push(&["--proc", "/proc", "--dev", "/dev", "--size", &shared_memory, "--perms", "1777", "--tmpfs", "/dev/shm"]);
    push(&["--remount-ro", "/dev", "--dir", "/run", "--symlink", "/tmp", "/var/tmp"]);
    for directory in layout.writable() {
        let name = directory.outside.file_name().map_or(Path::new("."), Path::new);
        push(&["--bind", &crate::launch::text(&seen.join(name))?, &directory.inside]);
    }
    for tool in &spec.tools {
        let tool = crate::launch::text(tool)?;
        push(&["--ro-bind", &tool, &tool]);
    }
    push(&["--remount-ro", "/", "--chdir", "/", "--"]);
    Ok(argv)
}
