//! Jobs in containers, and the services of jobs: Docker, or Podman's API that looks the same.
//!
//! Lives here: the container that a job names and what steps do in it. The containers beside it are in `services`,
//! what both are made of in `create`, and how the engine is found and spoken to in `engine`. Does not live here: what
//! a workflow file says about containers (`davit-ci`).
//!
//! Everything of a job in the engine is labelled with the job's directory, so that two servers on one engine leave each
//! other alone, and a file in that directory says so: what a killed server left is found by both. Nothing of the server is bound
//! into a container: files go in and out as archives through the API, so that the engine may see other paths than
//! davit does, and nothing is left on the server that only root could remove.

mod api;
mod create;
mod engine;
mod estate;
mod exec;
mod files;
mod image;
mod limits;
mod mounts;
mod options;
mod processes;
mod services;
mod step;

pub use engine::{Engine, examine};
pub(crate) use estate::{after_closing, clear};
pub use services::Services;

use crate::RunnerError;
use crate::layout::Layout;
use crate::place::{PlaceSpec, Proof, StepCommand, StepExit};
use crate::prepare;
use crate::record::Lock;
use create::Role;
use davit_exec::LineSink;
use estate::Estate;
use limits::Used;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// The directories of a job, the same as in a sandbox.
const WORKSPACE: &str = "/workspace";
const TEMP: &str = "/runner/temp";
const HOME: &str = "/home/runner";

/// What programs are found in where an image says nothing.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `container` of a job, or one of its `services`, with all expressions worked out.
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    /// The service's key, which is its name in the job's network; empty for the job's own container.
    pub key: String,
    /// The image.
    pub image: String,
    /// User name and password for the image's registry.
    pub credentials: Option<(String, SecretString)>,
    /// The environment, on top of the image's own.
    pub env: Vec<(String, String)>,
    /// `5432`, `8080:80`, `53:53/udp`: published on the server's loopback address.
    pub ports: Vec<String>,
    /// `name:/path`, `/workspace:/path`, `/path`; `/path/of/the/server:/path` with the executor `host` alone.
    pub volumes: Vec<String>,
    /// Options as `docker create` has them; those that are supported.
    pub options: Option<String>,
}

/// The container of a job, its network and its services.
#[derive(Debug)]
pub struct Container {
    job_dir: PathBuf,
    /// Held as long as this place lives: a sweep leaves it alone.
    _lock: Lock,
    services: Services,
    id: String,
    environment: Vec<(String, String)>,
    /// Who steps run as, and to whom files belong that davit brings.
    owner: files::Owner,
    used: Used,
}

impl Container {
    /// Makes the container that `spec` names and its services, each from its image as the registry has it now. What
    /// the engine does is told to `sink`.
    ///
    /// # Errors
    /// [`RunnerError::Unavailable`] when neither Docker nor Podman answers; [`RunnerError::Refused`] for an image, an
    /// option, a port or a volume that can't be had; [`RunnerError::Ended`] when `cancel` came first. Whatever was made
    /// is gone again then.
    pub async fn open(spec: &PlaceSpec, sink: &LineSink, cancel: &CancellationToken) -> Result<Self, RunnerError> {
        Self::open_on(Engine::find().await?, spec, sink, cancel).await
    }

    /// [`open`](Self::open) on an engine that is known already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_on(
        engine: Engine,
        spec: &PlaceSpec,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<Self, RunnerError> {
        let Some(own) = &spec.container else {
            return Err(RunnerError::Refused("this job names no container".to_owned()));
        };
        let job_dir = spec.job_dir.clone();
        let lock = prepare::directories(&job_dir, &Layout::of_sandbox(&job_dir), None).await?;
        let services = Services::open_on(engine, spec, sink, cancel).await?;
        match estate::unless_cancelled(cancel, start(services.estate(), own, spec, sink)).await {
            Ok((id, environment, owner)) => {
                let used = Used::new(&spec.limits);
                Ok(Self { job_dir, _lock: lock, services, id, environment, owner, used })
            }
            Err(error) => Err(estate::after_closing(error, services.close().await)),
        }
    }

    /// Where the repository's files are and steps begin.
    #[must_use]
    pub const fn workspace(&self) -> &'static str {
        WORKSPACE
    }

    /// Where davit puts files for steps and steps may put their temporary ones.
    #[must_use]
    pub const fn temp(&self) -> &'static str {
        TEMP
    }

    /// `HOME` of steps.
    #[must_use]
    pub const fn home(&self) -> &'static str {
        HOME
    }

    /// What steps start from: the image's `PATH`, and where their home is. Other variables of the image and those of
    /// `container.env` are there without being named.
    #[must_use]
    pub fn base_env(&self) -> Vec<(String, String)> {
        let path = self.environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or(USUAL_PATH, |(_, value)| value.as_str());
        vec![("PATH".to_owned(), path.to_owned()), ("HOME".to_owned(), HOME.to_owned())]
    }

    /// What the context `job` says of containers.
    #[must_use]
    pub fn job_context(&self) -> Value {
        let mut context = self.services.job_context();
        context["container"] = json!({ "id": self.id, "network": self.services.estate().name() });
        context
    }

    /// Runs a program to its end, as [`Place::run`](crate::place::Place::run).
    ///
    /// # Errors
    /// [`RunnerError::Ended`] when the container is gone; [`RunnerError::Unavailable`] when the engine is.
    pub async fn run(
        &self,
        command: &StepCommand,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        step::run(self, command, sink, cancel).await
    }

    /// Removes the containers, their network and volumes and the job's directory, and looks whether all are gone.
    pub async fn close(self) -> Proof {
        let proof = self.services.close().await;
        if !proof.clean {
            // The directory tells the next sweep that there is something left.
            return proof;
        }
        match prepare::remove_tree(&self.job_dir).await {
            Ok(()) => proof,
            Err(error) => proof.and(Proof { clean: false, text: format!("{}: {error}", self.job_dir.display()) }),
        }
    }

    fn engine(&self) -> &Engine {
        self.services.estate().engine()
    }
}

/// Starts the job's own container and makes the directories of the job in it.
async fn start(
    estate: &Estate,
    own: &ContainerSpec,
    spec: &PlaceSpec,
    sink: &LineSink,
) -> Result<(String, Vec<(String, String)>, files::Owner), RunnerError> {
    let image = image::pull(estate.engine(), own, sink).await?;
    let body = create::body(estate, own, spec, &image, Role::Job)?;
    let id = estate.start(estate.name(), &own.image, &body).await?;
    let owner = files::prepare(estate.engine(), &id).await?;
    Ok((id, image.environment, owner))
}
