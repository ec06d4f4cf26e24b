//! Reconcilers: take no input, ask the tables what is not as it should be, and put it right.

use crate::{Engine, EngineError, builds, ci, deploy};
use davit_domain::ids::{AppKey, EnvironmentKey};
use std::collections::BTreeSet;
use std::time::Duration;

/// Rows of jobs that are done tell nothing after this.
const FORGET_DONE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Looks every now and then until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            () = tokio::time::sleep(engine.settings().reconcile_every) => {}
        }
        if let Err(error) = once(&engine).await {
            tracing::error!(%error, "what is unfinished can't be looked at now");
        }
    }
}

async fn once(engine: &Engine) -> Result<(), EngineError> {
    deploy::bury(engine).await?;
    deployments(engine).await?;
    ci::reconcile_runs(engine).await?;
    builds::sweep(engine).await?;
    engine.queue().forget_done(FORGET_DONE).await?;
    Ok(())
}

/// Every (app, environment) with unfinished deployments has exactly one job for the one whose turn it is.
///
/// # Errors
/// When the store does not answer.
pub async fn deployments(engine: &Engine) -> Result<(), EngineError> {
    let unfinished = engine.store().all_unfinished().await?;
    let queues: BTreeSet<(AppKey, EnvironmentKey)> =
        unfinished.into_iter().map(|deployment| (deployment.app, deployment.environment)).collect();
    for (app, environment) in queues {
        let mut tx = engine.store().begin().await?;
        engine.start_next(&mut tx, &app, &environment).await?;
        tx.commit().await?;
    }
    engine.queue().wake();
    Ok(())
}
