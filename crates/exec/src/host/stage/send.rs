//! Sending a stream to a host and hearing what it says, whichever of the two ends first.

use crate::host::transport::{Input, Running, Said};
use crate::{ExecError, Exit};
use std::io::SeekFrom;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// What is read and sent at a time.
const CHUNK: usize = 256 * 1024;
/// How long a host may take to notice that an upload was stopped.
const NOTICE: Duration = Duration::from_secs(10);

/// What goes over, in this order.
pub(in crate::host) struct Stream<'a> {
    pub(in crate::host) program: &'a [u8],
    pub(in crate::host) heads: [&'a [u8]; 4],
    /// The file that the pieces are of.
    pub(in crate::host) file: &'a Path,
    pub(in crate::host) pieces: &'a [Range<u64>],
    pub(in crate::host) tail: &'a [u8],
}

/// Sends everything and returns the host's answer; `None` when it was cancelled before that.
pub(in crate::host) async fn upload(
    running: Running,
    stream: &Stream<'_>,
    cancel: &CancellationToken,
) -> Result<Option<Said>, ExecError> {
    let Running { mut input, mut output } = running;
    let mut answer = pin!(output.collect());
    let stopped = {
        let mut sending = pin!(stream.send(&mut input));
        tokio::select! {
            said = &mut answer => return Ok(Some(said)),
            () = cancel.cancelled() => Some(None),
            sent = &mut sending => sent.err().map(Some),
        }
    };
    let reason = match stopped {
        Some(reason) => reason,
        None => tokio::select! {
            said = &mut answer => return Ok(Some(said)),
            () = cancel.cancelled() => None,
        },
    };
    // Twice, because the first one may only get a write out of the way that was under way.
    for _ in 0..2 {
        if let Ok(Err(error)) = tokio::time::timeout(NOTICE, input.shutdown()).await {
            tracing::debug!(%error, "the stream of a stopped upload was closed already");
        }
    }
    let said = tokio::time::timeout(NOTICE, answer).await;
    match (reason, said) {
        (Some(error), _) => Err(error),
        // It was whole already and has won.
        (None, Ok(said)) if said.exit == Exit::Code(0) => Ok(Some(said)),
        (None, Ok(_) | Err(_)) => Ok(None),
    }
}

impl Stream<'_> {
    /// A host that stops reading says why in its answer, so that is no error here.
    async fn send(&self, input: &mut Input) -> Result<(), ExecError> {
        match self.parts(input).await {
            Ok(()) => Ok(()),
            Err(Stop::Input(error)) => {
                tracing::debug!(%error, "the host stopped reading before the end of the upload");
                Ok(())
            }
            Err(Stop::Source(error)) => Err(error),
        }
    }

    async fn parts(&self, input: &mut Input) -> Result<(), Stop> {
        input.write_all(self.program).await?;
        for head in self.heads {
            input.write_all(head).await?;
        }
        copy(self.file, self.pieces, input).await?;
        input.write_all(self.tail).await?;
        input.shutdown().await?;
        Ok(())
    }
}

/// Why sending ended.
enum Stop {
    /// The host reads no more.
    Input(std::io::Error),
    /// The server can't read what it has to send.
    Source(ExecError),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Input(error)
    }
}

/// Sends these pieces of a file, in order.
async fn copy(path: &Path, spans: &[Range<u64>], input: &mut Input) -> Result<(), Stop> {
    let mut file = File::open(path).await.map_err(unreadable(path))?;
    file.set_max_buf_size(CHUNK);
    let mut chunk = vec![0; CHUNK];
    let mut position = 0;
    for span in spans {
        if span.start != position {
            file.seek(SeekFrom::Start(span.start)).await.map_err(unreadable(path))?;
        }
        position = span.start;
        while position < span.end {
            let wanted = usize::try_from(span.end - position).unwrap_or(CHUNK).min(CHUNK);
            let read = file.read(&mut chunk[..wanted]).await.map_err(unreadable(path))?;
            if read == 0 {
                return Err(Stop::Source(ExecError::Refused(format!(
                    "{} is shorter than it has to be, so it is not a whole tar archive: make the build again",
                    path.display()
                ))));
            }
            input.write_all(&chunk[..read]).await?;
            position += read as u64;
        }
    }
    Ok(())
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Stop {
    let what = format!("{} could not be read", path.display());
    move |error| Stop::Source(ExecError::io(what)(error))
}
