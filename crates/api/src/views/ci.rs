//! Runs, their jobs and what they left.

use crate::words;
use davit_domain::ci::{JobState, RunState};
use davit_domain::config::Configuration;
use davit_store::ci_annotations::RunAnnotation;
use davit_store::ci_jobs::CiJob;
use davit_store::ci_runs::Run;
use davit_store::ci_steps::CiStep;
use serde::Serialize;
use utoipa::ToSchema;

/// A CI run of one workflow on one commit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunView {
    pub(crate) id: i64,
    forge: String,
    repository: String,
    workflow: String,
    workflow_file: String,
    title: String,
    #[schema(value_type = words::Trigger)]
    trigger: &'static str,
    git_ref: Option<String>,
    head_sha: String,
    /// The forge's number of the change that it tests.
    change: Option<i64>,
    from_fork: bool,
    by: String,
    #[schema(value_type = words::RunState)]
    pub(crate) state: &'static str,
    reason: Option<String>,
    attempt: i64,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// The newer run that took its place.
    superseded_by: Option<i64>,
    approved_by: Option<String>,
}

impl RunView {
    /// Repositories are called as they are declared, where they still are.
    pub(crate) fn new(run: &Run, configuration: &Configuration) -> Self {
        let declared = configuration.repository(&run.forge, &run.repository);
        Self {
            id: run.id.0,
            forge: run.forge.to_string(),
            repository: declared.map_or_else(|| run.repository.clone(), |declared| declared.name.clone()),
            workflow: run.workflow.clone(),
            workflow_file: run.workflow_file.clone(),
            title: run.title.clone(),
            trigger: run.trigger.as_str(),
            git_ref: run.git_ref.clone(),
            head_sha: run.head.to_string(),
            change: run.change,
            from_fork: run.from_fork,
            by: run.by.clone(),
            state: run.state.as_str(),
            reason: run.reason.clone(),
            attempt: run.attempt,
            created_at: run.created_at.to_string(),
            started_at: run.started_at.map(|at| at.to_string()),
            ended_at: run.ended_at.map(|at| at.to_string()),
            superseded_by: run.superseded_by.map(|id| id.0),
            approved_by: run.approved_by.clone(),
        }
    }
}

/// One attempt at a job of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct JobView {
    id: i64,
    /// Its key in the workflow.
    key: String,
    name: String,
    /// Which instance of its matrix, from 0.
    index: usize,
    attempt: i64,
    #[schema(value_type = words::JobState)]
    state: &'static str,
    reason: Option<String>,
    /// The keys of the jobs it needs.
    needs: Vec<String>,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    environment: Option<String>,
    steps: Vec<CiStepView>,
    /// Whether no newer attempt has taken its place.
    latest: bool,
}

/// A step of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CiStepView {
    /// From 0; lines of the log name it.
    number: u32,
    name: String,
    #[schema(value_type = words::StepState)]
    state: &'static str,
    exit_code: Option<i32>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl JobView {
    /// One of a run's attempts at jobs; `all` are they.
    pub(crate) fn new(job: &CiJob, steps: &[CiStep], all: &[CiJob]) -> Self {
        let is_newer = |other: &CiJob| other.key == job.key && other.index == job.index && other.attempt > job.attempt;
        Self {
            id: job.id.0,
            key: job.key.clone(),
            name: job.name.clone(),
            index: job.index,
            attempt: job.attempt,
            state: job.state.as_str(),
            reason: job.reason.clone(),
            needs: job.needs.clone(),
            created_at: job.created_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            ended_at: job.ended_at.map(|at| at.to_string()),
            environment: job.environment.clone(),
            steps: steps.iter().map(CiStepView::from).collect(),
            latest: !all.iter().any(is_newer),
        }
    }
}

impl From<&CiStep> for CiStepView {
    fn from(step: &CiStep) -> Self {
        Self {
            number: step.number,
            name: step.name.clone(),
            state: step.state.as_str(),
            exit_code: step.exit_code,
            started_at: step.started_at.map(|at| at.to_string()),
            ended_at: step.ended_at.map(|at| at.to_string()),
        }
    }
}

/// What a job or a workflow file has to say about a place in the commit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AnnotationView {
    /// None: the workflow file itself.
    job_id: Option<i64>,
    #[schema(value_type = words::AnnotationLevel)]
    level: &'static str,
    file: Option<String>,
    line: Option<u32>,
    end_line: Option<u32>,
    column: Option<u32>,
    title: Option<String>,
    message: String,
}

impl From<RunAnnotation> for AnnotationView {
    fn from(RunAnnotation { job, annotation }: RunAnnotation) -> Self {
        Self {
            job_id: job.map(|job| job.0),
            level: annotation.level.as_str(),
            file: annotation.file,
            line: annotation.line,
            end_line: annotation.end_line,
            column: annotation.column,
            title: annotation.title,
            message: annotation.message,
        }
    }
}

/// What the caller may do with a run now.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct RunAllowed {
    cancel: bool,
    retry: bool,
    approve: bool,
}

impl RunAllowed {
    /// What the state lets happen, for somebody who may `run` workflows, or `approve` those of forks.
    pub(crate) const fn new(state: RunState, run: bool, approve: bool) -> Self {
        let waits = matches!(state, RunState::AwaitingApproval);
        Self { cancel: run && !state.is_final(), retry: run && state.is_final(), approve: approve && waits }
    }
}

/// The state of a job that has ended.
pub(crate) fn ended(state: JobState) -> Option<&'static str> {
    state.is_final().then(|| state.as_str())
}
