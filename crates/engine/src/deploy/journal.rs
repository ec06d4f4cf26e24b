//! Log lines on their way into the store: one writer a run, one sequence a deployment, stored before anybody is told.

use super::run::Stop;
use crate::Engine;
use crate::hub::Topic;
use davit_domain::log::NewLine;
use davit_store::StoreError;
use davit_store::deployments::Deployment;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Lines that may wait for the writer before programs have to wait too.
pub(super) const BACKLOG: usize = 4096;
const BATCH: usize = 512;
/// While the database is away, lines wait and are tried again this often.
const RETRY: Duration = Duration::from_millis(500);
/// After so many tries the run stops and is taken up again later.
const TRIES: u32 = 60;

/// What the writer is given.
pub(super) enum Entry {
    /// A line to store.
    Line(NewLine),
    /// Whoever waits is told when everything before this is stored.
    Flush(oneshot::Sender<()>),
}

/// Stores lines until every sender is gone.
pub(super) async fn write(
    engine: &Engine,
    deployment: &Deployment,
    fence: i64,
    first_seq: i64,
    mut entries: mpsc::Receiver<Entry>,
) -> Result<(), Stop> {
    let mut next_seq = first_seq;
    let mut batch = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        let (mut lines, mut waiting) = (Vec::with_capacity(batch.len()), Vec::new());
        for entry in batch.drain(..) {
            match entry {
                Entry::Line(line) => lines.push(line),
                Entry::Flush(done) => waiting.push(done),
            }
        }
        if !lines.is_empty() {
            next_seq = append(engine, deployment, fence, next_seq, &lines).await? + 1;
            engine.hub().tell_deployment(Topic::Log, deployment.id, &deployment.app, &deployment.environment);
        }
        for done in waiting {
            // Nobody waits any more when the run was ended meanwhile.
            let _ = done.send(());
        }
    }
    Ok(())
}

async fn append(
    engine: &Engine,
    deployment: &Deployment,
    fence: i64,
    first_seq: i64,
    batch: &[NewLine],
) -> Result<i64, Stop> {
    let mut tries = 0;
    loop {
        match engine.store().append_lines(deployment.id, fence, first_seq, batch, &[]).await {
            Ok(last) => return Ok(last),
            Err(error @ StoreError::Unavailable(_)) if tries < TRIES => {
                tracing::warn!(deployment = deployment.id.0, %error, "log lines wait for the database");
                tries += 1;
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
