use super::{REPOSITORY, hub, make_job, make_run, new_job, new_run, running_job};
use crate::support::{at, both, commit, is_conflict, is_not_found};
use davit_domain::ci::{JobState, StepState};
use davit_domain::ids::{JobId, RunId};
use davit_store::Store;
use davit_store::ci_jobs::{CiJob, NewCiJob};
use davit_store::ci_runs::NewRun;
use davit_store::ci_steps::{CiStep, StepChange};
use serde_json::json;

async fn read(store: &Store, id: JobId) -> CiJob {
    store.job(id).await.expect("reads").expect("is there")
}

async fn states(store: &Store, id: JobId) -> Vec<StepState> {
    store.steps(id).await.expect("reads").into_iter().map(|step| step.state).collect()
}

fn ids(jobs: Vec<CiJob>) -> Vec<JobId> {
    jobs.into_iter().map(|job| job.id).collect()
}

both!(a_job_is_read_as_it_was_made, |store| {
    let run = make_run(&store, &new_run()).await;
    let new = NewCiJob {
        reason: Some("waits".into()),
        group: Some("deploy".into()),
        environment: Some("production".into()),
        ..new_job(run, "build", 3)
    };
    let id = make_job(&store, &new).await;
    let made = CiJob {
        id,
        run,
        key: "build".into(),
        index: 3,
        name: "build (3)".into(),
        attempt: 1,
        state: JobState::Queued,
        reason: Some("waits".into()),
        cancel_reason: None,
        needs: vec!["lint".into()],
        instance: json!({ "matrix": { "os": 3 } }),
        outputs: json!({}),
        group: Some("deploy".into()),
        environment: Some("production".into()),
        executor: "sandbox".into(),
        worker: None,
        fence: 0,
        created_at: at(2),
        queued_at: None,
        started_at: None,
        ended_at: None,
    };
    assert_eq!(read(&store, id).await, made);
    assert_eq!(commit!(store, tx => tx.job(id)), Some(made));
    assert_eq!(store.job(JobId(99)).await.expect("reads"), None);
    let skipped = make_job(&store, &NewCiJob { state: JobState::Skipped, ..new_job(run, "skipped", 0) }).await;
    assert_eq!(read(&store, skipped).await.ended_at, Some(at(2)));
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.insert_job(&new_job(run, "build", 3)).await);
    drop(tx);
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.insert_job(&new_job(RunId(99), "build", 3)).await);
});

both!(retries_and_late_instances_stand_with_their_job, |store| {
    let run = make_run(&store, &new_run()).await;
    let lint = make_job(&store, &new_job(run, "lint", 0)).await;
    let one = make_job(&store, &new_job(run, "build", 0)).await;
    let two = make_job(&store, &new_job(run, "build", 1)).await;
    let again = make_job(&store, &NewCiJob { attempt: 2, ..new_job(run, "lint", 0) }).await;
    let late = make_job(&store, &new_job(run, "lint", 1)).await;
    let other = make_run(&store, &new_run()).await;
    make_job(&store, &new_job(other, "lint", 0)).await;
    assert_eq!(ids(commit!(store, tx => tx.jobs_of_run(run))), [again, late, one, two]);
    assert_eq!(ids(commit!(store, tx => tx.attempts_of_job(run, "lint", 0))), [lint, again]);
    assert_eq!(ids(store.jobs(run).await.expect("reads")), [lint, again, late, one, two]);
});

both!(a_job_is_taken_once, |store| {
    let run = make_run(&store, &new_run()).await;
    let id = make_job(&store, &new_job(run, "build", 0)).await;
    commit!(store, tx => tx.queue_job(id, at(3)));
    commit!(store, tx => tx.queue_job(id, at(4)));
    assert_eq!(commit!(store, tx => tx.take_job(id, "one", at(5))), Some(1));
    assert_eq!(commit!(store, tx => tx.take_job(id, "one", at(6))), Some(1), "the answer may have been lost");
    assert_eq!(commit!(store, tx => tx.take_job(id, "two", at(7))), None);
    assert_eq!(commit!(store, tx => tx.take_job(JobId(99), "two", at(7))), None);
    let job = read(&store, id).await;
    assert_eq!((job.state, job.worker.as_deref(), job.fence), (JobState::Running, Some("one"), 1));
    assert_eq!((job.queued_at, job.started_at, job.ended_at), (Some(at(3)), Some(at(5)), None));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.queue_job(JobId(99), at(1)).await);
});

both!(a_job_waits_with_a_reason_and_gets_its_values_late, |store| {
    let run = make_run(&store, &new_run()).await;
    let id = make_job(&store, &NewCiJob { instance: json!(null), ..new_job(run, "build", 0) }).await;
    let values = json!({ "matrix": { "os": "linux" } });
    commit!(store, tx => tx.expand_job(id, "build (linux)", &values, Some("deploy"), Some("production")));
    commit!(store, tx => tx.hold_job(id, "waits for deploy"));
    let job = read(&store, id).await;
    assert_eq!((job.name.as_str(), job.instance), ("build (linux)", values.clone()));
    assert_eq!((job.group.as_deref(), job.environment.as_deref()), (Some("deploy"), Some("production")));
    assert_eq!((job.reason.as_deref(), job.queued_at), (Some("waits for deploy"), None));
    commit!(store, tx => tx.queue_job(id, at(3)));
    assert_eq!(read(&store, id).await.reason, None, "nothing holds it any more");
    commit!(store, tx => tx.hold_job(id, "waits again"));
    commit!(store, tx => tx.take_job(id, "worker", at(4)));
    commit!(store, tx => tx.hold_job(id, "too late"));
    for reason in ["a person", "another"] {
        commit!(store, tx => tx.ask_job_to_end(id, reason));
    }
    let job = read(&store, id).await;
    assert_eq!((job.reason, job.cancel_reason.as_deref()), (None, Some("a person")));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.expand_job(JobId(99), "x", &values, None, None).await);
    is_not_found(tx.ask_job_to_end(JobId(99), "x").await);
});

both!(a_worker_ends_its_job, |store| {
    let (_, id, fence) = running_job(&store).await;
    commit!(store, tx => tx.put_steps(id, fence, &["Set up job", "Build", "Test"]));
    let running = StepChange { state: Some(StepState::Running), ..StepChange::default() };
    commit!(store, tx => tx.set_step(id, fence, 1, &running));
    let outputs = json!({ "version": "1\u{0}2" });
    let end = |state, now| {
        let (store, outputs) = (store.clone(), outputs.clone());
        async move {
            let mut tx = store.begin().await.expect("begins");
            tx.end_job(id, fence, state, Some("why"), &outputs, at(now)).await?;
            tx.commit().await
        }
    };
    end(JobState::Failure, 8).await.expect("ends");
    end(JobState::Failure, 9).await.expect("has ended so already");
    assert_eq!(is_conflict(end(JobState::Success, 9).await), format!("job {id} has ended already: failure"));
    let job = read(&store, id).await;
    assert_eq!((job.state, job.reason.as_deref(), job.ended_at), (JobState::Failure, Some("why"), Some(at(8))));
    assert_eq!((job.outputs, job.fence), (outputs.clone(), fence));
    let ended = [StepState::Skipped, StepState::Cancelled, StepState::Skipped];
    assert_eq!(states(&store, id).await, ended, "nothing of it goes on");
});

both!(a_worker_that_lost_its_job_writes_nothing_more, |store| {
    let (run, id, fence) = running_job(&store).await;
    commit!(store, tx => tx.put_steps(id, fence, &["Set up job", "Build"]));
    let step = StepChange { state: Some(StepState::Running), ..StepChange::default() };
    commit!(store, tx => tx.set_step(id, fence, 0, &step));
    commit!(store, tx => tx.set_job_state(id, JobState::Error, Some("the server stopped while this ran"), at(7)));
    let before = read(&store, id).await;
    assert_eq!((before.state, before.ended_at, before.fence), (JobState::Error, Some(at(7)), fence + 1));
    assert_eq!(states(&store, id).await, [StepState::Cancelled, StepState::Skipped]);
    let mut tx = store.begin().await.expect("begins");
    let lost = is_conflict(tx.hold_job_fence(id, fence).await);
    assert_eq!(lost, format!("job {id} was taken away from this worker"));
    is_conflict(tx.put_steps(id, fence, &["x"]).await);
    is_conflict(tx.set_step(id, fence, 0, &step).await);
    is_conflict(tx.end_job(id, fence, JobState::Success, None, &json!({}), at(9)).await);
    assert_eq!(tx.take_job(id, "worker", at(9)).await.expect("reads"), None);
    is_not_found(tx.hold_job_fence(JobId(99), 1).await);
    is_not_found(tx.end_job(JobId(99), 1, JobState::Success, None, &json!({}), at(9)).await);
    is_not_found(tx.set_job_state(JobId(99), JobState::Error, None, at(9)).await);
    tx.commit().await.expect("commits");
    assert_eq!(read(&store, id).await, before);
    let again = make_job(&store, &NewCiJob { attempt: 2, ..new_job(run, "build", 0) }).await;
    assert_eq!(commit!(store, tx => tx.take_job(again, "other", at(9))), Some(1));
});

both!(steps_are_announced_and_move_on, |store| {
    let (_, id, fence) = running_job(&store).await;
    commit!(store, tx => tx.put_steps(id, fence, &["Set up job", "Run ${{ matrix.os }}"]));
    let started = StepChange {
        name: Some("Run linux".into()),
        state: Some(StepState::Running),
        started_at: Some(at(4)),
        ..StepChange::default()
    };
    commit!(store, tx => tx.set_step(id, fence, 1, &started));
    let ended = StepChange {
        state: Some(StepState::Failure),
        exit_code: Some(-2),
        ended_at: Some(at(5)),
        summary: Some("# Tests\n\0".into()),
        ..StepChange::default()
    };
    commit!(store, tx => tx.set_step(id, fence, 1, &ended));
    commit!(store, tx => tx.put_steps(id, fence, &["Set up job", "Run linux", "Complete job"]));
    let step = |number, name: &str| CiStep {
        number,
        name: name.into(),
        state: StepState::Queued,
        exit_code: None,
        started_at: None,
        ended_at: None,
        summary: None,
    };
    let second = CiStep {
        state: StepState::Failure,
        exit_code: Some(-2),
        started_at: Some(at(4)),
        ended_at: Some(at(5)),
        summary: Some("# Tests\n␀".into()),
        ..step(1, "Run linux")
    };
    assert_eq!(store.steps(id).await.expect("reads"), [step(0, "Set up job"), second, step(2, "Complete job")]);
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(is_not_found(tx.set_step(id, fence, 3, &ended).await), format!("step 3 of job {id} does not exist"));
});

both!(unfinished_jobs_and_those_of_a_group_are_found, |store| {
    let run = make_run(&store, &new_run()).await;
    let elsewhere = make_run(&store, &NewRun { repository: "acme/site".into(), ..new_run() }).await;
    let grouped = |run, key: &str| NewCiJob { group: Some("deploy".into()), ..new_job(run, key, 0) };
    let one = make_job(&store, &grouped(run, "one")).await;
    let two = make_job(&store, &grouped(run, "two")).await;
    let far = make_job(&store, &grouped(elsewhere, "one")).await;
    let free = make_job(&store, &new_job(run, "free", 0)).await;
    commit!(store, tx => tx.take_job(two, "worker", at(3)));
    assert_eq!(ids(store.unfinished_jobs().await.expect("reads")), [one, two, far, free]);
    commit!(store, tx => tx.set_job_state(one, JobState::Cancelled, None, at(4)));
    assert_eq!(ids(store.unfinished_jobs().await.expect("reads")), [two, far, free]);
    assert_eq!(ids(commit!(store, tx => tx.open_jobs_of_group(&hub(), REPOSITORY, "deploy"))), [two]);
    assert!(commit!(store, tx => tx.open_jobs_of_group(&hub(), REPOSITORY, "other")).is_empty());
});
