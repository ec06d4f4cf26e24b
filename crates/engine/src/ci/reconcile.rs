//! Runs that nobody goes on with: found in the tables, and put right.

use super::job;
use crate::{Engine, EngineError};
use davit_domain::ci::JobState;
use davit_domain::ids::RunId;

/// Every open run goes on; a job that has begun or is due and that no queue knows of is run again.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn runs(engine: &Engine) -> Result<(), EngineError> {
    let open = engine.store().open_runs().await?;
    for run in &open {
        if let Err(error) = one(engine, run.id).await {
            // The others must not wait for this one.
            tracing::error!(run = run.id.0, %error, "a run can't go on now");
        }
    }
    if !open.is_empty() {
        engine.queue().wake();
    }
    Ok(())
}

async fn one(engine: &Engine, id: RunId) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let run = tx.lock_run(id).await?;
    for row in tx.jobs_of_run(id).await? {
        let is_on = row.state == JobState::Running || (row.state == JobState::Queued && row.queued_at.is_some());
        if is_on && !engine.queue().is_open(&mut tx, job::KIND, &job::key(row.id)).await? {
            job::replace(engine, &mut tx, &run, &row, job::INTERRUPTED).await?;
        }
    }
    engine.advance_run(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}
