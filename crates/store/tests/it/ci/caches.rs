use super::{REPOSITORY, hub};
use crate::support::{at, both, commit};
use davit_domain::ids::CacheId;
use davit_store::Store;
use davit_store::ci_caches::{Cache, CacheQuery, NewCache};
use tokio::task::JoinSet;

const MAIN: &str = "refs/heads/main";
const WORK: &str = "refs/heads/work";

fn new_cache(git_ref: &str, key: &str, now: i64) -> NewCache {
    NewCache {
        forge: hub(),
        repository: "Acme/Shop".into(),
        git_ref: git_ref.into(),
        key: key.into(),
        version: "v1".into(),
        size: 10,
        sha256: "ab".repeat(32),
        path: format!("{git_ref} {key}"),
        created_at: at(now),
    }
}

async fn put(store: &Store, git_ref: &str, key: &str, now: i64) -> CacheId {
    commit!(store, tx => tx.insert_cache(&new_cache(git_ref, key, now))).expect("is new")
}

async fn find(store: &Store, refs: &[&str], key: &str, restore_keys: &[&str]) -> Option<String> {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (refs, restore_keys) = (own(refs), own(restore_keys));
    let query = CacheQuery {
        forge: &hub(),
        repository: "ACME/shop",
        refs: &refs,
        key,
        restore_keys: &restore_keys,
        version: "v1",
    };
    store.find_cache(&query).await.expect("reads").map(|cache| cache.path)
}

both!(a_cache_is_read_as_it_was_written_and_never_changes, |store| {
    let id = put(&store, MAIN, "deps-1", 4).await;
    let cache = Cache {
        id,
        forge: hub(),
        repository: REPOSITORY.into(),
        git_ref: MAIN.into(),
        key: "deps-1".into(),
        version: "v1".into(),
        size: 10,
        sha256: "ab".repeat(32),
        path: format!("{MAIN} deps-1"),
        created_at: at(4),
        used_at: at(4),
    };
    let again = NewCache { path: "other".into(), ..new_cache(MAIN, "deps-1", 5) };
    assert_eq!(commit!(store, tx => tx.insert_cache(&again)), None, "what is there stays");
    assert_eq!(store.cache(id).await.expect("reads"), Some(cache));
    let has = |key: &'static str, version: &'static str| {
        let store = store.clone();
        async move { store.has_cache(&hub(), "acme/SHOP", MAIN, key, version).await.expect("reads") }
    };
    assert!(has("deps-1", "v1").await);
    assert!(!has("deps-1", "v2").await);
    assert!(!has("deps-", "v1").await);
    let other = NewCache { version: "v2".into(), ..again };
    assert!(commit!(store, tx => tx.insert_cache(&other)).is_some(), "another version is another cache");
    assert_eq!(commit!(store, tx => tx.remove_cache(id)).as_deref(), Some("refs/heads/main deps-1"));
    assert_eq!(commit!(store, tx => tx.remove_cache(id)), None);
    assert_eq!(store.cache_paths().await.expect("reads"), ["other"]);
    assert_eq!(store.cached_repositories().await.expect("reads"), [(hub(), REPOSITORY.to_owned())]);
});

both!(the_best_cache_is_found, |store| {
    put(&store, MAIN, "deps-aaa", 1).await;
    put(&store, MAIN, "deps-bbb", 2).await;
    put(&store, MAIN, "deps", 3).await;
    put(&store, WORK, "deps-ccc", 4).await;
    put(&store, WORK, "tools", 5).await;
    put(&store, "refs/heads/other", "deps-ddd", 6).await;
    let both = [WORK, MAIN];
    assert_eq!(find(&store, &both, "deps-aaa", &[]).await.as_deref(), Some("refs/heads/main deps-aaa"));
    assert_eq!(
        find(&store, &both, "deps-aaa", &["deps-"]).await.as_deref(),
        Some("refs/heads/work deps-ccc"),
        "what the own branch has at all comes before what another has exactly"
    );
    assert_eq!(find(&store, &[MAIN], "deps-zzz", &["deps-"]).await.as_deref(), Some("refs/heads/main deps-bbb"));
    assert_eq!(find(&store, &[MAIN], "deps", &[]).await.as_deref(), Some("refs/heads/main deps"), "exact is best");
    assert_eq!(find(&store, &[MAIN], "deps-", &[]).await.as_deref(), Some("refs/heads/main deps-bbb"), "else newest");
    assert_eq!(
        find(&store, &[WORK], "x", &["none", "too", "deps"]).await.as_deref(),
        Some("refs/heads/work tools"),
        "restore keys in their order"
    );
    assert_eq!(find(&store, &[MAIN], "DEPS", &["%", "_"]).await, None, "case counts, and nothing is a wildcard");
    assert_eq!(find(&store, &[], "deps", &[""]).await, None);
    assert_eq!(find(&store, &[WORK], "x", &[""]).await.as_deref(), Some("refs/heads/work tools"));
});

both!(what_was_used_longest_ago_goes_first, |store| {
    let one = put(&store, MAIN, "one", 1).await;
    let two = put(&store, MAIN, "two", 2).await;
    let three = put(&store, WORK, "three", 3).await;
    store.touch_cache(one, at(9)).await.expect("writes");
    store.touch_cache(one, at(8)).await.expect("writes");
    let over = |bytes| {
        let store = store.clone();
        async move {
            let caches = store.caches_over(&hub(), "Acme/shop", bytes).await.expect("reads");
            caches.into_iter().map(|cache| cache.id).collect::<Vec<_>>()
        }
    };
    assert!(over(30).await.is_empty());
    assert_eq!(over(29).await, [two]);
    assert_eq!(over(10).await, [two, three]);
    assert_eq!(over(0).await, [two, three, one]);
    let listed = store.caches(&hub(), "Acme/Shop").await.expect("reads");
    assert_eq!(listed.iter().map(|cache| cache.id).collect::<Vec<_>>(), [one, three, two]);
    assert_eq!(listed[0].used_at, at(9), "never earlier than it was");
});

both!(of_those_who_write_one_key_at_once_one_does, |store| {
    let mut writing = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        writing.spawn(async move { commit!(store, tx => tx.insert_cache(&new_cache(MAIN, "deps", 1))) });
    }
    assert_eq!(writing.join_all().await.into_iter().flatten().count(), 1);
});
