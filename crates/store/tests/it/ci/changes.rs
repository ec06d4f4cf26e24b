use super::{REPOSITORY, hub, other_sha};
use crate::support::{at, both, commit, id, is_conflict, is_not_found, sha};
use davit_domain::config::MergeBy;
use davit_domain::ids::{ChangeId, CommitSha, RunId};
use davit_domain::merge::{ChangeState, Hold, MergeAsk, Mergeable};
use davit_domain::status::CommitState;
use davit_store::changes::{Change, ChangeFilter, ChangeRow};
use davit_store::merge_queue::{QueueChange, QueueEntry, QueueState};
use davit_store::{Store, StoreError};
use tokio::task::JoinSet;

pub(crate) fn change(number: i64) -> ChangeRow {
    ChangeRow {
        forge: hub(),
        repository: "Acme/Shop".into(),
        number,
        title: "Sell\0more".into(),
        author: "bob".into(),
        url: "https://git.example/acme/shop/pull/7".into(),
        head: sha(),
        head_branch: "work".into(),
        base_branch: "main".into(),
        from_fork: true,
        draft: false,
        state: ChangeState::Open,
        labels: vec!["a\0b".into()],
        approvals: 2,
        changes_requested: vec!["carol".into()],
        mergeable: Mergeable::Refused("no\0".into()),
        auto_merge: true,
        merge_commit: None,
    }
}

async fn put(store: &Store, row: &ChangeRow, now: i64) -> ChangeId {
    commit!(store, tx => tx.upsert_change(row, at(now)))
}

async fn read(store: &Store, id: ChangeId) -> Change {
    store.change(id).await.expect("reads").expect("is there")
}

fn ids(changes: Vec<Change>) -> Vec<ChangeId> {
    changes.into_iter().map(|change| change.id).collect()
}

both!(a_change_is_read_as_its_forge_told_it, |store| {
    let id = put(&store, &change(7), 4).await;
    let told = Change {
        id,
        row: ChangeRow {
            repository: REPOSITORY.into(),
            title: "Sell␀more".into(),
            mergeable: Mergeable::Refused("no␀".into()),
            ..change(7)
        },
        asked: None,
        asked_at: None,
        holds: None,
        judge_at: Some(at(4)),
        refreshed_at: at(4),
        created_at: at(4),
        updated_at: at(4),
    };
    assert_eq!(read(&store, id).await, told);
    assert_eq!(store.change_numbered(&hub(), "acme/SHOP", 7).await.expect("reads"), Some(told.clone()));
    assert_eq!(store.change_numbered(&hub(), "acme/SHOP", 8).await.expect("reads"), None);
    assert_eq!(store.change(ChangeId(99)).await.expect("reads"), None);
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(tx.lock_change(id).await.expect("locks"), told);
    assert_eq!(tx.change_numbered(&hub(), "acme/SHOP", 7).await.expect("reads"), Some(told.clone()));
    assert_eq!(is_not_found(tx.lock_change(ChangeId(99)).await), "change 99 does not exist");
    let facts = told.facts(vec![("test".into(), CommitState::Success)]);
    assert_eq!((facts.approvals, facts.checks.len(), facts.head), (2, 1, sha()));
});

both!(of_two_answers_the_one_to_the_later_question_counts, |store| {
    let number = put(&store, &change(7), 5).await;
    let late = ChangeRow { title: "Late".into(), ..change(7) };
    assert_eq!(put(&store, &late, 4).await, number);
    let as_before = read(&store, number).await;
    assert_eq!((as_before.row.title.as_str(), as_before.refreshed_at), ("Sell␀more", at(5)));
    put(&store, &change(7), 6).await;
    let same = read(&store, number).await;
    assert_eq!((same.refreshed_at, same.updated_at, same.judge_at), (at(6), at(5), Some(at(6))), "nothing is new");
    let merged = ChangeRow { state: ChangeState::Merged, merge_commit: Some(other_sha()), ..change(7) };
    put(&store, &merged, 7).await;
    put(&store, &ChangeRow { merge_commit: None, ..merged }, 8).await;
    let over = read(&store, number).await;
    assert_eq!((over.row.state, over.judge_at, over.updated_at), (ChangeState::Merged, None, at(7)));
    assert_eq!((over.row.merge_commit, over.created_at), (Some(other_sha()), at(5)));
});

both!(who_asks_last_is_who_asked, |store| {
    let number = put(&store, &change(7), 4).await;
    commit!(store, tx => tx.set_holds(number, &[], None));
    commit!(store, tx => tx.ask_merge(number, MergeBy::Comment, "bob", None, at(5)));
    commit!(store, tx => tx.ask_merge(number, MergeBy::Ui, "alice", Some(&sha()), at(6)));
    put(&store, &change(7), 7).await;
    let asked = read(&store, number).await;
    let ask = MergeAsk { how: MergeBy::Ui, by: "alice".into(), head: Some(sha()) };
    assert_eq!((asked.asked, asked.asked_at), (Some(ask), Some(at(6))), "it outlives what the forge tells");
    commit!(store, tx => tx.clear_ask(number));
    let back = read(&store, number).await;
    assert_eq!((back.asked, back.asked_at), (None, None));
    commit!(store, tx => tx.set_change_merged(number, Some(&other_sha()), at(9)));
    put(&store, &change(7), 8).await;
    let merged = read(&store, number).await;
    assert_eq!((merged.row.state, merged.row.merge_commit), (ChangeState::Merged, Some(other_sha())));
    assert_eq!((merged.judge_at, merged.updated_at), (None, at(9)));
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.ask_merge(ChangeId(99), MergeBy::Ui, "alice", None, at(5)).await);
    is_not_found(tx.clear_ask(ChangeId(99)).await);
    is_not_found(tx.set_holds(ChangeId(99), &[], None).await);
    is_not_found(tx.set_change_merged(ChangeId(99), None, at(9)).await);
});

both!(changes_are_judged_when_they_are_due, |store| {
    let one = put(&store, &change(1), 5).await;
    let two = put(&store, &change(2), 4).await;
    let other = put(&store, &ChangeRow { head: other_sha(), ..change(3) }, 6).await;
    put(&store, &ChangeRow { state: ChangeState::Closed, ..change(4) }, 1).await;
    let due = |now, limit| {
        let store = store.clone();
        async move { ids(store.changes_to_judge(at(now), limit).await.expect("reads")) }
    };
    assert_eq!(due(9, 9).await, [two, one, other]);
    assert_eq!(due(5, 9).await, [two, one]);
    assert_eq!(due(9, 1).await, [two]);
    let holds = [Hold::NotAsked, Hold::Pending { context: "a\0".into() }, Hold::Approvals { has: 1, needs: 2 }];
    commit!(store, tx => tx.set_holds(one, &holds, None));
    commit!(store, tx => tx.set_holds(two, &[], Some(at(20))));
    assert_eq!(read(&store, one).await.holds, Some(holds.to_vec()));
    assert_eq!(read(&store, two).await.holds, Some(Vec::new()));
    assert_eq!(due(19, 9).await, [other]);
    assert_eq!(commit!(store, tx => tx.judge_changes_of_head(&hub(), "ACME/shop", &sha(), at(15))), [one, two]);
    commit!(store, tx => tx.judge_changes_of_head(&hub(), REPOSITORY, &sha(), at(17)));
    assert_eq!(read(&store, one).await.judge_at, Some(at(15)), "the earlier time stays");
    assert_eq!(due(15, 9).await, [other, one, two]);
});

both!(changes_are_listed_by_what_is_asked, |store| {
    let one = put(&store, &change(1), 4).await;
    let two = put(&store, &ChangeRow { state: ChangeState::Merged, head: other_sha(), ..change(2) }, 4).await;
    let far = put(&store, &ChangeRow { forge: id("lab"), repository: "acme/site".into(), ..change(1) }, 4).await;
    let list = |filter: ChangeFilter| {
        let store = store.clone();
        async move { ids(store.changes(&filter, None, 9).await.expect("reads")) }
    };
    let all = ChangeFilter::default;
    assert_eq!(list(all()).await, [far, two, one]);
    assert_eq!(list(ChangeFilter { forge: Some(id("lab")), ..all() }).await, [far]);
    assert_eq!(list(ChangeFilter { repository: Some("ACME/Shop".into()), ..all() }).await, [two, one]);
    assert_eq!(list(ChangeFilter { number: Some(1), ..all() }).await, [far, one]);
    assert_eq!(list(ChangeFilter { state: Some(ChangeState::Merged), ..all() }).await, [two]);
    assert_eq!(ids(store.changes(&all(), Some(far), 1).await.expect("reads")), [two]);
});

both!(a_queue_keeps_its_order, |store| {
    let one = put(&store, &change(1), 4).await;
    let two = put(&store, &change(2), 4).await;
    let push = |change: ChangeId, head: CommitSha, now| {
        let store = store.clone();
        async move { commit!(store, tx => tx.queue_push(&hub(), "Acme/shop", "main", change, &head, at(now))) }
    };
    let (first, existed) = push(one, sha(), 5).await;
    assert!(!existed);
    let (second, _) = push(two, sha(), 6).await;
    assert_eq!(push(one, other_sha(), 7).await, (first, true), "a change is in it once");
    let entry = QueueEntry {
        id: first,
        forge: hub(),
        repository: REPOSITORY.into(),
        base_branch: "main".into(),
        change: one,
        state: QueueState::Waiting,
        head: sha(),
        test: None,
        runs: Vec::new(),
        reason: None,
        created_at: at(5),
        ended_at: None,
    };
    let queue = store.queue_of(&hub(), REPOSITORY, "main").await.expect("reads");
    assert_eq!((queue.len(), &queue[0], queue[1].id), (2, &entry, second));
    assert_eq!(commit!(store, tx => tx.queue_of(&hub(), "ACME/shop", "main")), queue);
    assert!(store.queue_of(&hub(), REPOSITORY, "next").await.expect("reads").is_empty());
    assert_eq!(store.open_queues().await.expect("reads"), [(hub(), REPOSITORY.into(), "main".into())]);

    let runs = [RunId(3), RunId(4)];
    let testing = QueueChange { state: QueueState::Testing, test: Some(&other_sha()), runs: &runs, reason: None };
    assert!(commit!(store, tx => tx.queue_set(first, &testing, at(8))));
    let failed = QueueChange { state: QueueState::Failed, reason: Some("red\0"), ..testing };
    assert!(commit!(store, tx => tx.queue_set(first, &failed, at(9))));
    assert!(!commit!(store, tx => tx.queue_set(first, &testing, at(10))), "it has left");
    let left = QueueEntry {
        state: QueueState::Failed,
        test: Some(other_sha()),
        runs: runs.into(),
        reason: Some("red␀".into()),
        ended_at: Some(at(9)),
        ..entry
    };
    assert_eq!(store.queue_entry_of(one).await.expect("reads"), Some(left.clone()));
    assert_eq!(commit!(store, tx => tx.queue_entry_of(one)), Some(left));
    assert_eq!(store.queue_entry_of(ChangeId(99)).await.expect("reads"), None);
    let (again, existed) = push(one, other_sha(), 11).await;
    assert!(!existed && again > second, "it comes back at the end");
    let mut tx = store.begin().await.expect("begins");
    is_conflict(tx.queue_push(&hub(), REPOSITORY, "main", ChangeId(99), &sha(), at(1)).await);
});

both!(a_change_is_merged_by_one_at_a_time, |store| {
    async fn merge(store: &Store, id: ChangeId) -> Result<bool, StoreError> {
        let mut tx = store.begin().await?;
        let change = tx.lock_change(id).await?;
        let open = change.row.state == ChangeState::Open;
        if open {
            tx.set_change_merged(id, None, at(9)).await?;
        }
        tx.commit().await?;
        Ok(open)
    }
    let id = put(&store, &change(1), 4).await;
    let mut merging = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        merging.spawn(async move { merge(&store, id).await.expect("answers") });
    }
    assert_eq!(merging.join_all().await.into_iter().filter(|merged| *merged).count(), 1);
});

both!(a_change_is_in_a_queue_once_however_many_put_it_there, |store| {
    let id = put(&store, &change(1), 4).await;
    let mut pushing = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        pushing
            .spawn(async move { commit!(store, tx => tx.queue_push(&hub(), REPOSITORY, "main", id, &sha(), at(5))) });
    }
    assert_eq!(pushing.join_all().await.into_iter().filter(|(_, existed)| !existed).count(), 1);
    assert_eq!(store.queue_of(&hub(), REPOSITORY, "main").await.expect("reads").len(), 1);
});
