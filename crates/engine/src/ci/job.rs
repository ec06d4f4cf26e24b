//! The job of the queue that carries one job of a run out.
//!
//! The row is taken with a fence, so that of two workers only one writes. What a crash or a stop left running is not
//! gone on with: it ends with its reason, and a new attempt takes its place, a few times.

use super::advance::{Loaded, instance, progress};
use super::journal::{self, Journal};
use super::secrets::JobSecrets;
use super::services::JobServices;
use crate::queue::{Attempt, JobKind, NewJob, Outcome, backoff};
use crate::{Engine, EngineError};
use davit_ci::{Instance, Job, Plan, needs_value};
use davit_domain::ci::{JobState, RunState};
use davit_domain::config::{ExecutorKind, RepositorySettings};
use davit_domain::ids::{JobId, RunId};
use davit_runner::{Executor, JobEvent, JobOutcome, JobSpec, Limits, PlaceSpec, run_job};
use davit_store::Tx;
use davit_store::ci_jobs::{CiJob, NewCiJob};
use davit_store::ci_runs::Run;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) const KIND: JobKind = JobKind::new("ci_job");
/// How often a worker may die before the job is left to a person, in the queue's own count.
const MAX_ATTEMPTS: u32 = 10;
/// How often davit itself runs a job again that a server's end cut off.
const MOST_INTERRUPTIONS: usize = 3;
/// How long a job may take to end when the server stops.
const WHEN_INTERRUPTED: Duration = Duration::from_secs(5);
/// What a job ended with that a server's end cut off.
pub(super) const INTERRUPTED: &str = "the server stopped while this ran";

/// The key of a job in the queue.
pub(super) fn key(id: JobId) -> String {
    format!("job {id}")
}

/// Lets a job start when there is room, in the transaction that decided it.
pub(super) async fn enqueue(engine: &Engine, tx: &mut Tx, row: &CiJob) -> Result<(), EngineError> {
    let payload = json!({ "run": row.run.0, "job": row.id.0 });
    let job = NewJob { kind: KIND, key: key(row.id), payload, max_attempts: MAX_ATTEMPTS, run_after: None };
    engine.queue().enqueue(tx, job).await?;
    Ok(())
}

pub(super) async fn handle(engine: &Engine, attempt: &Attempt, stop: CancellationToken) -> Outcome {
    let number = |key: &str| attempt.payload.get(key).and_then(serde_json::Value::as_i64);
    let (Some(run), Some(job)) = (number("run"), number("job")) else {
        return Outcome::Dead { reason: "the job does not say which one it is".into() };
    };
    let (run, job) = (RunId(run), JobId(job));
    match carry_out(engine, run, job, attempt, stop).await {
        Ok(()) => Outcome::Done,
        // Somebody else has it now.
        Err(EngineError::Conflict(_) | EngineError::NotFound(_)) => Outcome::Done,
        Err(error) => Outcome::Retry { after: backoff(attempt.number), reason: error.to_string() },
    }
}

async fn carry_out(
    engine: &Engine,
    run: RunId,
    id: JobId,
    attempt: &Attempt,
    stop: CancellationToken,
) -> Result<(), EngineError> {
    let Some(taken) = take(engine, run, id, attempt).await? else { return Ok(()) };
    engine.tell_of_run(run);
    engine.tell_of_job(id);
    let (events, heard) = mpsc::channel(journal::BACKLOG);
    let journal = Journal { engine, run, job: id, fence: taken.fence, stop: &stop };
    let work = async {
        let outcome = taken.run(engine, events, &stop).await;
        Ok::<_, EngineError>(outcome)
    };
    let (outcome, written) = tokio::join!(work, journal.keep(heard));
    written?;
    end(engine, &taken, outcome?, &stop).await
}

/// A job that this worker has.
struct Taken {
    loaded: Loaded,
    row: CiJob,
    fence: i64,
    needs: davit_ci::Value,
}

/// Takes a job, or deals with what is left of an earlier worker's try. `None`: there is nothing to do.
async fn take(engine: &Engine, run: RunId, id: JobId, attempt: &Attempt) -> Result<Option<Taken>, EngineError> {
    let mut tx = engine.store().begin().await?;
    let run = tx.lock_run(run).await?;
    let Some(row) = tx.job(id).await? else { return Ok(None) };
    // A name of its own each time: what an earlier try of this job had is not this one's.
    let worker = format!("{} {}", attempt.worker, attempt.number);
    if row.state == JobState::Running && row.worker.as_deref() != Some(&worker) {
        replace(engine, &mut tx, &run, &row, INTERRUPTED).await?;
        tx.commit().await?;
        engine.queue().wake();
        return Ok(None);
    }
    if row.state.is_final() || run.state.is_final() {
        return Ok(None);
    }
    let Some(fence) = tx.take_job(id, &worker, engine.now()).await? else { return Ok(None) };
    if run.state == RunState::Queued {
        tx.set_run_state(run.id, RunState::Running, None, engine.now()).await?;
        engine.tell_run(&mut tx, &run, RunState::Running, None).await?;
    }
    let run = tx.run(run.id).await?.unwrap_or(run);
    let Some(loaded) = engine.load_run(&mut tx, run).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    let jobs = tx.jobs_of_run(loaded.run.id).await?;
    let (progress, _) = progress(&loaded.plan, &jobs);
    let needs = loaded.planned(&row.key).map(|planned| needs_value(&loaded.plan, &planned.job, &progress));
    tx.commit().await?;
    Ok(Some(Taken { loaded, row, fence, needs: needs.unwrap_or_default() }))
}

impl Taken {
    async fn run(&self, engine: &Engine, events: mpsc::Sender<JobEvent>, stop: &CancellationToken) -> JobOutcome {
        let prepared = match self.prepare(engine).await {
            Ok(prepared) => prepared,
            Err(error) => return failed(error.to_string()),
        };
        let Some((spec, secrets)) = prepared else {
            return failed("the job is not in the plan of its run".to_owned());
        };
        for name in secrets.missing {
            let text = format!("The secret {name} has no value: `davit secrets set` gives it one.");
            let line = JobEvent::Line { step: 0, stream: davit_domain::log::Stream::System, text };
            // The journal says itself why it is gone.
            let _ = events.send(line).await;
        }
        let services = JobServices::new(engine, &self.loaded, (self.row.id, self.fence), stop.child_token());
        tokio::select! {
            outcome = run_job(spec, &services, events, stop.clone()) => outcome,
            // Whoever asked for its end lets it tidy up; a server that stops has no time for that. What is dropped here
            // is killed.
            () = self.out_of_time(engine, stop) => {
                JobOutcome { state: JobState::Cancelled, reason: None, outputs: Vec::new() }
            }
        }
    }

    async fn out_of_time(&self, engine: &Engine, stop: &CancellationToken) {
        stop.cancelled().await;
        let row = engine.store().job(self.row.id).await;
        if row.is_ok_and(|row| row.is_some_and(|row| row.cancel_reason.is_some())) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(WHEN_INTERRUPTED).await;
    }

    /// What the job is given. `None`: the plan does not have it.
    async fn prepare(&self, engine: &Engine) -> Result<Option<(JobSpec, JobSecrets)>, EngineError> {
        let Loaded { run, plan, settings, .. } = &self.loaded;
        let (Some(planned), Some(instance)) = (self.loaded.planned(&self.row.key), instance(&self.row)) else {
            return Ok(None);
        };
        let environment = self.row.environment.as_deref();
        let secrets = match engine.may_have_secrets(run).await? {
            true => JobSecrets::of(engine, settings, environment).await?,
            false => JobSecrets::default(),
        };
        let spec = self.spec(engine, plan, &planned.job, instance, &secrets);
        Ok(Some((spec, secrets)))
    }

    fn spec(&self, engine: &Engine, plan: &Plan, job: &Job, instance: Instance, secrets: &JobSecrets) -> JobSpec {
        let Loaded { settings, .. } = &self.loaded;
        JobSpec {
            job: job.clone(),
            instance,
            workflow_env: plan.env.clone(),
            workflow_defaults: plan.defaults.clone(),
            github: self.loaded.github(Some(&job.id)),
            vars: super::contexts::vars(settings, self.row.environment.as_deref()),
            needs: self.needs.clone(),
            inputs: plan.inputs.clone(),
            secrets: secrets.values.clone(),
            place: place(engine, settings, &self.row),
        }
    }
}

fn place(engine: &Engine, settings: &RepositorySettings, row: &CiJob) -> PlaceSpec {
    let name = format!("davit-job-{}-{}", row.id, row.attempt);
    let limits = &settings.limits;
    PlaceSpec {
        job_dir: engine.jobs_dir().join(&name),
        executor: match settings.executor {
            // What an administrator takes back is taken back at once.
            ExecutorKind::Host if settings.trusted => Executor::Host,
            ExecutorKind::Host | ExecutorKind::Sandbox => Executor::Sandbox,
        },
        limits: Limits {
            memory: limits.memory,
            cpus: limits.cpus(),
            processes: limits.processes,
            disk: limits.disk,
            output: limits.output,
            time: Duration::from_secs(limits.timeout),
        },
        // The runner makes them of the workflow.
        container: None,
        services: Vec::new(),
        network: settings.network,
        tools: engine.settings().ci_tools.clone(),
        name,
    }
}

fn failed(reason: String) -> JobOutcome {
    JobOutcome { state: JobState::Error, reason: Some(reason), outputs: Vec::new() }
}

/// Stores how a job ended, and lets its run go on.
async fn end(engine: &Engine, taken: &Taken, outcome: JobOutcome, stop: &CancellationToken) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let run = Run { repository: taken.loaded.run.repository.clone(), ..tx.lock_run(taken.loaded.run.id).await? };
    let Some(row) = tx.job(taken.row.id).await? else { return Ok(()) };
    let proof = outcome.reason.as_deref();
    let was_stopped = stop.is_cancelled() && outcome.state == JobState::Cancelled;
    if was_stopped && row.cancel_reason.is_none() {
        tx.hold_job_fence(row.id, taken.fence).await?;
        let reason = proof.map_or_else(|| INTERRUPTED.to_owned(), |proof| format!("{INTERRUPTED}: {proof}"));
        replace(engine, &mut tx, &run, &row, &reason).await?;
    } else {
        let reason = match (&row.cancel_reason, proof) {
            (Some(by), Some(proof)) if outcome.state == JobState::Cancelled => Some(format!("{by}: {proof}")),
            (Some(by), None) if outcome.state == JobState::Cancelled => Some(by.clone()),
            (_, proof) => proof.map(str::to_owned),
        };
        let outputs: serde_json::Map<String, serde_json::Value> =
            outcome.outputs.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let outputs = serde_json::Value::Object(outputs);
        tx.end_job(row.id, taken.fence, outcome.state, reason.as_deref(), &outputs, engine.now()).await?;
        engine.tell_job(&mut tx, &run, &row, outcome.state, reason.as_deref()).await?;
        engine.advance_after(&mut tx, run.id, row.group.as_deref()).await?;
    }
    tx.commit().await?;
    engine.queue().wake();
    engine.tell_of_job(row.id);
    engine.tell_of_run(run.id);
    Ok(())
}

/// Ends an attempt that a server's end cut off, and puts another one in its place, unless that has happened too often.
pub(super) async fn replace(
    engine: &Engine,
    tx: &mut Tx,
    run: &Run,
    row: &CiJob,
    reason: &str,
) -> Result<(), EngineError> {
    if row.cancel_reason.is_some() || run.cancel_reason.is_some() {
        let by = row.cancel_reason.as_deref().or(run.cancel_reason.as_deref()).unwrap_or(reason);
        tx.set_job_state(row.id, JobState::Cancelled, Some(by), engine.now()).await?;
        engine.tell_job(tx, run, row, JobState::Cancelled, Some(by)).await?;
        return engine.advance_after(tx, run.id, row.group.as_deref()).await;
    }
    tx.set_job_state(row.id, JobState::Error, Some(reason), engine.now()).await?;
    let again = interruptions(tx, row).await? < MOST_INTERRUPTIONS;
    if again {
        let new = NewCiJob {
            run: row.run,
            key: row.key.clone(),
            index: row.index,
            name: row.name.clone(),
            attempt: row.attempt + 1,
            state: JobState::Queued,
            reason: None,
            needs: row.needs.clone(),
            instance: row.instance.clone(),
            group: row.group.clone(),
            environment: row.environment.clone(),
            executor: row.executor.clone(),
            created_at: engine.now(),
        };
        tx.insert_job(&new).await?;
        engine.feed_run(tx, run, "davit", "job_runs_again", Some(&format!("{}: {reason}", row.name))).await?;
    } else {
        engine.tell_job(tx, run, row, JobState::Error, Some(reason)).await?;
    }
    engine.advance_after(tx, run.id, row.group.as_deref()).await
}

/// How many attempts in a row were cut off, this one included.
async fn interruptions(tx: &mut Tx, row: &CiJob) -> Result<usize, EngineError> {
    let mut attempts = tx.attempts_of_job(row.run, &row.key, row.index).await?;
    attempts.reverse();
    let cut_off = |job: &&CiJob| {
        job.state == JobState::Error && job.reason.as_deref().is_some_and(|reason| reason.starts_with(INTERRUPTED))
    };
    Ok(attempts.iter().take_while(cut_off).count())
}
