//! Commands on this machine, as a host: the same scripts as over SSH, run by `sh` in a process group of their own.
//!
//! Programs get a login's environment and nothing of the server's, whose variables may hold secrets.

use super::transport::{Event, Input};
use crate::process::locate;
use crate::{ExecError, Exit};
use bytes::{Bytes, BytesMut};
use nix::sys::signal::Signal;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// The variables a program inherits, when the server has them.
const INHERITED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];
const CHUNK: usize = 32 * 1024;

/// Starts a shell line.
pub(super) fn start(command: &str) -> Result<(Input, Events), ExecError> {
    let mut child = Command::new(locate("sh".as_ref(), std::env::var_os("PATH").as_deref()))
        .arg0("sh")
        .arg("-c")
        .arg(command)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(ExecError::io("sh could not be started on this machine"))?;
    let input =
        child.stdin.take().ok_or_else(|| ExecError::Refused("sh was started without a standard input".into()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    Ok((Box::pin(Stdin(Some(input))), Events { child, stdout, stderr, exited: false }))
}

/// What a local program does.
pub(super) struct Events {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    exited: bool,
}

impl Events {
    /// The next event; `None` when it ended and nothing writes to its output any more.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                bytes = read(&mut self.stdout), if self.stdout.is_some() => match bytes {
                    Some(bytes) => return Some(Event::Stdout(bytes)),
                    None => self.stdout = None,
                },
                bytes = read(&mut self.stderr), if self.stderr.is_some() => match bytes {
                    Some(bytes) => return Some(Event::Stderr(bytes)),
                    None => self.stderr = None,
                },
                status = self.child.wait(), if !self.exited => {
                    self.exited = true;
                    return Some(Event::Exit(status.map_or(Exit::Lost, exit)));
                }
                else => return None,
            }
        }
    }
}

/// A pipe that is closed by shutting it down, not only by dropping it.
struct Stdin(Option<ChildStdin>);

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().map_or(Poll::Ready(Ok(())), |pipe| Pin::new(pipe).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

async fn read<R: AsyncRead + Unpin>(from: &mut Option<R>) -> Option<Bytes> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    match from.as_mut()?.read_buf(&mut buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(buffer.freeze()),
    }
}

fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(number)) => {
            let name =
                Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.as_str().to_owned());
            Exit::Signal(name.strip_prefix("SIG").unwrap_or(&name).to_owned())
        }
        (None, None) => Exit::Lost,
    }
}
