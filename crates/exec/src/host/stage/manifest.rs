//! The manifest that stays on a host beside each release: what davit put there, to be compared and checked by simple
//! tools.
//!
//! One line an entry, sorted by bytes: `F 644 <SHA-256>  ./path`, `L 777 <SHA-256 of the target>  ./path`,
//! `D 755 <64 dashes>  ./path`. The columns are fixed, so `cut` gets at `SHA-256  ./path` and `KIND ./path` without
//! looking at the path. Entries under shared paths are not listed, nor are names with a line ending in them.

use crate::build::{Entry, Kind};
use crate::host::layout::Shared;
use sha2::{Digest, Sha256};

/// A build's manifest, as a host gets it.
#[derive(Debug)]
pub(in crate::host) struct Manifest {
    pub(super) text: Vec<u8>,
    pub(super) sha256: String,
    /// The entries of the lines that are files, in the text's order.
    pub(super) files: Vec<u32>,
}

impl Manifest {
    pub(super) fn new(entries: &[Entry], shared: &Shared) -> Self {
        let mut lines: Vec<(Vec<u8>, u32)> = Vec::with_capacity(entries.len());
        for (number, entry) in (0..).zip(entries) {
            if is_listed(entry, shared) {
                lines.push((line(entry), number));
            }
        }
        lines.sort_unstable();
        let files = lines.iter().filter(|(line, _)| line.starts_with(b"F")).map(|(_, number)| *number).collect();
        let mut text = Vec::with_capacity(lines.iter().map(|(line, _)| line.len()).sum());
        lines.into_iter().for_each(|(line, _)| text.extend(line));
        let sha256 = hex(&Sha256::digest(&text));
        Self { text, sha256, files }
    }
}

/// Whether an entry has a line in the manifest.
pub(super) fn is_listed(entry: &Entry, shared: &Shared) -> bool {
    !is_odd(entry) && !shared.covers(&entry.path)
}

/// A name that a line can't hold.
pub(in crate::host) fn is_odd(entry: &Entry) -> bool {
    entry.path.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// The line of an entry, with its line feed.
pub(super) fn line(entry: &Entry) -> Vec<u8> {
    let head = match &entry.kind {
        Kind::Directory { mode } => format!("D {mode:03o} {:-<64}", ""),
        Kind::File { mode, sha256, .. } => format!("F {mode:03o} {}", hex(sha256)),
        Kind::Symlink { target } => format!("L 777 {}", hex(&Sha256::digest(target))),
    };
    [head.as_bytes(), b"  ./", &entry.path, b"\n"].concat()
}

pub(in crate::host) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
