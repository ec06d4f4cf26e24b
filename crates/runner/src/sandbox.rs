//! The sandbox: bubblewrap around a job, so that it sees the system's programs and its own directories and nothing else
//! of the server.
//!
//! Lives here: which walls there are. Does not live here: running steps ([`crate::cell`]).

mod launch;
mod system;

use crate::RunnerError;
use crate::cell::{Cell, Start};
use crate::layout::Layout;
use crate::place::PlaceSpec;
use crate::prepare;

/// Makes a sandbox.
pub(crate) async fn open(spec: &PlaceSpec) -> Result<Cell, RunnerError> {
    let layout = Layout::of_sandbox(&spec.job_dir);
    let owner = nix::unistd::geteuid()
        .is_root()
        .then(|| (nix::unistd::Uid::from_raw(61001), nix::unistd::Gid::from_raw(61001)));
    prepare::directories(spec, &layout, owner)?;
    system::write_etc(&layout.control)?;
    let argv = launch::sandbox(spec, &layout, owner)?;
    let base_env = system::base_env(&layout.home.inside);
    Cell::start(Start {
        layout,
        job_dir: spec.job_dir.clone(),
        owner,
        limits: spec.limits.clone(),
        argv,
        own_processes: true,
        base_env,
    })
    .await
}
