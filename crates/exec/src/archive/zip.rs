//! Reading zip archives, entry by entry: an index of all of them in memory would be another way to fill it.

use super::tree::{LONGEST_TARGET, Tree};
use super::{damaged, refused, shown};
use crate::ExecError;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

/// Where an archive says nothing of permissions.
const FILE: u32 = 0o644;

pub(super) fn unpack(archive: &Path, tree: &mut Tree<'_>) -> Result<(), ExecError> {
    let open = || {
        let file = File::open(archive).map_err(ExecError::io(format!("reading {}", archive.display())));
        file.map(BufReader::new)
    };
    let (index, mut contents) = (open()?, open()?);
    // Names in the index and before the content must be the same: who checked one of them has checked both.
    let mut index = ZipIterable::try_new(index, Default::default()).map_err(said)?.enforce_header_consistency(true);
    for entry in index.files().map_err(said)? {
        let entry = entry.map_err(said)?;
        let name = entry.name_raw().to_vec();
        if name.contains(&b'\\') {
            return Err(refused(format_args!("{} has a \\ in it: pack it with / between directories", shown(&name))));
        }
        if entry.encrypted() {
            return Err(refused(format_args!("{} is encrypted: pack it without a password", shown(&name))));
        }
        let (mode, is_dir, is_symlink) = (entry.unix_mode(), entry.is_dir(), entry.is_symlink());
        if is_dir {
            tree.directory(&name, mode)?;
            continue;
        }
        let mut content = entry.with_reader(&mut contents, ZipReadOptions::new()).map_err(said)?;
        if is_symlink {
            let mut target = Vec::new();
            content.take(LONGEST_TARGET + 1).read_to_end(&mut target).map_err(damaged)?;
            tree.symlink(&name, &target)?;
        } else {
            tree.file(&name, mode.unwrap_or(FILE), &mut content)?;
        }
    }
    Ok(())
}

fn said(error: ZipError) -> ExecError {
    if let ZipError::CompressionMethodNotSupported(method) = error {
        let known = CompressionMethod::DEFLATE;
        return refused(format_args!("it is compressed by method {method}: use {known}, which all tools have"));
    }
    damaged(error)
}
