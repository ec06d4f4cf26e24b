use crate::support::{at, both, commit, id, is_conflict, is_not_found, new_delivery, received};
use davit_domain::ids::DeliveryId;
use davit_store::Store;
use davit_store::deliveries::{DeliveryFilter, DeliveryFull, Verdict};
use davit_store::inbox::Put;
use std::time::Duration;
use tokio::task::JoinSet;

const LEASE: Duration = Duration::from_millis(100);

async fn claim(store: &Store, now: i64) -> Option<DeliveryFull> {
    store.claim_delivery(at(now), LEASE).await.expect("claims")
}

async fn finish(store: &Store, id: DeliveryId, verdict: Verdict, dedupe_key: Option<&str>) {
    commit!(store, tx => tx.finish_delivery(id, verdict, "because", "push to main", Some("acme/shop"), dedupe_key));
}

both!(a_claim_brings_what_was_sent, |store| {
    let ids = received(&store, &["d-1"]).await;
    let claimed = claim(&store, 0).await.expect("is there");
    let sent = new_delivery("d-1");
    assert_eq!((claimed.headers, claimed.body), (sent.headers, sent.body));
    let delivery = claimed.delivery;
    assert_eq!((delivery.id, &delivery.forge, delivery.delivery.as_str()), (ids[0], &sent.forge, "d-1"));
    assert_eq!((delivery.event.as_str(), delivery.received_at), ("push", sent.received_at));
    assert_eq!((delivery.verdict, delivery.attempts, delivery.replay), (Verdict::Received, 1, false));
    assert_eq!((delivery.reason.as_str(), delivery.summary.as_str(), delivery.repository), ("", "", None));
});

both!(the_oldest_is_claimed_first_and_again_after_its_lease, |store| {
    let ids = received(&store, &["d-1", "d-2"]).await;
    assert_eq!(claim(&store, 0).await.expect("one").delivery.id, ids[0]);
    assert_eq!(claim(&store, 1).await.expect("one").delivery.id, ids[1]);
    assert_eq!(claim(&store, 99).await, None);
    let again = claim(&store, 100).await.expect("the lease is over").delivery;
    assert_eq!((again.id, again.attempts), (ids[0], 2));
    assert_eq!(claim(&store, 100).await, None);
});

both!(a_released_claim_waits_until_its_time, |store| {
    let ids = received(&store, &["d-1"]).await;
    claim(&store, 0).await.expect("one");
    commit!(store, tx => tx.release_claim(ids[0], at(50)));
    assert_eq!(claim(&store, 49).await, None);
    assert_eq!(claim(&store, 50).await.expect("one").delivery.attempts, 2);
    finish(&store, ids[0], Verdict::Processed, None).await;
    commit!(store, tx => tx.release_claim(ids[0], at(51)));
    assert_eq!(claim(&store, 1000).await, None);
});

both!(a_finished_delivery_says_what_became_of_it, |store| {
    let ids = received(&store, &["d-1"]).await;
    claim(&store, 0).await.expect("one");
    finish(&store, ids[0], Verdict::Ignored, Some("key")).await;
    let found = store.delivery(ids[0]).await.expect("reads").expect("is there");
    assert_eq!(found.body, new_delivery("d-1").body);
    let found = found.delivery;
    assert_eq!((found.verdict, found.reason.as_str()), (Verdict::Ignored, "because"));
    assert_eq!((found.summary.as_str(), found.repository.as_deref()), ("push to main", Some("acme/shop")));
    assert_eq!(claim(&store, 1000).await, None);
    assert_eq!(store.delivery(DeliveryId(99)).await.expect("reads"), None);
});

both!(a_delivery_is_finished_once, |store| {
    let ids = received(&store, &["d-1"]).await;
    claim(&store, 0).await.expect("one");
    claim(&store, 200).await.expect("the lease is over");
    finish(&store, ids[0], Verdict::Processed, None).await;
    let mut late = store.begin().await.expect("begins");
    is_conflict(late.finish_delivery(ids[0], Verdict::Failed, "", "", None, None).await);
});

both!(two_claimers_never_get_the_same_row, |store| {
    let names: Vec<String> = (0..40).map(|n| format!("d-{n}")).collect();
    let ids = received(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut claiming = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        claiming.spawn(async move {
            let mut mine = Vec::new();
            while let Some(claimed) = claim(&store, 0).await {
                mine.push(claimed.delivery.id);
            }
            mine
        });
    }
    let mut claimed: Vec<DeliveryId> = claiming.join_all().await.into_iter().flatten().collect();
    claimed.sort();
    assert_eq!(claimed, ids);
});

both!(the_same_said_twice_is_noticed, |store| {
    let ids = received(&store, &["d-1", "d-2", "d-3"]).await;
    finish(&store, ids[0], Verdict::Ignored, Some("key")).await;
    finish(&store, ids[1], Verdict::Processed, Some("key")).await;
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(tx.earlier_delivery("key", ids[2], at(5)).await.expect("reads"), Some(ids[1]));
    assert_eq!(tx.earlier_delivery("key", ids[1], at(5)).await.expect("reads"), None);
    assert_eq!(tx.earlier_delivery("key", ids[2], at(6)).await.expect("reads"), None, "too long ago");
    assert_eq!(tx.earlier_delivery("other", ids[2], at(5)).await.expect("reads"), None);
});

both!(of_many_that_say_the_same_at_once_one_is_the_first, |store| {
    for key in ["one", "two", "three", "four", "five"] {
        let names: Vec<String> = (0..8).map(|n| format!("{key}-{n}")).collect();
        let ids = received(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut processing = JoinSet::new();
        for id in ids {
            let store = store.clone();
            processing.spawn(async move {
                let mut tx = store.begin().await.expect("begins");
                let first = tx.earlier_delivery(key, id, at(0)).await.expect("reads").is_none();
                let verdict = if first { Verdict::Processed } else { Verdict::Ignored };
                tx.finish_delivery(id, verdict, "", "", None, Some(key)).await.expect("writes");
                tx.commit().await.expect("commits");
                first
            });
        }
        assert_eq!(processing.join_all().await.into_iter().filter(|first| *first).count(), 1);
    }
});

both!(a_replay_waits_again, |store| {
    let ids = received(&store, &["d-1"]).await;
    claim(&store, 0).await.expect("one");
    finish(&store, ids[0], Verdict::Failed, None).await;
    commit!(store, tx => tx.replay_delivery(ids[0]));
    let again = claim(&store, 1).await.expect("waits").delivery;
    assert_eq!((again.verdict, again.replay, again.attempts), (Verdict::Received, true, 2));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(is_not_found(tx.replay_delivery(DeliveryId(99)).await), "delivery 99 does not exist");
});

both!(lists_are_filtered_and_paged, |store| {
    let ids = received(&store, &["d-1", "d-2", "d-3", "d-4"]).await;
    finish(&store, ids[1], Verdict::Processed, None).await;
    finish(&store, ids[3], Verdict::Processed, None).await;
    let list = |filter: DeliveryFilter, before, limit| {
        let store = store.clone();
        async move {
            let found = store.deliveries(&filter, before, limit).await.expect("reads");
            found.into_iter().map(|delivery| delivery.id).collect::<Vec<_>>()
        }
    };
    let processed =
        DeliveryFilter { verdict: Some(Verdict::Processed), forge: Some(id("hub")), ..DeliveryFilter::default() };
    assert_eq!(list(DeliveryFilter::default(), None, 3).await, [ids[3], ids[2], ids[1]]);
    assert_eq!(list(DeliveryFilter::default(), Some(ids[1]), 3).await, [ids[0]]);
    assert_eq!(list(processed.clone(), None, 9).await, [ids[3], ids[1]]);
    assert_eq!(list(processed, Some(ids[3]), 9).await, [ids[1]]);
    assert!(list(DeliveryFilter { forge: Some(id("other")), ..DeliveryFilter::default() }, None, 9).await.is_empty());
});

both!(the_claims_of_the_process_before_end_where_there_is_one, |store| {
    received(&store, &["d-1"]).await;
    claim(&store, 0).await.expect("one");
    let alone = matches!(store.db(), davit_store::Db::Sqlite { .. });
    assert_eq!(store.reclaim_deliveries_of_previous_process().await.expect("reclaims"), u64::from(alone));
    assert_eq!(claim(&store, 1).await.is_some(), alone, "others may be alive on PostgreSQL");
});

both!(deliveries_are_found_by_what_they_are_about, |store| {
    let ids = received(&store, &["guid-AB", "guid_2", "guid%3"]).await;
    for (id, repository, summary) in [(ids[0], "Acme/Shop", "main → 1a2b3c4"), (ids[1], "acme/docs", "Größe 100%")]
    {
        claim(&store, 0).await.expect("one");
        commit!(store, tx =>
            tx.finish_delivery(id, Verdict::Ignored, "no app uses it", summary, Some(repository), None));
    }
    let found = |filter: DeliveryFilter| {
        let store = &store;
        async move {
            let found = store.deliveries(&filter, None, 10).await.expect("reads");
            found.into_iter().map(|delivery| delivery.id).collect::<Vec<_>>()
        }
    };
    let text = |text: &str| DeliveryFilter { text: Some(text.into()), ..DeliveryFilter::default() };
    let repository = |name: &str| DeliveryFilter { repository: Some(name.into()), ..DeliveryFilter::default() };
    let event = |name: &str| DeliveryFilter { event: Some(name.into()), ..DeliveryFilter::default() };
    assert_eq!(found(repository("acme/SHOP")).await, [ids[0]]);
    assert_eq!(found(repository("acme")).await, []);
    assert_eq!(found(text("ACME/")).await, [ids[1], ids[0]]);
    assert_eq!(found(text("guid-ab")).await, [ids[0]]);
    assert_eq!(found(text("guid_")).await, [ids[1]], "an underscore is one");
    assert_eq!(found(text("%")).await, [ids[2], ids[1]], "a per cent sign is one");
    assert_eq!(found(text("Größe")).await, [ids[1]]);
    assert_eq!(found(text("NO APP")).await, [ids[1], ids[0]]);
    assert_eq!(found(event("push")).await.len(), 3);
    assert_eq!(found(event("ping")).await, []);
    assert_eq!(found(DeliveryFilter { verdict: Some(Verdict::Received), ..text("guid") }).await, [ids[2]]);
    assert_eq!(store.last_delivery(&id("hub")).await.expect("reads").map(|last| last.id), Some(ids[2]));
    assert_eq!(store.last_delivery(&id("other")).await.expect("reads"), None);
});

both!(what_never_came_is_stored_in_the_callers_transaction, |store| {
    let known = received(&store, &["d-1"]).await[0];
    let mut tx = store.begin().await.expect("begins");
    tx.put_deliveries(&[new_delivery("catch-up:1")]).await.expect("writes");
    drop(tx);
    assert_eq!(store.last_delivery(&id("hub")).await.expect("reads").map(|last| last.id), Some(known), "rolled back");
    let deliveries = [new_delivery("catch-up:1"), new_delivery("d-1"), new_delivery("catch-up:1")];
    let put = commit!(store, tx => tx.put_deliveries(&deliveries));
    let Put::New(new) = put[0] else { panic!("{put:?}") };
    assert_eq!(put, [Put::New(new), Put::Known(known), Put::Known(new)]);
    assert_eq!(claim(&store, 0).await.expect("the older one").delivery.id, known);
    assert_eq!(claim(&store, 0).await.expect("waits like any other").delivery.id, new);
    assert_eq!(commit!(store, tx => tx.put_deliveries(&[])), []);
});
