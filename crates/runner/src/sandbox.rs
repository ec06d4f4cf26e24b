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
use crate::user::Lease;

/// Makes a sandbox.
pub(crate) async fn open(spec: &PlaceSpec) -> Result<Cell, RunnerError> {
    let layout = Layout::of_sandbox(&spec.job_dir);
    let lease = if nix::unistd::geteuid().is_root() { Some(Lease::take()?) } else { None };
    let base_env = system::base_env(&layout.home.inside);
    let start = Start { layout: layout.clone(), lease, own_processes: true, base_env };
    Cell::start(spec, start, |pieces| {
        system::write_etc(&layout.control, spec.network)?;
        launch::command(spec, &layout, pieces)
    })
    .await
}
