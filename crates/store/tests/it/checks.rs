use crate::support::{at, both, commit, id, sha};
use davit_domain::status::CommitState;
use davit_store::Store;
use davit_store::checks::Check;

fn check(name: &str, state: CommitState, now: i64) -> Check {
    Check {
        forge: id("hub"),
        repository: "acme/shop".into(),
        commit: sha(),
        name: name.into(),
        state,
        description: format!("{name} at {now}"),
        target_url: "https://ci.example/1".into(),
        at: at(now),
    }
}

async fn record(store: &Store, check: &Check) -> bool {
    commit!(store, tx => tx.record_check(check))
}

async fn checks(store: &Store, repository: &str) -> Vec<Check> {
    store.checks(&id("hub"), repository, &sha()).await.expect("reads")
}

both!(the_newest_state_of_a_check_stays_in_whatever_order_they_come, |store| {
    let (pending, success) = (check("build", CommitState::Pending, 1), check("build", CommitState::Success, 5));
    assert!(record(&store, &success).await);
    assert!(!record(&store, &pending).await, "it came late");
    assert_eq!(checks(&store, "acme/shop").await, std::slice::from_ref(&success));
    let again = check("build", CommitState::Pending, 9);
    assert!(record(&store, &again).await);
    assert_eq!(checks(&store, "acme/shop").await, [again]);
    let failed = check("build", CommitState::Failure, 9);
    assert!(record(&store, &failed).await, "of one time, what waits is the older one");
    assert!(!record(&store, &check("build", CommitState::Pending, 9)).await);
    assert!(record(&store, &check("build", CommitState::Error, 9)).await, "of two ends, the one that came last");
    assert_eq!(checks(&store, "acme/shop").await[0].state, CommitState::Error);
});

both!(checks_belong_to_one_commit_of_one_repository, |store| {
    let lint = |state| check("lint", state, 1);
    let written = Check { repository: "Acme/Shop".into(), description: "a\0b".into(), ..lint(CommitState::Success) };
    record(&store, &check("unit", CommitState::Pending, 1)).await;
    record(&store, &written).await;
    record(&store, &Check { commit: id(&"f".repeat(40)), ..lint(CommitState::Failure) }).await;
    record(&store, &Check { forge: id("lab"), ..lint(CommitState::Failure) }).await;
    record(&store, &Check { repository: "acme/docs".into(), ..lint(CommitState::Failure) }).await;
    let found = checks(&store, "ACME/shop").await;
    assert_eq!(found.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["lint", "unit"]);
    let expected = Check { repository: "acme/shop".into(), description: "a␀b".into(), ..written };
    assert_eq!(found[0], expected);
});
