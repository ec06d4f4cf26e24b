use crate::support::{both, id, is_conflict, new_delivery, received};
use davit_store::deliveries::DeliveryFilter;
use davit_store::inbox::{Inbox, NewDelivery, Put};
use davit_store::{Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Puts all of them while nobody writes yet, so that they share one batch; answers in their order.
async fn put_together(store: &Store, deliveries: Vec<NewDelivery>) -> Vec<Result<Put, StoreError>> {
    let cancel = CancellationToken::new();
    let (inbox, writer) = Inbox::start(store.clone(), cancel.clone());
    let mut putting = deliveries.into_iter().map(|delivery| Box::pin(inbox.put(delivery))).collect::<Vec<_>>();
    for put in &mut putting {
        // Queued: a put waits for its answer, which nobody gives before the writer runs.
        assert!(poll_once(put).await.is_none());
    }
    let answers = async {
        let mut answers = Vec::new();
        for put in putting {
            answers.push(put.await);
        }
        cancel.cancel();
        answers
    };
    tokio::join!(answers, writer).0
}

/// Polls once: the output when it is ready.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

async fn stored(store: &Store) -> Vec<String> {
    let found = store.deliveries(&DeliveryFilter::default(), None, 1000).await.expect("reads");
    found.into_iter().rev().map(|delivery| delivery.delivery).collect()
}

both!(one_delivery_three_times_in_a_batch_is_one_row, |store| {
    let twice_known = ["a", "b", "b", "b", "a"].map(new_delivery).to_vec();
    let put = put_together(&store, twice_known).await;
    let put: Vec<Put> = put.into_iter().map(|put| put.expect("is stored")).collect();
    let [Put::New(a), Put::New(b), Put::Known(b2), Put::Known(b3), Put::Known(a2)] = put[..] else { panic!("{put:?}") };
    assert_eq!((a2, b2, b3), (a, b, b));
    assert_eq!(stored(&store).await, ["a", "b"]);
});

both!(one_delivery_many_times_at_once_is_new_once, |store| {
    let cancel = CancellationToken::new();
    let mut writers = JoinSet::new();
    let mut putting = JoinSet::new();
    // Two inboxes, as two servers have them.
    for _ in 0..2 {
        let (inbox, writer) = Inbox::start(store.clone(), cancel.clone());
        writers.spawn(writer);
        for _ in 0..12 {
            let inbox = inbox.clone();
            putting.spawn(async move { inbox.put(new_delivery("d-1")).await.expect("is stored") });
        }
    }
    let put = putting.join_all().await;
    assert_eq!(put.iter().filter(|put| matches!(put, Put::New(_))).count(), 1);
    assert_eq!(stored(&store).await, ["d-1"]);
    cancel.cancel();
    writers.join_all().await;
});

both!(the_first_body_stays, |store| {
    let ids = received(&store, &["d-1"]).await;
    let changed = NewDelivery { body: b"other".to_vec(), ..new_delivery("d-1") };
    let elsewhere = NewDelivery { forge: id("lab"), ..new_delivery("d-1") };
    let put = put_together(&store, vec![changed, elsewhere]).await;
    assert_eq!(*put[0].as_ref().expect("is known"), Put::Known(ids[0]));
    assert!(matches!(put[1], Ok(Put::New(_))), "another forge's ids are its own");
    let found = store.delivery(ids[0]).await.expect("reads").expect("is there");
    assert_eq!(found.body, new_delivery("d-1").body);
});

both!(a_row_that_the_database_refuses_fails_alone, |store| {
    let batch = ["a", "", "b"].map(new_delivery).to_vec();
    let mut put = put_together(&store, batch).await;
    assert!(matches!(put.pop(), Some(Ok(Put::New(_)))));
    is_conflict(put.pop().expect("an answer"));
    assert!(matches!(put.pop(), Some(Ok(Put::New(_)))));
    assert_eq!(stored(&store).await, ["a", "b"]);
});

both!(a_large_body_goes_through, |store| {
    let body: Vec<u8> = (0..10_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let large = |name| NewDelivery { body: body.clone(), ..new_delivery(name) };
    let put = put_together(&store, vec![large("a"), large("b")]).await;
    let Ok(Put::New(last)) = put[1] else { panic!("{:?}", put[1]) };
    assert!(store.delivery(last).await.expect("reads").expect("is there").body == body);
});

both!(what_waits_is_written_before_the_inbox_ends, |store| {
    let cancel = CancellationToken::new();
    let (inbox, writer) = Inbox::start(store.clone(), cancel.clone());
    let mut put = Box::pin(inbox.put(new_delivery("d-1")));
    assert!(poll_once(&mut put).await.is_none());
    cancel.cancel();
    writer.await;
    assert!(matches!(put.await, Ok(Put::New(_))));
    assert!(matches!(inbox.put(new_delivery("d-2")).await, Err(StoreError::Unavailable(_))));
    assert_eq!(stored(&store).await, ["d-1"]);
});

both!(when_the_database_is_gone_everybody_hears_it, |store| {
    store.close().await;
    let put = put_together(&store, ["a", "b"].map(new_delivery).to_vec()).await;
    assert!(put.iter().all(|put| matches!(put, Err(StoreError::Unavailable(_)))), "{put:?}");
});
