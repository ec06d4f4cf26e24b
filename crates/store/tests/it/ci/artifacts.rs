use super::{make_job, new_job, running_job};
use crate::support::{at, both, commit, is_conflict};
use davit_domain::ci::JobState;
use davit_domain::ids::{ArtifactId, JobId};
use davit_store::ci_artifacts::{Artifact, NewArtifact};
use davit_store::ci_jobs::NewCiJob;

fn new_artifact(job: JobId, name: &str, path: &str) -> NewArtifact {
    NewArtifact {
        job,
        name: name.into(),
        size: 5_000_000_000,
        sha256: "ab".repeat(32),
        path: path.into(),
        created_at: at(4),
        expires_at: at(100),
        overwrite: false,
    }
}

both!(an_artifact_is_read_as_it_was_left, |store| {
    let (run, job, fence) = running_job(&store).await;
    let (id, replaced) = commit!(store, tx => tx.insert_artifact(fence, &new_artifact(job, "site", "a/1")));
    assert_eq!(replaced, None);
    let left = Artifact {
        id,
        run,
        job,
        name: "site".into(),
        size: 5_000_000_000,
        sha256: "ab".repeat(32),
        path: "a/1".into(),
        created_at: at(4),
        expires_at: at(100),
    };
    assert_eq!(store.artifact(id).await.expect("reads"), Some(left.clone()));
    assert_eq!(store.artifact(ArtifactId(99)).await.expect("reads"), None);
    commit!(store, tx => tx.insert_artifact(fence, &new_artifact(job, "docs", "a/2")));
    let all = store.artifacts(run).await.expect("reads");
    assert_eq!((all.len(), all[0].name.as_str(), &all[1]), (2, "docs", &left));
    let mut paths = store.artifact_paths().await.expect("reads");
    paths.sort();
    assert_eq!(paths, ["a/1", "a/2"]);
});

both!(a_name_is_taken_unless_it_is_meant_to_be_overwritten, |store| {
    let (run, job, fence) = running_job(&store).await;
    let other = make_job(&store, &new_job(run, "lint", 0)).await;
    let other_fence = commit!(store, tx => tx.take_job(other, "worker", at(3))).expect("is queued");
    commit!(store, tx => tx.insert_artifact(fence, &new_artifact(job, "site", "a/1")));
    let mut tx = store.begin().await.expect("begins");
    let said = is_conflict(tx.insert_artifact(other_fence, &new_artifact(other, "site", "a/2")).await);
    assert_eq!(
        said,
        "this run has an artifact called \"site\" already: give this one another name, or set `overwrite: true`"
    );
    drop(tx);
    let over = NewArtifact { overwrite: true, ..new_artifact(other, "site", "a/3") };
    let (id, replaced) = commit!(store, tx => tx.insert_artifact(other_fence, &over));
    assert_eq!(replaced.as_deref(), Some("a/1"));
    let left = store.artifacts(run).await.expect("reads");
    assert_eq!((left.len(), left[0].id, left[0].job, left[0].path.as_str()), (1, id, other, "a/3"));
});

both!(a_later_attempt_replaces_what_the_earlier_one_left, |store| {
    let (run, job, fence) = running_job(&store).await;
    commit!(store, tx => tx.insert_artifact(fence, &new_artifact(job, "site", "a/1")));
    let again = make_job(&store, &NewCiJob { attempt: 2, ..new_job(run, "build", 0) }).await;
    let again_fence = commit!(store, tx => tx.take_job(again, "worker", at(3))).expect("is queued");
    let (_, replaced) = commit!(store, tx => tx.insert_artifact(again_fence, &new_artifact(again, "site", "a/2")));
    assert_eq!(replaced.as_deref(), Some("a/1"));
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.insert_artifact(again_fence, &new_artifact(again, "site", "a/3")).await);
    drop(tx);
    commit!(store, tx => tx.set_job_state(again, JobState::Error, None, at(9)));
    let mut tx = store.begin().await.expect("begins");
    let lost = is_conflict(tx.insert_artifact(again_fence, &new_artifact(again, "docs", "a/4")).await);
    assert_eq!(lost, format!("job {again} was taken away from this worker"));
});

both!(artifacts_expire, |store| {
    let (run, job, fence) = running_job(&store).await;
    for (number, expires) in [(1, 50), (2, 60), (3, 70)] {
        let new = new_artifact(job, &format!("name {number}"), &format!("a/{number}"));
        commit!(store, tx => tx.insert_artifact(fence, &NewArtifact { expires_at: at(expires), ..new.clone() }));
    }
    assert!(store.forget_expired_artifacts(at(49), 9).await.expect("removes").is_empty());
    assert_eq!(store.forget_expired_artifacts(at(60), 1).await.expect("removes"), ["a/1"]);
    assert_eq!(store.forget_expired_artifacts(at(60), 9).await.expect("removes"), ["a/2"]);
    assert_eq!(store.artifacts(run).await.expect("reads").len(), 1);
});
