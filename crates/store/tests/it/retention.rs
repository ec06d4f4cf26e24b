//! What is forgotten after a while.

use crate::ci::changes::change;
use crate::support::{at, both, commit, configured, deploy, id, make_request, new_request, received, sha, take_fence};
use davit_domain::deployment::DeploymentState;
use davit_domain::log::{NewLine, Step, Stream};
use davit_domain::merge::ChangeState;
use davit_domain::status::CommitState;
use davit_store::changes::ChangeRow;
use davit_store::checks::Check;
use davit_store::deliveries::Verdict;
use davit_store::merge_queue::{QueueChange, QueueState};
use davit_store::outbox::{NewCall, Target};
use davit_store::retention::Cutoffs;

both!(what_is_long_over_is_forgotten_and_nothing_else, |store| {
    let request = make_request(&store, &new_request(configured(&store).await)).await;
    let ended = deploy(&store, &request, 1, &["web-1"]).await;
    let running = deploy(&store, &request, 2, &["web-2"]).await;
    let line = |number: i64| NewLine {
        at: at(number),
        host: None,
        step: Step::Checkout,
        stream: Stream::System,
        text: format!("line {number}"),
    };
    for deployment in [&ended, &running] {
        let fence = take_fence(&store, deployment).await;
        let lines: Vec<_> = (1..=2_500).map(line).collect();
        store.append_lines(deployment.id, fence, 1, &lines, &[]).await.expect("writes");
    }
    commit!(store, tx => tx.advance_deployment(ended.id, None, &DeploymentState::Succeeded, at(10)));
    let deliveries = received(&store, &["one", "two"]).await;
    commit!(store, tx => tx.finish_delivery(deliveries[0], Verdict::Processed, "done", "", None, None));

    let cutoffs = |before| Cutoffs { logs: before, deliveries: before, calls: before, sessions: before };
    assert_eq!(store.forget(&cutoffs(at(4))).await.expect("forgets"), 0, "nothing is that old");
    assert_eq!(store.forget(&cutoffs(at(11))).await.expect("forgets"), 2_501);
    assert_eq!(store.last_seq(ended.id).await.expect("reads"), 0);
    assert_eq!(store.last_seq(running.id).await.expect("reads"), 2_500, "it has not ended");
    assert!(store.delivery(deliveries[0]).await.expect("reads").is_none());
    assert!(store.delivery(deliveries[1]).await.expect("reads").is_some(), "nobody has dealt with it yet");
});

both!(checks_and_alerts_that_are_long_over_are_forgotten, |store| {
    let check = |name: &str, now| Check {
        forge: id("hub"),
        repository: "acme/shop".into(),
        commit: sha(),
        name: name.into(),
        state: CommitState::Success,
        description: String::new(),
        target_url: String::new(),
        at: at(now),
    };
    for check in [check("old", 1), check("new", 11)] {
        commit!(store, tx => tx.record_check(&check));
    }
    for subject in ["over", "open"] {
        commit!(store, tx => tx.raise_alert("kind", subject, "", at(1)));
    }
    commit!(store, tx => tx.end_alert("kind", "over", at(2)));
    let cutoffs = Cutoffs { logs: at(10), deliveries: at(10), calls: at(10), sessions: at(10) };
    assert_eq!(store.forget(&cutoffs).await.expect("forgets"), 2);
    assert_eq!(store.checks(&id("hub"), "acme/shop", &sha()).await.expect("reads"), [check("new", 11)]);
    assert_eq!(store.alerts(false, None, 9).await.expect("reads")[0].subject, "open");
});

both!(an_alert_about_a_call_goes_with_the_call, |store| {
    let target = Target::Forge(id("hub"));
    let call = NewCall { kind: "status", lane: "waits", target: &target, payload: "", is_final: true };
    commit!(store, tx => tx.enqueue_outbox(&call, at(1)));
    for lane in ["waits", "forgotten"] {
        commit!(store, tx => tx.raise_alert("forge_call", lane, "", at(1)));
    }
    let cutoffs = Cutoffs { logs: at(10), deliveries: at(10), calls: at(10), sessions: at(10) };
    assert_eq!(store.forget(&cutoffs).await.expect("forgets"), 1);
    let left = store.alerts(true, None, 9).await.expect("reads");
    assert_eq!(left.iter().map(|alert| alert.subject.as_str()).collect::<Vec<_>>(), ["waits"]);
});

both!(closed_changes_and_what_left_a_queue_are_forgotten, |store| {
    let closed = ChangeRow { state: ChangeState::Merged, ..change(1) };
    let old = commit!(store, tx => tx.upsert_change(&closed, at(1)));
    commit!(store, tx => tx.queue_push(&id("hub"), "acme/shop", "main", old, &sha(), at(1)));
    let open = commit!(store, tx => tx.upsert_change(&change(2), at(1)));
    let (left, _) = commit!(store, tx => tx.queue_push(&id("hub"), "acme/shop", "main", open, &sha(), at(1)));
    let withdrawn = QueueChange { state: QueueState::Withdrawn, test: None, runs: &[], reason: None };
    commit!(store, tx => tx.queue_set(left, &withdrawn, at(2)));
    let cutoffs = Cutoffs { logs: at(2), deliveries: at(2), calls: at(2), sessions: at(2) };
    assert_eq!(store.forget(&cutoffs).await.expect("forgets"), 1);
    assert_eq!(store.change(old).await.expect("reads"), None);
    assert!(
        store.queue_of(&id("hub"), "acme/shop", "main").await.expect("reads").is_empty(),
        "it went with its change"
    );
    assert!(store.queue_entry_of(open).await.expect("reads").is_some());
    assert_eq!(store.forget(&Cutoffs { logs: at(3), ..cutoffs }).await.expect("forgets"), 1);
    assert_eq!(store.queue_entry_of(open).await.expect("reads"), None);
    assert!(store.change(open).await.expect("reads").is_some(), "it is open");
});
