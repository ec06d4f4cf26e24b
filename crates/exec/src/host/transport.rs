//! The two ways to a host behind one door: start a command, feed it, see its output and how it ended.

use super::local;
use crate::{ExecError, Exit, ssh};
use bytes::Bytes;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A command's standard input; shutting it down is its end of file.
pub(crate) type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// After the exit status, output may still be on its way; when it has been silent for this long, what still holds
/// the stream open is a background process, which is not waited for. A host that stands still for some seconds has
/// none: what its programs said last would be lost. The shell of a person has a shorter limit of its own.
const DRAIN: Duration = Duration::from_secs(10);
/// What a script of ours may say at most; more than that is not from it.
const MAX_REPLY: usize = 4 << 20;

/// What a running command does.
#[derive(Debug)]
pub(crate) enum Event {
    /// It wrote to its standard output.
    Stdout(Bytes),
    /// It wrote to its standard error.
    Stderr(Bytes),
    /// It ended. Output may still follow.
    Exit(Exit),
}

/// How a host is reached.
pub(super) enum Transport {
    Ssh(Box<ssh::Connection>),
    Local,
}

impl Transport {
    /// Starts a command (a shell line that holds no value).
    pub(super) async fn start(&self, command: &str) -> Result<Running, ExecError> {
        match self {
            Self::Ssh(connection) => {
                let (input, events) = connection.exec(command).await?;
                Ok(Running { input, output: Output { events: Events::Ssh(events), exit: None } })
            }
            Self::Local => {
                let (input, events) = local::start(command)?;
                Ok(Running { input, output: Output { events: Events::Local(Box::new(events)), exit: None } })
            }
        }
    }
}

/// A command that was started.
pub(super) struct Running {
    pub(super) input: Input,
    pub(super) output: Output,
}

impl Running {
    /// Gives the command its whole standard input. A command that doesn't want it says why when it ends.
    pub(super) async fn send_all(&mut self, bytes: &[u8]) {
        if let Err(error) = async {
            self.input.write_all(bytes).await?;
            self.input.shutdown().await
        }
        .await
        {
            tracing::debug!(%error, "a command did not read all of its input");
        }
    }

    /// Waits for its end and collects what it says.
    pub(super) async fn finish(mut self) -> Said {
        self.output.collect().await
    }
}

/// The output side of a running command.
pub(super) struct Output {
    events: Events,
    exit: Option<Exit>,
}

enum Events {
    Ssh(ssh::Events),
    Local(Box<local::Events>),
}

/// All that a command said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) exit: Exit,
}

impl Output {
    /// The next piece of output, `(is_stderr, bytes)`; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<(bool, Bytes)> {
        loop {
            let event = if self.exit.is_some() {
                tokio::time::timeout(DRAIN, self.events.next()).await.unwrap_or_default()
            } else {
                self.events.next().await
            };
            match event? {
                Event::Stdout(bytes) => return Some((false, bytes)),
                Event::Stderr(bytes) => return Some((true, bytes)),
                Event::Exit(exit) => self.exit = Some(exit),
            }
        }
    }

    /// How it ended, once [`next`](Self::next) returned `None`. Without a status the connection went away.
    pub(super) fn exit(&self) -> Exit {
        self.exit.clone().unwrap_or(Exit::Lost)
    }

    /// Everything it says until it ends, up to a limit.
    pub(super) async fn collect(&mut self) -> Said {
        let mut stdout = Vec::new();
        let mut stderr = Vec::new();
        while let Some((is_stderr, bytes)) = self.next().await {
            let into = if is_stderr { &mut stderr } else { &mut stdout };
            let room = MAX_REPLY.saturating_sub(into.len());
            into.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Said { stdout, stderr, exit: self.exit() }
    }
}

impl Events {
    async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Ssh(events) => events.next().await,
            Self::Local(events) => events.next().await,
        }
    }
}
