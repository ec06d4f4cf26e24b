//! Places: where the steps of one job run.
//!
//! Lives here: what a place is asked for and what it answers, the same for every kind of place. Does not live here:
//! how the kinds do it ([`crate::sandbox`], [`crate::host`], [`crate::container`]) and what a job is ([`crate::run_job`]).

use crate::RunnerError;
use crate::cell::Cell;
use crate::container::{self, Container, ContainerSpec};
use davit_exec::LineSink;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What to make.
#[derive(Debug, Clone)]
pub struct PlaceSpec {
    /// An own directory for everything of the job on the server. Made when it is missing, emptied when it is not,
    /// removed by [`Place::close`].
    pub job_dir: PathBuf,
    /// The kind of place.
    pub executor: Executor,
    /// The container that steps run in, instead of the executor's own kind of place.
    pub container: Option<ContainerSpec>,
    /// The containers beside it.
    pub services: Vec<ContainerSpec>,
    /// What the job may use.
    pub limits: Limits,
    /// Whether steps reach the network. On the host they always do.
    pub network: bool,
    /// Further directories of the server that a sandbox shows read-only, at the same path.
    pub tools: Vec<PathBuf>,
    /// Unique on the machine, of letters, digits and dashes, beginning with `davit-`: `davit-job-7-1`.
    pub name: String,
}

/// The kinds of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executor {
    /// Cut off from the server by bubblewrap.
    Sandbox,
    /// On the server as it is, as davit's own user: for repositories that an administrator trusts.
    Host,
}

impl Executor {
    /// The word in configuration and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Host => "host",
        }
    }
}

/// What a job may use, all its steps together.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// Processors: `1.5` is one and a half.
    pub cpus: f64,
    /// Processes and threads at the same time.
    pub processes: u32,
    /// Bytes of disk: workspace, home and temporary files together.
    pub disk: u64,
    /// Bytes of output, both streams together.
    pub output: u64,
    /// From the opening of the place to the end of the last step.
    pub time: Duration,
}

/// One program to run. Its `Debug` shows the names of the environment, never the values.
#[derive(Clone)]
pub struct StepCommand {
    /// The program (a path in the place, or a name found in the step's own `PATH`) and its arguments. Other users of
    /// the machine can read it while the program runs: nothing secret belongs here.
    pub argv: Vec<String>,
    /// The whole environment; nothing of the server's own is added.
    pub env: Vec<(String, String)>,
    /// The working directory, as a path in the place.
    pub cwd: String,
    /// Standard input; empty without.
    pub stdin: Option<Vec<u8>>,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

impl std::fmt::Debug for StepCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("StepCommand")
            .field("argv", &self.argv)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How a step's program ended. A program that a signal ended has the shell's code for it: 128 and the signal's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepExit {
    /// By itself, with this code.
    Code(i32),
    /// It took longer than its `timeout` and was ended.
    TimedOut {
        /// What was seen.
        proof: String,
    },
    /// The token was cancelled, and the step was ended.
    Cancelled {
        /// What was seen.
        proof: String,
    },
    /// One of [`Limits`] was reached, and the step was ended.
    OverLimit {
        /// Which one and what happened, a whole sentence.
        what: String,
    },
}

/// What was seen when a place was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whether nothing of the place is left: no process, no group, no file.
    pub clean: bool,
    /// For people: `process 4711 and everything it started have ended; …`.
    pub text: String,
}

impl Proof {
    /// Both of two proofs.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { clean: self.clean && other.clean, text: format!("{}; {}", self.text, other.text) }
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where the steps of one job run, one step at a time. What a step leaves in the background lives on until
/// [`close`](Self::close); dropping a place without that kills everything of it, but leaves its files.
///
/// Paths are those that steps see. The functions that read and write files follow no symbolic link at all: a job can
/// make them point anywhere.
#[derive(Debug)]
pub enum Place {
    /// Cut off from the server by bubblewrap, perhaps with containers beside it.
    Sandbox(Cell, Option<container::Services>),
    /// On the server as it is, perhaps with containers beside it.
    Host(Cell, Option<container::Services>),
    /// In a container of Docker or Podman.
    Container(Container),
}

impl Place {
    /// Makes the place. What takes long (pulling an image, waiting for a service) is told to `sink` and ends early when
    /// it is cancelled.
    ///
    /// # Errors
    /// [`RunnerError::Unavailable`] when this machine can't make one, [`RunnerError::Refused`] when nobody can,
    /// [`RunnerError::Ended`] when `cancel` came first.
    pub async fn open(spec: &PlaceSpec, sink: &LineSink, cancel: &CancellationToken) -> Result<Self, RunnerError> {
        if spec.container.is_some() {
            return Container::open(spec, sink, cancel).await.map(Self::Container);
        }
        let cell = match spec.executor {
            Executor::Sandbox => crate::sandbox::open(spec).await?,
            Executor::Host => crate::host::open(spec).await?,
        };
        let services = match spec.services.as_slice() {
            [] => None,
            _ => match container::Services::open(spec, sink, cancel).await {
                Ok(services) => Some(services),
                Err(error) => return Err(container::after_closing(error, cell.close().await)),
            },
        };
        Ok(match spec.executor {
            Executor::Sandbox => Self::Sandbox(cell, services),
            Executor::Host => Self::Host(cell, services),
        })
    }

    /// Where the repository's files are and steps begin.
    #[must_use]
    pub fn workspace(&self) -> &str {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => &cell.layout().workspace.inside,
            Self::Container(container) => container.workspace(),
        }
    }

    /// Where davit puts files for steps and steps may put their temporary ones.
    #[must_use]
    pub fn temp(&self) -> &str {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => &cell.layout().temp.inside,
            Self::Container(container) => container.temp(),
        }
    }

    /// `HOME` of steps.
    #[must_use]
    pub fn home(&self) -> &str {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => &cell.layout().home.inside,
            Self::Container(container) => container.home(),
        }
    }

    /// What every step is given: where programs are, a home, an encoding. A job's own variables go over it.
    #[must_use]
    pub fn base_env(&self) -> Vec<(String, String)> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.base_env().to_vec(),
            Self::Container(container) => container.base_env(),
        }
    }

    /// What the context `job` says of the job's container and services; an empty object without any.
    #[must_use]
    pub fn job_context(&self) -> serde_json::Value {
        match self {
            Self::Sandbox(_, Some(services)) | Self::Host(_, Some(services)) => services.job_context(),
            Self::Sandbox(_, None) | Self::Host(_, None) => serde_json::json!({}),
            Self::Container(container) => container.job_context(),
        }
    }

    /// Runs a program to its end, its output going line by line into `sink`. What it leaves in the background lives
    /// on; what a step is ended for (cancel, timeout) takes everything with it that this step started, and nothing
    /// else.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] for a command that can't be run at all, [`RunnerError::Ended`] when the place is gone.
    pub async fn run(
        &self,
        command: StepCommand,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.run(&command, sink, cancel).await,
            Self::Container(container) => container.run(&command, sink, cancel).await,
        }
    }

    /// Writes a file, its directories too. An older file is replaced.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] for a path that is none of the place's own or has a symbolic link in it.
    pub async fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.write_file(path, bytes, mode).await,
            Self::Container(container) => container.write_file(path, bytes, mode).await,
        }
    }

    /// Reads a file. `None` when it is not there.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] for a path that is none of the place's own, has a symbolic link in it, or is no file;
    /// also for a file of more than `most` bytes.
    pub async fn read_file(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.read_file(path, most).await,
            Self::Container(container) => container.read_file(path, most).await,
        }
    }

    /// Packs `files` (relative to `root`, directories with what is in them) as a `.tar.gz` into a new file outside the
    /// place. Links are packed as links. Returns the size in bytes.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] with what `tar` said.
    pub async fn pack(&self, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.pack(files, root, into).await,
            Self::Container(container) => container.pack(files, root, into).await,
        }
    }

    /// Unpacks a `.tar.gz` from outside the place into a directory of it, which is made when it is missing.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] with what `tar` said.
    pub async fn unpack(&self, archive: &Path, into: &str) -> Result<(), RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.unpack(archive, into).await,
            Self::Container(container) => container.unpack(archive, into).await,
        }
    }

    /// Moves a directory that was prepared outside into the place: `into` is made when it is missing; what is there
    /// already stays, except files of the same name. `from` is gone afterwards.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] when `into` can't take it.
    pub async fn put_tree(&self, from: &Path, into: &str) -> Result<(), RunnerError> {
        match self {
            Self::Sandbox(cell, _) | Self::Host(cell, _) => cell.put_tree(from, into).await,
            Self::Container(container) => container.put_tree(from, into).await,
        }
    }

    /// Ends everything of the place and removes it.
    pub async fn close(self) -> Proof {
        match self {
            Self::Sandbox(cell, services) | Self::Host(cell, services) => {
                // The cell's directory tells a sweep what there is of services: it goes last, or stays for that.
                let Some(services) = services else { return cell.close().await };
                let (services_gone, cell_gone) = (services.close().await, cell.close().await);
                let noted = if services_gone.clean { Ok(()) } else { services.remember() };
                let both = services_gone.and(cell_gone);
                match noted {
                    Ok(()) => both,
                    Err(error) => both.and(Proof { clean: false, text: error.to_string() }),
                }
            }
            Self::Container(container) => container.close().await,
        }
    }
}
