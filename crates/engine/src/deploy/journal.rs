//! What a run writes down: log lines, each with how far its hook was read, and what changed on hosts and in the grid.
//!
//! One writer a run. Lines form one sequence and are stored before anybody is told of them; whatever many hosts write
//! at the same moment shares one transaction. A line that was said before a change is stored before it.

use super::stop::{Stop, patiently};
use crate::Engine;
use crate::hub::Topic;
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::ids::{HostName, ReleaseName};
use davit_domain::log::{NewLine, Step};
use davit_domain::time::Timestamp;
use davit_store::deployments::Deployment;
use davit_store::logs::OutputMark;
use davit_store::releases::ReleaseState;
use davit_store::{StoreError, Tx};
use std::collections::HashMap;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Lines that may wait for the writer before programs have to wait too. A line may be long.
pub(super) const BACKLOG: usize = 1024;
const BATCH: usize = 512;

/// What the writer is given.
pub(super) enum Entry {
    /// A line to store; of a hook's output, with the place where it ends.
    Line(NewLine, Option<OutputMark>),
    /// Changes to make in one transaction. Whoever waits is told when they and everything before them are durable.
    Write(Vec<Change>, oneshot::Sender<()>),
}

/// One thing that is different now. To make it twice is to make it once.
#[derive(Debug)]
pub(super) enum Change {
    /// Where a host stands.
    Host(HostName, HostRunState),
    /// A cell of the grid; without a host, the server's.
    Cell(Option<HostName>, Step, CellState),
    /// What a host serves.
    Live(HostName, Option<ReleaseName>),
    /// What became of this deployment's release on a host.
    Release(HostName, ReleaseState),
}

impl Change {
    /// Makes it, in the transaction of whatever goes with it.
    pub(super) async fn make(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        deployment: &Deployment,
        fence: i64,
    ) -> Result<(), StoreError> {
        let (id, app, environment) = (deployment.id, &deployment.app, &deployment.environment);
        match self {
            Self::Host(host, state) => tx.set_host_run(id, fence, host, state, now).await,
            Self::Cell(host, step, state) => tx.set_cell(id, fence, host.as_ref(), step.number(), *state, now).await,
            Self::Live(host, Some(release)) => {
                tx.set_live(app, environment, host, release, release.deployment(), now).await
            }
            Self::Live(host, None) => tx.clear_live(app, environment, host).await,
            Self::Release(host, state) => {
                let (release, commit) = (&deployment.release, &deployment.commit);
                tx.record_release(release, host, app, environment, id, commit, *state, now).await
            }
        }
    }
}

/// Whose journal it is.
pub(super) struct Journal<'a> {
    pub(super) engine: &'a Engine,
    pub(super) deployment: &'a Deployment,
    pub(super) fence: i64,
    /// Ends the wait for a database that is away.
    pub(super) stop: &'a CancellationToken,
}

impl Journal<'_> {
    /// Writes until every sender is gone.
    pub(super) async fn keep(&self, mut entries: mpsc::Receiver<Entry>) -> Result<(), Stop> {
        let store = self.engine.store();
        let mut next_seq = patiently(self.stop, || async { Ok(store.last_seq(self.deployment.id).await?) }).await? + 1;
        let mut batch = Vec::with_capacity(BATCH);
        while entries.recv_many(&mut batch, BATCH).await > 0 {
            let (mut lines, mut changes, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
            let mut marks = HashMap::new();
            for entry in batch.drain(..) {
                match entry {
                    Entry::Line(line, mark) => {
                        lines.push(line);
                        if let Some(mark) = mark {
                            marks.insert((mark.host.clone(), mark.hook.clone()), mark);
                        }
                    }
                    Entry::Write(more, done) => {
                        changes.extend(more);
                        waiting.push(done);
                    }
                }
            }
            if !lines.is_empty() {
                let marks: Vec<OutputMark> = marks.into_values().collect();
                next_seq = self.append(next_seq, &lines, &marks).await? + 1;
                self.tell(Topic::Log);
            }
            if !changes.is_empty() {
                patiently(self.stop, || self.apply(&changes)).await?;
                self.tell(Topic::Deployment);
            }
            for done in waiting {
                // Nobody waits any more when the run was ended meanwhile.
                let _ = done.send(());
            }
        }
        Ok(())
    }

    async fn append(&self, first_seq: i64, lines: &[NewLine], marks: &[OutputMark]) -> Result<i64, Stop> {
        let (store, id) = (self.engine.store(), self.deployment.id);
        patiently(self.stop, || async { Ok(store.append_lines(id, self.fence, first_seq, lines, marks).await?) }).await
    }

    async fn apply(&self, changes: &[Change]) -> Result<(), Stop> {
        let mut tx = self.engine.store().begin().await?;
        for change in changes {
            change.make(&mut tx, self.engine.now(), self.deployment, self.fence).await?;
        }
        Ok(tx.commit().await?)
    }

    fn tell(&self, topic: Topic) {
        let deployment = self.deployment;
        self.engine.hub().tell_deployment(topic, deployment.id, &deployment.app, &deployment.environment);
    }
}
