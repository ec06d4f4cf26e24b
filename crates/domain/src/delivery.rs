//! How fast and how safely changes go live: the four figures that DORA made known, from deployments that have ended.
//!
//! One place is an app in an environment. A *change* is a deployment that a person or a push asked for; a rollback is no
//! change, but it tells that the change before it was a failure. What failed before the first host switched has changed
//! nothing: it is counted, but neither as a change nor as a failure of one. `docs/delivery.md` tells people the same.

use crate::request::Kind;
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A deployment that has ended, as far as the figures need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The app and the environment, or whatever tells places apart.
    pub place: (String, String),
    /// What was asked for.
    pub kind: Kind,
    /// How it ended.
    pub end: End,
    /// The release that it made or went back to.
    pub release: String,
    /// The time of its commit, when it was the first to bring it live here and git could say it.
    pub committed_at: Option<Timestamp>,
    /// When the first host began to switch.
    pub switched_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// How a deployment ended. Those that were cancelled or gave way to a newer one tell nothing about changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is live.
    Succeeded,
    /// It failed.
    Failed,
    /// Its hosts went back.
    Reverted,
}

impl End {
    /// From the stored word of the deployment's state; `None` for states that tell nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "succeeded" => Some(Self::Succeeded),
            "failed" => Some(Self::Failed),
            "reverted" => Some(Self::Reverted),
            _ => None,
        }
    }
}

/// Times that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half of them are shorter.
    pub median: Duration,
    /// Nine of ten are no longer.
    pub p90: Duration,
}

/// What happened in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Changes that went live.
    pub live: usize,
    /// Those of [`live`](Self::live) that a rollback took back later.
    pub rolled_back: usize,
    /// Changes that failed after the first host had begun to switch.
    pub failed: usize,
    /// Changes whose hosts went back at once.
    pub reverted: usize,
    /// Changes that failed before anything was switched.
    pub stopped: usize,
    /// Rollbacks that went live.
    pub rollbacks: usize,
    /// From the commit to the end of the deployment that first brought it live.
    pub lead: Option<Spread>,
    /// From the first switch of a change that failed until its place was good again.
    pub restore: Option<Spread>,
}

impl Figures {
    /// Changes that reached hosts.
    #[must_use]
    pub const fn changes(&self) -> usize {
        self.live + self.failed + self.reverted
    }

    /// Those that turned out to be failures.
    #[must_use]
    pub const fn failures(&self) -> usize {
        self.rolled_back + self.failed + self.reverted
    }
}

/// The figures of several spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// One of each span, in their order.
    pub spans: Vec<Figures>,
    /// Places whose last change failed and that nothing has put right yet.
    pub open: usize,
}

/// The figures of the spans, each from its first moment to before its last. `ended` is ordered by place, then by when
/// they ended, and begins early enough: with the last deployment of each place that went live before the first span.
#[must_use]
pub fn figures(ended: &[Ended], spans: &[Span]) -> Delivery {
    let mut tally = Tally { spans, sums: spans.iter().map(|_| Sum::default()).collect() };
    let mut open = 0;
    for place in ended.chunk_by(|a, b| a.place == b.place) {
        open += usize::from(tally.place(place));
    }
    Delivery { spans: tally.sums.into_iter().map(Sum::figures).collect(), open }
}

/// A span of time: from its first moment to before its last.
pub type Span = (Timestamp, Timestamp);

/// The most days that figures are asked for.
pub const MOST_DAYS: u16 = 366;

/// So many days are shown day by day; more of them as weeks.
const SHOWN_AS_DAYS: u16 = 31;

/// The days that figures are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The last days, today included.
    pub period: Span,
    /// As many days before them.
    pub before: Span,
    /// The period's days; or its weeks, counted back from today, of which the first may be shorter.
    pub parts: Vec<Span>,
    /// Whether the parts are weeks.
    pub weeks: bool,
}

/// The last `days` days where the clocks show `zone`, from 1 to [`MOST_DAYS`]. `None`: there is no such calendar.
#[must_use]
pub fn calendar(zone: &TimeZone, now: Timestamp, days: u16) -> Option<Calendar> {
    if !(1..=MOST_DAYS).contains(&days) {
        return None;
    }
    let today = jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(zone.clone()).date();
    // Midnights, counted back from the one that ends today.
    let midnight = |back: u16| -> Option<Timestamp> {
        let date = today.checked_add(jiff::Span::new().days(1 - i64::from(back))).ok()?;
        let start = date.to_zoned(zone.clone()).ok()?;
        Some(Timestamp::from_millis(start.timestamp().as_millisecond()))
    };
    let (end, from) = (midnight(0)?, midnight(days)?);
    let weeks = days > SHOWN_AS_DAYS;
    let step = if weeks { 7 } else { 1 };
    let mut parts = Vec::with_capacity(usize::from(days.div_ceil(step)));
    for to in (0..days).step_by(usize::from(step)) {
        parts.push((midnight(days.min(to + step))?, midnight(to)?));
    }
    parts.reverse();
    Some(Calendar { period: (from, end), before: (midnight(days * 2)?, from), parts, weeks })
}

/// What is counted, span by span. Spans may overlap: a period, and its days.
struct Tally<'s> {
    spans: &'s [Span],
    sums: Vec<Sum>,
}

#[derive(Default)]
struct Sum {
    figures: Figures,
    lead: Vec<Duration>,
    restore: Vec<Duration>,
}

impl Sum {
    fn figures(self) -> Figures {
        Figures { lead: spread(self.lead), restore: spread(self.restore), ..self.figures }
    }
}

impl Tally<'_> {
    /// Walks through what happened in one place. Whether it is in trouble at the end.
    fn place(&mut self, ended: &[Ended]) -> bool {
        // The change that is live, when a change is and not what a rollback brought back.
        let mut live: Option<&Ended> = None;
        let mut trouble_since: Option<Timestamp> = None;
        for deployment in ended {
            let at = deployment.finished_at;
            match (deployment.kind, deployment.end) {
                (Kind::Rollback, End::Succeeded) => {
                    self.count(at, |sum| sum.figures.rollbacks += 1);
                    // Back from a failed change to what was live takes nothing back; and beyond it, the trouble that was
                    // there already is counted, not what was live before it.
                    if let Some(left) = live.take_if(|live| live.release != deployment.release)
                        && trouble_since.is_none()
                    {
                        self.count(left.finished_at, |sum| sum.figures.rolled_back += 1);
                        trouble_since = Some(left.switched_at.unwrap_or(left.finished_at));
                    }
                    self.restored(trouble_since.take(), at);
                }
                // The way back failed: the trouble, if there is any, goes on.
                (Kind::Rollback, End::Failed | End::Reverted) => {}
                (Kind::Regular | Kind::Auto, End::Succeeded) => {
                    let lead = deployment.committed_at.map(|committed| at.since(committed));
                    self.count(at, |sum| {
                        sum.figures.live += 1;
                        sum.lead.extend(lead);
                    });
                    self.restored(trouble_since.take(), at);
                    live = Some(deployment);
                }
                (Kind::Regular | Kind::Auto, End::Failed) => match deployment.switched_at {
                    None => self.count(at, |sum| sum.figures.stopped += 1),
                    Some(switched) => {
                        self.count(at, |sum| sum.figures.failed += 1);
                        trouble_since = trouble_since.or(Some(switched));
                    }
                },
                (Kind::Regular | Kind::Auto, End::Reverted) => {
                    self.count(at, |sum| sum.figures.reverted += 1);
                    // It has put itself right, but not what was wrong before.
                    if trouble_since.is_none() {
                        self.restored(deployment.switched_at, at);
                    }
                }
            }
        }
        trouble_since.is_some()
    }

    fn restored(&mut self, since: Option<Timestamp>, at: Timestamp) {
        if let Some(since) = since {
            self.count(at, |sum| sum.restore.push(at.since(since)));
        }
    }

    fn count(&mut self, at: Timestamp, add: impl Fn(&mut Sum)) {
        for ((from, to), sum) in self.spans.iter().zip(&mut self.sums) {
            if (*from..*to).contains(&at) {
                add(sum);
            }
        }
    }
}

fn spread(mut times: Vec<Duration>) -> Option<Spread> {
    times.sort_unstable();
    let count = times.len();
    let upper = *times.get(count / 2)?;
    let median = match count % 2 {
        0 => times.get((count / 2).checked_sub(1)?)?.checked_add(upper)? / 2,
        _ => upper,
    };
    let p90 = *times.get((count * 9).div_ceil(10).checked_sub(1)?)?;
    Some(Spread { count, median, p90 })
}
