//! One build on its way to many hosts: what is worked out for one of them serves all others in the same situation.

use super::manifest::Manifest;
use super::plan::Plan;
use crate::ExecError;
use crate::build::Build;
use crate::host::layout::Shared;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// How what has not changed gets into a new release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unchanged {
    /// A copy; by reflink where the file system can.
    #[default]
    Copy,
    /// A hard link: the fastest, for apps that never write into a release.
    Hardlink,
}

/// Which files are checked on the host by checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Those that were sent.
    #[default]
    Sent,
    /// All of the release.
    Full,
}

/// Whether what is sent is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compress {
    /// On ways of 3 ms and more.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a build gets to hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferOptions {
    /// What becomes of unchanged files.
    pub unchanged: Unchanged,
    /// What is checked.
    pub verify: Verify,
    /// What is compressed.
    pub compress: Compress,
}

/// A build to be sent, shared by all hosts of a deployment.
#[derive(Debug)]
pub struct Upload {
    pub(super) build: Build,
    pub(super) options: TransferOptions,
    /// The last member of every stream, which no build has.
    pub(super) trailer: String,
    work_dir: PathBuf,
    manifests: Mutex<HashMap<Shared, Slot<Manifest>>>,
    plans: Mutex<HashMap<Key, Slot<Plan>>>,
}

type Slot<T> = Arc<OnceCell<Arc<T>>>;

/// What a plan depends on: shared paths, and for a delta the base's digest and what was altered on the host.
type Key = (Shared, Option<(String, Vec<Vec<u8>>)>);

/// Plans kept for other hosts. Hosts that differ more than this from each other each work out their own.
const MOST_PLANS: usize = 16;

impl Upload {
    /// Nothing is done yet. Compressed streams are kept in `work_dir`, which is made when one is needed, and go when
    /// the upload is dropped.
    #[must_use]
    pub fn new(build: Build, work_dir: impl Into<PathBuf>, options: TransferOptions) -> Self {
        Self {
            build,
            options,
            trailer: format!(".davit-end-{:032x}", rand::random::<u128>()),
            work_dir: work_dir.into(),
            manifests: Mutex::default(),
            plans: Mutex::default(),
        }
    }

    /// The build.
    #[must_use]
    pub const fn build(&self) -> &Build {
        &self.build
    }

    pub(super) fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    pub(super) async fn manifest(&self, shared: &Shared) -> Result<Arc<Manifest>, ExecError> {
        let slot = slot(&self.manifests, shared.clone(), usize::MAX);
        let make = || {
            let (build, shared) = (self.build.clone(), shared.clone());
            async move { off_thread(move || Manifest::new(&build.entries, &shared)).await }
        };
        slot.get_or_try_init(make).await.cloned()
    }

    /// Everything.
    pub(super) async fn full(&self, shared: &Shared) -> Result<Arc<Plan>, ExecError> {
        let manifest = self.manifest(shared).await?;
        let slot = slot(&self.plans, (shared.clone(), None), MOST_PLANS);
        let make = || {
            let (build, shared, trailer) = (self.build.clone(), shared.clone(), self.trailer.clone());
            async move { off_thread(move || Plan::full(&build, &shared, manifest, &trailer)).await }
        };
        slot.get_or_try_init(make).await.cloned()
    }

    /// What a host lacks that has a release of `build`, in which these paths are not what they were any more.
    pub(super) async fn delta(
        &self,
        shared: &Shared,
        build: &Build,
        mut altered: Vec<Vec<u8>>,
    ) -> Result<Arc<Plan>, ExecError> {
        altered.sort_unstable();
        let slot = slot(&self.plans, (shared.clone(), Some((build.digest.clone(), altered.clone()))), MOST_PLANS);
        let make = || {
            let (target, base, shared) = (self.build.clone(), build.clone(), shared.clone());
            let trailer = self.trailer.clone();
            async move { off_thread(move || Plan::delta(&target, &base, &altered, &shared, &trailer)).await }
        };
        slot.get_or_try_init(make).await.cloned()
    }

    /// What an interrupted upload lacks: the files with these numbers in the manifest.
    pub(super) async fn rest(&self, shared: &Shared, missing: Vec<u64>) -> Result<Arc<Plan>, ExecError> {
        let manifest = self.manifest(shared).await?;
        let (build, shared, trailer) = (self.build.clone(), shared.clone(), self.trailer.clone());
        off_thread(move || Plan::rest(&build, &shared, &manifest, &missing, &trailer)).await
    }
}

/// Where the value for a key is, or will be. Beyond `most` keys the slot is the caller's alone.
fn slot<K: Eq + std::hash::Hash, T>(slots: &Mutex<HashMap<K, Slot<T>>>, key: K, most: usize) -> Slot<T> {
    let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
    if slots.len() >= most && !slots.contains_key(&key) {
        return Slot::default();
    }
    Arc::clone(slots.entry(key).or_default())
}

/// Comparing 100,000 entries takes long enough to be in the way of other tasks.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<Arc<T>, ExecError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map(Arc::new).map_err(|error| ExecError::io("comparing builds")(std::io::Error::other(error)))
}
