//! What CI keeps: artefacts of runs, caches of repositories.

use super::Client;
use super::content::Content;
use super::types::{More, Page};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Files that a run keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Artifact {
    /// Its number.
    pub(crate) id: i64,
    /// What the workflow calls it.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it goes.
    pub(crate) expires_at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Files that runs hand on to later ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cache {
    /// Its number.
    pub(crate) id: i64,
    /// The branch whose runs made it, in full.
    pub(crate) git_ref: String,
    /// What workflows call it.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When a run took it last.
    pub(crate) used_at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// An artefact, as a tar.gz.
    pub(crate) async fn artifact(&self, id: i64) -> Result<Content<'_>, Failure> {
        self.open(&["artifacts", &id.to_string()], &[]).await
    }

    /// The caches of a repository.
    pub(crate) async fn caches(&self, forge: &str, repository: &str) -> Result<Page<Cache>, Failure> {
        let query = [("forge", forge.to_owned()), ("repository", repository.to_owned())];
        self.get(&["caches"], &query).await
    }

    /// Takes a cache away.
    pub(crate) async fn delete_cache(&self, id: i64) -> Result<(), Failure> {
        self.delete(&["caches", &id.to_string()]).await
    }
}
