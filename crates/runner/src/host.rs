//! A job on the server as it is, as davit's own user, for repositories that an administrator trusts.

use crate::RunnerError;
use crate::cell::{Cell, Start};
use crate::layout::Layout;
use crate::place::PlaceSpec;
use crate::prepare;

/// Makes a place on the host.
pub(crate) async fn open(spec: &PlaceSpec) -> Result<Cell, RunnerError> {
    let layout = Layout::of_host(&spec.job_dir)?;
    prepare::directories(spec, &layout, None)?;
    let fifo = layout.control.join("replies").to_string_lossy().into_owned();
    let launch = r#"exec 3>"$1" 4>&3; shift; exec "$@""#;
    let mut argv: Vec<String> = ["/bin/sh", "-c", launch, "sh", &fifo].map(str::to_owned).into();
    argv.extend(
        ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent", "--new-session"]
            .map(str::to_owned),
    );
    if nix::unistd::geteuid().is_root() {
        argv.extend(["--cap-add", "ALL"].map(str::to_owned));
    }
    argv.extend(["--info-fd", "4", "--", "/bin/sh", "-s"].map(str::to_owned));
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
    let base_env = [
        ("PATH", path),
        ("HOME", layout.home.inside.clone()),
        ("LANG", "C.UTF-8".into()),
        ("LC_ALL", "C.UTF-8".into()),
        ("TMPDIR", layout.tmp.inside.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    Cell::start(Start {
        layout,
        job_dir: spec.job_dir.clone(),
        owner: None,
        limits: spec.limits.clone(),
        argv,
        own_processes: true,
        base_env,
    })
    .await
}
