//! What a job takes of the disk.
//!
//! There is no quota that works on every file system, so the files are counted. Files that were removed while a program
//! holds them open are counted too: they are on the disk, in no directory.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file takes besides its blocks: its inode and its name.
const OF_A_FILE: u64 = 512;

/// How full a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Bytes in all.
    pub(crate) total: u64,
    /// Bytes that are free.
    pub(crate) free: u64,
    /// Files that can still be made.
    pub(crate) files: u64,
}

impl Space {
    /// Of the file system that `path` is on.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let stat = nix::sys::statvfs::statvfs(path).ok()?;
        let unit = stat.fragment_size();
        Some(Self {
            total: stat.blocks().saturating_mul(unit),
            free: stat.blocks_available().saturating_mul(unit),
            files: stat.files_available(),
        })
    }
}

/// Bytes of the disk under `roots`, and of removed files that `processes` hold open.
pub(crate) fn usage(roots: &[PathBuf], processes: &[i32]) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0_u64;
    let mut count = |metadata: &fs::Metadata| {
        // Several names of one file are one file.
        if metadata.nlink() < 2 || metadata.is_dir() || seen.insert((metadata.dev(), metadata.ino())) {
            total = total.saturating_add(metadata.blocks().saturating_mul(512)).saturating_add(OF_A_FILE);
        }
    };
    for root in roots {
        let entries = walkdir::WalkDir::new(root).same_file_system(true).into_iter().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).for_each(|metadata| count(&metadata));
    }
    total.saturating_add(removed_but_open(processes))
}

fn removed_but_open(processes: &[i32]) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0_u64;
    for pid in processes {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        // Following the link of a descriptor asks for the open file itself, whatever its name is now.
        for metadata in descriptors.filter_map(|entry| fs::metadata(entry.path()).ok()) {
            let removed = metadata.is_file() && metadata.nlink() == 0;
            if removed && seen.insert((metadata.dev(), metadata.ino())) {
                total = total.saturating_add(metadata.blocks().saturating_mul(512));
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn files_count_once_however_many_names_they_have() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = fs::File::create(directory.path().join("a")).expect("made");
        file.write_all(&vec![1; 100_000]).expect("written");
        // Some file systems know only then how many blocks it takes.
        file.sync_all().expect("on the disk");
        let roots = [directory.path().to_owned()];
        let one = usage(&roots, &[]);
        assert!(one >= 100_000, "{one}");
        fs::hard_link(directory.path().join("a"), directory.path().join("b")).expect("linked");
        assert!(usage(&roots, &[]) < one + 50_000);
        std::os::unix::fs::symlink("/usr", directory.path().join("c")).expect("linked");
        assert!(usage(&roots, &[]) < one + 50_000, "a link is not followed");
    }

    #[test]
    fn a_removed_file_counts_while_it_is_open() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a");
        let mut file = fs::File::create(&path).expect("made");
        file.write_all(&vec![1; 300_000]).expect("written");
        file.sync_all().expect("on the disk");
        fs::remove_file(&path).expect("removed");
        let own = i32::try_from(std::process::id()).expect("a process id");
        assert!(usage(&[directory.path().to_owned()], &[own]) >= 300_000);
    }
}
