//! CI: events become runs of workflows, runs become jobs, jobs run in a place of their own.
//!
//! [`plan`] looks which workflows an event means and [`occasion`] makes the runs; [`advance`] says how a run goes on,
//! from the rows alone; [`job`] carries one job out; [`people`] is what people ask for. What has no worker, and what is
//! due, [`reconcile`] and [`schedules`] find by looking.

mod advance;
pub(crate) mod artifacts;
pub(crate) mod caches;
mod contexts;
mod event;
mod files;
mod groups;
mod job;
mod journal;
mod kept;
mod occasion;
mod people;
mod plan;
mod reconcile;
mod retention;
mod schedules;
mod secrets;
mod services;
mod start;
mod status;
mod web;

pub use people::RetryWhat;
pub(crate) use reconcile::runs as reconcile_runs;
pub(crate) use retention::run as run_retention;
pub(crate) use schedules::run as run_schedules;
pub use start::{InputInfo, QueueRun, StartWorkflow, WorkflowInfo};

use crate::Engine;
use crate::queue::Attempt;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Deliveries whose workflows are looked for at the same time: most of it is waiting for git.
const PARALLEL_PLANS: usize = 8;

/// Looks which workflows deliveries mean until the process drains.
pub(crate) async fn run_plans(engine: Engine) {
    let lifecycle = engine.lifecycle();
    let (drain, abort) = (lifecycle.drain_token(), lifecycle.abort_token());
    let own = engine.clone();
    let handler = move |attempt: Attempt, stop: CancellationToken| {
        let engine = own.clone();
        async move { plan::handle(&engine, &attempt, stop).await }
    };
    if let Err(error) = engine.queue().run(plan::KIND, PARALLEL_PLANS, handler, drain, abort).await {
        tracing::error!(%error, "looking for workflows stopped");
    }
}

/// Carries jobs out until the process drains.
pub(crate) async fn run_jobs(engine: Engine) {
    let lifecycle = engine.lifecycle();
    let (drain, abort) = (lifecycle.drain_token(), lifecycle.abort_token());
    let own = engine.clone();
    let handler = move |attempt: Attempt, stop: CancellationToken| {
        let engine = own.clone();
        async move { job::handle(&engine, &attempt, stop).await }
    };
    let parallel = engine.settings().parallel_jobs.max(1);
    if let Err(error) = engine.queue().run(job::KIND, parallel, handler, drain, abort).await {
        tracing::error!(%error, "jobs of runs stopped");
    }
}

/// Takes away what jobs of an earlier process left: its processes, groups, containers and directories.
pub(crate) async fn clean_up(engine: &Engine) {
    for sentence in davit_runner::sweep(&engine.jobs_dir()).await {
        tracing::info!(sentence, "cleared away after an earlier process");
    }
}

/// What this process has looked at already; what it forgets with its end is looked at once more.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashSet<String>>);

impl Seen {
    /// More keys than a look makes; they are forgotten together.
    const MOST: usize = 10_000;

    /// Whether it is the first time.
    pub(crate) fn is_new(&self, key: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= Self::MOST {
            seen.clear();
        }
        seen.insert(key.to_owned())
    }
}

impl Engine {
    /// Where jobs run: one directory each, removed when it ends.
    pub(crate) fn jobs_dir(&self) -> PathBuf {
        self.data_dir().join("jobs")
    }
}
