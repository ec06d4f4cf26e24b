//! What jobs of a working copy ask for: artefacts of this run, and caches in the user's cache directory.

use super::working_copy::WorkingCopy;
use davit_ci::Pattern;
use davit_domain::ids::CommitSha;
use davit_domain::log::Stream;
use davit_exec::{LineSink, OutputLine};
use davit_runner::{CheckoutRequest, NewArtifact, SavedArtifact, Selector, ServiceError, Services};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of caches that are kept; the oldest go first.
const MOST_CACHED: u64 = 5 << 30;

/// A directory that plays the server.
#[derive(Debug)]
pub(super) struct Local {
    working_copy: WorkingCopy,
    snapshot: PathBuf,
    artifacts: PathBuf,
    caches: PathBuf,
    /// The artefacts of this run.
    saved: Mutex<BTreeMap<String, PathBuf>>,
}

impl Local {
    /// Keeps things below `directory`, which is this working copy's alone. Artefacts of earlier runs go away.
    pub(super) fn new(working_copy: WorkingCopy, snapshot: PathBuf, directory: &Path) -> io::Result<Self> {
        let (artifacts, caches) = (directory.join("artifacts"), directory.join("caches"));
        match fs::remove_dir_all(&artifacts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::create_dir_all(&artifacts)?;
        fs::create_dir_all(&caches)?;
        Ok(Self { working_copy, snapshot, artifacts, caches, saved: Mutex::default() })
    }

    /// The artefacts of this run.
    pub(super) fn artifacts(&self) -> Vec<(String, PathBuf)> {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.iter().map(|(name, path)| (name.clone(), path.clone())).collect()
    }

    /// Every cache with this version, the newest first.
    fn cached(&self, version: &str) -> io::Result<Vec<(String, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.caches)? {
            let directory = entry?.path();
            let Ok(key) = fs::read_to_string(directory.join("key")) else { continue };
            if fs::read_to_string(directory.join("version")).ok().as_deref() == Some(version) {
                found.push((modified(&directory), key, directory.join("archive")));
            }
        }
        found.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        Ok(found.into_iter().map(|(_, key, archive)| (key, archive)).collect())
    }

    /// Keeps a cache under a name that no other has, whole or not at all.
    fn keep(&self, key: &str, version: &str, file: &Path) -> io::Result<bool> {
        let name = hex(&Sha256::digest(format!("{version}\n{key}")));
        let directory = self.caches.join(&name);
        if directory.exists() {
            return Ok(false);
        }
        let new = tempfile::tempdir_in(&self.caches)?;
        fs::copy(file, new.path().join("archive"))?;
        fs::write(new.path().join("key"), key)?;
        fs::write(new.path().join("version"), version)?;
        let kept = fs::rename(new.path(), &directory);
        self.forget_old()?;
        // Another run may have been first: then it has what this one would keep.
        Ok(kept.is_ok())
    }

    fn forget_old(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.caches)? {
            let directory = entry?.path();
            let size = fs::metadata(directory.join("archive")).map_or(0, |metadata| metadata.len());
            all.push((modified(&directory), size, directory));
        }
        all.sort();
        let mut total: u64 = all.iter().map(|(_, size, _)| size).sum();
        for (_, size, directory) in all {
            if total <= MOST_CACHED {
                break;
            }
            fs::remove_dir_all(directory)?;
            total -= size;
        }
        Ok(())
    }
}

impl Services for Local {
    async fn checkout(
        &self,
        request: &CheckoutRequest,
        into: &Path,
        sink: &LineSink,
    ) -> Result<CommitSha, ServiceError> {
        let text = match &request.reference {
            None => "The working copy, with what is not committed".to_owned(),
            Some(reference) => format!("`{reference}` of the working copy"),
        };
        // Nobody needs to listen.
        let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
        let commit = self.working_copy.checkout(request, &self.snapshot, into).await?;
        commit.parse().map_err(|_| ServiceError::Failed(format!("git says that `{commit}` is a commit")))
    }

    async fn save_artifact(&self, artifact: &NewArtifact, file: &Path) -> Result<SavedArtifact, ServiceError> {
        let path = self.artifacts.join(format!("{}.tar.gz", artifact.name));
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.contains_key(&artifact.name) && !artifact.overwrite {
            let reason = format!("the run has an artefact `{}` already; `overwrite` replaces it", artifact.name);
            return Err(ServiceError::Refused(reason));
        }
        let mut hash = Sha256::new();
        let copied = fs::copy(file, &path).and_then(|_| io::copy(&mut File::open(&path)?, &mut HashWriter(&mut hash)));
        copied.map_err(failed)?;
        saved.insert(artifact.name.clone(), path.clone());
        let url = Some(format!("file://{}", path.display()));
        Ok(SavedArtifact { id: artifact.name.clone(), url, digest: hex(&hash.finalize()) })
    }

    async fn load_artifacts(&self, which: &Selector) -> Result<Vec<(String, PathBuf)>, ServiceError> {
        let mut all = self.artifacts();
        match which {
            Selector::All => {}
            Selector::Name(name) => all.retain(|(known, _)| known == name),
            Selector::Pattern(pattern) => {
                let pattern = Pattern::parse(pattern).map_err(|error| ServiceError::Refused(error.to_string()))?;
                all.retain(|(known, _)| pattern.matches(known));
            }
        }
        Ok(all)
    }

    async fn restore_cache(
        &self,
        key: &str,
        restore_keys: &[String],
        version: &str,
    ) -> Result<Option<(String, PathBuf)>, ServiceError> {
        let all = self.cached(version).map_err(failed)?;
        let exact = all.iter().find(|(known, _)| known == key);
        let begins = |prefix: &String| all.iter().find(|(known, _)| known.starts_with(prefix.as_str()));
        Ok(exact.or_else(|| [key.to_owned()].iter().chain(restore_keys).find_map(begins)).cloned())
    }

    async fn save_cache(&self, key: &str, version: &str, file: &Path) -> Result<bool, ServiceError> {
        self.keep(key, version, file).map_err(failed)
    }
}

/// Hashes what is written to it.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn failed(error: io::Error) -> ServiceError {
    ServiceError::Failed(format!("the cache directory can't be used: {error}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
