//! What one job has in the engine: a network, containers and volumes, made and removed together.

use super::api::ApiError;
use super::engine::{Engine, failed};
use crate::RunnerError;
use crate::place::{PlaceSpec, Proof};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// The label that holds the job's directory: no two servers on one engine have the same.
const DIRECTORY: &str = "davit.directory";
/// The label that holds the job's name, for people.
const JOB: &str = "davit.job";

/// In the job's directory; holds the engine's socket while there may be something of the job in the engine.
const MARK: &str = "control/containers";

/// Everything of one job in the engine.
#[derive(Debug)]
pub(super) struct Estate {
    engine: Engine,
    name: String,
    directory: PathBuf,
    labels: HashMap<String, String>,
}

impl Estate {
    /// Makes the network. What an earlier attempt of the same name left is removed first.
    pub(super) async fn make(engine: Engine, spec: &PlaceSpec) -> Result<Self, RunnerError> {
        mark(&spec.job_dir, engine.socket())?;
        let labels =
            HashMap::from([(DIRECTORY.to_owned(), known_as(&spec.job_dir)), (JOB.to_owned(), spec.name.clone())]);
        let estate = Self { engine, name: unique(&spec.name, &spec.job_dir), directory: spec.job_dir.clone(), labels };
        let left = remove_labelled(&estate.engine, &filter(&spec.job_dir)).await;
        if !left.clean {
            return Err(RunnerError::Unavailable(format!("an earlier attempt can't be removed: {left}")));
        }
        let network = json!({
            "Name": estate.name,
            "Driver": "bridge",
            "Internal": !spec.network,
            "Labels": estate.labels,
        });
        let made = estate.engine.api().post("/networks/create", &[], &network).await;
        made.map_err(failed("the job's network can't be made"))?;
        Ok(estate)
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The network's name, and that of the job's own container.
    pub(super) fn name(&self) -> &str {
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
    pub(super) async fn start(&self, name: &str, image: &str, body: &Value) -> Result<String, RunnerError> {
        let api = self.engine.api();
        for volume in named_volumes(body) {
            let made = api.post("/volumes/create", &[], &json!({ "Name": volume, "Labels": self.labels })).await;
            made.map_err(failed(format!("the volume {volume} can't be made")))?;
        }
        let made = api.post("/containers/create", &[("name", name)], body).await;
        let made = made.map_err(failed(format!("a container of {image} can't be made")))?;
        let Some(id) = made["Id"].as_str() else {
            return Err(RunnerError::Unavailable(format!(
                "the engine made a container of {image} without an identity"
            )));
        };
        let started = api.post(&format!("/containers/{id}/start"), &[], &Value::Null).await;
        // The engine calls it its own error when the image lacks the program or a port is taken.
        started.map_err(|error| RunnerError::Refused(format!("the container of {image} does not start: {error}")))?;
        Ok(id.to_owned())
    }

    /// Notes that there may be something to clear away.
    pub(super) fn remember(&self) -> Result<(), RunnerError> {
        mark(&self.directory, self.engine.socket())
    }

    /// Removes all of it and looks.
    pub(super) async fn close(&self) -> Proof {
        remove_labelled(&self.engine, &filter(&self.directory)).await
    }
}

/// Removes what a server that died left of a job in an engine. `None` when it had nothing in any.
pub(crate) async fn clear(job_dir: &Path) -> Option<Proof> {
    let socket = std::fs::read_to_string(job_dir.join(MARK)).ok()?;
    Some(match Engine::at(Path::new(&socket)).await {
        Ok(engine) => remove_labelled(&engine, &filter(job_dir)).await,
        Err(error) => Proof { clean: false, text: format!("its containers can't be removed: {error}") },
    })
}

/// Writes where there may be something to clear away.
fn mark(job_dir: &Path, socket: &Path) -> Result<(), RunnerError> {
    let file = job_dir.join(MARK);
    let control = file.parent().unwrap_or(job_dir);
    std::fs::create_dir_all(control)
        .and_then(|()| std::fs::write(&file, socket.as_os_str().as_bytes()))
        .map_err(RunnerError::io(format!("writing {}", file.display())))
}

/// Another davit on this engine may have a job of the same name: what things of this one are called.
fn unique(name: &str, job_dir: &Path) -> String {
    let digest = Sha256::digest(known_as(job_dir).as_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{short}")
}

/// What the label says of a directory.
fn known_as(job_dir: &Path) -> String {
    job_dir.canonicalize().unwrap_or_else(|_| job_dir.to_owned()).display().to_string()
}

/// The label by which everything of a job is found.
fn filter(job_dir: &Path) -> Vec<String> {
    vec![format!("{DIRECTORY}={}", known_as(job_dir))]
}

/// Removes what carries all these labels, containers first, and looks whether it is gone.
async fn remove_labelled(engine: &Engine, labels: &[String]) -> Proof {
    let mut trouble = Vec::new();
    let removed = match remove_all(engine, labels, &mut trouble).await {
        Ok(removed) => removed,
        Err(error) => return Proof { clean: false, text: format!("the engine says: {error}") },
    };
    match list(engine, labels).await {
        Ok(left) if left.is_empty() && removed.is_empty() => Proof { clean: true, text: "nothing was there".into() },
        Ok(left) if left.is_empty() => Proof { clean: true, text: format!("{} removed", removed.join(", ")) },
        Ok(left) => Proof { clean: false, text: format!("still there: {}{}", left.names().join(", "), said(&trouble)) },
        Err(error) => Proof { clean: false, text: format!("nobody knows what is left: {error}") },
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

async fn list(engine: &Engine, labels: &[String]) -> Result<Things, ApiError> {
    let filters = json!({ "label": labels }).to_string();
    let filters = ("filters", filters.as_str());
    let api = engine.api();
    let containers = api.get("/containers/json", &[("all", "true"), filters]).await?;
    let networks = api.get("/networks", &[filters]).await?;
    let volumes = api.get("/volumes", &[filters]).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    Ok(Things {
        containers: list(&containers)
            .iter()
            .filter_map(|container| {
                let name = container["Names"][0].as_str().unwrap_or_default();
                Some((text(&container["Id"])?, name.trim_start_matches('/').to_owned()))
            })
            .collect(),
        networks: list(&networks).iter().filter_map(|network| text(&network["Name"])).collect(),
        volumes: list(&volumes["Volumes"]).iter().filter_map(|volume| text(&volume["Name"])).collect(),
    })
}

/// Ends and removes; returns the names of what was there. What can't be removed goes to `trouble`.
async fn remove_all(engine: &Engine, labels: &[String], trouble: &mut Vec<String>) -> Result<Vec<String>, ApiError> {
    let there = list(engine, labels).await?;
    let api = engine.api();
    let mut note = |result: Result<(), ApiError>| {
        if let Err(error) = result
            && !error.is_missing()
        {
            trouble.push(error.to_string());
        }
    };
    for (id, _) in &there.containers {
        // Removing by force alone would ask first, and wait. One that has ended can't be killed.
        let _ = api.post(&format!("/containers/{id}/kill"), &[("signal", "KILL")], &Value::Null).await;
        note(api.delete(&format!("/containers/{id}"), &[("force", "true"), ("v", "true")]).await);
    }
    for name in &there.networks {
        note(api.delete(&format!("/networks/{name}"), &[]).await);
    }
    for name in &there.volumes {
        note(api.delete(&format!("/volumes/{name}"), &[("force", "true")]).await);
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

fn named_volumes(body: &Value) -> Vec<&str> {
    let mounts = body["HostConfig"]["Mounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    mounts.iter().filter(|mount| mount["Type"] == "volume").filter_map(|mount| mount["Source"].as_str()).collect()
}
