//! How long the way to a host is, from what is asked anyway: opening a channel takes one round trip.

use super::{HostKind, HostTarget};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The quickest round trip so far: those of a busy host take longer than its way is.
pub(super) struct Pace {
    is_here: bool,
    quickest: AtomicU64,
}

impl Pace {
    pub(super) fn of(target: &HostTarget) -> Self {
        let is_loopback = target.address == "localhost"
            || target.address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let is_here = target.kind == HostKind::Local || (is_loopback && target.jump.is_empty());
        Self { is_here, quickest: AtomicU64::new(u64::MAX) }
    }

    pub(super) fn note(&self, took: Duration) {
        self.quickest.fetch_min(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// `None` for this machine, and before anything was asked.
    pub(super) fn quickest(&self) -> Option<Duration> {
        let quickest = self.quickest.load(Ordering::Relaxed);
        (!self.is_here && quickest != u64::MAX).then(|| Duration::from_micros(quickest))
    }
}
