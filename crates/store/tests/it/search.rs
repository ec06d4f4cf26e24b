//! What people type and what is found for it.

use crate::ci::{changes::change, hub, make_run, new_run};
use crate::support::{at, both, commit, configured, deploy, id, make_request, new_request};
use davit_domain::access::{Place, Places};
use davit_store::requests::NewRequest;
use davit_store::search::Sought;
use davit_store::{Store, StoreError};

/// Two requests with a deployment each, a run and two changes.
async fn filled(store: &Store) {
    let revision = configured(store).await;
    for (title, commit) in [("Sell shoes", "1a2b"), ("50% off_all", "9f8e")] {
        let new = NewRequest { title: title.into(), commit: id(&commit.repeat(10)), ..new_request(revision) };
        let request = make_request(store, &new).await;
        deploy(store, &request, 1, &["web-1"]).await;
    }
    make_run(store, &new_run()).await;
    for number in [7, 12] {
        commit!(store, tx => tx.upsert_change(&change(number), at(number)));
    }
}

fn ids<T>(rows: Result<Vec<T>, StoreError>, number: impl Fn(&T) -> i64) -> Vec<i64> {
    rows.expect("answers").iter().map(number).collect()
}

both!(rows_are_found_by_number_commit_and_words, |store| {
    filled(&store).await;
    let requests = async |sought| ids(store.find_requests(sought, &Places::All, 9).await, |row| row.id);
    let deployments = async |sought| ids(store.find_deployments(sought, &Places::All, 9).await, |row| row.id);
    let runs = async |sought| ids(store.find_runs(sought, None, 9).await, |row| row.id);
    let changes = async |sought| ids(store.find_changes(sought, None, 9).await, |row| row.number);

    assert_eq!(requests(Sought::Number(2)).await, [2]);
    assert_eq!(deployments(Sought::Number(1)).await, [1]);
    assert_eq!(changes(Sought::Number(12)).await, [12], "the forge's number, not ours");

    for (commit, found) in [("1a2b", vec![1]), ("1a2b1a2b1a", vec![1]), ("9f8f", vec![]), ("9", vec![2])] {
        assert_eq!(requests(Sought::Commit(commit)).await, found, "{commit}");
        assert_eq!(deployments(Sought::Commit(commit)).await, found, "{commit}");
    }
    assert_eq!(runs(Sought::Commit("1a2b3c")).await, [1]);
    assert_eq!(changes(Sought::Commit("1a2b3c")).await, [12, 7], "newest first");

    assert_eq!(requests(Sought::Text("SHOES")).await, [1]);
    assert_eq!(requests(Sought::Text("% off_")).await, [2]);
    assert_eq!(requests(Sought::Text("_hoes")).await, [0; 0]);
    assert_eq!(requests(Sought::Text("alice")).await, [2, 1], "who asked");
    assert_eq!(requests(Sought::Text("a\0")).await, [0; 0]);
    assert_eq!(runs(Sought::Text("sell")).await, [1]);
    assert_eq!(changes(Sought::Text("work")).await, [12, 7]);
    assert_eq!(ids(store.find_changes(Sought::Text("work"), None, 1).await, |row| row.number), [12]);
});

both!(capitals_are_small_letters_in_every_language, |store| {
    let revision = configured(&store).await;
    for title in ["Weniger Ärger mit Kassen", "ПРИВЕТ, мир", "kein ärger", "结账更快", "sell shoes"] {
        make_request(&store, &NewRequest { title: title.into(), ..new_request(revision) }).await;
    }
    // More than is read at once.
    let mut tx = store.begin().await.expect("begins");
    for _ in 0..1_100 {
        tx.create_request(&new_request(revision)).await.expect("writes");
    }
    tx.commit().await.expect("commits");
    let found =
        async |text: &str, limit| ids(store.find_requests(Sought::Text(text), &Places::All, limit).await, |row| row.id);
    for (text, expected) in [
        ("ÄRGER", vec![3, 1]),
        ("ärger MIT k", vec![1]),
        ("привет", vec![2]),
        ("Привет, МИР", vec![2]),
        ("更快", vec![4]),
        ("Ärger!", vec![]),
        ("äröger", vec![]),
    ] {
        assert_eq!(found(text, 9).await, expected, "{text}");
    }
    assert_eq!(found("ÄRGER", 1).await, [3], "the newest");
    let elsewhere = Places::Only(vec![Place { app: Some(id("other")), environment: None }]);
    assert_eq!(ids(store.find_requests(Sought::Text("ÄRGER"), &elsewhere, 9).await, |row| row.id), [0; 0]);
    assert_eq!(ids(store.find_changes(Sought::Text("ÄRGER"), None, 9).await, |row| row.id), [0; 0]);
});

both!(what_stands_in_every_row_is_found_as_often_as_it_was_asked_for, |store| {
    let revision = configured(&store).await;
    let everywhere = NewRequest { title: "Сборка".into(), ..new_request(revision) };
    let mut tx = store.begin().await.expect("begins");
    for _ in 0..1_100 {
        tx.create_request(&everywhere).await.expect("writes");
    }
    tx.commit().await.expect("commits");
    let found = ids(store.find_requests(Sought::Text("сб"), &Places::All, 6).await, |row| row.id);
    assert_eq!(found, [1_100, 1_099, 1_098, 1_097, 1_096, 1_095]);
});

both!(only_what_may_be_seen_is_found, |store| {
    filled(&store).await;
    let place = |app: &str, environment: &str| Place { app: Some(id(app)), environment: Some(id(environment)) };
    let in_places = async |places: Vec<Place>| {
        let places = Places::Only(places.into_iter().collect());
        let requests = ids(store.find_requests(Sought::Text("alice"), &places, 9).await, |row| row.id);
        let deployments = ids(store.find_deployments(Sought::Number(1), &places, 9).await, |row| row.id);
        (requests.len(), deployments.len())
    };
    assert_eq!(in_places(vec![place("shop", "production")]).await, (2, 1));
    assert_eq!(in_places(vec![place("shop", "staging")]).await, (0, 0));
    assert_eq!(in_places(vec![]).await, (0, 0));

    let of = async |repositories: &[_]| {
        let runs = store.find_runs(Sought::Text("sell"), Some(repositories), 9).await.expect("answers");
        let changes = store.find_changes(Sought::Number(7), Some(repositories), 9).await.expect("answers");
        (runs.len(), changes.len())
    };
    assert_eq!(of(&[(hub(), "ACME/shop".into())]).await, (1, 1));
    assert_eq!(of(&[(hub(), "acme/web".into())]).await, (0, 0));
    assert_eq!(of(&[]).await, (0, 0));
});
