//! What several workers and servers at once can't do to each other.

use super::{REPOSITORY, hub, make_job, make_run, new_job, new_run, run_of_change, running_job};
use crate::support::{at, both, commit};
use davit_domain::ci::{Annotation, AnnotationLevel, JobState, RunState};
use davit_store::ci_annotations::MOST_ANNOTATIONS;
use davit_store::ci_jobs::NewCiJob;
use davit_store::ci_runs::NewRun;
use davit_store::{Store, StoreError};
use serde_json::json;
use tokio::task::JoinSet;

const AT_ONCE: usize = 8;

both!(two_workers_never_take_one_job, |store| {
    let run = make_run(&store, &new_run()).await;
    let job = make_job(&store, &new_job(run, "build", 0)).await;
    let mut taking = JoinSet::new();
    for worker in 0..AT_ONCE {
        let store = store.clone();
        taking.spawn(async move { commit!(store, tx => tx.take_job(job, &format!("worker {worker}"), at(3))) });
    }
    let fences: Vec<i64> = taking.join_all().await.into_iter().flatten().collect();
    assert_eq!(fences, [1]);
});

both!(one_key_is_one_run_however_many_ask, |store| {
    let mut asking = JoinSet::new();
    for _ in 0..AT_ONCE {
        let store = store.clone();
        let new = NewRun { idempotency_key: Some("delivery 4".into()), ..new_run() };
        asking.spawn(async move { commit!(store, tx => tx.insert_run(&new)) });
    }
    let made = asking.join_all().await;
    assert_eq!(made.iter().filter(|(_, existed)| !existed).count(), 1);
    assert!(made.iter().all(|(id, _)| *id == made[0].0));
});

both!(an_attempt_is_made_once, |store| {
    let run = make_run(&store, &new_run()).await;
    let mut making = JoinSet::new();
    for _ in 0..AT_ONCE {
        let store = store.clone();
        making.spawn(async move {
            let mut tx = store.begin().await?;
            tx.insert_job(&NewCiJob { attempt: 2, ..new_job(run, "build", 0) }).await?;
            tx.commit().await
        });
    }
    let made = making.join_all().await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().all(|made| matches!(made, Ok(()) | Err(StoreError::Conflict(_)))), "{made:?}");
});

both!(annotations_are_counted_together, |store| {
    let run = make_run(&store, &new_run()).await;
    let annotation = Annotation {
        level: AnnotationLevel::Warning,
        file: None,
        line: None,
        end_line: None,
        column: None,
        title: None,
        message: "hello".into(),
    };
    let mut adding = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, annotation) = (store.clone(), annotation.clone());
        adding.spawn(async move {
            for _ in 0..MOST_ANNOTATIONS / 4 {
                commit!(store, tx => tx.add_annotation(run, None, &annotation));
            }
        });
    }
    adding.join_all().await;
    assert_eq!(i64::try_from(store.annotations(run).await.expect("reads").len()), Ok(MOST_ANNOTATIONS));
});

// Each of several new runs of one change cancels those before it: in the end exactly one is open.
both!(of_the_runs_of_a_change_one_stays_open, |store| {
    async fn plan(store: &Store) -> Result<(), StoreError> {
        let mut tx = store.begin().await?;
        let (new, _) = tx.insert_run(&run_of_change(7)).await?;
        for old in tx.open_runs_of_change(&hub(), REPOSITORY, 7).await? {
            if old.id != new {
                tx.supersede_run(old.id, new).await?;
                tx.set_run_state(old.id, RunState::Cancelled, None, at(5)).await?;
            }
        }
        tx.commit().await
    }
    let mut planning = JoinSet::new();
    for _ in 0..AT_ONCE {
        let store = store.clone();
        planning.spawn(async move { plan(&store).await });
    }
    for planned in planning.join_all().await {
        planned.expect("is planned");
    }
    assert_eq!(commit!(store, tx => tx.open_runs_of_change(&hub(), REPOSITORY, 7)).len(), 1);
});

// Workers write their logs while somebody cancels and others end jobs: nobody waits for each other in a circle.
both!(nobody_waits_for_each_other, |store| {
    let mut jobs = Vec::new();
    for _ in 0..AT_ONCE {
        jobs.push(running_job(&store).await);
    }
    let mut working = JoinSet::new();
    for (number, (run, job, fence)) in jobs.into_iter().enumerate() {
        let ending = store.clone();
        working.spawn(async move {
            let mut tx = ending.begin().await?;
            tx.lock_run(run).await?;
            if number % 2 == 0 {
                tx.end_job(job, fence, JobState::Success, None, &json!({}), at(9)).await?;
            } else {
                tx.set_job_state(job, JobState::Cancelled, None, at(9)).await?;
            }
            tx.open_runs_of_group(&hub(), REPOSITORY, "deploy").await?;
            tx.commit().await
        });
        let store = store.clone();
        working.spawn(async move {
            for _ in 0..5 {
                let mut tx = store.begin().await?;
                match tx.put_steps(job, fence, &["Set up job"]).await {
                    Ok(()) => tx.commit().await?,
                    Err(StoreError::Conflict(_)) => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
    }
    for done in working.join_all().await {
        done.expect("nobody is shut out");
    }
});
