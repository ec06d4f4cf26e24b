//! Archives that people upload: tar, tar.gz and zip, unpacked so that nothing in them can do harm.
//!
//! Lives here: telling the formats apart by their content, reading them ([`tar`], [`zip`]), and what may come out of
//! them ([`tree`]). Does not live here: making a build of it ([`crate::build`], which refuses symlinks that lead out).
//!
//! An archive may lie about its sizes, name the same path twice, point outside, or unpack to a thousand times its
//! size. What counts is what is really read, and every write goes to a directory that was made here, never through a
//! symlink: those are made last. Owners, times and all permission bits but `rwx` are left behind.

mod tar;
mod tree;
mod zip;

use crate::ExecError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use tree::Tree;

/// What may come out of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files, directories and symlinks.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// How many times its own size an archive may become.
    pub ratio: u64,
    /// What any archive may become, in bytes, however small it is.
    pub free: u64,
}

/// Far more than what is released anywhere, and less than what fills a server's disk.
impl Default for Limits {
    fn default() -> Self {
        Self { entries: 500_000, bytes: 8 << 30, ratio: 200, free: 256 << 20 }
    }
}

/// Unpacks a tar, tar.gz or zip archive into the new directory `into`. On an error, what was unpacked so far is left
/// to the caller.
///
/// # Errors
/// [`ExecError::Refused`] when it is no such archive, is damaged, encrypted or empty, exceeds the default [`Limits`],
/// or holds a path that leads outside or anything but files, directories and links; [`ExecError::Io`] for the disk.
pub async fn extract(archive: &Path, into: &Path) -> Result<(), ExecError> {
    extract_within(archive, into, Limits::default()).await
}

/// As [`extract`], with other limits.
///
/// # Errors
/// As [`extract`].
pub async fn extract_within(archive: &Path, into: &Path, limits: Limits) -> Result<(), ExecError> {
    let (archive, into) = (archive.to_owned(), into.to_owned());
    match tokio::task::spawn_blocking(move || extract_now(&archive, &into, limits)).await {
        Ok(result) => result,
        Err(error) => Err(ExecError::io("unpacking in the background")(io::Error::other(error))),
    }
}

enum Format {
    Tar,
    TarGz,
    Zip,
}

fn extract_now(archive: &Path, into: &Path, limits: Limits) -> Result<(), ExecError> {
    let what = || format!("reading {}", archive.display());
    let mut file = File::open(archive).map_err(ExecError::io(what()))?;
    let size = file.metadata().map_err(ExecError::io(what()))?.len();
    let format = format(&mut file).map_err(ExecError::io(what()))?;
    std::fs::create_dir(into).map_err(ExecError::io(format!("making {}", into.display())))?;
    let mut tree = Tree::new(into, limits, size);
    match format {
        Some(Format::Tar) => tar::unpack(BufReader::new(file), &mut tree)?,
        Some(Format::TarGz) => tar::unpack(MultiGzDecoder::new(BufReader::new(file)), &mut tree)?,
        Some(Format::Zip) => zip::unpack(archive, &mut tree)?,
        None => return Err(refused("it is neither a tar, a tar.gz nor a zip file")),
    }
    tree.finish()
}

/// What the first bytes say. The name of a file says nothing.
fn format(file: &mut File) -> io::Result<Option<Format>> {
    let mut head = Vec::with_capacity(tar::HEADER);
    file.take(tar::HEADER as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(match &head[..] {
        [0x1f, 0x8b, ..] => Some(Format::TarGz),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
        head if tar::is_header(head) => Some(Format::Tar),
        _ => None,
    })
}

fn refused(why: impl std::fmt::Display) -> ExecError {
    ExecError::Refused(format!("the archive can't be used: {why}"))
}

/// What went wrong while reading says something about the archive, which is a file on our own disk: it is damaged.
fn damaged(error: impl std::fmt::Display) -> ExecError {
    refused(format_args!("it is damaged or cut off ({error}). Make and upload it again"))
}

/// A name for people.
fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&name[..name.len().min(200)]))
}

#[cfg(test)]
mod tests;
