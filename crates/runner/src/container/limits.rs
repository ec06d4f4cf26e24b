//! What a job has used of what the engine does not limit: output and disk.

use super::engine::Engine;
use crate::place::Limits;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The shortest pause between two looks at the disk.
const PAUSE: Duration = Duration::from_secs(10);

/// The engine walks all files to say how much they are: at most this part of the time is spent on it.
const SHARE: u32 = 20;

#[derive(Debug)]
pub(super) struct Used {
    output: AtomicU64,
    most_output: u64,
    most_disk: u64,
}

impl Used {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { output: AtomicU64::new(0), most_output: limits.output, most_disk: limits.disk }
    }

    /// Counts output. The sentence when it is too much.
    pub(super) fn said(&self, bytes: usize) -> Result<(), String> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let all = self.output.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if all <= self.most_output {
            return Ok(());
        }
        Err(format!("the job said more than the {} MiB that its repository may", self.most_output >> 20))
    }

    /// Waits until the container holds more than it may, and says so.
    pub(super) async fn disk_is_full(&self, engine: &Engine, container: &str) -> String {
        let mut pause = PAUSE;
        loop {
            sleep(pause).await;
            let began = Instant::now();
            let seen = engine.api().get(&format!("/containers/{container}/json"), &[("size", "true")]).await;
            // An engine that can't say it limits nothing; that the container is gone is seen elsewhere.
            let written = seen.ok().and_then(|seen| seen["SizeRw"].as_u64());
            if written.is_some_and(|written| written > self.most_disk) {
                return format!(
                    "the job wrote more than the {} MiB of disk that its repository may",
                    self.most_disk >> 20
                );
            }
            pause = PAUSE.max(began.elapsed().saturating_mul(SHARE));
        }
    }
}
