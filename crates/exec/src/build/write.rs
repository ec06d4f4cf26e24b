//! The archive: a GNU tar, written with the bytes of names as they are (the `tar` crate's own `append_*` tidy paths
//! up, which changes symlink targets).

use super::manifest::{Entry, Kind};
use super::tree::Found;
use crate::ExecError;
use davit_domain::time::Timestamp;
use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tar::{EntryType, Header};

/// Writes everything that was found below `root` into one archive, through to the disk, and says what went in.
pub(super) fn archive(
    root: &Path,
    found: BTreeMap<Vec<u8>, Found>,
    modified: Timestamp,
    archive: &Path,
) -> Result<Vec<Entry>, ExecError> {
    let what = || format!("writing {}", archive.display());
    let file = File::create(archive).map_err(ExecError::io(what()))?;
    let mut tar = Tar {
        out: BufWriter::with_capacity(256 * 1024, file),
        position: 0,
        mtime: u64::try_from(modified.millis() / 1000).unwrap_or(0),
        buffer: vec![0; 128 * 1024],
    };
    let mut entries = Vec::with_capacity(found.len());
    for (path, found) in found {
        let kind = match found {
            Found::Directory { mode } => {
                let name = [&path[..], b"/"].concat();
                tar.head(EntryType::Directory, &name, b"", mode, 0).map_err(ExecError::io(what()))?;
                Kind::Directory { mode }
            }
            Found::Symlink { target } => {
                tar.head(EntryType::Symlink, &path, &target, 0o777, 0).map_err(ExecError::io(what()))?;
                Kind::Symlink { target }
            }
            Found::File { mode, size } => {
                tar.head(EntryType::Regular, &path, b"", mode, size).map_err(ExecError::io(what()))?;
                tar.content(root, &path, mode, size, archive)?
            }
        };
        entries.push(Entry { path, kind });
    }
    tar.finish().map_err(ExecError::io(what()))?;
    Ok(entries)
}

/// A tar archive is made of these.
pub(crate) const BLOCK: usize = 512;

/// The zero blocks that end a tar archive.
pub(crate) const END_MARK: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// How many bytes stand before an entry's content in an archive that [`archive`] wrote.
pub(crate) fn head_length(entry: &Entry) -> u64 {
    let (name, link) = match &entry.kind {
        Kind::Directory { .. } => (entry.path.len() + 1, 0),
        Kind::File { .. } => (entry.path.len(), 0),
        Kind::Symlink { target } => (entry.path.len(), target.len()),
    };
    let long = |length: usize| if length > NAME { BLOCK + (length + 1).next_multiple_of(BLOCK) } else { 0 };
    (long(link) + long(name) + BLOCK) as u64
}

/// The bytes of a name that fit into a header; longer ones get an entry of their own before it.
const NAME: usize = 100;

struct Tar {
    out: BufWriter<File>,
    position: u64,
    mtime: u64,
    buffer: Vec<u8>,
}

impl Tar {
    fn head(&mut self, kind: EntryType, name: &[u8], link: &[u8], mode: u32, size: u64) -> io::Result<()> {
        if link.len() > NAME {
            self.long(EntryType::GNULongLink, link)?;
        }
        if name.len() > NAME {
            self.long(EntryType::GNULongName, name)?;
        }
        let header = header(kind, name, link, mode, size, self.mtime);
        self.write(header.as_bytes())
    }

    fn long(&mut self, kind: EntryType, text: &[u8]) -> io::Result<()> {
        let header = header(kind, b"././@LongLink", b"", 0o644, text.len() as u64 + 1, 0);
        self.write(header.as_bytes())?;
        self.write(text)?;
        self.write(&[0])?;
        self.pad()
    }

    /// Copies a file's content, which must still be what the walk saw: as long, and no symlink.
    fn content(&mut self, root: &Path, path: &[u8], mode: u32, size: u64, archive: &Path) -> Result<Kind, ExecError> {
        let offset = self.position;
        let source = root.join(OsStr::from_bytes(path));
        let reading = || format!("reading {}", source.display());
        let file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(&source)
            .map_err(ExecError::io(reading()))?;
        // One byte more than expected shows that the file grew.
        let mut file = file.take(size + 1);
        let (mut blake3, mut sha256) = (blake3::Hasher::new(), Sha256::new());
        let mut left = size;
        loop {
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = file.read(&mut buffer).map_err(ExecError::io(reading()))?;
            let more = left.checked_sub(read as u64);
            if read == 0 && left == 0 {
                self.buffer = buffer;
                break;
            }
            let (Some(more), true) = (more, read > 0) else {
                let name = source.display();
                return Err(ExecError::Refused(format!(
                    "{name} changed while the build was made: let no hook leave a process behind that writes there"
                )));
            };
            left = more;
            blake3.update(&buffer[..read]);
            sha256.update(&buffer[..read]);
            self.write(&buffer[..read]).map_err(ExecError::io(format!("writing {}", archive.display())))?;
            self.buffer = buffer;
        }
        self.pad().map_err(ExecError::io(format!("writing {}", archive.display())))?;
        let (blake3, sha256) = (*blake3.finalize().as_bytes(), sha256.finalize().into());
        Ok(Kind::File { mode, size, offset, blake3, sha256 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn pad(&mut self) -> io::Result<()> {
        let over = usize::try_from(self.position % BLOCK as u64).map_err(io::Error::other)?;
        self.write(&[0; BLOCK][..(BLOCK - over) % BLOCK])
    }

    /// Two empty blocks end an archive; a whole record of 20 spares GNU tar a warning.
    fn finish(mut self) -> io::Result<()> {
        self.write(&END_MARK)?;
        while !self.position.is_multiple_of(20 * BLOCK as u64) {
            self.write(&[0; BLOCK])?;
        }
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

fn header(kind: EntryType, name: &[u8], link: &[u8], mode: u32, size: u64, mtime: u64) -> Header {
    let mut header = Header::new_gnu();
    let fields = header.as_old_mut();
    let (name, link) = (&name[..name.len().min(NAME)], &link[..link.len().min(NAME)]);
    fields.name[..name.len()].copy_from_slice(name);
    fields.linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_size(size);
    header.set_cksum();
    header
}
