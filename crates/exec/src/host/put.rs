//! Putting a file or a directory at a path of its own, beside releases: the transfers of custom deployments.

use super::Host;
use super::layout::{destination, on};
use super::reply::Reply;
use super::script::Script;
use super::stage::manifest::{hex, is_odd};
use super::stage::plan::Plan;
use super::stage::send::{self, Stream};
use crate::ExecError;
use crate::build::{Build, Entry, Kind};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PUT_FILE: &str = include_str!("scripts/put_file.sh");
const PUT_DIR: &str = include_str!("scripts/put_dir.sh");

/// What is read at a time.
const CHUNK: usize = 256 * 1024;

/// What is put on a host.
#[derive(Debug, Clone, Copy)]
pub enum FileSource<'a> {
    /// A file or directory of a build.
    Build {
        /// The build.
        build: &'a Build,
        /// The path in it, without a leading or trailing `/`.
        path: &'a str,
    },
    /// A file on the server.
    Local(&'a Path),
}

/// What was put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutReport {
    /// Regular files, each checked by SHA-256 on the host.
    pub files: u64,
    /// Bytes of content sent.
    pub bytes: u64,
    /// From the first byte to the host's word that all is in place.
    pub elapsed: Duration,
}

impl Host {
    /// Puts a file (or a directory of a build) at the absolute path `to`: written beside it, checked by checksum, then
    /// renamed over what was there. A directory takes two renames, so for a moment there is nothing. Directories on
    /// the way are made. `mode` is the file's; without it a build's file keeps its own and another gets 0644.
    ///
    /// # Errors
    /// `Refused` when the path is not absolute, is of the other kind on the host, can't be written, the build has
    /// nothing there, or what arrived is not what was sent: nothing is changed then. `ConnectionLost`: it may have
    /// been put there. `Cancelled`; `Io` when the source can't be read.
    pub async fn put_file(
        &self,
        source: FileSource<'_>,
        to: &str,
        mode: Option<u32>,
        cancel: &CancellationToken,
    ) -> Result<PutReport, ExecError> {
        let to = destination(to)?;
        match source {
            FileSource::Local(path) => {
                let (sha256, bytes) = digest(path).await?;
                self.put(&File { sha256, mode: mode.unwrap_or(0o644), path, content: 0..bytes }, &to, cancel).await
            }
            FileSource::Build { build, path } => {
                let entry = build.entries.iter().find(|entry| entry.path == path.as_bytes());
                match entry.map(|entry| &entry.kind) {
                    Some(Kind::File { mode: own, size, offset, sha256, .. }) => {
                        let content = *offset..offset + size;
                        let mode = mode.unwrap_or(*own);
                        let file = File { sha256: hex(sha256), mode, path: &build.archive, content };
                        self.put(&file, &to, cancel).await
                    }
                    Some(Kind::Directory { .. }) => self.put_dir(build, path, &to, cancel).await,
                    Some(Kind::Symlink { .. }) => {
                        Err(on(&self.name, &format!("{path} in the build is a symlink; name what it leads to")))
                    }
                    None => {
                        Err(on(&self.name, &format!("the build has no {path}; check the path and the file filter")))
                    }
                }
            }
        }
    }

    async fn put(&self, file: &File<'_>, to: &str, cancel: &CancellationToken) -> Result<PutReport, ExecError> {
        let mut script = Script::new(PUT_FILE);
        script.set("app_dir", "").set("to", to).set("mode", format!("{:o}", file.mode & 0o777));
        script.set("sha256", &file.sha256);
        let program = script.into_bytes();
        let stream = Stream {
            program: &program,
            heads: [&[]; 4],
            file: file.path,
            pieces: std::slice::from_ref(&file.content),
            tail: &[],
        };
        let elapsed = self.transfer(&stream, cancel).await?;
        Ok(PutReport { files: 1, bytes: file.content.end - file.content.start, elapsed })
    }

    async fn put_dir(
        &self,
        build: &Build,
        path: &str,
        to: &str,
        cancel: &CancellationToken,
    ) -> Result<PutReport, ExecError> {
        let below = |entry: &Entry| {
            let rest = entry.path.strip_prefix(path.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
        };
        let chosen: Vec<bool> = build.entries.iter().map(below).collect();
        let trailer = format!(".davit-end-{:032x}", rand::random::<u128>());
        let plan = Plan::of(build, &chosen, &trailer);
        let sums: Vec<u8> = build.entries.iter().filter(|entry| below(entry) && !is_odd(entry)).flat_map(sum).collect();
        let mut script = Script::new(PUT_DIR);
        script
            .set("app_dir", "")
            .set("to", to)
            .set("from", path)
            .set("trailer", &trailer)
            .set("sums_length", sums.len().to_string())
            .set("sums_sha256", hex(&Sha256::digest(&sums)))
            .calls("each_odd", plan.odd.iter().map(|(path, sum)| vec![path.as_slice(), sum.as_bytes()]));
        let program = script.into_bytes();
        let stream = Stream {
            program: &program,
            heads: [&sums, &[], &[], &[]],
            file: &build.archive,
            pieces: &plan.spans,
            tail: &plan.tail,
        };
        let elapsed = self.transfer(&stream, cancel).await?;
        Ok(PutReport { files: plan.sent_files, bytes: plan.content(), elapsed })
    }

    /// Sends a program and what it reads, and hears that it ended well.
    async fn transfer(&self, stream: &Stream<'_>, cancel: &CancellationToken) -> Result<Duration, ExecError> {
        let started = Instant::now();
        let running = self.start(&Script::command_for_prefix(stream.program.len())).await?;
        let said = send::upload(running, stream, cancel).await?;
        let said = said.ok_or_else(|| ExecError::Cancelled {
            proof: "the transfer was stopped; what was at its path is as it was".into(),
        })?;
        Reply::of(&self.name, said, "the transfer")?;
        Ok(started.elapsed())
    }
}

/// A file's content, wherever it lies.
struct File<'a> {
    sha256: String,
    mode: u32,
    path: &'a Path,
    content: Range<u64>,
}

/// The line of a file in a list of checksums.
fn sum(entry: &Entry) -> Vec<u8> {
    match &entry.kind {
        Kind::File { sha256, .. } => [hex(sha256).as_bytes(), b"  ./", &entry.path, b"\n"].concat(),
        Kind::Directory { .. } | Kind::Symlink { .. } => Vec::new(),
    }
}

async fn digest(path: &Path) -> Result<(String, u64), ExecError> {
    let what = || ExecError::io(format!("reading {}", path.display()));
    let mut file = tokio::fs::File::open(path).await.map_err(what())?;
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).await.map_err(what())?;
        if read == 0 {
            return Ok((hex(&digest.finalize()), bytes));
        }
        digest.update(&chunk[..read]);
        bytes += read as u64;
    }
}
