//! Builds that are kept.

use crate::support::{at, both, commit, configured, deploy, host, make_request, new_request, shop, take_fence};
use davit_domain::ids::AppKey;
use davit_store::builds::{BuildSource, NewBuild};
use davit_store::releases::ReleaseState;
use davit_store::requests::NewRequest;

fn new_build(key: &str, digest: &str) -> NewBuild {
    NewBuild {
        app: shop(),
        key: key.into(),
        digest: digest.into(),
        source: BuildSource::Git,
        commit: "ab".repeat(20).parse().expect("a commit"),
        title: "Fix the cart".into(),
        created_by: "ana".into(),
        files: 3,
        bytes: 4096,
    }
}

both!(a_build_is_found_by_what_it_was_made_from, |store| {
    let first = commit!(store, tx => tx.keep_build(&new_build("k1", "d1"), at(1)));
    let second = commit!(store, tx => tx.keep_build(&new_build("k2", "d2"), at(2)));
    assert_eq!(commit!(store, tx => tx.keep_build(&new_build("k1", "d9"), at(3))), first, "the same key, made again");
    let found = store.build_by_key(&shop(), "k1").await.expect("reads").expect("is there");
    assert_eq!((found.id, found.digest.as_str(), found.created_at, found.used_at), (first, "d9", at(1), at(3)));
    assert!(store.build_by_key(&shop(), "other").await.expect("reads").is_none());
    let listed = |app: Option<AppKey>| {
        let store = store.clone();
        async move { store.builds(app.as_ref(), 9).await.expect("reads").iter().map(|build| build.id).collect::<Vec<_>>() }
    };
    assert_eq!(listed(None).await, [second, first]);
    assert_eq!(listed(Some(shop())).await, [second, first]);
    commit!(store, tx => tx.forget_build(first));
    assert_eq!(listed(None).await, [second]);
});

both!(what_a_kept_release_or_an_open_request_needs_is_wanted, |store| {
    let revision = configured(&store).await;
    let wanted = async |build: &str| store.wanted_builds().await.expect("reads").contains(&build.to_owned());
    let asked = NewRequest { build: Some("asked".into()), ..new_request(revision) };
    let request = make_request(&store, &asked).await;
    assert!(wanted("asked").await);
    let made = deploy(&store, &request, 1, &["web-1"]).await;
    assert_eq!(made.build.as_deref(), Some("asked"));
    let fence = take_fence(&store, &made).await;
    commit!(store, tx => tx.set_deployment_build(made.id, fence, "made"));
    assert!(wanted("made").await, "it has not ended");
    let (name, release) = (host("web-1"), made.release.clone());
    let (app, environment) = (made.app.clone(), made.environment.clone());
    let succeeded = davit_domain::deployment::DeploymentState::Succeeded;
    commit!(store, tx => tx.advance_deployment(made.id, Some(fence), &succeeded, at(4)));
    assert!(!wanted("made").await);
    commit!(store, tx => tx.record_release(
        &release, &name, &app, &environment, made.id, &made.commit, ReleaseState::Good, at(5)));
    assert!(wanted("made").await, "a host keeps its release");
    commit!(store, tx => tx.mark_release_removed(&release, &name, at(6)));
    assert!(!wanted("made").await);
});

both!(the_newest_upload_of_a_name_counts, |store| {
    commit!(store, tx => tx.add_upload(&shop(), "licence", "d1", 10, "ana", at(1)));
    commit!(store, tx => tx.add_upload(&shop(), "licence", "d2", 20, "bob", at(2)));
    let newest = store.newest_upload(&shop(), "licence").await.expect("reads").expect("is there");
    assert_eq!((newest.digest.as_str(), newest.bytes, newest.created_by.as_str()), ("d2", 20, "bob"));
    assert!(store.newest_upload(&shop(), "other").await.expect("reads").is_none());
    assert_eq!(store.uploads(&shop(), 9).await.expect("reads").len(), 2);
});
