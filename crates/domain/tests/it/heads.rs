//! Heads that davit was told about against those that there are.

use davit_domain::config::{Auto, AutoOn};
use davit_domain::event::{GitRef, Push};
use davit_domain::heads::{Follows, MissedHead, SeenHead, gone, is_overtaken, missed, older_first};
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use proptest::prelude::*;

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn main() -> GitRef {
    GitRef::Branch("main".into())
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// `before` moved to `after`; `.` is nothing.
fn seen(before: char, after: char, millis: i64) -> SeenHead {
    let before = (before != '.').then(|| sha(before));
    SeenHead { git_ref: main(), commit: sha(after), before, at: at(millis), delivery: None }
}

fn push(before: char, after: char) -> Push {
    let commit = |digit| (digit != '.').then(|| sha(digit));
    Push {
        repository: "acme/shop".into(),
        git_ref: main(),
        before: commit(before),
        after: commit(after),
        pusher: "ada".into(),
        title: String::new(),
    }
}

/// Where a look that follows one at time 10 finds `main` at `head`: from where to where it moved unheard.
fn missed_move(told: &[SeenHead], head: char) -> Option<(Option<CommitSha>, CommitSha)> {
    let missed = missed(told, &[(main(), sha(head))], at(10));
    assert!(missed.len() <= 1);
    missed.into_iter().next().map(|MissedHead { before, after, .. }| (before, after))
}

#[test]
fn what_no_delivery_told_about_was_missed() {
    let told = [seen('.', 'a', 1), seen('a', 'b', 2)];
    assert_eq!(missed_move(&told, 'b'), None);
    assert_eq!(missed_move(&told, 'c'), Some((Some(sha('b')), sha('c'))));
    assert_eq!(missed_move(&told, 'a'), Some((Some(sha('b')), sha('a'))), "it was pushed back");
    assert_eq!(missed_move(&[], 'a'), Some((None, sha('a'))));
    let faster = [seen('a', 'b', 10), seen('b', 'c', 11)];
    assert_eq!(missed_move(&faster, 'b'), None, "a delivery came between the look and now");
    let tag = (GitRef::Tag("main".into()), sha('b'));
    assert_eq!(missed(&told, &[tag], at(10)).len(), 1, "a tag is not the branch of its name");
}

#[test]
fn what_the_remote_has_no_more_is_gone() {
    let told = [seen('.', 'a', 1), seen('a', 'b', 2)];
    let tag = |name: &str| GitRef::Tag(name.into());
    assert_eq!(gone(&told, &[(tag("v1"), sha('b'))]), [&told[1]], "its newest head");
    assert_eq!(gone(&told, &[(main(), sha('c'))]), [] as [&SeenHead; 0]);
    assert_eq!(gone(&[], &[(main(), sha('c'))]), [] as [&SeenHead; 0]);
    assert_eq!(gone(&told, &[]), [] as [&SeenHead; 0], "an empty answer says nothing");
}

#[test]
fn missed_moves_have_an_order() {
    let tag = |name: &str| GitRef::Tag(name.into());
    let mut moves = [(7, tag("v1.10.0")), (7, tag("v1.9.0")), (9, tag("a")), (7, tag("v1.9.0-rc1")), (3, tag("z"))];
    moves.sort_by(|one, other| older_first((at(one.0), &one.1), (at(other.0), &other.1)));
    let names: Vec<String> = moves.iter().map(|(_, git_ref)| git_ref.full()).collect();
    let expected = ["z", "v1.9.0", "v1.9.0-rc1", "v1.10.0", "a"].map(|name| format!("refs/tags/{name}"));
    assert_eq!(names, expected);
}

#[test]
fn a_push_that_others_followed_is_late() {
    let told = [seen('b', 'c', 1), seen('c', 'd', 2)];
    assert!(is_overtaken(&told, &push('a', 'b')), "two pushes lead on from it");
    assert!(is_overtaken(&told, &push('b', 'c')), "one does");
    assert!(!is_overtaken(&told, &push('d', 'e')), "it is the newest");
    assert!(!is_overtaken(&told, &push('c', 'd')), "it is the head");
    assert!(!is_overtaken(&told, &push('d', 'c')), "it goes back, on purpose");
    assert!(!is_overtaken(&told, &push('d', '.')), "it removes the branch");
    assert!(!is_overtaken(&[], &push('a', 'b')), "nothing is known");
    let circle = [seen('a', 'b', 1), seen('b', 'a', 2)];
    assert!(is_overtaken(&circle, &push('f', 'b')));
    let tag = Push { git_ref: GitRef::Tag("main".into()), ..push('a', 'b') };
    assert!(!is_overtaken(&told, &tag), "it is another ref");
}

proptest! {
    /// However two pushes of a chain are swapped, only the one that came late is taken for late; and a remote at its
    /// newest head was never missed.
    #[test]
    fn of_a_chain_only_late_ones_are_late(late in 0usize..5) {
        let chain = ['a', 'b', 'c', 'd', 'e', '1', '2'];
        let mut told: Vec<SeenHead> = Vec::new();
        for (number, pair) in chain.windows(2).enumerate().filter(|(number, _)| *number != late) {
            // What follows the one that is missing starts where nobody was told about.
            prop_assert!(!is_overtaken(&told, &push(pair[0], pair[1])));
            told.push(seen(pair[0], pair[1], number as i64));
        }
        prop_assert!(is_overtaken(&told, &push(chain[late], chain[late + 1])));
        prop_assert_eq!(missed_move(&told, chain[6]), None);
        prop_assert_eq!(missed(&told, &[(main(), sha('f'))], at(99)).len(), 1);
    }
}

#[test]
fn what_is_followed_is_the_latest_head_that_would_start_a_release() {
    let branch = |name: &str, digit| SeenHead { git_ref: GitRef::Branch(name.into()), ..seen('.', digit, 0) };
    let tag = |name: &str, digit| SeenHead { git_ref: GitRef::Tag(name.into()), ..seen('.', digit, 0) };
    let heads =
        [branch("topic", 'a'), tag("v2", 'b'), branch("release/2", 'c'), branch("main", 'd'), tag("nightly", 'e')];
    let auto = |on, patterns: &[&str]| Some(Auto { on, branches: patterns.iter().map(ToString::to_string).collect() });
    for (auto, live, expected) in [
        (auto(AutoOn::Push, &["main"]), None, Some('d')),
        (auto(AutoOn::Merge, &["release/*", "main"]), None, Some('c')),
        (auto(AutoOn::Push, &["main"]), Some("topic"), Some('d')),
        (auto(AutoOn::Push, &["none"]), Some("main"), None),
        // Every branch starts one: what is live tells which of them is meant.
        (auto(AutoOn::Push, &[]), Some("main"), Some('d')),
        (auto(AutoOn::Push, &[]), None, None),
        (auto(AutoOn::Tag, &["v*"]), Some("main"), Some('b')),
        (auto(AutoOn::Tag, &[]), None, Some('b')),
        (auto(AutoOn::DeploymentEvent, &[]), Some("topic"), Some('a')),
        (None, Some("main"), Some('d')),
        (None, Some("v2"), None),
        (None, None, None),
    ] {
        let follows = Follows::new(auto.as_ref(), live);
        let found = follows.newest(&heads).map(|head| head.commit.clone());
        assert_eq!(found, expected.map(sha), "{auto:?} {live:?}");
        // What is asked for by name is enough to find it.
        if let Some(references) = follows.references() {
            let named = heads.iter().filter(|head| references.contains(&head.git_ref));
            assert_eq!(follows.newest(named).map(|head| head.commit.clone()), found, "{auto:?} {live:?}");
        }
    }
    let patterns = ["release/*".to_owned(), "main".to_owned()];
    assert_eq!(Follows::Branches(&patterns).references(), None);
    assert_eq!(Follows::Branches(&patterns[1..]).references(), Some(vec![GitRef::Branch("main".into())]));
    assert_eq!(Follows::Tags(&[]).references(), None, "every tag is followed");
    assert_eq!(Follows::Nothing.references(), Some(Vec::new()));
}
