use crate::support::{at, both, commit, is_conflict, is_not_found};
use davit_domain::access::{Grant, Role, Scope};
use davit_domain::ids::UserId;
use davit_store::Store;
use davit_store::accounts::{LOCAL, NewUser, User};
use davit_store::grants::Holder;
use davit_store::tokens::TokenLimits;

async fn make(store: &Store, name: &str, role: Option<Role>) -> User {
    commit!(store, tx => tx.create_user(&NewUser::local(name, role), at(0)))
}

fn grant(role: Role, scope: &str) -> Grant {
    Grant { role, scope: scope.parse().expect("a scope") }
}

both!(an_account_without_a_role_stays_one, |store| {
    let ana = make(&store, "ana", None).await;
    assert_eq!(store.user_by_name("ana").await.expect("reads").expect("is there").0, ana);
    commit!(store, tx => tx.set_profile(ana.id, "Ana Sousa", "ana@example.com"));
    commit!(store, tx => tx.touch_user(ana.id, at(5)));
    commit!(store, tx => tx.touch_user(ana.id, at(4)));
    let changed = store.users().await.expect("reads").remove(0);
    assert_eq!((changed.display_name.as_str(), changed.email.as_str()), ("Ana Sousa", "ana@example.com"));
    assert_eq!((changed.role, changed.source.as_str(), changed.last_seen_at), (None, LOCAL, Some(at(5))));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_profile(UserId(99), "x", "").await);
});

both!(a_deleted_account_takes_everything_but_its_name, |store| {
    let ana = make(&store, "ana", Some(Role::Admin)).await;
    let group = commit!(store, tx => tx.create_group("leads", "", at(0)));
    commit!(store, tx => tx.add_member(group.id, ana.id, LOCAL));
    commit!(store, tx => tx.create_grant(Holder::User(ana.id), &grant(Role::Admin, "app:shop"), "admin", at(0)));
    commit!(store, tx => tx.create_token(ana.id, "ci", "hash", &TokenLimits::default(), at(0)));
    commit!(store, tx => tx.link_identity(ana.id, "forge:hub", "Ana", "Ana", at(0)));
    let mut tx = store.begin().await.expect("begins");
    assert!(!tx.was_a_user("ana").await.expect("reads"));
    tx.delete_user(&ana, at(1)).await.expect("is deleted");
    assert!(tx.was_a_user("ana").await.expect("reads"));
    tx.commit().await.expect("commits");
    assert_eq!(store.token_user("hash", at(1)).await.expect("reads"), None);
    assert_eq!(store.account_of("forge:hub", "ana").await.expect("reads"), None);
    assert!(store.members().await.expect("reads").is_empty() && store.grants().await.expect("reads").is_empty());
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.delete_user(&ana, at(2)).await);
});

both!(standing_is_ones_own_and_that_of_ones_groups, |store| {
    let (ana, ben) = (make(&store, "ana", None).await, make(&store, "ben", None).await);
    let leads = commit!(store, tx => tx.create_group("leads", "who decide", at(0)));
    let all = commit!(store, tx => tx.create_group("All", "", at(0)));
    commit!(store, tx => tx.add_member(leads.id, ana.id, LOCAL));
    commit!(store, tx => tx.add_member(leads.id, ana.id, "ldap:corp"));
    commit!(store, tx => tx.add_member(all.id, ben.id, LOCAL));
    let own = grant(Role::Viewer, "all");
    let of_group = grant(Role::Reviewer, "app:shop@production");
    let first = commit!(store, tx => tx.create_grant(Holder::User(ana.id), &own, "root", at(1)));
    commit!(store, tx => tx.create_grant(Holder::Group(leads.id), &of_group, "root", at(2)));
    let standing = store.standing(ana.id).await.expect("reads");
    assert_eq!(standing.groups, ["leads"]);
    let mut grants = standing.grants;
    grants.sort();
    assert_eq!(grants, [own.clone(), of_group.clone()]);
    assert!(store.standing(ben.id).await.expect("reads").grants.is_empty());

    let mut tx = store.begin().await.expect("begins");
    let again = grant(Role::Admin, "all");
    is_conflict(tx.create_grant(Holder::User(ana.id), &again, "root", at(3)).await);
    tx.create_grant(Holder::User(ben.id), &again, "root", at(3)).await.expect("somebody else");
    let kept = tx.grant(first).await.expect("is there");
    assert_eq!((kept.user.as_deref(), kept.group, kept.grant, kept.created_at), (Some("ana"), None, own, at(1)));
    tx.delete_grant(first).await.expect("is deleted");
    is_not_found(tx.grant(first).await);
    tx.commit().await.expect("commits");
    commit!(store, tx => tx.delete_group(leads.id));
    assert_eq!(store.standing(ana.id).await.expect("reads"), davit_store::grants::Standing::default());
});

both!(groups_have_one_name_each, |store| {
    let leads = commit!(store, tx => tx.create_group("leads", "", at(0)));
    commit!(store, tx => tx.create_group("Ops", "", at(0)));
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.create_group("leads", "", at(1)).await);
    is_conflict(tx.set_group(leads.id, "Ops", "").await);
    tx.set_group(leads.id, "heads", "who decide").await.expect("is renamed");
    is_not_found(tx.group("leads").await);
    tx.commit().await.expect("commits");
    let names: Vec<_> = store.groups().await.expect("reads").into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["Ops", "heads"]);
});

both!(a_provider_says_which_groups_and_touches_no_others, |store| {
    let ana = make(&store, "ana", None).await;
    for name in ["a", "b", "c"] {
        commit!(store, tx => tx.create_group(name, "", at(0)));
    }
    let groups = store.groups().await.expect("reads");
    commit!(store, tx => tx.add_member(groups[0].id, ana.id, LOCAL));
    let replace = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        commit!(store, tx => tx.replace_memberships(ana.id, "ldap:corp", &names))
    };
    assert_eq!(replace(&["a", "b", "unknown"]).await, (vec!["a".to_owned(), "b".to_owned()], vec![]));
    assert_eq!(replace(&["a", "b"]).await, (vec![], vec![]));
    assert_eq!(replace(&["c"]).await, (vec!["c".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(store.standing(ana.id).await.expect("reads").groups, ["a", "c"], "a by an administrator's word");
    let of_a: Vec<_> = store.members().await.expect("reads").into_iter().map(|m| (m.group_name, m.source)).collect();
    assert_eq!(of_a, [("a".into(), LOCAL.into()), ("c".into(), "ldap:corp".to_owned())]);
});

both!(an_identity_is_one_account, |store| {
    let (ana, ben) = (make(&store, "ana", None).await, make(&store, "ben", None).await);
    assert!(commit!(store, tx => tx.link_identity(ana.id, "forge:hub", "Ana-S", "Ana-S", at(0))));
    assert!(!commit!(store, tx => tx.link_identity(ana.id, "forge:hub", "ana-s", "x", at(0))));
    assert!(commit!(store, tx => tx.link_identity(ben.id, "oidc:corp", "Ana-S", "", at(0))), "another provider");
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.link_identity(ben.id, "forge:hub", "ANA-S", "x", at(0)).await);
    assert_eq!(tx.account_of("forge:hub", "aNA-s").await.expect("reads").map(|user| user.id), Some(ana.id));
    drop(tx);
    assert_eq!(store.account_of("oidc:corp", "ana-s").await.expect("reads"), None, "subjects are not logins");
    let own = store.identities_of(ana.id).await.expect("reads");
    assert_eq!((own.len(), own[0].label.as_str()), (1, "Ana-S"));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.unlink_identity(ben.id, own[0].id).await);
    tx.unlink_identity(ana.id, own[0].id).await.expect("is unlinked");
    tx.commit().await.expect("commits");
    assert_eq!(store.account_of("forge:hub", "ana-s").await.expect("reads"), None);
});

both!(a_link_code_works_once_and_not_for_long, |store| {
    let ana = make(&store, "ana", None).await;
    let take = async |provider: &str, hash: &str, now: i64| {
        commit!(store, tx => tx.take_link_code(provider, hash, at(now))).map(|user| user.name)
    };
    commit!(store, tx => tx.put_link_code(ana.id, "chat:ops", "earlier", at(100)));
    commit!(store, tx => tx.put_link_code(ana.id, "chat:ops", "one", at(100)));
    assert_eq!(take("chat:ops", "earlier", 1).await, None, "the newest alone");
    assert_eq!(take("chat:dev", "one", 1).await, None, "another provider");
    assert_eq!(take("chat:ops", "one", 99).await.as_deref(), Some("ana"));
    assert_eq!(take("chat:ops", "one", 99).await, None);
    commit!(store, tx => tx.put_link_code(ana.id, "chat:ops", "two", at(200)));
    assert_eq!(take("chat:ops", "two", 200).await, None, "its time is over");
    commit!(store, tx => tx.put_link_code(ana.id, "chat:ops", "three", at(300)));
    commit!(store, tx => tx.set_disabled(ana.id, true));
    assert_eq!(take("chat:ops", "three", 201).await, None, "the account is shut out");
});

both!(a_token_has_limits_and_an_end, |store| {
    let ana = make(&store, "ana", Some(Role::Admin)).await;
    let scopes: Vec<Scope> = ["app:shop", "label:web"].map(|text| text.parse().expect("a scope")).into();
    let limits = TokenLimits { role: Some(Role::Releaser), scopes: Some(scopes), expires_at: Some(at(100)) };
    let id = commit!(store, tx => tx.create_token(ana.id, "ci", "hash", &limits, at(0)));
    let (user, token) = store.token_user("hash", at(99)).await.expect("reads").expect("is there");
    assert_eq!((user.id, token.id, &token.limits, token.user_id), (ana.id, id, &limits, ana.id));
    assert_eq!(store.token_user("hash", at(100)).await.expect("reads"), None, "over");
    let own = store.tokens_of(ana.id).await.expect("reads");
    assert_eq!(own, [token], "still listed");
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(tx.token(id).await.expect("reads").name, "ci");
    is_not_found(tx.token(id + 1).await);
});

both!(who_may_administer_and_can_sign_in, |store| {
    let with_hash = NewUser { password_hash: Some("hash"), ..NewUser::local("ana", Some(Role::Admin)) };
    let ana = commit!(store, tx => tx.create_user(&with_hash, at(0)));
    let ben = make(&store, "ben", Some(Role::Admin)).await;
    make(&store, "cleo", Some(Role::Operator)).await;
    let count = async || commit!(store, tx => tx.admins_who_can_sign_in(&["oidc:corp".to_owned()]));
    assert_eq!(count().await, 1, "ben has no way in");
    commit!(store, tx => tx.link_identity(ben.id, "forge:hub", "ben", "ben", at(0)));
    assert_eq!(count().await, 1, "a forge is none");
    commit!(store, tx => tx.link_identity(ben.id, "oidc:corp", "4711", "ben", at(0)));
    assert_eq!(count().await, 2);
    let without = commit!(store, tx => tx.admins_who_can_sign_in(&["ldap:corp".to_owned()]));
    assert_eq!(without, 1, "nobody signs in through what is not there");
    commit!(store, tx => tx.set_disabled(ana.id, true));
    commit!(store, tx => tx.set_role(ben.id, None));
    assert_eq!(count().await, 0);
});
