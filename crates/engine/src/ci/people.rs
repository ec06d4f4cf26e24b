//! What people ask for: cancel, retry, approve, start; and which workflows there are.

use super::advance::{Agenda, instance};
use super::event::{self, Subject};
use super::files::{self, Mistakes, WorkflowFile};
use super::occasion::{Asked, Occasion, new_job};
use super::web::Web;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_ci::{Expansion, InputKind, Plan, PlannedJob};
use davit_domain::ci::{JobState, RunState, Trigger};
use davit_domain::config::RepositorySettings;
use davit_domain::decide::CiWanted;
use davit_domain::event::GitRef;
use davit_domain::ids::{CommitSha, ForgeId, JobId, RunId};
use davit_exec::git::{Mirror, Obtain, Resolved};
use davit_store::Tx;
use davit_store::ci_jobs::{CiJob, NewCiJob};
use davit_store::ci_runs::{Run, RunFilter};
use serde_json::Value;
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

/// A workflow to be started by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWorkflow {
    /// A branch, tag or commit; `None`: the default branch.
    pub reference: Option<String>,
    /// The workflow's file, in full or by its last part.
    pub workflow_file: String,
    /// What was entered, by name.
    pub inputs: Vec<(String, String)>,
}

/// A workflow file of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowInfo {
    /// Its path in the repository.
    pub file: String,
    /// Its name; its path where it has none.
    pub name: String,
    /// Whether a person may start it.
    pub can_start: bool,
    /// What is asked for when a person starts it.
    pub inputs: Vec<InputInfo>,
    /// What is wrong with it, each with its place.
    pub errors: Vec<String>,
}

/// Something that is asked for when a person starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct InputInfo {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether something has to be entered.
    pub required: bool,
    /// What it is where nothing is entered.
    pub default: Option<Value>,
    /// `string`, `boolean`, `number`, `environment` or `choice`.
    pub kind: &'static str,
    /// Of a choice: what there is to choose from.
    pub options: Vec<String>,
}

/// A test of the merge queue: a change merged with its base.
#[derive(Debug, Clone, Copy)]
pub struct QueueRun<'a> {
    /// The change's number at its forge.
    pub change: i64,
    /// The branch it goes to.
    pub base_branch: &'a str,
    /// Where that is.
    pub base: &'a CommitSha,
    /// The test merge; it is in the repository's mirror.
    pub head: &'a CommitSha,
    /// What people read.
    pub title: &'a str,
    /// Who wants the change merged.
    pub by: &'a str,
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
        tx.commit().await?;
        self.queue().wake();
        self.tell_of_run(id);
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
            let reason = "the commit does not have this workflow";
            return self.conclude(tx, run, RunState::Skipped, Some(reason), &mut Agenda::default()).await;
        };
        tx.set_run_state(run.id, RunState::Queued, None, self.now()).await?;
        let run = tx.run(run.id).await?.unwrap_or_else(|| run.clone());
        self.fill_run(tx, &run, occasion, file).await?;
        self.advance_run(tx, run.id).await
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
        let filter = RunFilter {
            forge: Some(forge.clone()),
            repository: Some(wanted.repository.clone()),
            change: wanted.change,
            head: Some(wanted.head.clone()),
            ..RunFilter::default()
        };
        let runs = self.store().runs(&filter, None, 100).await?;
        Ok(runs.into_iter().find_map(|run| run.approved_by))
    }

    /// Starts a workflow.
    ///
    /// # Errors
    /// `NotFound` when there is no such repository or workflow; `Invalid` when it can't be started by people, has
    /// mistakes, or something is wrong with what was entered: the sentence says what.
    pub async fn start_workflow(
        &self,
        forge: &ForgeId,
        repository: &str,
        start: StartWorkflow,
        by: &str,
    ) -> Result<RunId, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let resolved = resolve(&mirror, start.reference.as_deref()).await?;
        let mut objects = mirror.objects()?;
        let files = files::read(&mut objects, &resolved.commit).await?;
        let is_meant = |file: &&WorkflowFile| {
            file.path == start.workflow_file || file.path.rsplit('/').next() == Some(start.workflow_file.as_str())
        };
        let file = files.iter().find(is_meant).ok_or_else(|| {
            EngineError::NotFound(format!("{} has no workflow {}", resolved.commit.short(), start.workflow_file))
        })?;
        let event = davit_ci::Event::Dispatch { inputs: start.inputs.clone() };
        check_start(file, &event)?;
        let git_ref = match (&resolved.branch, &resolved.tag) {
            (Some(branch), _) => GitRef::Branch(branch.clone()).full(),
            (None, Some(tag)) => GitRef::Tag(tag.clone()).full(),
            (None, None) => resolved.commit.to_string(),
        };
        let web = Web::of(self, &settings).await?;
        let occasion = Occasion {
            trigger: Trigger::Manual,
            action: String::new(),
            head: resolved.commit.clone(),
            base: None,
            change: None,
            from_fork: false,
            by: by.to_owned(),
            title: resolved.subject.clone(),
            subject: Subject {
                event: event::of_start(&git_ref, &file.path, &start.inputs, by, &web),
                event_name: event.name().to_owned(),
                head_ref: String::new(),
                base_ref: String::new(),
                web,
                delivery: None,
            },
            git_ref,
            event,
            key: format!("start {:032x}", rand::random::<u128>()),
            asked: Asked::Now,
            approved_by: None,
            settings,
        };
        let made = self.make_runs(&occasion, std::slice::from_ref(file)).await?;
        made.first().copied().ok_or_else(|| EngineError::Invalid(format!("{} can't be started", file.path)))
    }

    /// The workflow files of a repository, as a branch, tag or commit has them; without one, the default branch.
    ///
    /// # Errors
    /// `NotFound` when the repository is not declared; `Invalid` when there is no such reference.
    pub async fn workflows(
        &self,
        forge: &ForgeId,
        repository: &str,
        reference: Option<&str>,
    ) -> Result<Vec<WorkflowInfo>, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let resolved = resolve(&mirror, reference).await?;
        let files = files::read(&mut mirror.objects()?, &resolved.commit).await?;
        Ok(files.into_iter().map(info).collect())
    }

    /// Makes the runs that test a change of the merge queue. None: no workflow tests it.
    ///
    /// # Errors
    /// When git or the store does not answer.
    pub(crate) async fn plan_queue_run(
        &self,
        forge: &ForgeId,
        repository: &str,
        test: QueueRun<'_>,
    ) -> Result<Vec<RunId>, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let files = files::read(&mut mirror.objects()?, test.head).await?;
        let web = Web::of(self, &settings).await?;
        let listens =
            |file: &WorkflowFile| file.workflow.as_ref().is_ok_and(|workflow| workflow.on.merge_group.is_some());
        let event = match files.iter().any(listens) {
            true => davit_ci::Event::MergeGroup { base: test.base_branch.to_owned() },
            false => davit_ci::Event::PullRequest {
                action: "synchronize".to_owned(),
                base: test.base_branch.to_owned(),
                changed: mirror.changed_paths(test.base.as_str(), test.head, false).await?,
                message: String::new(),
            },
        };
        let occasion = Occasion {
            trigger: Trigger::Queue,
            action: "checks_requested".to_owned(),
            git_ref: event::queue_ref(test.base_branch, test.change),
            head: test.head.clone(),
            base: Some(test.base.clone()),
            change: Some(test.change),
            from_fork: false,
            by: test.by.to_owned(),
            title: test.title.to_owned(),
            subject: Subject {
                event: event::of_queue(
                    test.change,
                    (test.base_branch, test.base),
                    test.head,
                    test.by,
                    test.title,
                    &web,
                ),
                event_name: event.name().to_owned(),
                head_ref: String::new(),
                base_ref: test.base_branch.to_owned(),
                web,
                delivery: None,
            },
            event,
            key: format!("queue {} {}", test.base, test.head),
            asked: Asked::Now,
            approved_by: None,
            settings,
        };
        self.make_runs(&occasion, &files).await
    }

    async fn declared(&self, forge: &ForgeId, repository: &str) -> Result<RepositorySettings, EngineError> {
        let configuration = self.store().configuration().await?;
        configuration.repository(forge, repository).cloned().ok_or_else(undeclared)
    }
}

fn undeclared() -> EngineError {
    EngineError::NotFound(
        "davit runs no workflows of this repository: declare it with [[repository]] in davit.toml".into(),
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

fn check_start(file: &WorkflowFile, event: &davit_ci::Event) -> Result<(), EngineError> {
    let workflow = match &file.workflow {
        Ok(workflow) => workflow,
        Err(mistakes) => return Err(EngineError::Invalid(sentences(mistakes).join("\n"))),
    };
    if workflow.on.workflow_dispatch.is_none() {
        let sentence = format!("{} can't be started by people: add `workflow_dispatch` to its `on`", file.path);
        return Err(EngineError::Invalid(sentence));
    }
    workflow
        .on
        .inputs(event)
        .map(drop)
        .map_err(|errors| EngineError::Invalid(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

async fn resolve(mirror: &Mirror, reference: Option<&str>) -> Result<Resolved, EngineError> {
    let cancel = CancellationToken::new();
    mirror.fetch(&nobody_listens(), &cancel).await?;
    let reference = match reference.filter(|reference| !reference.is_empty()) {
        Some(reference) => reference.to_owned(),
        None => {
            let default = mirror.default_branch(&nobody_listens(), &cancel).await?;
            let none = || EngineError::Invalid("the repository has no default branch with a commit: name a ref".into());
            format!("refs/heads/{}", default.ok_or_else(none)?)
        }
    };
    mirror.resolve(&reference).await.map_err(crate::repositories::no_such_ref)
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

fn info(file: WorkflowFile) -> WorkflowInfo {
    let workflow = match &file.workflow {
        Ok(workflow) => workflow,
        Err(mistakes) => {
            let errors = sentences(mistakes);
            return WorkflowInfo {
                name: file.path.clone(),
                file: file.path,
                can_start: false,
                inputs: Vec::new(),
                errors,
            };
        }
    };
    let inputs = workflow.on.workflow_dispatch.iter().flat_map(|dispatch| dispatch.inputs.iter());
    let inputs = inputs.map(|(name, input)| InputInfo {
        name: name.to_owned(),
        description: input.description.clone(),
        required: input.required,
        default: input.default.as_ref().and_then(|value| serde_json::to_value(value).ok()),
        kind: match &input.kind {
            InputKind::String => "string",
            InputKind::Boolean => "boolean",
            InputKind::Number => "number",
            InputKind::Environment => "environment",
            InputKind::Choice(_) => "choice",
        },
        options: match &input.kind {
            InputKind::Choice(options) => options.clone(),
            InputKind::String | InputKind::Boolean | InputKind::Number | InputKind::Environment => Vec::new(),
        },
    });
    WorkflowInfo {
        name: workflow.name.clone().unwrap_or_else(|| file.path.clone()),
        can_start: workflow.on.workflow_dispatch.is_some(),
        inputs: inputs.collect(),
        errors: Vec::new(),
        file: file.path,
    }
}

fn sentences(mistakes: &Mistakes) -> Vec<String> {
    match mistakes {
        Mistakes::Found(diagnostics) => diagnostics.as_slice().iter().map(ToString::to_string).collect(),
        Mistakes::TooLarge => vec!["a workflow file has at most 1 MiB".to_owned()],
    }
}
