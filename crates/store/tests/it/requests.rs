use crate::support::{
    at, both, commit, configured, host, id, is_conflict, is_not_found, make_request, new_request, received,
};
use davit_domain::access::{Place, Places};
use davit_domain::config::Review;
use davit_domain::ids::{RequestId, RevisionId};
use davit_domain::request::{Approval, Kind, RequestState};
use davit_domain::review::Person;
use davit_store::requests::{Created, Edit, Inputs, NewBatch, NewRequest, NewReview, RequestFilter, Schedule, Verdict};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

both!(a_request_keeps_all_it_was_made_with, |store| {
    let revision = configured(&store).await;
    let delivery = received(&store, &["d-1"]).await[0];
    let new = NewRequest {
        kind: Kind::Rollback,
        state: RequestState::AwaitingReview { approvals: vec![Approval { user: "bob".into(), at: at(3) }] },
        review: Review {
            required: 2,
            self_approval: true,
            reviewers: vec!["bob".parse().expect("a reviewer"), "group:leads".parse().expect("a reviewer")],
            expires: Some(3_600),
        },
        description: "two\nlines".into(),
        schedule: Some(Schedule { at: at(99), by: "alice".into() }),
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
    assert_eq!((made.description, made.schedule, made.version), (new.description, new.schedule, 1));
    assert_eq!((made.batch, made.cloned_from, made.held, made.updated_at), (None, None, None, None));
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
            let review = Review { required: 100, ..Review::default() };
            let name = format!("user-{n}");
            let person = Person { name: &name, groups: &[] };
            let next = found.state.approve(person, &["alice"], &review, at(n)).expect("is approved");
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
        let open = RequestState::AwaitingRelease { approvals: Vec::new() };
        let state = if n < 4 { open } else { RequestState::Failed { reason: "x".into() } };
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
    let counts = store.request_counts(&RequestFilter::default()).await.expect("counts");
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("awaiting_release".into(), 4), ("failed".into(), 2)]);
});

both!(an_edit_is_the_next_version_and_voids_approvals, |store| {
    let revision = configured(&store).await;
    let request = make_request(&store, &new_request(revision)).await;
    let say =
        |user: &'static str, verdict, version| NewReview { version, user, verdict, reason: Some("fine"), at: at(2) };
    commit!(store, tx => tx.record_review(request.id, &say("bob", Verdict::Approve, 1)));
    commit!(store, tx => tx.record_review(request.id, &say("cy", Verdict::Approve, 1)));
    commit!(store, tx => tx.set_approvals_expiry(request.id, Some(at(50))));
    commit!(store, tx => tx.hold_request(request.id, "not green"));
    commit!(store, tx => tx.void_approvals(request.id, Some("cy"), at(3)));
    let edit = Edit {
        state: RequestState::AwaitingReview { approvals: Vec::new() },
        commit: id(&"9f8e7d6c".repeat(5)),
        git_ref: Some("refs/heads/next".into()),
        title: "Newer".into(),
        description: "why".into(),
        revision,
        review: Review { required: 3, ..Review::default() },
        hosts: Some(vec![host("web-1")]),
        build: Some("ab".repeat(32)),
        inputs: Inputs { values: [("a".to_owned(), "b".to_owned())].into(), ..Inputs::default() },
        values: request.values.clone(),
        editors: vec!["dan".into()],
    };
    commit!(store, tx => tx.edit_request(request.id, &edit, at(5)));
    commit!(store, tx => tx.void_approvals(request.id, None, at(5)));
    let found = store.request(request.id).await.expect("reads").expect("is there");
    assert_eq!((found.version, found.updated_at, found.held.clone()), (2, Some(at(5)), None));
    let now = Edit {
        state: found.state,
        commit: found.commit,
        git_ref: found.git_ref,
        title: found.title,
        description: found.description,
        revision: found.revision,
        review: found.review,
        hosts: found.hosts,
        build: found.build,
        inputs: found.inputs,
        values: found.values,
        editors: found.editors,
    };
    assert_eq!(now, edit);
    let words = store.request_reviews(request.id).await.expect("reads");
    let seen: Vec<_> = words.iter().map(|word| (word.user.as_str(), word.version, word.void_at)).collect();
    assert_eq!(seen, [("bob", 1, Some(at(5))), ("cy", 1, Some(at(3)))]);
    assert!(store.requests_with_old_approvals(at(60)).await.expect("reads").is_empty());
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.edit_request(RequestId(99), &edit, at(5)).await);
});

both!(what_is_due_and_what_is_old_is_found, |store| {
    let revision = configured(&store).await;
    let scheduled = |seconds| Some(Schedule { at: at(seconds), by: "alice".into() });
    let open = RequestState::AwaitingRelease { approvals: Vec::new() };
    let waits = RequestState::AwaitingReview { approvals: Vec::new() };
    let mut ids = Vec::new();
    for (state, schedule) in
        [(open.clone(), scheduled(9)), (open.clone(), scheduled(5)), (waits, scheduled(5)), (open, None)]
    {
        ids.push(make_request(&store, &NewRequest { state, schedule, ..new_request(revision) }).await.id);
    }
    assert!(store.due_requests(at(4)).await.expect("reads").is_empty());
    assert_eq!(store.due_requests(at(5)).await.expect("reads"), [ids[1]]);
    assert_eq!(store.due_requests(at(9)).await.expect("reads"), [ids[1], ids[0]], "those that wait longest first");
    commit!(store, tx => tx.schedule_request(ids[1], None, at(6)));
    commit!(store, tx => tx.schedule_request(ids[3], scheduled(7).as_ref(), at(6)));
    assert_eq!(store.due_requests(at(9)).await.expect("reads"), [ids[3], ids[0]]);
    commit!(store, tx => tx.set_approvals_expiry(ids[0], Some(at(8))));
    assert!(store.requests_with_old_approvals(at(7)).await.expect("reads").is_empty());
    assert_eq!(store.requests_with_old_approvals(at(8)).await.expect("reads"), [ids[0]]);
    commit!(store, tx => tx.set_request_state(ids[0], &RequestState::Withdrawn, None));
    assert!(store.requests_with_old_approvals(at(8)).await.expect("reads").is_empty());
});

both!(a_batch_is_made_once_a_key, |store| {
    let revision = configured(&store).await;
    let environment = id("test");
    let new = NewBatch {
        environment: &environment,
        title: "both",
        description: "",
        created_by: "alice",
        created_at: at(1),
        idempotency_key: Some("user 1 k"),
    };
    let batch = commit!(store, tx => tx.create_request_batch(&new)).expect("is new");
    assert_eq!(commit!(store, tx => tx.create_request_batch(&new)), None);
    let found = store.request_batch_of_key("user 1 k").await.expect("reads").expect("is there");
    assert_eq!((found.id, found.title.as_str(), found.created_at), (batch, "both", at(1)));
    assert_eq!(store.request_batch(batch).await.expect("reads"), Some(found));
    let other = NewBatch { idempotency_key: None, ..new };
    assert!(commit!(store, tx => tx.create_request_batch(&other)).is_some());
    let request = make_request(&store, &NewRequest { batch: Some(batch), ..new_request(revision) }).await;
    make_request(&store, &new_request(revision)).await;
    let filter = RequestFilter { batch: Some(batch), ..RequestFilter::default() };
    let listed = store.requests(&filter, None, 9).await.expect("reads");
    assert_eq!(listed.iter().map(|request| request.id).collect::<Vec<_>>(), [request.id]);
});

both!(requests_are_found_by_text_author_and_place, |store| {
    let revision = configured(&store).await;
    let mut ids = Vec::new();
    for (title, author, environment) in
        [("Über 100%", "alice", "test"), ("next_one", "ana@hub", "production"), ("Last", "bob", "test")]
    {
        let new = NewRequest {
            title: title.into(),
            created_by: author.into(),
            environment: id(environment),
            ..new_request(revision)
        };
        ids.push(make_request(&store, &new).await.id);
    }
    let list = |filter: RequestFilter| {
        let store = store.clone();
        async move {
            let found = store.requests(&filter, None, 9).await.expect("reads");
            let counted: i64 = store.request_counts(&filter).await.expect("counts").values().sum();
            assert_eq!(counted, i64::try_from(found.len()).expect("few"));
            found.into_iter().map(|request| request.id).collect::<Vec<_>>()
        }
    };
    let text = |text: &str| RequestFilter { text: Some(text.into()), ..RequestFilter::default() };
    for (wanted, expected) in
        [("100%", &ids[..1]), ("NEXT_", &ids[1..2]), ("ana@", &ids[1..2]), ("nextzone", &[]), ("\0", &[])]
    {
        assert_eq!(list(text(wanted)).await, expected, "{wanted}");
    }
    assert_eq!(list(text(&ids[2].to_string())).await, [ids[2]], "by its number");
    let commit = crate::support::sha();
    assert_eq!(list(text(&commit.as_str()[..7].to_uppercase())).await.len(), 3, "by the beginning of the commit");
    assert!(list(text(&commit.as_str()[1..8])).await.is_empty());
    let authors = vec!["alice".to_owned(), "ana@hub".to_owned()];
    assert_eq!(list(RequestFilter { authors, ..RequestFilter::default() }).await, [ids[1], ids[0]]);
    let places = |places: Vec<Place>| RequestFilter { places: Places::Only(places), ..RequestFilter::default() };
    assert!(list(places(Vec::new())).await.is_empty());
    let test = Place { app: None, environment: Some(id("test")) };
    let other = Place { app: Some(id("other")), environment: None };
    assert_eq!(list(places(vec![test.clone(), other.clone()])).await, [ids[2], ids[0]]);
    assert!(list(places(vec![other])).await.is_empty());
});
