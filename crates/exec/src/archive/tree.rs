//! What comes out of an archive, on the disk: names are checked, limits kept, links made harmless.

use super::{Limits, damaged, refused, shown};
use crate::ExecError;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::ErrorKind::{AlreadyExists, InvalidFilename, IsADirectory, NotADirectory};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Bytes of a symlink's target; Linux has no longer ones.
pub(super) const LONGEST_TARGET: u64 = 4095;
const DIRECTORY: u32 = 0o755;

/// A directory that is being filled.
pub(super) struct Tree<'a> {
    root: &'a Path,
    limits: Limits,
    archive_bytes: u64,
    entries: u64,
    bytes: u64,
    /// Made last, so that nothing is written through one.
    symlinks: BTreeMap<PathBuf, Vec<u8>>,
    buffer: Vec<u8>,
}

impl<'a> Tree<'a> {
    /// Fills `root`, which is empty, from an archive of this size.
    pub(super) fn new(root: &'a Path, limits: Limits, archive_bytes: u64) -> Self {
        let (symlinks, buffer) = (BTreeMap::new(), vec![0; 128 * 1024]);
        Self { root, limits, archive_bytes, entries: 0, bytes: 0, symlinks, buffer }
    }

    pub(super) fn directory(&mut self, name: &[u8], mode: Option<u32>) -> Result<(), ExecError> {
        self.count()?;
        let Some(path) = self.path(name)? else { return Ok(()) };
        self.symlinks.remove(&path);
        self.make_dirs(&path)?;
        // A directory that its owner can't enter could neither be filled nor removed.
        set_mode(&path, mode.unwrap_or(DIRECTORY) & 0o777 | 0o700)
    }

    pub(super) fn file(&mut self, name: &[u8], mode: u32, content: &mut dyn Read) -> Result<(), ExecError> {
        self.count()?;
        let path = self.path(name)?.ok_or_else(|| refused("it has a file without a name"))?;
        let mut file = self.create(&path)?;
        loop {
            let read = content.read(&mut self.buffer).map_err(damaged)?;
            if read == 0 {
                break;
            }
            self.bytes += read as u64;
            self.check_size()?;
            file.write_all(&self.buffer[..read]).map_err(writing(&path))?;
        }
        set_mode(&path, mode & 0o777 | 0o600)
    }

    pub(super) fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), ExecError> {
        self.count()?;
        let path = self.path(name)?.ok_or_else(|| refused("it has a symlink without a name"))?;
        if target.is_empty() || target.len() as u64 > LONGEST_TARGET || target.contains(&0) {
            return Err(refused(format_args!("the symlink {} points nowhere", shown(name))));
        }
        self.symlinks.insert(path, target.to_vec());
        Ok(())
    }

    /// Another name of a file that came before it: becomes a copy, for a release has no hard links.
    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), ExecError> {
        let source = self.path(target)?.unwrap_or_else(|| self.root.to_owned());
        if let Some(target) = self.symlinks.get(&source).cloned() {
            return self.symlink(name, &target);
        }
        let no_file =
            || refused(format_args!("{} is a link to {}, which is no file in it", shown(name), shown(target)));
        let found = source.symlink_metadata().ok().filter(fs::Metadata::is_file).ok_or_else(no_file)?;
        if self.path(name)?.is_some_and(|path| path == source) {
            return Ok(());
        }
        let mut content = File::open(&source).map_err(ExecError::io(format!("reading {}", source.display())))?;
        self.file(name, found.permissions().mode(), &mut content)
    }

    /// Makes the symlinks. Not one file: nothing to release.
    pub(super) fn finish(self) -> Result<(), ExecError> {
        if self.entries == 0 {
            return Err(refused("it is empty"));
        }
        for (path, target) in &self.symlinks {
            let parent = path.parent().unwrap_or(self.root);
            self.make_dirs(parent)?;
            if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
                fs::remove_file(path).map_err(writing(path))?;
            }
            symlink(OsStr::from_bytes(target), path).map_err(|error| self.cannot_be_made(path, error))?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), ExecError> {
        self.entries += 1;
        if self.entries <= self.limits.entries {
            return Ok(());
        }
        Err(refused(format_args!("it has more than {} entries", self.limits.entries)))
    }

    fn check_size(&self) -> Result<(), ExecError> {
        let Limits { bytes, ratio, free, .. } = self.limits;
        if self.bytes > bytes {
            return Err(refused(format_args!("it unpacks to more than {} MiB", bytes >> 20)));
        }
        if self.bytes > free && self.bytes / ratio > self.archive_bytes {
            return Err(refused(format_args!(
                "it unpacks to more than {ratio} times its size, as only archives do that are made to fill disks"
            )));
        }
        Ok(())
    }

    /// Where an entry of this name goes; `None`: it names the root.
    fn path(&self, name: &[u8]) -> Result<Option<PathBuf>, ExecError> {
        if name.contains(&0) {
            return Err(refused(format_args!("the name {} holds a NUL character", shown(name))));
        }
        if name.first() == Some(&b'/') {
            return Err(refused(format_args!(
                "{} is an absolute path: pack with paths relative to the release",
                shown(name)
            )));
        }
        let mut path = self.root.to_owned();
        let mut is_root = true;
        for part in name.split(|byte| *byte == b'/').filter(|part| !matches!(part, [] | [b'.'])) {
            if part == b".." {
                return Err(refused(format_args!("{} leads out of it", shown(name))));
            }
            path.push(OsStr::from_bytes(part));
            is_root = false;
        }
        Ok((!is_root).then_some(path))
    }

    /// An empty file; what an earlier entry of this name left is replaced.
    fn create(&mut self, path: &Path) -> Result<File, ExecError> {
        self.symlinks.remove(path);
        self.make_dirs(path.parent().unwrap_or(self.root))?;
        File::create(path).map_err(|error| self.cannot_be_made(path, error))
    }

    fn make_dirs(&self, path: &Path) -> Result<(), ExecError> {
        fs::create_dir_all(path).map_err(|error| self.cannot_be_made(path, error))
    }

    fn cannot_be_made(&self, path: &Path, error: io::Error) -> ExecError {
        let name = shown(path.strip_prefix(self.root).unwrap_or(path).as_os_str().as_bytes());
        let kind = error.kind();
        if matches!(kind, AlreadyExists | NotADirectory | IsADirectory) {
            return refused(format_args!("{name} is one thing in it and, later, another"));
        }
        if kind == InvalidFilename {
            return refused(format_args!("the name {name} is too long"));
        }
        writing(path)(error)
    }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> ExecError {
    ExecError::io(format!("writing {}", path.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ExecError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(writing(path))
}
