//! The calls that this process makes at this moment, and until when they are its own.
//!
//! A lease ends by a clock that people and NTP set, and a machine may sleep for longer than one. Whoever looks for calls to
//! make renews those of this process first, by the same reading of the clock: so it never takes its own away from itself,
//! and makes none twice.

use super::{LEASE, RENEW};
use crate::Engine;
use davit_domain::time::Timestamp;
use davit_store::StoreError;
use davit_store::outbox::OutboxRow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All of them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<HashMap<i64, Lease>>>);

#[derive(Debug)]
struct Lease {
    row: OutboxRow,
    /// When it was last prolonged.
    since: Timestamp,
}

/// A call is this process's own until this is dropped.
#[derive(Debug)]
pub(super) struct Making {
    held: Held,
    row: OutboxRow,
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut leases = self.held.leases();
        // Given back a moment ago, it may be claimed again.
        if leases.get(&self.row.id).is_some_and(|lease| lease.row.attempts == self.row.attempts) {
            leases.remove(&self.row.id);
        }
    }
}

impl Held {
    fn leases(&self) -> MutexGuard<'_, HashMap<i64, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This process has claimed a call.
    pub(super) fn begin(&self, row: &OutboxRow, now: Timestamp) -> Making {
        self.leases().insert(row.id, Lease { row: row.clone(), since: now });
        Making { held: self.clone(), row: row.clone() }
    }

    /// Those that are to be renewed.
    fn old(&self, now: Timestamp) -> Vec<OutboxRow> {
        // A clock may be set back as well.
        let is_old = |lease: &&Lease| now < lease.since || now >= lease.since.plus(RENEW);
        self.leases().values().filter(is_old).map(|lease| lease.row.clone()).collect()
    }

    /// Prolongs what is to be renewed at `now`.
    pub(super) async fn renew(&self, engine: &Engine, now: Timestamp) -> Result<(), StoreError> {
        for row in self.old(now) {
            // One that is lost is noticed by whoever makes it.
            if engine.store().renew_outbox(&row, now.plus(LEASE)).await?
                && let Some(lease) = self.leases().get_mut(&row.id)
            {
                lease.since = now;
            }
        }
        Ok(())
    }
}
