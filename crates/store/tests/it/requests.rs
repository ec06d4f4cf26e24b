use crate::support::{
    at, both, commit, configured, host, id, is_conflict, is_not_found, make_request, new_request, received,
};
use davit_domain::config::Review;
use davit_domain::ids::{RequestId, RevisionId};
use davit_domain::request::{Approval, Kind, RequestState};
use davit_store::requests::{Created, Inputs, NewRequest, RequestFilter};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

both!(a_request_keeps_all_it_was_made_with, |store| {
    let revision = configured(&store).await;
    let delivery = received(&store, &["d-1"]).await[0];
    let new = NewRequest {
        kind: Kind::Rollback,
        state: RequestState::AwaitingReview { approvals: vec![Approval { user: "bob".into(), at: at(3) }] },
        review: Review { required: 2, self_approval: true },
        target_release: Some(id("20260131T120000Z-1a2b3c4-17")),
        hosts: Some(vec![host("web-2"), host("web-1")]),
        title: "a\0b".into(),
        delivery: Some(delivery),
        ..new_request(revision)
    };
    let made = make_request(&store, &new).await;
    assert_eq!(store.request(made.id).await.expect("reads"), Some(made.clone()));
    assert_eq!((made.app, made.environment, made.kind), (new.app, new.environment, new.kind));
    assert_eq!((made.state, made.review, made.commit), (new.state, new.review, new.commit));
    assert_eq!((made.target_release, made.hosts, made.git_ref), (new.target_release, new.hosts, new.git_ref));
    assert_eq!((made.revision, made.created_by, made.created_at), (revision, new.created_by, at(1)));
    assert_eq!((made.decided_by, made.decided_at, made.delivery), (None, None, Some(delivery)));
    assert_eq!(made.title, "a␀b");
    assert_eq!(store.delivery_requests(delivery).await.expect("reads"), [made.id]);
    assert_eq!(store.request(RequestId(99)).await.expect("reads"), None);
});

both!(asking_twice_with_one_key_makes_one_request, |store| {
    let revision = configured(&store).await;
    let new = NewRequest { idempotency_key: Some("push hub 1".into()), ..new_request(revision) };
    let mut asking = JoinSet::new();
    for _ in 0..12 {
        let (store, new) = (store.clone(), new.clone());
        asking.spawn(async move { commit!(store, tx => tx.create_request(&new)) });
    }
    let (mut made, mut ids) = (0, BTreeSet::new());
    for created in asking.join_all().await {
        match created {
            Created::New(request) => {
                made += 1;
                ids.insert(request.id);
            }
            Created::Existing(request) => {
                ids.insert(request.id);
            }
        }
    }
    assert_eq!((made, ids.len()), (1, 1));
    // Without a key every one is new.
    make_request(&store, &new_request(revision)).await;
    make_request(&store, &new_request(revision)).await;
    assert_eq!(store.requests(&RequestFilter::default(), None, 10).await.expect("reads").len(), 3);
});

both!(a_key_that_was_used_for_something_else_is_refused, |store| {
    let revision = configured(&store).await;
    let new = NewRequest { idempotency_key: Some("user 1 k".into()), ..new_request(revision) };
    let made = make_request(&store, &new).await;
    let ask = |new: NewRequest| {
        let store = store.clone();
        async move {
            let mut tx = store.begin().await.expect("begins");
            tx.create_request(&new).await
        }
    };
    let inputs = Inputs { values: [("a".to_owned(), "b".to_owned())].into(), ..Inputs::default() };
    for other in [
        NewRequest { environment: id("test"), ..new.clone() },
        NewRequest { hosts: Some(vec![host("web-1")]), ..new.clone() },
        NewRequest { git_ref: Some("next".into()), ..new.clone() },
        NewRequest { git_ref: None, ..new.clone() },
        NewRequest { build: Some("ab".repeat(32)), ..new.clone() },
        NewRequest { inputs, ..new.clone() },
        NewRequest { kind: Kind::Rollback, ..new.clone() },
    ] {
        let said = is_conflict(ask(other).await);
        let expected = "this idempotency key was used before to ask for something else";
        assert_eq!(said, format!("{expected} (request {}): use a new one", made.id));
    }
    let moved = NewRequest { commit: id(&"9f8e7d6c".repeat(5)), title: "Newer".into(), ..new.clone() };
    assert_eq!(ask(moved).await.expect("the branch moved on"), Created::Existing(made.clone()));
    let event = NewRequest { kind: Kind::Auto, git_ref: None, ..new };
    assert_eq!(ask(event).await.expect("is an event's"), Created::Existing(made));
});

both!(a_request_pins_a_revision_that_exists, |store| {
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.create_request(&new_request(RevisionId(99))).await);
});

both!(a_state_moves_on_and_says_who_decided, |store| {
    let request = make_request(&store, &new_request(configured(&store).await)).await;
    let rejected = RequestState::Rejected { by: "bob".into(), reason: "no".into() };
    commit!(store, tx => tx.set_request_state(request.id, &rejected, Some(("bob", at(9)))));
    commit!(store, tx => tx.set_request_state(request.id, &RequestState::Releasing, None));
    let mut tx = store.begin().await.expect("begins");
    let found = tx.request(request.id).await.expect("reads");
    assert_eq!(found.state, RequestState::Releasing);
    assert_eq!((found.decided_by.as_deref(), found.decided_at), (Some("bob"), Some(at(9))));
    assert_eq!(is_not_found(tx.request(RequestId(99)).await), "request 99 does not exist");
    is_not_found(tx.set_request_state(RequestId(99), &RequestState::Withdrawn, None).await);
});

both!(two_decisions_on_one_request_follow_each_other, |store| {
    let new = NewRequest {
        state: RequestState::AwaitingReview { approvals: Vec::new() },
        ..new_request(configured(&store).await)
    };
    let request = make_request(&store, &new).await;
    let mut deciding = JoinSet::new();
    for n in 0..8 {
        let (store, id) = (store.clone(), request.id);
        deciding.spawn(async move {
            let mut tx = store.begin().await.expect("begins");
            let found = tx.request(id).await.expect("reads");
            let review = Review { required: 100, self_approval: false };
            let next = found.state.approve(&format!("user-{n}"), "alice", review, at(n)).expect("is approved");
            tx.set_request_state(id, &next, None).await.expect("writes");
            tx.commit().await.expect("commits");
        });
    }
    deciding.join_all().await;
    let found = store.request(request.id).await.expect("reads").expect("is there");
    let RequestState::AwaitingReview { approvals } = found.state else { panic!("{:?}", found.state) };
    assert_eq!(approvals.len(), 8);
});

both!(lists_are_filtered_counted_and_paged, |store| {
    let revision = configured(&store).await;
    let mut ids = Vec::new();
    for n in 0..6 {
        let state = if n < 4 { RequestState::AwaitingRelease } else { RequestState::Failed { reason: "x".into() } };
        let environment = if n % 2 == 0 { id("test") } else { id("production") };
        ids.push(make_request(&store, &NewRequest { state, environment, ..new_request(revision) }).await.id);
    }
    let list = |filter: RequestFilter, before, limit| {
        let store = store.clone();
        async move {
            let found = store.requests(&filter, before, limit).await.expect("reads");
            found.into_iter().map(|request| request.id).collect::<Vec<_>>()
        }
    };
    let all = RequestFilter::default();
    assert_eq!(list(all.clone(), None, 2).await, [ids[5], ids[4]]);
    assert_eq!(list(all.clone(), Some(ids[4]), 2).await, [ids[3], ids[2]]);
    let failed = RequestFilter { states: vec!["failed".into()], ..all.clone() };
    assert_eq!(list(failed, None, 9).await, [ids[5], ids[4]]);
    let two = RequestFilter { states: vec!["failed".into(), "awaiting_release".into()], ..all.clone() };
    assert_eq!(list(two, None, 9).await.len(), 6);
    let test = RequestFilter { environment: Some(id("test")), app: Some(id("shop")), ..all.clone() };
    assert_eq!(list(test, Some(ids[4]), 9).await, [ids[2], ids[0]]);
    assert!(list(RequestFilter { app: Some(id("other")), ..all }, None, 9).await.is_empty());
    let counts = store.request_counts().await.expect("counts");
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("awaiting_release".into(), 4), ("failed".into(), 2)]);
});
