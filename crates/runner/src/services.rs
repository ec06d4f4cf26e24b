//! What a job needs from the world: its commit, artefacts, caches.
//!
//! Who runs jobs brings an implementation: one that has the database behind it, one that has a directory.

use davit_domain::ids::CommitSha;
use davit_exec::LineSink;
use std::future::Future;
use std::path::{Path, PathBuf};

/// What a job asks for. Files are named by paths of the machine, never of the place in which the job runs.
pub trait Services: Send + Sync {
    /// Puts the files of a commit, and the repository's `.git` where one is to be had, into the new directory `into`: it
    /// does not exist, the one above it does. Nothing in it may hold credentials.
    fn checkout(
        &self,
        request: &CheckoutRequest,
        into: &Path,
        sink: &LineSink,
    ) -> impl Future<Output = Result<CommitSha, ServiceError>> + Send;

    /// Keeps `file`, a `.tar.gz`, as an artefact of the run. The file may be moved away.
    fn save_artifact(
        &self,
        artifact: &NewArtifact,
        file: &Path,
    ) -> impl Future<Output = Result<SavedArtifact, ServiceError>> + Send;

    /// The artefacts of the run, with the `.tar.gz` of each, in the order of their names. None is no error.
    fn load_artifacts(
        &self,
        which: &Selector,
    ) -> impl Future<Output = Result<Vec<(String, PathBuf)>, ServiceError>> + Send;

    /// The newest cache whose key is `key`, else the newest whose key begins with one of `restore_keys` in their order:
    /// its key and its file. `version` must be the same.
    fn restore_cache(
        &self,
        key: &str,
        restore_keys: &[String],
        version: &str,
    ) -> impl Future<Output = Result<Option<(String, PathBuf)>, ServiceError>> + Send;

    /// Keeps `file` as a cache; false where there is one with this key already. The file may be moved away.
    fn save_cache(
        &self,
        key: &str,
        version: &str,
        file: &Path,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;
}

/// What `actions/checkout` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// `ref`: a branch, a tag or a commit; [`None`] is the commit that the run is about.
    pub reference: Option<String>,
    /// `fetch-depth`: how many commits; 0 is all.
    pub depth: u32,
    /// `fetch-tags`.
    pub tags: bool,
    /// `submodules`.
    pub submodules: Submodules,
    /// `lfs`: whether files of Git LFS are fetched.
    pub lfs: bool,
}

impl Default for CheckoutRequest {
    fn default() -> Self {
        Self { reference: None, depth: 1, tags: false, submodules: Submodules::None, lfs: false }
    }
}

/// `submodules` of `actions/checkout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Submodules {
    /// `false`.
    #[default]
    None,
    /// `true`: those of the repository.
    Own,
    /// `recursive`: also those of the submodules.
    Recursive,
}

/// What is known of an artefact before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Its name. It is no path: no `/`, no `..`.
    pub name: String,
    /// `retention-days`; [`None`] is as long as the repository says.
    pub keep_days: Option<u32>,
    /// `overwrite`: whether one with this name goes away. Otherwise there must be none.
    pub overwrite: bool,
}

/// An artefact that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedArtifact {
    /// `steps.<id>.outputs.artifact-id`.
    pub id: String,
    /// `steps.<id>.outputs.artifact-url`: where a person gets it, if there is such a place.
    pub url: Option<String>,
    /// `steps.<id>.outputs.artifact-digest`: SHA-256 of the file, in hex.
    pub digest: String,
}

/// Which artefacts are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The one with this name.
    Name(String),
    /// Those whose names this glob matches.
    Pattern(String),
    /// All.
    All,
}

/// Why a service did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The job asked for what can't be had: its step fails. A sentence for who wrote the workflow.
    #[error("{0}")]
    Refused(String),
    /// It is not the job's fault: the job ends as an error. A sentence for who runs davit.
    #[error("{0}")]
    Failed(String),
}
