//! What holds a merge up, and what lets it go.

use davit_domain::config::{MergeBy, MergePolicy};
use davit_domain::ids::CommitSha;
use davit_domain::merge::{
    ChangeFacts, ChangeState, Hold, MergeAsk, MergeCommand, Mergeable, green, holds, is_comment_command,
};
use davit_domain::status::CommitState;
use proptest::prelude::*;

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn ask(how: MergeBy, head: Option<char>) -> Option<MergeAsk> {
    Some(MergeAsk { how, by: "ada".into(), head: head.map(sha) })
}

fn check(context: &str, state: CommitState) -> (String, CommitState) {
    (context.to_owned(), state)
}

/// Nothing holds it.
fn ready() -> ChangeFacts {
    ChangeFacts {
        state: ChangeState::Open,
        head: sha('a'),
        base_branch: "main".into(),
        draft: false,
        labels: vec!["bug".into()],
        approvals: 1,
        changes_requested: Vec::new(),
        mergeable: Mergeable::Yes,
        auto_merge: false,
        asked: ask(MergeBy::Ui, Some('a')),
        checks: vec![check("davit/ci/test (push)", CommitState::Success)],
    }
}

fn policy() -> MergePolicy {
    MergePolicy { approvals: 1, branches: vec!["main".into()], ..MergePolicy::default() }
}

fn held(change: impl FnOnce(&mut MergePolicy, &mut ChangeFacts)) -> String {
    let (mut policy, mut facts) = (policy(), ready());
    change(&mut policy, &mut facts);
    let holds = holds(&policy, &facts);
    holds.iter().map(|hold| format!("{}: {}", hold.code(), hold.sentence())).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_hold_is_told() {
    assert_eq!(held(|_, _| {}), "");
    insta::assert_snapshot!(held(|_, facts| facts.state = ChangeState::Merged), @"closed: it is not open any more");
    insta::assert_snapshot!(held(|_, facts| facts.base_branch = "next".into()), @"branch_not_allowed: davit does not merge into next: see `merge.branches`");
    insta::assert_snapshot!(held(|_, facts| facts.asked = None), @"not_asked: nobody has asked to merge this commit");
    insta::assert_snapshot!(held(|_, facts| facts.draft = true), @"draft: it is a draft: mark it as ready for review");
    insta::assert_snapshot!(held(|_, facts| facts.labels.extend(["WIP".into(), "do-not-merge".into()])), @r#"
        blocking_label: the label "wip" is in the way: remove it
        blocking_label: the label "do-not-merge" is in the way: remove it
    "#);
    insta::assert_snapshot!(held(|_, facts| facts.approvals = 0), @"approvals: it has 0 of 1 needed approvals");
    insta::assert_snapshot!(held(|_, facts| facts.changes_requested = vec!["bob".into(), "eve".into()]), @r"
        changes_requested: bob has requested changes
        changes_requested: eve has requested changes
    ");
    insta::assert_snapshot!(held(|_, facts| facts.checks.clear()), @"no_checks: no check has said anything about this commit yet");
    insta::assert_snapshot!(held(|_, facts| facts.mergeable = Mergeable::Unknown), @"computing: the forge has not found out yet whether it can be merged; davit asks again");
    insta::assert_snapshot!(held(|_, facts| facts.mergeable = Mergeable::Conflict), @"conflict: it conflicts with its base branch: rebase it, or merge the base branch into it");
    insta::assert_snapshot!(held(|_, facts| facts.mergeable = Mergeable::Refused("2 reviews are missing".into())), @"refused: the forge refuses: 2 reviews are missing");
}

#[test]
fn what_can_be_done_first_is_told_first() {
    let everything = held(|policy, facts| {
        policy.required = vec!["jenkins".into(), "davit/ci/*".into()];
        *facts = ChangeFacts {
            base_branch: "next".into(),
            draft: true,
            labels: vec!["wip".into()],
            approvals: 0,
            changes_requested: vec!["bob".into()],
            mergeable: Mergeable::Conflict,
            asked: None,
            checks: vec![
                check("davit/ci/z", CommitState::Pending),
                check("davit/ci/y", CommitState::Error),
                check("davit/ci/x", CommitState::Failure),
            ],
            ..ready()
        };
    });
    insta::assert_snapshot!(everything, @r#"
        branch_not_allowed: davit does not merge into next: see `merge.branches`
        not_asked: nobody has asked to merge this commit
        draft: it is a draft: mark it as ready for review
        blocking_label: the label "wip" is in the way: remove it
        changes_requested: bob has requested changes
        approvals: it has 0 of 1 needed approvals
        missing: no check is called "jenkins" yet
        red: davit/ci/x is not green: failure
        red: davit/ci/y is not green: error
        pending: davit/ci/z has not ended yet
        conflict: it conflicts with its base branch: rebase it, or merge the base branch into it
    "#);
}

#[test]
fn who_may_ask_and_for_what() {
    let asked = |by: &[MergeBy], facts: &dyn Fn(&mut ChangeFacts)| {
        held(|policy, known| {
            policy.by = by.to_vec();
            known.asked = None;
            facts(known);
        })
        .is_empty()
    };
    let all = &MergeBy::ALL;
    assert!(!asked(all, &|_| {}));
    assert!(asked(all, &|facts| facts.labels.push("Merge".into())));
    assert!(!asked(&[MergeBy::Ui], &|facts| facts.labels.push("merge".into())));
    assert!(asked(all, &|facts| facts.auto_merge = true));
    assert!(!asked(&[MergeBy::Label], &|facts| facts.auto_merge = true));
    for how in [MergeBy::Ui, MergeBy::Comment] {
        assert!(asked(all, &|facts| facts.asked = ask(how, Some('a'))));
        assert!(!asked(all, &|facts| facts.asked = ask(how, Some('b'))), "for an earlier head");
        assert!(!asked(all, &|facts| facts.asked = ask(how, None)), "for no head in particular");
        assert!(!asked(&[MergeBy::Label], &|facts| facts.asked = ask(how, Some('a'))), "in a way that does not count");
    }
    // A label that was taken off, and a button that was pressed again, ask for nothing any more.
    assert!(!asked(all, &|facts| facts.asked = ask(MergeBy::Label, Some('a'))));
    assert!(!asked(all, &|facts| facts.asked = ask(MergeBy::Forge, Some('a'))));
}

#[test]
fn which_checks_count() {
    let told = |required: &[&str], checks: &[(&str, CommitState)]| {
        let required: Vec<String> = required.iter().map(ToString::to_string).collect();
        let checks: Vec<_> = checks.iter().map(|(context, state)| check(context, *state)).collect();
        let told: Vec<String> = green(&required, &checks)
            .iter()
            .map(|hold| format!("{} {}", hold.code(), hold.context().unwrap_or_default()).trim_end().to_owned())
            .collect();
        told.join(", ")
    };
    use CommitState::{Error, Failure, Pending, Success};
    assert_eq!(told(&[], &[]), "no_checks");
    assert_eq!(told(&[], &[("Davit/Deploy/test", Success)]), "no_checks", "how a deployment goes is no check");
    assert_eq!(told(&[], &[("a", Success), ("davit/deploy/test", Failure)]), "");
    assert_eq!(told(&[], &[("a", Success), ("b", Pending), ("c", Error)]), "red c, pending b");
    assert_eq!(told(&["b"], &[("a", Failure)]), "missing b");
    assert_eq!(told(&["a*", "b*"], &[("a1", Success), ("a2", Failure), ("c", Failure)]), "missing b*, red a2");
    let matrix = "davit/ci/build / test (1, [x]) (pull_request)";
    assert_eq!(told(&["davit/ci/*"], &[(matrix, Success)]), "", "`*` crosses everything");
    assert_eq!(
        told(&["davit/ci/build / test (1, [x]) (pull_request)"], &[(matrix, Pending)]),
        format!("pending {matrix}")
    );
    assert_eq!(told(&["a"], &[("a", Success), ("a", Pending), ("a", Success)]), "pending a", "the worse one counts");
    assert_eq!(told(&["a"], &[("a", Failure), ("a", Pending)]), "red a");
}

#[test]
fn commands_in_comments() {
    for (text, expected) in [
        ("/merge", Some(MergeCommand::Merge)),
        ("Looks good!\r\n\r\n  /Merge  \r\n", Some(MergeCommand::Merge)),
        ("/merge cancel", Some(MergeCommand::Cancel)),
        ("/merge\n/merge cancel", Some(MergeCommand::Cancel)),
        ("/merge  CANCEL\n/merge", Some(MergeCommand::Cancel)),
        ("/merge now", None),
        ("please /merge", None),
        ("> /merge", None),
        ("```\n/merge\n```", None),
        ("~~~sh\n/merge\n```\n/merge\n~~~", None),
        ("```\ncode\n```\n/merge", Some(MergeCommand::Merge)),
        ("    /merge", None),
        ("/merged", None),
        ("", None),
    ] {
        assert_eq!(is_comment_command(text), expected, "{text:?}");
    }
}

fn state() -> impl Strategy<Value = CommitState> {
    prop::sample::select(vec![CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error])
}

fn checks() -> impl Strategy<Value = Vec<(String, CommitState)>> {
    prop::collection::vec(("(davit/ci/|davit/deploy/|jenkins )?[ab]", state()), 0..5)
}

fn facts() -> impl Strategy<Value = ChangeFacts> {
    let labels = prop::collection::vec(prop::sample::select(vec!["merge", "wip", "bug"]), 0..3);
    let mergeable = prop::sample::select(vec![
        Mergeable::Yes,
        Mergeable::Unknown,
        Mergeable::Conflict,
        Mergeable::Refused("no".into()),
    ]);
    let asked = prop::option::of((prop::sample::select(&MergeBy::ALL), prop::sample::select(vec!['a', 'b'])));
    let flags = any::<(bool, bool)>();
    let people = (0u32..3, prop::collection::vec("[a-z]{3}", 0..2));
    (labels, mergeable, asked, flags, people, checks(), prop::sample::select(&ChangeState::ALL)).prop_map(
        |(labels, mergeable, asked, (draft, auto_merge), (approvals, changes_requested), checks, state)| ChangeFacts {
            state,
            head: sha('a'),
            base_branch: "main".into(),
            draft,
            labels: labels.into_iter().map(str::to_owned).collect(),
            approvals,
            changes_requested,
            mergeable,
            auto_merge,
            asked: asked.and_then(|(how, head)| ask(how, Some(head))),
            checks,
        },
    )
}

fn some_policy() -> impl Strategy<Value = MergePolicy> {
    let required = prop::collection::vec(prop::sample::select(vec!["davit/ci/*", "jenkins *", "a"]), 0..3);
    (prop::sample::subsequence(&MergeBy::ALL, 1..=4), required, 0u32..3).prop_map(|(by, required, approvals)| {
        MergePolicy {
            by,
            required: required.into_iter().map(str::to_owned).collect(),
            approvals,
            ..MergePolicy::default()
        }
    })
}

proptest! {
    /// What is merged was open, asked for at that very head, and green.
    #[test]
    fn nothing_goes_that_should_not(policy in some_policy(), facts in facts()) {
        if !holds(&policy, &facts).is_empty() {
            return Ok(());
        }
        prop_assert_eq!(facts.state, ChangeState::Open);
        prop_assert!(!facts.draft && !facts.labels.contains(&"wip".to_owned()));
        prop_assert!(facts.approvals >= policy.approvals && facts.changes_requested.is_empty());
        prop_assert_eq!(&facts.mergeable, &Mergeable::Yes);
        prop_assert!(!green(&policy.required, &facts.checks).iter().any(|_| true));
        let by_person = facts.asked.as_ref().is_some_and(|ask| ask.head.as_ref() == Some(&facts.head));
        prop_assert!(by_person || facts.auto_merge || facts.labels.contains(&"merge".to_owned()));
    }

    /// Whatever else is known: a required check that is not green holds.
    #[test]
    fn a_required_check_that_is_not_green_holds(policy in some_policy(), facts in facts(), bad in state()) {
        prop_assume!(bad != CommitState::Success);
        let policy = MergePolicy { required: vec!["must".into()], ..policy };
        let mut facts = facts;
        facts.checks.push(check("must", bad));
        prop_assert!(!holds(&policy, &facts).is_empty());
        facts.checks.push(check("must", CommitState::Success));
        prop_assert!(!holds(&policy, &facts).is_empty());
    }

    /// A push after the wish takes the wish away, unless a label or the forge's button is there.
    #[test]
    fn a_push_takes_the_wish_away(policy in some_policy(), facts in facts()) {
        let pushed = ChangeFacts { head: sha('c'), auto_merge: false, labels: Vec::new(), state: ChangeState::Open, ..facts };
        prop_assert!(holds(&policy, &pushed).contains(&Hold::NotAsked));
    }

    /// The order in which checks came does not show.
    #[test]
    fn holds_have_one_order(policy in some_policy(), facts in facts(), turn in 0usize..5) {
        let mut turned = facts.clone();
        let by = turn.min(turned.checks.len());
        turned.checks.rotate_left(by);
        prop_assert_eq!(holds(&policy, &turned), holds(&policy, &facts));
        turned.checks.reverse();
        prop_assert_eq!(holds(&policy, &turned), holds(&policy, &facts));
    }

    #[test]
    fn holds_are_stored_and_read_again(policy in some_policy(), facts in facts()) {
        let holds = holds(&policy, &facts);
        let text = serde_json::to_string(&holds).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Vec<Hold>>(&text).expect("reads"), holds);
    }
}
