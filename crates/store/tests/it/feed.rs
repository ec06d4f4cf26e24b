use crate::support::{at, both, commit, configured, make_request, new_request, production, shop};
use davit_store::feed::FeedEntry;

fn entry(n: i64) -> FeedEntry {
    FeedEntry {
        at: at(n),
        actor: "alice".into(),
        action: "request_approved".into(),
        subject: format!("request {n}"),
        app: (n % 2 == 0).then(shop),
        environment: (n % 2 == 0).then(production),
        detail: serde_json::json!({ "n": n, "text": "with \u{0} in it" }),
    }
}

both!(the_feed_is_read_backwards_page_by_page, |store| {
    for n in 1..=5 {
        commit!(store, tx => tx.feed(entry(n)));
    }
    let newest = store.feed(None, 3).await.expect("reads");
    assert_eq!(newest.iter().map(|found| found.entry.clone()).collect::<Vec<_>>(), [entry(5), entry(4), entry(3)]);
    let older = store.feed(Some(newest[2].id), 3).await.expect("reads");
    assert_eq!(older.into_iter().map(|found| found.entry).collect::<Vec<_>>(), [entry(2), entry(1)]);
});

both!(what_people_name_stands_for_nothing_else, |store| {
    let request = make_request(&store, &new_request(configured(&store).await)).await;
    let subject = format!("request {}", request.id);
    for action in ["request_approved", "token_created", "group_joined"] {
        let said =
            FeedEntry { action: action.into(), subject: subject.clone(), app: None, environment: None, ..entry(1) };
        commit!(store, tx => tx.feed(said));
    }
    let apps: Vec<_> = store.feed(None, 3).await.expect("reads").into_iter().map(|found| found.entry.app).collect();
    assert_eq!(apps, [None, None, Some(request.app)]);
});

both!(a_name_with_nul_is_stored_with_its_picture, |store| {
    commit!(store, tx => tx.feed(FeedEntry { subject: "a\0b".into(), ..entry(1) }));
    assert_eq!(store.feed(None, 1).await.expect("reads")[0].entry.subject, "a␀b");
});
