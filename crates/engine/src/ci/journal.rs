//! What a job says on its way into the store: one writer a job, lines in one sequence, stored before anybody is told.
//!
//! Whatever was said since the last write shares the next one, so a talkative job writes in batches and a quiet one at
//! once.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::ci::StepState;
use davit_domain::ids::{JobId, RunId};
use davit_runner::JobEvent;
use davit_store::StoreError;
use davit_store::ci_logs::NewJobLine;
use davit_store::ci_steps::StepChange;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Events that may wait for the writer before the job has to wait too.
pub(super) const BACKLOG: usize = 1024;
const BATCH: usize = 512;
/// For how long the database may be away before a job is let go of.
const PATIENCE: Duration = Duration::from_secs(120);
const RETRY: Duration = Duration::from_millis(500);

/// Whose journal it is.
pub(super) struct Journal<'a> {
    pub(super) engine: &'a Engine,
    pub(super) run: RunId,
    pub(super) job: JobId,
    pub(super) fence: i64,
    /// Ends the wait for a database that is away.
    pub(super) stop: &'a CancellationToken,
}

impl Journal<'_> {
    /// Writes until the job has no more to say. When that is not possible any more, the job is let go of: nothing runs
    /// unseen.
    pub(super) async fn keep(&self, mut events: mpsc::Receiver<JobEvent>) -> Result<(), EngineError> {
        let store = self.engine.store();
        let mut next_seq = self.again(|| async { store.last_job_seq(self.job).await }).await? + 1;
        let mut batch = Vec::with_capacity(BATCH);
        while events.recv_many(&mut batch, BATCH).await > 0 {
            let (mut lines, mut changes) = (Vec::new(), Vec::new());
            for event in batch.drain(..) {
                match event {
                    JobEvent::Line { step, stream, text } => {
                        lines.push(NewJobLine { at: self.engine.now(), step, stream, text });
                    }
                    JobEvent::Steps(_)
                    | JobEvent::StepStarted { .. }
                    | JobEvent::StepEnded { .. }
                    | JobEvent::Annotation(_)
                    | JobEvent::Summary { .. } => changes.push(event),
                }
            }
            if !lines.is_empty() {
                let append = || async { store.append_job_lines(self.job, self.fence, next_seq, &lines).await };
                next_seq = self.again(append).await? + 1;
                self.engine.hub().tell_topic(Topic::JobLog, Some(self.job.0));
            }
            if !changes.is_empty() {
                self.again(|| self.apply(&changes)).await?;
                self.engine.hub().tell_topic(Topic::Job, Some(self.job.0));
            }
        }
        Ok(())
    }

    async fn apply(&self, changes: &[JobEvent]) -> Result<(), StoreError> {
        let (job, fence, now) = (self.job, self.fence, self.engine.now());
        let mut tx = self.engine.store().begin().await?;
        tx.hold_job_fence(job, fence).await?;
        for change in changes {
            match change {
                JobEvent::Steps(names) => tx.put_steps(job, fence, names).await?,
                JobEvent::StepStarted { number, name } => {
                    let state = Some(StepState::Running);
                    let name = Some(name.clone());
                    let change = StepChange { name, state, started_at: Some(now), ..StepChange::default() };
                    tx.set_step(job, fence, *number, &change).await?;
                }
                JobEvent::StepEnded { number, state, exit_code } => {
                    let (state, exit_code) = (Some(*state), *exit_code);
                    let change = StepChange { state, exit_code, ended_at: Some(now), ..StepChange::default() };
                    tx.set_step(job, fence, *number, &change).await?;
                }
                JobEvent::Summary { step, markdown } => {
                    let change = StepChange { summary: Some(markdown.clone()), ..StepChange::default() };
                    tx.set_step(job, fence, *step, &change).await?;
                }
                JobEvent::Annotation(annotation) => {
                    tx.add_annotation(self.run, Some(job), annotation).await?;
                }
                JobEvent::Line { .. } => {}
            }
        }
        tx.commit().await
    }

    /// Tries the same again while the database is away, for a while: a job must not end because of a restart there.
    /// What it does bears being done twice.
    async fn again<T, F>(&self, mut work: impl FnMut() -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let end = Instant::now() + PATIENCE;
        loop {
            match work().await {
                Err(StoreError::Unavailable(error)) if Instant::now() < end && !self.stop.is_cancelled() => {
                    tracing::warn!(job = self.job.0, %error, "waiting for the database");
                    self.stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
                }
                other => return other.map_err(EngineError::from),
            }
        }
    }
}
