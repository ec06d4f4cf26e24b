//! Runs a job: opens the place, goes through the steps, closes the place.

mod composite;
mod containers;
mod contexts;
mod ends;
mod fault;
mod running;
mod script;
mod steps;
mod variables;

pub use ends::GRACE;
pub(crate) use fault::Fault;
pub(crate) use running::Running;
pub(crate) use steps::Outputs;

use crate::log::Log;
use crate::mask::Masks;
use crate::place::{Executor, Limits, Place, PlaceSpec};
use crate::search::Roots;
use crate::services::Services;
use crate::spec::{JobEvent, JobOutcome, JobSpec};
use contexts::{Known, Scope};
use davit_ci::Value;
use davit_domain::ci::{JobState, StepState};
use ends::{End, Ends};
use secrecy::ExposeSecret;
use std::time::Duration;
use steps::Summed;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use variables::Variables;

/// The name of step 0.
const SET_UP: &str = "Set up job";
/// The name of the last step.
const COMPLETE: &str = "Complete job";
/// No job takes longer, whatever its limits say.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// What ending steps may take in addition to the job's time and [`GRACE`].
const SPARE: Duration = Duration::from_secs(60);
/// Lines that wait for the log.
const LINES: usize = 64;

/// Runs a job to its end and says what happens on `events`, in order. Never fails: what goes wrong on davit's side is
/// the state `Error` with a reason.
///
/// When `cancel` fires, the running step is ended; steps with `if: always()` or `if: cancelled()` still run, for at most
/// [`GRACE`]. Nobody needs to listen to `events`; a listener that is slow makes the job wait.
pub async fn run_job<S: Services>(
    spec: JobSpec,
    services: &S,
    events: mpsc::Sender<JobEvent>,
    cancel: CancellationToken,
) -> JobOutcome {
    let secrets = spec.secrets.iter().map(|(_, secret)| secret.expose_secret().to_owned());
    let mut log = Log::new(events, Masks::new(secrets.collect()), contexts::is_debug(&spec));
    let own = spec.instance.timeout_minutes.map(steps::duration);
    let mut ends = Ends::new(cancel, own.unwrap_or(LONGEST).min(spec.place.limits.time).min(LONGEST));
    let names = [SET_UP.to_owned()].into_iter().chain(spec.job.steps.iter().map(steps::shown_name));
    let names = names.chain([COMPLETE.to_owned()]).map(|name| log.masks().redact(&name).into_owned());
    log.send(JobEvent::Steps(names.collect())).await;
    log.send(JobEvent::StepStarted { number: 0, name: SET_UP.to_owned() }).await;
    let place = match Box::pin(open(&spec, &mut log, &mut ends)).await {
        Ok(place) => place,
        Err(fault) => return not_opened(&spec, &log, &mut ends, fault).await,
    };
    let (summed, end, outputs) = Box::pin(in_place(&spec, services, &place, &mut log, &mut ends)).await;
    let proof = Box::pin(place.close()).await;
    log.say(&proof.text).await;
    let state = if proof.clean { StepState::Success } else { StepState::Failure };
    log.send(JobEvent::StepEnded { number: last(&spec), state, exit_code: None }).await;
    let (state, reason) = conclusion(summed, end, ends.limit());
    JobOutcome { state, reason, outputs }
}

/// Makes the place and says which it is.
async fn open(spec: &JobSpec, log: &mut Log, ends: &mut Ends) -> Result<Place, Fault> {
    let (container, services) = containers::of(spec)?;
    for image in container.iter().chain(&services) {
        if let Some((_, password)) = &image.credentials {
            log.hide(password.expose_secret()).await;
        }
    }
    let executor = match &container {
        Some(container) => format!("a container of {}", container.image),
        None if spec.place.executor == Executor::Host => "the server itself, without a sandbox".to_owned(),
        None => "a sandbox".to_owned(),
    };
    log.say(&format!("The job `{}` runs in {executor}", spec.instance.name)).await;
    if let Some(environment) = &spec.instance.environment {
        log.say(&format!("It has the variables and secrets of the environment `{environment}`")).await;
    }
    // The job's own time is watched here; the place only sees to it that what cleans up comes to an end.
    let limits = Limits { time: ends.limit() + GRACE + SPARE, ..spec.place.limits.clone() };
    let wanted = PlaceSpec { container, services, limits, ..spec.place.clone() };
    let (sink, mut lines) = mpsc::channel(LINES);
    let token = CancellationToken::new();
    let making = async {
        let place = Box::pin(Place::open(&wanted, &sink, &token)).await;
        drop(sink);
        place
    };
    let talk = async {
        while let Some(line) = lines.recv().await {
            log.say(&line.text).await;
        }
    };
    let (place, ()) = ends.watch(&token, async { tokio::join!(making, talk) }).await;
    let place = place.map_err(|error| if token.is_cancelled() { Fault::Ended } else { error.into() })?;
    log.set_workspace(place.workspace());
    Ok(place)
}

/// There is no place: nothing runs.
async fn not_opened(spec: &JobSpec, log: &Log, ends: &mut Ends, fault: Fault) -> JobOutcome {
    let step = if fault == Fault::Ended { StepState::Cancelled } else { StepState::Failure };
    let summed = match fault {
        Fault::Failed { reason, .. } => {
            log.fail(&reason).await;
            Summed { failure: Some(reason), last: None }
        }
        Fault::Gone(reason) | Fault::Ours(reason) => {
            log.fail(&reason).await;
            Summed { failure: None, last: Some(Fault::Ours(reason)) }
        }
        Fault::Ended => Summed::default(),
    };
    log.send(JobEvent::StepEnded { number: 0, state: step, exit_code: None }).await;
    for number in 1..=last(spec) {
        log.send(JobEvent::StepEnded { number, state: StepState::Skipped, exit_code: None }).await;
    }
    let (state, reason) = conclusion(summed, ends.now(), ends.limit());
    JobOutcome { state, reason, outputs: Vec::new() }
}

/// Everything between opening and closing the place. The end counts that came while steps ran: one that comes later
/// takes nothing away from what they did.
async fn in_place<S: Services>(
    spec: &JobSpec,
    services: &S,
    place: &Place,
    log: &mut Log,
    ends: &mut Ends,
) -> (Summed, Option<End>, Outputs) {
    let roots = Roots::of(place);
    let containers = Value::from_json(&place.job_context().to_string()).unwrap_or_default();
    let mut running = Running {
        spec,
        place,
        services,
        log,
        ends,
        known: Known::new(spec, &roots, containers),
        roots,
        env: Variables::default(),
        paths: Vec::new(),
        programs: None,
        used: false,
        caches: Vec::new(),
        scratch: spec.place.job_dir.join("archives"),
        named: 0,
    };
    let mut scope = Scope::of_job(spec.inputs.clone());
    let mut summed = Summed::default();
    let state = match running.prepare(&scope).await {
        Ok(()) => StepState::Success,
        Err(fault) => {
            let (reason, state) = match fault {
                Fault::Failed { reason, .. } => (Some(reason), StepState::Failure),
                Fault::Gone(reason) | Fault::Ours(reason) => {
                    summed.last = Some(Fault::Ours(reason.clone()));
                    (Some(reason), StepState::Failure)
                }
                Fault::Ended => (None, StepState::Cancelled),
            };
            if let Some(reason) = &reason {
                running.log.fail(reason).await;
            }
            summed.failure = reason;
            state
        }
    };
    running.log.send(JobEvent::StepEnded { number: 0, state, exit_code: None }).await;
    if state == StepState::Success {
        summed = running.job_steps(&spec.job.steps, &mut scope).await;
    } else {
        for number in 1..last(spec) {
            running.log.send(JobEvent::StepEnded { number, state: StepState::Skipped, exit_code: None }).await;
        }
    }
    let end = running.ends.now();
    running.log.begin_step(last(spec));
    running.log.send(JobEvent::StepStarted { number: last(spec), name: COMPLETE.to_owned() }).await;
    let outputs = running.complete(&scope, &mut summed).await;
    (summed, end, outputs)
}

impl<S: Services> Running<'_, S> {
    /// Step 0, once the place is there: the event, the shells, the environment.
    async fn prepare(&mut self, scope: &Scope) -> Result<(), Fault> {
        let made = tokio::fs::create_dir_all(&self.scratch).await;
        made.map_err(|error| Fault::Ours(format!("{} can't be made: {error}", self.scratch.display())))?;
        let event = self.spec.github.get("event").map_or_else(|| "{}".to_owned(), Value::to_json_text);
        self.place.write_file(&contexts::event_path(&self.roots), event.as_bytes(), 0o644).await?;
        let nothing = Variables::default();
        let of_workflow = self.variables(&self.spec.workflow_env, scope, &nothing).await?;
        let of_job = self.variables(&self.spec.job.env, scope, &of_workflow).await?;
        self.env = of_workflow.with(&of_job);
        let limit = steps::minutes(self.ends.limit());
        self.log.say(&format!("The job may take {limit}")).await;
        Ok(())
    }

    /// The last step, while the place is still there: caches and outputs.
    async fn complete(&mut self, scope: &Scope, summed: &mut Summed) -> Outputs {
        if summed.last.is_some() {
            return Vec::new();
        }
        if summed.failure.is_none() && self.ends.now().is_none() {
            self.keep_caches().await;
        }
        let env = self.env.clone();
        let spec = self.spec;
        let mut outputs = Vec::new();
        for (name, written) in spec.job.outputs.iter() {
            match self.evaluate(scope, &env, |contexts| written.render(contexts)).await {
                // Others would see it unmasked.
                Ok(value) if self.log.masks().is_in(&value) => {
                    self.log.warn(&format!("the output `{name}` is left out: there is a secret in it")).await;
                }
                Ok(value) => outputs.push((name.to_owned(), value)),
                Err(Fault::Failed { reason, .. } | Fault::Gone(reason) | Fault::Ours(reason)) => {
                    let reason = format!("the output `{name}` can't be worked out: {reason}");
                    self.log.fail(&reason).await;
                    summed.failure.get_or_insert(reason);
                }
                Err(Fault::Ended) => {}
            }
        }
        outputs
    }
}

/// The number of the last step.
fn last(spec: &JobSpec) -> u32 {
    u32::try_from(spec.job.steps.len()).unwrap_or(u32::MAX - 1) + 1
}

/// How the job ended.
fn conclusion(summed: Summed, end: Option<End>, limit: Duration) -> (JobState, Option<String>) {
    match (summed.last, end, summed.failure) {
        (Some(Fault::Ours(reason)), _, _) => (JobState::Error, Some(reason)),
        (_, Some(End::Cancelled), _) => (JobState::Cancelled, Some("the job was cancelled".to_owned())),
        (_, Some(End::TimedOut), _) => {
            (JobState::TimedOut, Some(format!("the job took longer than {}", steps::minutes(limit))))
        }
        (Some(Fault::Gone(reason)), None, _) => (JobState::Failure, Some(reason)),
        (_, None, Some(failure)) => (JobState::Failure, Some(failure)),
        (_, None, None) => (JobState::Success, None),
    }
}
