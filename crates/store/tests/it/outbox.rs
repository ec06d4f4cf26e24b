use crate::support::{at, both, commit, id, is_conflict, is_not_found};
use davit_store::Store;
use davit_store::outbox::{
    ClaimRules, NewCall, OutboxCount, OutboxEnd, OutboxEntry, OutboxFilter, OutboxRow, OutboxState, Target,
};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

const LEASE: Duration = Duration::from_millis(100);

fn to(forge: &str) -> Target {
    Target::Forge(id(forge))
}

async fn enqueue(store: &Store, lane: &str, payload: &str, now: i64) {
    enqueue_for(store, "hub", lane, payload, now).await;
}

async fn enqueue_for(store: &Store, forge: &str, lane: &str, payload: &str, now: i64) {
    let target = to(forge);
    let call = NewCall { kind: "status", lane, target: &target, payload, is_final: payload == "success" };
    commit!(store, tx => tx.enqueue_outbox(&call, at(now)));
}

async fn claim(store: &Store, now: i64) -> Option<OutboxRow> {
    claim_by(store, now, &ClaimRules::default()).await
}

async fn claim_by(store: &Store, now: i64, rules: &ClaimRules) -> Option<OutboxRow> {
    store.claim_outbox(at(now), LEASE, rules).await.expect("claims")
}

async fn due(store: &Store) -> Option<i64> {
    due_by(store, &ClaimRules::default()).await
}

async fn due_by(store: &Store, rules: &ClaimRules) -> Option<i64> {
    store.outbox_next_due(rules).await.expect("reads").map(|due| due.millis() - at(0).millis())
}

async fn listed(store: &Store, filter: &OutboxFilter) -> Vec<OutboxEntry> {
    store.outbox(filter, None, 100).await.expect("reads")
}

async fn states(store: &Store) -> Vec<(String, OutboxState)> {
    listed(store, &OutboxFilter::default())
        .await
        .into_iter()
        .rev()
        .map(|entry| (entry.row.payload, entry.state))
        .collect()
}

fn word(payload: &str, state: OutboxState) -> (String, OutboxState) {
    (payload.into(), state)
}

both!(a_call_is_made_and_done, |store| {
    assert_eq!((claim(&store, 0).await, due(&store).await), (None, None));
    enqueue(&store, "a", "one", 1).await;
    assert_eq!((due(&store).await, claim(&store, 0).await), (Some(1), None));
    let row = claim(&store, 1).await.expect("is due");
    assert_eq!((row.kind.as_str(), row.lane.as_str(), row.payload.as_str()), ("status", "a", "one"));
    assert_eq!((&row.target, row.attempts, row.created_at), (&to("hub"), 1, at(1)));
    assert_eq!((due(&store).await, store.outbox_waiting("a").await.expect("counts")), (Some(101), 1));
    store.finish_outbox(row.id, OutboxEnd::Done, None, at(2)).await.expect("ends");
    assert_eq!((due(&store).await, store.outbox_waiting("a").await.expect("counts")), (None, 0));
    assert_eq!(claim(&store, 1000).await, None);
    let entry = listed(&store, &OutboxFilter::default()).await.remove(0);
    assert_eq!((entry.state, entry.last_error, entry.done_at), (OutboxState::Done, None, Some(at(2))));
});

both!(the_last_state_of_a_lane_wins, |store| {
    for payload in ["pending", "running", "success"] {
        enqueue(&store, "a", payload, 1).await;
    }
    enqueue(&store, "b", "other", 2).await;
    assert_eq!(claim(&store, 5).await.expect("one").payload, "success");
    assert_eq!(claim(&store, 5).await.expect("one").payload, "other");
    assert_eq!(claim(&store, 5).await, None);
    use OutboxState::{Leased, Superseded};
    let expected = [("pending", Superseded), ("running", Superseded), ("success", Leased), ("other", Leased)];
    assert_eq!(states(&store).await, expected.map(|(payload, state)| word(payload, state)));
});

both!(one_call_of_a_lane_at_a_time, |store| {
    enqueue(&store, "a", "one", 1).await;
    let first = claim(&store, 1).await.expect("one");
    enqueue(&store, "a", "two", 2).await;
    assert_eq!(claim(&store, 50).await, None, "the first one is under way");
    assert_eq!(due(&store).await, Some(101), "when its lease is over, not at once");
    assert_eq!(store.outbox_waiting("a").await.expect("counts"), 2);
    store.finish_outbox(first.id, OutboxEnd::Done, None, at(51)).await.expect("ends");
    assert_eq!(due(&store).await, Some(2));
    assert_eq!(claim(&store, 52).await.expect("one").payload, "two");
});

both!(a_failed_call_is_tried_again_later, |store| {
    enqueue(&store, "a", "one", 1).await;
    let first = claim(&store, 1).await.expect("one");
    store.retry_outbox(&first, at(40), "502\0").await.expect("is put back");
    assert_eq!((due(&store).await, claim(&store, 39).await), (Some(40), None));
    let entry = listed(&store, &OutboxFilter::default()).await.remove(0);
    assert_eq!((entry.state, entry.last_error.as_deref()), (OutboxState::Waiting, Some("502␀")));
    let second = claim(&store, 40).await.expect("is due");
    assert_eq!((second.id, second.attempts), (first.id, 2));
    store.finish_outbox(second.id, OutboxEnd::Dead, Some("gone"), at(41)).await.expect("ends");
    assert_eq!(states(&store).await, [word("one", OutboxState::Dead)]);
});

both!(a_newer_state_takes_the_place_of_one_that_waits_to_be_tried_again, |store| {
    enqueue(&store, "a", "old", 1).await;
    let old = claim(&store, 1).await.expect("one");
    enqueue(&store, "a", "new", 2).await;
    store.retry_outbox(&old, at(500), "502").await.expect("is put back");
    assert_eq!(due(&store).await, Some(2));
    assert_eq!(claim(&store, 3).await.expect("one").payload, "new");
    // What the worker of the old one still has to say comes too late.
    store.finish_outbox(old.id, OutboxEnd::Done, None, at(4)).await.expect("does nothing");
    store.retry_outbox(&old, at(5), "late").await.expect("does nothing");
    assert_eq!(states(&store).await, [word("old", OutboxState::Superseded), word("new", OutboxState::Leased)]);
});

both!(a_call_under_way_is_held_for_as_long_as_its_lease_is_renewed, |store| {
    enqueue(&store, "a", "one", 1).await;
    let first = claim(&store, 1).await.expect("one");
    assert!(store.renew_outbox(&first, at(150)).await.expect("is held"));
    assert_eq!((due(&store).await, claim(&store, 149).await), (Some(150), None));
    let again = claim(&store, 150).await.expect("the lease is over");
    assert!(!store.renew_outbox(&first, at(900)).await.expect("reads"), "another one makes it now");
    store.retry_outbox(&first, at(900), "stopped").await.expect("does nothing");
    assert!(store.renew_outbox(&again, at(300)).await.expect("is held"));
    store.finish_outbox(again.id, OutboxEnd::Done, None, at(200)).await.expect("ends");
    assert!(!store.renew_outbox(&again, at(900)).await.expect("reads"));
    assert_eq!(due(&store).await, None);
});

both!(a_call_whose_worker_died_is_made_again, |store| {
    enqueue(&store, "a", "one", 1).await;
    let first = claim(&store, 1).await.expect("one");
    assert_eq!(claim(&store, 100).await, None);
    let again = claim(&store, 101).await.expect("the lease is over");
    assert_eq!((again.id, again.attempts), (first.id, 2));
    enqueue(&store, "a", "two", 102).await;
    assert_eq!(claim(&store, 201).await.expect("the lease is over").payload, "two");
    assert_eq!(states(&store).await, [word("one", OutboxState::Superseded), word("two", OutboxState::Leased)]);
});

both!(workers_never_share_a_lane, |store| {
    for n in 0..30 {
        enqueue(&store, &format!("lane-{}", n % 10), &n.to_string(), 1).await;
    }
    let mut claiming = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        claiming.spawn(async move {
            let mut mine = Vec::new();
            while let Some(row) = claim(&store, 5).await {
                mine.push((row.lane, row.payload));
            }
            mine
        });
    }
    let claimed: Vec<(String, String)> = claiming.join_all().await.into_iter().flatten().collect();
    let lanes: BTreeSet<&str> = claimed.iter().map(|(lane, _)| lane.as_str()).collect();
    assert_eq!((claimed.len(), lanes.len()), (10, 10));
    assert!(claimed.iter().all(|(_, payload)| payload.parse::<i64>().is_ok_and(|n| n >= 20)), "the newest of each");
});

both!(the_calls_of_the_process_before_are_made_again_where_there_is_one, |store| {
    enqueue(&store, "a", "one", 1).await;
    claim(&store, 1).await.expect("is due");
    let alone = matches!(store.db(), davit_store::Db::Sqlite { .. });
    assert_eq!(store.reclaim_outbox_of_previous_process(at(2)).await.expect("reclaims"), u64::from(alone));
    assert_eq!(claim(&store, 2).await.is_some(), alone, "others may be alive on PostgreSQL");
});

both!(a_paused_forge_waits_and_holds_nobody_up, |store| {
    enqueue_for(&store, "hub", "a", "one", 1).await;
    enqueue_for(&store, "lab", "b", "two", 2).await;
    let paused = |forges: &[&str]| ClaimRules {
        paused: forges.iter().map(|forge| to(forge)).collect(),
        ..ClaimRules::default()
    };
    assert_eq!(due_by(&store, &paused(&["hub"])).await, Some(2));
    assert_eq!(claim_by(&store, 5, &paused(&["hub"])).await.expect("is due").payload, "two");
    assert_eq!(claim_by(&store, 5, &paused(&["hub"])).await, None);
    assert_eq!(due_by(&store, &paused(&["hub", "lab"])).await, None);
    assert_eq!(claim_by(&store, 5, &paused(&["lab"])).await.expect("is due").payload, "one");
});

both!(states_that_stay_come_first_when_asked, |store| {
    for (lane, payload) in [("a", "pending"), ("b", "success"), ("c", "pending"), ("d", "success")] {
        enqueue(&store, lane, payload, 1).await;
    }
    let finals_first = ClaimRules { finals_first: true, ..ClaimRules::default() };
    let mut lanes = Vec::new();
    while let Some(row) = claim_by(&store, 5, &finals_first).await {
        assert_eq!(row.is_final, row.payload == "success");
        lanes.push(row.lane);
    }
    assert_eq!(lanes, ["b", "d", "a", "c"]);
});

both!(a_person_has_a_call_made_again, |store| {
    enqueue(&store, "a", "one", 1).await;
    let first = claim(&store, 1).await.expect("one");
    assert_eq!(first.tried_since, at(1));
    let mut tx = store.begin().await.expect("begins");
    assert!(is_conflict(tx.retry_call(first.id, at(2)).await).contains("right now"));
    drop(tx);
    store.finish_outbox(first.id, OutboxEnd::Dead, Some("403"), at(3)).await.expect("ends");
    let entry = commit!(store, tx => tx.retry_call(first.id, at(50)));
    assert_eq!((entry.state, entry.next_at, entry.done_at), (OutboxState::Waiting, at(50), None));
    assert_eq!((entry.row.created_at, entry.row.tried_since), (at(1), at(50)));
    assert_eq!(entry.last_error.as_deref(), Some("403"), "until it is known better");
    assert_eq!(claim(&store, 49).await, None);
    let again = claim(&store, 50).await.expect("is due");
    assert_eq!((again.id, again.attempts), (first.id, 2));
    store.retry_outbox(&again, at(9_000), "502").await.expect("is put back");
    commit!(store, tx => tx.retry_call(first.id, at(60)));
    let again = claim(&store, 60).await.expect("a person did not want to wait");
    store.finish_outbox(again.id, OutboxEnd::Done, None, at(61)).await.expect("ends");
    let mut tx = store.begin().await.expect("begins");
    assert!(is_conflict(tx.retry_call(first.id, at(70)).await).contains("it was made"));
    assert_eq!(is_not_found(tx.retry_call(99, at(70)).await), "call 99 does not exist");
});

both!(what_is_older_than_the_last_state_is_never_made_again, |store| {
    enqueue(&store, "a", "pending", 1).await;
    let old = claim(&store, 1).await.expect("one");
    store.finish_outbox(old.id, OutboxEnd::Dead, Some("403"), at(2)).await.expect("ends");
    enqueue(&store, "a", "success", 3).await;
    let newer = || async {
        let mut tx = store.begin().await.expect("begins");
        is_conflict(tx.retry_call(old.id, at(4)).await)
    };
    assert!(newer().await.contains("a newer one"));
    let new = claim(&store, 5).await.expect("one");
    store.finish_outbox(new.id, OutboxEnd::Done, None, at(6)).await.expect("ends");
    assert!(newer().await.contains("a newer one"));
    enqueue(&store, "b", "pending", 7).await;
    enqueue(&store, "b", "success", 8).await;
    claim(&store, 9).await.expect("one");
    let superseded = states(&store).await.iter().position(|(_, state)| *state == OutboxState::Superseded);
    let id = new.id + 1;
    assert_eq!(superseded, Some(2));
    let mut tx = store.begin().await.expect("begins");
    assert!(is_conflict(tx.retry_call(id, at(10)).await).contains("a newer one"));
});

both!(the_list_has_filters_pages_and_counts, |store| {
    for number in 0..4 {
        enqueue_for(&store, "hub", &format!("status hub Acme/Shop_{number}"), "pending", number).await;
    }
    enqueue_for(&store, "lab", "status lab acme/docs", "success", 9).await;
    let made = claim(&store, 0).await.expect("one");
    store.finish_outbox(made.id, OutboxEnd::Dead, Some("403: 100% refused"), at(20)).await.expect("ends");
    let lanes =
        |entries: Vec<OutboxEntry>| -> Vec<String> { entries.into_iter().map(|entry| entry.row.lane).collect() };
    let all = OutboxFilter::default();
    let first = store.outbox(&all, None, 2).await.expect("reads");
    let second = store.outbox(&all, Some(first[1].row.id), 2).await.expect("reads");
    assert_eq!(lanes(first), ["status lab acme/docs", "status hub Acme/Shop_3"]);
    assert_eq!(lanes(second), ["status hub Acme/Shop_2", "status hub Acme/Shop_1"]);
    let text = |text: &str| OutboxFilter { text: Some(text.into()), ..OutboxFilter::default() };
    assert_eq!(lanes(listed(&store, &text("acme/shop_1")).await), ["status hub Acme/Shop_1"]);
    assert_eq!(lanes(listed(&store, &text("100% REF")).await), ["status hub Acme/Shop_0"]);
    assert_eq!(lanes(listed(&store, &text("acme%")).await), [""; 0]);
    assert_eq!(listed(&store, &text("")).await.len(), 5);
    let states = OutboxFilter { states: vec![OutboxState::Dead, OutboxState::Done], ..OutboxFilter::default() };
    assert_eq!(lanes(listed(&store, &states).await), ["status hub Acme/Shop_0"]);
    let lab = OutboxFilter { target: Some(to("lab")), ..OutboxFilter::default() };
    assert_eq!(lanes(listed(&store, &lab).await), ["status lab acme/docs"]);
    let count = |forge: &str, state, count, oldest| OutboxCount { target: to(forge), state, count, oldest: at(oldest) };
    let counts = store.outbox_counts().await.expect("reads");
    let (dead, waiting) = (OutboxState::Dead, OutboxState::Waiting);
    assert_eq!(counts, [count("hub", dead, 1, 0), count("hub", waiting, 3, 1), count("lab", waiting, 1, 9)]);
    let entry = store.outbox_entry(made.id).await.expect("reads").expect("is there");
    assert_eq!((entry.state, entry.done_at), (OutboxState::Dead, Some(at(20))));
    assert_eq!(store.outbox_entry(99).await.expect("reads"), None);
});

both!(forges_and_channels_of_one_name_are_apart, |store| {
    let channel = Target::Channel(id("hub"));
    enqueue(&store, "a", "to the forge", 0).await;
    let call = NewCall { kind: "notice", lane: "b", target: &channel, payload: "to people", is_final: true };
    commit!(store, tx => tx.enqueue_outbox(&call, at(0)));
    let paused = ClaimRules { paused: vec![channel.clone()], finals_first: true };
    assert_eq!(claim_by(&store, 1, &paused).await.map(|row| row.target), Some(to("hub")));
    assert_eq!(claim_by(&store, 1, &paused).await, None);
    assert_eq!(store.last_call(&channel).await.expect("reads"), None);
    let row = claim(&store, 1).await.expect("is due");
    assert_eq!((row.target, row.payload.as_str()), (channel.clone(), "to people"));
    store.finish_outbox(row.id, OutboxEnd::Done, None, at(2)).await.expect("ends");
    let last = store.last_call(&channel).await.expect("reads").expect("is there");
    assert_eq!((last.row.id, last.state), (row.id, OutboxState::Done));
    let filter = OutboxFilter { target: Some(channel), ..OutboxFilter::default() };
    assert_eq!(listed(&store, &filter).await.len(), 1);
});
