//! The four figures, from what happened.

use davit_domain::delivery::{End, Ended, Figures, Span, Spread, calendar, figures};
use davit_domain::freeze::zone;
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use std::time::Duration;

const MINUTE: i64 = 60_000;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * MINUTE)
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// A change of `shop` in production that ended at this minute; it switched two minutes before.
fn change(release: &str, end: End, minute: i64) -> Ended {
    Ended {
        place: ("shop".into(), "production".into()),
        kind: Kind::Regular,
        end,
        release: release.into(),
        committed_at: None,
        switched_at: Some(at(minute - 2)),
        finished_at: at(minute),
    }
}

fn rollback(release: &str, minute: i64) -> Ended {
    Ended { kind: Kind::Rollback, ..change(release, End::Succeeded, minute) }
}

fn whole() -> [Span; 1] {
    [(at(0), at(1000))]
}

fn of(ended: &[Ended]) -> (Figures, usize) {
    let delivery = figures(ended, &whole());
    (delivery.spans[0], delivery.open)
}

fn took(times: &[u64]) -> Option<Spread> {
    let of =
        |minute: u64| Ended { committed_at: Some(at(500 - minute.cast_signed())), ..change("r", End::Succeeded, 500) };
    of_all(&times.iter().copied().map(of).collect::<Vec<_>>()).lead
}

fn of_all(ended: &[Ended]) -> Figures {
    of(ended).0
}

#[test]
fn nothing_happened() {
    assert_eq!(of(&[]), (Figures::default(), 0));
    assert_eq!(figures(&[], &[]).spans, []);
}

#[test]
fn each_end_is_counted_as_what_it_did() {
    let before_the_switch = Ended { switched_at: None, ..change("e", End::Failed, 50) };
    let (found, open) = of(&[
        change("a", End::Succeeded, 10),
        change("b", End::Reverted, 20),
        change("c", End::Failed, 30),
        Ended { kind: Kind::Auto, ..change("d", End::Succeeded, 40) },
        before_the_switch,
    ]);
    let counts = (found.live, found.reverted, found.failed, found.stopped, found.rolled_back, found.rollbacks);
    assert_eq!(counts, (2, 1, 1, 1, 0, 0));
    assert_eq!((found.changes(), found.failures(), open), (4, 2, 0), "what changed nothing is no change");
}

#[test]
fn half_and_nine_of_ten() {
    assert_eq!(took(&[]), None);
    assert_eq!(took(&[7]), Some(Spread { count: 1, median: minutes(7), p90: minutes(7) }));
    assert_eq!(took(&[9, 1]), Some(Spread { count: 2, median: minutes(5), p90: minutes(9) }));
    assert_eq!(took(&[9, 1, 3]), Some(Spread { count: 3, median: minutes(3), p90: minutes(9) }));
    let ten: Vec<u64> = (1..=10).rev().collect();
    assert_eq!(took(&ten), Some(Spread { count: 10, median: Duration::from_secs(330), p90: minutes(9) }));
}

#[test]
fn a_commit_that_claims_to_be_of_the_future_took_no_time() {
    let early = Ended { committed_at: Some(at(600)), ..change("r", End::Succeeded, 500) };
    assert_eq!(of_all(&[early]).lead.expect("a time").median, Duration::ZERO);
}

#[test]
fn a_rollback_makes_a_failure_of_the_change_before_it() {
    let (found, open) = of(&[change("a", End::Succeeded, 10), change("b", End::Succeeded, 20), rollback("a", 50)]);
    assert_eq!((found.live, found.rolled_back, found.rollbacks, open), (2, 1, 1, 0));
    let restore = found.restore.expect("a time");
    assert_eq!((restore.count, restore.median), (1, minutes(32)), "from its first switch to the end of the way back");
}

#[test]
fn no_change_is_taken_back_twice_or_by_its_own_release() {
    let again =
        [change("a", End::Succeeded, 10), change("b", End::Succeeded, 20), rollback("a", 30), rollback("b", 40)];
    assert_eq!(of_all(&again).rolled_back, 1, "the second one takes back a rollback");
    let repaired = [change("a", End::Succeeded, 10), change("b", End::Failed, 20), rollback("a", 30)];
    let found = of_all(&repaired);
    assert_eq!((found.rolled_back, found.failed), (0, 1), "a was good");
    assert_eq!(found.restore.map(|restore| restore.median), Some(minutes(12)));
    let [good, failed, back] = repaired;
    let later = [change("z", End::Succeeded, 5), good.clone(), failed.clone(), back, rollback("z", 40)];
    assert_eq!(of_all(&later).rolled_back, 1, "a was live again, and is taken back now");
    let beyond = [change("z", End::Succeeded, 5), good, failed, rollback("z", 30)];
    assert_eq!((of_all(&beyond).rolled_back, of_all(&beyond).failed), (0, 1), "one trouble is counted once");
}

#[test]
fn trouble_lasts_from_the_first_failure_to_what_works() {
    let fixed = [
        change("a", End::Failed, 10),
        change("b", End::Failed, 20),
        change("c", End::Reverted, 30),
        change("d", End::Succeeded, 48),
    ];
    let (found, open) = of(&fixed);
    assert_eq!(found.restore, Some(Spread { count: 1, median: minutes(40), p90: minutes(40) }));
    assert_eq!((found.failures(), open), (3, 0));
    let (found, open) = of(&fixed[..3]);
    assert_eq!((found.restore, open), (None, 1), "nothing has put it right");
}

#[test]
fn what_went_back_by_itself_was_in_trouble_until_then() {
    let (found, open) = of(&[change("a", End::Reverted, 10)]);
    assert_eq!((found.restore.map(|restore| restore.median), open), (Some(minutes(2)), 0));
}

#[test]
fn a_way_back_that_failed_is_neither_a_change_nor_an_end_of_trouble() {
    let failed = Ended { end: End::Failed, ..rollback("a", 30) };
    let (found, open) = of(&[change("a", End::Succeeded, 10), change("b", End::Failed, 20), failed]);
    assert_eq!((found.changes(), found.rollbacks, open), (2, 0, 1));
}

#[test]
fn places_have_nothing_to_do_with_each_other() {
    let elsewhere = |mut ended: Ended| {
        ended.place.1 = "staging".into();
        ended
    };
    let (found, open) = of(&[
        change("a", End::Failed, 10),
        elsewhere(change("b", End::Succeeded, 5)),
        elsewhere(change("c", End::Failed, 15)),
        elsewhere(change("d", End::Succeeded, 20)),
    ]);
    assert_eq!((found.restore.map(|restore| restore.count), open), (Some(1), 1));
}

#[test]
fn each_span_has_what_ended_in_it() {
    let spans = [(at(0), at(30)), (at(30), at(60)), (at(0), at(60))];
    let ended = [change("a", End::Succeeded, 29), change("b", End::Succeeded, 30), rollback("a", 45)];
    let found = figures(&ended, &spans).spans;
    let counts: Vec<_> = found.iter().map(|span| (span.live, span.rolled_back, span.rollbacks)).collect();
    assert_eq!(counts, [(1, 0, 0), (1, 1, 1), (2, 1, 1)]);
    let late = figures(&[change("a", End::Failed, 29), change("b", End::Succeeded, 31)], &spans).spans;
    assert_eq!(late[0].restore, None);
    assert_eq!(late[1].restore.map(|restore| restore.median), Some(minutes(4)), "counted when it was over");
}

#[test]
fn days_are_those_of_the_clocks_on_the_wall() {
    let utc = zone("UTC").expect("a zone");
    let text = |span: &Span| (span.0.to_string()[..16].to_owned(), span.1.to_string()[..16].to_owned());
    // 2026-01-31T12:00:00Z, when it is already the next month in Auckland.
    let now = Timestamp::from_millis(1_769_860_800_000);
    let week = calendar(&utc, now, 7).expect("a calendar");
    assert_eq!(text(&week.period), ("2026-01-25T00:00".into(), "2026-02-01T00:00".into()));
    assert_eq!(text(&week.before), ("2026-01-18T00:00".into(), "2026-01-25T00:00".into()));
    assert_eq!((week.parts.len(), week.weeks), (7, false));
    assert_eq!((week.parts[0].0, week.parts[6].1), (week.period.0, week.period.1));
    let auckland = calendar(&zone("Pacific/Auckland").expect("a zone"), now, 1).expect("a calendar");
    assert_eq!(text(&auckland.period), ("2026-01-31T11:00".into(), "2026-02-01T11:00".into()));
}

#[test]
fn a_day_on_which_the_clocks_change_is_a_day() {
    let berlin = zone("Europe/Berlin").expect("a zone");
    // 2026-03-29, when Germany's clocks go forward at night.
    let now = Timestamp::from_millis(1_774_778_400_000);
    let day = calendar(&berlin, now, 1).expect("a calendar").period;
    assert_eq!(day.1.since(day.0), Duration::from_secs(23 * 3600));
}

#[test]
fn many_days_are_weeks_counted_back_from_today() {
    let utc = zone("UTC").expect("a zone");
    let now = Timestamp::from_millis(1_769_860_800_000);
    let days = |span: &Span| span.1.since(span.0).as_secs() / 86_400;
    let quarter = calendar(&utc, now, 90).expect("a calendar");
    assert!(quarter.weeks);
    assert_eq!((quarter.parts.len(), days(&quarter.parts[0]), days(&quarter.parts[12])), (13, 6, 7));
    assert!(quarter.parts.windows(2).all(|pair| pair[0].1 == pair[1].0), "without gaps");
    assert_eq!(quarter.parts[0].0, quarter.period.0);
    assert_eq!(calendar(&utc, now, 0), None);
    assert_eq!(calendar(&utc, now, 367), None);
}
