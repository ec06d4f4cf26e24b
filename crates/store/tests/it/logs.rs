use crate::support::{at, both, deployed_to, host, is_conflict, is_not_found, take_fence};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::{Line, NewLine, Step, Stream};
use davit_store::Store;
use davit_store::logs::OutputMark;
use tokio::task::JoinSet;

fn line(n: i64) -> NewLine {
    NewLine {
        at: at(n),
        host: (n % 2 == 0).then(|| host("web-1")),
        step: if n % 2 == 0 { Step::Release } else { Step::Checkout },
        stream: if n % 3 == 0 { Stream::Stderr } else { Stream::Stdout },
        text: format!("line {n}"),
    }
}

fn lines(numbers: std::ops::RangeInclusive<i64>) -> Vec<NewLine> {
    numbers.map(line).collect()
}

fn stored(n: i64) -> Line {
    let NewLine { at, host, step, stream, text } = line(n);
    Line { seq: n, at, host, step: step.number(), stream, text }
}

async fn all(store: &Store, id: DeploymentId) -> Vec<Line> {
    store.lines(id, 0, None, None, 10_000).await.expect("reads")
}

both!(lines_are_read_as_they_were_written, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    assert_eq!(store.last_seq(made.id).await.expect("reads"), 0);
    assert_eq!(store.append_lines(made.id, fence, 1, &lines(1..=4), &[]).await.expect("writes"), 4);
    assert_eq!(store.append_lines(made.id, fence, 5, &[], &[]).await.expect("writes"), 4);
    assert_eq!(store.append_lines(made.id, fence, 5, &lines(5..=600), &[]).await.expect("writes"), 600);
    assert_eq!(store.last_seq(made.id).await.expect("reads"), 600);
    assert_eq!(all(&store, made.id).await, (1..=600).map(stored).collect::<Vec<_>>());
});

both!(a_viewer_goes_on_after_the_last_line_it_has, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    store.append_lines(made.id, fence, 1, &lines(1..=9), &[]).await.expect("writes");
    let name = host("web-1");
    let seqs = |after, on: Option<Option<&'static str>>, step, limit| {
        let store = store.clone();
        async move {
            let on = on.map(|name| name.map(host));
            let on = on.as_ref().map(Option::as_ref);
            let found = store.lines(made.id, after, on, step, limit).await.expect("reads");
            found.into_iter().map(|line| line.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(seqs(3, None, None, 2).await, [4, 5]);
    assert_eq!(seqs(0, Some(Some("web-1")), None, 9).await, [2, 4, 6, 8]);
    assert_eq!(seqs(0, Some(None), None, 9).await, [1, 3, 5, 7, 9]);
    assert_eq!(seqs(4, None, Some(5), 9).await, [6, 8]);
    assert!(seqs(0, Some(None), Some(5), 9).await.is_empty());
    assert!(seqs(0, Some(Some("other")), None, 9).await.is_empty());
    assert!(store.lines(made.id, 8, Some(Some(&name)), None, 9).await.expect("reads").is_empty());
});

both!(what_was_read_of_a_hook_is_stored_with_its_lines, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    let name = host("web-1");
    let mark = |host: Option<&HostName>, bytes| OutputMark { host: host.cloned(), hook: "1-4-1".into(), bytes };
    assert_eq!(store.hook_offset(made.id, Some(&name), "1-4-1").await.expect("reads"), 0);
    store
        .append_lines(made.id, fence, 1, &lines(1..=3), &[mark(Some(&name), 40), mark(None, 7)])
        .await
        .expect("writes");
    store.append_lines(made.id, fence, 4, &lines(4..=4), &[mark(Some(&name), 55)]).await.expect("writes");
    is_conflict(store.append_lines(made.id, fence, 9, &lines(9..=9), &[mark(Some(&name), 99)]).await);
    assert_eq!(store.hook_offset(made.id, Some(&name), "1-4-1").await.expect("reads"), 55);
    assert_eq!(store.hook_offset(made.id, None, "1-4-1").await.expect("reads"), 7);
    assert_eq!(store.hook_offset(made.id, Some(&name), "1-6-1").await.expect("reads"), 0);
});

both!(the_sequence_has_no_gap_and_no_line_twice, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    store.append_lines(made.id, fence, 1, &lines(1..=3), &[]).await.expect("writes");
    // The answer to the first call may have been lost: the same call again is not a second one.
    assert_eq!(store.append_lines(made.id, fence, 1, &lines(1..=3), &[]).await.expect("is there already"), 3);
    for first in [1, 5] {
        let said = is_conflict(store.append_lines(made.id, fence, first, &lines(first..=first), &[]).await);
        assert_eq!(said, format!("line {first} of deployment {} does not follow line 3, the last one stored", made.id));
    }
    let mut appending = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        appending.spawn(async move { store.append_lines(made.id, fence, 4, &lines(4..=6), &[]).await.is_ok() });
    }
    assert!(appending.join_all().await.into_iter().all(|done| done));
    assert_eq!(all(&store, made.id).await, (1..=6).map(stored).collect::<Vec<_>>());
});

both!(a_worker_that_lost_its_fence_logs_nothing, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let old = take_fence(&store, &made).await;
    take_fence(&store, &made).await;
    is_conflict(store.append_lines(made.id, old, 1, &lines(1..=3), &[]).await);
    is_not_found(store.append_lines(DeploymentId(99), 1, 1, &lines(1..=1), &[]).await);
    assert!(all(&store, made.id).await.is_empty());
});

both!(any_text_can_be_logged, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    let fence = take_fence(&store, &made).await;
    let text = |text: &str| NewLine { text: text.into(), ..line(1) };
    let texts = [text(""), text("a\0b\0"), text("\u{1b}[31m红\u{1b}[0m"), text(&"x".repeat(16 * 1024))];
    store.append_lines(made.id, fence, 1, &texts, &[]).await.expect("writes");
    let found: Vec<String> = all(&store, made.id).await.into_iter().map(|line| line.text).collect();
    assert_eq!(found, ["", "a␀b␀", &texts[2].text, &texts[3].text]);
});
