//! Runs, jobs, steps, logs and what they leave behind.

mod artifacts;
mod caches;
pub(crate) mod changes;
mod concurrency;
mod jobs;
mod logs;
mod retention;
mod runs;
mod schedules;

use crate::support::{at, commit, id, sha};
use davit_domain::ci::{JobState, RunState, Trigger};
use davit_domain::ids::{CommitSha, ForgeId, JobId, RunId};
use davit_store::Store;
use davit_store::ci_jobs::NewCiJob;
use davit_store::ci_runs::NewRun;
use serde_json::json;

pub(crate) const REPOSITORY: &str = "acme/shop";

pub(crate) fn hub() -> ForgeId {
    id("hub")
}

pub(crate) fn other_sha() -> CommitSha {
    id(&"9f8e7d6c".repeat(5))
}

/// A push to main, queued.
pub(crate) fn new_run() -> NewRun {
    NewRun {
        forge: hub(),
        repository: "Acme/Shop".into(),
        workflow_file: ".davit/workflows/test.yml".into(),
        workflow: "test".into(),
        title: "Sell more".into(),
        trigger: Trigger::Push,
        action: String::new(),
        git_ref: Some("refs/heads/main".into()),
        head: sha(),
        base: Some(other_sha()),
        change: None,
        from_fork: false,
        by: "alice".into(),
        state: RunState::Queued,
        reason: None,
        group: None,
        cancel_in_progress: false,
        plan: json!({ "jobs": ["build"] }),
        event: json!({ "ref": "refs/heads/main" }),
        idempotency_key: None,
        created_at: at(1),
    }
}

/// A run for the change with this number.
pub(crate) fn run_of_change(number: i64) -> NewRun {
    NewRun {
        trigger: Trigger::PullRequest,
        action: "synchronize".into(),
        git_ref: Some(format!("refs/pull/{number}/head")),
        change: Some(number),
        ..new_run()
    }
}

pub(crate) fn new_job(run: RunId, key: &str, index: usize) -> NewCiJob {
    NewCiJob {
        run,
        key: key.into(),
        index,
        name: format!("{key} ({index})"),
        attempt: 1,
        state: JobState::Queued,
        reason: None,
        needs: vec!["lint".into()],
        instance: json!({ "matrix": { "os": index } }),
        group: None,
        environment: None,
        executor: "sandbox".into(),
        created_at: at(2),
    }
}

pub(crate) async fn make_run(store: &Store, new: &NewRun) -> RunId {
    let (id, existed) = commit!(store, tx => tx.insert_run(new));
    assert!(!existed, "{new:?} was there already");
    id
}

pub(crate) async fn make_job(store: &Store, new: &NewCiJob) -> JobId {
    commit!(store, tx => tx.insert_job(new))
}

/// A job of a new run, taken by a worker, with its fence.
pub(crate) async fn running_job(store: &Store) -> (RunId, JobId, i64) {
    let run = make_run(store, &new_run()).await;
    let job = make_job(store, &new_job(run, "build", 0)).await;
    let fence = commit!(store, tx => tx.take_job(job, "worker", at(3))).expect("is queued");
    (run, job, fence)
}
