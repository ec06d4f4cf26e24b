use crate::support::{at, both, commit};
use davit_store::Store;
use davit_store::alerts::{Alert, Raised};
use tokio::task::JoinSet;

const KIND: &str = "status_undeliverable";

async fn raise(store: &Store, subject: &str, detail: &str, now: i64) -> Raised {
    commit!(store, tx => tx.raise_alert(KIND, subject, detail, at(now)))
}

async fn subjects(store: &Store, open_only: bool, before: Option<i64>, limit: i64) -> Vec<String> {
    let alerts = store.alerts(open_only, before, limit).await.expect("reads");
    alerts.into_iter().map(|alert| alert.subject).collect()
}

both!(an_alert_is_raised_once_and_ends, |store| {
    assert_eq!(store.open_alerts().await.expect("counts"), 0);
    let Raised::New(id) = raise(&store, "hub", "403", 1).await else { panic!("it is new") };
    assert_eq!(raise(&store, "hub", "502\0", 5).await, Raised::Open(id));
    let alert =
        Alert { id, kind: KIND.into(), subject: "hub".into(), detail: "502␀".into(), since: at(1), ended_at: None };
    assert_eq!(store.alerts(true, None, 9).await.expect("reads"), std::slice::from_ref(&alert));
    assert!(!commit!(store, tx => tx.end_alert("other", "hub", at(6))));
    assert!(commit!(store, tx => tx.end_alert(KIND, "hub", at(7))));
    assert!(!commit!(store, tx => tx.end_alert(KIND, "hub", at(8))), "it is over");
    assert_eq!(store.alerts(true, None, 9).await.expect("reads"), []);
    let ended = Alert { ended_at: Some(at(7)), ..alert };
    assert_eq!(store.alerts(false, None, 9).await.expect("reads"), [ended]);
    assert!(matches!(raise(&store, "hub", "again", 9).await, Raised::New(other) if other != id));
    assert_eq!(store.open_alerts().await.expect("counts"), 1);
});

both!(alerts_are_listed_newest_first_in_pages, |store| {
    for subject in ["a", "b", "c"] {
        raise(&store, subject, "", 1).await;
    }
    commit!(store, tx => tx.end_alert(KIND, "b", at(2)));
    assert_eq!(subjects(&store, false, None, 9).await, ["c", "b", "a"]);
    assert_eq!(subjects(&store, true, None, 9).await, ["c", "a"]);
    let newest = store.alerts(true, None, 1).await.expect("reads").remove(0);
    assert_eq!(subjects(&store, true, Some(newest.id), 9).await, ["a"]);
});

both!(two_that_raise_it_at_once_make_one, |store| {
    let mut raising = JoinSet::new();
    for number in 0..12 {
        let store = store.clone();
        raising.spawn(async move { raise(&store, "hub", &number.to_string(), number).await });
    }
    let raised = raising.join_all().await;
    assert_eq!(raised.iter().filter(|raised| matches!(raised, Raised::New(_))).count(), 1);
    assert_eq!(subjects(&store, false, None, 99).await, ["hub"]);
});
