//! What the measurements have in common: a real davit to measure, what it costs, and tables to print.
//!
//! Each binary below `src/bin` does one and the same work with davit and with what people would use otherwise, on one
//! machine, in one run, and prints the ratios. Nothing here fails because something is slow: a figure is for people.

pub mod cost;
pub mod davit;
pub mod hosts;
pub mod peers;
pub mod process;
pub mod releases;
pub mod repository;
pub mod table;
pub mod tree;

use std::path::PathBuf;
use std::time::Duration;

/// A new directory on a real disk: below `DAVIT_BENCH_DIR`, else in `target/`, since `/tmp` is often memory.
///
/// # Errors
/// When it can't be made.
pub fn directory() -> anyhow::Result<tempfile::TempDir> {
    let default = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"));
    let below = std::env::var_os("DAVIT_BENCH_DIR").map_or_else(default, PathBuf::from);
    std::fs::create_dir_all(&below)?;
    Ok(tempfile::Builder::new().prefix("davit-bench-").tempdir_in(below.canonicalize()?)?)
}

/// A number from the environment, to make a run longer or shorter.
#[must_use]
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The value below which `share` (0 to 1) of the sorted durations lie.
#[must_use]
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list that fits in memory"
    )]
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The middle one; the lower of two.
#[must_use]
pub fn median(durations: &[Duration]) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// How many of something a second.
#[must_use]
pub fn rate(count: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of at most millions")]
    let count = count as f64;
    count / time.as_secs_f64().max(f64::EPSILON)
}
