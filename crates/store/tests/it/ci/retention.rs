use super::{hub, make_run, new_run, running_job};
use crate::support::{at, both, commit};
use davit_domain::ci::{Annotation, AnnotationLevel, JobState, RunState};
use davit_domain::ids::RunId;
use davit_domain::log::Stream;
use davit_store::Store;
use davit_store::ci_artifacts::NewArtifact;
use davit_store::ci_logs::NewJobLine;
use davit_store::ci_runs::NewRun;
use davit_store::retention::ForgottenRuns;
use serde_json::json;

/// A run with everything that a run can leave, which ended then.
async fn full_run(store: &Store, ended: i64) -> RunId {
    let (run, job, fence) = running_job(store).await;
    commit!(store, tx => tx.put_steps(job, fence, &["Set up job"]));
    let line = NewJobLine { at: at(3), step: 0, stream: Stream::Stdout, text: "line".into() };
    store.append_job_lines(job, fence, 1, &vec![line; 2_500]).await.expect("writes");
    let annotation = Annotation {
        level: AnnotationLevel::Notice,
        file: None,
        line: None,
        end_line: None,
        column: None,
        title: None,
        message: "hello".into(),
    };
    commit!(store, tx => tx.add_annotation(run, Some(job), &annotation));
    let artifact = NewArtifact {
        job,
        name: "site".into(),
        size: 1,
        sha256: String::new(),
        path: format!("ci/artifacts/{run}"),
        created_at: at(3),
        expires_at: at(1_000),
        overwrite: false,
    };
    commit!(store, tx => tx.insert_artifact(fence, &artifact));
    commit!(store, tx => tx.end_job(job, fence, JobState::Success, None, &json!({}), at(ended)));
    commit!(store, tx => tx.set_run_state(run, RunState::Success, None, at(ended)));
    run
}

both!(a_run_goes_with_all_that_it_left, |store| {
    let oldest = full_run(&store, 10).await;
    let old = full_run(&store, 20).await;
    let young = full_run(&store, 30).await;
    let open = make_run(&store, &new_run()).await;
    let elsewhere = NewRun { repository: "acme/site".into(), state: RunState::Failure, ..new_run() };
    let elsewhere = make_run(&store, &elsewhere).await;
    let job = store.jobs(oldest).await.expect("reads").remove(0).id;
    let forget = |before, limit| {
        let store = store.clone();
        async move { store.forget_runs_before(&hub(), "Acme/SHOP", at(before), limit).await.expect("forgets") }
    };
    assert_eq!(forget(10, 9).await, ForgottenRuns::default());
    assert_eq!(forget(25, 1).await, ForgottenRuns { runs: 1, paths: vec![format!("ci/artifacts/{oldest}")] });
    assert_eq!(forget(25, 9).await, ForgottenRuns { runs: 1, paths: vec![format!("ci/artifacts/{old}")] });
    for gone in [oldest, old] {
        assert_eq!(store.run(gone).await.expect("reads"), None);
        assert!(store.jobs(gone).await.expect("reads").is_empty());
        assert!(store.annotations(gone).await.expect("reads").is_empty());
        assert!(store.artifacts(gone).await.expect("reads").is_empty());
    }
    assert_eq!(store.last_job_seq(job).await.expect("reads"), 0);
    assert!(store.steps(job).await.expect("reads").is_empty());
    for left in [young, open, elsewhere] {
        assert!(store.run(left).await.expect("reads").is_some());
    }
    let job = store.jobs(young).await.expect("reads").remove(0).id;
    assert_eq!(store.last_job_seq(job).await.expect("reads"), 2_500);
    assert_eq!(store.artifact_paths().await.expect("reads"), [format!("ci/artifacts/{young}")]);
});
