use crate::support::{at, both, commit, id};
use davit_store::Store;
use davit_store::outbox::{OutboxEnd, OutboxRow, OutboxState};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

const LEASE: Duration = Duration::from_millis(100);

async fn enqueue(store: &Store, lane: &str, payload: &str, now: i64) {
    commit!(store, tx => tx.enqueue_outbox("status", lane, &id("hub"), payload, at(now)));
}

async fn claim(store: &Store, now: i64) -> Option<OutboxRow> {
    store.claim_outbox(at(now), LEASE).await.expect("claims")
}

async fn due(store: &Store) -> Option<i64> {
    store.outbox_next_due().await.expect("reads").map(|due| due.millis() - at(0).millis())
}

async fn states(store: &Store) -> Vec<(String, OutboxState)> {
    let entries = store.outbox(100).await.expect("reads");
    entries.into_iter().rev().map(|entry| (entry.row.payload, entry.state)).collect()
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
    assert_eq!((row.forge.as_str(), row.attempts, row.created_at), ("hub", 1, at(1)));
    assert_eq!((due(&store).await, store.outbox_waiting("a").await.expect("counts")), (Some(101), 1));
    store.finish_outbox(row.id, OutboxEnd::Done, None, at(2)).await.expect("ends");
    assert_eq!((due(&store).await, store.outbox_waiting("a").await.expect("counts")), (None, 0));
    assert_eq!(claim(&store, 1000).await, None);
    let entry = store.outbox(1).await.expect("reads").remove(0);
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
    store.retry_outbox(first.id, at(40), "502\0").await.expect("is put back");
    assert_eq!((due(&store).await, claim(&store, 39).await), (Some(40), None));
    let entry = store.outbox(1).await.expect("reads").remove(0);
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
    store.retry_outbox(old.id, at(500), "502").await.expect("is put back");
    assert_eq!(due(&store).await, Some(2));
    assert_eq!(claim(&store, 3).await.expect("one").payload, "new");
    // What the worker of the old one still has to say comes too late.
    store.finish_outbox(old.id, OutboxEnd::Done, None, at(4)).await.expect("does nothing");
    store.retry_outbox(old.id, at(5), "late").await.expect("does nothing");
    assert_eq!(states(&store).await, [word("old", OutboxState::Superseded), word("new", OutboxState::Leased)]);
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
