//! How a run goes on: what starts, what is left out, what ends; in the transaction of whatever happened to it.
//!
//! [`davit_ci::next`] decides, from the rows alone; here its answers become rows, jobs of the queue and statuses. Runs
//! of one repository are decided about one after the other (their lock), so that one decision may reach from a run
//! into others of its concurrency groups.

use super::contexts::{self, Facts};
use super::event::Subject;
use super::occasion::new_job;
use super::{groups, job};
use crate::{Engine, EngineError};
use davit_ci::{
    Conclusion, Contexts, Instance, JobProgress, MatrixError, Next, Plan, PlannedJob, Progress, Root, conclusion,
    expand, needs_value, next,
};
use davit_domain::ci::{JobState, RunState};
use davit_domain::config::RepositorySettings;
use davit_domain::ids::{JobId, RunId};
use davit_store::Tx;
use davit_store::ci_jobs::CiJob;
use davit_store::ci_runs::Run;
use std::collections::{BTreeSet, VecDeque};

/// A run with everything that decisions about it need.
pub(super) struct Loaded {
    pub(super) run: Run,
    pub(super) plan: Plan,
    pub(super) subject: Subject,
    pub(super) settings: RepositorySettings,
}

/// Runs that are to be looked at, and those that were changed.
#[derive(Default)]
pub(super) struct Agenda {
    open: VecDeque<RunId>,
    /// Concurrency groups of jobs that may be free now.
    freed: BTreeSet<String>,
}

impl Agenda {
    pub(super) fn add(&mut self, run: RunId) {
        if !self.open.contains(&run) {
            self.open.push_back(run);
        }
    }

    pub(super) fn free(&mut self, group: Option<&str>) {
        self.freed.extend(group.map(str::to_owned));
    }
}

impl Engine {
    /// Lets a run go on, and whatever waits for it.
    pub(super) async fn advance_run(&self, tx: &mut Tx, id: RunId) -> Result<(), EngineError> {
        self.advance_after(tx, id, None).await
    }

    /// The same after a job of it ended, whose concurrency group is free now.
    pub(super) async fn advance_after(&self, tx: &mut Tx, id: RunId, group: Option<&str>) -> Result<(), EngineError> {
        let mut agenda = Agenda::default();
        agenda.add(id);
        agenda.free(group);
        self.work_off(tx, agenda).await
    }

    async fn work_off(&self, tx: &mut Tx, mut agenda: Agenda) -> Result<(), EngineError> {
        while let Some(id) = agenda.open.pop_front() {
            let run = tx.lock_run(id).await?;
            let (forge, repository) = (run.forge.clone(), run.repository.clone());
            if !run.state.is_final() && run.state != RunState::AwaitingApproval {
                self.step(tx, run, &mut agenda).await?;
            }
            self.tell_of_run(id);
            while let Some(group) = agenda.freed.pop_first() {
                for waiting in tx.open_jobs_of_group(&forge, &repository, &group).await? {
                    if waiting.queued_at.is_none() && waiting.run != id {
                        agenda.add(waiting.run);
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks a run to end; what may always run still does. One that waits for approval ends at once.
    pub(super) async fn end_run(&self, tx: &mut Tx, id: RunId, reason: &str) -> Result<(), EngineError> {
        let mut agenda = Agenda::default();
        self.end_run_in(tx, id, reason, &mut agenda).await?;
        self.work_off(tx, agenda).await
    }

    pub(super) async fn end_run_in(
        &self,
        tx: &mut Tx,
        id: RunId,
        reason: &str,
        agenda: &mut Agenda,
    ) -> Result<(), EngineError> {
        let run = tx.lock_run(id).await?;
        if run.state.is_final() {
            return Ok(());
        }
        tx.ask_run_to_end(id, reason).await?;
        if run.state == RunState::AwaitingApproval {
            return self.conclude(tx, &run, RunState::Cancelled, Some(reason), agenda).await;
        }
        agenda.add(id);
        Ok(())
    }

    async fn step(&self, tx: &mut Tx, run: Run, agenda: &mut Agenda) -> Result<(), EngineError> {
        let Some(loaded) = self.load_run(tx, run).await? else { return Ok(()) };
        if self.waits_for_group(tx, &loaded, agenda).await? {
            return Ok(());
        }
        let id = loaded.run.id;
        let cancelled = loaded.run.cancel_reason.as_deref();
        loop {
            let jobs = tx.jobs_of_run(id).await?;
            let (progress, expanded) = progress(&loaded.plan, &jobs);
            let mut again = false;
            for next in loaded.next(&progress, &expanded) {
                again |= self.carry_out_next(tx, &loaded, &jobs, &progress, next, agenda).await?;
            }
            if again {
                continue;
            }
            if let Some(end) = conclusion(&loaded.plan, &progress, &expanded, cancelled.is_some()) {
                let reason = why(&jobs, end, cancelled);
                self.conclude(tx, &loaded.run, run_state(end), reason.as_deref(), agenda).await?;
            }
            return Ok(());
        }
    }

    /// Everything that is known of a run. `None`: it can't be gone on with, because its repository is
    /// not declared any more or its plan is not readable, and has ended with that.
    pub(super) async fn load_run(&self, tx: &mut Tx, run: Run) -> Result<Option<Loaded>, EngineError> {
        let configuration = tx.read_configuration().await?;
        let Some(settings) = configuration.repository(&run.forge, &run.repository).cloned() else {
            self.give_up_run(tx, &run, "its repository is not in the configuration any more").await?;
            return Ok(None);
        };
        // Forges don't tell case apart, but like to be called by their names.
        let run = Run { repository: settings.name.clone(), ..run };
        let stored = tx.run_plan(run.id).await?;
        match (serde_json::from_value(stored.plan), serde_json::from_value(stored.event)) {
            (Ok(plan), Ok(subject)) => Ok(Some(Loaded { run, plan, subject, settings })),
            (Err(error), _) | (_, Err(error)) => {
                let reason = format!("its stored plan can't be read by this version, push again: {error}");
                self.give_up_run(tx, &run, &reason).await?;
                Ok(None)
            }
        }
    }

    /// Ends a run and what is left of its jobs: it can't be gone on with.
    async fn give_up_run(&self, tx: &mut Tx, run: &Run, reason: &str) -> Result<(), EngineError> {
        for job in tx.jobs_of_run(run.id).await?.iter().filter(|job| !job.state.is_final()) {
            self.stop_job(tx, job, reason).await?;
            tx.set_job_state(job.id, JobState::Error, Some(reason), self.now()).await?;
            self.tell_job(tx, run, job, JobState::Error, Some(reason)).await?;
        }
        self.conclude(tx, run, RunState::Error, Some(reason), &mut Agenda::default()).await
    }

    /// Carries out one answer. Whether that may have changed the others.
    async fn carry_out_next(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        jobs: &[CiJob],
        progress: &[JobProgress],
        next: Next,
        agenda: &mut Agenda,
    ) -> Result<bool, EngineError> {
        let (Next::Expand { job: key }
        | Next::Start { job: key, .. }
        | Next::Skip { job: key, .. }
        | Next::Fail { job: key, .. }
        | Next::Cancel { job: key, .. }) = &next;
        let index = match &next {
            Next::Expand { .. } => 0,
            Next::Start { index, .. }
            | Next::Skip { index, .. }
            | Next::Fail { index, .. }
            | Next::Cancel { index, .. } => *index,
        };
        let Some(row) = jobs.iter().find(|job| job.key == *key && job.index == index) else {
            tracing::error!(run = loaded.run.id.0, job = key, index, "a job of a plan has no row");
            return Ok(false);
        };
        match &next {
            Next::Expand { .. } => self.expand_row(tx, loaded, jobs, progress, row).await,
            Next::Start { .. } => self.start_row(tx, loaded, row, agenda).await,
            Next::Skip { reason, .. } => self.end_row(tx, loaded, row, JobState::Skipped, reason, agenda).await,
            Next::Fail { reason, .. } => self.end_row(tx, loaded, row, JobState::Failure, reason, agenda).await,
            Next::Cancel { reason, .. } => {
                let reason = loaded.run.cancel_reason.as_deref().unwrap_or(reason);
                self.cancel_row(tx, &loaded.run, row, reason, agenda).await
            }
        }
    }

    async fn expand_row(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        jobs: &[CiJob],
        progress: &[JobProgress],
        row: &CiJob,
    ) -> Result<bool, EngineError> {
        let Some(planned) = loaded.planned(&row.key) else { return Ok(false) };
        let instances = match loaded.expand(planned, progress) {
            Ok(instances) => instances,
            Err(error) => {
                let reason = error.to_string();
                return self.end_row(tx, loaded, row, JobState::Failure, &reason, &mut Agenda::default()).await;
            }
        };
        let Some(first) = instances.first() else {
            let reason = "its matrix has no combinations";
            return self.end_row(tx, loaded, row, JobState::Skipped, reason, &mut Agenda::default()).await;
        };
        for (index, instance) in instances.iter().enumerate() {
            let earlier = jobs.iter().find(|job| job.key == row.key && job.index == index);
            let attempt = earlier.map_or(row.attempt, |earlier| earlier.attempt + 1);
            let id = if index == 0 {
                let new = new_job(loaded.run.id, planned, Some(first), 0, row.attempt, &loaded.settings, self.now());
                tx.expand_job(row.id, &new.name, &new.instance, new.group.as_deref(), new.environment.as_deref())
                    .await?;
                row.id
            } else {
                let new = new_job(loaded.run.id, planned, Some(instance), index, attempt, &loaded.settings, self.now());
                tx.insert_job(&new).await?
            };
            if let Some(job) = tx.job(id).await? {
                self.tell_job(tx, &loaded.run, &job, JobState::Queued, None).await?;
            }
        }
        // Combinations of an earlier attempt that are none any more.
        for gone in jobs.iter().filter(|job| job.key == row.key && job.index >= instances.len()) {
            let new = new_job(loaded.run.id, planned, None, gone.index, gone.attempt + 1, &loaded.settings, self.now());
            let reason = Some("the matrix does not have this combination any more".to_owned());
            let new =
                davit_store::ci_jobs::NewCiJob { state: JobState::Skipped, name: gone.name.clone(), reason, ..new };
            tx.insert_job(&new).await?;
        }
        Ok(true)
    }

    async fn start_row(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        row: &CiJob,
        agenda: &mut Agenda,
    ) -> Result<bool, EngineError> {
        if row.queued_at.is_some() {
            return Ok(false);
        }
        let Some(instance) = instance(row) else { return Ok(false) };
        if let Some(reason) = self.no_runner(&instance) {
            return self.end_row(tx, loaded, row, JobState::Failure, &reason, agenda).await;
        }
        match self.group_is_taken(tx, loaded, row, &instance, agenda).await? {
            groups::Taken::Free => {
                job::enqueue(self, tx, row).await?;
                tx.queue_job(row.id, self.now()).await?;
                Ok(false)
            }
            groups::Taken::Holds => Ok(false),
            groups::Taken::Moved => Ok(true),
        }
    }

    async fn end_row(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        row: &CiJob,
        state: JobState,
        reason: &str,
        agenda: &mut Agenda,
    ) -> Result<bool, EngineError> {
        tx.set_job_state(row.id, state, Some(reason), self.now()).await?;
        agenda.free(row.group.as_deref());
        self.tell_job(tx, &loaded.run, row, state, Some(reason)).await?;
        self.tell_of_job(row.id);
        Ok(true)
    }

    /// Ends a job that waits, and asks one that runs to end.
    pub(super) async fn cancel_row(
        &self,
        tx: &mut Tx,
        run: &Run,
        row: &CiJob,
        reason: &str,
        agenda: &mut Agenda,
    ) -> Result<bool, EngineError> {
        self.stop_job(tx, row, reason).await?;
        if row.state == JobState::Running {
            return Ok(false);
        }
        tx.set_job_state(row.id, JobState::Cancelled, Some(reason), self.now()).await?;
        agenda.free(row.group.as_deref());
        self.tell_job(tx, run, row, JobState::Cancelled, Some(reason)).await?;
        self.tell_of_job(row.id);
        Ok(true)
    }

    /// Takes a job out of the queue, or asks whoever carries it out to stop.
    async fn stop_job(&self, tx: &mut Tx, row: &CiJob, reason: &str) -> Result<(), EngineError> {
        tx.ask_job_to_end(row.id, reason).await?;
        if row.queued_at.is_some() && !self.queue().cancel_waiting(tx, job::KIND, &job::key(row.id)).await? {
            self.queue().ask_to_stop(tx, job::KIND, &job::key(row.id)).await?;
        }
        Ok(())
    }

    /// Ends a run, tells of it, and lets those of its group go on.
    pub(super) async fn conclude(
        &self,
        tx: &mut Tx,
        run: &Run,
        state: RunState,
        reason: Option<&str>,
        agenda: &mut Agenda,
    ) -> Result<(), EngineError> {
        tx.set_run_state(run.id, state, reason, self.now()).await?;
        self.tell_run(tx, run, state, reason).await?;
        self.feed_run(tx, run, "davit", "run_ended", Some(reason.unwrap_or(state.as_str()))).await?;
        self.notice_run_ended(tx, run, state, reason).await?;
        if let Some(group) = &run.group {
            for other in tx.open_runs_of_group(&run.forge, &run.repository, group).await? {
                agenda.add(other.id);
            }
        }
        self.tell_of_run(run.id);
        Ok(())
    }

    /// Why no runner takes a job, by its labels.
    fn no_runner(&self, instance: &Instance) -> Option<String> {
        let known = &self.settings().runner_labels;
        let is_known = |label: &String| known.iter().any(|known| label_matches(known, label));
        let missing: Vec<&str> = instance.runs_on.iter().filter(|label| !is_known(label)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            format!("no runner has the label {}: this davit runs jobs for {}", missing.join(", "), known.join(", "))
        })
    }
}

impl Loaded {
    fn next(&self, progress: &[JobProgress], expanded: &[(String, Vec<Instance>)]) -> Vec<Next> {
        next(&self.plan, progress, expanded, &self.contexts(), self.run.cancel_reason.is_some())
    }

    /// The combinations of a job whose needs are done.
    fn expand(&self, planned: &PlannedJob, progress: &[JobProgress]) -> Result<Vec<Instance>, MatrixError> {
        let needs = needs_value(&self.plan, &planned.job, progress);
        expand(&planned.job, &self.contexts().with(Root::Needs, needs))
    }

    pub(super) fn planned(&self, key: &str) -> Option<&PlannedJob> {
        self.plan.jobs.iter().find(|planned| planned.job.id == key)
    }

    pub(super) fn github(&self, job: Option<&str>) -> davit_ci::Value {
        let run = &self.run;
        contexts::github(&Facts {
            subject: &self.subject,
            run: run.id,
            attempt: run.attempt,
            workflow: &run.workflow,
            workflow_file: &run.workflow_file,
            git_ref: run.git_ref.as_deref().unwrap_or_default(),
            head: &run.head,
            actor: &run.by,
            job,
        })
    }

    /// What conditions and matrices of jobs look into.
    fn contexts(&self) -> Contexts<'static> {
        Contexts::new()
            .with(Root::Github, self.github(None))
            .with(Root::Vars, contexts::vars(&self.settings, None))
            .with(Root::Inputs, self.plan.inputs.clone())
    }
}

impl Engine {
    /// Wakes whoever looks at a job.
    pub(crate) fn tell_of_job(&self, job: JobId) {
        self.hub().tell_topic(crate::hub::Topic::Job, Some(job.0));
    }
}

/// Where the jobs are, as [`davit_ci`] sees it, and the combinations that became known in the run.
pub(super) fn progress(plan: &Plan, jobs: &[CiJob]) -> (Vec<JobProgress>, Vec<(String, Vec<Instance>)>) {
    let mut expanded: Vec<(String, Vec<Instance>)> = Vec::new();
    let late = |key: &str| {
        plan.jobs.iter().any(|planned| planned.job.id == key && planned.expansion == davit_ci::Expansion::AfterNeeds)
    };
    let mut all = Vec::with_capacity(jobs.len());
    for job in jobs {
        let instance = instance(job);
        all.push(JobProgress {
            job: job.key.clone(),
            index: job.index,
            state: match job.state {
                JobState::Queued => Progress::Waiting,
                JobState::Running => Progress::Running,
                JobState::Success => Progress::Ended(Conclusion::Success),
                JobState::Failure => Progress::Ended(Conclusion::Failure),
                JobState::Cancelled => Progress::Ended(Conclusion::Cancelled),
                JobState::TimedOut => Progress::Ended(Conclusion::TimedOut),
                JobState::Skipped => Progress::Ended(Conclusion::Skipped),
                JobState::Error => Progress::Ended(Conclusion::Error),
            },
            outputs: outputs(job),
            continue_on_error: instance.as_ref().is_some_and(|instance| instance.continue_on_error),
        });
        if let (true, Some(instance)) = (late(&job.key), instance) {
            match expanded.last_mut().filter(|(key, _)| *key == job.key) {
                Some((_, instances)) => instances.push(instance),
                // The others are of an earlier attempt while the first is not known.
                None if job.index == 0 => expanded.push((job.key.clone(), vec![instance])),
                None => {}
            }
        }
    }
    (all, expanded)
}

/// The combination that a job is; `None` while it is not known.
pub(super) fn instance(job: &CiJob) -> Option<Instance> {
    serde_json::from_value(job.instance.clone()).ok()
}

fn outputs(job: &CiJob) -> Vec<(String, String)> {
    let object = job.outputs.as_object();
    let entries = object.into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

const fn run_state(conclusion: Conclusion) -> RunState {
    match conclusion {
        Conclusion::Success => RunState::Success,
        Conclusion::Failure => RunState::Failure,
        Conclusion::Cancelled => RunState::Cancelled,
        Conclusion::TimedOut => RunState::TimedOut,
        Conclusion::Skipped => RunState::Skipped,
        Conclusion::Error => RunState::Error,
    }
}

/// The reason of a run that did not succeed: who cancelled it, or the first job that it failed of.
fn why(jobs: &[CiJob], end: Conclusion, cancelled: Option<&str>) -> Option<String> {
    let of = |state: JobState| jobs.iter().find(|job| job.state == state);
    let job = match end {
        Conclusion::Success | Conclusion::Skipped => return None,
        Conclusion::Cancelled => match cancelled {
            Some(reason) => return Some(reason.to_owned()),
            None => of(JobState::Cancelled),
        },
        Conclusion::Failure => of(JobState::Failure),
        Conclusion::TimedOut => of(JobState::TimedOut),
        Conclusion::Error => of(JobState::Error),
    }?;
    Some(match &job.reason {
        Some(reason) => format!("{}: {reason}", job.name),
        None => job.name.clone(),
    })
}

/// Whether a label is one that this davit runs jobs for; `*` at the end of a known one stands for anything.
fn label_matches(known: &str, label: &str) -> bool {
    let (known, label) = (known.to_ascii_lowercase(), label.to_ascii_lowercase());
    match known.strip_suffix('*') {
        Some(start) => label.starts_with(start),
        None => known == label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_matched_whatever_their_case() {
        assert!(label_matches("ubuntu-*", "Ubuntu-24.04"));
        assert!(label_matches("linux", "LINUX"));
        assert!(!label_matches("linux", "linux-arm"));
        assert!(!label_matches("ubuntu-*", "windows-latest"));
    }
}
