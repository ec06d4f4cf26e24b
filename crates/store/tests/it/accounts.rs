use crate::support::{at, both, commit, is_conflict, is_not_found};
use davit_domain::access::Role;
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;
use davit_store::accounts::{NewUser, User};
use davit_store::sessions::NewSession;
use davit_store::tokens::TokenLimits;
use davit_store::{Store, on_tx};

fn with_hash(name: &str, role: Role) -> NewUser<'_> {
    NewUser { password_hash: Some("hash"), ..NewUser::local(name, Some(role)) }
}

fn session(token_hash: &str, user: UserId, at: Timestamp, expires: Timestamp) -> NewSession<'_> {
    NewSession { token_hash, user, at, expires, how: "password", ip: "", agent: "" }
}

async fn token_user(store: &Store, hash: &str) -> Option<User> {
    store.token_user(hash, at(0)).await.expect("reads").map(|(user, _)| user)
}

both!(an_account_is_found_by_its_name, |store| {
    assert_eq!(store.count_users().await.expect("counts"), 0);
    let alice = commit!(store, tx => tx.create_user(&with_hash("alice", Role::Admin), at(0)));
    let robot = commit!(store, tx => tx.create_user(&NewUser::local("Robot", Some(Role::Developer)), at(1)));
    assert_eq!(store.count_users().await.expect("counts"), 2);
    assert_eq!(store.user_by_name("alice").await.expect("reads"), Some((alice.clone(), Some("hash".into()))));
    assert_eq!(store.user_by_name("Robot").await.expect("reads"), Some((robot.clone(), None)));
    assert_eq!(store.user_by_name("ALICE").await.expect("reads"), None);
    assert_eq!(store.users().await.expect("reads"), [robot, alice]);
});

both!(a_name_is_taken_once_and_the_transaction_survives, |store| {
    commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Admin)), at(0)));
    let mut tx = store.begin().await.expect("begins");
    let said = is_conflict(tx.create_user(&NewUser::local("alice", Some(Role::Viewer)), at(1)).await);
    assert_eq!(said, "there is an account named alice already");
    tx.create_user(&NewUser::local("bob", Some(Role::Viewer)), at(1)).await.expect("is made");
    tx.commit().await.expect("commits");
    assert_eq!(store.count_users().await.expect("counts"), 2);
});

both!(password_and_role_change, |store| {
    let alice = commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Viewer)), at(0)));
    commit!(store, tx => tx.set_password(alice.id, "new"));
    commit!(store, tx => tx.set_role(alice.id, Some(Role::Operator)));
    let (user, hash) = store.user_by_name("alice").await.expect("reads").expect("is there");
    assert_eq!((user.role, hash.as_deref()), (Some(Role::Operator), Some("new")));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(is_not_found(tx.set_password(UserId(99), "x").await), "account 99 does not exist");
    is_not_found(tx.set_role(UserId(99), None).await);
});

both!(a_session_ends_by_itself_or_when_it_is_closed, |store| {
    let alice = commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Viewer)), at(0)));
    commit!(store, tx => tx.create_session(session("one", alice.id, at(0), at(100))));
    commit!(store, tx => tx.create_session(session("two", alice.id, at(0), at(100))));
    assert_eq!(store.session_user("one", at(99)).await.expect("reads"), Some(alice.clone()));
    assert_eq!(store.session_user("one", at(100)).await.expect("reads"), None);
    assert_eq!(store.session_user("other", at(1)).await.expect("reads"), None);
    commit!(store, tx => tx.delete_session("one"));
    assert_eq!(store.session_user("one", at(1)).await.expect("reads"), None);
    assert_eq!(store.session_user("two", at(1)).await.expect("reads"), Some(alice.clone()));

    commit!(store, tx => tx.create_session(session("three", alice.id, at(100), at(200))));
    assert_eq!(store.session_user("two", at(1)).await.expect("reads"), None, "it was over and cleared away");
});

both!(a_disabled_account_may_nothing, |store| {
    let alice = commit!(store, tx => tx.create_user(&with_hash("alice", Role::Admin), at(0)));
    commit!(store, tx => tx.create_session(session("session", alice.id, at(0), at(100))));
    commit!(store, tx => tx.create_token(alice.id, "ci", "token", &TokenLimits::default(), at(0)));
    assert_eq!(token_user(&store, "token").await, Some(alice.clone()));
    commit!(store, tx => tx.set_disabled(alice.id, true));
    assert_eq!(store.session_user("session", at(1)).await.expect("reads"), None);
    assert_eq!(token_user(&store, "token").await, None);
    assert!(store.user_by_name("alice").await.expect("reads").expect("is there").0.disabled);
    commit!(store, tx => tx.set_disabled(alice.id, false));
    assert_eq!(store.session_user("session", at(1)).await.expect("reads"), None, "the session has ended");
    assert_eq!(token_user(&store, "token").await, Some(alice));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_disabled(UserId(99), true).await);
});

both!(a_token_is_taken_away, |store| {
    let alice = commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Admin)), at(0)));
    let bob = commit!(store, tx => tx.create_user(&NewUser::local("bob", Some(Role::Admin)), at(0)));
    commit!(store, tx => tx.create_token(alice.id, "ci", "of alice", &TokenLimits::default(), at(0)));
    commit!(store, tx => tx.create_token(bob.id, "ci", "of bob", &TokenLimits::default(), at(0)));
    commit!(store, tx => tx.delete_token(alice.id, "ci"));
    assert_eq!(token_user(&store, "of alice").await, None);
    assert_eq!(token_user(&store, "of bob").await, Some(bob));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(is_not_found(tx.delete_token(alice.id, "ci").await), "a token named ci does not exist");
});

both!(tokens_have_names_and_remember_their_last_use, |store| {
    let alice = commit!(store, tx => tx.create_user(&NewUser::local("alice", Some(Role::Admin)), at(0)));
    commit!(store, tx => tx.create_token(alice.id, "ci", "hash", &TokenLimits::default(), at(0)));
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.create_token(alice.id, "ci", "hash-2", &TokenLimits::default(), at(0)).await);
    drop(tx);
    let mut seen = Vec::new();
    for now in [at(10), at(10 + 59_999), at(10 + 60_000)] {
        commit!(store, tx => tx.touch_token("hash", now));
        seen.push(last_used(&store).await - at(0).millis());
    }
    assert_eq!(seen, [10, 10, 60_010]);
    commit!(store, tx => tx.touch_token("no such token", at(0)));
});

async fn last_used(store: &Store) -> i64 {
    let mut tx = store.begin().await.expect("begins");
    on_tx!(&mut tx, c => sqlx::query_scalar("SELECT last_used_at FROM tokens").fetch_one(&mut **c).await)
        .expect("reads")
}

both!(settings_are_set_and_set_once, |store| {
    assert_eq!(store.setting("key").await.expect("reads"), None);
    commit!(store, tx => tx.set_setting("key", "1"));
    commit!(store, tx => tx.set_setting("key", "2"));
    assert_eq!(store.setting("key").await.expect("reads").as_deref(), Some("2"));
    assert!(!commit!(store, tx => tx.setting_if_absent("key", "3")));
    assert!(commit!(store, tx => tx.setting_if_absent("other", "3")));
    assert_eq!(store.setting("key").await.expect("reads").as_deref(), Some("2"));
    assert_eq!(store.setting("other").await.expect("reads").as_deref(), Some("3"));
});

both!(what_is_not_committed_never_was, |store| {
    let mut tx = store.begin().await.expect("begins");
    tx.create_user(&NewUser::local("alice", Some(Role::Admin)), at(0)).await.expect("is made");
    drop(tx);
    assert_eq!(store.count_users().await.expect("counts"), 0);
    store.ping().await.expect("answers");
});
