//! How a run goes on: which jobs start now, which are left out, and how the whole ended.
//!
//! Functions over what is known of the jobs; whoever calls them starts processes and keeps rows. Calling [`next`] again
//! with the same facts answers the same, so that nothing is lost when the caller was interrupted: a job that was told to
//! end is named until it has ended. Does not live here: groups of `concurrency`, and how many jobs a machine runs.

use crate::expression::{Contexts, Root, Status};
use crate::model::Job;
use crate::plan::{Expansion, Instance, Plan, PlannedJob};
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// How a job, or a run, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Everything in it succeeded.
    Success,
    /// Something in it failed.
    Failure,
    /// Somebody, or the failure of another job of its matrix, ended it.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
    /// It did not run.
    Skipped,
    /// It could not be run, through no fault of its own.
    Error,
}

impl Conclusion {
    /// `needs.<job>.result`: GitHub has four words.
    pub const fn result(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure | Self::TimedOut | Self::Error => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it counts against the run.
    const fn is_failure(self) -> bool {
        matches!(self, Self::Failure | Self::TimedOut | Self::Error)
    }
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It was not started.
    Waiting,
    /// It was started.
    Running,
    /// It ended.
    Ended(Conclusion),
}

/// What is known of one combination of a job. A job that is not expanded yet is the combination 0.
#[derive(Debug, Clone, PartialEq)]
pub struct JobProgress {
    /// The id of the job.
    pub job: String,
    /// Which of its combinations.
    pub index: usize,
    /// Where it is.
    pub state: Progress,
    /// Its outputs, once it ended.
    pub outputs: Vec<(String, String)>,
    /// Whether its failure leaves the run green ([`Instance::continue_on_error`]).
    pub continue_on_error: bool,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Its needs are done: call [`expand`](crate::expand()) with [`needs_value`], keep the combinations, and ask again.
    Expand {
        /// The id of the job.
        job: String,
    },
    /// Start it.
    Start {
        /// The id of the job.
        job: String,
        /// Which of its combinations.
        index: usize,
    },
    /// It does not run.
    Skip {
        /// The id of the job.
        job: String,
        /// Which of its combinations.
        index: usize,
        /// Why, as a sentence.
        reason: String,
    },
    /// It can't run, and counts as failed.
    Fail {
        /// The id of the job.
        job: String,
        /// Which of its combinations.
        index: usize,
        /// Why, as a sentence.
        reason: String,
    },
    /// End it, whether it runs or waits.
    Cancel {
        /// The id of the job.
        job: String,
        /// Which of its combinations.
        index: usize,
        /// Why, as a sentence.
        reason: String,
    },
}

/// What to do now. `expanded` has the combinations of jobs that had to wait for their needs; `base` has `github`, `vars`
/// and `inputs`; `cancelled` says that the run is to end. Jobs that `jobs` says nothing about wait.
///
/// A cancelled run still starts, and goes on with, what has `if: always()` or `if: cancelled()`, as GitHub does it.
pub fn next(
    plan: &Plan,
    jobs: &[JobProgress],
    expanded: &[(String, Vec<Instance>)],
    base: &Contexts<'_>,
    cancelled: bool,
) -> Vec<Next> {
    let run = Run { plan, jobs, expanded };
    plan.jobs.iter().flat_map(|planned| run.next_of(planned, base, cancelled)).collect()
}

/// The context `needs` of a job: the results and outputs of those that it needs itself. Of the combinations of a matrix,
/// a later one's output goes before an earlier one's unless it is empty.
pub fn needs_value(plan: &Plan, job: &Job, jobs: &[JobProgress]) -> Value {
    let needed = plan.jobs.iter().filter(|planned| job.needs.contains(&planned.job.id));
    Value::object(needed.map(|planned| {
        let own = || jobs.iter().filter(|progress| progress.job == planned.job.id);
        let result = joined(own().filter_map(concluded)).map_or("", Conclusion::result);
        let mut outputs: Vec<(String, Value)> = Vec::new();
        let mut in_order: Vec<&JobProgress> = own().collect();
        in_order.sort_by_key(|progress| progress.index);
        for (name, value) in in_order.into_iter().flat_map(|progress| &progress.outputs) {
            match outputs.iter_mut().find(|(known, _)| known == name) {
                Some(_) if value.is_empty() => {}
                Some((_, known)) => *known = Value::from(value.as_str()),
                None => outputs.push((name.clone(), Value::from(value.as_str()))),
            }
        }
        let value = Value::object([("result", Value::from(result)), ("outputs", Value::Object(outputs))]);
        (planned.job.id.clone(), value)
    }))
}

/// How the run ended; [`None`] while a job waits or runs. A failure goes before a cancellation, unless the run itself was
/// `cancelled`.
pub fn conclusion(
    plan: &Plan,
    jobs: &[JobProgress],
    expanded: &[(String, Vec<Instance>)],
    cancelled: bool,
) -> Option<Conclusion> {
    let run = Run { plan, jobs, expanded };
    let ended = plan.jobs.iter().map(|planned| run.concluded(planned)).collect::<Option<Vec<_>>>()?;
    if cancelled && ended.contains(&Conclusion::Cancelled) {
        return Some(Conclusion::Cancelled);
    }
    Some(joined(ended).unwrap_or(Conclusion::Success))
}

/// What is known of a run.
#[derive(Clone, Copy)]
struct Run<'a> {
    plan: &'a Plan,
    jobs: &'a [JobProgress],
    expanded: &'a [(String, Vec<Instance>)],
}

impl<'a> Run<'a> {
    /// The combinations of a job, where they are known.
    fn instances(self, planned: &'a PlannedJob) -> Option<&'a [Instance]> {
        match &planned.expansion {
            Expansion::Now(instances) => Some(instances),
            Expansion::AfterNeeds => {
                let known = self.expanded.iter().find(|(id, _)| *id == planned.job.id);
                known.map(|(_, instances)| instances.as_slice())
            }
        }
    }

    /// Where each combination of a job is; a job that is not expanded is one.
    fn states(self, planned: &'a PlannedJob) -> Vec<Progress> {
        let count = self.instances(planned).map_or(1, <[Instance]>::len);
        let own = |index| self.jobs.iter().find(|one| one.index == index && one.job == planned.job.id);
        (0..count).map(|index| own(index).map_or(Progress::Waiting, |progress| progress.state)).collect()
    }

    /// How a job ended as a whole; [`None`] while one of its combinations did not.
    fn concluded(self, planned: &'a PlannedJob) -> Option<Conclusion> {
        if self.states(planned).iter().any(|state| !matches!(state, Progress::Ended(_))) {
            return None;
        }
        let own = self.jobs.iter().filter(|progress| progress.job == planned.job.id);
        Some(joined(own.filter_map(concluded)).unwrap_or(Conclusion::Skipped))
    }

    fn next_of(self, planned: &'a PlannedJob, base: &Contexts<'_>, cancelled: bool) -> Vec<Next> {
        let states = self.states(planned);
        if states.iter().all(|state| matches!(state, Progress::Ended(_))) {
            return Vec::new();
        }
        if cancelled && !asks_for_status(&planned.job) {
            return ended_early(planned, &states, "the run was cancelled");
        }
        let needed = planned.job.needs.iter().filter_map(|id| self.job(id));
        if needed.into_iter().any(|needed| self.concluded(needed).is_none()) {
            return Vec::new();
        }
        let status = if cancelled { Status::Cancelled } else { self.status(&planned.job) };
        let contexts = base.clone().with_status(status);
        let contexts = contexts.with(Root::Needs, needs_value(self.plan, &planned.job, self.jobs));
        match planned.job.condition.holds(&contexts) {
            Err(error) => waiting(planned, &states, |job, index| Next::Fail {
                job,
                index,
                reason: format!("the condition of the job can't be evaluated: {error}"),
            }),
            Ok(false) if cancelled => ended_early(planned, &states, "the run was cancelled"),
            Ok(false) => {
                let reason = self.why_not(&planned.job, status);
                waiting(planned, &states, |job, index| Next::Skip { job, index, reason: reason.clone() })
            }
            Ok(true) => self.go_on(planned, &states),
        }
    }

    /// The condition holds: what there is of the job goes on.
    fn go_on(self, planned: &'a PlannedJob, states: &[Progress]) -> Vec<Next> {
        let Some(instances) = self.instances(planned) else {
            let waits = states.contains(&Progress::Waiting);
            return if waits { vec![Next::Expand { job: planned.job.id.clone() }] } else { Vec::new() };
        };
        if let Some(failed) = self.failed_fast(planned, instances) {
            let reason = format!("`{failed}` of the same matrix failed, and `fail-fast` is on");
            return ended_early(planned, states, &reason);
        }
        let most = instances.iter().find_map(|instance| instance.max_parallel).unwrap_or(usize::MAX);
        let running = states.iter().filter(|state| **state == Progress::Running).count();
        let mut starts = waiting(planned, states, |job, index| Next::Start { job, index });
        starts.truncate(most.saturating_sub(running));
        starts
    }

    /// The name of a combination whose failure ends the others.
    fn failed_fast(self, planned: &PlannedJob, instances: &'a [Instance]) -> Option<&'a str> {
        let own = self.jobs.iter().filter(|progress| progress.job == planned.job.id);
        let failed = own.filter(|progress| concluded(progress).is_some_and(Conclusion::is_failure));
        let mut failed = failed.filter_map(|progress| instances.get(progress.index));
        failed.find(|instance| instance.fail_fast).map(|instance| instance.name.as_str())
    }

    fn job(self, id: &str) -> Option<&'a PlannedJob> {
        self.plan.jobs.iter().find(|planned| planned.job.id == id)
    }

    /// What `success()` and its like say in the condition of a job: GitHub asks all jobs before it, not only those that
    /// it needs itself.
    fn status(self, job: &Job) -> Status {
        let before = self.before(job);
        let ended = || before.iter().filter_map(|planned| self.concluded(planned));
        if ended().any(Conclusion::is_failure) {
            Status::Failure
        } else if ended().all(|conclusion| conclusion == Conclusion::Success) {
            Status::Success
        } else {
            Status::Skipped
        }
    }

    /// The jobs that a job needs, those that they need, and so on. A plan has jobs behind those that they need.
    fn before(self, job: &Job) -> Vec<&'a PlannedJob> {
        let mut needed: Vec<&str> = job.needs.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        for planned in self.plan.jobs.iter().rev() {
            if needed.iter().any(|id| *id == planned.job.id) {
                needed.extend(planned.job.needs.iter().map(String::as_str));
                found.push(planned);
            }
        }
        found
    }

    fn why_not(self, job: &Job, status: Status) -> String {
        let others = self.before(job).into_iter().rev();
        let not_done = others.filter_map(|planned| Some((planned, self.concluded(planned)?)));
        let first = not_done.into_iter().find(|(_, conclusion)| *conclusion != Conclusion::Success);
        match (first, job.condition.expression()) {
            (Some((planned, conclusion)), _) if status != Status::Success && !asks_for_status(job) => {
                format!("`{}`, which it needs, ended with {}", planned.job.id, conclusion.result())
            }
            (_, Some(expression)) => format!("its condition does not hold: {}", expression.source()),
            (_, None) => "a job before it did not succeed".to_owned(),
        }
    }
}

/// How one combination ended, as others see it.
fn concluded(progress: &JobProgress) -> Option<Conclusion> {
    match progress.state {
        Progress::Ended(conclusion) if conclusion.is_failure() && progress.continue_on_error => {
            Some(Conclusion::Success)
        }
        Progress::Ended(conclusion) => Some(conclusion),
        Progress::Waiting | Progress::Running => None,
    }
}

/// How several ended together: what is worst counts, and what did not run counts only where nothing did.
fn joined(ended: impl IntoIterator<Item = Conclusion>) -> Option<Conclusion> {
    const WORST_FIRST: [Conclusion; 6] = [
        Conclusion::Failure,
        Conclusion::TimedOut,
        Conclusion::Error,
        Conclusion::Cancelled,
        Conclusion::Success,
        Conclusion::Skipped,
    ];
    let ended: Vec<Conclusion> = ended.into_iter().collect();
    WORST_FIRST.into_iter().find(|conclusion| ended.contains(conclusion))
}

fn asks_for_status(job: &Job) -> bool {
    job.condition.expression().is_some_and(crate::Expression::asks_for_status)
}

fn waiting(planned: &PlannedJob, states: &[Progress], what: impl Fn(String, usize) -> Next) -> Vec<Next> {
    let waiting = states.iter().enumerate().filter(|(_, state)| **state == Progress::Waiting);
    waiting.map(|(index, _)| what(planned.job.id.clone(), index)).collect()
}

fn ended_early(planned: &PlannedJob, states: &[Progress], reason: &str) -> Vec<Next> {
    let open = states.iter().enumerate().filter(|(_, state)| !matches!(state, Progress::Ended(_)));
    let cancel = |(index, _)| Next::Cancel { job: planned.job.id.clone(), index, reason: reason.to_owned() };
    open.map(cancel).collect()
}
