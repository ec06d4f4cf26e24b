//! The manifest: one JSON line an entry. Its BLAKE3 is the identity of a build.

use crate::ExecError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// One entry of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the release, without a trailing `/`. In JSON, `%` and what is not printable is `%XX`.
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    pub path: Vec<u8>,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes.
        size: u64,
        /// Where its content begins in the archive, in bytes: it can be read without the rest.
        offset: u64,
        /// BLAKE3 of the content.
        #[serde(serialize_with = "write_hash", deserialize_with = "read_hash")]
        blake3: [u8; 32],
        /// SHA-256 of the content: what `sha256sum` on a host says.
        #[serde(serialize_with = "write_hash", deserialize_with = "read_hash")]
        sha256: [u8; 32],
    },
    /// A symlink.
    Symlink {
        /// Where it points, as it was found.
        #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
        target: Vec<u8>,
    },
}

/// Writes the manifest through to the disk and returns its BLAKE3 in hexadecimal digits.
pub(super) fn write(entries: &[Entry], path: &Path) -> Result<String, ExecError> {
    let what = || format!("writing {}", path.display());
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(ExecError::io(what()))?);
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        let mut line = serde_json::to_vec(entry).map_err(|error| ExecError::io(what())(error.into()))?;
        line.push(b'\n');
        hasher.update(&line);
        file.write_all(&line).map_err(ExecError::io(what()))?;
    }
    file.flush().and_then(|()| file.get_ref().sync_all()).map_err(ExecError::io(what()))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The entries and the BLAKE3 of what was read.
pub(super) fn read(path: &Path) -> Result<(Vec<Entry>, String), ExecError> {
    let file = std::fs::File::open(path).map_err(ExecError::io(format!("opening {}", path.display())))?;
    let mut hasher = blake3::Hasher::new();
    let mut entries = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(ExecError::io(format!("reading {}", path.display())))?;
        hasher.update(&line);
        hasher.update(b"\n");
        entries.push(serde_json::from_slice(&line).map_err(|error| {
            let (path, number) = (path.display(), entries.len() + 1);
            ExecError::Refused(format!(
                "line {number} of the manifest {path} is damaged: {error}. Make the build again"
            ))
        })?);
    }
    Ok((entries, hasher.finalize().to_hex().to_string()))
}

/// Bytes as text that gives the same bytes back: UTF-8 stays readable.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '%' || char.is_control() {
                char.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
            } else {
                text.push(char);
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
    }
    text
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape(bytes))
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    unescape(&text).ok_or_else(|| D::Error::custom("a % without two hexadecimal digits"))
}

fn write_hash<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(blake3::Hash::from_bytes(*hash).to_hex().as_str())
}

fn read_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    blake3::Hash::from_hex(text).map(|hash| *hash.as_bytes()).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_survives_json() {
        let all: Vec<u8> = (1..=255).collect();
        for name in [&b"plain name.txt"[..], "größe/年".as_bytes(), b"100%", b"a\nb", b"\xff\xfe", &all] {
            assert_eq!(unescape(&escape(name)).as_deref(), Some(name));
        }
        assert_eq!(escape("größe 年\n%".as_bytes()), "größe 年%0A%25");
        assert_eq!(unescape("%e"), None);
        assert_eq!(unescape("%é"), None);
    }
}
