//! The thread that starts a place's outermost program and stays until the place is gone: "die with your parent" means
//! the thread, not the process, and threads of the runtime come and go.

use crate::limits::Groups;
use std::io;
use std::sync::mpsc;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// Dropped, its thread ends, and what it started is killed by the kernel. Control groups of a place that nobody closed
/// are removed as the last thing.
#[derive(Debug)]
pub(super) struct Keeper {
    _stay: mpsc::Sender<()>,
}

impl Keeper {
    /// Starts `command` on a thread of its own.
    pub(super) async fn spawn(mut command: Command, groups: Groups) -> io::Result<(Self, Child)> {
        let (stay, gone) = mpsc::channel::<()>();
        let (started, start) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("davit-place".into()).spawn(move || {
            let child = {
                let _inside = runtime.enter();
                command.spawn()
            };
            // Whoever asked may have given up; the child is killed on drop then.
            if started.send(child).is_ok() {
                let _ = gone.recv();
            }
            groups.remove_here();
        })?;
        let child = start.await.map_err(|_| io::Error::other("its thread ended"))??;
        Ok((Self { _stay: stay }, child))
    }
}
