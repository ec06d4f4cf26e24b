//! The states of runs, jobs and steps, and which events workflows may run on.

use davit_domain::ci::{JobState, RunState, StepState, Trigger, job_context, run_context};
use davit_domain::config::{Configuration, parse};
use davit_domain::decide::{CiWanted, Decision, Known, ci_wanted, on_event};
use davit_domain::event::{ChangeAction, ChangeEvent, CheckEvent, ForgeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;

/// `from → to, …` for every state.
fn ways<S: Copy>(all: &[S], word: impl Fn(S) -> &'static str, goes: impl Fn(S, S) -> bool) -> String {
    let line = |from: &S| {
        let to: Vec<&str> = all.iter().filter(|to| goes(*from, **to)).map(|to| word(*to)).collect();
        format!("{} → {}", word(*from), if to.is_empty() { "nothing".to_owned() } else { to.join(", ") })
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn where_runs_jobs_and_steps_can_go() {
    insta::assert_snapshot!(ways(RunState::ALL, RunState::as_str, |from, to| from.advance(to).is_ok()), @r"
        awaiting_approval → queued, failure, cancelled, skipped, error
        queued → running, success, failure, cancelled, timed_out, skipped, error
        running → success, failure, cancelled, timed_out, skipped, error
        success → queued
        failure → queued
        cancelled → queued
        timed_out → queued
        skipped → queued
        error → queued
    ");
    insta::assert_snapshot!(ways(JobState::ALL, JobState::as_str, |from, to| from.advance(to).is_ok()), @r"
        queued → running, failure, cancelled, skipped, error
        running → success, failure, cancelled, timed_out, skipped, error
        success → nothing
        failure → nothing
        cancelled → nothing
        timed_out → nothing
        skipped → nothing
        error → nothing
    ");
    insta::assert_snapshot!(ways(StepState::ALL, StepState::as_str, |from, to| from.advance(to).is_ok()), @r"
        queued → running, success, failure, cancelled, timed_out, skipped
        running → success, failure, cancelled, timed_out, skipped
        success → nothing
        failure → nothing
        cancelled → nothing
        timed_out → nothing
        skipped → nothing
    ");
    let refused = RunState::Success.advance(RunState::Cancelled).expect_err("it has ended");
    assert_eq!(refused.to_string(), "the run is success: it can't be cancelled now");
}

#[test]
fn words_are_read_again() {
    for state in RunState::ALL {
        assert_eq!(RunState::parse(state.as_str()), Some(*state));
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
        assert_eq!(state.is_final(), state.commit_state().is_final());
    }
    for state in JobState::ALL {
        assert_eq!(JobState::parse(state.as_str()), Some(*state));
        assert_eq!(state.is_final(), state.commit_state().is_final());
    }
    for trigger in Trigger::ALL {
        assert_eq!(Trigger::parse(trigger.as_str()), Some(*trigger));
        assert_eq!(serde_json::to_value(trigger).expect("JSON"), trigger.as_str());
    }
    assert_eq!(StepState::parse("error"), None);
    assert_eq!(JobState::TimedOut.commit_state(), CommitState::Failure);
    assert_eq!(JobState::Error.commit_state(), CommitState::Error);
}

#[test]
fn a_push_and_its_change_have_contexts_of_their_own() {
    assert_eq!(run_context("build", Trigger::PullRequest), "davit/ci/build (pull_request)");
    assert_eq!(job_context("build", "test (1)", Trigger::Push), "davit/ci/build / test (1) (push)");
}

const CONFIGURATION: &str = r#"
forge = [{ id = "hub", kind = "github" }, { id = "other", kind = "github" }]
repository = [
  { forge = "hub", name = "Acme/Shop" },
  { forge = "hub", name = "acme/closed", forks = "never" },
]
"#;

fn configuration() -> Configuration {
    parse(CONFIGURATION, &Configuration::default()).expect("a good file").configuration
}

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn push(repository: &str, git_ref: GitRef, after: Option<char>) -> ForgeEvent {
    ForgeEvent::Push(Push {
        repository: repository.into(),
        git_ref,
        before: Some(sha('1')),
        after: after.map(sha),
        pusher: "ada".into(),
        title: "Fix it".into(),
    })
}

fn change(repository: &str, action: ChangeAction, from_fork: bool) -> ForgeEvent {
    ForgeEvent::Change(ChangeEvent {
        repository: repository.into(),
        number: 7,
        action,
        title: "Better".into(),
        author: "bob".into(),
        head: sha('2'),
        head_branch: "better".into(),
        base_branch: "main".into(),
        from_fork,
        draft: false,
        merge_commit: None,
        word: None,
    })
}

fn wanted(forge: &str, event: &ForgeEvent) -> Option<CiWanted> {
    ci_wanted(&configuration(), &forge.parse().expect("an id"), event)
}

fn main() -> GitRef {
    GitRef::Branch("main".into())
}

#[test]
fn what_is_tested() {
    let pushed = wanted("hub", &push("acme/shop", main(), Some('a'))).expect("it is tested");
    assert_eq!((pushed.repository.as_str(), pushed.trigger, pushed.head), ("Acme/Shop", Trigger::Push, sha('a')));
    assert_eq!((pushed.git_ref, pushed.before, pushed.change), (Some(main()), Some(sha('1')), None));
    assert_eq!((pushed.by.as_str(), pushed.title.as_str()), ("ada", "Fix it"));
    assert!(wanted("hub", &push("acme/shop", GitRef::Tag("v1".into()), Some('a'))).is_some());
    assert!(wanted("hub", &push("acme/shop", main(), None)).is_none(), "a deleted branch has no commit");
    assert!(wanted("hub", &push("acme/unknown", main(), Some('a'))).is_none());
    assert!(wanted("other", &push("acme/shop", main(), Some('a'))).is_none());
}

#[test]
fn changes_that_are_tested() {
    let words = [
        (ChangeAction::Opened, Some("opened")),
        (ChangeAction::Updated, Some("synchronize")),
        (ChangeAction::Closed, Some("closed")),
        (ChangeAction::Merged, Some("closed")),
        (ChangeAction::Edited, None),
    ];
    for (action, word) in words {
        let wanted = wanted("hub", &change("acme/shop", action, false));
        assert_eq!(wanted.map(|wanted| wanted.action).as_deref(), word, "{action:?}");
    }
    for (action, said) in [(ChangeAction::Edited, "ready_for_review"), (ChangeAction::Opened, "reopened")] {
        let ForgeEvent::Change(event) = change("acme/shop", action, false) else { unreachable!("it is a change") };
        let event = ForgeEvent::Change(ChangeEvent { word: Some(said.into()), ..event });
        assert_eq!(wanted("hub", &event).map(|wanted| wanted.action).as_deref(), Some(said));
    }
    let forks = wanted("hub", &change("acme/shop", ChangeAction::Opened, true)).expect("it waits for approval");
    assert!(forks.from_fork && forks.git_ref.is_none(), "its branch is none of the repository's");
    assert_eq!(
        (forks.change, forks.base_branch.as_deref(), forks.trigger),
        (Some(7), Some("main"), Trigger::PullRequest)
    );
    assert!(wanted("hub", &change("acme/closed", ChangeAction::Opened, true)).is_none());
    assert!(wanted("hub", &change("acme/closed", ChangeAction::Opened, false)).is_some());
}

fn checked(repository: &str, name: &str) -> Decision {
    let event = ForgeEvent::Check(CheckEvent {
        repository: repository.into(),
        commit: sha('a'),
        name: name.into(),
        state: CommitState::Success,
        description: String::new(),
        target_url: String::new(),
        at: None,
    });
    on_event(&configuration(), &"hub".parse().expect("an id"), &event, &Known::default())
}

#[test]
fn checks_of_what_is_only_tested_are_recorded_and_davits_own_are_not() {
    assert!(matches!(checked("acme/shop", "jenkins"), Decision::Record(_)));
    assert!(matches!(checked("acme/shop", "Davit/CI/build (push)"), Decision::Ignore { .. }));
    assert!(matches!(checked("acme/shop", "davit/deploy/test"), Decision::Ignore { .. }));
    assert!(matches!(checked("acme/unknown", "jenkins"), Decision::Ignore { .. }));
}

#[test]
fn what_is_only_tested_is_not_released() {
    let event = push("acme/shop", main(), Some('a'));
    let decision = on_event(&configuration(), &"hub".parse().expect("an id"), &event, &Known::default());
    assert_eq!(decision, Decision::Ignore { reason: "no app releases Acme/Shop".into() });
}
