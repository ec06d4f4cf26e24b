//! Ends without a run: what a deployment needs is gone, its jobs are used up, or it never began. Nothing is claimed of
//! hosts that nobody asked.

use super::stop::{Stop, patiently};
use super::{KIND, MAX_ATTEMPTS};
use crate::forge_deployments::Fault;
use crate::hub::Topic;
use crate::intents::job_key;
use crate::{Engine, EngineError};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::DeploymentId;
use davit_domain::log::Step;
use davit_store::Tx;
use davit_store::deployments::{Cell, Deployment, HostRun};
use tokio_util::sync::CancellationToken;

/// The newest dead letters are enough: older ones were looked at before.
const MOST_BURIED: u32 = 50;

/// Ends deployments whose jobs are dead: the worker died with them as often as a job may be started.
pub(crate) async fn bury(engine: &Engine) -> Result<(), EngineError> {
    for job in engine.queue().dead(MOST_BURIED).await? {
        let id = job.payload.get("deployment").and_then(serde_json::Value::as_i64).map(DeploymentId);
        if job.kind == KIND.name()
            && let Some(id) = id
            && let Some(deployment) = engine.store().deployment(id).await?
            && !deployment.state.is_final()
            // A later job may have taken it up since.
            && job.key == job_key(&deployment)
        {
            give_up(engine, id, &job.reason).await?;
        }
    }
    Ok(())
}

/// The last attempt is used up: the deployment ends, and says what is not known.
pub(super) async fn give_up(engine: &Engine, id: DeploymentId, reason: &str) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let fence = tx.take_fence(id, engine.now()).await?;
    tx.commit().await?;
    let reason = format!("given up after {MAX_ATTEMPTS} tries: {reason}");
    let nobody = CancellationToken::new();
    end_without_run(engine, id, fence, &reason, &nobody)
        .await
        .map_err(|stop| EngineError::Unavailable(stop.to_string()))
}

/// Ends a deployment that can't be carried out any more. Its hosts that may have switched are unknown: nobody has asked
/// them, and the reason names them.
pub(super) async fn end_without_run(
    engine: &Engine,
    id: DeploymentId,
    fence: i64,
    reason: &str,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    patiently(stop, || async {
        let (store, now) = (engine.store(), engine.now());
        let (runs, cells) = (store.host_runs(id).await?, store.cells(id).await?);
        let mut tx = store.begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        let mut unknown = Vec::new();
        for run in &runs {
            let Some(state) = left_as(run, &deployment.state, reason) else { continue };
            if matches!(state, HostRunState::Unknown { .. }) {
                unknown.push(run.host.as_str());
            }
            tx.set_host_run(id, fence, &run.host, &state, now).await?;
        }
        close(engine, &mut tx, &deployment, fence, &cells).await?;
        let open = match unknown.is_empty() {
            true => String::new(),
            false => format!("; it is not known what these hosts serve: {}", unknown.join(", ")),
        };
        let end = DeploymentState::Failed { reason: format!("{reason}{open}") };
        engine.finish_because(&mut tx, &deployment, Some(fence), end, Fault::Davit).await?;
        Ok(tx.commit().await?)
    })
    .await?;
    engine.queue().wake();
    engine.hub().tell_topic(Topic::Deployment, Some(id.0));
    Ok(())
}

/// Closes what is shown of a deployment that ends before anybody took it up.
pub(crate) async fn close_unstarted(engine: &Engine, tx: &mut Tx, deployment: &Deployment) -> Result<(), EngineError> {
    let (store, id, fence) = (engine.store(), deployment.id, deployment.fence);
    for run in store.host_runs(id).await? {
        tx.set_host_run(id, fence, &run.host, &HostRunState::Skipped, engine.now()).await?;
    }
    close(engine, tx, deployment, fence, &store.cells(id).await?).await
}

async fn close(
    engine: &Engine,
    tx: &mut Tx,
    deployment: &Deployment,
    fence: i64,
    cells: &[Cell],
) -> Result<(), EngineError> {
    for cell in cells {
        let is_open = matches!(cell.state, CellState::Waiting | CellState::Running);
        if let (true, Some(step)) = (is_open, Step::from_number(cell.step)) {
            let (host, state) = (cell.host.as_ref(), CellState::Skipped);
            tx.set_cell(deployment.id, fence, host, step.number(), state, engine.now()).await?;
        }
    }
    Ok(())
}

/// How a host is left when nobody goes on with it; `None`: as it is.
fn left_as(run: &HostRun, deployment: &DeploymentState, why: &str) -> Option<HostRunState> {
    let unknown = |previous: &Option<_>| HostRunState::Unknown { reason: why.to_owned(), previous: previous.clone() };
    match &run.state {
        HostRunState::Waiting | HostRunState::Staging | HostRunState::Staged => Some(HostRunState::Skipped),
        HostRunState::Switching { previous }
        | HostRunState::Live { previous }
        | HostRunState::Verifying { previous }
        | HostRunState::Held { previous, .. } => Some(unknown(previous)),
        // On the way back it may have been switched just before.
        HostRunState::Done { previous } if matches!(deployment, DeploymentState::Reverting { .. }) => {
            Some(unknown(previous))
        }
        // Written again, so that the reason names it too.
        HostRunState::Unknown { .. } => Some(run.state.clone()),
        HostRunState::Done { .. }
        | HostRunState::Failed { .. }
        | HostRunState::Reverted { .. }
        | HostRunState::Skipped
        | HostRunState::Cancelled => None,
    }
}
