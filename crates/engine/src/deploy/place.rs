//! One host of a run: where it stands, what is known of it, and its connection, which is made anew when it is lost.

use super::journal::Change;
use super::run::{Run, Stop};
use super::stop::jittered;
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::ids::{HostName, ReleaseName};
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_exec::host::{Host, HostTarget};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// For how long a host that had been reached before is tried again: it may be starting anew.
pub(super) const RECONNECTING: Duration = Duration::from_secs(600);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Connections that are kept from one phase to the next. A deployment to more hosts logs in to each anew in each phase,
/// so that memory and file descriptors don't grow with the number of hosts.
const MOST_KEPT: usize = 200;
/// Bytes sent over one connection after which its buffers have grown so much that a new one is cheaper to keep.
const WORN: u64 = 4 << 20;

/// One host of a run.
pub(super) struct Place {
    pub(super) name: HostName,
    /// From 1.
    pub(super) batch: u32,
    /// From 1; part of its hooks' names.
    pub(super) tries: u32,
    /// As in the tables.
    pub(super) state: HostRunState,
    /// What it serves, once it was asked before the switch.
    pub(super) previous: Option<ReleaseName>,
    /// The releases that lay there when it was looked at.
    pub(super) releases: Option<Vec<ReleaseName>>,
    /// Ends the wait for it while it can't be reached.
    pub(super) patience: CancellationToken,
    /// Its row of the grid as it was when the run began.
    cells: BTreeMap<u8, CellState>,
    target: Result<Arc<HostTarget>, String>,
    host: Option<Host>,
    /// Bytes that an upload sent over the connection that is open.
    pub(super) sent: u64,
    /// Its connection was closed because nothing was to be done on it for a while.
    pub(super) has_rested: bool,
}

impl Place {
    /// Whether a step is through; its hook must not run once more.
    pub(super) fn is_through(&self, step: Step) -> bool {
        matches!(self.cells.get(&step.number()), Some(CellState::Succeeded | CellState::Skipped))
    }

    /// Whether a step has begun at any time.
    pub(super) fn has_begun(&self, step: Step) -> bool {
        !matches!(self.cells.get(&step.number()), None | Some(CellState::Waiting | CellState::Skipped))
    }

    /// Whether no step has begun on it.
    pub(super) fn is_untouched(&self) -> bool {
        self.cells.values().all(|state| matches!(state, CellState::Waiting | CellState::Skipped))
    }

    /// Whether it may serve the new release.
    pub(super) fn may_have_switched(&self) -> bool {
        self.state.switched_from().is_some()
    }

    /// Whether it counts against the strategy's `max_failures`.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, HostRunState::Failed { .. } | HostRunState::Held { .. })
    }

    /// How to reach it.
    pub(super) fn target(&self) -> Result<&Arc<HostTarget>, ExecError> {
        self.target.as_ref().map_err(|why| ExecError::Refused(why.clone()))
    }

    /// Whether it is still in the configuration.
    pub(super) fn is_known(&self) -> bool {
        self.target.is_ok()
    }

    /// Its connection, if there is one. Cheap to clone.
    pub(super) fn host(&self) -> Option<Host> {
        self.host.clone()
    }
}

impl Run {
    /// The hosts as the tables have them.
    pub(super) async fn places(&self) -> Result<Vec<Place>, Stop> {
        let store = self.engine.store();
        let mut rows: BTreeMap<HostName, BTreeMap<u8, CellState>> = BTreeMap::new();
        for cell in store.cells(self.deployment.id).await? {
            if let Some(host) = cell.host {
                rows.entry(host).or_default().insert(cell.step, cell.state);
            }
        }
        let runs = store.host_runs(self.deployment.id).await?;
        Ok(runs
            .into_iter()
            .map(|run| Place {
                batch: run.batch,
                tries: run.tries,
                previous: run.state.switched_from().cloned().flatten(),
                state: run.state,
                cells: rows.remove(&run.host).unwrap_or_default(),
                target: self.targets.get(&run.host).cloned().unwrap_or_else(|| Err("the host is not known".into())),
                releases: None,
                patience: self.stop.clone(),
                host: None,
                sent: 0,
                has_rested: false,
                name: run.host,
            })
            .collect())
    }

    /// Moves a host on; `more` is written in the same transaction.
    pub(super) async fn set(
        &self,
        place: &mut Place,
        state: HostRunState,
        more: impl IntoIterator<Item = Change>,
    ) -> Result<(), Stop> {
        let mut changes = vec![Change::Host(place.name.clone(), state.clone())];
        for change in more {
            if let Change::Cell(Some(_), step, cell) = &change {
                place.cells.insert(step.number(), *cell);
            }
            changes.push(change);
        }
        place.state = state;
        self.write(changes).await
    }

    /// Sets a cell of a host.
    pub(super) async fn set_cell(&self, place: &mut Place, step: Step, state: CellState) -> Result<(), Stop> {
        place.cells.insert(step.number(), state);
        self.cell(Some(&place.name), step, state).await
    }

    /// The connection to a host, made when there is none. Nothing is tried twice here.
    pub(super) async fn connect(&self, place: &mut Place, cancel: &CancellationToken) -> Result<Host, ExecError> {
        if let Some(host) = &place.host {
            return Ok(host.clone());
        }
        let host = Host::connect(self.engine.connector(), place.target()?, cancel).await?;
        place.host = Some(host.clone());
        Ok(host)
    }

    /// As [`connect`](Self::connect), for a host in the middle of something: one that does not answer is tried again
    /// for a while.
    pub(super) async fn reach(&self, place: &mut Place, cancel: &CancellationToken) -> Result<Host, ExecError> {
        let end = Instant::now() + RECONNECTING;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect(place, cancel).await {
                Err(error) if error.is_transient() && Instant::now() < end => {
                    tracing::info!(host = %place.name, %error, "trying again to reach a host");
                }
                other => return other,
            }
            if cancel.run_until_cancelled(tokio::time::sleep(jittered(pause))).await.is_none() {
                return Err(ExecError::Cancelled { proof: format!("{} was not reached again", place.name) });
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A phase is over for a host: the next one may have to wait for all others.
    pub(super) async fn rest(&self, place: &mut Place) {
        if self.hosts() > MOST_KEPT || place.sent > WORN {
            self.disconnect(place).await;
            place.has_rested = true;
        }
    }

    /// Drops a connection that is of no use any more.
    pub(super) async fn disconnect(&self, place: &mut Place) {
        if let Some(host) = place.host.take() {
            place.sent = 0;
            host.close().await;
        }
    }
}
