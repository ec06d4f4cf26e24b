//! Builds: what of a checkout is released, as one archive and one manifest.
//!
//! Lives here: choosing the files ([`Filter`]), writing `build.tar`, `manifest.jsonl` and `build.json` into a
//! directory, and loading them again. Does not live here: running hooks before it ([`crate::process`]) and bringing
//! it to hosts ([`crate::host`]).
//!
//! The same files with the same modification time make the same bytes: entries are sorted by path, owners are left
//! out, the one modification time is the caller's (the commit's: a constant would make web caches serve old files).
//! The digest covers names, kinds, modes and contents, not the time.

mod filter;
mod links;
mod manifest;
mod tree;
mod write;

pub(crate) use write::{BLOCK, END_MARK, head_length};

pub use filter::{Filter, FilterMode};
pub use manifest::{Entry, Kind};

use crate::ExecError;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A finished build on the server's disk. Clones share its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The uncompressed tar archive (GNU format, read by GNU and BusyBox tar alike).
    pub archive: PathBuf,
    /// Its size in bytes.
    pub archive_bytes: u64,
    /// How many regular files it holds.
    pub files: u64,
    /// Everything it holds, in the archive's order: sorted by path.
    pub entries: Arc<[Entry]>,
    /// BLAKE3 of the manifest, in hexadecimal digits: equal builds have equal digests.
    pub digest: String,
}

/// Makes a build of what `filter` leaves of `source/build_dir` and writes it into `out_dir`, which is made when
/// missing; a build that was there is replaced. `.git` is never part of it, symlinks stay symlinks.
///
/// # Errors
/// [`ExecError::Refused`] when `build_dir` or a pattern is wrong, nothing is left to release, a file is neither file,
/// directory nor symlink, a symlink leads out of the release, or a file changes meanwhile; [`ExecError::Io`] for the disk.
pub async fn make(
    source: &Path,
    build_dir: &str,
    filter: &Filter,
    modified: Timestamp,
    out_dir: &Path,
) -> Result<Build, ExecError> {
    let (source, build_dir, filter, out_dir) =
        (source.to_owned(), build_dir.to_owned(), filter.clone(), out_dir.to_owned());
    blocking(move || make_now(&source, &build_dir, &filter, modified, &out_dir)).await
}

impl Build {
    /// Loads the build that [`make`] wrote into this directory.
    ///
    /// # Errors
    /// [`ExecError::Refused`] when there is none, it is incomplete, or its manifest or size is not what was written.
    pub async fn load(out_dir: &Path) -> Result<Self, ExecError> {
        let out_dir = out_dir.to_owned();
        blocking(move || load_now(&out_dir)).await
    }
}

const ARCHIVE: &str = "build.tar";
const MANIFEST: &str = "manifest.jsonl";
/// Written last: a directory without it holds no build.
const SEAL: &str = "build.json";

#[derive(Serialize, Deserialize)]
struct Seal {
    version: u32,
    digest: String,
    archive_bytes: u64,
}

/// Counts up when the format changes in a way that old readers would misunderstand.
const VERSION: u32 = 1;

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExecError> + Send + 'static,
) -> Result<T, ExecError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ExecError::io("building in the background")(std::io::Error::other(error))),
    }
}

fn make_now(
    source: &Path,
    build_dir: &str,
    filter: &Filter,
    modified: Timestamp,
    out_dir: &Path,
) -> Result<Build, ExecError> {
    let root = tree::root(source, build_dir)?;
    std::fs::create_dir_all(out_dir).map_err(ExecError::io(format!("making {}", out_dir.display())))?;
    let out_dir = out_dir.canonicalize().map_err(ExecError::io(format!("opening {}", out_dir.display())))?;
    if out_dir.starts_with(&root) {
        let (out, root) = (out_dir.display(), root.display());
        return Err(ExecError::Refused(format!("the build can't be written to {out}: that is inside {root}")));
    }
    let found = tree::list(&root, filter)?;
    if found.is_empty() {
        return Err(ExecError::Refused(format!(
            "there is nothing to release: the file filter leaves no file of build_dir {build_dir:?}"
        )));
    }
    links::check(&found)?;
    remove_if_there(&out_dir.join(SEAL))?;
    let (archive, manifest) = (out_dir.join(ARCHIVE), out_dir.join(MANIFEST));
    let entries = write::archive(&root, found, modified, &archive)?;
    let digest = manifest::write(&entries, &manifest)?;
    let archive_bytes = size_of(&archive)?;
    seal(&out_dir, &Seal { version: VERSION, digest: digest.clone(), archive_bytes })?;
    Ok(assemble(archive, archive_bytes, digest, entries))
}

fn load_now(out_dir: &Path) -> Result<Build, ExecError> {
    let broken = |why: &str| {
        ExecError::Refused(format!("the build in {} can't be used: {why}. Make it again", out_dir.display()))
    };
    let seal = std::fs::read(out_dir.join(SEAL)).map_err(|_| broken("it is missing or was never finished"))?;
    let seal: Seal = serde_json::from_slice(&seal).map_err(|_| broken("its seal is damaged"))?;
    if seal.version != VERSION {
        return Err(broken("another version of davit made it"));
    }
    let (entries, digest) = manifest::read(&out_dir.join(MANIFEST))?;
    if digest != seal.digest {
        return Err(broken("its manifest is not the one that was written"));
    }
    let archive = out_dir.join(ARCHIVE);
    if size_of(&archive)? != seal.archive_bytes {
        return Err(broken("its archive is not as long as the one that was written"));
    }
    Ok(assemble(archive, seal.archive_bytes, digest, entries))
}

fn assemble(archive: PathBuf, archive_bytes: u64, digest: String, entries: Vec<Entry>) -> Build {
    let files = entries.iter().filter(|entry| matches!(entry.kind, Kind::File { .. })).count() as u64;
    Build { archive, archive_bytes, files, entries: entries.into(), digest }
}

fn seal(out_dir: &Path, seal: &Seal) -> Result<(), ExecError> {
    let what = || format!("writing {}", out_dir.join(SEAL).display());
    let mut file = tempfile::NamedTempFile::new_in(out_dir).map_err(ExecError::io(what()))?;
    serde_json::to_writer(&mut file, seal).map_err(|error| ExecError::io(what())(error.into()))?;
    file.flush().and_then(|()| file.as_file().sync_all()).map_err(ExecError::io(what()))?;
    file.persist(out_dir.join(SEAL)).map_err(|error| ExecError::io(what())(error.error))?;
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), ExecError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ExecError::io(format!("removing {}", path.display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn size_of(path: &Path) -> Result<u64, ExecError> {
    std::fs::metadata(path)
        .map(|metadata| metadata.len())
        .map_err(ExecError::io(format!("looking at {}", path.display())))
}
