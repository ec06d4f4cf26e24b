//! Tries that failed, locks, and codes that are good for once.

use crate::support::{at, both, commit, is_conflict};
use davit_domain::access::Role;
use davit_store::Store;
use davit_store::accounts::{NewUser, User};
use davit_store::retention::Cutoffs;
use davit_store::sign_in::Tries;

async fn alice(store: &Store) -> User {
    commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Viewer)), at(0)))
}

both!(tries_are_counted_until_one_is_right, |store| {
    let mut counts = Vec::new();
    for time in [0, 10, 20] {
        counts.push(commit!(store, tx => tx.count_try("alice", at(time), at(time - 100))).count);
    }
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(commit!(store, tx => tx.count_try("bob", at(20), at(0))).count, 1);
    commit!(store, tx => tx.uncount_try("alice"));
    assert_eq!(commit!(store, tx => tx.count_try("alice", at(30), at(0))).count, 3);
    assert!(!commit!(store, tx => tx.forget_tries("alice", at(30))), "it was not locked");
    assert_eq!(commit!(store, tx => tx.count_try("alice", at(40), at(0))).count, 1);
    assert_eq!(commit!(store, tx => tx.count_try("alice", at(500), at(400))).count, 1, "the last one is long ago");
});

both!(a_lock_ends_by_itself_or_is_taken_off, |store| {
    commit!(store, tx => tx.count_try("alice", at(0), at(-100)));
    commit!(store, tx => tx.lock_name("alice", at(100)));
    assert_eq!(store.locked_names(at(99)).await.expect("reads").get("alice"), Some(&at(100)));
    let refused = commit!(store, tx => tx.count_try("alice", at(50), at(0)));
    assert_eq!(refused, Tries { count: 0, locked_until: Some(at(100)) }, "nothing is counted meanwhile");
    assert_eq!(commit!(store, tx => tx.count_try("alice", at(100), at(0))), Tries { count: 1, locked_until: None });
    assert!(store.locked_names(at(100)).await.expect("reads").is_empty());
    commit!(store, tx => tx.lock_name("alice", at(300)));
    assert!(commit!(store, tx => tx.forget_tries("alice", at(200))), "it was locked");
    assert!(store.locked_names(at(200)).await.expect("reads").is_empty());
});

both!(the_feed_is_told_of_tries_now_and_then, |store| {
    assert!(commit!(store, tx => tx.tell_of_try("", at(0), at(-60))));
    assert!(!commit!(store, tx => tx.tell_of_try("", at(59), at(-1))));
    assert!(commit!(store, tx => tx.tell_of_try("", at(60), at(0))));
    commit!(store, tx => tx.count_try("alice", at(60), at(0)));
    assert!(commit!(store, tx => tx.tell_of_try("alice", at(61), at(1))), "each name for itself");
});

both!(a_step_and_a_recovery_code_are_good_for_once, |store| {
    let alice = alice(&store).await;
    let mut tx = store.begin().await.expect("begins");
    assert!(!tx.confirm_second_factor(alice.id, 7, &[], at(0)).await.expect("asks"), "there is none to confirm");
    assert!(!tx.use_step(alice.id, 7).await.expect("asks"));
    tx.start_second_factor(alice.id).await.expect("starts");
    tx.start_second_factor(alice.id).await.expect("starts anew");
    assert!(!tx.use_step(alice.id, 7).await.expect("asks"), "it is not confirmed");
    let codes = ["one".to_owned(), "two".to_owned()];
    assert!(tx.confirm_second_factor(alice.id, 7, &codes, at(0)).await.expect("confirms"));
    is_conflict(tx.start_second_factor(alice.id).await);
    let mut used = Vec::new();
    for step in [7, 8, 8, 6, 9] {
        used.push(tx.use_step(alice.id, step).await.expect("asks"));
    }
    assert_eq!(used, [false, true, false, false, true]);
    assert!(tx.use_recovery_code(alice.id, "one").await.expect("asks"));
    assert!(!tx.use_recovery_code(alice.id, "one").await.expect("asks"));
    tx.commit().await.expect("commits");
    assert_eq!(store.recovery_codes_left(alice.id).await.expect("reads"), 1);
    assert!(store.users_with_second_factor().await.expect("reads").contains(&alice.id));
    assert!(commit!(store, tx => tx.drop_second_factor(alice.id)));
    assert_eq!(store.recovery_codes_left(alice.id).await.expect("reads"), 0);
    assert_eq!(store.second_factor(alice.id).await.expect("reads"), None);
    assert!(!commit!(store, tx => tx.drop_second_factor(alice.id)));
});

both!(tries_of_long_ago_are_forgotten_but_not_locks, |store| {
    commit!(store, tx => tx.count_try("alice", at(0), at(-100)));
    commit!(store, tx => tx.count_try("bob", at(0), at(-100)));
    commit!(store, tx => tx.lock_name("bob", at(1000)));
    let cutoffs = Cutoffs { logs: at(0), deliveries: at(0), calls: at(0), sessions: at(500) };
    assert_eq!(store.forget(&cutoffs).await.expect("forgets"), 1);
    assert_eq!(store.locked_names(at(500)).await.expect("reads").len(), 1);
});
