//! What one job has in the engine: a network, containers and volumes, made and removed together.

use super::engine::{Engine, failed, is_missing, plain};
use crate::RunnerError;
use crate::place::{PlaceSpec, Proof};
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, KillContainerOptions, ListContainersOptions, ListNetworksOptions, ListVolumesOptions,
    RemoveContainerOptions, RemoveVolumeOptions,
};
use std::collections::HashMap;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// The label that holds the directory of davit's jobs.
const ROOT: &str = "davit.root";
/// The label that holds the job's name.
const JOB: &str = "davit.job";

/// Everything of one job in the engine.
#[derive(Debug)]
pub(super) struct Estate {
    engine: Engine,
    name: String,
    labels: HashMap<String, String>,
}

impl Estate {
    /// Makes the network. What an earlier attempt of the same name left is removed first.
    pub(super) async fn make(engine: Engine, spec: &PlaceSpec) -> Result<Self, RunnerError> {
        let root = root_of(spec.job_dir.parent().unwrap_or(&spec.job_dir));
        let labels = HashMap::from([(ROOT.to_owned(), root), (JOB.to_owned(), spec.name.clone())]);
        let estate = Self { engine, name: spec.name.clone(), labels };
        let left = remove_labelled(&estate.engine, &estate.filter()).await;
        if !left.clean {
            return Err(RunnerError::Unavailable(format!("an earlier attempt can't be removed: {left}")));
        }
        let network = NetworkCreateRequest {
            name: estate.name.clone(),
            driver: Some("bridge".to_owned()),
            internal: Some(!spec.network),
            labels: Some(estate.labels.clone()),
            ..NetworkCreateRequest::default()
        };
        estate.engine.api().create_network(network).await.map_err(failed("the job's network can't be made"))?;
        Ok(estate)
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The network's name.
    pub(super) fn network(&self) -> &str {
        &self.name
    }

    pub(super) const fn labels(&self) -> &HashMap<String, String> {
        &self.labels
    }

    /// What a volume that the workflow calls `name` is called in the engine: it is the job's alone, and goes with it.
    pub(super) fn volume(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// Makes and starts a container; `image` is what messages call it.
    pub(super) async fn start(
        &self,
        name: &str,
        image: &str,
        body: ContainerCreateBody,
    ) -> Result<String, RunnerError> {
        for volume in named_volumes(&body) {
            let request = VolumeCreateRequest {
                name: Some(volume.clone()),
                labels: Some(self.labels.clone()),
                ..VolumeCreateRequest::default()
            };
            let made = self.engine.api().create_volume(request).await;
            made.map_err(failed(format!("the volume {volume} can't be made")))?;
        }
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..CreateContainerOptions::default() };
        let made = self.engine.api().create_container(Some(options), body).await;
        let id = made.map_err(failed(format!("a container of {image} can't be made")))?.id;
        let started = self.engine.api().start_container(&id, None).await;
        started.map_err(|error| {
            // The engine calls it its own error when the image lacks the program or a port is taken.
            RunnerError::Refused(format!("the container of {image} does not start: {}", plain(&error)))
        })?;
        Ok(id)
    }

    /// Removes all of it and looks.
    pub(super) async fn close(self) -> Proof {
        remove_labelled(&self.engine, &self.filter()).await
    }

    fn filter(&self) -> Vec<String> {
        self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// What the label says of a directory: two servers never have the same.
pub(super) fn root_of(jobs: &Path) -> String {
    jobs.canonicalize().unwrap_or_else(|_| jobs.to_owned()).display().to_string()
}

/// The label by which everything of a server is found.
pub(super) fn filter_of_root(jobs: &Path) -> Vec<String> {
    vec![format!("{ROOT}={}", root_of(jobs))]
}

/// Removes what carries all these labels, containers first, and looks whether it is gone.
pub(super) async fn remove_labelled(engine: &Engine, labels: &[String]) -> Proof {
    let mut trouble = Vec::new();
    let removed = match remove_all(engine, labels, &mut trouble).await {
        Ok(removed) => removed,
        Err(error) => return Proof { clean: false, text: format!("the engine says: {}", plain(&error)) },
    };
    match list(engine, labels).await {
        Ok(left) if left.is_empty() && removed.is_empty() => Proof { clean: true, text: "nothing was there".into() },
        Ok(left) if left.is_empty() => Proof { clean: true, text: format!("{} removed", removed.join(", ")) },
        Ok(left) => Proof { clean: false, text: format!("still there: {}{}", left.names().join(", "), said(&trouble)) },
        Err(error) => Proof { clean: false, text: format!("nobody knows what is left: {}", plain(&error)) },
    }
}

fn said(trouble: &[String]) -> String {
    if trouble.is_empty() { String::new() } else { format!(" ({})", trouble.join("; ")) }
}

/// What there is with a set of labels.
#[derive(Default)]
struct Things {
    containers: Vec<(String, String)>,
    networks: Vec<String>,
    volumes: Vec<String>,
}

impl Things {
    fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    fn names(&self) -> Vec<String> {
        let containers = self.containers.iter().map(|(_, name)| format!("container {name}"));
        let networks = self.networks.iter().map(|name| format!("network {name}"));
        let volumes = self.volumes.iter().map(|name| format!("volume {name}"));
        containers.chain(networks).chain(volumes).collect()
    }
}

async fn list(engine: &Engine, labels: &[String]) -> Result<Things, Error> {
    let filters = Some(HashMap::from([("label".to_owned(), labels.to_vec())]));
    let options = ListContainersOptions { all: true, filters: filters.clone(), ..ListContainersOptions::default() };
    let containers = engine.api().list_containers(Some(options)).await?;
    let networks = engine.api().list_networks(Some(ListNetworksOptions { filters: filters.clone() })).await?;
    let volumes = engine.api().list_volumes(Some(ListVolumesOptions { filters })).await?;
    Ok(Things {
        containers: containers
            .into_iter()
            .filter_map(|container| {
                let name = container.names.unwrap_or_default().into_iter().next().unwrap_or_default();
                Some((container.id?, name.trim_start_matches('/').to_owned()))
            })
            .collect(),
        networks: networks.into_iter().filter_map(|network| network.name).collect(),
        volumes: volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect(),
    })
}

/// Ends and removes; returns the names of what was there. What can't be removed goes to `trouble`.
async fn remove_all(engine: &Engine, labels: &[String], trouble: &mut Vec<String>) -> Result<Vec<String>, Error> {
    let there = list(engine, labels).await?;
    let api = engine.api();
    let mut note = |result: Result<(), Error>| {
        if let Err(error) = result
            && !is_missing(&error)
        {
            trouble.push(plain(&error));
        }
    };
    for (id, _) in &there.containers {
        // Removing by force asks first and waits; nothing is left to be said. One that stands still can't be killed.
        let _ = api.kill_container(id, Some(KillContainerOptions { signal: "SIGKILL".to_owned() })).await;
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        note(api.remove_container(id, Some(options)).await);
    }
    for name in &there.networks {
        note(api.remove_network(name).await);
    }
    for name in &there.volumes {
        note(api.remove_volume(name, Some(RemoveVolumeOptions { force: true })).await);
    }
    Ok(there.names())
}

/// The work, unless somebody cancels it.
pub(super) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, RunnerError>>,
) -> Result<T, RunnerError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(RunnerError::Ended("cancelled while the job's containers were made".to_owned())),
        done = work => done,
    }
}

/// An error, and what it left behind when that could not be removed.
pub(crate) fn after_closing(error: RunnerError, proof: Proof) -> RunnerError {
    if proof.clean {
        return error;
    }
    let with = |text: String| format!("{text}. What was made for the job could not be removed: {proof}");
    match error {
        RunnerError::Refused(text) => RunnerError::Refused(with(text)),
        RunnerError::Ended(text) => RunnerError::Ended(with(text)),
        RunnerError::Unavailable(text) => RunnerError::Unavailable(with(text)),
        RunnerError::Io { what, source } => RunnerError::Io { what: with(what), source },
    }
}

fn named_volumes(body: &ContainerCreateBody) -> Vec<String> {
    let mounts = body.host_config.as_ref().and_then(|host| host.mounts.as_deref()).unwrap_or_default();
    let volumes = mounts.iter().filter(|mount| mount.typ == Some(bollard::models::MountType::VOLUME));
    volumes.filter_map(|mount| mount.source.clone()).collect()
}
