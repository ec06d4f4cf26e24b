//! Directories that one build of an app leaves to the next: dependencies that were fetched, what a compiler made.
//!
//! They are copies: what a hook does to its own can't spoil another's, and only a build that went well leaves one.
//! Nothing here may fail a deployment: without a cache a build is slower, never different.
//!
//! `caches/<app>/<BLAKE3 of the path>/` below the data directory, with a lock file beside it: who copies out of a cache
//! keeps it in place meanwhile, who brings a new one takes its turn. The last of several builds wins.

use super::{on_disk, remove_tree};
use crate::{Engine, EngineError};
use davit_domain::ids::AppKey;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// One cached directory of an app.
#[derive(Debug, Clone)]
struct Place {
    /// In the checkout.
    here: PathBuf,
    /// Where it is kept.
    kept: PathBuf,
}

impl Engine {
    /// Copies what the last build left at `path` into a checkout. False: there is nothing, or the checkout has
    /// something there already, which counts more.
    pub(crate) async fn restore_cache(&self, app: &AppKey, checkout: &Path, path: &str) -> Result<bool, EngineError> {
        let (place, checkout) = (self.cache(app, checkout, path), checkout.to_owned());
        on_disk(move || restore(&place, &checkout)).await
    }

    /// Keeps what a build left at `path` for the next one. False: it left nothing there. In `scratch`, a directory of
    /// the build's own on the same file system, lies what is on its way.
    pub(crate) async fn save_cache(
        &self,
        app: &AppKey,
        checkout: &Path,
        path: &str,
        scratch: &Path,
    ) -> Result<bool, EngineError> {
        let (place, checkout) = (self.cache(app, checkout, path), checkout.to_owned());
        let scratch = scratch.join(format!("cache-{:016x}", rand::random::<u64>()));
        on_disk(move || save(&place, &checkout, &scratch)).await
    }

    fn cache(&self, app: &AppKey, checkout: &Path, path: &str) -> Place {
        let name = blake3::hash(path.as_bytes()).to_hex();
        let kept = self.caches_dir().join(app.as_str()).join(name.as_str());
        Place { here: checkout.join(path), kept }
    }
}

fn restore(place: &Place, checkout: &Path) -> io::Result<bool> {
    if !place.kept.is_dir() {
        return Ok(false);
    }
    let lock = lock_file(&place.kept)?;
    lock.lock_shared()?;
    let parent = place.here.parent().unwrap_or(checkout);
    fs::create_dir_all(parent)?;
    if !parent.canonicalize()?.starts_with(checkout.canonicalize()?) || place.here.symlink_metadata().is_ok() {
        return Ok(false);
    }
    match copy_tree(&place.kept, &place.here) {
        Ok(()) => Ok(true),
        Err(error) => {
            // Half a cache is worse than none.
            remove_tree(&place.here)?;
            Err(error)
        }
    }
}

fn save(place: &Place, checkout: &Path, scratch: &Path) -> io::Result<bool> {
    let is_there = place.here.symlink_metadata().is_ok_and(|found| found.is_dir());
    if !is_there || !place.here.canonicalize()?.starts_with(checkout.canonicalize()?) {
        return Ok(false);
    }
    let (coming, going) = (scratch.join("coming"), scratch.join("going"));
    fs::create_dir_all(scratch)?;
    fs::create_dir_all(place.kept.parent().unwrap_or(&place.kept))?;
    copy_tree(&place.here, &coming)?;
    let lock = lock_file(&place.kept)?;
    lock.lock()?;
    match fs::rename(&place.kept, &going) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => fs::rename(&coming, &place.kept)?,
    }
    drop(lock);
    remove_tree(scratch).map(|()| true)
}

fn lock_file(kept: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(kept.with_extension("lock"))
}

/// Files with their permissions and times (tools decide by them what is fresh), directories, symlinks as they are.
/// Nothing is followed; what is neither is left out. The system shares blocks where the file system can do that.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
            let modified = entry.metadata()?.modified()?;
            let copied = File::options().write(true).open(&target).or_else(|_| File::open(&target))?;
            copied.set_modified(modified)?;
        }
    }
    let metadata = fs::metadata(from)?;
    let copied = File::open(to)?;
    copied.set_modified(metadata.modified()?)?;
    copied.set_permissions(metadata.permissions())
}
