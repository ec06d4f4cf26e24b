use super::{make_job, new_job, running_job};
use crate::support::{at, both, commit, is_conflict, is_not_found};
use davit_domain::ci::JobState;
use davit_domain::ids::JobId;
use davit_domain::log::Stream;
use davit_domain::log_text::Needle;
use davit_store::Store;
use davit_store::ci_logs::{FoundLine, JobLine, NewJobLine};
use serde_json::json;
use tokio::task::JoinSet;

fn line(n: i64) -> NewJobLine {
    NewJobLine {
        at: at(n),
        step: u32::try_from(n % 3).expect("small"),
        stream: if n % 2 == 0 { Stream::Stdout } else { Stream::System },
        text: format!("line {n}"),
    }
}

fn lines(numbers: std::ops::RangeInclusive<i64>) -> Vec<NewJobLine> {
    numbers.map(line).collect()
}

fn stored(n: i64) -> JobLine {
    let NewJobLine { at, step, stream, text } = line(n);
    JobLine { seq: n, at, step, stream, text }
}

async fn all(store: &Store, id: JobId) -> Vec<JobLine> {
    store.job_lines(id, 0, None, 10_000).await.expect("reads")
}

both!(lines_are_read_as_they_were_written, |store| {
    let (_, job, fence) = running_job(&store).await;
    assert_eq!(store.last_job_seq(job).await.expect("reads"), 0);
    assert_eq!(store.append_job_lines(job, fence, 1, &lines(1..=4)).await.expect("writes"), 4);
    assert_eq!(store.append_job_lines(job, fence, 5, &[]).await.expect("writes"), 4);
    assert_eq!(store.append_job_lines(job, fence, 5, &lines(5..=600)).await.expect("writes"), 600);
    assert_eq!(store.last_job_seq(job).await.expect("reads"), 600);
    assert_eq!(all(&store, job).await, (1..=600).map(stored).collect::<Vec<_>>());
    let after = store.job_lines(job, 597, None, 2).await.expect("reads");
    assert_eq!(after, [stored(598), stored(599)]);
    let of_step = store.job_lines(job, 2, Some(1), 2).await.expect("reads");
    assert_eq!(of_step, [stored(4), stored(7)]);
});

both!(the_sequence_has_no_gap_and_no_line_twice, |store| {
    let (_, job, fence) = running_job(&store).await;
    store.append_job_lines(job, fence, 1, &lines(1..=3)).await.expect("writes");
    // The answer to the first call may have been lost: the same call again is not a second one.
    assert_eq!(store.append_job_lines(job, fence, 1, &lines(1..=3)).await.expect("is there already"), 3);
    for first in [1, 5] {
        let said = is_conflict(store.append_job_lines(job, fence, first, &lines(first..=first)).await);
        assert_eq!(said, format!("line {first} of job {job} does not follow line 3, the last one stored"));
    }
    let mut appending = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        appending.spawn(async move { store.append_job_lines(job, fence, 4, &lines(4..=6)).await.is_ok() });
    }
    assert!(appending.join_all().await.into_iter().all(|done| done));
    assert_eq!(all(&store, job).await, (1..=6).map(stored).collect::<Vec<_>>());
});

both!(a_worker_that_lost_its_job_logs_nothing, |store| {
    let (_, job, fence) = running_job(&store).await;
    commit!(store, tx => tx.end_job(job, fence, JobState::Success, None, &json!({}), at(4)));
    store.append_job_lines(job, fence, 1, &lines(1..=2)).await.expect("what was read before the end is still said");
    commit!(store, tx => tx.set_job_state(job, JobState::Error, None, at(5)));
    is_conflict(store.append_job_lines(job, fence, 3, &lines(3..=3)).await);
    is_not_found(store.append_job_lines(JobId(99), 1, 1, &lines(1..=1)).await);
    assert_eq!(all(&store, job).await.len(), 2);
});

both!(lines_of_a_run_are_searched, |store| {
    let (run, job, fence) = running_job(&store).await;
    let other = make_job(&store, &new_job(run, "lint", 0)).await;
    let other_fence = commit!(store, tx => tx.take_job(other, "worker", at(3))).expect("is queued");
    let (_, foreign, foreign_fence) = running_job(&store).await;
    let text = |text: &str| NewJobLine { text: text.into(), ..line(1) };
    let texts = [text("100% Done\0"), text("1000 done"), text("a_b"), text("axb")];
    for (job, fence) in [(job, fence), (other, other_fence), (foreign, foreign_fence)] {
        store.append_job_lines(job, fence, 1, &texts).await.expect("writes");
    }
    let found = |job, seq: i64, text: &str| FoundLine { job, seq, step: 1, text: text.into() };
    let search = |text: &'static str, limit| {
        let store = store.clone();
        let needle = Needle::new(text).expect("a text");
        async move { store.search_run(run, &needle, limit).await.expect("reads") }
    };
    assert_eq!(search("0% DONE", 9).await, [found(job, 1, "100% Done␀"), found(other, 1, "100% Done␀")]);
    assert_eq!(search("a_b", 1).await, [found(job, 3, "a_b")]);
    assert_eq!(search("done", 3).await.len(), 3);
    assert!(search("nothing", 9).await.is_empty());
    // In the second piece, as people read it.
    let many: Vec<_> = (5..=1_100).map(|_| text("ok")).chain([text("\u{1b}[31mПРИ\u{1b}[0mВЕТ")]).collect();
    store.append_job_lines(job, fence, 5, &many).await.expect("writes");
    assert_eq!(search("привет", 9).await, [found(job, 1_101, "\u{1b}[31mПРИ\u{1b}[0mВЕТ")]);
    assert_eq!(search("o", 1_200).await.len(), 2 + 1_096 + 2, "both jobs, and no other run's");
});
