//! What people ask of runs: cancel, retry, approve. Starting one is in [`super::start`].

use super::advance::{Agenda, instance};
use super::event::Subject;
use super::files::{self, WorkflowFile};
use super::occasion::{Asked, Occasion, new_job};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_ci::{Expansion, Plan, PlannedJob};
use davit_domain::ci::{JobState, RunState};
use davit_domain::config::RepositorySettings;
use davit_domain::decide::CiWanted;
use davit_domain::ids::{CommitSha, ForgeId, JobId, RunId};
use davit_exec::git::Obtain;
use davit_store::Tx;
use davit_store::ci_jobs::{CiJob, NewCiJob};
use davit_store::ci_runs::{Run, RunFilter};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// Which jobs of a run are to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryWhat {
    /// All.
    All,
    /// Those that did not succeed, and whatever needs them.
    Failed,
    /// This one, and whatever needs it.
    Job(JobId),
}

impl Engine {
    /// Ends a run; steps with `always()` still run.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    pub async fn cancel_run(&self, id: RunId, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let run = tx.lock_run(id).await?;
        if run.state.is_final() {
            return Err(EngineError::Conflict(format!("run {id} has ended: {}", run.state.as_str())));
        }
        self.feed_run(&mut tx, &run, by, "run_cancelled", None).await?;
        self.end_run(&mut tx, id, &format!("cancelled by {by}")).await?;
        tx.commit().await?;
        self.queue().wake();
        self.tell_of_run(id);
        Ok(())
    }

    /// Ends one job of a run.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    pub async fn cancel_job(&self, id: JobId, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let missing = || EngineError::NotFound(format!("job {id} does not exist"));
        let run = tx.job(id).await?.ok_or_else(missing)?.run;
        let run = tx.lock_run(run).await?;
        let job = tx.job(id).await?.ok_or_else(missing)?;
        if job.state.is_final() {
            return Err(EngineError::Conflict(format!("job {id} has ended: {}", job.state.as_str())));
        }
        self.feed_run(&mut tx, &run, by, "job_cancelled", Some(&job.name)).await?;
        self.cancel_row(&mut tx, &run, &job, &format!("cancelled by {by}"), &mut Agenda::default()).await?;
        self.advance_after(&mut tx, run.id, job.group.as_deref()).await?;
        tx.commit().await?;
        self.queue().wake();
        self.tell_of_run(run.id);
        Ok(())
    }

    /// Runs jobs of a run that has ended again, as new attempts; what they said before stays.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has not ended or there is nothing to run again.
    pub async fn retry_run(&self, id: RunId, what: RetryWhat, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let run = tx.lock_run(id).await?;
        if !run.state.is_final() {
            return Err(EngineError::Conflict(format!("run {id} has not ended: cancel it first, or wait")));
        }
        let jobs = tx.jobs_of_run(id).await?;
        if jobs.is_empty() {
            let sentence = "no job of this run can run again: push a commit with a workflow file that is right";
            return Err(EngineError::Conflict(sentence.to_owned()));
        }
        let configuration = tx.read_configuration().await?;
        let settings = configuration.repository(&run.forge, &run.repository).cloned().ok_or_else(undeclared)?;
        let unreadable = |error: serde_json::Error| EngineError::Unavailable(format!("run {id}: {error}"));
        let plan: Plan = serde_json::from_value(tx.run_plan(id).await?.plan).map_err(unreadable)?;
        let again = chosen(&plan, &jobs, what)?;
        let keys: BTreeSet<&str> =
            jobs.iter().filter(|job| again.contains(&job.id)).map(|job| job.key.as_str()).collect();
        tx.bump_attempt(id).await?;
        let run = tx.run(id).await?.unwrap_or(run);
        self.feed_run(&mut tx, &run, by, "run_retried", None).await?;
        for job in &jobs {
            if let (true, Some(planned)) = (again.contains(&job.id), planned(&plan, &job.key)) {
                let has_new_needs = planned.job.needs.iter().any(|need| keys.contains(need.as_str()));
                self.again(&mut tx, &run, job, planned, has_new_needs, &settings).await?;
            }
        }
        self.tell_run(&mut tx, &run, RunState::Queued, None).await?;
        self.advance_run(&mut tx, id).await?;
        tx.commit().await?;
        self.queue().wake();
        self.tell_of_run(id);
        Ok(())
    }

    /// One more attempt at a job. One that depends on what others give is made out anew.
    async fn again(
        &self,
        tx: &mut Tx,
        run: &Run,
        job: &CiJob,
        planned: &PlannedJob,
        has_new_needs: bool,
        settings: &RepositorySettings,
    ) -> Result<(), EngineError> {
        let is_late = planned.expansion == Expansion::AfterNeeds && has_new_needs;
        let instance = instance(job).filter(|_| !is_late);
        if is_late && job.index > 0 {
            return Ok(());
        }
        let new = new_job(run.id, planned, instance.as_ref(), job.index, job.attempt + 1, settings, self.now());
        let is_known = !new.instance.is_null();
        let id = tx.insert_job(&NewCiJob { executor: job.executor.clone(), ..new }).await?;
        if let (true, Some(new)) = (is_known, tx.job(id).await?) {
            self.tell_job(tx, run, &new, JobState::Queued, None).await?;
        }
        Ok(())
    }

    /// Lets the runs of a fork's commit begin, with its own workflow files and with secrets.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it does not wait for that, or `head` is not its commit: somebody looked at another
    /// one.
    pub async fn approve_run(&self, id: RunId, head: &CommitSha, by: &str) -> Result<(), EngineError> {
        let run =
            self.store().run(id).await?.ok_or_else(|| EngineError::NotFound(format!("run {id} does not exist")))?;
        check_approvable(&run, head)?;
        let settings = self.declared(&run.forge, &run.repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let mut objects = mirror.objects()?;
        if !objects.has(&run.head).await? {
            let obtain = Obtain { commit: &run.head, branches: &[], change_ref: None };
            mirror.obtain(obtain, &nobody_listens(), &CancellationToken::new()).await?;
        }
        let message = objects.commit(&run.head).await?.map(|commit| commit.message).unwrap_or_default();
        let files = files::read(&mut objects, &run.head).await?;
        let mut occasion = self.occasion_of(&settings, &run, message).await?;
        if let (Some(base), davit_ci::Event::PullRequest { changed, .. }) = (&run.base, &mut occasion.event) {
            *changed = mirror.changed_paths(base.as_str(), &run.head, true).await?;
        }
        occasion.key = format!("approval {id}");
        occasion.approved_by = Some(by.to_owned());
        let of_commit = self.runs_of_commit(&run.forge, &run.repository, run.change, head).await?;
        let mut tx = self.store().begin().await?;
        check_approvable(&tx.lock_run(id).await?, head)?;
        let Some(number) = run.change else { return Err(EngineError::Conflict("the run is of no change".into())) };
        let open = tx.open_runs_of_change(&run.forge, &run.repository, number).await?;
        let waiting = open.into_iter().filter(|other| other.state == RunState::AwaitingApproval && other.head == *head);
        for run in waiting {
            tx.approve_run(run.id, by, self.now()).await?;
            self.feed_run(&mut tx, &run, by, "run_approved", None).await?;
            self.begin_approved(&mut tx, &run, &occasion, &files).await?;
        }
        let made = self.make_own(&mut tx, &occasion, &files, &of_commit).await?;
        tx.commit().await?;
        self.queue().wake();
        for id in made.into_iter().chain([id]) {
            self.tell_of_run(id);
        }
        Ok(())
    }

    async fn begin_approved(
        &self,
        tx: &mut Tx,
        run: &Run,
        occasion: &Occasion,
        files: &[WorkflowFile],
    ) -> Result<(), EngineError> {
        let Some(file) = files.iter().find(|file| file.path == run.workflow_file) else {
            // Not green: nothing was tested, and the base branch's file says that something should be.
            let reason = "the commit does not have this workflow";
            return self.conclude(tx, run, RunState::Failure, Some(reason), &mut Agenda::default()).await;
        };
        tx.set_run_state(run.id, RunState::Queued, None, self.now()).await?;
        let run = tx.run(run.id).await?.unwrap_or_else(|| run.clone());
        self.fill_run(tx, &run, occasion, file).await?;
        self.advance_run(tx, run.id).await
    }

    /// The runs of files that only the approved commit has, or that run on changes only there: none of them waits.
    async fn make_own(
        &self,
        tx: &mut Tx,
        occasion: &Occasion,
        files: &[WorkflowFile],
        of_commit: &[Run],
    ) -> Result<Vec<RunId>, EngineError> {
        let has_run = |file: &WorkflowFile| of_commit.iter().any(|run| run.workflow_file == file.path);
        let mut made = Vec::new();
        for file in files.iter().filter(|file| occasion.applies(file) && !has_run(file)) {
            // The runs that waited keep the names that the base branch's files gave them.
            let is_taken = of_commit.iter().any(|run| run.workflow.to_lowercase() == file.name.to_lowercase());
            let name = if is_taken { format!("{} ({})", file.name, file.last_part()) } else { file.name.clone() };
            let (id, _) = self.make_run(tx, occasion, &WorkflowFile { name, ..file.clone() }).await?;
            self.advance_run(tx, id).await?;
            made.push(id);
        }
        Ok(made)
    }

    /// The occasion that a stored run of a change began with.
    async fn occasion_of(
        &self,
        settings: &RepositorySettings,
        run: &Run,
        message: String,
    ) -> Result<Occasion, EngineError> {
        let gone = || EngineError::NotFound(format!("run {} does not exist", run.id));
        let stored = self.store().run_plan(run.id).await?.ok_or_else(gone)?;
        let subject: Subject = serde_json::from_value(stored.event)
            .map_err(|error| EngineError::Unavailable(format!("run {}: {error}", run.id)))?;
        Ok(Occasion {
            settings: settings.clone(),
            trigger: run.trigger,
            action: run.action.clone(),
            git_ref: run.git_ref.clone().unwrap_or_default(),
            head: run.head.clone(),
            base: run.base.clone(),
            change: run.change,
            from_fork: run.from_fork,
            by: run.by.clone(),
            title: run.title.clone(),
            event: davit_ci::Event::PullRequest {
                action: run.action.clone(),
                base: subject.base_ref.clone(),
                changed: None,
                message,
            },
            subject,
            key: String::new(),
            asked: Asked::Now,
            approved_by: None,
        })
    }

    /// Who approved this very commit of a change before.
    pub(super) async fn approver(&self, forge: &ForgeId, wanted: &CiWanted) -> Result<Option<String>, EngineError> {
        let runs = self.runs_of_commit(forge, &wanted.repository, wanted.change, &wanted.head).await?;
        Ok(runs.into_iter().find_map(|run| run.approved_by))
    }

    /// The runs of a commit of a change, newest first.
    async fn runs_of_commit(
        &self,
        forge: &ForgeId,
        repository: &str,
        change: Option<i64>,
        head: &CommitSha,
    ) -> Result<Vec<Run>, EngineError> {
        let filter = RunFilter {
            forge: Some(forge.clone()),
            repository: Some(repository.to_owned()),
            change,
            head: Some(head.clone()),
            ..RunFilter::default()
        };
        Ok(self.store().runs(&filter, None, 100).await?)
    }

    pub(super) async fn declared(&self, forge: &ForgeId, repository: &str) -> Result<RepositorySettings, EngineError> {
        let configuration = self.store().configuration().await?;
        configuration.repository(forge, repository).cloned().ok_or_else(undeclared)
    }
}

fn undeclared() -> EngineError {
    EngineError::NotFound(
        "davit runs no workflows of this repository: whoever administers davit adds it in the settings, under Repositories"
            .into(),
    )
}

fn check_approvable(run: &Run, head: &CommitSha) -> Result<(), EngineError> {
    if run.state != RunState::AwaitingApproval {
        let state = run.state.as_str();
        return Err(EngineError::Conflict(format!("run {} does not wait for approval: {state}", run.id)));
    }
    if run.head != *head {
        return Err(EngineError::Conflict(format!(
            "run {} is of {}, not of {}: look at that commit first",
            run.id,
            run.head.short(),
            head.short()
        )));
    }
    Ok(())
}

fn planned<'p>(plan: &'p Plan, key: &str) -> Option<&'p PlannedJob> {
    plan.jobs.iter().find(|planned| planned.job.id == key)
}

/// The jobs that run again, with all that need them.
fn chosen(plan: &Plan, jobs: &[CiJob], what: RetryWhat) -> Result<BTreeSet<JobId>, EngineError> {
    let is_bad = |job: &CiJob| {
        matches!(job.state, JobState::Failure | JobState::Cancelled | JobState::TimedOut | JobState::Error)
    };
    let first: Vec<&CiJob> = match what {
        RetryWhat::All => return Ok(jobs.iter().map(|job| job.id).collect()),
        RetryWhat::Failed => jobs.iter().filter(|job| is_bad(job)).collect(),
        RetryWhat::Job(id) => jobs.iter().filter(|job| job.id == id).collect(),
    };
    if first.is_empty() {
        return Err(EngineError::Conflict(match what {
            RetryWhat::All | RetryWhat::Failed => "no job of this run failed".to_owned(),
            RetryWhat::Job(id) => format!("job {id} is not the newest attempt of a job of this run"),
        }));
    }
    // A plan has jobs behind those that they need.
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    let begun: BTreeSet<&str> = first.iter().map(|job| job.key.as_str()).collect();
    for planned in &plan.jobs {
        if planned.job.needs.iter().any(|need| begun.contains(need.as_str()) || keys.contains(need.as_str())) {
            keys.insert(&planned.job.id);
        }
    }
    let behind = jobs.iter().filter(|job| keys.contains(job.key.as_str()));
    Ok(first.into_iter().chain(behind).map(|job| job.id).collect())
}
