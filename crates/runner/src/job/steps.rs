//! Goes through steps: conditions, `continue-on-error`, time limits, and how each one ended.

use super::contexts::{Ended, Scope};
use super::ends::End;
use super::fault::Fault;
use super::running::Running;
use super::variables::Variables;
use crate::services::Services;
use crate::spec::JobEvent;
use davit_ci::{Action, Named, Step, Template, Work};
use davit_domain::ci::StepState;
use std::time::Duration;

/// What a step set: `steps.<id>.outputs`.
pub(crate) type Outputs = Vec<(String, String)>;

/// How a step ended.
#[derive(Debug)]
struct Done {
    /// Before `continue-on-error`.
    outcome: StepState,
    /// After it.
    state: StepState,
    exit_code: Option<i32>,
    outputs: Outputs,
    /// Why it is no success.
    reason: Option<String>,
    /// What keeps the steps after it from running.
    last: Option<Fault>,
}

impl Done {
    const fn skipped() -> Self {
        let state = StepState::Skipped;
        Self { outcome: state, state, exit_code: None, outputs: Vec::new(), reason: None, last: None }
    }
}

/// What came of a list of steps.
#[derive(Debug, Default)]
pub(crate) struct Summed {
    /// The first failure, with the name of its step.
    pub(crate) failure: Option<String>,
    /// What kept the rest from running.
    pub(crate) last: Option<Fault>,
}

impl<S: Services> Running<'_, S> {
    /// Runs the steps of the job, which are numbered from 1.
    pub(crate) async fn job_steps(&mut self, steps: &[Step], scope: &mut Scope) -> Summed {
        let mut summed = Summed::default();
        for (number, step) in (1..).zip(steps) {
            self.log.begin_step(number);
            let (name, done) = if summed.last.is_some() {
                (shown_name(step), Done::skipped())
            } else {
                Box::pin(self.step(step, scope, Some(number))).await
            };
            let (state, exit_code) = (done.state, done.exit_code);
            self.log.send(JobEvent::StepEnded { number, state, exit_code }).await;
            summed.add(&name, done);
        }
        summed
    }

    /// Runs the steps of an action, inside of a step of the job.
    pub(crate) async fn inner_steps(&mut self, steps: &[Step], scope: &mut Scope) -> Summed {
        let mut summed = Summed::default();
        for step in steps {
            if summed.last.is_some() {
                break;
            }
            let (name, done) = Box::pin(self.step(step, scope, None)).await;
            summed.add(&name, done);
        }
        summed
    }

    async fn step(&mut self, step: &Step, scope: &mut Scope, number: Option<u32>) -> (String, Done) {
        let outer = self.env.with(&scope.env);
        let own = self.variables(&step.env, scope, &outer).await;
        let env = own.as_ref().map_or_else(|_| outer.clone(), |own| outer.with(own));
        if self.ends.is_over() {
            return (shown_name(step), Done::skipped());
        }
        let holds = self.evaluate(scope, &env, |contexts| step.condition.holds(contexts)).await;
        if matches!(holds, Ok(false)) {
            let done = Done::skipped();
            keep(step, scope, &done);
            return (shown_name(step), done);
        }
        let name = self.name(step, scope, &env).await;
        if let Some(number) = number {
            let shown = self.log.masks().redact(&name).into_owned();
            self.log.send(JobEvent::StepStarted { number, name: shown }).await;
        }
        let done = match holds.and(own) {
            Ok(_) => Box::pin(self.limited(step, scope, &env, number.is_some())).await,
            Err(fault) => self.done(Err(fault), false).await,
        };
        keep(step, scope, &done);
        scope.failed |= done.outcome != StepState::Success && done.state != StepState::Success;
        (name, done)
    }

    /// Runs a step within its own time limit. A step of an action has the limit of the step around it.
    async fn limited(&mut self, step: &Step, scope: &Scope, env: &Variables, of_job: bool) -> Done {
        let continues = match &step.continue_on_error {
            None => Ok(false),
            Some(flag) => self.evaluate(scope, env, |contexts| flag.evaluate(contexts)).await,
        };
        let minutes = match &step.timeout_minutes {
            None => Ok(None),
            Some(minutes) => self.evaluate(scope, env, |contexts| minutes.evaluate(contexts).map(Some)).await,
        };
        let (continues, minutes) = match continues.and_then(|continues| Ok((continues, minutes?))) {
            Ok(known) => known,
            Err(fault) => return self.done(Err(fault), false).await,
        };
        if of_job {
            self.ends.begin_step(minutes.map(duration));
        }
        let result = Box::pin(self.work(step, scope, env)).await;
        let done = self.done(result, continues).await;
        if of_job {
            self.ends.begin_step(None);
        }
        done
    }

    async fn work(&mut self, step: &Step, scope: &Scope, env: &Variables) -> Result<Outputs, Fault> {
        let action = step.id.clone().unwrap_or_else(|| "__run".to_owned());
        match &step.work {
            Work::Run { script, shell, working_directory } => {
                let script = self.evaluate(scope, env, |contexts| script.render(contexts)).await?;
                let shell = self.setting(shell.as_ref(), |defaults| defaults.shell.as_ref(), scope, env).await?;
                let directory = working_directory.as_ref();
                let directory =
                    self.setting(directory, |defaults| defaults.working_directory.as_ref(), scope, env).await?;
                self.script(&script, shell.as_deref(), directory.as_deref(), scope, env, &action).await
            }
            Work::Uses { action, with } => {
                let with = self.inputs(with, scope, env).await?;
                match action {
                    Action::Checkout => self.checkout(&with).await,
                    Action::Cache => self.cache(&with).await,
                    Action::UploadArtifact => self.upload(&with).await,
                    Action::DownloadArtifact => self.download(&with).await,
                    Action::Local(directory) => self.composite(directory, with, scope, env).await,
                }
            }
        }
    }

    /// Says why a step is no success, and what state it is in.
    async fn done(&mut self, result: Result<Outputs, Fault>, continues: bool) -> Done {
        let late = self.ends.step_is_late();
        let (outcome, exit_code, outputs, reason, last) = match result {
            Ok(outputs) => (StepState::Success, Some(0), outputs, None, None),
            Err(Fault::Failed { reason, exit_code }) => (StepState::Failure, exit_code, Vec::new(), Some(reason), None),
            Err(Fault::Ended) if late => {
                let reason = "it took longer than its `timeout-minutes`".to_owned();
                (StepState::TimedOut, None, Vec::new(), Some(reason), None)
            }
            Err(Fault::Ended) => match self.ends.now() {
                Some(End::TimedOut) => {
                    let reason = format!("the job took longer than {}", minutes(self.ends.limit()));
                    (StepState::TimedOut, None, Vec::new(), Some(reason), None)
                }
                Some(End::Cancelled) | None => {
                    (StepState::Cancelled, None, Vec::new(), Some("it was cancelled".to_owned()), None)
                }
            },
            Err(Fault::Gone(reason)) => {
                (StepState::Failure, None, Vec::new(), Some(reason.clone()), Some(Fault::Gone(reason)))
            }
            Err(Fault::Ours(reason)) => {
                (StepState::Failure, None, Vec::new(), Some(reason.clone()), Some(Fault::Ours(reason)))
            }
        };
        if let Some(reason) = &reason {
            self.log.fail(reason).await;
        }
        let forgiven = continues && last.is_none() && (outcome == StepState::Failure || late);
        let state = if forgiven { StepState::Success } else { outcome };
        Done { outcome, state, exit_code, outputs, reason, last }
    }

    /// What the step says, else what the job says, else what the workflow says; the last two are no matter of actions.
    async fn setting(
        &mut self,
        own: Option<&Template>,
        of: impl Fn(&davit_ci::Defaults) -> Option<&Template>,
        scope: &Scope,
        env: &Variables,
    ) -> Result<Option<String>, Fault> {
        let spec = self.spec;
        let defaults = || of(&spec.job.defaults).or_else(|| of(&spec.workflow_defaults)).filter(|_| scope.depth == 0);
        match own.or_else(defaults) {
            None => Ok(None),
            Some(template) => {
                let text = self.evaluate(scope, env, |contexts| template.render(contexts)).await?;
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
        }
    }

    /// `env` of a step, or of workflow and job.
    pub(crate) async fn variables(
        &mut self,
        written: &Named<Template>,
        scope: &Scope,
        env: &Variables,
    ) -> Result<Variables, Fault> {
        Ok(self.inputs(written, scope, env).await?.into_iter().collect())
    }

    /// `with` of a step.
    async fn inputs(&mut self, written: &Named<Template>, scope: &Scope, env: &Variables) -> Result<Outputs, Fault> {
        let mut values = Vec::new();
        for (name, template) in written.iter() {
            let value = self.evaluate(scope, env, |contexts| template.render(contexts)).await?;
            values.push((name.to_owned(), value));
        }
        Ok(values)
    }

    async fn name(&mut self, step: &Step, scope: &Scope, env: &Variables) -> String {
        match &step.name {
            Some(name) => {
                let rendered = self.evaluate(scope, env, |contexts| name.render(contexts)).await;
                rendered.ok().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| shown_name(step))
            }
            None => shown_name(step),
        }
    }
}

impl Summed {
    fn add(&mut self, name: &str, done: Done) {
        if done.state == StepState::Success || done.state == StepState::Skipped {
            return;
        }
        if let Some(reason) = done.reason {
            self.failure.get_or_insert_with(|| format!("`{name}`: {reason}"));
        }
        if done.last.is_some() {
            self.last = done.last;
        }
    }
}

/// The name of a step before it runs: as it is written.
pub(crate) fn shown_name(step: &Step) -> String {
    if let Some(name) = step.name.as_ref().filter(|name| !name.source().trim().is_empty()) {
        return name.source().to_owned();
    }
    match &step.work {
        Work::Run { script, .. } => {
            let first = script.source().lines().map(str::trim).find(|line| !line.is_empty());
            format!("Run {}", first.unwrap_or_default())
        }
        Work::Uses { action, .. } => format!("Run {}", action_name(action)),
    }
}

fn action_name(action: &Action) -> String {
    match action {
        Action::Checkout => "actions/checkout".to_owned(),
        Action::Cache => "actions/cache".to_owned(),
        Action::UploadArtifact => "actions/upload-artifact".to_owned(),
        Action::DownloadArtifact => "actions/download-artifact".to_owned(),
        Action::Local(directory) => format!("./{directory}"),
    }
}

/// Keeps what later steps see of a step.
fn keep(step: &Step, scope: &mut Scope, done: &Done) {
    let Some(id) = &step.id else { return };
    let word = |state: StepState| match state {
        StepState::Success => "success",
        StepState::Failure | StepState::TimedOut => "failure",
        StepState::Cancelled => "cancelled",
        StepState::Skipped | StepState::Queued | StepState::Running => "skipped",
    };
    let ended = Ended { outcome: word(done.outcome), conclusion: word(done.state), outputs: done.outputs.clone() };
    scope.steps.push((id.clone(), ended));
}

/// At least a second, at most a month: whatever is written is a time that the clock knows.
pub(crate) fn duration(minutes: f64) -> Duration {
    Duration::from_secs_f64((minutes * 60.0).clamp(1.0, 30.0 * 24.0 * 3600.0))
}

/// `90 minutes`, `30 seconds`.
pub(crate) fn minutes(time: Duration) -> String {
    match time.as_secs() {
        1 => "1 second".to_owned(),
        60 => "1 minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (minutes_written, said) in
            [(0.0, "1 second"), (0.5, "30 seconds"), (1.0, "1 minute"), (1.5, "90 seconds"), (90.0, "90 minutes")]
        {
            assert_eq!(minutes(duration(minutes_written)), said);
        }
    }
}
