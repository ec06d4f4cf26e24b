//! Getting a build onto a host: one tar stream in, every file checked there by checksum, then renamed into place.
//!
//! The stream is the build's archive without its end mark, then one more member with the list of checksums, then the
//! end mark. So the archive is read from disk in pieces by each host's upload and nothing is packed twice, and a
//! stream that was cut can't be taken for a whole one: the list is what it lacks.

use super::Host;
use super::layout::{Layout, Shared, on};
use super::reply::Reply;
use super::script::{self, Script};
use super::transport::{Input, Running, Said};
use crate::build::{Build, FileSum};
use crate::{ExecError, Exit};
use davit_domain::ids::ReleaseName;
use sha2::{Digest, Sha256};
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageReport {
    /// Regular files, each of them checked by SHA-256 on the host.
    pub files: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// From the first byte to the host's word that all is in place.
    pub elapsed: Duration,
}

/// What is read and sent at a time: whole blocks.
const CHUNK: usize = 512 * BLOCK;
/// A tar archive is made of these.
const BLOCK: usize = 512;
/// The zero blocks that end a tar archive.
const END_MARK: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// How long a host may take to clear up after an upload that was stopped.
const CLEAR_UP: Duration = Duration::from_secs(10);

impl Host {
    /// Sends a build and makes it release `release`: unpacked beside the releases, every file checked by checksum,
    /// shared paths linked, `revision` (the commit) written to `REVISION`, then renamed into place. Any failure
    /// leaves no release, and no leftovers unless the host itself died; those go with the next [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// `Refused` when the disk is full, a shared file is missing, the release is live already or the upload arrived
    /// damaged; `ConnectionLost`; `Cancelled`; `Io` when the archive can't be read.
    pub async fn stage(
        &self,
        layout: &Layout,
        release: &ReleaseName,
        revision: &str,
        build: &Build,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<StageReport, ExecError> {
        let started = Instant::now();
        let sums = SumList::new(build);
        let need_kib = build.archive_bytes / 1024 + build.files * 4 + 1024;
        let mut script = layout.script(script::STAGE);
        script
            .set("release", release.as_str())
            .set("revision", revision)
            .set("need_kib", need_kib.to_string())
            .set("sums_name", &sums.name)
            .set("sums_sha256", hex(&sums.sha256))
            .calls("each_dir", shared.dirs().iter().map(|path| vec![path.as_bytes()]))
            .calls("each_file", shared.files().iter().map(|path| vec![path.as_bytes()]));
        let odd: Vec<(Vec<u8>, String)> = build.sums.iter().filter(|sum| is_odd(sum)).map(odd_row).collect();
        script.calls("each_odd", odd.iter().map(|(path, sum)| vec![path.as_slice(), sum.as_bytes()]));
        let program = script.into_bytes();

        let running = self.transport.start(&Script::command_for_prefix(program.len())).await?;
        let said = upload(running, &program, build, &sums, cancel).await?;
        self.judge(said, need_kib)?;
        let bytes = build.archive_bytes + sums.length;
        Ok(StageReport { files: build.files, bytes, elapsed: started.elapsed() })
    }

    fn judge(&self, said: Said, need_kib: u64) -> Result<Reply, ExecError> {
        let stderr = String::from_utf8_lossy(&said.stderr);
        let reply = Reply::parse(&said.stdout);
        let no_space = ["No space left on device", "quota exceeded"].iter().any(|text| stderr.contains(text));
        if reply.value("full").is_some() || (no_space && said.exit != Exit::Code(0)) {
            let free = reply.value("free_kib").and_then(|kib| kib.parse::<u64>().ok());
            let free = free.map_or_else(String::new, |kib| format!("{} MiB were free, ", kib / 1024));
            let sentence = format!(
                "the disk is full: {free}the release needs about {} MiB (and an inode a file). Nothing was staged; make \
                 room, for example by keeping fewer releases, and try again",
                need_kib.div_ceil(1024)
            );
            return Err(on(&self.name, &sentence));
        }
        Reply::of(&self.name, said, "the upload")
    }
}

/// Sends everything and waits for the host's answer, whichever of the two ends first.
async fn upload(
    running: Running,
    program: &[u8],
    build: &Build,
    sums: &SumList<'_>,
    cancel: &CancellationToken,
) -> Result<Said, ExecError> {
    let Running { mut input, mut output } = running;
    let mut answer = pin!(output.collect());
    let stopped = {
        let mut sending = pin!(send(&mut input, program, build, sums));
        tokio::select! {
            said = &mut answer => return Ok(said),
            () = cancel.cancelled() => Some(None),
            sent = &mut sending => sent.err().map(Some),
        }
    };
    let Some(reason) = stopped else {
        return tokio::select! {
            said = &mut answer => Ok(said),
            () = cancel.cancelled() => stop(&mut input, answer, None).await,
        };
    };
    stop(&mut input, answer, reason).await
}

/// Ends an upload in the middle: the host sees the end of the stream too early and clears up by itself.
/// An upload that was already whole may still win; then it is staged, which the caller is told.
async fn stop(
    input: &mut Input,
    answer: impl Future<Output = Said>,
    reason: Option<ExecError>,
) -> Result<Said, ExecError> {
    // Twice, because the first one may only get a write out of the way that was under way.
    for _ in 0..2 {
        if let Ok(Err(error)) = tokio::time::timeout(CLEAR_UP, input.shutdown()).await {
            tracing::debug!(%error, "the stream of a stopped upload was closed already");
        }
    }
    let said = tokio::time::timeout(CLEAR_UP, answer).await;
    if let Some(reason) = reason {
        return Err(reason);
    }
    let proof = match said {
        Ok(said) if said.exit == Exit::Code(0) => return Ok(said),
        Ok(Said { exit: Exit::Code(_), .. }) => "the upload was stopped and the host removed its partial copy",
        Ok(_) | Err(_) => "the upload was stopped; the next preparation of the host removes its partial copy",
    };
    Err(ExecError::Cancelled { proof: proof.into() })
}

/// Sends program, archive and checksums. A host that stops reading says why in its answer, so that is no error here.
async fn send(input: &mut Input, program: &[u8], build: &Build, sums: &SumList<'_>) -> Result<(), ExecError> {
    let unreadable = || ExecError::io(format!("the build {} could not be read", build.archive.display()));
    let mut archive = tokio::fs::File::open(&build.archive).await.map_err(unreadable())?;
    archive.set_max_buf_size(CHUNK);
    if input.write_all(program).await.is_err() {
        return Ok(());
    }
    let mut chunk = vec![0; CHUNK];
    let mut members = Members::default();
    loop {
        let filled = fill(&mut archive, &mut chunk).await.map_err(unreadable())?;
        let end = members.end_in(&chunk[..filled]);
        if end.is_none() && filled < CHUNK {
            return Err(ExecError::Refused(format!(
                "the build {} is not a whole tar archive: make it again",
                build.archive.display()
            )));
        }
        if input.write_all(&chunk[..end.unwrap_or(filled)]).await.is_err() {
            return Ok(());
        }
        if end.is_some() {
            break;
        }
    }
    if let Err(error) = sums.send(input).await {
        tracing::debug!(%error, "the host stopped reading before the end of the upload");
    }
    Ok(())
}

/// Reads until the chunk is full or the file ends.
async fn fill(file: &mut tokio::fs::File, chunk: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match file.read(&mut chunk[filled..]).await? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Walks an archive's members as its chunks go by, to find the end mark. Looking for zeros alone would not do: a file
/// may end with them.
#[derive(Default)]
struct Members {
    /// How far the next member's header is from the start of the next chunk.
    to_header: u64,
}

impl Members {
    /// Where the end mark starts in this chunk. Chunks are whole blocks, so a header is never split; an archive that
    /// is damaged has no end.
    fn end_in(&mut self, chunk: &[u8]) -> Option<usize> {
        loop {
            let at = usize::try_from(self.to_header).unwrap_or(usize::MAX);
            let Some(block) = chunk.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) else {
                self.to_header = self.to_header.saturating_sub(chunk.len() as u64);
                return None;
            };
            if block.iter().all(|byte| *byte == 0) {
                return Some(at);
            }
            let size = tar::Header::from_byte_slice(block).entry_size().ok()?;
            self.to_header += BLOCK as u64 + size.next_multiple_of(BLOCK as u64);
        }
    }
}

/// The list of checksums as `sha256sum -c` reads it. Made piece by piece each time, for memory's sake: thousands of
/// hosts may be sent to at once.
struct SumList<'a> {
    sums: &'a [FileSum],
    /// The member's name, which no build has.
    name: String,
    length: u64,
    sha256: [u8; 32],
}

impl<'a> SumList<'a> {
    fn new(build: &'a Build) -> Self {
        let mut digest = Sha256::new();
        let mut length = 0;
        for line in lines(&build.sums) {
            digest.update(&line);
            length += line.len() as u64;
        }
        let name = format!(".davit-sums-{:032x}", rand::random::<u128>());
        Self { sums: &build.sums, name, length, sha256: digest.finalize().into() }
    }

    async fn send(&self, input: &mut Input) -> std::io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(&self.name)?;
        header.set_size(self.length);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        let mut piece = header.as_bytes().to_vec();
        for line in lines(self.sums) {
            piece.extend(line);
            if piece.len() >= CHUNK {
                input.write_all(&piece).await?;
                piece.clear();
            }
        }
        let padding = self.length.next_multiple_of(BLOCK as u64) - self.length;
        piece.extend(std::iter::repeat_n(0, usize::try_from(padding).unwrap_or(0)));
        piece.extend(END_MARK);
        input.write_all(&piece).await?;
        input.shutdown().await
    }
}

fn lines(sums: &[FileSum]) -> impl Iterator<Item = Vec<u8>> {
    sums.iter().filter(|sum| !is_odd(sum)).map(|sum| {
        let mut line = hex(&sum.sha256).into_bytes();
        line.extend_from_slice(b"  ./");
        line.extend_from_slice(&sum.path);
        line.push(b'\n');
        line
    })
}

/// A name that a line can't hold: it has a line ending in it.
fn is_odd(sum: &FileSum) -> bool {
    sum.path.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

fn odd_row(sum: &FileSum) -> (Vec<u8>, String) {
    ([b"./", sum.path.as_slice()].concat(), hex(&sum.sha256))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_end_of_an_archive_is_found_wherever_chunks_end() {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, size) in [("a", 0), ("zeros", 5 * BLOCK), ("b", 100), ("more zeros", 3 * BLOCK)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(size as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, std::io::repeat(0).take(size as u64)).expect("a member");
        }
        let archive = builder.into_inner().expect("an archive");
        let content = archive.len() - END_MARK.len();
        for blocks in 1..archive.len() / BLOCK {
            let mut members = Members::default();
            let mut chunks = archive.chunks(blocks * BLOCK).enumerate();
            let end = chunks.find_map(|(number, chunk)| Some(number * blocks * BLOCK + members.end_in(chunk)?));
            assert_eq!(end, Some(content), "chunks of {blocks} blocks");
        }
    }
}
