//! Forgets what is long over, so that a server that nobody looks after does not fill its disk.

use crate::Engine;
use davit_domain::time::Timestamp;
use davit_store::retention::Cutoffs;
use std::time::Duration;

const DAY: u64 = 24 * 3600;
/// Logs of deployments, after their end.
const LOGS: Duration = Duration::from_secs(180 * DAY);
/// Deliveries, with their bodies. Forges keep them for three days.
const DELIVERIES: Duration = Duration::from_secs(60 * DAY);
/// Calls to forges, after they were made or given up.
const CALLS: Duration = Duration::from_secs(30 * DAY);
/// Sessions that ended.
const SESSIONS: Duration = Duration::from_secs(DAY);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(3600);

/// How long what people did is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Entries of the feed.
    pub feed: Duration,
    /// Recordings of terminals, after their end.
    pub recordings: Duration,
}

/// Two years, and ninety days.
impl Default for Keep {
    fn default() -> Self {
        Self { feed: Duration::from_secs(730 * DAY), recordings: Duration::from_secs(90 * DAY) }
    }
}

/// Looks every hour until the process drains; for the first time soon after the start.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        match engine.store().forget(&cutoffs(engine.now())).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot what was long over"),
            Err(error) => tracing::warn!(%error, "what is long over can't be forgotten now"),
        }
        match engine.forget_feed().await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "forgot the oldest entries of the feed"),
            Err(error) => tracing::warn!(%error, "old entries of the feed can't be forgotten now"),
        }
        if let Err(error) = engine.forget_recordings().await {
            tracing::warn!(%error, "old recordings can't be forgotten now");
        }
        if drain.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

fn cutoffs(now: Timestamp) -> Cutoffs {
    let ago = |age: Duration| Timestamp::from_millis(now.millis() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    Cutoffs { logs: ago(LOGS), deliveries: ago(DELIVERIES), calls: ago(CALLS), sessions: ago(SESSIONS) }
}
