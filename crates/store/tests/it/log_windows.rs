//! Windows into long logs and search in them, beside what a reader of the whole log would find.

use crate::support::{at, both, commit, deployed_to, host, take_fence};
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::DeploymentId;
use davit_domain::log::{Line, NewLine, Step, Stream};
use davit_domain::log_text::Needle;
use davit_store::log_search::{Found, LogOf};
use davit_store::log_windows::{Begin, LinesOf, Window};
use davit_store::retention::Cutoffs;
use davit_store::{Store, on_tx};

/// Two whole blocks and a bit.
const LINES: i64 = 9_000;

/// The server first, then two hosts in turn, and a step in between that most blocks know nothing of.
fn line(n: i64) -> NewLine {
    let (on, step) = match n {
        ..=100 => (None, Step::Checkout),
        6_000..6_010 => (Some(host("web-2")), Step::AfterRelease),
        _ if n % 3 == 0 => (Some(host("web-2")), Step::Release),
        _ => (Some(host("web-1")), Step::BeforeRelease),
    };
    let text = match n {
        7 => "an \u{1b}[31mERR\u{1b}[0mor".to_owned(),
        8 => "\u{1b}[31mred\u{1b}[0m".to_owned(),
        _ if n % 1_000 == 0 => format!("Error {n}: 部署失败 100%"),
        _ => format!("line {n}"),
    };
    NewLine { at: at(n), host: on, step, stream: Stream::Stdout, text }
}

async fn written(store: &Store) -> (DeploymentId, Vec<Line>) {
    let made = deployed_to(store, &["web-1", "web-2"]).await;
    let fence = take_fence(store, &made).await;
    let mut first = 1;
    // Pieces that end before, on, and after a block's end.
    for last in [4_000, 4_096, 8_200, LINES] {
        let lines: Vec<_> = (first..=last).map(line).collect();
        store.append_lines(made.id, fence, first, &lines, &[]).await.expect("writes");
        assert_eq!(store.append_lines(made.id, fence, first, &lines, &[]).await.expect("writes again"), last);
        first = last + 1;
    }
    (made.id, store.lines(made.id, 0, None, None, LINES).await.expect("reads"))
}

fn expected(all: &[Line], of: &LinesOf, begin: Begin, limit: usize) -> Window {
    let among = |line: &&Line| {
        of.host.as_ref().is_none_or(|host| line.host == *host) && of.step.is_none_or(|step| line.step == step)
    };
    let lines: Vec<_> = all.iter().filter(among).collect();
    let first = match begin {
        Begin::Place(place) => usize::try_from(place).expect("a place"),
        Begin::Line(seq) => lines.iter().take_while(|line| line.seq < seq).count(),
    };
    let items = lines.iter().skip(first).take(limit).map(|line| (*line).clone()).collect();
    Window {
        first: i64::try_from(first).expect("a number"),
        total: i64::try_from(lines.len()).expect("a number"),
        last_seq: all.last().map_or(0, |line| line.seq),
        items,
    }
}

both!(a_window_shows_what_a_reader_of_the_whole_log_would_see, |store| {
    let (id, all) = written(&store).await;
    let hosts = [None, Some(None), Some(Some(host("web-1"))), Some(Some(host("web-2"))), Some(Some(host("other")))];
    for on in &hosts {
        for step in [None, Some(2), Some(4), Some(5), Some(6), Some(3)] {
            let of = LinesOf { host: on.clone(), step };
            for begin in [0, 1, 99, 2_731, 4_096, 5_500, 8_990].map(Begin::Place) {
                let window = store.log_window(id, &of, begin, 5).await.expect("reads");
                assert_eq!(window, expected(&all, &of, begin, 5), "{of:?} {begin:?}");
            }
            for begin in [1, 2, 101, 4_096, 4_097, 6_005, 8_192, 8_193, 9_000].map(Begin::Line) {
                let window = store.log_window(id, &of, begin, 5).await.expect("reads");
                assert_eq!(window, expected(&all, &of, begin, 5), "{of:?} {begin:?}");
            }
            let whole = store.log_window(id, &of, Begin::Place(0), LINES).await.expect("reads");
            assert_eq!(whole, expected(&all, &of, Begin::Place(0), 9_000), "{of:?}");
        }
    }
    let hosts = LinesOf { host: Some(Some(host("web-1"))), step: None };
    for of in [LinesOf::default(), LinesOf { host: None, step: Some(4) }, hosts] {
        for begin in [20_000, i64::MAX].map(Begin::Line) {
            let past = store.log_window(id, &of, begin, 5).await.expect("reads");
            assert!(past.items.is_empty());
            assert_eq!(past.first, past.total, "{of:?} {begin:?}");
        }
        for begin in [Begin::Line(i64::MIN), Begin::Line(0), Begin::Place(i64::MIN)] {
            let start = store.log_window(id, &of, begin, 5).await.expect("reads");
            assert_eq!(start, expected(&all, &of, Begin::Place(0), 5), "{of:?} {begin:?}");
        }
        assert!(store.log_window(id, &of, Begin::Place(i64::MAX), 5).await.expect("reads").items.is_empty());
    }
});

both!(an_empty_log_has_an_empty_window, |store| {
    let made = deployed_to(&store, &["web-1"]).await;
    for of in [LinesOf::default(), LinesOf { host: Some(None), step: None }, LinesOf { host: None, step: Some(4) }] {
        let window = store.log_window(made.id, &of, Begin::Place(0), 5).await.expect("reads");
        assert_eq!(window, Window { first: 0, total: 0, last_seq: 0, items: Vec::new() });
    }
});

both!(a_search_counts_all_and_names_those_around_a_line, |store| {
    let (id, _) = written(&store).await;
    let of = LinesOf::default();
    let search = async |of: &LinesOf, text: &str, from, around| {
        let needle = Needle::new(text).expect("a text");
        store.search_log(&LogOf::Deployment(id, of.clone()), &needle, from, around).await.expect("reads")
    };
    let thousands: Vec<i64> = (1..=9).map(|n| n * 1_000).collect();
    let found = search(&of, "eRRoR", 1, 100).await;
    let hits: Vec<i64> = [7].into_iter().chain(thousands.clone()).collect();
    assert_eq!(found, Found { total: 10, before: 0, hits, last_seq: LINES }, "colours do not part a word");
    let found = search(&of, "error", 4_000, 2).await;
    assert_eq!(found, Found { total: 10, before: 2, hits: vec![2_000, 3_000, 4_000, 5_000], last_seq: LINES });
    assert_eq!(search(&of, "失败", 1, 100).await.hits, thousands, "no letter of it is ASCII");
    assert_eq!(search(&of, "100%", 1, 100).await.hits, thousands, "a percent sign means itself");
    assert_eq!(search(&of, "line_", 1, 100).await.total, 0, "an underscore means itself");
    assert_eq!(search(&of, "31m", 1, 100).await.total, 0, "colours are no text");
    let server = LinesOf { host: Some(None), step: None };
    assert_eq!(search(&server, "error", 1, 100).await.hits, [7]);
    let one = LinesOf { host: Some(Some(host("web-2"))), step: Some(5) };
    assert_eq!(search(&one, "error", 1, 100).await.hits, [3_000, 9_000]);
    assert_eq!(search(&LinesOf { host: None, step: Some(6) }, "ERROR", 1, 100).await.hits, [6_000]);
});

both!(what_was_counted_is_forgotten_with_the_lines, |store| {
    let (id, _) = written(&store).await;
    commit!(store, tx => tx.advance_deployment(id, None, &DeploymentState::Succeeded, at(10)));
    let cutoffs = Cutoffs { logs: at(11), deliveries: at(0), calls: at(0), sessions: at(0) };
    store.forget(&cutoffs).await.expect("forgets");
    let hosts = [Some(None), Some(Some(host("web-1")))].map(|on| LinesOf { host: on, step: None });
    for of in [LinesOf { host: None, step: Some(4) }].into_iter().chain(hosts) {
        let window = store.log_window(id, &of, Begin::Place(0), 5).await.expect("reads");
        assert_eq!(window, Window { first: 0, total: 0, last_seq: 0, items: Vec::new() }, "{of:?}");
    }
});

// What lies before a window is summed up, not read: with other sums there is another answer.
both!(lines_before_a_window_are_not_counted_one_by_one, |store| {
    let (id, all) = written(&store).await;
    let of = LinesOf { host: Some(Some(host("web-1"))), step: None };
    let mut window = store.log_window(id, &of, Begin::Line(8_500), 3).await.expect("reads");
    assert_eq!(window, expected(&all, &of, Begin::Line(8_500), 3));
    let mut tx = store.begin().await.expect("begins");
    let sql = "UPDATE log_host_blocks SET lines = lines + 1000000 WHERE block = 0 AND host = 'web-1'";
    on_tx!(&mut tx, c => sqlx::query(sql).execute(&mut **c).await.map(drop)).expect("writes");
    tx.commit().await.expect("commits");
    window.first += 1_000_000;
    window.total += 1_000_000;
    assert_eq!(store.log_window(id, &of, Begin::Line(8_500), 3).await.expect("reads"), window);
    assert_eq!(store.log_window(id, &of, Begin::Place(window.first), 3).await.expect("reads"), window);
});
