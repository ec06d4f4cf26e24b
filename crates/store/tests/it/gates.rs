//! Locks, and what hosts said they serve.

use crate::support::{at, both, commit, deployed_to, host, id, is_not_found, production, shop};
use davit_domain::access::{Place, Places};
use davit_store::deployments::Deployment;
use davit_store::gates::{LiveCheck, LiveDetail, LiveSaid};

fn check(name: &str, verdict: &str, time: i64) -> LiveCheck {
    LiveCheck {
        app: shop(),
        environment: production(),
        host: host(name),
        at: at(time),
        verdict: verdict.into(),
        live: None,
        detail: LiveDetail { sentence: "3 files differ".into(), altered: 3, ..LiveDetail::default() },
    }
}

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
    commit!(store, tx => tx.record_live_check(&check("web-1", "ok", 1)));
    commit!(store, tx => tx.record_live_check(&check("web-1", "drift", 2)));
    assert_eq!(store.live_checks(&shop(), &production()).await.expect("reads"), [check("web-1", "drift", 2)]);
});

both!(hosts_that_differ_are_named_and_the_others_told_together, |store| {
    let deployment = deployed_to(&store, &["web-1", "web-2", "web-3"]).await;
    for (name, verdict, time) in [("web-1", "drift", 5), ("web-2", "ok", 6), ("web-3", "unreachable", 4)] {
        commit!(store, tx => tx.record_live_check(&check(name, verdict, time)));
    }
    let said = |differs: Option<&str>, time| LiveSaid {
        app: shop(),
        environment: production(),
        differs: differs.map(host),
        at: at(time),
    };
    let read = async |places: &Places| {
        let mut said = store.live_said(places).await.expect("reads");
        said.sort_by_key(|said| said.at);
        said
    };
    assert_eq!(read(&Places::All).await, [said(Some("web-1"), 5), said(None, 6)]);
    // What a host said before its release went live tells nothing about this one.
    for (name, time) in [("web-1", 6), ("web-2", 7), ("web-3", 4)] {
        let Deployment { release, id, .. } = &deployment;
        commit!(store, tx => tx.set_live(&shop(), &production(), &host(name), release, *id, at(time)));
    }
    assert_eq!(read(&Places::All).await, [said(None, 4)]);
    let place = |app: &str| Places::Only(vec![Place { app: Some(id(app)), environment: Some(production()) }]);
    assert_eq!(read(&place("shop")).await, [said(None, 4)]);
    assert_eq!(read(&place("other")).await, []);
    assert_eq!(read(&Places::Only(Vec::new())).await, []);
});
