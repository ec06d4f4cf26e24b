//! The actions that are built in, and what they share: inputs, and finding files in the place.
//!
//! The place finds, hashes and packs files, never the server: a job may have put anything into its workspace.

mod artifacts;
mod cache;
mod checkout;

pub(crate) use cache::NewCache;

use crate::job::{Fault, Running};
use crate::search::{Search, is_in};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of a list of files.
const MOST_LISTED: u64 = 64 << 20;

/// Writes the paths below each of the directories into a file, each with a NUL behind it. `files`: what is a file, or a
/// link to one; `kept`: what is a file or a link; `all`: everything; `same`: the paths themselves, if they are there.
const LIST: &str = r#"out=$1; kind=$2; shift 2
: >"$out" || exit 1
for path do
  [ -e "$path" ] || [ -h "$path" ] || continue
  case $kind in
    files) find -L "$path" -type f -print0 ;;
    kept) find "$path" \( -type f -o -type l \) -print0 ;;
    all) find "$path" -print0 ;;
    same) printf '%s\0' "$path" ;;
  esac >>"$out" 2>/dev/null
done
exit 0"#;

/// Writes the SHA-256 of every file of a list into a file, one a line. The name behind it may begin with a `\`.
const HASH: &str = r#"xargs -0 sha256sum <"$1" >"$2.names" && sed -e 's/^\\//' "$2.names" | cut -c 1-64 >"$2""#;

/// What [`LIST`] lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Files,
    Kept,
    All,
    Same,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Kept => "kept",
            Self::All => "all",
            Self::Same => "same",
        }
    }
}

impl<S> Running<'_, S> {
    /// `hashFiles`: one hash of the files of the workspace that patterns name, in the order of their paths; empty where
    /// there are none.
    pub(crate) async fn hash_files(&mut self, patterns: &[String]) -> Result<String, Fault> {
        let search = Search::parse(patterns.iter().map(String::as_str), &self.roots, true).map_err(Fault::failed)?;
        let mut found = self.find(&search, Kind::Files).await?;
        found.retain(|path| is_in(path, &self.roots.workspace));
        if found.is_empty() {
            return Ok(String::new());
        }
        let number = self.number();
        let path = |name: &str| format!("{}/davit-{number}-{name}", self.roots.temp);
        let (list, sums) = (path("files"), path("sums"));
        self.place.write_file(&list, joined(&found).as_bytes(), 0o644).await?;
        self.ask(HASH, &[&list, &sums]).await.map_err(|fault| because("files can't be hashed", fault))?;
        let sums = self.place.read_file(&sums, MOST_LISTED).await?.unwrap_or_default();
        let sums = String::from_utf8_lossy(&sums);
        let digests: Option<Vec<[u8; 32]>> = sums.lines().map(digest).collect();
        match digests.filter(|digests| digests.len() == found.len()) {
            Some(digests) => Ok(hex(&Sha256::digest(digests.concat()))),
            None => Err(Fault::failed("files changed while they were hashed")),
        }
    }

    /// The paths that a search finds, in order.
    async fn find(&mut self, search: &Search, kind: Kind) -> Result<Vec<String>, Fault> {
        let bases: Vec<String> = search.bases().into_iter().map(str::to_owned).collect();
        if bases.is_empty() {
            return Ok(Vec::new());
        }
        let number = self.number();
        let list = format!("{}/davit-{number}-list", self.roots.temp);
        let mut arguments = vec![list.as_str(), kind.word()];
        arguments.extend(bases.iter().map(String::as_str));
        self.ask(LIST, &arguments).await.map_err(|fault| because("files can't be listed", fault))?;
        let listed = self.place.read_file(&list, MOST_LISTED).await?.unwrap_or_default();
        let mut found = Vec::new();
        for path in listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            match std::str::from_utf8(path) {
                Ok(path) if search.finds(path) => found.push(path.to_owned()),
                Ok(_) => {}
                Err(_) => self.log.warn("a file is left out whose name is not UTF-8").await,
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A name for a file outside of the place, which only this job has.
    fn outside(&mut self, name: &str) -> std::path::PathBuf {
        let number = self.number();
        self.scratch.join(format!("{number}-{name}"))
    }
}

/// `with` of a built-in action.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a>(&'a [(String, String)]);

impl<'a> Inputs<'a> {
    /// A text without blanks around it; [`None`] where nothing is written.
    fn text(self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    fn flag(self, name: &str) -> Result<bool, Fault> {
        match self.text(name) {
            None | Some("false" | "False" | "FALSE") => Ok(false),
            Some("true" | "True" | "TRUE") => Ok(true),
            Some(_) => Err(Fault::failed(format!("`{name}` must be `true` or `false`"))),
        }
    }

    fn number(self, name: &str) -> Result<Option<u32>, Fault> {
        let parsed = self.text(name).map(str::parse).transpose();
        parsed.map_err(|_| Fault::failed(format!("`{name}` must be a whole number")))
    }

    /// The lines of a text.
    fn lines(self, name: &str) -> Vec<String> {
        let lines = self.text(name).unwrap_or_default().lines();
        lines.map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// The same fault, with what was going on.
fn because(what: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Failed { reason, .. } => Fault::failed(format!("{what}: {reason}")),
        Fault::Ended | Fault::Gone(_) | Fault::Ours(_) => fault,
    }
}

/// Paths with a NUL behind each.
fn joined(paths: &[String]) -> String {
    paths.iter().fold(String::new(), |mut all, path| {
        all.push_str(path);
        all.push('\0');
        all
    })
}

fn digest(line: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if line.len() != 64 || !line.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&line[at..at + 2], 16).ok()?;
    }
    Some(digest)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `12 bytes`, `3.4 MiB`.
#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
fn size(bytes: u64) -> String {
    let mut number = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if number < 1024.0 || unit == "GiB" {
            return if unit == "bytes" { format!("{bytes} bytes") } else { format!("{number:.1} {unit}") };
        }
        number /= 1024.0;
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(5 << 40), "5120.0 GiB");
    }

    #[test]
    fn digests_are_read_and_written() {
        let text = "00ff10".repeat(11)[..64].to_owned();
        assert_eq!(hex(&digest(&text).expect("a digest")), text);
        assert_eq!(digest("00"), None);
        assert_eq!(digest(&"zz".repeat(32)), None);
    }
}
