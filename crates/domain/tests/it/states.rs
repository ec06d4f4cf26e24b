//! Every state against every transition: the tables people argue about.

use davit_domain::config::Review;
use davit_domain::deployment::{DeploymentState, Pause};
use davit_domain::ids::{DeploymentId, RequestId};
use davit_domain::request::{Approval, RequestState, ReviewError};
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
        RequestState::AwaitingRelease,
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
    let review = Review { required: 1, self_approval: false };
    let mut table = String::new();
    for state in request_states() {
        let outcome = |name: &str, to: Option<RequestState>| to.map(|to| format!("{name}→{}", to.as_str()));
        let ways: Vec<String> = [
            outcome("approve", state.clone().approve("bob", "ada", review, NOW).ok()),
            outcome("reject", state.clone().reject("bob", "too risky").ok()),
            outcome("withdraw", state.clone().withdraw().ok()),
            outcome("release", state.clone().release().ok()),
            outcome("retry", state.clone().retry().ok()),
            outcome("succeed", state.clone().finish(RequestState::Succeeded).ok()),
        ]
        .into_iter()
        .flatten()
        .collect();
        table.push_str(&format!("{}: {}\n", state.as_str(), ways.join(" ")));
    }
    insta::assert_snapshot!(table, @r"
    awaiting_review: approve→awaiting_release reject→rejected withdraw→withdrawn
    awaiting_release: withdraw→withdrawn release→releasing
    releasing: succeed→succeeded
    succeeded: 
    failed: retry→releasing
    rejected: 
    withdrawn: 
    cancelled: retry→releasing
    superseded: 
    ");
}

#[test]
fn eyes_are_counted_by_person() {
    let review = Review { required: 2, self_approval: false };
    let start = RequestState::initial(review);
    assert_eq!(start.clone().approve("ada", "ada", review, NOW), Err(ReviewError::SelfApproval));
    let once = start.approve("bob", "ada", review, NOW).expect("bob may");
    assert_eq!(once, RequestState::AwaitingReview { approvals: vec![Approval { user: "bob".into(), at: NOW }] });
    assert_eq!(
        once.clone().approve("bob", "ada", review, NOW),
        Err(ReviewError::ApprovedAlready("bob".into())),
        "one person, one approval"
    );
    assert_eq!(once.approve("cy", "ada", review, NOW), Ok(RequestState::AwaitingRelease));
}

#[test]
fn self_approval_is_a_choice_of_the_environment() {
    let review = Review { required: 1, self_approval: true };
    let state = RequestState::initial(review).approve("ada", "ada", review, NOW);
    assert_eq!(state, Ok(RequestState::AwaitingRelease));
    assert_eq!(RequestState::initial(Review::default()), RequestState::AwaitingRelease);
}

#[test]
fn a_rejection_needs_a_reason() {
    let state = RequestState::AwaitingReview { approvals: Vec::new() };
    assert_eq!(state.reject("bob", " \n"), Err(ReviewError::ReasonMissing));
}
