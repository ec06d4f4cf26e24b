use crate::support::{
    at, both, commit, configured, deploy, host, id, is_conflict, make_request, new_request, production, sha, shop,
};
use davit_domain::access::{Place, Places};
use davit_domain::ids::{DeploymentId, ReleaseName};
use davit_store::Store;
use davit_store::deployments::Deployment;
use davit_store::releases::{KeptRelease, Live, LiveRelease, ReleaseState};
use davit_store::requests::NewRequest;

async fn record(store: &Store, made: &Deployment, on: &str, state: ReleaseState, now: i64) {
    let (release, environment) = (&made.release, &made.environment);
    commit!(store, tx =>
        tx.record_release(release, &host(on), &made.app, environment, made.id, &made.commit, state, at(now)));
}

async fn live(store: &Store, made: &Deployment, on: &str, now: i64) {
    commit!(store, tx => tx.set_live(&made.app, &made.environment, &host(on), &made.release, made.id, at(now)));
}

async fn three(store: &Store) -> [Deployment; 3] {
    let revision = configured(store).await;
    let mut made = Vec::new();
    for title in ["one", "two", "three"] {
        let new = NewRequest { title: title.into(), created_by: format!("{title}'s author"), ..new_request(revision) };
        made.push(deploy(store, &make_request(store, &new).await, 1, &["web-1", "Web-2"]).await);
    }
    made.try_into().expect("three")
}

both!(kept_releases_are_the_good_ones_newest_first, |store| {
    let [one, two, three] = three(&store).await;
    for made in [&one, &two, &three] {
        record(&store, made, "web-1", ReleaseState::Staged, 10).await;
        record(&store, made, "Web-2", ReleaseState::Staged, 10).await;
    }
    assert!(store.kept_releases(&shop(), &production()).await.expect("reads").is_empty());
    record(&store, &one, "web-1", ReleaseState::Good, 11).await;
    record(&store, &two, "web-1", ReleaseState::Good, 13).await;
    record(&store, &two, "Web-2", ReleaseState::Good, 12).await;
    live(&store, &two, "web-1", 13).await;
    let kept = |made: &Deployment, title: &str, when, hosts: &[&str], live| KeptRelease {
        release: made.release.clone(),
        app: shop(),
        environment: production(),
        commit: sha(),
        title: title.into(),
        by: format!("{title}'s author"),
        at: at(when),
        deployment: made.id,
        hosts: hosts.iter().map(|name| host(name)).collect(),
        live,
    };
    let expected = [kept(&two, "two", 13, &["Web-2", "web-1"], true), kept(&one, "one", 11, &["web-1"], false)];
    assert_eq!(store.kept_releases(&shop(), &production()).await.expect("reads"), expected);
    assert!(store.kept_releases(&shop(), &id("test")).await.expect("reads").is_empty());

    record(&store, &one, "web-1", ReleaseState::Removed, 14).await;
    commit!(store, tx => tx.mark_release_removed(&two.release, &host("Web-2"), at(14)));
    let expected = [kept(&two, "two", 13, &["web-1"], true)];
    assert_eq!(store.kept_releases(&shop(), &production()).await.expect("reads"), expected);
});

both!(davit_knows_what_it_put_on_a_host, |store| {
    let [one, two, three] = three(&store).await;
    record(&store, &one, "web-1", ReleaseState::Good, 10).await;
    record(&store, &two, "web-1", ReleaseState::Staged, 11).await;
    record(&store, &three, "Web-2", ReleaseState::Good, 12).await;
    record(&store, &one, "web-1", ReleaseState::Removed, 13).await;
    let known = store.known_releases(&shop(), &production(), &host("web-1")).await.expect("reads");
    assert_eq!(known, [(two.release, ReleaseState::Staged), (one.release, ReleaseState::Removed)]);
    assert!(store.known_releases(&shop(), &id("test"), &host("web-1")).await.expect("reads").is_empty());
});

both!(a_host_serves_one_release_of_an_app, |store| {
    let [one, two, _] = three(&store).await;
    live(&store, &one, "web-1", 10).await;
    live(&store, &one, "Web-2", 10).await;
    live(&store, &two, "web-1", 11).await;
    let serves = |made: &Deployment, on, when| Live {
        app: shop(),
        environment: production(),
        host: host(on),
        release: made.release.clone(),
        deployment: made.id,
        at: at(when),
    };
    let expected = [serves(&one, "Web-2", 10), serves(&two, "web-1", 11)];
    assert_eq!(store.live(&shop(), &production()).await.expect("reads"), expected);
    let together = |made: &Deployment, hosts: &[&str], when| LiveRelease {
        app: shop(),
        environment: production(),
        release: made.release.clone(),
        deployment: made.id,
        at: at(when),
        hosts: hosts.iter().map(|name| host(name)).collect(),
    };
    let within = async |places: &Places| {
        let mut live = store.live_within(places).await.expect("reads");
        live.iter_mut().for_each(|live| live.hosts.sort());
        live
    };
    let expected = [together(&two, &["web-1"], 11), together(&one, &["Web-2"], 10)];
    assert_eq!(within(&Places::All).await, expected, "the newest first");
    let here = |app: &str| Places::Only(vec![Place { app: Some(id(app)), environment: None }]);
    assert_eq!(within(&here("shop")).await, expected);
    assert!(within(&here("other")).await.is_empty());
    assert!(store.live(&id("other"), &production()).await.expect("reads").is_empty());
    commit!(store, tx => tx.clear_live(&shop(), &production(), &host("web-1")));
    commit!(store, tx => tx.clear_live(&shop(), &production(), &host("web-1")));
    assert_eq!(within(&Places::All).await, [together(&one, &["Web-2"], 10)]);
    live(&store, &one, "web-1", 12).await;
    assert_eq!(within(&Places::All).await, [together(&one, &["Web-2", "web-1"], 12)]);
});

both!(a_release_belongs_to_a_deployment, |store| {
    let name: ReleaseName = id("20260131T120000Z-1a2b3c4-99");
    let none = DeploymentId(99);
    let mut tx = store.begin().await.expect("begins");
    is_conflict(
        tx.record_release(&name, &host("a"), &shop(), &production(), none, &sha(), ReleaseState::Good, at(0)).await,
    );
    drop(tx);
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.set_live(&shop(), &production(), &host("a"), &name, none, at(0)).await);
});
