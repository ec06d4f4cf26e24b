//! Builds that are kept: each made once, named by its content, and used by every deployment that needs it.
//!
//! Lives here: what a build is looked up by ([`key`]), where it lies and how it gets there, and who keeps whom from
//! making it twice or removing it too early ([`Shelf`]). Removing is in [`mod@sweep`], archives that people bring in
//! [`import`], directories that one build leaves to the next in [`caches`]. Making one from a commit is the work of a
//! deployment ([`crate::deploy`]); what is in its directory is [`davit_exec::build`]'s business.
//!
//! `builds/<digest>/` below the data directory appears by one rename, whole and on the disk, and never changes after
//! it. Rows say what it was made from and for whom; a row without a usable directory is a build to be made again.

pub(crate) mod caches;
mod import;
pub(crate) mod key;
mod sweep;

pub(crate) use sweep::sweep;

use crate::{Engine, EngineError};
use davit_domain::ids::{AppKey, EnvironmentKey, ReleaseName};
use davit_domain::time::Timestamp;
use davit_exec::ExecError;
use davit_exec::build::Build;
use std::collections::{BTreeSet, HashMap};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedMutexGuard, RwLock};

/// Directories on their way out begin with this; so no digest does.
const GONE: &str = ".gone-";
/// Directories below `work/` in which an upload is unpacked begin with this.
const UPLOAD: &str = "upload-";

/// What this process has to keep in mind about builds.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Held while a build of this key is made.
    makers: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// Shared by those who choose a build or put one here, until their tables say so; the sweep decides alone.
    choosing: RwLock<()>,
    /// Held while a build is put in its place: different things may make the same content at the same moment.
    placing: tokio::sync::Mutex<()>,
    /// Directories in which something is made that has no deployment.
    workplaces: Mutex<BTreeSet<PathBuf>>,
    /// When the sweep last looked.
    swept: Mutex<Option<Timestamp>>,
}

/// A directory of one's own below `work/`, until it is dropped: then the sweep may take what is left of it.
pub(crate) struct Workplace<'s> {
    pub(crate) dir: PathBuf,
    shelf: &'s Shelf,
}

impl Shelf {
    /// Waits until nobody else in this process makes the build of this key.
    pub(crate) async fn only_maker(&self, key: &str) -> OwnedMutexGuard<()> {
        let maker = {
            let mut makers = self.makers.lock().unwrap_or_else(PoisonError::into_inner);
            makers.retain(|_, maker| maker.strong_count() > 0);
            let known = makers.get(key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let maker = Arc::default();
                makers.insert(key.to_owned(), Arc::downgrade(&maker));
                maker
            })
        };
        maker.lock_owned().await
    }

    fn is_used(&self, dir: &Path) -> bool {
        self.workplaces.lock().unwrap_or_else(PoisonError::into_inner).contains(dir)
    }

    /// While this is held, no build is removed.
    pub(crate) async fn choose(&self) -> tokio::sync::RwLockReadGuard<'_, ()> {
        self.choosing.read().await
    }
}

impl Drop for Workplace<'_> {
    fn drop(&mut self) {
        self.shelf.workplaces.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.dir);
    }
}

impl Engine {
    /// The build with this content, when it is here and whole. The caller's tables keep it (see
    /// [`wanted_builds`](davit_store::Store::wanted_builds)) or it may be swept an hour after its last use.
    pub async fn stored_build(&self, digest: &str) -> Option<Build> {
        let dir = self.build_dir(digest)?;
        match Build::load(&dir).await {
            Ok(build) if build.digest == digest => Some(build),
            Ok(build) => {
                tracing::error!(digest, found = build.digest, "a stored build is not what its name says");
                None
            }
            Err(error) => {
                if dir.exists() {
                    tracing::warn!(digest, %error, "a stored build is damaged");
                }
                None
            }
        }
    }

    /// What a release was made from, when that is still here: hosts that lack the release get it from this.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn build_of_release(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        release: &ReleaseName,
    ) -> Result<Option<Build>, EngineError> {
        let digest = match self.store().deployment(release.deployment()).await? {
            Some(made) if made.app == *app && made.environment == *environment && made.release == *release => {
                made.build
            }
            Some(_) | None => None,
        };
        Ok(match digest {
            Some(digest) => self.stored_build(&digest).await,
            None => None,
        })
    }

    /// Puts a finished build, made in `from` on the same file system, where builds are kept. One that is there
    /// already is used as it is, unless it is damaged.
    ///
    /// The caller [chooses](Shelf::choose) before this, and until its row is stored.
    pub(crate) async fn shelve(&self, digest: &str, from: &Path) -> Result<Build, EngineError> {
        let dir = self
            .build_dir(digest)
            .ok_or_else(|| EngineError::Unavailable(format!("{digest:?} is not the digest of a build")))?;
        let _alone = self.shelf().placing.lock().await;
        if self.stored_build(digest).await.is_none() {
            let (from, to) = (from.to_owned(), dir.clone());
            on_disk(move || put_in_place(&from, &to)).await?;
        }
        Ok(Build::load(&dir).await?)
    }

    /// The directory of a build; `None` for what is no digest.
    fn build_dir(&self, digest: &str) -> Option<PathBuf> {
        is_digest(digest).then(|| self.builds_dir().join(digest))
    }

    fn builds_dir(&self) -> PathBuf {
        self.data_dir().join("builds")
    }

    fn caches_dir(&self) -> PathBuf {
        self.data_dir().join("caches")
    }

    pub(crate) fn work_dir(&self) -> PathBuf {
        self.data_dir().join("work")
    }

    /// A directory for work that is no deployment's; swept when a killed process leaves it.
    pub(crate) async fn workplace(&self) -> Result<Workplace<'_>, EngineError> {
        let (shelf, dir) = (self.shelf(), self.work_dir().join(format!("{UPLOAD}{:016x}", rand::random::<u64>())));
        shelf.workplaces.lock().unwrap_or_else(PoisonError::into_inner).insert(dir.clone());
        let place = Workplace { dir: dir.clone(), shelf };
        on_disk(move || std::fs::create_dir_all(dir)).await?;
        Ok(place)
    }
}

fn is_digest(name: &str) -> bool {
    name.len() == blake3::OUT_LEN * 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Everything that a build consists of is on the disk already; now its name is, too.
fn put_in_place(from: &Path, to: &Path) -> io::Result<()> {
    let parent = to.parent().ok_or_else(|| io::Error::other("a build has a directory above it"))?;
    std::fs::create_dir_all(parent)?;
    sync_dir(from)?;
    if to.symlink_metadata().is_ok() {
        discard(to)?;
    }
    match std::fs::rename(from, to) {
        // Another process was faster with the same content.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
        renamed => renamed?,
    }
    sync_dir(parent)
}

/// Takes a directory away: at once for whoever looks for it, then from the disk.
fn discard(dir: &Path) -> io::Result<()> {
    let gone = dir.with_file_name(format!("{GONE}{:016x}", rand::random::<u64>()));
    match std::fs::rename(dir, &gone) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.and_then(|()| remove_tree(&gone)),
    }
}

/// Removes a directory, when it is there, also where hooks left directories that nobody may write.
pub(crate) fn remove_tree(dir: &Path) -> io::Result<()> {
    let removed = match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(dir)?;
            std::fs::remove_dir_all(dir)
        }
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn make_writable(dir: &Path) -> io::Result<()> {
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Work on files that may take a while.
pub(crate) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| ExecError::io("the data directory of the server")(error).into())
}
