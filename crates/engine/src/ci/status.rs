//! What forges and feeds hear of runs and jobs: one commit status a job and one for the workflow, always with an end.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::ci::{JobState, RunState, Trigger, job_context, run_context};
use davit_domain::ids::{JobId, RunId};
use davit_domain::status::{CommitState, CommitStatus};
use davit_store::Tx;
use davit_store::ci_jobs::CiJob;
use davit_store::ci_runs::Run;
use davit_store::feed::FeedEntry;
use serde_json::json;

impl Engine {
    /// Where people read about a run.
    #[must_use]
    pub fn run_url(&self, id: RunId) -> String {
        format!("{}/runs/{id}", self.settings().public_url)
    }

    /// Where people read about a job of a run.
    #[must_use]
    pub fn job_url(&self, run: RunId, job: JobId) -> String {
        format!("{}?job={job}", self.run_url(run))
    }

    /// Writes the status of a run to be set, in the transaction of what it tells about.
    pub(super) async fn tell_run(
        &self,
        tx: &mut Tx,
        run: &Run,
        state: RunState,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let context = run_context(&run.workflow, run.trigger);
        let said = sentence(run_words(state), reason);
        self.tell_commit(tx, run, context, state.commit_state(), said, self.run_url(run.id)).await
    }

    /// Writes the status of a job to be set, in the transaction of what it tells about.
    pub(super) async fn tell_job(
        &self,
        tx: &mut Tx,
        run: &Run,
        job: &CiJob,
        state: JobState,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let context = job_context(&run.workflow, &job.name, run.trigger);
        let said = sentence(job_words(state), reason);
        // A job that may fail leaves the commit green; its own page says how it went.
        let may_fail = job.instance.get("continue_on_error").and_then(serde_json::Value::as_bool) == Some(true);
        let state = state.commit_state();
        let is_bad = matches!(state, CommitState::Failure | CommitState::Error);
        let state = if is_bad && may_fail { CommitState::Success } else { state };
        self.tell_commit(tx, run, context, state, said, self.job_url(run.id, job.id)).await
    }

    async fn tell_commit(
        &self,
        tx: &mut Tx,
        run: &Run,
        context: String,
        state: CommitState,
        description: String,
        target_url: String,
    ) -> Result<(), EngineError> {
        // What the merge queue tests, the forge has never seen.
        if run.trigger == Trigger::Queue || self.has_successor(tx, run).await? {
            return Ok(());
        }
        let status = CommitStatus {
            repository: run.repository.clone(),
            commit: run.head.clone(),
            context,
            state,
            description,
            target_url,
        };
        self.enqueue_status(tx, &run.forge, &status).await
    }

    /// Whether a newer run speaks for the same commit: what this one still has to say must not go over it.
    async fn has_successor(&self, tx: &mut Tx, run: &Run) -> Result<bool, EngineError> {
        let Some(by) = run.superseded_by else { return Ok(false) };
        let by = tx.run(by).await?;
        Ok(by.is_some_and(|by| {
            by.head == run.head && by.workflow_file == run.workflow_file && by.trigger == run.trigger
        }))
    }

    /// Adds what became of a run to the feed.
    pub(super) async fn feed_run(
        &self,
        tx: &mut Tx,
        run: &Run,
        actor: &str,
        action: &str,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        tx.feed(FeedEntry {
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: format!("run {}", run.id),
            app: None,
            environment: None,
            detail: json!({
                "run": run.id.0,
                "forge": run.forge.as_str(),
                "repository": run.repository,
                "workflow": run.workflow,
                "title": run.title,
                "trigger": run.trigger.as_str(),
                "change": run.change,
                "commit": run.head.as_str(),
                "attempt": run.attempt,
                "reason": reason,
            }),
        })
        .await?;
        Ok(())
    }

    /// Wakes whoever looks at a run.
    pub(crate) fn tell_of_run(&self, run: RunId) {
        self.hub().tell_topic(Topic::Run, Some(run.0));
    }
}

const fn run_words(state: RunState) -> &'static str {
    match state {
        RunState::AwaitingApproval => "Waits for approval",
        RunState::Queued => "Queued",
        RunState::Running => "In progress",
        RunState::Success => "Successful",
        RunState::Failure => "Failed",
        RunState::Cancelled => "Cancelled",
        RunState::TimedOut => "Timed out",
        RunState::Skipped => "Skipped",
        RunState::Error => "davit could not run this",
    }
}

const fn job_words(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "Queued",
        JobState::Running => "In progress",
        JobState::Success => "Successful",
        JobState::Failure => "Failed",
        JobState::Cancelled => "Cancelled",
        JobState::TimedOut => "Timed out",
        JobState::Skipped => "Skipped",
        JobState::Error => "davit could not run this",
    }
}

fn sentence(words: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{words}: {reason}"),
        None => words.to_owned(),
    }
}
