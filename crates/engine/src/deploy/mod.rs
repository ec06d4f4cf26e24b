//! The job that carries a deployment out.
//!
//! Lives here: taking a deployment over (fence), loading what it needs, and deciding whether to go forward, to start
//! again, or to go back. The steps themselves are in [`server`] and [`hosts`], going back in [`revert`].
//!
//! Before the first switch everything may be done again from the start. From the first switch on, a server that died
//! asks every host what it serves and goes back: half-finished step 6 hooks are not repeated behind people's backs.

mod environment;
mod hosts;
mod journal;
mod revert;
mod run;
mod server;

use crate::hub::Topic;
use crate::queue::{Attempt, JobKind, Outcome};
use crate::{Engine, EngineError};
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::DeploymentId;
use davit_domain::log::Step;
use run::{Run, Stop};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(crate) const KIND: JobKind = JobKind::new("deploy");
/// How often a deployment is taken up again after its server died or a host could not be asked.
pub(crate) const MAX_ATTEMPTS: u32 = 10;

/// The newest dead letters are enough: older ones were looked at before.
const MOST_BURIED: u32 = 50;

/// Runs deployment jobs until the process drains.
pub(crate) async fn run(engine: Engine) {
    let lifecycle = engine.lifecycle();
    let (drain, abort) = (lifecycle.drain_token(), lifecycle.abort_token());
    let concurrency = engine.settings().parallel_deployments;
    let handler = {
        let engine = engine.clone();
        move |attempt: Attempt, stop: CancellationToken| {
            let engine = engine.clone();
            async move { handle(&engine, &attempt, stop).await }
        }
    };
    if let Err(error) = engine.queue().run(KIND, concurrency, handler, drain, abort).await {
        tracing::error!(%error, "deployment jobs stopped");
    }
}

async fn handle(engine: &Engine, attempt: &Attempt, stop: CancellationToken) -> Outcome {
    let Some(id) = attempt.payload.get("deployment").and_then(serde_json::Value::as_i64).map(DeploymentId) else {
        return Outcome::Dead { reason: "the job does not say which deployment it is for".into() };
    };
    let last = attempt.number >= attempt.max;
    match carry_out(engine, id, attempt, stop).await {
        Ok(()) => Outcome::Done,
        Err(Stop::Interrupted) => Outcome::Retry { after: Duration::ZERO, reason: "the server was stopped".into() },
        Err(Stop::Superseded) => Outcome::Done,
        Err(Stop::Later { reason }) if last => match give_up(engine, id, &reason).await {
            Ok(()) => Outcome::Dead { reason },
            Err(error) => Outcome::Dead { reason: format!("{reason}; {error}") },
        },
        Err(Stop::Later { reason }) => Outcome::Retry { after: pause(attempt.number), reason },
        Err(Stop::Failed { reason, .. } | Stop::Cancelled { reason }) => {
            // Both are handled by the run itself; reaching this is a bug that must not stay silent.
            tracing::error!(deployment = id.0, reason, "a deployment stopped without an end");
            Outcome::Retry { after: pause(attempt.number), reason }
        }
    }
}

fn pause(attempt: u32) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(attempt.min(6)))
}

async fn carry_out(engine: &Engine, id: DeploymentId, attempt: &Attempt, stop: CancellationToken) -> Result<(), Stop> {
    let mut tx = engine.store().begin().await?;
    // An attempt that has lost its job must not take the deployment from the one that has it.
    if !engine.queue().holds(&mut tx, attempt).await.map_err(EngineError::from)? {
        return Err(Stop::Superseded);
    }
    let deployment = tx.deployment(id).await?;
    if deployment.state.is_final() {
        return Ok(());
    }
    let fence = tx.take_fence(id, engine.now()).await?;
    tx.commit().await?;
    let (run, lines) = match Run::load(engine, deployment, fence, stop).await {
        Ok(loaded) => loaded,
        Err(error @ (EngineError::NotFound(_) | EngineError::Invalid(_))) => {
            return end_unloaded(engine, id, fence, error.to_string()).await;
        }
        Err(error) => return Err(error.into()),
    };
    let first_seq = engine.store().last_seq(id).await? + 1;
    let deployment = run.deployment.clone();
    let writer = journal::write(engine, &deployment, fence, first_seq, lines);
    // Moved in, so that the last sender of lines goes with it: that ends the writer.
    let body = async move {
        tokio::select! {
            outcome = go(&run, attempt.number) => outcome,
            () = run.watch_for_cancel() => Err(Stop::Interrupted),
        }
    };
    let (outcome, written) = tokio::join!(body, writer);
    engine.hub().tell_topic(Topic::Deployment, Some(id.0));
    match outcome.and(written) {
        Err(Stop::Superseded) => still_ours(engine, id, fence).await,
        other => other,
    }
}

/// A conflict usually means that another worker has taken over. When nobody has, something did not fit together, and
/// the deployment must not be left lying as if it were in good hands.
async fn still_ours(engine: &Engine, id: DeploymentId, fence: i64) -> Result<(), Stop> {
    match engine.store().deployment(id).await? {
        Some(deployment) if deployment.fence == fence && !deployment.state.is_final() => {
            Err(Stop::Later { reason: "a write was refused although nobody else has taken over".into() })
        }
        Some(_) | None => Err(Stop::Superseded),
    }
}

async fn go(run: &Run, attempt: u32) -> Result<(), Stop> {
    if let DeploymentState::Reverting { reason } = &run.deployment.state {
        let text = "Going on with the way back: asking the hosts again that have not answered.";
        run.say(None, Step::AfterRelease, text).await?;
        return run.go_back(reason.clone()).await;
    }
    if run.deployment.state.may_have_switched() {
        run.say(
            None,
            Step::AfterRelease,
            "The server stopped while hosts were being switched. Asking each host what it serves.",
        )
        .await?;
        return run.go_back("the server stopped while hosts were being switched".into()).await;
    }
    if attempt > 1 || run.deployment.state != DeploymentState::Queued {
        run.say(
            None,
            Step::BeforeCheckout,
            "Starting again: the last try was interrupted before anything was switched.",
        )
        .await?;
        run.reset().await?;
    }
    match run.forward().await {
        Ok(()) => Ok(()),
        Err(Stop::Failed { host, step, reason }) => run.fail(host.as_ref(), step, reason).await,
        Err(Stop::Cancelled { reason }) => run.cancelled(reason).await,
        Err(other) => Err(other),
    }
}

/// A deployment whose app, config or hosts are gone ends without a run.
async fn end_unloaded(engine: &Engine, id: DeploymentId, fence: i64, reason: String) -> Result<(), Stop> {
    let mut tx = engine.store().begin().await?;
    let deployment = tx.deployment_in_queue(id).await?;
    let end = if deployment.state.may_have_switched() {
        tx.advance_deployment(id, Some(fence), &DeploymentState::Reverting { reason: reason.clone() }, engine.now())
            .await?;
        DeploymentState::Reverted { reason }
    } else {
        DeploymentState::Failed { reason }
    };
    let deployment = tx.deployment(id).await?;
    engine.finish(&mut tx, &deployment, Some(fence), end).await?;
    tx.commit().await?;
    engine.queue().wake();
    engine.hub().tell_topic(Topic::Deployment, Some(id.0));
    Ok(())
}

/// Ends deployments whose jobs are dead: the worker died with them as often as a job may be started.
pub(crate) async fn bury(engine: &Engine) -> Result<(), EngineError> {
    for job in engine.queue().dead(MOST_BURIED).await? {
        let id = job.payload.get("deployment").and_then(serde_json::Value::as_i64).map(DeploymentId);
        if let Some(id) = id
            && let Some(deployment) = engine.store().deployment(id).await?
            && !deployment.state.is_final()
        {
            give_up(engine, id, &job.reason).await?;
        }
    }
    Ok(())
}

/// The last attempt is used up: the deployment ends, and says what is not known.
async fn give_up(engine: &Engine, id: DeploymentId, reason: &str) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let fence = tx.take_fence(id, engine.now()).await?;
    tx.commit().await?;
    let reason = format!("given up after {MAX_ATTEMPTS} tries: {reason}");
    end_unloaded(engine, id, fence, reason).await.map_err(|stop| EngineError::Unavailable(stop.to_string()))
}
