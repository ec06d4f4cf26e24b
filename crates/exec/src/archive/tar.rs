//! Reading tar archives: ustar, GNU and pax, whoever made them.

use super::tree::Tree;
use super::{damaged, refused, shown};
use crate::ExecError;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes of a header.
pub(super) const HEADER: usize = 512;

/// What headers may take between two entries: names of any sensible length. The reader keeps them in memory.
const MOST_HEADERS: u64 = 1 << 20;

/// Whether an archive begins with this: a header with the right sum, of whatever dialect.
pub(super) fn is_header(head: &[u8]) -> bool {
    let Ok(head) = <&[u8; HEADER]>::try_from(head) else { return false };
    let header = tar::Header::from_byte_slice(head);
    let sum = head.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) });
    header.cksum().is_ok_and(|said| said == sum.sum::<u32>())
}

pub(super) fn unpack(reader: impl Read, tree: &mut Tree<'_>) -> Result<(), ExecError> {
    let budget = Rc::new(Cell::new(MOST_HEADERS));
    let mut archive = tar::Archive::new(Metered { reader, budget: Rc::clone(&budget) });
    let mut entries = archive.entries().map_err(damaged)?;
    loop {
        budget.set(MOST_HEADERS);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(damaged)?;
        // From here on, the tree counts.
        budget.set(u64::MAX);
        let name = entry.path_bytes().into_owned();
        let mode = entry.header().mode().unwrap_or(0o644);
        let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_file() && name.ends_with(b"/") {
            tree.directory(&name, Some(mode))?;
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            tree.file(&name, mode, &mut entry)?;
        } else if kind.is_symlink() {
            tree.symlink(&name, &target)?;
        } else if kind.is_hard_link() {
            tree.hard_link(&name, &target)?;
        } else if kind.is_pax_global_extensions() {
            // What `git archive` says of the commit.
            drain(&mut entry, MOST_HEADERS)?;
        } else {
            let name = shown(&name);
            return Err(refused(format_args!("{name} is a device, a pipe or something else that can't be released")));
        }
    }
    // What follows the end is padding; behind it a compressed archive has its checksum.
    budget.set(u64::MAX);
    let Metered { mut reader, .. } = archive.into_inner();
    drain(&mut reader, MOST_HEADERS)
}

/// Reads to the end, which must not be far.
fn drain(reader: &mut impl Read, most: u64) -> Result<(), ExecError> {
    let read = io::copy(&mut reader.take(most), &mut io::sink()).map_err(damaged)?;
    if read < most { Ok(()) } else { Err(damaged("there is too much behind its end")) }
}

/// A reader that gives no more than its budget: the parser reads long names into memory, however long they are.
struct Metered<R> {
    reader: R,
    budget: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let budget = self.budget.get();
        if budget == 0 {
            return Err(io::Error::other("a name in it is too long"));
        }
        let most = usize::try_from(budget).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(&mut buffer[..most])?;
        self.budget.set(budget - read as u64);
        Ok(read)
    }
}
