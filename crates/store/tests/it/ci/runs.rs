use super::{REPOSITORY, hub, make_job, make_run, new_job, new_run, other_sha, run_of_change, running_job};
use crate::support::{at, both, commit, id, is_conflict, is_not_found, sha};
use davit_domain::ci::{Annotation, AnnotationLevel, RunState, Trigger};
use davit_domain::ids::{JobId, RunId};
use davit_store::Store;
use davit_store::ci_annotations::{MOST_ANNOTATIONS, RunAnnotation};
use davit_store::ci_runs::{NewRun, PlannedRun, Run, RunFilter, RunPlan};
use serde_json::json;

async fn read(store: &Store, id: RunId) -> Run {
    store.run(id).await.expect("reads").expect("is there")
}

both!(a_run_is_read_as_it_was_made, |store| {
    let new = NewRun {
        reason: Some("waits".into()),
        group: Some("deploy".into()),
        cancel_in_progress: true,
        from_fork: true,
        title: "a\0b".into(),
        ..run_of_change(7)
    };
    let id = make_run(&store, &new).await;
    let made = Run {
        id,
        forge: hub(),
        repository: REPOSITORY.into(),
        workflow_file: ".davit/workflows/test.yml".into(),
        workflow: "test".into(),
        title: "a␀b".into(),
        trigger: Trigger::PullRequest,
        action: "synchronize".into(),
        git_ref: Some("refs/pull/7/head".into()),
        head: sha(),
        base: Some(other_sha()),
        change: Some(7),
        from_fork: true,
        by: "alice".into(),
        state: RunState::Queued,
        reason: Some("waits".into()),
        cancel_reason: None,
        attempt: 1,
        group: Some("deploy".into()),
        cancel_in_progress: true,
        approved_by: None,
        approved_at: None,
        superseded_by: None,
        created_at: at(1),
        started_at: None,
        ended_at: None,
    };
    assert_eq!(read(&store, id).await, made);
    let plan = RunPlan { plan: new.plan, event: new.event };
    assert_eq!(store.run_plan(id).await.expect("reads"), Some(plan.clone()));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(tx.run(id).await.expect("reads"), Some(made.clone()));
    assert_eq!(tx.lock_run(id).await.expect("locks"), made);
    assert_eq!(tx.run_plan(id).await.expect("reads"), plan);
    assert_eq!(tx.run(RunId(99)).await.expect("reads"), None);
    assert_eq!(is_not_found(tx.lock_run(RunId(99)).await), "run 99 does not exist");
    is_not_found(tx.run_plan(RunId(99)).await);
    assert_eq!(store.run(RunId(99)).await.expect("reads"), None);
    assert_eq!(store.run_plan(RunId(99)).await.expect("reads"), None);
});

both!(one_key_is_one_run, |store| {
    let new = NewRun { idempotency_key: Some("delivery 4".into()), ..new_run() };
    let first = commit!(store, tx => tx.insert_run(&new));
    let again = commit!(store, tx => tx.insert_run(&NewRun { title: "Another".into(), ..new.clone() }));
    assert_eq!((first.1, again), (false, (first.0, true)));
    assert_eq!(read(&store, first.0).await.title, "Sell more");
    assert!(make_run(&store, &new_run()).await.0 > first.0.0, "without a key each is its own");
    make_run(&store, &new_run()).await;
});

both!(a_run_moves_on_and_starts_again, |store| {
    let id = make_run(&store, &new_run()).await;
    let times = |run: &Run| (run.state, run.reason.clone(), run.started_at, run.ended_at);
    for (state, reason, now, started, ended) in [
        (RunState::Running, None, 5, Some(5), None),
        (RunState::Running, None, 6, Some(5), None),
        (RunState::Failure, Some("build failed"), 7, Some(5), Some(7)),
        (RunState::Failure, Some("build failed"), 8, Some(5), Some(7)),
    ] {
        commit!(store, tx => tx.set_run_state(id, state, reason, at(now)));
        let expected = (state, reason.map(str::to_owned), started.map(at), ended.map(at));
        assert_eq!(times(&read(&store, id).await), expected);
    }
    for reason in ["a person", "another"] {
        commit!(store, tx => tx.ask_run_to_end(id, reason));
    }
    commit!(store, tx => tx.supersede_run(id, RunId(99)));
    assert_eq!(read(&store, id).await.cancel_reason.as_deref(), Some("a person"));
    assert_eq!(commit!(store, tx => tx.bump_attempt(id)), 2);
    let anew = read(&store, id).await;
    assert_eq!(times(&anew), (RunState::Queued, None, None, None));
    assert_eq!((anew.cancel_reason, anew.superseded_by), (None, None));
    commit!(store, tx => tx.set_run_state(id, RunState::Running, None, at(9)));
    commit!(store, tx => tx.set_run_state(id, RunState::Queued, None, at(9)));
    assert_eq!(times(&read(&store, id).await), (RunState::Queued, None, None, None));
    commit!(store, tx => tx.set_run_state(id, RunState::Running, None, at(10)));
    let run = read(&store, id).await;
    assert_eq!((run.attempt, run.started_at), (2, Some(at(10))));

    let failed = make_run(&store, &NewRun { state: RunState::Failure, ..new_run() }).await;
    assert_eq!(read(&store, failed).await.ended_at, Some(at(1)), "a file with mistakes never runs");
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_run_state(RunId(99), RunState::Running, None, at(1)).await);
    is_not_found(tx.bump_attempt(RunId(99)).await);
    is_not_found(tx.ask_run_to_end(RunId(99), "a person").await);
});

both!(who_approved_and_what_took_its_place_stay_on_record, |store| {
    let waiting = make_run(&store, &NewRun { state: RunState::AwaitingApproval, ..run_of_change(7) }).await;
    let newer = make_run(&store, &run_of_change(7)).await;
    for (by, now) in [("bob", 4), ("carol", 5)] {
        commit!(store, tx => tx.approve_run(waiting, by, at(now)));
    }
    commit!(store, tx => tx.supersede_run(waiting, newer));
    commit!(store, tx => tx.supersede_run(waiting, RunId(99)));
    let plan = json!(["anew"]);
    let planned =
        PlannedRun { workflow: "named", title: "Titled", group: Some("group"), cancel_in_progress: true, plan: &plan };
    commit!(store, tx => tx.set_run_plan(waiting, &planned));
    let run = read(&store, waiting).await;
    assert_eq!((run.approved_by.as_deref(), run.approved_at), (Some("bob"), Some(at(4))));
    assert_eq!((run.superseded_by, run.group.as_deref(), run.cancel_in_progress), (Some(newer), Some("group"), true));
    assert_eq!((run.workflow.as_str(), run.title.as_str()), ("named", "Titled"));
    let stored = store.run_plan(waiting).await.expect("reads").expect("is there");
    assert_eq!((stored.plan, stored.event), (plan.clone(), new_run().event));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.approve_run(RunId(99), "bob", at(1)).await);
    is_not_found(tx.supersede_run(RunId(99), newer).await);
    is_not_found(tx.set_run_plan(RunId(99), &planned).await);
});

both!(open_runs_are_found_by_change_and_group, |store| {
    let grouped = |group: &str| NewRun { group: Some(group.into()), ..run_of_change(7) };
    let first = make_run(&store, &grouped("deploy")).await;
    let second = make_run(&store, &NewRun { state: RunState::AwaitingApproval, ..grouped("other") }).await;
    make_run(&store, &NewRun { state: RunState::Failure, ..grouped("deploy") }).await;
    let elsewhere = make_run(&store, &NewRun { repository: "acme/site".into(), ..grouped("deploy") }).await;
    let push = make_run(&store, &new_run()).await;
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    let of_change = commit!(store, tx => tx.open_runs_of_change(&hub(), "ACME/shop", 7));
    assert_eq!(ids(of_change), [first, second]);
    assert_eq!(ids(commit!(store, tx => tx.open_runs_of_group(&hub(), REPOSITORY, "deploy"))), [first]);
    assert!(commit!(store, tx => tx.open_runs_of_change(&id("lab"), REPOSITORY, 7)).is_empty());
    assert_eq!(ids(store.open_runs().await.expect("reads")), [first, second, elsewhere, push]);
});

both!(runs_are_listed_newest_first_by_what_is_asked, |store| {
    let push = make_run(&store, &new_run()).await;
    let change = make_run(&store, &run_of_change(7)).await;
    let lint = NewRun {
        workflow: "lint".into(),
        workflow_file: ".davit/workflows/l.yml".into(),
        head: other_sha(),
        trigger: Trigger::Schedule,
        ..new_run()
    };
    let lint = make_run(&store, &lint).await;
    commit!(store, tx => tx.set_run_state(lint, RunState::Success, None, at(5)));
    let elsewhere = make_run(&store, &NewRun { forge: id("lab"), repository: "acme/site".into(), ..new_run() }).await;
    let list = |filter: RunFilter| {
        let store = store.clone();
        async move {
            let runs = store.runs(&filter, None, 9).await.expect("reads");
            runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
        }
    };
    let all = RunFilter::default;
    assert_eq!(list(all()).await, [elsewhere, lint, change, push]);
    assert_eq!(list(RunFilter { forge: Some(id("lab")), ..all() }).await, [elsewhere]);
    assert_eq!(list(RunFilter { repository: Some("Acme/SHOP".into()), ..all() }).await, [lint, change, push]);
    let states = vec![RunState::Success, RunState::Failure];
    assert_eq!(list(RunFilter { states, ..all() }).await, [lint]);
    let states = vec![RunState::Queued, RunState::Running, RunState::AwaitingApproval];
    assert_eq!(list(RunFilter { states, ..all() }).await, [elsewhere, change, push]);
    assert_eq!(list(RunFilter { states: vec![RunState::Success], ..all() }).await, [lint]);
    let states = vec![RunState::Queued, RunState::Success];
    assert_eq!(list(RunFilter { states, ..all() }).await, [elsewhere, lint, change, push]);
    let branch = RunFilter { branch: Some("main".into()), repository: Some(REPOSITORY.into()), ..all() };
    assert_eq!(list(branch).await, [lint, push]);
    assert_eq!(list(RunFilter { change: Some(7), ..all() }).await, [change]);
    assert_eq!(list(RunFilter { head: Some(other_sha()), ..all() }).await, [lint]);
    assert_eq!(list(RunFilter { workflow: Some("lint".into()), ..all() }).await, [lint]);
    assert_eq!(list(RunFilter { workflow: Some(".davit/workflows/l.yml".into()), ..all() }).await, [lint]);
    assert_eq!(list(RunFilter { trigger: Some(Trigger::PullRequest), ..all() }).await, [change]);
    let repositories = store.run_repositories().await.expect("reads");
    assert_eq!(repositories, [(hub(), REPOSITORY.to_owned()), (id("lab"), "acme/site".to_owned())]);
    let page = store.runs(&all(), Some(lint), 1).await.expect("reads");
    assert_eq!(page.into_iter().map(|run| run.id).collect::<Vec<_>>(), [change]);
});

both!(the_latest_run_of_a_branch_is_the_one_that_counts, |store| {
    let first = make_run(&store, &new_run()).await;
    let second = make_run(&store, &new_run()).await;
    make_run(&store, &run_of_change(7)).await;
    let lint = make_run(&store, &NewRun { workflow: "lint".into(), ..new_run() }).await;
    let latest = |branch: &'static str, workflow: Option<&'static str>| {
        let store = store.clone();
        async move {
            let run = store.latest_run_of_branch(&hub(), "acme/SHOP", branch, workflow).await.expect("reads");
            run.map(|run| run.id)
        }
    };
    assert_eq!(latest("main", None).await, Some(lint));
    assert_eq!(latest("main", Some("test")).await, Some(second));
    assert_eq!(latest("main", Some(".davit/workflows/test.yml")).await, Some(lint), "both are of that file");
    assert_eq!(latest("other", None).await, None);
    commit!(store, tx => tx.supersede_run(second, lint));
    assert_eq!(latest("main", Some("test")).await, Some(first));
});

both!(annotations_are_kept_up_to_a_number, |store| {
    let (run, job, _) = running_job(&store).await;
    let place = Annotation {
        level: AnnotationLevel::Error,
        file: Some("src/a.rs".into()),
        line: Some(3),
        end_line: Some(4),
        column: Some(5),
        title: Some("bad".into()),
        message: "a\0b".into(),
    };
    let bare = Annotation {
        level: AnnotationLevel::Notice,
        file: None,
        line: None,
        end_line: None,
        column: None,
        title: None,
        message: "hello".into(),
    };
    assert!(commit!(store, tx => tx.add_annotation(run, Some(job), &place)));
    assert!(commit!(store, tx => tx.add_annotation(run, None, &bare)));
    let kept = store.annotations(run).await.expect("reads");
    let said = Annotation { message: "a␀b".into(), ..place };
    assert_eq!(
        kept,
        [RunAnnotation { job: Some(job), annotation: said }, RunAnnotation { job: None, annotation: bare.clone() }]
    );
    let mut tx = store.begin().await.expect("begins");
    for number in 2..MOST_ANNOTATIONS + 3 {
        assert_eq!(tx.add_annotation(run, None, &bare).await.expect("writes"), number < MOST_ANNOTATIONS);
    }
    tx.commit().await.expect("commits");
    assert_eq!(store.annotations(run).await.expect("reads").len(), 200);
    let other = make_run(&store, &new_run()).await;
    make_job(&store, &new_job(other, "build", 0)).await;
    assert!(commit!(store, tx => tx.add_annotation(other, None, &bare)), "each run has its own number");
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.add_annotation(other, Some(JobId(99)), &bare).await);
});
