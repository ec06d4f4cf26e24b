//! What is sent to a host: lists, then pieces of the build's own archive, then a trailer. Nothing is packed twice: a
//! delta is some of the archive's members, read from where they lie.

use super::manifest::{Manifest, hex, is_listed, is_odd, line};
use crate::ExecError;
use crate::build::{BLOCK, Build, END_MARK, Entry, Kind, head_length};
use crate::host::layout::Shared;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;
use tokio::sync::OnceCell;

/// How a host makes the release of what it gets.
#[derive(Debug)]
pub(in crate::host) enum Lists {
    /// Of the archive alone; the manifest comes with it.
    Full(Arc<Manifest>),
    /// Of a base and the archive's changed members.
    Delta {
        /// Lines of the base's manifest that are not in the new one.
        drop: Vec<u8>,
        /// Lines that are new.
        add: Vec<u8>,
        /// Lines in both whose entries are not what they were in the base any more.
        again: Vec<u8>,
        /// Paths (`./…`, each ended by a NUL) of what `drop` names and `add` does not have as a directory: what has to
        /// go from a copy of the base.
        gone: Vec<u8>,
    },
    /// Of something that has its manifest, such as an interrupted upload.
    Rest,
}

/// What is sent, the same for every host in the same situation.
#[derive(Debug)]
pub(in crate::host) struct Plan {
    pub(super) lists: Lists,
    /// Pieces of the archive.
    pub(in crate::host) spans: Vec<Range<u64>>,
    /// The last member and the end of the archive.
    pub(in crate::host) tail: Vec<u8>,
    /// Files in it.
    pub(in crate::host) sent_files: u64,
    /// Files with odd names, all of them in it, and their SHA-256.
    pub(in crate::host) odd: Vec<(Vec<u8>, String)>,
    packed: OnceCell<Packed>,
}

/// The whole stream, compressed once.
#[derive(Debug)]
pub(in crate::host) struct Packed {
    path: TempPath,
    pub(super) whole: Range<u64>,
}

impl Plan {
    pub(super) fn full(build: &Build, shared: &Shared, manifest: Arc<Manifest>, trailer: &str) -> Self {
        let chosen: Vec<bool> = build.entries.iter().map(|entry| !shared.covers(&entry.path)).collect();
        Self::new(build, &chosen, Lists::Full(manifest), trailer)
    }

    /// `altered` are sorted paths in the base.
    pub(super) fn delta(target: &Build, base: &Build, altered: &[Vec<u8>], shared: &Shared, trailer: &str) -> Self {
        let altered: HashSet<&[u8]> = altered.iter().map(Vec::as_slice).collect();
        let (mut drop, mut add, mut again, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut chosen: Vec<bool> = target.entries.iter().map(is_odd).collect();
        for (old, new) in pairs(&base.entries, &target.entries) {
            // What was shared before is not in the base's manifest, which the host finds out by the sum of the new one.
            let old = old.filter(|entry| !is_odd(entry));
            let new = new.filter(|number| is_listed(&target.entries[*number], shared));
            match (old, new) {
                (Some(old), Some(number)) if is_same(old, &target.entries[number]) => {
                    if altered.contains(old.path.as_slice()) {
                        again.push(line(old));
                        chosen[number] = true;
                    }
                }
                (old, new) => {
                    if let Some(old) = old
                        && !new.is_some_and(|number| both_directories(old, &target.entries[number]))
                    {
                        gone.extend([b"./", old.path.as_slice(), b"\0"].concat());
                    }
                    drop.extend(old.map(line));
                    if let Some(number) = new {
                        add.push(line(&target.entries[number]));
                        chosen[number] = true;
                    }
                }
            }
        }
        for lines in [&mut drop, &mut add, &mut again] {
            lines.sort_unstable();
        }
        Self::new(
            target,
            &chosen,
            Lists::Delta { drop: drop.concat(), add: add.concat(), again: again.concat(), gone },
            trailer,
        )
    }

    /// `missing` are numbers of lines among the manifest's files, counted from 1.
    pub(super) fn rest(build: &Build, shared: &Shared, manifest: &Manifest, missing: &[u64], trailer: &str) -> Self {
        let mut chosen: Vec<bool> =
            build.entries.iter().map(|entry| is_odd(entry) || !matches!(entry.kind, Kind::File { .. })).collect();
        for number in missing {
            let file = usize::try_from(*number).ok().and_then(|number| manifest.files.get(number.checked_sub(1)?));
            if let Some(entry) = file.and_then(|file| chosen.get_mut(*file as usize)) {
                *entry = true;
            }
        }
        for (chosen, entry) in chosen.iter_mut().zip(build.entries.iter()) {
            *chosen &= !shared.covers(&entry.path);
        }
        Self::new(build, &chosen, Lists::Rest, trailer)
    }

    /// These entries of a build, and no list.
    pub(in crate::host) fn of(build: &Build, chosen: &[bool], trailer: &str) -> Self {
        Self::new(build, chosen, Lists::Rest, trailer)
    }

    fn new(build: &Build, chosen: &[bool], lists: Lists, trailer: &str) -> Self {
        let mut spans: Vec<Range<u64>> = Vec::new();
        let (mut position, mut sent_files, mut odd) = (0, 0, Vec::new());
        for (entry, chosen) in build.entries.iter().zip(chosen) {
            let content = match &entry.kind {
                Kind::File { size, .. } => size.next_multiple_of(BLOCK as u64),
                Kind::Directory { .. } | Kind::Symlink { .. } => 0,
            };
            let end = position + head_length(entry) + content;
            if *chosen {
                match spans.last_mut() {
                    Some(last) if last.end == position => last.end = end,
                    Some(_) | None => spans.push(position..end),
                }
                if let Kind::File { sha256, .. } = &entry.kind {
                    sent_files += 1;
                    if is_odd(entry) {
                        odd.push(([b"./", entry.path.as_slice()].concat(), hex(sha256)));
                    }
                }
            }
            position = end;
        }
        Self { lists, spans, tail: tail(trailer), sent_files, odd, packed: OnceCell::new() }
    }

    /// The lists' bytes, in the order in which they are sent.
    pub(super) fn heads(&self) -> [&[u8]; 4] {
        match &self.lists {
            Lists::Full(manifest) => [&manifest.text, &[], &[], &[]],
            Lists::Delta { drop, add, again, gone } => [drop, add, again, gone],
            Lists::Rest => [&[]; 4],
        }
    }

    /// Bytes of the archive's members.
    pub(in crate::host) fn content(&self) -> u64 {
        self.spans.iter().map(|span| span.end - span.start).sum()
    }

    /// Bytes of the stream as it is.
    pub(super) fn bytes(&self) -> u64 {
        self.content() + (self.heads().iter().map(|head| head.len()).sum::<usize>() + self.tail.len()) as u64
    }

    /// The stream as a gzip file, made by whoever comes first.
    pub(super) async fn packed(self: &Arc<Self>, archive: &Path, work_dir: &Path) -> Result<&Packed, ExecError> {
        let make = || {
            let (plan, archive, work_dir): (_, PathBuf, PathBuf) = (Arc::clone(self), archive.into(), work_dir.into());
            async move {
                let what = format!("compressing what is sent into {}", work_dir.display());
                let packed = tokio::task::spawn_blocking(move || plan.pack(&archive, &work_dir)).await;
                packed.map_err(std::io::Error::other).flatten().map_err(ExecError::io(what))
            }
        };
        self.packed.get_or_try_init(make).await
    }

    fn pack(&self, archive: &Path, work_dir: &Path) -> std::io::Result<Packed> {
        std::fs::create_dir_all(work_dir)?;
        let file = tempfile::Builder::new().prefix("upload-").suffix(".gz").tempfile_in(work_dir)?;
        let mut gzip = GzEncoder::new(BufWriter::new(file), Compression::fast());
        for head in self.heads() {
            gzip.write_all(head)?;
        }
        let mut archive = File::open(archive)?;
        for span in &self.spans {
            archive.seek(SeekFrom::Start(span.start))?;
            let length = span.end - span.start;
            if std::io::copy(&mut (&mut archive).take(length), &mut gzip)? != length {
                return Err(std::io::Error::other("the build's archive is shorter than it has to be: make it again"));
            }
        }
        gzip.write_all(&self.tail)?;
        let file = gzip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        let bytes = file.as_file().metadata()?.len();
        Ok(Packed { path: file.into_temp_path(), whole: 0..bytes })
    }
}

impl Packed {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// An empty member with this name, and the end mark.
fn tail(trailer: &str) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let name = &mut header.as_old_mut().name;
    let length = trailer.len().min(name.len());
    name[..length].copy_from_slice(&trailer.as_bytes()[..length]);
    header.set_size(0);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    [header.as_bytes().as_slice(), &END_MARK].concat()
}

/// Walks two lists that are sorted by path side by side: the old entry and the number of the new one.
fn pairs<'a>(old: &'a [Entry], new: &'a [Entry]) -> impl Iterator<Item = (Option<&'a Entry>, Option<usize>)> {
    let mut old = old.iter().peekable();
    let mut new = new.iter().enumerate().peekable();
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some((_, new))) => old.path.cmp(&new.path),
        };
        let old = if order.is_le() { old.next() } else { None };
        let new = if order.is_ge() { new.next() } else { None };
        Some((old, new.map(|(number, _)| number)))
    })
}

fn both_directories(old: &Entry, new: &Entry) -> bool {
    matches!((&old.kind, &new.kind), (Kind::Directory { .. }, Kind::Directory { .. }))
}

fn is_same(old: &Entry, new: &Entry) -> bool {
    match (&old.kind, &new.kind) {
        (Kind::Directory { mode: old }, Kind::Directory { mode: new }) => old == new,
        (Kind::File { mode: old_mode, sha256: old, .. }, Kind::File { mode: new_mode, sha256: new, .. }) => {
            old == new && old_mode == new_mode
        }
        (Kind::Symlink { target: old }, Kind::Symlink { target: new }) => old == new,
        (Kind::Directory { .. } | Kind::File { .. } | Kind::Symlink { .. }, _) => false,
    }
}
