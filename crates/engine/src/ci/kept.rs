//! Files that jobs leave to others: how they get into the data directory, out of it again, and when they go.
//!
//! A file is moved to a name that nobody looks at, hashed, synced, moved to its own name, and only then named by a row.
//! A row goes before its file. So a crash at any point loses nothing that was promised, and leaves at most files that
//! no row names. Those are removed once nobody has written or been given them for a while: the time of a file is when
//! that happened last. Which rows there are is the business of [`super::artifacts`] and [`super::caches`].

use crate::builds::on_disk;
use crate::clock::Clock;
use crate::{Engine, EngineError};
use davit_domain::time::Timestamp;
use davit_store::Store;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Who was given a file reads it within this time.
pub(super) const IN_USE: Duration = Duration::from_secs(3600);
/// Files on their way in begin with this.
const NEW: &str = ".new-";
const SUFFIX: &str = ".tar.gz";
/// Bytes read at a time.
const PIECE: usize = 128 * 1024;

/// What files are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Artifacts,
    Caches,
}

impl Purpose {
    pub(super) const ALL: [Self; 2] = [Self::Artifacts, Self::Caches];

    /// Its directory, below the data directory.
    const fn dir(self) -> &'static str {
        match self {
            Self::Artifacts => "ci/artifacts",
            Self::Caches => "ci/caches",
        }
    }
}

/// The files and the rows that name them.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    pub(super) store: Store,
    pub(super) data_dir: PathBuf,
    pub(super) clock: Clock,
}

/// A file that is in the data directory, and whole on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Below the data directory.
    pub(super) path: String,
    pub(super) size: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl Keeper {
    pub(super) fn of(engine: &Engine) -> Self {
        let (store, data_dir, engine) = (engine.store().clone(), engine.data_dir().to_owned(), engine.clone());
        Self { store, data_dir, clock: Clock::new(move || engine.now()) }
    }

    /// Takes a file in. Until a row names it, it is nobody's.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) async fn take_in(&self, purpose: Purpose, file: &Path) -> Result<Kept, EngineError> {
        let (dir, file, now) = (self.data_dir.join(purpose.dir()), file.to_owned(), self.clock.now());
        let name = format!("{:032x}{SUFFIX}", rand::random::<u128>());
        let path = format!("{}/{name}", purpose.dir());
        let (size, sha256) = on_disk(move || move_in(&file, &dir, &name, now)).await?;
        Ok(Kept { path, size, sha256 })
    }

    /// A file that a row names, for somebody who reads it now. `None`: it is not there, or not what was taken in.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) async fn hand_out(&self, path: &str, sha256: &str) -> Result<Option<PathBuf>, EngineError> {
        let (file, now) = (self.data_dir.join(path), self.clock.now());
        let opened = file.clone();
        let found = on_disk(move || match File::open(&opened) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let opened = opened?;
                // Before it is read: from now on nobody removes it for a while.
                opened.set_modified(system_time(now))?;
                hash(&opened).map(|(_, sha256)| Some(sha256))
            }
        });
        match found.await? {
            Some(found) if found == sha256 => Ok(Some(file)),
            Some(_) => {
                tracing::error!(path, "a kept file is damaged: its content is not what was kept");
                Ok(None)
            }
            None => {
                tracing::error!(path, "a kept file is missing");
                Ok(None)
            }
        }
    }

    /// Removes a file that was taken in and that certainly no row has ever named.
    pub(super) async fn throw_away(&self, kept: &Kept) {
        let file = self.data_dir.join(&kept.path);
        if let Err(error) = on_disk(move || std::fs::remove_file(file)).await {
            tracing::warn!(%error, "a file that nobody needs stays until the next sweep");
        }
    }

    /// Removes files that no row names any more, except those that somebody may be reading: the sweep finds them later.
    pub(super) async fn discard(&self, paths: Vec<String>) {
        let (data_dir, now) = (self.data_dir.clone(), self.clock.now());
        let files = paths.into_iter().map(move |path| data_dir.join(path)).collect();
        if let Err(error) = on_disk(move || remove_unused(files, now)).await {
            tracing::warn!(%error, "files that nobody needs stay until the next sweep");
        }
    }

    /// Removes the files that no row names and nobody may be reading or writing. Returns how many.
    ///
    /// # Errors
    /// When the store does not answer or the disk refuses.
    pub(super) async fn sweep(&self, purpose: Purpose) -> Result<usize, EngineError> {
        let (dir, now) = (self.data_dir.join(purpose.dir()), self.clock.now());
        // The files first: what is taken in while the rows are read is not among them.
        let listed = on_disk(move || list(&dir)).await?;
        let rows = match purpose {
            Purpose::Artifacts => self.store.artifact_paths().await?,
            Purpose::Caches => self.store.cache_paths().await?,
        };
        let named: HashSet<PathBuf> = rows.into_iter().map(|path| self.data_dir.join(path)).collect();
        let left = listed.into_iter().filter(|file| !named.contains(file)).collect();
        on_disk(move || remove_unused(left, now)).await
    }
}

fn move_in(file: &Path, dir: &Path, name: &str, now: Timestamp) -> io::Result<(u64, String)> {
    if !file.symlink_metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is no file", file.display())));
    }
    std::fs::create_dir_all(dir)?;
    let new = dir.join(format!("{NEW}{name}"));
    match std::fs::rename(file, &new) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => std::fs::copy(file, &new).map(drop)?,
        renamed => renamed?,
    }
    let opened = File::options().read(true).write(true).open(&new)?;
    opened.set_permissions(Permissions::from_mode(0o600))?;
    opened.set_modified(system_time(now))?;
    let hashed = hash(&opened)?;
    opened.sync_all()?;
    std::fs::rename(&new, dir.join(name))?;
    // The name, and where this is the first file, the names of the directories.
    for dir in dir.ancestors().take(3) {
        File::open(dir)?.sync_all()?;
    }
    Ok(hashed)
}

/// Size and SHA-256 of a file, from its beginning.
fn hash(mut file: &File) -> io::Result<(u64, String)> {
    let (mut sha256, mut size, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            let digest = sha256.finalize();
            return Ok((size, digest.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        sha256.update(&piece[..read]);
        size += read as u64;
    }
}

fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| entry.map(|entry| entry.path())).collect(),
    }
}

fn remove_unused(files: Vec<PathBuf>, now: Timestamp) -> io::Result<usize> {
    let mut removed = 0;
    for file in files {
        let used = match file.symlink_metadata().and_then(|found| found.modified()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            used => used?,
        };
        if used + IN_USE <= system_time(now) {
            std::fs::remove_file(&file)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0))
}

#[cfg(test)]
pub(super) mod tests;
