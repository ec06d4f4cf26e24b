//! Every state against every transition: the tables people argue about.

use davit_domain::deployment::{DeploymentState, Pause};
use davit_domain::ids::{DeploymentId, RequestId};
use davit_domain::request::{Approval, RequestState, ReviewError};
use davit_domain::review::{Person, Review};
use davit_domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn deployment_states() -> Vec<DeploymentState> {
    let reason = || "why".to_owned();
    vec![
        DeploymentState::Queued,
        DeploymentState::Building,
        DeploymentState::Staging,
        DeploymentState::Switching,
        DeploymentState::Verifying,
        DeploymentState::Paused { pause: Pause::Confirm { next_batch: 2 } },
        DeploymentState::Succeeded,
        DeploymentState::Failed { reason: reason() },
        DeploymentState::Reverting { reason: reason() },
        DeploymentState::Reverted { reason: reason() },
        DeploymentState::Cancelled { reason: reason() },
        DeploymentState::Superseded { by: DeploymentId(2) },
    ]
}

#[test]
fn where_a_deployment_can_go() {
    let mut table = String::new();
    for from in deployment_states() {
        let ways: Vec<&str> = deployment_states()
            .into_iter()
            .filter(|to| from.clone().advance(to.clone()).is_ok())
            .map(|to| to.as_str())
            .collect();
        table.push_str(&format!("{} → {}\n", from.as_str(), ways.join(" ")));
    }
    insta::assert_snapshot!(table, @r#"
        queued → building staging failed cancelled superseded
        building → building staging failed reverting cancelled
        staging → building staging switching paused failed reverting cancelled
        switching → building staging switching verifying paused succeeded failed reverting cancelled
        verifying → building staging switching verifying paused succeeded failed reverting
        paused → building staging switching succeeded failed reverting
        succeeded → 
        failed → 
        reverting → failed reverting reverted
        reverted → 
        cancelled → 
        superseded →
    "#);
}

#[test]
fn a_final_deployment_goes_nowhere_and_a_switched_one_can_not_be_cancelled() {
    for from in deployment_states() {
        for to in deployment_states() {
            let allowed = from.clone().advance(to.clone()).is_ok();
            if from.is_final() {
                assert!(!allowed, "{} → {}", from.as_str(), to.as_str());
            }
            if from.may_have_switched() {
                assert!(!from.is_cancellable());
            }
        }
    }
}

fn request_states() -> Vec<RequestState> {
    vec![
        RequestState::AwaitingReview { approvals: Vec::new() },
        RequestState::AwaitingRelease { approvals: Vec::new() },
        RequestState::Releasing,
        RequestState::Succeeded,
        RequestState::Failed { reason: "why".into() },
        RequestState::Rejected { by: "eve".into(), reason: "why".into() },
        RequestState::Withdrawn,
        RequestState::Cancelled { reason: "why".into() },
        RequestState::Superseded { by: RequestId(2) },
    ]
}

#[test]
fn what_a_request_allows() {
    let review = Review { required: 1, ..Review::default() };
    let mut table = String::new();
    for state in request_states() {
        let outcome = |name: &str, to: Option<RequestState>| to.map(|to| format!("{name}→{}", to.as_str()));
        let ways: Vec<String> = [
            outcome("approve", state.clone().approve(BOB, &["ada"], &review, NOW).ok()),
            outcome("reject", state.clone().reject(BOB, &review, "too risky").ok()),
            outcome("withdraw", state.clone().withdraw().ok()),
            outcome("edit", state.clone().edit(&review).ok()),
            outcome("release", state.clone().release(&review, NOW).ok()),
            outcome("retry", state.clone().retry().ok()),
            outcome("succeed", state.clone().finish(RequestState::Succeeded).ok()),
        ]
        .into_iter()
        .flatten()
        .collect();
        table.push_str(&format!("{}: {}\n", state.as_str(), ways.join(" ")));
    }
    insta::assert_snapshot!(table, @r"
    awaiting_review: approve→awaiting_release reject→rejected withdraw→withdrawn edit→awaiting_review
    awaiting_release: withdraw→withdrawn edit→awaiting_review release→releasing
    releasing: succeed→succeeded
    succeeded: 
    failed: retry→releasing
    rejected: 
    withdrawn: 
    cancelled: retry→releasing
    superseded: 
    ");
}

const BOB: Person<'static> = Person { name: "bob", groups: &[] };

fn person(name: &str) -> Person<'_> {
    Person { name, groups: &[] }
}

#[test]
fn eyes_are_counted_by_person() {
    let review = Review { required: 2, ..Review::default() };
    let start = RequestState::initial(&review);
    assert_eq!(start.clone().approve(person("ada"), &["ada"], &review, NOW), Err(ReviewError::SelfApproval));
    let once = start.approve(BOB, &["ada"], &review, NOW).expect("bob may");
    let bobs = Approval { user: "bob".into(), at: NOW };
    assert_eq!(once, RequestState::AwaitingReview { approvals: vec![bobs.clone()] });
    assert_eq!(
        once.clone().approve(BOB, &["ada"], &review, NOW),
        Err(ReviewError::ApprovedAlready("bob".into())),
        "one person, one approval"
    );
    let both = vec![bobs, Approval { user: "cy".into(), at: NOW }];
    assert_eq!(
        once.approve(person("cy"), &["ada"], &review, NOW),
        Ok(RequestState::AwaitingRelease { approvals: both })
    );
}

#[test]
fn self_approval_is_a_choice_of_the_environment() {
    let review = Review { required: 1, self_approval: true, ..Review::default() };
    let state = RequestState::initial(&review).approve(person("ada"), &["ada"], &review, NOW);
    assert_eq!(state.expect("she may").as_str(), "awaiting_release");
    let none = RequestState::AwaitingRelease { approvals: Vec::new() };
    assert_eq!(RequestState::initial(&Review::default()), none);
}

#[test]
fn only_reviewers_review() {
    let reviewers = vec!["cy".parse().expect("a reviewer"), "group:leads".parse().expect("a reviewer")];
    let review = Review { required: 1, reviewers, ..Review::default() };
    let start = RequestState::initial(&review);
    let not = ReviewError::NotAReviewer("bob".into(), "cy, group:leads".into());
    assert_eq!(start.clone().approve(BOB, &["ada"], &review, NOW), Err(not.clone()));
    assert_eq!(start.clone().reject(BOB, &review, "no"), Err(not));
    let leads = ["leads".to_owned()];
    for reviewer in [person("cy"), Person { name: "bob", groups: &leads }] {
        assert!(start.clone().approve(reviewer, &["ada"], &review, NOW).is_ok(), "{reviewer:?}");
        assert!(start.clone().reject(reviewer, &review, "no").is_ok(), "{reviewer:?}");
    }
}

#[test]
fn approvals_whose_time_is_over_are_none() {
    let review = Review { required: 2, expires: Some(60), ..Review::default() };
    let later = |seconds| NOW.plus(std::time::Duration::from_secs(seconds));
    let state = RequestState::initial(&review).approve(BOB, &["ada"], &review, NOW).expect("bob may");
    let state = state.approve(person("cy"), &["ada"], &review, later(30)).expect("cy may");
    assert_eq!(state.as_str(), "awaiting_release");
    assert_eq!(state.clone().release(&review, later(59)), Ok(RequestState::Releasing));
    assert!(state.clone().release(&review, later(60)).is_err(), "bob's is over");
    let (waits, gone) = state.expire(&review, later(60));
    assert_eq!(gone, [Approval { user: "bob".into(), at: NOW }]);
    assert_eq!(waits, RequestState::AwaitingReview { approvals: vec![Approval { user: "cy".into(), at: later(30) }] });
    let again = waits.approve(BOB, &["ada"], &review, later(61)).expect("bob may look again");
    assert_eq!(again.clone().release(&review, later(61)), Ok(RequestState::Releasing));
    let none_needed = RequestState::initial(&Review { expires: Some(1), ..Review::default() });
    assert_eq!(none_needed.release(&review, later(1_000)), Ok(RequestState::Releasing));
}

#[test]
fn an_edit_voids_what_was_approved() {
    let review = Review { required: 1, ..Review::default() };
    let approved = RequestState::initial(&review).approve(BOB, &["ada"], &review, NOW).expect("bob may");
    assert_eq!(approved.clone().edit(&review), Ok(RequestState::AwaitingReview { approvals: Vec::new() }));
    let none = Review::default();
    assert_eq!(approved.edit(&none), Ok(RequestState::AwaitingRelease { approvals: Vec::new() }));
}

#[test]
fn a_rejection_needs_a_reason() {
    let state = RequestState::AwaitingReview { approvals: Vec::new() };
    assert_eq!(state.reject(BOB, &Review::default(), " \n"), Err(ReviewError::ReasonMissing));
}
