//! The command line that builds a sandbox. Nothing secret is on it.

use super::system;
use crate::RunnerError;
use crate::layout::Layout;
use crate::place::PlaceSpec;
use nix::unistd::{Gid, Uid};
use std::path::{Path, PathBuf};

/// Where the job's directory appears to bubblewrap that runs as the job's own user, who can't walk through the data
/// directory. Mounted in a mount namespace of its own: nobody else sees it.
const STAGE: &str = "/run/davit-stage";

/// Becomes the rest of its arguments, with the pipe for replies as file descriptors 3 and 4.
const LAUNCH: &str = r#"exec 3>"$1" 4>&3; shift; exec "$@""#;

/// As [`LAUNCH`], with the directory `$2` mounted at `$3`.
const LAUNCH_STAGED: &str = r#"exec 3>"$1" 4>&3; mount --bind -- "$2" "$3" && shift 3 && exec "$@""#;

/// The program and arguments of a sandbox's outermost process.
pub(super) fn sandbox(
    spec: &PlaceSpec,
    layout: &Layout,
    owner: Option<(Uid, Gid)>,
) -> Result<Vec<String>, RunnerError> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            RunnerError::Unavailable(format!(
                "{} has a name that is no UTF-8: no sandbox can be made of it",
                path.display()
            ))
        })
    };
    let fifo = text(&layout.control.join("replies"))?;
    let job_dir = text(&spec.job_dir)?;
    let mut argv: Vec<String> = Vec::new();
    let mut push = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    let seen: PathBuf = match owner {
        None => {
            push(&["/bin/sh", "-c", LAUNCH, "sh", &fifo]);
            spec.job_dir.clone()
        }
        Some((user, group)) => {
            std::fs::create_dir_all(STAGE).map_err(RunnerError::io(format!("making {STAGE}")))?;
            push(&["unshare", "--mount", "--propagation", "private", "--"]);
            push(&["/bin/sh", "-c", LAUNCH_STAGED, "sh", &fifo, &job_dir, STAGE]);
            push(&["setpriv", "--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups", "--"]);
            PathBuf::from(STAGE)
        }
    };
    push(&["bwrap", "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--info-fd", "4"]);
    push(&[
        "--disable-userns",
        "--uid",
        &system::USER.to_string(),
        "--gid",
        &system::USER.to_string(),
        "--hostname",
        "davit",
    ]);
    if spec.network {
        push(&["--share-net"]);
    }
    let control = seen.join("control");
    for word in system::binds(&control, &spec.tools) {
        push(&[&word]);
    }
    push(&["--proc", "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    push(&["--dir", "/run", "--symlink", "/tmp", "/var/tmp"]);
    for directory in layout.writable() {
        let name = directory.outside.file_name().map(Path::new).unwrap_or(Path::new("."));
        push(&["--bind", &text(&seen.join(name))?, &directory.inside]);
    }
    push(&["--remount-ro", "/", "--chdir", "/", "--", "/bin/sh", "-s"]);
    Ok(argv)
}
