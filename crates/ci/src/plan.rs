//! What an event makes of a workflow: jobs in the order of their needs, each with the combinations of its matrix.
//!
//! Conditions, steps, environments and containers stay expressions: they depend on what happens in the run. A plan is
//! complete in itself and can be stored as JSON. Accepted: a job whose matrix, name or labels look at `needs` is
//! expanded only when those are there ([`Expansion::AfterNeeds`], then [`expand`]).

use crate::event::{Event, InputError, Selection};
use crate::expression::Template;
use crate::expression::{Contexts, EvaluationError, Root};
use crate::matrix::{MatrixError, shown};
use crate::model::{Concurrency, Defaults, Job, Permissions, Workflow};
use crate::named::Named;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// A job's name is cut to this many characters, as GitHub's are.
const LONGEST_NAME: usize = 100;

/// What to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The workflow's file.
    pub file: String,
    /// The workflow's name, or its file where it has none.
    pub workflow: String,
    /// What this run is called, where the workflow says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// The event, as `github.event_name` has it.
    pub event: String,
    /// The context `inputs`.
    pub inputs: Value,
    /// The group of the run, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Group>,
    /// The workflow's `permissions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// The workflow's `env`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub env: Named<Template>,
    /// The workflow's `defaults.run`.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// The jobs, each behind those that it needs.
    pub jobs: Vec<PlannedJob>,
}

/// A job of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// What it is made of.
    pub expansion: Expansion,
    /// The job as it is written.
    pub job: Job,
}

/// What a job is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expansion {
    /// These. A job without a matrix is one.
    Now(Vec<Instance>),
    /// Known when the jobs that it needs are done: call [`expand`] then.
    AfterNeeds,
}

/// One combination of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// What it is called, as GitHub calls it: `build (linux, 20)`.
    pub name: String,
    /// The context `matrix`; null without a matrix.
    pub matrix: Value,
    /// The context `strategy`.
    pub strategy: Value,
    /// Whether the failure of one cancels the others of the job.
    pub fail_fast: bool,
    /// How many of the job run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<usize>,
    /// The labels of runners.
    pub runs_on: Vec<String>,
    /// After how many minutes it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<f64>,
    /// Whether its failure leaves the run green.
    pub continue_on_error: bool,
    /// Its group, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Group>,
    /// Whose secrets and variables it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// Of one group, one runs at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Whether the one that runs is cancelled; otherwise the new one waits.
    pub cancel_in_progress: bool,
}

/// What becomes of a workflow on an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It runs.
    Runs(Box<Plan>),
    /// It does not, and why; never [`Selection::Runs`].
    Not(Selection),
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// What was entered can't be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inputs(Vec<InputError>),
    /// An expression about the whole run has no value.
    #[error("{file}: {error}")]
    Workflow {
        /// The workflow's file.
        file: String,
        /// What happened.
        error: EvaluationError,
    },
    /// A job has no combinations.
    #[error("the job `{job}` at line {line}: {error}")]
    Job {
        /// The id of the job.
        job: String,
        /// Its line in the file.
        line: usize,
        /// What happened.
        error: MatrixError,
    },
}

/// Decides whether `workflow` runs on `event`, and with which jobs. `contexts` has `github` and `vars`; `inputs` is
/// made here.
///
/// # Errors
///
/// When inputs are missing or wrong, or something that must be known before the run has no value.
pub fn plan(workflow: &Workflow, event: &Event, contexts: &Contexts<'_>) -> Result<Decision, PlanError> {
    let selection = workflow.on.select(event);
    if selection != Selection::Runs {
        return Ok(Decision::Not(selection));
    }
    let inputs = workflow.on.inputs(event).map_err(PlanError::Inputs)?;
    let contexts = contexts.clone().with(Root::Inputs, inputs.clone());
    let failed = |error| PlanError::Workflow { file: workflow.file.clone(), error };
    let run_name = workflow.run_name.as_ref().map(|name| name.render(&contexts)).transpose().map_err(failed)?;
    let concurrency = workflow.concurrency.as_ref().map(|group| self::group(group, &contexts)).transpose();
    let jobs = workflow.jobs.iter().map(|job| planned(job, &contexts)).collect::<Result<_, _>>()?;
    Ok(Decision::Runs(Box::new(Plan {
        file: workflow.file.clone(),
        workflow: workflow.name.clone().unwrap_or_else(|| workflow.file.clone()),
        run_name,
        event: event.name().to_owned(),
        inputs,
        concurrency: concurrency.map_err(failed)?,
        permissions: workflow.permissions.clone(),
        env: workflow.env.clone(),
        defaults: workflow.defaults.clone(),
        jobs,
    })))
}

/// The combinations of a job. `contexts` has `github`, `vars`, `inputs`, and `needs` once the needed jobs are done.
///
/// # Errors
///
/// When an expression has no value, or none yet ([`EvaluationError::NotYet`]), or the matrix can't be used.
pub fn expand(job: &Job, contexts: &Contexts<'_>) -> Result<Vec<Instance>, MatrixError> {
    let combinations = match &job.strategy.matrix {
        Some(matrix) => matrix.combinations(contexts)?,
        None => vec![Value::Null],
    };
    let fail_fast = job.strategy.fail_fast.as_ref().map_or(Ok(true), |flag| flag.evaluate(contexts))?;
    let max_parallel = job.strategy.max_parallel.as_ref().map(|number| number.evaluate(contexts)).transpose()?;
    let total = combinations.len();
    let max_parallel = max_parallel.map(whole);
    let instance = |(index, matrix)| {
        let strategy = strategy(index, total, fail_fast, max_parallel);
        let contexts = contexts.clone().with(Root::Matrix, matrix).with(Root::Strategy, strategy);
        instance(job, &contexts, fail_fast, max_parallel)
    };
    Ok(combinations.into_iter().enumerate().map(instance).collect::<Result<_, EvaluationError>>()?)
}

fn planned(job: &Job, contexts: &Contexts<'_>) -> Result<PlannedJob, PlanError> {
    let expansion = match expand(job, contexts) {
        Ok(instances) => Expansion::Now(instances),
        Err(MatrixError::Evaluation(EvaluationError::NotYet { root: Root::Needs, .. })) => Expansion::AfterNeeds,
        Err(error) => return Err(PlanError::Job { job: job.id.clone(), line: job.place.line, error }),
    };
    Ok(PlannedJob { expansion, job: job.clone() })
}

/// One combination; `contexts` has its `matrix` and `strategy`.
fn instance(
    job: &Job,
    contexts: &Contexts<'_>,
    fail_fast: bool,
    max_parallel: Option<usize>,
) -> Result<Instance, EvaluationError> {
    let matrix = contexts.get(Root::Matrix).cloned().unwrap_or_default();
    let timeout_minutes = job.timeout_minutes.as_ref().map(|minutes| minutes.evaluate(contexts)).transpose()?;
    Ok(Instance {
        name: name(job, &matrix, contexts)?,
        strategy: contexts.get(Root::Strategy).cloned().unwrap_or_default(),
        matrix,
        fail_fast,
        max_parallel,
        runs_on: job.runs_on.labels(contexts)?,
        timeout_minutes,
        continue_on_error: job.continue_on_error.as_ref().map_or(Ok(false), |flag| flag.evaluate(contexts))?,
        concurrency: job.concurrency.as_ref().map(|group| self::group(group, contexts)).transpose()?,
        environment: job.environment.as_ref().map(|own| own.name.render(contexts)).transpose()?,
    })
}

/// The name as written where it has expressions; otherwise with the values of the combination behind it.
fn name(job: &Job, matrix: &Value, contexts: &Contexts<'_>) -> Result<String, EvaluationError> {
    let written = job.name.as_ref().filter(|name| !name.source().is_empty());
    let name = match written {
        Some(template) if !template.is_literal() => template.render(contexts)?,
        written => {
            let base = written.map_or(job.id.as_str(), Template::source);
            let values = shown(matrix);
            if values.is_empty() { base.to_owned() } else { format!("{base} ({})", values.join(", ")) }
        }
    };
    if name.chars().count() <= LONGEST_NAME {
        return Ok(name);
    }
    let start: String = name.chars().take(LONGEST_NAME - 3).collect();
    Ok(format!("{start}..."))
}

#[expect(clippy::cast_precision_loss, reason = "there are at most 256 jobs")]
fn strategy(index: usize, total: usize, fail_fast: bool, max_parallel: Option<usize>) -> Value {
    Value::object([
        ("fail-fast", Value::Bool(fail_fast)),
        ("job-index", Value::Number(index as f64)),
        ("job-total", Value::Number(total as f64)),
        ("max-parallel", Value::Number(max_parallel.unwrap_or(total) as f64)),
    ])
}

/// A number above zero as a count; a part of one counts as one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 256 when it is cast")]
fn whole(number: f64) -> usize {
    number.clamp(1.0, crate::matrix::MOST_COMBINATIONS as f64) as usize
}

fn group(concurrency: &Concurrency, contexts: &Contexts<'_>) -> Result<Group, EvaluationError> {
    let name = concurrency.group.render(contexts)?;
    Ok(Group { name, cancel_in_progress: concurrency.cancel_in_progress.evaluate(contexts)? })
}
