//! What an earlier process left in the engine, and whether there is an engine at all.

use super::engine::Engine;
use super::estate::{filter_of_root, remove_labelled};
use crate::RunnerError;
use crate::place::Proof;
use std::path::Path;

/// Removes all containers, networks and volumes of jobs below this directory. For the start of a server, before its
/// first job. Nothing to do where no engine answers.
pub async fn sweep(root: &Path) -> Option<Proof> {
    let engine = Engine::find().await.ok()?;
    Some(sweep_on(&engine, root).await)
}

/// [`sweep`] on an engine that is known already.
pub async fn sweep_on(engine: &Engine, root: &Path) -> Proof {
    remove_labelled(engine, &filter_of_root(root)).await
}

/// The engine that jobs with containers would use: `Podman Engine 4.3.1 at /run/podman/podman.sock`.
///
/// # Errors
/// [`RunnerError::Unavailable`] with what to do when there is none.
pub async fn examine() -> Result<String, RunnerError> {
    let engine = Engine::find().await?;
    Ok(format!("{} at {}", engine.version(), engine.socket().display()))
}
