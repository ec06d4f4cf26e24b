//! What the delivery figures are made of.

use crate::support::{at, both, commit, configured, id, make_request, new_request, production, sha, shop};
use davit_domain::access::{Place, Places};
use davit_domain::delivery::{End, Ended};
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::{DeploymentId, ReleaseName, RevisionId};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_store::Store;
use davit_store::delivery::DeliveryFilter;
use davit_store::deployments::NewDeployment;
use davit_store::requests::NewRequest;

async fn make(store: &Store, new: &NewRequest) -> DeploymentId {
    let request = make_request(store, new).await;
    let new = NewDeployment { request: &request, attempt: 1, hosts: &[], steps: &[] };
    commit!(store, tx => tx.create_deployment(&new, at(2))).id
}

async fn to(store: &Store, id: DeploymentId, state: &DeploymentState, now: Timestamp) {
    commit!(store, tx => tx.advance_deployment(id, None, state, now));
}

/// A release of the commit that was made at `at(0)`: it begins to switch a second before its end.
async fn released(store: &Store, new: &NewRequest, state: DeploymentState, end: i64) -> DeploymentId {
    let made = make(store, new).await;
    commit!(store, tx => tx.set_committed_at(made, at(0)));
    to(store, made, &DeploymentState::Switching, at(end - 1000)).await;
    to(store, made, &state, at(end)).await;
    made
}

fn failed() -> DeploymentState {
    DeploymentState::Failed { reason: "step 6".into() }
}

async fn since(store: &Store, millis: i64) -> Vec<Ended> {
    store.ended_deployments(&DeliveryFilter::default(), at(millis)).await.expect("reads")
}

async fn ends_since(store: &Store, millis: i64) -> Vec<Timestamp> {
    since(store, millis).await.into_iter().map(|ended| ended.finished_at).collect()
}

both!(what_has_ended_is_told_with_its_times, |store| {
    let new = new_request(configured(&store).await);
    let first = released(&store, &new, DeploymentState::Succeeded, 5000).await;
    let release = store.deployment(first).await.expect("reads").expect("is there").release;
    let expected = Ended {
        place: ("shop".into(), "production".into()),
        kind: Kind::Regular,
        end: End::Succeeded,
        release: release.to_string(),
        committed_at: Some(at(0)),
        switched_at: Some(at(4000)),
        finished_at: at(5000),
    };
    assert_eq!(since(&store, 0).await, std::slice::from_ref(&expected));

    // The first word stays.
    commit!(&store, tx => tx.set_committed_at(first, at(1)));
    to(&store, first, &DeploymentState::Switching, at(9000)).await;
    to(&store, first, &DeploymentState::Succeeded, at(9001)).await;
    assert_eq!(since(&store, 0).await, [expected]);
});

both!(a_commit_is_brought_live_once_a_place, |store| {
    let revision = configured(&store).await;
    let new = new_request(revision);
    let elsewhere = NewRequest { environment: id("staging"), ..new.clone() };
    released(&store, &new, failed(), 1000).await;
    released(&store, &new, DeploymentState::Succeeded, 2000).await;
    released(&store, &new, DeploymentState::Succeeded, 3000).await;
    released(&store, &elsewhere, DeploymentState::Succeeded, 4000).await;
    let found: Vec<_> = since(&store, 0).await.into_iter().map(|ended| ended.committed_at.is_some()).collect();
    assert_eq!(found, [false, true, false, true], "not the failed one, not the second time");
});

both!(rollbacks_bring_no_commit_live, |store| {
    let revision = configured(&store).await;
    released(&store, &rollback(revision, &sha().to_string()), DeploymentState::Succeeded, 1000).await;
    let found = &since(&store, 0).await[0];
    assert_eq!((found.kind, found.committed_at, found.release.as_str()), (Kind::Rollback, None, RELEASE));
});

const RELEASE: &str = "20260131T120000Z-1a2b3c4-17";

fn rollback(revision: RevisionId, commit: &str) -> NewRequest {
    let target: ReleaseName = id(RELEASE);
    NewRequest { kind: Kind::Rollback, target_release: Some(target), commit: id(commit), ..new_request(revision) }
}

both!(ends_that_tell_nothing_are_left_out, |store| {
    let new = new_request(configured(&store).await);
    let queued = make(&store, &new).await;
    released(&store, &new, DeploymentState::Cancelled { reason: "alice".into() }, 2000).await;
    released(&store, &new, DeploymentState::Superseded { by: queued }, 3000).await;
    released(&store, &new, DeploymentState::Reverted { reason: "step 6".into() }, 4000).await;
    assert_eq!(ends_since(&store, 0).await, [at(4000)]);
});

both!(what_the_first_ones_followed_is_told_too, |store| {
    let new = new_request(configured(&store).await);
    for (end, state) in [
        (1000, DeploymentState::Succeeded),
        (2000, DeploymentState::Succeeded),
        (3000, failed()),
        (5000, DeploymentState::Succeeded),
    ] {
        released(&store, &new, state, end).await;
    }
    assert_eq!(ends_since(&store, 4000).await, [at(2000), at(3000), at(5000)]);
    assert_eq!(ends_since(&store, 2000).await, [at(1000), at(2000), at(3000), at(5000)]);
    assert_eq!(ends_since(&store, 9000).await, [at(5000)]);
});

both!(only_what_is_asked_for_is_told, |store| {
    let revision = configured(&store).await;
    let new = new_request(revision);
    let places = [("shop", "production"), ("shop", "staging"), ("web", "staging")];
    for (number, (app, environment)) in (1..).zip(places) {
        let new = NewRequest { app: id(app), environment: id(environment), ..new.clone() };
        released(&store, &new, DeploymentState::Succeeded, number * 1000).await;
    }
    let place =
        |app: Option<&str>, environment: Option<&str>| Place { app: app.map(id), environment: environment.map(id) };
    let only = |places: Vec<Place>| DeliveryFilter { places: Places::Only(places), ..DeliveryFilter::default() };
    for (filter, expected) in [
        (DeliveryFilter::default(), vec![1, 2, 3]),
        (DeliveryFilter { app: Some(shop()), ..DeliveryFilter::default() }, vec![1, 2]),
        (DeliveryFilter { environment: Some(production()), ..DeliveryFilter::default() }, vec![1]),
        (only(vec![place(None, Some("staging"))]), vec![2, 3]),
        (only(vec![place(Some("web"), None), place(Some("shop"), Some("production"))]), vec![1, 3]),
        (DeliveryFilter { app: Some(shop()), ..only(vec![place(Some("web"), None)]) }, vec![]),
        (only(Vec::new()), vec![]),
    ] {
        let found = store.ended_deployments(&filter, at(0)).await.expect("reads");
        let found: Vec<_> = found.into_iter().map(|ended| ended.finished_at).collect();
        assert_eq!(found, expected.into_iter().map(|number: i64| at(number * 1000)).collect::<Vec<_>>(), "{filter:?}");
    }
});

both!(another_end_is_seen_whenever_it_is_noted, |store| {
    let new = new_request(configured(&store).await);
    let ends = async || store.ends().await.expect("reads");
    let none = ends().await;
    assert_eq!(none, ends().await);
    let mut known = vec![none];
    // One of the same moment, and one that was noted late.
    for end in [900_000, 900_000, 899_000] {
        released(&store, &new, DeploymentState::Succeeded, end).await;
        let now = ends().await;
        assert!(!known.contains(&now), "{now:?} after {known:?}");
        assert_eq!(now, ends().await);
        known.push(now);
    }
    make(&store, &new).await;
    assert_eq!(known.last(), Some(&ends().await), "one that has only begun");
});
