use crate::support::{at, both, commit, id, received};
use davit_domain::event::GitRef;
use davit_domain::heads::SeenHead;
use davit_domain::ids::CommitSha;
use davit_store::Store;
use davit_store::retention::Cutoffs;
use davit_store::seen::ForgeChecked;

fn sha_of(digit: char) -> CommitSha {
    id(&digit.to_string().repeat(40))
}

fn main() -> GitRef {
    GitRef::Branch("main".into())
}

fn head(git_ref: GitRef, digit: char, now: i64) -> SeenHead {
    SeenHead { git_ref, commit: sha_of(digit), before: None, at: at(now), delivery: None }
}

async fn see(store: &Store, repository: &str, head: &SeenHead) {
    commit!(store, tx => tx.see_head(&id("hub"), repository, head));
}

async fn seen(store: &Store, repository: &str) -> Vec<SeenHead> {
    let seen = store.seen_heads(&id("hub"), repository).await.expect("reads");
    assert_eq!(commit!(store, tx => tx.seen_heads(&id("hub"), repository)), seen);
    let latest = store.latest_heads(&id("hub"), repository, 1).await.expect("reads");
    assert_eq!(latest, seen[..seen.len().min(1)]);
    seen
}

both!(heads_are_kept_with_who_told_about_them, |store| {
    let delivery = received(&store, &["d-1"]).await[0];
    let first = head(main(), 'a', 1);
    let second = SeenHead { before: Some(sha_of('a')), delivery: Some(delivery), ..head(main(), 'b', 2) };
    let tag = head(GitRef::Tag("v1".into()), 'b', 3);
    for head in [&first, &second, &tag] {
        see(&store, "Acme/Shop", head).await;
    }
    see(&store, "acme/docs", &head(main(), 'c', 4)).await;
    assert_eq!(seen(&store, "acme/SHOP").await, [tag.clone(), second.clone(), first.clone()]);
    assert_eq!(commit!(store, tx => tx.seen_of_ref(&id("hub"), "acme/shop", &main())), [second, first.clone()]);
    assert_eq!(store.seen_heads(&id("lab"), "acme/shop").await.expect("reads"), []);
    // A branch that comes back to a commit has it as its newest head again; what is told late changes nothing.
    let back = SeenHead { before: Some(sha_of('b')), ..head(main(), 'a', 9) };
    see(&store, "acme/shop", &back).await;
    see(&store, "acme/shop", &first).await;
    assert_eq!(seen(&store, "acme/shop").await[0], back);
    commit!(store, tx => tx.forget_ref(&id("hub"), "Acme/Shop", &main()));
    assert_eq!(seen(&store, "acme/shop").await, [tag]);
    assert_eq!(seen(&store, "acme/docs").await.len(), 1);
});

both!(what_is_not_needed_any_more_is_forgotten, |store| {
    for (repository, head) in [("Acme/Shop", head(main(), 'a', 1)), ("acme/docs", head(main(), 'c', 4))] {
        see(&store, repository, &head).await;
    }
    let newer = head(main(), 'b', 5);
    see(&store, "acme/shop", &newer).await;
    commit!(store, tx => tx.forget_ref_before(&id("hub"), "acme/Shop", &main(), at(5)));
    assert_eq!(seen(&store, "acme/shop").await, [newer]);
    let checked = ForgeChecked { at: at(9), hook_cursor: None };
    commit!(store, tx => tx.set_forge_checked(&id("hub"), "acme/shop", &checked));
    let known = async || store.seen_repositories().await.expect("reads");
    assert_eq!(known().await, ["acme/docs", "acme/shop"].map(|repository| (id("hub"), repository.to_owned())));
    commit!(store, tx => tx.forget_repository(&id("hub"), "Acme/Shop"));
    assert_eq!(known().await, [(id("hub"), "acme/docs".to_owned())]);
    assert_eq!(store.forge_checked(&id("hub"), "acme/shop").await.expect("reads"), None);
});

both!(a_look_is_remembered, |store| {
    let checked = |now, cursor: Option<&str>| ForgeChecked { at: at(now), hook_cursor: cursor.map(Into::into) };
    let looked = || async { store.forge_checked(&id("hub"), "ACME/shop").await.expect("reads") };
    assert_eq!(looked().await, None);
    commit!(store, tx => tx.set_forge_checked(&id("hub"), "Acme/Shop", &checked(1, Some("cursor"))));
    assert_eq!(looked().await, Some(checked(1, Some("cursor"))));
    commit!(store, tx => tx.set_forge_checked(&id("hub"), "acme/shop", &checked(2, None)));
    assert_eq!(looked().await, Some(checked(2, None)));
    assert_eq!(store.forge_checked(&id("lab"), "acme/shop").await.expect("reads"), None);
});

both!(former_heads_are_forgotten_and_the_last_one_never, |store| {
    let feature = GitRef::Branch("feature".into());
    for head in [head(main(), 'a', 1), head(main(), 'b', 2), head(main(), 'c', 30), head(feature.clone(), 'd', 3)] {
        see(&store, "acme/shop", &head).await;
    }
    let before = at(20);
    let cutoffs = Cutoffs { logs: before, deliveries: before, calls: before, sessions: before };
    assert_eq!(store.forget(&cutoffs).await.expect("forgets"), 2);
    assert_eq!(seen(&store, "acme/shop").await, [head(main(), 'c', 30), head(feature, 'd', 3)]);
});
