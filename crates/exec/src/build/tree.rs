//! Listing what is there: the walk through a build directory. Nothing is followed, nothing is read.

use super::filter::{Filter, Matcher, Verdict};
use crate::ExecError;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Directory { mode: u32 },
    File { mode: u32, size: u64 },
    Symlink { target: Vec<u8> },
}

/// The directory that is built, resolved, and certainly inside `source`.
pub(super) fn root(source: &Path, build_dir: &str) -> Result<PathBuf, ExecError> {
    let refuse = |why: &str| Err(ExecError::Refused(format!("build_dir {build_dir:?} can't be released: {why}")));
    for component in Path::new(build_dir).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) if name != OsStr::new(".git") => {}
            Component::Normal(_) => return refuse(".git is never released"),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return refuse("name a directory of the repository, without '..' or a leading '/'");
            }
        }
    }
    let source = source.canonicalize().map_err(ExecError::io(format!("opening {}", source.display())))?;
    let Ok(root) = source.join(build_dir).canonicalize() else {
        return refuse("the checkout has no such directory after its hooks ran");
    };
    if !root.starts_with(&source) {
        return refuse("it is a symlink that leads out of the checkout");
    }
    if !root.is_dir() {
        return refuse("it is not a directory");
    }
    Ok(root)
}

/// Everything below `root` that the filter keeps, sorted by the bytes of the path, with the directories it needs.
pub(super) fn list(root: &Path, filter: &Filter) -> Result<BTreeMap<Vec<u8>, Found>, ExecError> {
    let matcher = Matcher::new(filter)?;
    let mut kept = BTreeMap::new();
    let mut waiting = vec![Directory { path: PathBuf::new(), kept: false }];
    while let Some(directory) = waiting.pop() {
        let absolute = root.join(&directory.path);
        let what = || format!("reading {}", absolute.display());
        for child in std::fs::read_dir(&absolute).map_err(ExecError::io(what()))? {
            let child = child.map_err(ExecError::io(what()))?;
            if child.file_name() == OsStr::new(".git") {
                continue;
            }
            let path = directory.path.join(child.file_name());
            let kind = child.file_type().map_err(ExecError::io(what()))?;
            let verdict = matcher.verdict(&path, kind.is_dir(), directory.kept);
            if verdict == Verdict::Keep {
                keep_parents(root, &path, &mut kept)?;
                kept.insert(path.as_os_str().as_bytes().to_vec(), look_at(&root.join(&path), &path)?);
            }
            if kind.is_dir() && verdict != Verdict::Prune {
                waiting.push(Directory { path, kept: verdict == Verdict::Keep });
            }
        }
    }
    Ok(kept)
}

struct Directory {
    path: PathBuf,
    kept: bool,
}

/// A chosen file needs its directories, also those that were not chosen themselves.
fn keep_parents(root: &Path, path: &Path, kept: &mut BTreeMap<Vec<u8>, Found>) -> Result<(), ExecError> {
    for parent in path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty()) {
        let key = parent.as_os_str().as_bytes();
        if kept.contains_key(key) {
            break;
        }
        kept.insert(key.to_vec(), look_at(&root.join(parent), parent)?);
    }
    Ok(())
}

fn look_at(absolute: &Path, path: &Path) -> Result<Found, ExecError> {
    let what = || format!("looking at {}", absolute.display());
    let metadata = std::fs::symlink_metadata(absolute).map_err(ExecError::io(what()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        Ok(Found::Directory { mode })
    } else if metadata.is_file() {
        Ok(Found::File { mode, size: metadata.len() })
    } else if metadata.is_symlink() {
        let target = std::fs::read_link(absolute).map_err(ExecError::io(what()))?;
        Ok(Found::Symlink { target: target.into_os_string().as_bytes().to_vec() })
    } else {
        Err(ExecError::Refused(format!(
            "{path:?} is a socket, pipe or device; a release holds files, directories and symlinks: exclude it"
        )))
    }
}
