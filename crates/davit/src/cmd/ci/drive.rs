//! Starts the jobs of a plan in the order that [`davit_ci::next`] says, and waits for all of them.

use super::local::Local;
use super::run::Settings;
use super::screen::Screen;
use crate::failure::Failure;
use crate::output::Output;
use davit_ci::{
    Conclusion, Contexts, Expansion, Instance, Job, JobProgress, Next, Plan, Progress, Root, conclusion, expand,
    needs_value, next,
};
use davit_domain::ci::{Annotation, JobState};
use davit_runner::{JobEvent, JobOutcome, JobSpec, PlaceSpec, run_job};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events of a job that wait to be shown.
const EVENTS: usize = 256;

/// How a workflow went.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) workflow: String,
    pub(super) conclusion: &'static str,
    jobs: Vec<JobReport>,
}

impl Report {
    /// Whether the command succeeds.
    pub(super) fn is_good(&self) -> bool {
        ["success", "skipped"].contains(&self.conclusion)
    }
}

/// How a job went.
#[derive(Debug, Serialize)]
struct JobReport {
    key: String,
    index: usize,
    name: String,
    state: &'static str,
    reason: Option<String>,
    outputs: BTreeMap<String, String>,
    steps: Vec<StepReport>,
    annotations: Vec<Annotation>,
    summaries: Vec<String>,
}

/// How a step went.
#[derive(Debug, Serialize)]
struct StepReport {
    name: String,
    state: &'static str,
    exit_code: Option<i32>,
}

/// A job that ended.
struct Ended {
    key: String,
    index: usize,
    outcome: JobOutcome,
    report: JobReport,
}

/// A workflow that runs.
pub(super) struct Drive<'a> {
    plan: &'a Plan,
    settings: &'a Settings,
    local: &'a Local,
    output: Output,
    quiet: bool,
    width: usize,
    jobs: Vec<JobProgress>,
    expanded: Vec<(String, Vec<Instance>)>,
    running: FuturesUnordered<LocalBoxFuture<'a, Result<Ended, Failure>>>,
    tokens: BTreeMap<(String, usize), CancellationToken>,
    reports: Vec<JobReport>,
    cancelled: bool,
    started: usize,
}

impl<'a> Drive<'a> {
    /// Nothing has started yet. `quiet`: nothing is shown.
    pub(super) fn new(plan: &'a Plan, settings: &'a Settings, local: &'a Local, output: Output, quiet: bool) -> Self {
        let names = plan.jobs.iter().flat_map(|planned| match &planned.expansion {
            Expansion::Now(instances) => instances.iter().map(|instance| instance.name.chars().count()).max(),
            Expansion::AfterNeeds => Some(planned.job.id.chars().count()),
        });
        Self {
            plan,
            settings,
            local,
            output,
            quiet,
            width: names.max().unwrap_or(0),
            jobs: Vec::new(),
            expanded: Vec::new(),
            running: FuturesUnordered::new(),
            tokens: BTreeMap::new(),
            reports: Vec::new(),
            cancelled: false,
            started: 0,
        }
    }

    /// Runs everything. The first of these interrupts cancels, and the second ends at once.
    pub(super) async fn finish(mut self, interrupts: &mut Signal) -> Result<Report, Failure> {
        loop {
            while self.advance()? {}
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                ended = self.running.next() => {
                    if let Some(ended) = ended {
                        self.ended(ended?);
                    }
                }
                Some(()) = interrupts.recv() => {
                    if self.cancelled {
                        return Err(Failure::failed("ended at once; jobs may have left files behind"));
                    }
                    self.output.note("Cancelling; what always runs still runs. Once more ends at once.");
                    self.cancelled = true;
                }
            }
        }
        let conclusion = conclusion(self.plan, &self.jobs, &self.expanded, self.cancelled);
        Ok(Report {
            file: self.plan.file.clone(),
            workflow: self.plan.workflow.clone(),
            conclusion: word(conclusion.unwrap_or(Conclusion::Error)),
            jobs: self.reports,
        })
    }

    /// Does what can be done now; whether that may allow more.
    fn advance(&mut self) -> Result<bool, Failure> {
        let mut more = false;
        for one in next(self.plan, &self.jobs, &self.expanded, &self.base(), self.cancelled) {
            match one {
                Next::Expand { job } => {
                    more = true;
                    self.expand(job)?;
                }
                Next::Start { job, index } if self.running.len() < self.settings.parallel => self.start(&job, index),
                // A place becomes free when a job ends, and then it is named again.
                Next::Start { .. } => {}
                Next::Skip { job, index, reason } => {
                    more = true;
                    self.left_out(&job, index, Conclusion::Skipped, &reason)?;
                }
                Next::Fail { job, index, reason } => {
                    more = true;
                    self.left_out(&job, index, Conclusion::Failure, &reason)?;
                }
                Next::Cancel { job, index, reason } => match self.tokens.get(&(job.clone(), index)) {
                    Some(token) => token.cancel(),
                    None => {
                        more = true;
                        self.left_out(&job, index, Conclusion::Cancelled, &reason)?;
                    }
                },
            }
        }
        Ok(more)
    }

    fn base(&self) -> Contexts<'static> {
        Contexts::new()
            .with(Root::Github, self.settings.github.clone())
            .with(Root::Vars, self.settings.vars.clone())
            .with(Root::Inputs, self.plan.inputs.clone())
    }

    fn job(&self, id: &str) -> Option<(&'a Job, Option<&'a [Instance]>)> {
        let planned = self.plan.jobs.iter().find(|planned| planned.job.id == id)?;
        let known = match &planned.expansion {
            Expansion::Now(instances) => Some(instances.as_slice()),
            Expansion::AfterNeeds => None,
        };
        Some((&planned.job, known))
    }

    fn instance(&self, id: &str, index: usize) -> Option<Instance> {
        let (_, known) = self.job(id)?;
        let later = || self.expanded.iter().find(|(known, _)| known == id).map(|(_, instances)| instances.as_slice());
        known.or_else(later)?.get(index).cloned()
    }

    fn expand(&mut self, id: String) -> Result<(), Failure> {
        let Some((job, _)) = self.job(&id) else { return Ok(()) };
        let contexts = self.base().with(Root::Needs, needs_value(self.plan, job, &self.jobs));
        match expand(job, &contexts) {
            Ok(instances) => {
                self.expanded.push((id, instances));
                Ok(())
            }
            Err(error) => self.left_out(&id, 0, Conclusion::Failure, &error.to_string()),
        }
    }

    fn start(&mut self, id: &str, index: usize) {
        let (Some((job, _)), Some(instance)) = (self.job(id), self.instance(id, index)) else { return };
        self.started += 1;
        let name = format!("davit-run-{}-{}", std::process::id(), self.started);
        let settings = self.settings;
        let spec = JobSpec {
            job: job.clone(),
            workflow_env: self.plan.env.clone(),
            workflow_defaults: self.plan.defaults.clone(),
            github: settings.github.clone(),
            vars: settings.vars.clone(),
            needs: needs_value(self.plan, job, &self.jobs),
            inputs: self.plan.inputs.clone(),
            secrets: settings.secrets.clone(),
            place: PlaceSpec {
                job_dir: settings.jobs.join(&name),
                executor: settings.executor,
                container: None,
                services: Vec::new(),
                limits: settings.limits.clone(),
                network: true,
                tools: Vec::new(),
                name,
            },
            instance: instance.clone(),
        };
        let token = CancellationToken::new();
        self.tokens.insert((id.to_owned(), index), token.clone());
        self.set(id, index, Progress::Running, Vec::new());
        let screen = Screen::new(self.output, self.quiet, &instance.name, self.width);
        let ended = run(spec, self.local, screen, token, (id.to_owned(), index));
        self.running.push(Box::pin(ended));
    }

    fn ended(&mut self, ended: Ended) {
        let Ended { key, index, outcome, report } = ended;
        self.tokens.remove(&(key.clone(), index));
        let conclusion = match outcome.state {
            JobState::Success => Conclusion::Success,
            JobState::Failure => Conclusion::Failure,
            JobState::Cancelled => Conclusion::Cancelled,
            JobState::TimedOut => Conclusion::TimedOut,
            JobState::Skipped => Conclusion::Skipped,
            JobState::Queued | JobState::Running | JobState::Error => Conclusion::Error,
        };
        self.set(&key, index, Progress::Ended(conclusion), outcome.outputs);
        self.reports.push(report);
    }

    /// A job that does not run.
    fn left_out(&mut self, id: &str, index: usize, conclusion: Conclusion, reason: &str) -> Result<(), Failure> {
        let name = self.instance(id, index).map_or_else(|| id.to_owned(), |instance| instance.name);
        self.set(id, index, Progress::Ended(conclusion), Vec::new());
        Screen::new(self.output, self.quiet, &name, self.width).note(word(conclusion), reason)?;
        let (state, reason) = (word(conclusion), Some(reason.to_owned()));
        self.reports.push(JobReport { state, reason, ..JobReport::new((id.to_owned(), index), name) });
        Ok(())
    }

    fn set(&mut self, id: &str, index: usize, state: Progress, outputs: Vec<(String, String)>) {
        let continue_on_error = self.instance(id, index).is_some_and(|instance| instance.continue_on_error);
        self.jobs.retain(|known| known.index != index || known.job != id);
        self.jobs.push(JobProgress { job: id.to_owned(), index, state, outputs, continue_on_error });
    }
}

impl JobReport {
    fn new((key, index): (String, usize), name: String) -> Self {
        Self {
            key,
            index,
            name,
            state: "skipped",
            reason: None,
            outputs: BTreeMap::new(),
            steps: Vec::new(),
            annotations: Vec::new(),
            summaries: Vec::new(),
        }
    }

    fn note(&mut self, event: JobEvent) {
        match event {
            JobEvent::Steps(names) => {
                let step = |name| StepReport { name, state: "queued", exit_code: None };
                self.steps = names.into_iter().map(step).collect();
            }
            JobEvent::StepStarted { number, name } => {
                self.step(number).into_iter().for_each(|step| step.name.clone_from(&name));
            }
            JobEvent::StepEnded { number, state, exit_code } => self.step(number).into_iter().for_each(|step| {
                step.state = state.as_str();
                step.exit_code = exit_code;
            }),
            JobEvent::Annotation(annotation) => self.annotations.push(annotation),
            JobEvent::Summary { markdown, .. } => self.summaries.push(markdown),
            JobEvent::Line { .. } => {}
        }
    }

    fn step(&mut self, number: u32) -> Option<&mut StepReport> {
        self.steps.get_mut(number as usize)
    }
}

/// Runs one job and shows what it says.
async fn run(
    spec: JobSpec,
    local: &Local,
    mut screen: Screen,
    token: CancellationToken,
    id: (String, usize),
) -> Result<Ended, Failure> {
    let mut report = JobReport::new(id.clone(), spec.instance.name.clone());
    let (events, mut inbox) = mpsc::channel(EVENTS);
    let show = async {
        let mut shown = Ok(());
        while let Some(event) = inbox.recv().await {
            // Where nobody reads any more, the job still comes to its end, so that nothing of it stays.
            shown = shown.and_then(|()| screen.show(&event));
            if shown.is_err() {
                token.cancel();
            }
            report.note(event);
        }
        shown
    };
    let (outcome, shown) = tokio::join!(Box::pin(run_job(spec, local, events, token.clone())), show);
    shown?;
    screen.outcome(&outcome)?;
    report.state = outcome.state.as_str();
    report.reason.clone_from(&outcome.reason);
    report.outputs = outcome.outputs.iter().cloned().collect();
    Ok(Ended { key: id.0, index: id.1, outcome, report })
}

const fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "success",
        Conclusion::Failure => "failure",
        Conclusion::Cancelled => "cancelled",
        Conclusion::TimedOut => "timed_out",
        Conclusion::Skipped => "skipped",
        Conclusion::Error => "error",
    }
}
