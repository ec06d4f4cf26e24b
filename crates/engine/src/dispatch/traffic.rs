//! What goes out to each forge and channel: how many calls at once, how many in a time, and the pauses that it asked for.
//!
//! Each is counted alone, so that a slow or angry one takes nothing from the others. Known to this process only:
//! several processes on one database each keep their own count, and refusals bring them in line.

use davit_domain::config::{ChannelKind, ForgeKind};
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;
use davit_store::outbox::Target;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Calls to one target at the same time.
const AT_ONCE: usize = 4;

/// How many calls a target takes in a time. One call of the outbox may make two things, and as many as may be under way
/// are not counted yet, so each number is a little below the target's own.
type Limits = &'static [(Duration, usize)];

/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> "content-generating requests": 80
/// a minute and 500 an hour.
const GITHUB: Limits = &[(Duration::from_secs(60), 72), (Duration::from_secs(3600), 492)];
/// 20 messages a minute and robot: DingTalk locks a robot out for ten minutes at the 21st
/// (<https://open.dingtalk.com/document/robots/custom-robot-access>), WeCom refuses it
/// (<https://developer.work.weixin.qq.com/document/path/91770>).
const TWENTY_A_MINUTE: Limits = &[(Duration::from_secs(60), 16)];
/// 100 a minute and 5 a second (<https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>).
const FEISHU: Limits = &[(Duration::from_secs(1), 3), (Duration::from_secs(60), 95)];
/// One a second, with bursts (<https://api.slack.com/apis/rate-limits>).
const SLACK: Limits = &[(Duration::from_secs(10), 10)];

const fn limits_of_forge(kind: ForgeKind) -> Limits {
    match kind {
        ForgeKind::Github => GITHUB,
        ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => &[],
    }
}

const fn limits_of_channel(kind: ChannelKind) -> Limits {
    match kind {
        ChannelKind::Dingtalk | ChannelKind::Wecom => TWENTY_A_MINUTE,
        ChannelKind::Feishu => FEISHU,
        ChannelKind::Slack => SLACK,
        ChannelKind::Mattermost | ChannelKind::Email | ChannelKind::Sms | ChannelKind::Webhook => &[],
    }
}

/// The traffic to everybody. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic(Arc<Mutex<HashMap<Target, Road>>>);

/// The traffic to one target.
#[derive(Debug, Default)]
struct Road {
    under_way: usize,
    /// When things were made there, oldest first; only where a limit counts them.
    made: VecDeque<Timestamp>,
    limits: Limits,
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
        self.limits.iter().filter_map(of_limit).chain(paused).max()
    }
}

/// A call that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    traffic: Traffic,
    target: Target,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(road) = self.traffic.roads().get_mut(&self.target) {
            road.under_way = road.under_way.saturating_sub(1);
        }
    }
}

impl Traffic {
    /// Who takes no call now.
    pub(crate) fn closed(&self, now: Timestamp) -> Vec<Target> {
        let is_closed = |road: &Road| road.under_way >= AT_ONCE || road.opens(now).is_some();
        self.roads().iter().filter(|(_, road)| is_closed(road)).map(|(target, _)| target.clone()).collect()
    }

    /// When time alone opens a closed one next.
    pub(crate) fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.roads().values().filter_map(|road| road.opens(now)).min()
    }

    /// Until when somebody takes no call; `None`: they take them.
    pub(crate) fn closed_until(&self, target: &Target, now: Timestamp) -> Option<Timestamp> {
        self.roads().get(target).and_then(|road| road.opens(now))
    }

    /// As [`closed_until`](Self::closed_until), of a forge.
    pub(crate) fn paused_until(&self, forge: &ForgeId, now: Timestamp) -> Option<Timestamp> {
        self.closed_until(&Target::Forge(forge.clone()), now)
    }

    /// A call starts.
    pub(crate) fn start(&self, target: &Target) -> UnderWay {
        self.roads().entry(target.clone()).or_default().under_way += 1;
        UnderWay { traffic: self.clone(), target: target.clone() }
    }

    /// Something is made at a forge.
    pub(crate) fn count(&self, forge: &ForgeId, kind: ForgeKind, now: Timestamp) {
        self.note(&Target::Forge(forge.clone()), limits_of_forge(kind), now);
    }

    /// A message goes to a channel.
    pub(crate) fn count_message(&self, target: &Target, kind: ChannelKind, now: Timestamp) {
        self.note(target, limits_of_channel(kind), now);
    }

    fn note(&self, target: &Target, limits: Limits, now: Timestamp) {
        let Some((longest, most)) = limits.last() else { return };
        let mut roads = self.roads();
        let road = roads.entry(target.clone()).or_default();
        road.limits = limits;
        road.made.push_back(now);
        while road.made.len() > *most || road.made.front().is_some_and(|at| at.plus(*longest) <= now) {
            road.made.pop_front();
        }
    }

    /// A forge wants to be left alone until then.
    pub(crate) fn pause(&self, forge: &ForgeId, until: Timestamp) {
        self.close(&Target::Forge(forge.clone()), until);
    }

    /// Somebody wants to be left alone until then.
    pub(crate) fn close(&self, target: &Target, until: Timestamp) {
        let mut roads = self.roads();
        let road = roads.entry(target.clone()).or_default();
        road.paused_until = road.paused_until.max(Some(until));
    }

    /// A person means that it is enough.
    pub(crate) fn resume(&self, target: &Target) {
        if let Some(road) = self.roads().get_mut(target) {
            road.paused_until = None;
        }
    }

    fn roads(&self) -> MutexGuard<'_, HashMap<Target, Road>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ForgeId {
        name.parse().expect("an id")
    }

    fn to(name: &str) -> Target {
        Target::Forge(id(name))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_forge_takes_a_few_calls_at_once_and_the_others_do_not_notice() {
        let traffic = Traffic::default();
        let mut under_way: Vec<UnderWay> = (0..AT_ONCE).map(|_| traffic.start(&to("slow"))).collect();
        assert_eq!(traffic.closed(at(0)), [to("slow")]);
        assert_eq!(traffic.next_opening(at(0)), None, "a call's end opens it, not the clock");
        drop(under_way.pop());
        assert_eq!(traffic.closed(at(0)), []);
    }

    #[test]
    fn a_pause_ends_by_the_clock_or_by_a_person() {
        let traffic = Traffic::default();
        traffic.pause(&id("hub"), at(60));
        traffic.pause(&id("hub"), at(30));
        assert_eq!((traffic.closed(at(59)), traffic.next_opening(at(0))), (vec![to("hub")], Some(at(60))));
        assert_eq!(traffic.closed(at(60)), []);
        traffic.pause(&id("hub"), at(600));
        traffic.resume(&to("hub"));
        assert_eq!(traffic.closed(at(61)), []);
    }

    #[test]
    fn what_is_made_is_spread_over_minutes_and_hours() {
        let traffic = Traffic::default();
        let make = |count: usize, now| (0..count).for_each(|_| traffic.count(&id("hub"), ForgeKind::Github, at(now)));
        make(71, 0);
        assert_eq!(traffic.closed(at(0)), []);
        make(1, 10);
        assert_eq!((traffic.closed(at(10)), traffic.next_opening(at(10))), (vec![to("hub")], Some(at(60))));
        assert_eq!(traffic.closed(at(60)), []);
        (1..=6).for_each(|minute| make(70, minute * 60 + 60));
        assert_eq!(traffic.next_opening(at(600)), Some(at(3600)), "492 in the hour that began at 0");
        traffic.count(&id("lab"), ForgeKind::Gitlab, at(600));
        assert_eq!(traffic.closed(at(3599)), [to("hub")]);
        assert_eq!(traffic.closed(at(3600)), []);
    }

    #[test]
    fn a_robot_is_spared_the_lock_out() {
        let traffic = Traffic::default();
        let ops = Target::Channel("ops".parse().expect("an id"));
        (0..16).for_each(|_| traffic.count_message(&ops, ChannelKind::Dingtalk, at(0)));
        assert_eq!((traffic.closed(at(59)), traffic.next_opening(at(0))), (vec![ops.clone()], Some(at(60))));
        assert_eq!(traffic.closed(at(60)), []);
        (0..99).for_each(|_| traffic.count_message(&ops, ChannelKind::Webhook, at(60)));
        assert_eq!(traffic.closed(at(61)), []);
    }
}
