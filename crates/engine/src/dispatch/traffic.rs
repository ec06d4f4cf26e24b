//! What goes out to each forge: how many calls at once, how many a minute and an hour, and the pauses that it asked for.
//!
//! Each forge is counted alone, so that a slow or angry one takes nothing from the others. Known to this process only:
//! several processes on one database each keep their own count, and the forge's refusals bring them in line.

use davit_domain::config::ForgeKind;
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Calls to one forge at the same time.
const AT_ONCE: usize = 4;

/// What may be made at a forge in a time. One call of the outbox may make two things, and as many as may be under way
/// are not counted yet, so each number is a little below the forge's own.
const GITHUB: [(Duration, usize); 2] = [(Duration::from_secs(60), 72), (Duration::from_secs(3600), 492)];

/// The traffic to all forges. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic(Arc<Mutex<HashMap<ForgeId, Road>>>);

/// The traffic to one forge.
#[derive(Debug, Default)]
struct Road {
    under_way: usize,
    /// When things were made there, oldest first; only where a limit counts them.
    made: VecDeque<Timestamp>,
    paused_until: Option<Timestamp>,
}

impl Road {
    /// When the next call may start; `None`: now. What only another call's end opens opens at once.
    fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let of_limit = |(window, most): &(Duration, usize)| {
            let oldest = self.made.len().checked_sub(*most).and_then(|at| self.made.get(at))?;
            Some(oldest.plus(*window)).filter(|opens| *opens > now)
        };
        let paused = self.paused_until.filter(|until| *until > now);
        GITHUB.iter().filter_map(of_limit).chain(paused).max()
    }
}

/// A call that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    traffic: Traffic,
    forge: ForgeId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(road) = self.traffic.roads().get_mut(&self.forge) {
            road.under_way = road.under_way.saturating_sub(1);
        }
    }
}

impl Traffic {
    /// The forges that take no call now.
    pub(crate) fn closed(&self, now: Timestamp) -> Vec<ForgeId> {
        let is_closed = |road: &Road| road.under_way >= AT_ONCE || road.opens(now).is_some();
        self.roads().iter().filter(|(_, road)| is_closed(road)).map(|(forge, _)| forge.clone()).collect()
    }

    /// When time alone opens a closed forge next.
    pub(crate) fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.roads().values().filter_map(|road| road.opens(now)).min()
    }

    /// Until when a forge takes no call; `None`: it takes them.
    pub(crate) fn paused_until(&self, forge: &ForgeId, now: Timestamp) -> Option<Timestamp> {
        self.roads().get(forge).and_then(|road| road.opens(now))
    }

    /// A call starts.
    pub(crate) fn start(&self, forge: &ForgeId) -> UnderWay {
        self.roads().entry(forge.clone()).or_default().under_way += 1;
        UnderWay { traffic: self.clone(), forge: forge.clone() }
    }

    /// Something is made at a forge.
    pub(crate) fn count(&self, forge: &ForgeId, kind: ForgeKind, now: Timestamp) {
        let [_, (longest, most)] = GITHUB;
        if kind != ForgeKind::Github {
            return;
        }
        let mut roads = self.roads();
        let made = &mut roads.entry(forge.clone()).or_default().made;
        made.push_back(now);
        while made.len() > most || made.front().is_some_and(|at| at.plus(longest) <= now) {
            made.pop_front();
        }
    }

    /// The forge wants to be left alone until then.
    pub(crate) fn pause(&self, forge: &ForgeId, until: Timestamp) {
        let mut roads = self.roads();
        let road = roads.entry(forge.clone()).or_default();
        road.paused_until = road.paused_until.max(Some(until));
    }

    /// A person means that it is enough.
    pub(crate) fn resume(&self, forge: &ForgeId) {
        if let Some(road) = self.roads().get_mut(forge) {
            road.paused_until = None;
        }
    }

    fn roads(&self) -> MutexGuard<'_, HashMap<ForgeId, Road>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ForgeId {
        name.parse().expect("an id")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_forge_takes_a_few_calls_at_once_and_the_others_do_not_notice() {
        let traffic = Traffic::default();
        let mut under_way: Vec<UnderWay> = (0..AT_ONCE).map(|_| traffic.start(&id("slow"))).collect();
        assert_eq!(traffic.closed(at(0)), [id("slow")]);
        assert_eq!(traffic.next_opening(at(0)), None, "a call's end opens it, not the clock");
        drop(under_way.pop());
        assert_eq!(traffic.closed(at(0)), []);
    }

    #[test]
    fn a_pause_ends_by_the_clock_or_by_a_person() {
        let traffic = Traffic::default();
        traffic.pause(&id("hub"), at(60));
        traffic.pause(&id("hub"), at(30));
        assert_eq!((traffic.closed(at(59)), traffic.next_opening(at(0))), (vec![id("hub")], Some(at(60))));
        assert_eq!(traffic.closed(at(60)), []);
        traffic.pause(&id("hub"), at(600));
        traffic.resume(&id("hub"));
        assert_eq!(traffic.closed(at(61)), []);
    }

    #[test]
    fn what_is_made_is_spread_over_minutes_and_hours() {
        let traffic = Traffic::default();
        let make = |count: usize, now| (0..count).for_each(|_| traffic.count(&id("hub"), ForgeKind::Github, at(now)));
        make(71, 0);
        assert_eq!(traffic.closed(at(0)), []);
        make(1, 10);
        assert_eq!((traffic.closed(at(10)), traffic.next_opening(at(10))), (vec![id("hub")], Some(at(60))));
        assert_eq!(traffic.closed(at(60)), []);
        (1..=6).for_each(|minute| make(70, minute * 60 + 60));
        assert_eq!(traffic.next_opening(at(600)), Some(at(3600)), "492 in the hour that began at 0");
        traffic.count(&id("lab"), ForgeKind::Gitlab, at(600));
        assert_eq!(traffic.closed(at(3599)), [id("hub")]);
        assert_eq!(traffic.closed(at(3600)), []);
    }
}
