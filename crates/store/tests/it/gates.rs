//! Locks, and what hosts said they serve.

use crate::support::{at, both, commit, host, is_not_found, production, shop};
use davit_store::gates::{LiveCheck, LiveDetail, LiveVerdict};

both!(a_lock_holds_until_it_ends, |store| {
    let all = commit!(store, tx => tx.lock_environment(&production(), None, "the fair", "ana", None, at(1)));
    let one = commit!(store, tx =>
        tx.lock_environment(&production(), Some(&shop()), "migration", "bob", Some(at(10)), at(2)));
    let held = store.locks(at(5)).await.expect("reads");
    let seen: Vec<_> = held.iter().map(|lock| (lock.id, lock.app.clone(), lock.owner.as_str())).collect();
    assert_eq!(seen, [(all, None, "ana"), (one, Some(shop()), "bob")]);
    let later = store.locks(at(10)).await.expect("reads");
    assert_eq!(later.iter().map(|lock| lock.id).collect::<Vec<_>>(), [all], "the other one has expired");
    assert_eq!(commit!(store, tx => tx.unlock(all, "eve", at(11))).reason, "the fair");
    assert!(store.locks(at(12)).await.expect("reads").is_empty());
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.unlock(all, "eve", at(13)).await);
});

both!(the_last_word_of_a_host_counts, |store| {
    let check = |verdict: &str, time| LiveCheck {
        app: shop(),
        environment: production(),
        host: host("web-1"),
        at: at(time),
        verdict: verdict.into(),
        live: None,
        detail: LiveDetail { sentence: "3 files differ".into(), altered: 3, ..LiveDetail::default() },
    };
    commit!(store, tx => tx.record_live_check(&check("ok", 1)));
    commit!(store, tx => tx.record_live_check(&check("drift", 2)));
    assert_eq!(store.live_checks(&shop(), &production()).await.expect("reads"), [check("drift", 2)]);
    let LiveCheck { app, environment, host, at, verdict, .. } = check("drift", 2);
    let brief = LiveVerdict { app, environment, host, at, verdict };
    assert_eq!(store.live_verdicts().await.expect("reads"), [brief]);
});
