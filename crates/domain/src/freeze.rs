//! When releases go out, and when nothing does without somebody's word: release windows and freeze windows.
//!
//! A window is written in the local time of a zone and held against an instant, so a change to summer time moves
//! it as people's clocks do.

use crate::time::Timestamp;
use jiff::civil::{DateTime, Weekday as JiffWeekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All of them, from Monday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As in `davit.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    const fn of(day: JiffWeekday) -> Self {
        match day {
            JiffWeekday::Monday => Self::Mon,
            JiffWeekday::Tuesday => Self::Tue,
            JiffWeekday::Wednesday => Self::Wed,
            JiffWeekday::Thursday => Self::Thu,
            JiffWeekday::Friday => Self::Fri,
            JiffWeekday::Saturday => Self::Sat,
            JiffWeekday::Sunday => Self::Sun,
        }
    }
}

/// Minutes in a day: the end of a window that lasts until midnight.
pub const DAY: u16 = 24 * 60;

/// A time in which nothing goes out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeWindow {
    /// Every week.
    Weekly {
        /// The days it begins on; empty: every day.
        days: Vec<Weekday>,
        /// Minutes after midnight.
        from: u16,
        /// Minutes after midnight, at most [`DAY`]; not after `from`: on the next day.
        to: u16,
        /// IANA time zone.
        zone: String,
        /// Why, for people.
        reason: String,
    },
    /// Once.
    Dated {
        /// Local date and time: `2026-12-24T00:00`.
        from: String,
        /// Local date and time of its end.
        until: String,
        /// IANA time zone.
        zone: String,
        /// Why, for people.
        reason: String,
    },
}

/// A time of the week in which releases go out by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseWindow {
    /// The days it begins on; empty: every day.
    pub days: Vec<Weekday>,
    /// Minutes after midnight.
    pub from: u16,
    /// Minutes after midnight, at most [`DAY`]; not after `from`: on the next day.
    pub to: u16,
    /// IANA time zone.
    pub zone: String,
}

/// No release window is open now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// When the next one opens; `None`: not within the next eight days, because of a change of the clocks.
    pub until: Option<Timestamp>,
}

/// A freeze window that holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Timestamp,
}

/// The window that holds at this time; of several, the one that ends last.
#[must_use]
pub fn frozen(windows: &[FreezeWindow], now: Timestamp) -> Option<Frozen> {
    windows.iter().filter_map(|window| window.holds(now)).max_by_key(|frozen| frozen.until)
}

/// Whether an environment with these release windows is closed at this time. Without any, it is always open.
#[must_use]
pub fn closed(windows: &[ReleaseWindow], now: Timestamp) -> Option<Closed> {
    if windows.is_empty() || windows.iter().any(|window| window.is_open(now)) {
        return None;
    }
    Some(Closed { until: windows.iter().filter_map(|window| window.opens_after(now)).min() })
}

/// A local date and time, as a window has them.
#[must_use]
pub fn civil(text: &str) -> Option<DateTime> {
    text.parse::<DateTime>().ok()
}

/// A time zone by its IANA name.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    // Names like `UTC` and `Europe/Berlin`; a POSIX rule would also be one, and nobody means that here.
    TimeZone::get(name).ok()
}

impl FreezeWindow {
    fn holds(&self, now: Timestamp) -> Option<Frozen> {
        match self {
            Self::Weekly { days, from, to, zone: name, reason } => {
                let here = local(now, name)?;
                // One that began yesterday may go on past midnight.
                let end = [0, -1].into_iter().find_map(|day| {
                    let (start, end) = weekly(&here, days, *from, *to, day)?;
                    between(&here, start, end)
                })?;
                Some(Frozen { reason: reason.clone(), until: end })
            }
            Self::Dated { from, until, zone: name, reason } => {
                let until = between(&local(now, name)?, civil(from)?, civil(until)?)?;
                Some(Frozen { reason: reason.clone(), until })
            }
        }
    }
}

impl ReleaseWindow {
    fn is_open(&self, now: Timestamp) -> bool {
        local(now, &self.zone).is_some_and(|here| {
            [0, -1].into_iter().any(|day| {
                weekly(&here, &self.days, self.from, self.to, day)
                    .is_some_and(|(start, end)| between(&here, start, end).is_some())
            })
        })
    }

    fn opens_after(&self, now: Timestamp) -> Option<Timestamp> {
        let here = local(now, &self.zone)?;
        (0..=8).find_map(|day| {
            let (start, end) = weekly(&here, &self.days, self.from, self.to, day)?;
            let (start, end) = (instant(&here, start)?, instant(&here, end)?);
            // One in an hour that the clocks leave out never opens.
            (start > now && start < end).then_some(start)
        })
    }
}

/// Begin and end of a weekly window on the day that is so many days from here; `None`: it does not begin on that day.
fn weekly(here: &Zoned, days: &[Weekday], from: u16, to: u16, day: i32) -> Option<(DateTime, DateTime)> {
    let date = here.date().checked_add(day.days()).ok()?;
    let begins = days.is_empty() || days.contains(&Weekday::of(date.weekday()));
    let length = if to > from { to - from } else { to + DAY - from };
    let start = date.at(0, 0, 0, 0).checked_add(i64::from(from).minutes()).ok()?;
    let end = start.checked_add(i64::from(length).minutes()).ok()?;
    begins.then_some((start, end))
}

fn local(now: Timestamp, name: &str) -> Option<Zoned> {
    Some(jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(zone(name)?))
}

/// When the window ends, if this moment is in it. Compared as instants: an hour that a clock shows twice is in or out
/// as a whole, and one that it never shows ends where the clock jumps.
fn between(here: &Zoned, start: DateTime, end: DateTime) -> Option<Timestamp> {
    let (start, end) = (instant(here, start)?, instant(here, end)?);
    let now = here.timestamp().as_millisecond();
    (start.millis() <= now && now < end.millis()).then_some(end)
}

fn instant(here: &Zoned, at: DateTime) -> Option<Timestamp> {
    let at = at.to_zoned(here.time_zone().clone()).ok()?;
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().expect("a time").as_millisecond())
    }

    fn weekly(days: &[Weekday], from: u16, to: u16) -> FreezeWindow {
        let zone = "Europe/Berlin".to_owned();
        FreezeWindow::Weekly { days: days.to_vec(), from, to, zone, reason: "weekend".into() }
    }

    fn until(window: &FreezeWindow, now: &str) -> Option<String> {
        frozen(std::slice::from_ref(window), at(now)).map(|frozen| frozen.until.to_string())
    }

    #[test]
    fn a_weekly_window_follows_the_clocks_of_its_zone() {
        let friday = weekly(&[Weekday::Fri], 16 * 60, DAY);
        // 2026-07-03 is a Friday; Berlin is two hours ahead in summer, one in winter.
        assert_eq!(until(&friday, "2026-07-03T13:59:59Z"), None);
        assert_eq!(until(&friday, "2026-07-03T14:00:00Z").as_deref(), Some("2026-07-03T22:00:00.000Z"));
        assert_eq!(until(&friday, "2026-07-03T22:00:00Z"), None);
        assert_eq!(until(&friday, "2026-01-02T15:00:00Z").as_deref(), Some("2026-01-02T23:00:00.000Z"));
        assert_eq!(until(&friday, "2026-01-02T14:30:00Z"), None);
    }

    #[test]
    fn a_window_may_go_on_past_midnight() {
        let night = weekly(&[Weekday::Fri], 22 * 60, 6 * 60);
        for (now, frozen) in [
            ("2026-07-03T19:59:00Z", false),
            ("2026-07-03T20:00:00Z", true),
            ("2026-07-04T03:59:00Z", true),
            ("2026-07-04T04:00:00Z", false),
            ("2026-07-04T20:00:00Z", false),
        ] {
            assert_eq!(until(&night, now).is_some(), frozen, "{now}");
        }
        let always = weekly(&[], 0, DAY);
        assert!(until(&always, "2026-07-08T09:00:00Z").is_some());
        let whole_day = weekly(&[Weekday::Sat], 9 * 60, 9 * 60);
        assert!(until(&whole_day, "2026-07-05T06:59:00Z").is_some(), "the same time is the next day's");
    }

    fn closed_until(windows: &[ReleaseWindow], now: &str) -> Option<String> {
        closed(windows, at(now)).map(|closed| closed.until.map_or("never".into(), |until| until.to_string()))
    }

    #[test]
    fn outside_of_release_windows_it_is_closed_until_the_next_one_opens() {
        let open = |days: &[Weekday], from: u16, to: u16| ReleaseWindow {
            days: days.to_vec(),
            from: from * 60,
            to: to * 60,
            zone: "Europe/Berlin".into(),
        };
        let week = [open(&[Weekday::Mon, Weekday::Tue], 9, 17), open(&[Weekday::Sat], 22, 2)];
        // 2026-07-06 is a Monday; Berlin is two hours ahead in summer.
        for (now, until) in [
            ("2026-07-06T06:59:59Z", Some("2026-07-06T07:00:00.000Z")),
            ("2026-07-06T07:00:00Z", None),
            ("2026-07-06T14:59:59Z", None),
            ("2026-07-06T15:00:00Z", Some("2026-07-07T07:00:00.000Z")),
            ("2026-07-08T12:00:00Z", Some("2026-07-11T20:00:00.000Z")),
            ("2026-07-11T23:59:00Z", None),
            ("2026-07-12T00:00:00Z", Some("2026-07-13T07:00:00.000Z")),
            // The clocks go back on 2026-10-25.
            ("2026-10-24T23:30:00Z", None),
            ("2026-10-25T01:00:00Z", Some("2026-10-26T08:00:00.000Z")),
        ] {
            assert_eq!(closed_until(&week, now).as_deref(), until, "{now}");
        }
        assert_eq!(closed_until(&[], "2026-07-08T12:00:00Z"), None, "without windows it is always open");
        let sunday = [open(&[Weekday::Sun], 9, 10)];
        assert_eq!(closed_until(&sunday, "2026-07-05T08:00:00Z").as_deref(), Some("2026-07-12T07:00:00.000Z"));
    }

    #[test]
    fn a_change_of_the_clocks_moves_a_window_with_them() {
        // On 2026-03-29 Berlin's clocks go from 2:00 to 3:00, on 2026-10-25 from 3:00 back to 2:00.
        let night = weekly(&[Weekday::Sat], 22 * 60, 6 * 60);
        assert_eq!(until(&night, "2026-03-28T21:00:00Z").as_deref(), Some("2026-03-29T04:00:00.000Z"));
        assert_eq!(until(&night, "2026-10-24T20:00:00Z").as_deref(), Some("2026-10-25T05:00:00.000Z"));
        let gap = weekly(&[Weekday::Sun], 2 * 60, 2 * 60 + 30);
        assert!(until(&gap, "2026-03-29T00:59:00Z").is_none());
        assert!(until(&gap, "2026-03-29T02:00:00Z").is_none());
    }

    #[test]
    fn a_dated_window_holds_once_and_the_longest_counts() {
        let dated = |until: &str| FreezeWindow::Dated {
            from: "2026-12-24T00:00".into(),
            until: until.into(),
            zone: "Asia/Shanghai".into(),
            reason: until.into(),
        };
        let windows = [dated("2026-12-25T00:00"), dated("2027-01-02T00:00")];
        assert!(frozen(&windows, at("2026-12-23T15:59:59Z")).is_none());
        let held = frozen(&windows, at("2026-12-23T16:00:00Z")).expect("it holds");
        assert_eq!((held.reason.as_str(), held.until), ("2027-01-02T00:00", at("2027-01-01T16:00:00Z")));
        assert!(frozen(&windows, at("2027-01-01T16:00:00Z")).is_none());
    }
}
