//! What sandbox and host have in common: one supervisor that runs steps, directories, limits, an end.
//!
//! Does not live here: how the walls are built ([`crate::sandbox`], [`crate::host`]).

mod archive;
mod files;
mod keeper;
mod output;
mod processes;
mod replies;
mod step;
mod supervisor;

use crate::RunnerError;
use crate::layout::Layout;
use crate::place::{Limits, Proof, StepCommand, StepExit};
use davit_exec::LineSink;
use nix::unistd::{Gid, Uid};
use std::path::{Path, PathBuf};
use supervisor::Supervisor;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// A sandbox or a job on the host, running.
#[derive(Debug)]
pub struct Cell {
    layout: Layout,
    job_dir: PathBuf,
    owner: Option<(Uid, Gid)>,
    supervisor: Mutex<Supervisor>,
    base_env: Vec<(String, String)>,
}

/// How to start a cell: what sandbox and host prepare.
pub(crate) struct Start {
    pub(crate) layout: Layout,
    pub(crate) job_dir: PathBuf,
    /// Who owns what steps write, when it is not davit's own user.
    pub(crate) owner: Option<(Uid, Gid)>,
    pub(crate) limits: Limits,
    /// The program and its arguments that become the supervisor: file descriptor 3 is the way for replies.
    pub(crate) argv: Vec<String>,
    /// Whether pid 1 of an own process namespace comes between.
    pub(crate) own_processes: bool,
    pub(crate) base_env: Vec<(String, String)>,
}

impl Cell {
    pub(crate) async fn start(start: Start) -> Result<Self, RunnerError> {
        let supervisor = Supervisor::start(&start).await?;
        let Start { layout, job_dir, owner, base_env, .. } = start;
        Ok(Self { layout, job_dir, owner, base_env, supervisor: Mutex::new(supervisor) })
    }

    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn base_env(&self) -> &[(String, String)] {
        &self.base_env
    }

    pub(crate) async fn run(
        &self,
        command: &StepCommand,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        let mut supervisor = self.supervisor.lock().await;
        let stdin = match &command.stdin {
            None => None,
            Some(bytes) => {
                let path = format!("{}/stdin-{:032x}", self.layout.exchange.inside, rand::random::<u128>());
                self.write_file(&path, bytes, 0o600).await?;
                Some(path)
            }
        };
        supervisor.run(command, stdin.as_deref(), sink, cancel).await
    }

    pub(crate) async fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), RunnerError> {
        let (directory, rest) = self.layout.find(path)?;
        files::write(&directory.outside, rest, bytes, mode, self.owner).map_err(files::explain(path))
    }

    pub(crate) async fn read_file(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, RunnerError> {
        let (directory, rest) = self.layout.find(path)?;
        files::read(&directory.outside, rest, most).map_err(files::explain(path))
    }

    pub(crate) async fn put_tree(&self, from: &Path, into: &str) -> Result<(), RunnerError> {
        archive::put_tree(self, from, into).await
    }

    pub(crate) async fn pack(&self, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
        archive::pack(self, files, root, into).await
    }

    pub(crate) async fn unpack(&self, archive: &Path, into: &str) -> Result<(), RunnerError> {
        archive::unpack(self, archive, into).await
    }

    pub(crate) async fn close(self) -> Proof {
        let mut proof = self.supervisor.into_inner().end().await;
        match tokio::fs::remove_dir_all(&self.job_dir).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                proof.clean = false;
                proof.text.push_str(&format!("; {} could not be removed: {error}", self.job_dir.display()));
            }
            Ok(()) | Err(_) => proof.text.push_str("; its files are removed"),
        }
        proof
    }
}
