//! What the queue promises, on SQLite and on PostgreSQL. One test a promise.
//!
//! Nothing here waits for time to pass: the clock is moved by hand, handlers report their start and end when told to,
//! and the heartbeat is so long that whatever happens was brought about by an event.

use davit_domain::time::Timestamp;
use davit_engine::clock::Clock;
use davit_engine::queue::{Attempt, Counts, Enqueued, JobKind, NewJob, Outcome, Queue, QueueError, QueueSettings};
use davit_store::{Db, Store, Tx, on_read, on_tx};
use davit_testkit::postgres::TestDatabase;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const KIND: JobKind = JobKind::new("test");
const START: i64 = 1_800_000_000_000;
const HEARTBEAT: Duration = Duration::from_hours(1);
const LEASE: Duration = Duration::from_hours(3);

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Database::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Database::postgres().await).await;
            })+
        }
    };
}

on_both!(
    enqueue_commits_and_rolls_back_with_our_rows,
    the_same_key_twice_is_one_job,
    a_retry_waits_for_its_backoff,
    a_job_is_dead_after_its_last_attempt,
    a_panic_is_a_failed_attempt,
    a_job_that_kills_its_worker_is_tried_no_more_than_it_may,
    the_jobs_of_a_dead_worker_are_rescued_and_its_late_result_is_refused,
    a_worker_that_slept_keeps_what_nobody_took,
    a_worker_that_sleeps_in_the_middle_of_its_beat_keeps_what_nobody_took,
    a_worker_that_can_not_renew_stops_its_handlers_before_the_lease_ends,
    a_worker_whose_database_hangs_stops_its_handlers_before_the_lease_ends,
    a_job_that_waits_can_be_cancelled,
    a_job_that_has_begun_is_asked_to_stop,
    a_wish_to_stop_outlives_the_attempt,
    a_commit_wakes_an_idle_worker,
    a_delayed_job_starts_when_it_is_due,
    kinds_do_not_mix,
    two_workers_never_run_one_job_at_the_same_time,
    no_more_run_than_allowed,
    stop_takes_no_new_jobs_and_waits_for_the_running_ones,
    abort_asks_handlers_to_stop,
    a_dropped_worker_asks_its_handlers_and_drops_none,
    done_jobs_are_forgotten_after_a_while,
    senseless_settings_are_refused,
);

async fn enqueue_commits_and_rolls_back_with_our_rows(database: Database) {
    let queue = database.queue("a").await;
    let mut tx = database.store.begin().await.expect("begins");
    write_row(&mut tx, "dropped").await;
    queue.enqueue(&mut tx, job("dropped")).await.expect("enqueues");
    drop(tx);
    let mut tx = database.store.begin().await.expect("begins");
    write_row(&mut tx, "committed").await;
    queue.enqueue(&mut tx, job("committed")).await.expect("enqueues");
    tx.commit().await.expect("commits");

    let mut worker = Worker::start(&queue, 2);
    let started = worker.started().await;
    assert_eq!(started.attempt.key, "committed");
    assert_eq!(started.attempt.payload, json!({ "for": "committed" }));
    assert_eq!((started.attempt.number, started.attempt.max, started.attempt.worker.as_str()), (1, 3, "a"));
    started.end(Outcome::Done);
    worker.stop().await;
    assert_eq!(database.rows().await, ["committed"]);
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

async fn the_same_key_twice_is_one_job(database: Database) {
    let queue = database.queue("a").await;
    let mut tx = database.store.begin().await.expect("begins");
    assert_eq!(queue.enqueue(&mut tx, job("once")).await.expect("enqueues"), Enqueued::New);
    assert_eq!(queue.enqueue(&mut tx, job("once")).await.expect("enqueues"), Enqueued::Existing);
    // The transaction is still good for more.
    write_row(&mut tx, "beside").await;
    tx.commit().await.expect("commits");
    assert_eq!(database.enqueue(&queue, job("once")).await, Enqueued::Existing, "while it waits");
    assert_eq!(database.rows().await, ["beside"]);

    let mut worker = Worker::start(&queue, 1);
    let started = worker.started().await;
    assert_eq!(database.enqueue(&queue, job("once")).await, Enqueued::Existing, "while it runs");
    started.end(Outcome::Done);
    worker.stop().await;
    assert_eq!(database.enqueue(&queue, job("once")).await, Enqueued::Existing, "after it was done");
    assert_eq!(counts(&queue).await, (0, 0, 0));
    let other_kind = NewJob { kind: JobKind::new("other"), ..job("once") };
    assert_eq!(database.enqueue(&queue, other_kind).await, Enqueued::New);
}

async fn a_retry_waits_for_its_backoff(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("fails")).await;
    let mut worker = Worker::start(&queue, 1);
    worker.started().await.end(retry(Duration::from_secs(60)));

    // The job that failed is older: it would come first, were it due.
    database.enqueue(&queue, job("other")).await;
    worker.starts_and_ends("other", 1).await;
    database.clock.advance(Duration::from_millis(59_999));
    database.enqueue(&queue, job("another")).await;
    worker.starts_and_ends("another", 1).await;
    database.clock.advance(Duration::from_millis(1));
    queue.wake();
    worker.starts_and_ends("fails", 2).await;
    worker.stop().await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

async fn a_job_is_dead_after_its_last_attempt(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("fails")).await;
    let mut worker = Worker::start(&queue, 1);
    for number in 1..=3 {
        let started = worker.started().await;
        assert_eq!(started.attempt.number, number);
        started.end(retry(Duration::ZERO));
    }
    database.enqueue(&queue, job("hopeless")).await;
    let started = worker.started().await;
    assert_eq!(started.attempt.key, "hopeless", "a fourth attempt would have come first");
    database.clock.advance(Duration::from_secs(1));
    started.end(Outcome::Dead { reason: "no use".into() });
    worker.stop().await;

    assert_eq!(counts(&queue).await, (0, 0, 2));
    let dead = queue.dead(10).await.expect("reads");
    let told: Vec<_> = dead.iter().map(|d| (d.key.as_str(), d.attempts, d.reason.as_str())).collect();
    assert_eq!(told, [("hopeless", 1, "no use"), ("fails", 3, "not today")]);
    assert_eq!((dead[1].kind.as_str(), &dead[1].payload), ("test", &json!({ "for": "fails" })));
    assert_eq!(dead[1].at, Timestamp::from_millis(START));
    assert_eq!(queue.dead(1).await.expect("reads").len(), 1);
    assert_eq!(database.enqueue(&queue, job("fails")).await, Enqueued::Existing);
}

async fn a_panic_is_a_failed_attempt(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, NewJob { max_attempts: 2, ..job("panics") }).await;
    let (tell, mut started) = mpsc::unbounded_channel();
    let handler = move |attempt: Attempt, _| {
        tell.send(attempt.number).expect("the test listens");
        async { panic!("out of luck") }
    };
    let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
    let worker = spawn({
        let (queue, stop) = (queue.clone(), stop.clone());
        async move { queue.run(KIND, 1, handler, stop, abort).await }
    });
    assert_eq!(started.recv().await, Some(1));
    database.until(&queue, |counts| counts.waiting == 1).await;
    database.clock.advance(Duration::from_secs(5));
    queue.wake();
    assert_eq!(started.recv().await, Some(2));
    stop.cancel();
    worker.await.expect("the worker survives").expect("runs");
    let dead = queue.dead(10).await.expect("reads");
    assert_eq!((dead[0].attempts, dead[0].reason.as_str()), (2, "the handler panicked: out of luck"));
}

async fn a_job_that_kills_its_worker_is_tried_no_more_than_it_may(database: Database) {
    let queue = database.queue("parent").await;
    database.enqueue(&queue, job("killer")).await;
    let diary = tempfile::NamedTempFile::new().expect("a file");
    let mut deaths = 0;
    loop {
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "queue::a_worker_that_may_die", "--ignored"])
            .env("DAVIT_TEST_QUEUE_DATABASE", &database.place)
            .env("DAVIT_TEST_QUEUE_NOW", (START + 24 * 3_600_000 * (deaths + 1)).to_string())
            .env("DAVIT_TEST_QUEUE_DIARY", diary.path())
            .output()
            .expect("starts");
        if child.status.success() {
            break;
        }
        deaths += 1;
        assert!(deaths <= 3, "tried too often: {}", String::from_utf8_lossy(&child.stdout));
    }
    assert_eq!(std::fs::read_to_string(diary.path()).expect("reads"), "attempt 1\nattempt 2\nattempt 3\n");
    let dead = queue.dead(10).await.expect("reads");
    assert_eq!((dead[0].key.as_str(), dead[0].attempts), ("killer", 3));
    let reasons = ["the server stopped in attempt 3", "worker child stopped answering in attempt 3"];
    assert!(reasons.contains(&dead[0].reason.as_str()), "{}", dead[0].reason);
}

/// A process of its own, see above: takes what is there; the killer, if it is there, comes first and ends the process.
#[tokio::test]
#[ignore = "started by a_job_that_kills_its_worker_is_tried_no_more_than_it_may"]
async fn a_worker_that_may_die() {
    let variable = |name: &str| std::env::var(format!("DAVIT_TEST_QUEUE_{name}")).expect("set by the parent");
    let (place, now, diary) = (variable("DATABASE"), variable("NOW"), variable("DIARY"));
    let store = Database::open(&place).await;
    let clock = HandClock::at(now.parse().expect("milliseconds"));
    let queue = Queue::open(&store, settings("child", &clock)).await.expect("opens");
    queue.reclaim_orphans_of_previous_process().await.expect("reclaims");
    let mut tx = store.begin().await.expect("begins");
    let last = format!("last at {now}");
    queue.enqueue(&mut tx, job(&last)).await.expect("enqueues");
    tx.commit().await.expect("commits");

    let stop = CancellationToken::new();
    let handler = {
        let stop = stop.clone();
        move |attempt: Attempt, _| {
            if attempt.key == "killer" {
                let mut diary = std::fs::OpenOptions::new().append(true).open(&diary).expect("opens");
                writeln!(diary, "attempt {}", attempt.number).expect("writes");
                std::process::abort();
            }
            if attempt.key == last {
                stop.cancel();
            }
            async { Outcome::Done }
        }
    };
    queue.run(KIND, 1, handler, stop, CancellationToken::new()).await.expect("runs");
}

async fn the_jobs_of_a_dead_worker_are_rescued_and_its_late_result_is_refused(database: Database) {
    let (slow, other_clock) = (database.queue("slow").await, HandClock::at(START));
    let other = Queue::open(&database.store, settings("other", &other_clock)).await.expect("opens");
    database.enqueue(&slow, job("taken")).await;
    let mut slow_worker = Worker::start(&slow, 1);
    let first = slow_worker.started().await;

    other_clock.advance(LEASE);
    let mut other_worker = Worker::start(&other, 1);
    database.enqueue(&other, job("marker")).await;
    other.wake();
    other_worker.starts_and_ends("marker", 1).await;
    other_clock.advance(Duration::from_millis(1));
    // More than once: a row that the other worker renews at this moment is left to the next look.
    let second = loop {
        other.wake();
        tokio::task::yield_now().await;
        if let Ok(started) = other_worker.starts.try_recv() {
            break started;
        }
    };
    assert_eq!((second.attempt.key.as_str(), second.attempt.number), ("taken", 2));

    let mut tx = database.store.begin().await.expect("begins");
    assert!(!slow.holds(&mut tx, &first.attempt).await.expect("asks"));
    assert!(other.holds(&mut tx, &second.attempt).await.expect("asks"));
    tx.commit().await.expect("commits");
    slow.wake();
    first.stop.cancelled().await;
    first.end(Outcome::Dead { reason: "must not be stored".into() });
    slow_worker.stop().await;
    assert_eq!(counts(&slow).await, (0, 1, 0), "the second attempt still holds it");
    second.end(Outcome::Done);
    other_worker.stop().await;
    assert_eq!(counts(&slow).await, (0, 0, 0));
}

async fn a_worker_that_slept_keeps_what_nobody_took(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("kept")).await;
    let mut worker = Worker::start(&queue, 2);
    let kept = worker.started().await;
    database.clock.advance(LEASE * 2);
    database.enqueue(&queue, job("marker")).await;
    worker.starts_and_ends("marker", 1).await;
    assert!(!kept.stop.is_cancelled());
    kept.end(Outcome::Done);
    worker.stop().await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

/// Longer than a lease goes by between any two looks at the clock.
async fn a_worker_that_sleeps_in_the_middle_of_its_beat_keeps_what_nobody_took(database: Database) {
    let naps = Arc::new(AtomicI64::new(0));
    let clock = Clock::new({
        let (clock, naps) = (database.clock.clone(), Arc::clone(&naps));
        move || Timestamp::from_millis(clock.0.fetch_add(naps.load(Ordering::SeqCst), Ordering::SeqCst))
    });
    let settings = QueueSettings { lease: LEASE, heartbeat: HEARTBEAT, ..QueueSettings::new("a", clock) };
    let queue = Queue::open(&database.store, settings).await.expect("opens");
    database.enqueue(&queue, job("kept")).await;
    let mut worker = Worker::start(&queue, 2);
    let kept = worker.started().await;
    naps.store(i64::try_from(LEASE.as_millis() * 2).expect("fits"), Ordering::SeqCst);
    database.enqueue(&queue, job("marker")).await;
    worker.starts_and_ends("marker", 1).await;
    database.enqueue(&queue, job("another")).await;
    worker.starts_and_ends("another", 1).await;
    assert!(!kept.stop.is_cancelled());
    kept.end(Outcome::Done);
    worker.stop().await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

/// A lease that ends soon, by the process's own clock.
fn hasty(name: &str, clock: &HandClock) -> QueueSettings {
    QueueSettings {
        lease: Duration::from_millis(600),
        heartbeat: Duration::from_millis(200),
        ..QueueSettings::new(name, clock.clock())
    }
}

async fn a_worker_that_can_not_renew_stops_its_handlers_before_the_lease_ends(database: Database) {
    let store = Database::open(&database.place).await;
    let queue = Queue::open(&store, hasty("cut off", &database.clock)).await.expect("opens");
    database.enqueue(&queue, job("holds a host")).await;
    let mut worker = Worker::start(&queue, 1);
    let started = worker.started().await;
    store.close().await;
    started.stop.cancelled().await;
    started.end(retry(Duration::ZERO));
    worker.stop.cancel();

    // Who can reach the database takes it up when the lease has ended.
    let other = Queue::open(&database.store, hasty("other", &database.clock)).await.expect("opens");
    let mut worker = Worker::start(&other, 1);
    database.clock.advance(Duration::from_secs(1));
    worker.starts_and_ends("holds a host", 2).await;
    worker.stop().await;
}

async fn a_worker_whose_database_hangs_stops_its_handlers_before_the_lease_ends(database: Database) {
    let store = Database::open(&database.place).await;
    let queue = Queue::open(&store, hasty("waits", &database.clock)).await.expect("opens");
    database.enqueue(&queue, job("holds a host")).await;
    let mut worker = Worker::start(&queue, 1);
    let started = worker.started().await;
    // Held until the transaction ends: nobody else can renew meanwhile, and gets no answer either.
    let other = database.queue("other").await;
    let mut tx = database.store.begin().await.expect("begins");
    assert!(other.holds(&mut tx, &started.attempt).await.expect("renews"));
    started.stop.cancelled().await;
    drop(tx);
    started.end(Outcome::Done);
    // Its result is stored, unless that takes longer than the lease.
    worker.stop().await;
    let Counts { waiting, dead, .. } = queue.counts().await.expect("counts");
    assert_eq!((waiting, dead), (0, 0));
}

async fn a_job_that_waits_can_be_cancelled(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("first")).await;
    database.enqueue(&queue, job("second")).await;
    let mut tx = database.store.begin().await.expect("begins");
    assert!(queue.cancel_waiting(&mut tx, KIND, "first").await.expect("asks"));
    drop(tx);
    assert_eq!(counts(&queue).await, (2, 0, 0), "not committed, not cancelled");
    let mut tx = database.store.begin().await.expect("begins");
    assert!(queue.cancel_waiting(&mut tx, KIND, "second").await.expect("asks"));
    assert!(!queue.cancel_waiting(&mut tx, KIND, "second").await.expect("asks"));
    assert!(!queue.ask_to_stop(&mut tx, KIND, "first").await.expect("asks"), "it has not begun");
    tx.commit().await.expect("commits");

    let mut worker = Worker::start(&queue, 2);
    let first = worker.started().await;
    assert_eq!(first.attempt.key, "first");
    let mut tx = database.store.begin().await.expect("begins");
    assert!(!queue.cancel_waiting(&mut tx, KIND, "first").await.expect("asks"), "it has begun");
    assert_eq!(queue.enqueue(&mut tx, job("second")).await.expect("enqueues"), Enqueued::New, "the key is free again");
    tx.commit().await.expect("commits");
    queue.wake();
    worker.starts_and_ends("second", 1).await;
    first.end(Outcome::Done);
    worker.stop().await;
}

async fn a_job_that_has_begun_is_asked_to_stop(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("one")).await;
    database.enqueue(&queue, job("two")).await;
    let mut worker = Worker::start(&queue, 2);
    let (one, two) = (worker.started().await, worker.started().await);
    let mut tx = database.store.begin().await.expect("begins");
    assert!(queue.ask_to_stop(&mut tx, KIND, "two").await.expect("asks"));
    tx.commit().await.expect("commits");
    queue.wake();
    two.stop.cancelled().await;
    assert!(!one.stop.is_cancelled());
    one.end(Outcome::Done);
    two.end(Outcome::Done);
    worker.stop().await;
    let mut tx = database.store.begin().await.expect("begins");
    assert!(!queue.ask_to_stop(&mut tx, KIND, "two").await.expect("asks"), "it has ended");
}

async fn a_wish_to_stop_outlives_the_attempt(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("fails")).await;
    let mut worker = Worker::start(&queue, 1);
    worker.started().await.end(retry(Duration::from_hours(1)));
    database.until(&queue, |counts| counts.waiting == 1).await;
    let mut tx = database.store.begin().await.expect("begins");
    assert!(queue.ask_to_stop(&mut tx, KIND, "fails").await.expect("asks"));
    tx.commit().await.expect("commits");
    queue.wake();
    let again = worker.started().await;
    assert_eq!(again.attempt.number, 2);
    assert!(again.stop.is_cancelled(), "the handler is told from the start");
    again.end(Outcome::Done);
    worker.stop().await;
}

/// The heartbeat is an hour and no job ends in between: only the wake-ups can have started these.
async fn a_commit_wakes_an_idle_worker(database: Database) {
    let queue = database.queue("a").await;
    let mut worker = Worker::start(&queue, 6);
    let mut running = Vec::new();
    for key in ["one", "two", "three", "four", "five", "six"] {
        database.enqueue(&queue, job(key)).await;
        running.push(worker.starts(key, 1).await);
    }
    running.into_iter().for_each(|started| started.end(Outcome::Done));
    worker.stop().await;
}

async fn a_delayed_job_starts_when_it_is_due(database: Database) {
    let queue = database.queue("a").await;
    let mut worker = Worker::start(&queue, 2);
    let delayed = NewJob { run_after: Some(Duration::from_millis(1)), ..job("delayed") };
    database.enqueue(&queue, delayed).await;
    database.enqueue(&queue, job("marker")).await;
    let marker = worker.started().await;
    assert_eq!(marker.attempt.key, "marker");
    // No event from here on: the worker, which has room for another job, knows by itself when to look again.
    database.clock.advance(Duration::from_millis(1));
    worker.starts_and_ends("delayed", 1).await;
    marker.end(Outcome::Done);
    worker.stop().await;
}

async fn kinds_do_not_mix(database: Database) {
    let queue = database.queue("a").await;
    let other = JobKind::new("other");
    database.enqueue(&queue, NewJob { kind: other, ..job("theirs") }).await;
    database.enqueue(&queue, job("ours")).await;
    let mut worker = Worker::start(&queue, 2);
    worker.starts_and_ends("ours", 1).await;
    worker.stop().await;
    assert_eq!(counts(&queue).await, (1, 0, 0));
    let mut tx = database.store.begin().await.expect("begins");
    assert!(!queue.cancel_waiting(&mut tx, KIND, "theirs").await.expect("asks"));
    assert!(queue.cancel_waiting(&mut tx, other, "theirs").await.expect("asks"));
}

async fn two_workers_never_run_one_job_at_the_same_time(database: Database) {
    const JOBS: usize = 200;
    let other_store = Database::open(&database.place).await;
    let (one, two) = (database.queue("one").await, Queue::open(&other_store, settings("two", &database.clock)).await);
    let two = two.expect("opens");
    let mut tx = database.store.begin().await.expect("begins");
    for n in 0..JOBS {
        one.enqueue(&mut tx, job(&n.to_string())).await.expect("enqueues");
    }
    tx.commit().await.expect("commits");
    let (running, runs) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(Mutex::new(BTreeMap::new())));
    let stop = CancellationToken::new();
    let handler = {
        let (running, runs, stop) = (Arc::clone(&running), Arc::clone(&runs), stop.clone());
        move |attempt: Attempt, _| {
            let (running, runs, stop) = (Arc::clone(&running), Arc::clone(&runs), stop.clone());
            async move {
                assert!(running.lock().expect("whole").insert(attempt.key.clone()), "{} runs twice", attempt.key);
                tokio::task::yield_now().await;
                running.lock().expect("whole").remove(&attempt.key);
                let mut runs = runs.lock().expect("whole");
                *runs.entry(attempt.key).or_insert(0) += 1;
                if runs.len() == JOBS {
                    stop.cancel();
                }
                Outcome::Done
            }
        }
    };
    let (first, second) = tokio::join!(
        one.run(KIND, 4, handler.clone(), stop.clone(), CancellationToken::new()),
        two.run(KIND, 4, handler, stop, CancellationToken::new()),
    );
    first.and(second).expect("run");
    let runs = runs.lock().expect("whole");
    assert_eq!((runs.len(), runs.values().max()), (JOBS, Some(&1)));
}

async fn no_more_run_than_allowed(database: Database) {
    let queue = database.queue("a").await;
    for key in ["one", "two", "three"] {
        database.enqueue(&queue, job(key)).await;
    }
    let mut worker = Worker::start(&queue, 2);
    let (one, two) = (worker.started().await, worker.started().await);
    assert_eq!(counts(&queue).await, (1, 2, 0), "what it can't run it leaves to others");
    one.end(Outcome::Done);
    worker.starts_and_ends("three", 1).await;
    two.end(Outcome::Done);
    worker.stop().await;
}

async fn stop_takes_no_new_jobs_and_waits_for_the_running_ones(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("runs")).await;
    let mut worker = Worker::start(&queue, 2);
    let runs = worker.started().await;
    worker.stop.cancel();
    database.enqueue(&queue, job("comes late")).await;
    assert!(!runs.stop.is_cancelled());
    assert!(!worker.task.is_finished());
    runs.end(Outcome::Done);
    worker.stop().await;
    assert_eq!(counts(&queue).await, (1, 0, 0));
}

async fn abort_asks_handlers_to_stop(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("runs")).await;
    let mut worker = Worker::start(&queue, 1);
    let runs = worker.started().await;
    worker.stop.cancel();
    worker.abort.cancel();
    runs.stop.cancelled().await;
    runs.end(retry(Duration::ZERO));
    worker.stop().await;
    assert_eq!(counts(&queue).await, (1, 0, 0), "the next process goes on with it");
}

async fn a_dropped_worker_asks_its_handlers_and_drops_none(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("holds a host")).await;
    let mut worker = Worker::start(&queue, 1);
    let started = worker.started().await;
    worker.task.abort();
    started.stop.cancelled().await;
    started.end(Outcome::Done);
    database.until(&queue, |counts| counts.running == 0).await;
}

async fn done_jobs_are_forgotten_after_a_while(database: Database) {
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("old")).await;
    database.enqueue(&queue, job("young")).await;
    let mut worker = Worker::start(&queue, 1);
    worker.starts_and_ends("old", 1).await;
    let young = worker.started().await;
    database.clock.advance(Duration::from_hours(1));
    young.end(Outcome::Done);
    worker.stop().await;
    database.clock.advance(Duration::from_hours(1));
    assert_eq!(queue.forget_done(Duration::from_mins(90)).await.expect("forgets"), 1);
    assert_eq!(database.enqueue(&queue, job("young")).await, Enqueued::Existing);
    assert_eq!(database.enqueue(&queue, job("old")).await, Enqueued::New);
}

async fn senseless_settings_are_refused(database: Database) {
    let short = QueueSettings { lease: HEARTBEAT, ..settings("a", &database.clock) };
    assert!(matches!(Queue::open(&database.store, short).await, Err(QueueError::Settings(_))));
    let queue = database.queue("a").await;
    let handler = |_, _| async { Outcome::Done };
    let none = queue.run(KIND, 0, handler, CancellationToken::new(), CancellationToken::new()).await;
    assert!(matches!(none, Err(QueueError::Settings(_))));
}

/// SQLite has one process: what the one before left running is put back at the start, whatever the leases say.
#[tokio::test]
async fn sqlite_puts_back_what_the_previous_process_left() {
    let database = Database::sqlite().await;
    let old = database.queue("old").await;
    database.enqueue(&old, job("left")).await;
    database.enqueue(&old, NewJob { max_attempts: 1, ..job("last chance") }).await;
    let mut old_worker = Worker::start(&old, 2);
    let _left = (old_worker.started().await, old_worker.started().await);

    let new = database.queue("new").await;
    assert_eq!(new.reclaim_orphans_of_previous_process().await.expect("reclaims"), 2);
    let mut new_worker = Worker::start(&new, 2);
    new_worker.starts_and_ends("left", 2).await;
    new_worker.stop().await;
    let dead = new.dead(10).await.expect("reads");
    assert_eq!((dead[0].key.as_str(), dead[0].reason.as_str()), ("last chance", "the server stopped in attempt 1"));
}

/// On PostgreSQL other processes may be alive.
#[tokio::test]
async fn postgres_leaves_running_jobs_to_the_leases() {
    let database = Database::postgres().await;
    let queue = database.queue("a").await;
    database.enqueue(&queue, job("runs")).await;
    let mut worker = Worker::start(&queue, 1);
    let started = worker.started().await;
    let other = database.queue("b").await;
    assert_eq!(other.reclaim_orphans_of_previous_process().await.expect("nothing to do"), 0);
    assert_eq!(counts(&other).await, (0, 1, 0));
    started.end(Outcome::Done);
    worker.stop().await;
}

/// The enqueuing process never wakes the one that runs the jobs, and no job ends in between: PostgreSQL does it.
#[tokio::test]
async fn postgres_wakes_other_processes() {
    let database = Database::postgres().await;
    let runner = database.queue("runner").await;
    let mut worker = Worker::start(&runner, 6);
    let store = Database::open(&database.place).await;
    let other = Queue::open(&store, settings("other", &database.clock)).await.expect("opens");
    let mut running = Vec::new();
    for key in ["one", "two", "three", "four", "five", "six"] {
        database.enqueue(&other, job(key)).await;
        running.push(worker.starts(key, 1).await);
    }
    let mut tx = store.begin().await.expect("begins");
    assert!(other.ask_to_stop(&mut tx, KIND, "six").await.expect("asks"));
    tx.commit().await.expect("commits");
    running[5].stop.cancelled().await;
    running.into_iter().for_each(|started| started.end(Outcome::Done));
    worker.stop().await;
}

/// What was taken is begun, however long the database takes with the commit.
#[tokio::test]
async fn postgres_that_answers_a_commit_late_loses_no_job() {
    let database = Database::postgres().await;
    let Db::Postgres(pool) = database.store.db() else { unreachable!("PostgreSQL was opened") };
    let slow = "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER slowly AFTER UPDATE ON queue_jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
             WHEN (OLD.state = 'waiting' AND NEW.state = 'running') EXECUTE FUNCTION slowly()";
    sqlx::raw_sql(slow).execute(pool).await.expect("is made");
    let hasty = QueueSettings { heartbeat: Duration::from_millis(100), ..settings("a", &database.clock) };
    let queue = Queue::open(&database.store, hasty).await.expect("opens");
    database.enqueue(&queue, job("taken")).await;
    let mut worker = Worker::start(&queue, 1);
    worker.starts_and_ends("taken", 1).await;
    worker.stop().await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

/// One worker listens for all of its process: when it stops, another one does.
#[tokio::test]
async fn postgres_is_listened_to_by_whoever_is_left() {
    let database = Database::postgres().await;
    let runner = database.queue("runner").await;
    let first = Worker::start(&runner, 1);
    database.until_listening().await;
    let mut second = Worker::start(&runner, 6);
    first.stop().await;
    let other = database.queue("other").await;
    let mut running = Vec::new();
    for key in ["one", "two", "three", "four", "five", "six"] {
        database.enqueue(&other, job(key)).await;
        running.push(second.starts(key, 1).await);
    }
    running.into_iter().for_each(|started| started.end(Outcome::Done));
    second.stop().await;
}

/// A cut connection is made anew, and what was sent in between is not missed.
#[tokio::test]
async fn postgres_is_listened_to_after_the_connection_was_lost() {
    let database = Database::postgres().await;
    let runner = database.queue("runner").await;
    let mut worker = Worker::start(&runner, 6);
    let listener = database.until_listening().await;
    let other = database.queue("other").await;
    let Db::Postgres(pool) = database.store.db() else { unreachable!("PostgreSQL was opened") };
    sqlx::query("SELECT pg_terminate_backend($1)").bind(listener).execute(pool).await.expect("cuts");
    // The signal is sent by then, not heard.
    let is_there = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1)";
    while sqlx::query_scalar(is_there).bind(listener).fetch_one(pool).await.expect("asks") {
        tokio::task::yield_now().await;
    }
    let mut running = Vec::new();
    for key in ["one", "two", "three", "four", "five", "six"] {
        database.enqueue(&other, job(key)).await;
        running.push(worker.starts(key, 1).await);
    }
    assert_ne!(database.until_listening().await, listener);
    running.into_iter().for_each(|started| started.end(Outcome::Done));
    worker.stop().await;
}

fn job(key: &str) -> NewJob {
    NewJob { kind: KIND, key: key.to_owned(), payload: json!({ "for": key }), max_attempts: 3, run_after: None }
}

fn retry(after: Duration) -> Outcome {
    Outcome::Retry { after, reason: "not today".into() }
}

fn settings(name: &str, clock: &HandClock) -> QueueSettings {
    QueueSettings { lease: LEASE, heartbeat: HEARTBEAT, ..QueueSettings::new(name, clock.clock()) }
}

/// Waiting, running, dead.
async fn counts(queue: &Queue) -> (u64, u64, u64) {
    let Counts { waiting, running, dead } = queue.counts().await.expect("counts");
    (waiting, running, dead)
}

fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    TaskTracker::new().spawn(task)
}

/// A clock that moves when it is told to.
#[derive(Clone)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn at(millis: i64) -> Self {
        Self(Arc::new(AtomicI64::new(millis)))
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
    }

    fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).expect("fits"), Ordering::SeqCst);
    }
}

/// A worker whose handlers do as the test says.
struct Worker {
    starts: mpsc::UnboundedReceiver<Started>,
    stop: CancellationToken,
    abort: CancellationToken,
    task: JoinHandle<Result<(), QueueError>>,
}

/// A handler that has begun and waits for the test to say how it ends.
struct Started {
    attempt: Attempt,
    stop: CancellationToken,
    end: oneshot::Sender<Outcome>,
}

impl Worker {
    fn start(queue: &Queue, concurrency: usize) -> Self {
        let (tell, starts) = mpsc::unbounded_channel();
        let handler = move |attempt, stop| {
            let (end, ended) = oneshot::channel();
            tell.send(Started { attempt, stop, end }).unwrap_or_else(|_| panic!("the test does not listen"));
            async { ended.await.expect("the test says how it ends") }
        };
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let task = spawn({
            let (queue, stop, abort) = (queue.clone(), stop.clone(), abort.clone());
            async move { queue.run(KIND, concurrency, handler, stop, abort).await }
        });
        Self { starts, stop, abort, task }
    }

    async fn started(&mut self) -> Started {
        self.starts.recv().await.expect("the worker runs")
    }

    async fn starts(&mut self, key: &str, number: u32) -> Started {
        let started = self.started().await;
        assert_eq!((started.attempt.key.as_str(), started.attempt.number), (key, number));
        started
    }

    async fn starts_and_ends(&mut self, key: &str, number: u32) {
        self.starts(key, number).await.end(Outcome::Done);
    }

    /// Returns when every result is stored.
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("runs");
    }
}

impl Started {
    fn end(self, outcome: Outcome) {
        self.end.send(outcome).expect("the handler waits");
    }
}

/// A database of the test's own.
struct Database {
    store: Store,
    clock: HandClock,
    place: String,
    _keep: Box<dyn Send>,
}

impl Database {
    async fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("davit.db").to_str().expect("text").to_owned();
        Self { store: Self::open(&place).await, clock: HandClock::at(START), place, _keep: Box::new(dir) }
    }

    async fn postgres() -> Self {
        let database = TestDatabase::create().await;
        let place = database.url();
        Self { store: Self::open(&place).await, clock: HandClock::at(START), place, _keep: Box::new(database) }
    }

    async fn open(place: &str) -> Store {
        if place.starts_with("postgres:") {
            return Store::open_postgres(place).await.expect("opens");
        }
        Store::open_sqlite(Path::new(place)).await.expect("opens")
    }

    async fn queue(&self, name: &str) -> Queue {
        Queue::open(&self.store, settings(name, &self.clock)).await.expect("opens")
    }

    async fn enqueue(&self, queue: &Queue, job: NewJob) -> Enqueued {
        let mut tx = self.store.begin().await.expect("begins");
        let enqueued = queue.enqueue(&mut tx, job).await.expect("enqueues");
        tx.commit().await.expect("commits");
        queue.wake();
        enqueued
    }

    /// Looks until it is so: for what leaves no event behind.
    async fn until(&self, queue: &Queue, so: impl Fn(Counts) -> bool) {
        while !so(queue.counts().await.expect("counts")) {
            tokio::task::yield_now().await;
        }
    }

    /// Looks until somebody listens; the number of that connection.
    async fn until_listening(&self) -> i32 {
        let Db::Postgres(pool) = self.store.db() else { unreachable!("PostgreSQL was opened") };
        const LISTENING: &str = "SELECT pid FROM pg_stat_activity \
             WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN %'";
        loop {
            if let Some(pid) = sqlx::query_scalar(LISTENING).fetch_optional(pool).await.expect("asks") {
                return pid;
            }
        }
    }

    async fn rows(&self) -> Vec<String> {
        on_read!(self.store.db(), pool => sqlx::query_scalar("SELECT key FROM settings ORDER BY key").fetch_all(pool).await)
            .expect("reads")
    }
}

/// A row of ours, beside the job.
async fn write_row(tx: &mut Tx, key: &str) {
    on_tx!(tx, c => sqlx::query("INSERT INTO settings (key, value) VALUES ($1, '')").bind(key).execute(&mut **c).await.map(|_| ()))
        .expect("writes");
}
