use crate::support::{
    at, both, commit, configured, deploy, deployed_to, host, id, is_conflict, is_not_found, make_request, new_request,
    production, shop, take_fence,
};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::Step;
use davit_domain::request::Kind;
use davit_store::deployments::{Cell, DeploymentFilter, HostCounts, HostRun, NewDeployment};
use davit_store::requests::{NewRequest, Request};
use davit_store::{Store, StoreError};
use std::time::Duration;
use tokio::task::JoinSet;

both!(a_deployment_starts_with_everything_waiting, |store| {
    let made = deployed_to(&store, &["web-2", "web-1"]).await;
    assert_eq!(made.release.as_str(), format!("20260131T120000Z-1a2b3c4-{}", made.id));
    assert_eq!((made.state.clone(), made.attempt, made.fence), (DeploymentState::Queued, 1, 0));
    assert_eq!((made.app.clone(), made.environment.clone(), made.kind), (shop(), production(), Kind::Regular));
    assert_eq!((made.created_at, made.started_at, made.finished_at), (at(2), None, None));
    assert_eq!(store.deployment(made.id).await.expect("reads"), Some(made.clone()));
    assert_eq!(store.deployment_of_request(made.request).await.expect("reads"), Some(made.clone()));
    let waiting =
        |name| HostRun { host: host(name), state: HostRunState::Waiting, batch: 1, tries: 1, updated_at: at(2) };
    assert_eq!(store.host_runs(made.id).await.expect("reads"), [waiting("web-2"), waiting("web-1")]);
    let counts = async || store.host_counts(made.id).await.expect("reads");
    assert_eq!(counts().await, HostCounts { all: 2, done: 0, batches: 1 });
    let fence = take_fence(&store, &made).await;
    let done = HostRunState::Done { previous: None };
    commit!(store, tx => tx.set_host_run(made.id, fence, &host("web-1"), &done, at(3)));
    assert_eq!(counts().await, HostCounts { all: 2, done: 1, batches: 1 });
    let cell = |name: Option<&str>, step| Cell {
        host: name.map(host),
        step,
        state: CellState::Waiting,
        started_at: None,
        finished_at: None,
    };
    let (a, b) = (Some("web-2"), Some("web-1"));
    let grid = [(None, 1), (None, 2), (None, 3), (a, 4), (a, 5), (a, 6), (b, 4), (b, 5), (b, 6)];
    assert_eq!(store.cells(made.id).await.expect("reads"), grid.map(|(name, step)| cell(name, step)));
});

both!(a_rollback_goes_back_to_its_release_without_the_server, |store| {
    let target = id("20260131T120000Z-1a2b3c4-17");
    let mut new =
        NewRequest { kind: Kind::Rollback, target_release: Some(target), ..new_request(configured(&store).await) };
    let request = make_request(&store, &new).await;
    let made = deploy(&store, &request, 1, &["web-1"]).await;
    assert_eq!(Some(made.release), new.target_release);
    let skipped: Vec<u8> = store
        .cells(made.id)
        .await
        .expect("reads")
        .into_iter()
        .filter(|cell| cell.state == CellState::Skipped)
        .map(|cell| cell.step)
        .collect();
    assert_eq!(skipped, [1, 2, 3]);

    new.target_release = None;
    let broken = make_request(&store, &new).await;
    let mut tx = store.begin().await.expect("begins");
    let new = NewDeployment { request: &broken, attempt: 1, hosts: &[], steps: &[] };
    assert!(matches!(tx.create_deployment(&new, at(2)).await, Err(StoreError::Corrupt { .. })));
});

both!(it_moves_on_and_ends_once, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    commit!(store, tx => tx.advance_deployment(made.id, Some(fence), &DeploymentState::Building, at(4)));
    let found = store.deployment(made.id).await.expect("reads").expect("is there");
    assert_eq!((found.state, found.started_at, found.finished_at), (DeploymentState::Building, Some(at(3)), None));
    assert_eq!(store.all_unfinished().await.expect("reads").len(), 1);

    let failed = DeploymentState::Failed { reason: "step 2".into() };
    commit!(store, tx => tx.advance_deployment(made.id, None, &failed, at(5)));
    let found = store.deployment(made.id).await.expect("reads").expect("is there");
    assert_eq!((found.state, found.finished_at), (failed, Some(at(5))));
    assert!(store.all_unfinished().await.expect("reads").is_empty());
    let mut tx = store.begin().await.expect("begins");
    assert!(tx.unfinished(&shop(), &production()).await.expect("reads").is_empty());
    let none = DeploymentId(99);
    assert_eq!(
        is_not_found(tx.advance_deployment(none, None, &DeploymentState::Queued, at(0)).await),
        "deployment 99 does not exist"
    );
    is_not_found(tx.advance_deployment(none, Some(1), &DeploymentState::Queued, at(0)).await);
    is_not_found(tx.deployment(none).await);
    is_not_found(tx.take_fence(none, at(0)).await);
});

both!(a_worker_that_lost_its_fence_changes_nothing, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let (old, new) = (take_fence(&store, &made).await, take_fence(&store, &made).await);
    assert_eq!((old, new), (1, 2));
    let name = host("web-1");
    let mut tx = store.begin().await.expect("begins");
    let said = is_conflict(tx.advance_deployment(made.id, Some(old), &DeploymentState::Building, at(9)).await);
    assert_eq!(said, format!("another worker has taken over deployment {}", made.id));
    is_conflict(tx.set_host_run(made.id, old, &name, &HostRunState::Staged, at(9)).await);
    is_conflict(tx.set_cell(made.id, old, Some(&name), 4, CellState::Running, at(9)).await);
    tx.commit().await.expect("commits");
    let found = store.deployment(made.id).await.expect("reads").expect("is there");
    assert_eq!((found.state, found.fence, found.started_at), (DeploymentState::Queued, 2, Some(at(3))));
    assert_eq!(store.host_runs(made.id).await.expect("reads")[0].state, HostRunState::Waiting);
    assert!(store.cells(made.id).await.expect("reads").iter().all(|cell| cell.state == CellState::Waiting));
    commit!(store, tx => tx.set_host_run(made.id, new, &name, &HostRunState::Staged, at(9)));
});

both!(a_write_is_before_the_takeover_or_refused, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    for _ in 0..10 {
        let fence = take_fence(&store, &made).await;
        let mut old_workers = JoinSet::new();
        for _ in 0..4 {
            let (store, id) = (store.clone(), made.id);
            old_workers.spawn(async move { while move_on(&store, id, fence).await.is_ok() {} });
        }
        take_fence(&store, &made).await;
        let seen = store.host_runs(made.id).await.expect("reads");
        old_workers.join_all().await;
        assert_eq!(store.host_runs(made.id).await.expect("reads"), seen, "whoever takes over has seen all there is");
    }
});

/// What an executor does again and again: the time of the write tells one from the next.
async fn move_on(store: &Store, id: DeploymentId, fence: i64) -> Result<(), StoreError> {
    let then = store.host_runs(id).await?[0].updated_at;
    let mut tx = store.begin().await?;
    tx.set_host_run(id, fence, &host("web-1"), &HostRunState::Staging, then.plus(Duration::from_millis(1))).await?;
    tx.commit().await
}

both!(every_takeover_has_a_fence_of_its_own, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let mut taking = JoinSet::new();
    for _ in 0..10 {
        let (store, made) = (store.clone(), made.clone());
        taking.spawn(async move { take_fence(&store, &made).await });
    }
    let mut fences = taking.join_all().await;
    fences.sort_unstable();
    assert_eq!(fences, (1..=10).collect::<Vec<_>>());
});

both!(host_runs_move_on, |store| {
    let made = deployed_to(&store, &["web-1", "web-2"]).await;
    let fence = take_fence(&store, &made).await;
    let state = HostRunState::Failed { step: Step::Release, reason: "disk full".into() };
    commit!(store, tx => tx.set_host_run(made.id, fence, &host("web-2"), &state, at(7)));
    let runs = store.host_runs(made.id).await.expect("reads");
    assert_eq!(runs[1], HostRun { host: host("web-2"), state, batch: 1, tries: 1, updated_at: at(7) });
    assert_eq!(runs[0].updated_at, at(2));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_host_run(made.id, fence, &host("other"), &HostRunState::Staged, at(8)).await);
});

both!(a_cell_knows_when_it_began_and_ended, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    let name = host("web-1");
    let seen = |on: Option<HostName>, state, now| {
        let store = store.clone();
        async move {
            let step = if on.is_some() { 4 } else { 2 };
            commit!(store, tx => tx.set_cell(made.id, fence, on.as_ref(), step, state, at(now)));
            let cells = store.cells(made.id).await.expect("reads");
            let cell = cells.into_iter().find(|cell| cell.host == on && cell.step == step).expect("is there");
            assert_eq!(cell.state, state);
            (cell.started_at, cell.finished_at)
        }
    };
    assert_eq!(seen(None, CellState::Running, 10).await, (Some(at(10)), None));
    assert_eq!(seen(None, CellState::Running, 11).await, (Some(at(10)), None));
    assert_eq!(seen(None, CellState::Failed, 12).await, (Some(at(10)), Some(at(12))));
    assert_eq!(seen(None, CellState::Running, 13).await, (Some(at(13)), None), "it runs again");
    assert_eq!(seen(None, CellState::Cancelled, 14).await, (Some(at(13)), Some(at(14))));
    assert_eq!(seen(None, CellState::Waiting, 15).await, (None, None));
    assert_eq!(seen(Some(name.clone()), CellState::Cancelled, 16).await, (None, None), "it never began");
    assert_eq!(seen(Some(name.clone()), CellState::Succeeded, 17).await, (Some(at(17)), Some(at(17))));
    assert_eq!(seen(Some(name), CellState::Skipped, 18).await, (None, None));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_cell(made.id, fence, None, 4, CellState::Running, at(19)).await);
});

both!(the_first_to_cancel_stays_on_record, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    assert_eq!(store.cancel_requested(made.id).await.expect("reads"), None);
    commit!(store, tx => tx.request_cancel(made.id, "bob"));
    commit!(store, tx => tx.request_cancel(made.id, "carol"));
    assert_eq!(store.cancel_requested(made.id).await.expect("reads").as_deref(), Some("bob"));
    assert_eq!(
        store.deployment(made.id).await.expect("reads").expect("one").cancel_requested_by.as_deref(),
        Some("bob")
    );
    is_not_found(store.cancel_requested(DeploymentId(99)).await);
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.request_cancel(DeploymentId(99), "bob").await);
});

async fn ids(store: &Store, filter: &DeploymentFilter, before: Option<DeploymentId>) -> Vec<DeploymentId> {
    let found = store.deployments(filter, before, 10).await.expect("reads");
    found.into_iter().map(|deployment| deployment.id).collect()
}

both!(lists_are_filtered_and_the_latest_is_found, |store| {
    let revision = configured(&store).await;
    let to_production = make_request(&store, &new_request(revision)).await;
    let to_test = make_request(&store, &NewRequest { environment: id("test"), ..new_request(revision) }).await;
    let first = deploy(&store, &to_production, 1, &["web-1"]).await.id;
    let second = deploy(&store, &to_test, 1, &["web-1"]).await.id;
    let third = deploy(&store, &to_production, 2, &["web-1"]).await.id;
    commit!(store, tx => tx.advance_deployment(first, None, &DeploymentState::Succeeded, at(9)));

    let all = DeploymentFilter::default();
    assert_eq!(ids(&store, &all, None).await, [third, second, first]);
    assert_eq!(ids(&store, &all, Some(third)).await, [second, first]);
    let pair = DeploymentFilter { app: Some(shop()), environment: Some(production()), ..all.clone() };
    assert_eq!(ids(&store, &pair, None).await, [third, first]);
    let ended = DeploymentFilter { states: vec!["succeeded".into(), "failed".into()], ..pair };
    assert_eq!(ids(&store, &ended, None).await, [first]);
    let latest = store.latest_deployments().await.expect("reads");
    assert_eq!(latest.iter().map(|deployment| deployment.id).collect::<Vec<_>>(), [third, second]);
    assert_eq!(store.deployment_of_request(to_production.id).await.expect("reads").expect("one").id, third);
    let mut tx = store.begin().await.expect("begins");
    let waiting = tx.unfinished(&shop(), &production()).await.expect("reads");
    assert_eq!(waiting.iter().map(|deployment| deployment.id).collect::<Vec<_>>(), [third]);
});

both!(what_is_decided_from_the_unfinished_ones_stays_true, |store| {
    let request = make_request(&store, &new_request(configured(&store).await)).await;
    for attempt in 1..=5 {
        let mut starting = JoinSet::new();
        for _ in 0..8 {
            let (store, request) = (store.clone(), request.clone());
            starting.spawn(async move { start_when_free(&store, &request, attempt).await });
        }
        let started: Vec<DeploymentId> = starting.join_all().await.into_iter().flatten().collect();
        assert_eq!(started.len(), 1);
        commit!(store, tx => tx.advance_deployment(started[0], None, &DeploymentState::Succeeded, at(9)));
    }
});

async fn start_when_free(store: &Store, request: &Request, attempt: i64) -> Option<DeploymentId> {
    let mut tx = store.begin().await.expect("begins");
    let mut started = None;
    if tx.unfinished(&shop(), &production()).await.expect("reads").is_empty() {
        let new = NewDeployment { request, attempt, hosts: &[], steps: &[] };
        started = Some(tx.create_deployment(&new, at(2)).await.expect("is made").id);
    }
    tx.commit().await.expect("commits");
    started
}
