//! The job that carries a deployment out, or goes on with one.
//!
//! Lives here: taking a deployment over (fence), loading what it needs, and deciding from the tables what is to be done.
//! The way forward is in [`batches`], its parts in [`server`], [`stage`] and [`hosts`]; going back in [`revert`];
//! deployments that can't be carried out at all end in [`ends`].
//!
//! Whatever the tables say is the starting point: after a crash, a drain, a lost lease or a person's "continue" the same
//! code runs again and goes forward. Nobody is taken back because a server died.

mod batches;
mod custom;
mod ends;
mod environment;
mod health;
mod hooks;
mod hosts;
mod journal;
mod place;
mod revert;
mod run;
mod server;
mod stage;
mod stop;

pub(crate) use custom::planned_steps;
pub(crate) use ends::{bury, close_unstarted};

use crate::hub::Topic;
use crate::queue::{Attempt, JobKind, Outcome};
use crate::{Engine, EngineError};
use davit_domain::deployment::{DeploymentState, Pause};
use davit_domain::ids::DeploymentId;
use davit_domain::log::Step;
use journal::Journal;
use run::{Run, Stop, all};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(crate) const KIND: JobKind = JobKind::new("deploy");
/// How often a deployment is taken up again after its server died or a host could not be asked.
pub(crate) const MAX_ATTEMPTS: u32 = 10;

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
        Ok(()) | Err(Stop::Superseded) => Outcome::Done,
        // To be stopped is no failure, so it must not be the last try that is used up by it.
        Err(Stop::Interrupted) if last && hand_on(engine, id, attempt).await => Outcome::Done,
        Err(Stop::Interrupted) => Outcome::Retry { after: Duration::ZERO, reason: "the server was stopped".into() },
        Err(Stop::Later { reason } | Stop::Away { reason }) if last => match ends::give_up(engine, id, &reason).await {
            Ok(()) => Outcome::Dead { reason },
            Err(error) => Outcome::Dead { reason: format!("{reason}; {error}") },
        },
        Err(Stop::Later { reason } | Stop::Away { reason }) => Outcome::Retry { after: pause(attempt.number), reason },
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

/// Gives the deployment a new job in the place of this one. Whether that worked.
async fn hand_on(engine: &Engine, id: DeploymentId, attempt: &Attempt) -> bool {
    let handed = async {
        let mut tx = engine.store().begin().await?;
        let holds = engine.queue().holds(&mut tx, attempt).await?;
        let deployment = tx.deployment_in_queue(id).await?;
        if !holds || deployment.state.is_final() {
            return Ok(false);
        }
        engine.next_job(&mut tx, &deployment, None).await?;
        tx.commit().await?;
        Ok::<bool, EngineError>(true)
    };
    handed.await.unwrap_or_else(|error| {
        tracing::warn!(deployment = id.0, %error, "the deployment can't be given another job now");
        false
    })
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
    let (run, lines) = match Run::load(engine, deployment, fence, stop.clone()).await {
        Ok(loaded) => loaded,
        Err(error @ (EngineError::NotFound(_) | EngineError::Invalid(_))) => {
            return ends::end_without_run(engine, id, fence, &error.to_string(), &stop).await;
        }
        Err(error) => return Err(error.into()),
    };
    let deployment = run.deployment.clone();
    let journal = Journal { engine, deployment: &deployment, fence, stop: &stop };
    // Moved in, so that the last sender of lines goes with it: that ends the journal.
    let body = async move {
        tokio::select! {
            outcome = go(&run, attempt.number) => outcome,
            () = run.watch_for_cancel() => Err(Stop::Interrupted),
        }
    };
    let (outcome, written) = tokio::join!(body, journal.keep(lines));
    engine.hub().tell_topic(Topic::Deployment, Some(id.0));
    // A journal that could not be kept is the reason for whatever came of it.
    match written.and(outcome) {
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
    let again = attempt > 1;
    match &run.deployment.state {
        DeploymentState::Reverting { reason } if run.is_custom() => return run.give_up_custom(reason.clone()).await,
        DeploymentState::Reverting { reason } => {
            if again {
                let text = "Going on with the way back: asking the hosts again that have not answered.";
                run.say(None, Step::AfterRelease, text).await?;
            }
            let mut places = run.places().await?;
            let result = run.go_back(&mut places, reason.clone()).await;
            all(places.iter_mut().map(|place| run.disconnect(place)).collect(), run.limit()).await;
            return result;
        }
        // A job that came late: people or the clock have to let it go on.
        DeploymentState::Paused { pause: Pause::Confirm { .. } | Pause::Held { .. } } => return Ok(()),
        DeploymentState::Paused { pause: Pause::Until { at, .. } } if *at > run.engine.now() => {
            return run.wait_until(*at).await;
        }
        DeploymentState::Queued if !again => run.headline().await?,
        DeploymentState::Queued | DeploymentState::Building => {
            let text = "Starting again: the last try was interrupted before anything was switched.";
            run.say(None, Step::BeforeCheckout, text).await?;
        }
        DeploymentState::Staging
        | DeploymentState::Switching
        | DeploymentState::Verifying
        | DeploymentState::Paused { .. } => {
            let text = if again { "Going on where the server was interrupted." } else { "Going on." };
            run.say(None, Step::Release, text).await?;
        }
        DeploymentState::Succeeded
        | DeploymentState::Failed { .. }
        | DeploymentState::Reverted { .. }
        | DeploymentState::Cancelled { .. }
        | DeploymentState::Superseded { .. } => return Ok(()),
    }
    if run.is_custom() { run.carry_out_custom().await } else { run.forward().await }
}
