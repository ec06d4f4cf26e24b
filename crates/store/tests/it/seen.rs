use crate::support::{at, both, commit, id, received};
use davit_domain::event::GitRef;
use davit_domain::heads::SeenHead;
use davit_domain::ids::CommitSha;
use davit_store::Store;
use davit_store::retention::Cutoffs;
use davit_store::seen::{ForgeChecked, HeadOf};

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

both!(the_newest_heads_of_many_repositories_are_one_question, |store| {
    let (hub, lab) = (id("hub"), id("lab"));
    let tag = |name: &str| GitRef::Tag(name.into());
    for (digit, now) in [('a', 1), ('b', 3), ('c', 2)] {
        see(&store, "Acme/Shop", &head(main(), digit, now)).await;
    }
    for now in 10..15 {
        see(&store, "acme/shop", &head(tag(&format!("v{now}")), 'd', now)).await;
    }
    see(&store, "acme/docs", &head(main(), 'e', 4)).await;
    let brief = |found: Vec<HeadOf>| -> Vec<String> {
        let told =
            |of: &HeadOf| format!("{} {} {}", of.repository, of.head.git_ref.full(), &of.head.commit.as_str()[..1]);
        found.iter().map(told).collect()
    };
    let wanted = [(&hub, "ACME/Shop", main()), (&hub, "acme/docs", main()), (&lab, "acme/shop", main())];
    let newest = brief(store.newest_heads(&wanted).await.expect("reads"));
    assert_eq!(newest, ["acme/docs refs/heads/main e", "acme/shop refs/heads/main b"], "however many are newer");
    let wanted = [(&hub, "ACME/Shop"), (&hub, "acme/docs"), (&lab, "acme/shop")];
    let latest = brief(store.latest_heads(&wanted, 2).await.expect("reads"));
    assert_eq!(latest, ["acme/shop refs/tags/v14 d", "acme/shop refs/tags/v13 d", "acme/docs refs/heads/main e"]);
    assert_eq!(brief(store.latest_heads(&wanted, 100).await.expect("reads")).len(), 9);
    assert_eq!(store.newest_heads(&[]).await.expect("reads"), []);
    assert_eq!(store.latest_heads(&[], 100).await.expect("reads"), []);
});

both!(heads_are_bounded_however_many_have_one_time_and_however_many_ask, |store| {
    let hub = id("hub");
    // As the first look at a repository writes them.
    let mut tx = store.begin().await.expect("begins");
    for tag in 0..250 {
        let tag = head(GitRef::Tag(format!("v{tag:03}")), 'a', 5);
        tx.see_head(&hub, "acme/shop", &tag).await.expect("writes");
    }
    tx.see_head(&hub, "acme/shop", &head(main(), 'b', 6)).await.expect("writes");
    tx.see_head(&hub, "acme/docs", &head(main(), 'c', 4)).await.expect("writes");
    tx.commit().await.expect("commits");
    let wanted = [(&hub, "acme/shop"), (&hub, "acme/docs"), (&hub, "Acme/Shop"), (&hub, "acme/shop")];
    let names = |found: Vec<HeadOf>| found.iter().map(|of| of.head.git_ref.full()).collect::<Vec<_>>();
    let latest = names(store.latest_heads(&wanted, 200).await.expect("reads"));
    assert_eq!(latest.len(), 201, "200 of the one, one of the other, once");
    let last = latest.iter().rev().take(2).map(String::as_str).collect::<Vec<_>>();
    assert_eq!((latest[0].as_str(), last), ("refs/heads/main", vec!["refs/heads/main", "refs/tags/v198"]));

    // More than one question may bind.
    let many = (0..12_000).map(|number| (&hub, "acme/none", GitRef::Branch(format!("b{number}"))));
    let asked = [(&hub, "ACME/shop", main()), (&hub, "acme/shop", main()), (&hub, "acme/docs", main())];
    let wanted: Vec<_> = many.chain(asked).collect();
    let newest = store.newest_heads(&wanted).await.expect("reads");
    let newest: Vec<_> = newest.iter().map(|of| of.repository.as_str()).collect();
    assert_eq!(newest, ["acme/shop", "acme/docs"], "the latest first, each once");
    let many: Vec<_> = (0..17_000).map(|number| format!("acme/{number}")).collect();
    let many: Vec<_> = many.iter().map(|repository| (&hub, repository.as_str())).collect();
    assert_eq!(store.latest_heads(&many, 200).await.expect("reads"), []);
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
