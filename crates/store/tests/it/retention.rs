//! What is forgotten after a while.

use crate::support::{at, both, commit, configured, deploy, make_request, new_request, received, take_fence};
use davit_domain::deployment::DeploymentState;
use davit_domain::log::{NewLine, Step, Stream};
use davit_store::deliveries::Verdict;
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
