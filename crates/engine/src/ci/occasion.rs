//! Making runs: an occasion and the workflow files that count become runs with jobs and statuses, in one transaction.

use super::contexts::{self, Facts};
use super::event::Subject;
use super::files::{Mistakes, WorkflowFile};
use crate::{Engine, EngineError};
use davit_ci::{Contexts, Decision, Expansion, Instance, Plan, PlanError, PlannedJob, Root, Selection, Workflow};
use davit_domain::ci::{Annotation, AnnotationLevel, JobState, RunState, Trigger, tell_apart};
use davit_domain::config::RepositorySettings;
use davit_domain::ids::{CommitSha, RunId};
use davit_store::Tx;
use davit_store::ci_jobs::NewCiJob;
use davit_store::ci_runs::{NewRun, PlannedRun, Run, RunFilter, RunPlan};
use serde_json::{Value, json};

/// Whether a run may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It may.
    Now,
    /// It is of a fork, and a person has to look at its commit before.
    Held,
}

/// Something that workflows may run on, with all that is known of it.
#[derive(Debug, Clone)]
pub(super) struct Occasion {
    pub(super) settings: RepositorySettings,
    pub(super) trigger: Trigger,
    /// What happened to the change, in GitHub's word; empty for other triggers.
    pub(super) action: String,
    /// `github.ref`.
    pub(super) git_ref: String,
    pub(super) head: CommitSha,
    pub(super) base: Option<CommitSha>,
    pub(super) change: Option<i64>,
    pub(super) from_fork: bool,
    pub(super) by: String,
    pub(super) title: String,
    pub(super) subject: Subject,
    /// As workflow files see it.
    pub(super) event: davit_ci::Event,
    /// What the keys of its runs begin with.
    pub(super) key: String,
    pub(super) asked: Asked,
    /// Who approved this commit of a fork before.
    pub(super) approved_by: Option<String>,
}

/// Why a run does not begin.
const WAITS: &str = "a person has to look at this commit of a fork before it runs";

impl Engine {
    /// Makes the runs of an occasion, of every file that applies. Those that were made before with the same key are
    /// found again.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn make_runs(
        &self,
        occasion: &Occasion,
        files: &[WorkflowFile],
    ) -> Result<Vec<RunId>, EngineError> {
        let files: Vec<&WorkflowFile> = files.iter().filter(|file| occasion.applies(file)).collect();
        if self.is_old_news(occasion).await? {
            return Ok(Vec::new());
        }
        let mut tx = self.store().begin().await?;
        let outdated = match occasion.change {
            Some(number) if occasion.trigger == Trigger::PullRequest => {
                let open = tx.open_runs_of_change(&occasion.settings.forge, &occasion.settings.name, number).await?;
                if self.is_overtaken(&mut tx, occasion, &open).await? {
                    return Ok(Vec::new());
                }
                open
            }
            Some(_) | None => Vec::new(),
        };
        let (mut made, mut new) = (Vec::new(), Vec::new());
        for file in files {
            let (id, existed) = self.make_run(&mut tx, occasion, file).await?;
            made.push(id);
            if !existed {
                new.push((id, file));
            }
        }
        self.end_outdated(&mut tx, occasion, outdated, &new).await?;
        for (id, _) in &new {
            self.advance_run(&mut tx, *id).await?;
        }
        tx.commit().await?;
        self.queue().wake();
        for id in &made {
            self.tell_of_run(*id);
        }
        Ok(made)
    }

    /// Whether runs of a later delivery about the same change are there: this one came late.
    async fn is_overtaken(&self, tx: &mut Tx, occasion: &Occasion, open: &[Run]) -> Result<bool, EngineError> {
        for run in open.iter().filter(|run| run.trigger == Trigger::PullRequest && run.head != occasion.head) {
            if occasion.is_older_than(tx.run_plan(run.id).await?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same of runs that have ended by now.
    async fn is_old_news(&self, occasion: &Occasion) -> Result<bool, EngineError> {
        if occasion.trigger != Trigger::PullRequest || occasion.subject.delivery.is_none() {
            return Ok(false);
        }
        let filter = RunFilter {
            forge: Some(occasion.settings.forge.clone()),
            repository: Some(occasion.settings.name.clone()),
            change: occasion.change,
            trigger: Some(Trigger::PullRequest),
            ..RunFilter::default()
        };
        let Some(newest) = self.store().runs(&filter, None, 1).await?.pop() else { return Ok(false) };
        let plan = self.store().run_plan(newest.id).await?;
        Ok(newest.head != occasion.head && plan.is_some_and(|plan| occasion.is_older_than(plan)))
    }

    /// Makes a run of a file, with its jobs where it may begin; or finds the one that was made before (`true`).
    pub(super) async fn make_run(
        &self,
        tx: &mut Tx,
        occasion: &Occasion,
        file: &WorkflowFile,
    ) -> Result<(RunId, bool), EngineError> {
        let (state, reason) = match occasion.asked {
            Asked::Now => (RunState::Queued, None),
            Asked::Held => (RunState::AwaitingApproval, Some(WAITS.to_owned())),
        };
        let subject = serde_json::to_value(&occasion.subject);
        let new = NewRun {
            forge: occasion.settings.forge.clone(),
            repository: occasion.settings.name.clone(),
            workflow_file: file.path.clone(),
            workflow: file.name.clone(),
            title: occasion.title.clone(),
            trigger: occasion.trigger,
            action: occasion.action.clone(),
            git_ref: Some(occasion.git_ref.clone()),
            head: occasion.head.clone(),
            base: occasion.base.clone(),
            change: occasion.change,
            from_fork: occasion.from_fork,
            by: occasion.by.clone(),
            state,
            reason,
            group: None,
            cancel_in_progress: false,
            plan: Value::Null,
            event: subject.map_err(|error| EngineError::Unavailable(error.to_string()))?,
            idempotency_key: Some(format!(
                "{} {} {} {}",
                occasion.settings.forge, occasion.subject.web.name, occasion.key, file.path
            )),
            created_at: self.now(),
        };
        let (id, existed) = tx.insert_run(&new).await?;
        if existed {
            return Ok((id, true));
        }
        if let Some(by) = &occasion.approved_by {
            tx.approve_run(id, by, self.now()).await?;
        }
        let run = Run { repository: new.repository, ..tx.lock_run(id).await? };
        self.feed_run(tx, &run, &run.by, "run_made", None).await?;
        match occasion.asked {
            Asked::Now => self.fill_run(tx, &run, occasion, file).await?,
            Asked::Held => self.tell_run(tx, &run, state, None).await?,
        }
        Ok((id, false))
    }

    /// Plans a run that has a number by now, and makes its jobs. What is wrong with its file ends it.
    pub(super) async fn fill_run(
        &self,
        tx: &mut Tx,
        run: &Run,
        occasion: &Occasion,
        file: &WorkflowFile,
    ) -> Result<(), EngineError> {
        let workflow = match &file.workflow {
            Ok(workflow) => workflow,
            Err(mistakes) => return self.refuse_file(tx, run, annotations(&file.path, mistakes)).await,
        };
        match plan_of(run, occasion, workflow) {
            Ok(Decision::Runs(mut plan)) => {
                name_apart(&mut plan);
                self.begin_run(tx, run, occasion, &plan).await
            }
            Ok(Decision::Not(_)) => {
                // Only an approved commit gets here, whose own file has no such trigger: nothing was tested, so not green.
                let reason = "the commit's workflow does not run on this any more";
                tx.set_run_state(run.id, RunState::Failure, Some(reason), self.now()).await?;
                self.feed_run(tx, run, "davit", "run_ended", Some(reason)).await?;
                self.tell_run(tx, run, RunState::Failure, Some(reason)).await
            }
            Err(error) => {
                let line = match &error {
                    PlanError::Job { line, .. } => u32::try_from(*line).ok(),
                    PlanError::Inputs(_) | PlanError::Workflow { .. } => None,
                };
                self.refuse_file(tx, run, vec![mistake(&file.path, line, None, error.to_string())]).await
            }
        }
    }

    async fn begin_run(&self, tx: &mut Tx, run: &Run, occasion: &Occasion, plan: &Plan) -> Result<(), EngineError> {
        let group = plan.concurrency.as_ref();
        let title = plan.run_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&occasion.title);
        let stored = serde_json::to_value(plan).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let planned = PlannedRun {
            workflow: &run.workflow,
            title,
            group: group.map(|group| group.name.as_str()),
            cancel_in_progress: group.is_some_and(|group| group.cancel_in_progress),
            plan: &stored,
        };
        tx.set_run_plan(run.id, &planned).await?;
        for planned in &plan.jobs {
            for new in new_jobs(run.id, planned, &occasion.settings, self.now()) {
                let is_known = !new.instance.is_null();
                let id = tx.insert_job(&new).await?;
                if let (true, Some(job)) = (is_known, tx.job(id).await?) {
                    self.tell_job(tx, run, &job, JobState::Queued, None).await?;
                }
            }
        }
        self.tell_run(tx, run, RunState::Queued, None).await
    }

    async fn refuse_file(&self, tx: &mut Tx, run: &Run, mistakes: Vec<Annotation>) -> Result<(), EngineError> {
        let reason = match mistakes.as_slice() {
            [only] => format!("{}: {}", run.workflow_file, only.message),
            many => format!("{} has {} mistakes", run.workflow_file, many.len()),
        };
        for mistake in &mistakes {
            tx.add_annotation(run.id, None, mistake).await?;
        }
        tx.set_run_state(run.id, RunState::Failure, Some(&reason), self.now()).await?;
        self.feed_run(tx, run, "davit", "run_ended", Some(&reason)).await?;
        self.tell_run(tx, run, RunState::Failure, Some(&reason)).await
    }

    /// Older runs of a change end: those of other commits, and of this one those that are made anew.
    async fn end_outdated(
        &self,
        tx: &mut Tx,
        occasion: &Occasion,
        outdated: Vec<Run>,
        new: &[(RunId, &WorkflowFile)],
    ) -> Result<(), EngineError> {
        let is_closed = occasion.action == "closed";
        for old in outdated {
            let same_file = new.iter().find(|(_, file)| file.path == old.workflow_file).map(|(id, _)| *id);
            let is_older_commit = old.trigger == Trigger::PullRequest && old.head != occasion.head && !is_closed;
            if new.iter().any(|(id, _)| *id == old.id) || !(is_older_commit || same_file.is_some()) {
                continue;
            }
            if let Some(by) = same_file.or(new.first().map(|(id, _)| *id)) {
                tx.supersede_run(old.id, by).await?;
            }
            let reason = match is_older_commit {
                true => format!("{} is newer", occasion.head.short()),
                false => "it runs anew".to_owned(),
            };
            self.end_run(tx, old.id, &reason).await?;
        }
        Ok(())
    }
}

impl Occasion {
    /// Whether a workflow runs on it.
    pub(super) fn applies(&self, file: &WorkflowFile) -> bool {
        match &file.workflow {
            Ok(workflow) => workflow.on.select(&self.event) == Selection::Runs,
            Err(_) => may_apply(self),
        }
    }

    /// Whether another run began with a later delivery.
    fn is_older_than(&self, other: RunPlan) -> bool {
        let subject: Option<Subject> = serde_json::from_value(other.event).ok();
        subject.is_some_and(|subject| subject.delivery > self.subject.delivery)
    }
}

/// A file that can't be read says nothing about when it runs: its mistakes are shown where most workflows run, and
/// nothing lands that it may have been there to test.
fn may_apply(occasion: &Occasion) -> bool {
    match occasion.trigger {
        Trigger::Push => occasion.git_ref.starts_with("refs/heads/"),
        Trigger::PullRequest => matches!(occasion.action.as_str(), "opened" | "reopened" | "synchronize"),
        Trigger::Queue => true,
        Trigger::Manual | Trigger::Schedule => false,
    }
}

/// The plan of a run that has a number.
fn plan_of(run: &Run, occasion: &Occasion, workflow: &Workflow) -> Result<Decision, PlanError> {
    let facts = Facts {
        subject: &occasion.subject,
        run: run.id,
        attempt: run.attempt,
        workflow: &run.workflow,
        workflow_file: &run.workflow_file,
        git_ref: &occasion.git_ref,
        head: &occasion.head,
        actor: &occasion.by,
        job: None,
    };
    let contexts = Contexts::new()
        .with(Root::Github, contexts::github(&facts))
        .with(Root::Vars, contexts::vars(&occasion.settings, None));
    davit_ci::plan(workflow, &occasion.event, &contexts)
}

/// Gives jobs of one name the keys that tell them apart, and combinations of one job their numbers: each has a status of
/// its own. A job whose combinations are not known yet is named when they are.
fn name_apart(plan: &mut Plan) {
    let mut named = Vec::new();
    for planned in &plan.jobs {
        let Expansion::Now(instances) = &planned.expansion else { continue };
        for (number, instance) in (1..).zip(instances) {
            let mark = match instances.len() {
                1 => planned.job.id.clone(),
                _ => format!("{} {number}", planned.job.id),
            };
            named.push((instance.name.clone(), mark));
        }
    }
    let named: Vec<(&str, &str)> = named.iter().map(|(name, mark)| (name.as_str(), mark.as_str())).collect();
    let mut names = tell_apart(&named).into_iter();
    for planned in &mut plan.jobs {
        let Expansion::Now(instances) = &mut planned.expansion else { continue };
        for (instance, name) in instances.iter_mut().zip(names.by_ref()) {
            instance.name = name;
        }
    }
}

/// The rows of a job: one a combination, and a single one while the combinations are not known.
fn new_jobs(
    run: RunId,
    planned: &PlannedJob,
    settings: &RepositorySettings,
    at: davit_domain::time::Timestamp,
) -> Vec<NewCiJob> {
    match &planned.expansion {
        Expansion::Now(instances) => {
            let instances = instances.iter().enumerate();
            instances.map(|(index, instance)| new_job(run, planned, Some(instance), index, 1, settings, at)).collect()
        }
        Expansion::AfterNeeds => vec![new_job(run, planned, None, 0, 1, settings, at)],
    }
}

/// One attempt at one combination of a job; `None`: the combinations are not known yet.
pub(super) fn new_job(
    run: RunId,
    planned: &PlannedJob,
    instance: Option<&Instance>,
    index: usize,
    attempt: i64,
    settings: &RepositorySettings,
    at: davit_domain::time::Timestamp,
) -> NewCiJob {
    let job = &planned.job;
    NewCiJob {
        run,
        key: job.id.clone(),
        index,
        name: instance.map_or_else(|| job.id.clone(), |instance| instance.name.clone()),
        attempt,
        state: JobState::Queued,
        reason: None,
        needs: job.needs.clone(),
        instance: instance.map_or(Value::Null, |instance| json!(instance)),
        group: instance.and_then(|instance| instance.concurrency.as_ref()).map(|group| group.name.clone()),
        environment: instance.and_then(|instance| instance.environment.clone()),
        executor: match &job.container {
            Some(_) => "container".to_owned(),
            None => settings.executor.as_str().to_owned(),
        },
        created_at: at,
    }
}

fn annotations(path: &str, mistakes: &Mistakes) -> Vec<Annotation> {
    match mistakes {
        Mistakes::Found(diagnostics) => {
            let number = |number: usize| u32::try_from(number).ok();
            let found = diagnostics.as_slice().iter();
            found
                .map(|found| mistake(path, number(found.place.line), number(found.place.column), found.message.clone()))
                .collect()
        }
        Mistakes::TooLarge => vec![mistake(path, None, None, "a workflow file has at most 1 MiB".to_owned())],
    }
}

fn mistake(path: &str, line: Option<u32>, column: Option<u32>, message: String) -> Annotation {
    Annotation {
        level: AnnotationLevel::Error,
        file: Some(path.to_owned()),
        line,
        end_line: None,
        column,
        title: None,
        message,
    }
}
