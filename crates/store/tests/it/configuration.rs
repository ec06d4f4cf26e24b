use crate::support::{
    app_named, at, both, commit, configuration, environment_named, forge_named, host, host_named, id, is_not_found,
    production, release_to, shop,
};
use davit_domain::config::{Configuration, RepositorySettings};
use davit_domain::ids::RevisionId;
use davit_store::Store;
use davit_store::configuration::Revision;
use davit_store::hosts::HostCheck;
use tokio::task::JoinSet;

async fn save(store: &Store, after: &Configuration, by: &str) {
    let mut tx = store.begin().await.expect("begins");
    let before = tx.configuration().await.expect("reads");
    tx.save_configuration(&before, after, by, at(10)).await.expect("saves");
    tx.commit().await.expect("commits");
}

fn repository(name: &str) -> RepositorySettings {
    RepositorySettings { badge: true, ..RepositorySettings::new(id("hub"), name) }
}

async fn in_force(store: &Store, environment: &str) -> Option<Revision> {
    store.release_config(&shop(), &id(environment)).await.expect("reads").map(|(revision, _)| revision)
}

both!(what_is_saved_is_loaded_in_its_order, |store| {
    assert_eq!(store.configuration().await.expect("reads"), Configuration::default());
    let mut whole = configuration();
    // An order that is nobody's sort order.
    whole.hosts.insert(1, host_named("Zeta"));
    whole.apps.insert(0, app_named("zoo", &["production"]));
    whole.apps.push(app_named("api", &[]));
    whole.repositories = vec![repository("Acme/Zoo"), repository("acme/shop")];
    save(&store, &whole, "alice").await;
    assert_eq!(store.configuration().await.expect("reads"), whole);
    save(&store, &whole, "alice").await;
    assert_eq!(store.configuration().await.expect("reads"), whole);
});

both!(a_repository_is_the_same_in_any_case, |store| {
    let mut whole = configuration();
    whole.repositories = vec![repository("acme/zoo"), repository("acme/shop")];
    save(&store, &whole, "alice").await;
    whole.repositories = vec![repository("Acme/Shop")];
    save(&store, &whole, "alice").await;
    assert_eq!(store.configuration().await.expect("reads"), whole);
    whole.repositories.clear();
    save(&store, &whole, "alice").await;
    assert_eq!(store.configuration().await.expect("reads"), whole);
});

both!(things_are_found_one_by_one, |store| {
    let whole = configuration();
    save(&store, &whole, "alice").await;
    assert_eq!(store.forge(&id("hub")).await.expect("reads"), Some(forge_named("hub")));
    assert_eq!(store.forge(&id("other")).await.expect("reads"), None);
    assert_eq!(store.environment(&production()).await.expect("reads"), Some(environment_named("production")));
    assert_eq!(store.host(&host("web-1")).await.expect("reads"), Some(host_named("web-1")));
    assert_eq!(store.app(&shop()).await.expect("reads"), Some(whole.apps[0].clone()));
    assert_eq!(store.app(&id("other")).await.expect("reads"), None);
    let (revision, config) = store.release_config(&shop(), &production()).await.expect("reads").expect("is there");
    assert_eq!(config, release_to("production"));
    assert_eq!((revision.number, revision.saved_by.as_str(), revision.saved_at), (1, "alice", at(10)));
    assert_eq!(store.revision(revision.id).await.expect("reads"), (revision.clone(), config.clone()));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(tx.revision_in_force(&shop(), &production()).await.expect("reads"), Some((revision, config)));
    assert_eq!(tx.revision_in_force(&shop(), &id("other")).await.expect("reads"), None);
    assert_eq!(tx.read_configuration().await.expect("reads"), whole);
    drop(tx);
    assert_eq!(is_not_found(store.revision(RevisionId(99)).await), "config revision 99 does not exist");
});

both!(every_change_of_a_release_config_is_a_revision_that_stays, |store| {
    let mut whole = configuration();
    save(&store, &whole, "alice").await;
    let first = in_force(&store, "production").await.expect("is there");
    let untouched = in_force(&store, "test").await;

    whole.apps[0].releases[1].keep = 9;
    save(&store, &whole, "bob").await;
    let second = in_force(&store, "production").await.expect("is there");
    assert_eq!((second.number, second.saved_by.as_str()), (2, "bob"));
    assert_ne!(second.id, first.id);
    assert_eq!(in_force(&store, "test").await, untouched);
    assert_eq!(store.revision(first.id).await.expect("reads").1.keep, 3);
    assert_eq!(store.revisions(&shop(), &production()).await.expect("reads"), [second, first]);
    assert_eq!(store.configuration().await.expect("reads"), whole);
});

both!(what_only_moves_keeps_its_revision, |store| {
    let mut whole = configuration();
    save(&store, &whole, "alice").await;
    let before = (in_force(&store, "test").await, in_force(&store, "production").await);
    whole.apps[0].releases.reverse();
    whole.hosts.reverse();
    whole.environments.reverse();
    save(&store, &whole, "bob").await;
    assert_eq!(store.configuration().await.expect("reads"), whole);
    assert_eq!((in_force(&store, "test").await, in_force(&store, "production").await), before);
});

both!(what_is_removed_is_gone_but_its_revisions_stay, |store| {
    let whole = configuration();
    save(&store, &whole, "alice").await;
    let first = in_force(&store, "production").await.expect("is there");
    let check = HostCheck { at: at(1), code: "ok".into(), detail: String::new(), fingerprint: None };
    commit!(store, tx => tx.record_host_check(&host("web-1"), &check));

    save(&store, &Configuration::default(), "bob").await;
    assert_eq!(store.configuration().await.expect("reads"), Configuration::default());
    assert_eq!(in_force(&store, "production").await, None);
    assert!(store.host_checks().await.expect("reads").is_empty());
    assert_eq!(store.revision(first.id).await.expect("reads").1, release_to("production"));

    save(&store, &whole, "carol").await;
    let again = in_force(&store, "production").await.expect("is there");
    assert_eq!((again.number, again.saved_by.as_str()), (2, "carol"));
    assert_eq!(store.configuration().await.expect("reads"), whole);
});

both!(two_applies_follow_each_other, |store| {
    save(&store, &configuration(), "alice").await;
    let mut applies = JoinSet::new();
    for n in 0..8 {
        let store = store.clone();
        applies.spawn(async move {
            let mut tx = store.begin().await.expect("begins");
            let before = tx.configuration().await.expect("reads");
            let mut after = before.clone();
            after.hosts.push(host_named(&format!("host-{n}")));
            after.apps[0].releases[1].keep += 1;
            tx.save_configuration(&before, &after, "alice", at(20)).await.expect("saves");
            tx.commit().await.expect("commits");
        });
    }
    applies.join_all().await;
    let whole = store.configuration().await.expect("reads");
    assert_eq!((whole.hosts.len(), whole.apps[0].releases[1].keep), (10, 11));
    let numbers: Vec<i64> =
        store.revisions(&shop(), &production()).await.expect("reads").iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
});
