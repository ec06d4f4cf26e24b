use super::{REPOSITORY, hub};
use crate::support::{at, both, commit};
use davit_store::schedules::Schedule;
use tokio::task::JoinSet;

fn schedule(file: &str, cron: &str, next: i64) -> Schedule {
    Schedule {
        forge: hub(),
        repository: REPOSITORY.into(),
        workflow_file: file.into(),
        cron: cron.into(),
        timezone: None,
        next_at: at(next),
    }
}

both!(schedules_that_stay_keep_their_next_time, |store| {
    let zoned = Schedule { timezone: Some("Asia/Shanghai".into()), ..schedule("a.yml", "0 1 * * *", 3) };
    let first = [schedule("a.yml", "0 1 * * *", 1), schedule("b.yml", "0 2 * * *", 2), zoned.clone()];
    commit!(store, tx => tx.replace_schedules(&hub(), "Acme/Shop", &first));
    let far = Schedule { repository: "acme/site".into(), ..schedule("a.yml", "0 1 * * *", 9) };
    commit!(store, tx => tx.replace_schedules(&hub(), "acme/site", std::slice::from_ref(&far)));
    let second = [schedule("a.yml", "0 1 * * *", 50), schedule("c.yml", "0 3 * * *", 51)];
    commit!(store, tx => tx.replace_schedules(&hub(), REPOSITORY, &second));
    let stored = store.schedules(&hub(), "ACME/shop").await.expect("reads");
    assert_eq!(stored, [first[0].clone(), second[1].clone()]);
    assert_eq!(store.due_schedules(at(0)).await.expect("reads"), []);
    assert_eq!(store.due_schedules(at(9)).await.expect("reads"), [first[0].clone(), far]);
    commit!(store, tx => tx.replace_schedules(&hub(), REPOSITORY, std::slice::from_ref(&zoned)));
    assert_eq!(store.schedules(&hub(), REPOSITORY).await.expect("reads"), [zoned], "another zone is another time");
    commit!(store, tx => tx.replace_schedules(&hub(), REPOSITORY, &[]));
    assert!(store.schedules(&hub(), REPOSITORY).await.expect("reads").is_empty());
});

both!(a_time_that_has_come_is_taken_once, |store| {
    let due = schedule("a.yml", "0 1 * * *", 1);
    commit!(store, tx => tx.replace_schedules(&hub(), REPOSITORY, std::slice::from_ref(&due)));
    let mut taking = JoinSet::new();
    for _ in 0..8 {
        let (store, due) = (store.clone(), due.clone());
        taking.spawn(async move { commit!(store, tx => tx.take_schedule(&due, at(100))) });
    }
    assert_eq!(taking.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    let next = Schedule { next_at: at(100), ..due };
    assert_eq!(store.due_schedules(at(100)).await.expect("reads"), [next]);
    let gone = schedule("gone.yml", "0 1 * * *", 1);
    assert!(!commit!(store, tx => tx.take_schedule(&gone, at(100))));
});
