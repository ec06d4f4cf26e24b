//! A person's shell on a host: a login shell on a terminal of its own, bytes both ways.
//!
//! Not here: who may have one, for how long, and what is kept of it. That is the engine.

use super::Host;
use super::transport::{Event, Transport};
use crate::ssh;
use crate::{ExecError, Exit};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// After its exit status, what a shell showed may still be on its way: when there was nothing in so many looks, what
/// still holds the terminal open is a background process, which is not waited for. Whoever closed a shell waits for it,
/// so it is not long; and a machine that stands still does so for one look.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 20;

/// After this long, whatever still comes is from a background process.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters a line.
    pub cols: u16,
    /// Lines.
    pub rows: u16,
}

/// What a shell does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellEvent {
    /// It shows something; characters may be cut in the middle.
    Output(Bytes),
    /// It ended.
    Exit(Exit),
}

/// The typing side of a shell.
pub struct ShellInput(ssh::ShellInput);

/// The showing side of a shell.
pub struct ShellOutput {
    events: ssh::Events,
    /// Said already; what it showed before may still be on its way.
    exit: Option<(Exit, Instant)>,
    ended: bool,
}

impl Host {
    /// Starts the login shell of whom we log in as, on a terminal of this size. It ends with the
    /// connection, at the latest.
    ///
    /// # Errors
    /// `Refused` on this machine itself, where it would be a shell of the server's own account, and where the host gives
    /// no terminal; `Unreachable` and `ConnectionLost`.
    pub async fn shell(&self, size: TerminalSize) -> Result<(ShellInput, ShellOutput), ExecError> {
        match &*self.transport {
            Transport::Local => Err(ExecError::Refused(format!(
                "{} is the machine that davit runs on: a shell there would be davit itself. Add it as an SSH host to get one",
                self.name
            ))),
            Transport::Ssh(connection) => {
                let (input, events) = connection.shell(size).await?;
                Ok((ShellInput(input), ShellOutput { events, exit: None, ended: false }))
            }
        }
    }
}

impl ShellInput {
    /// Types. Waits while the shell takes no more.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn send(&self, bytes: Bytes) -> Result<(), ExecError> {
        self.0.send(bytes).await
    }

    /// Changes the terminal's size.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn resize(&self, size: TerminalSize) -> Result<(), ExecError> {
        self.0.resize(size).await
    }
}

impl ShellOutput {
    /// What it does next; `None` after its end. A connection that goes away ends it with [`Exit::Lost`].
    pub async fn next(&mut self) -> Option<ShellEvent> {
        while !self.ended {
            let event = match self.exit {
                Some((_, at)) if at.elapsed() >= LAST_WORDS => None,
                Some(_) => self.last_words().await,
                None => self.events.next().await,
            };
            match event {
                Some(Event::Stdout(bytes) | Event::Stderr(bytes)) => return Some(ShellEvent::Output(bytes)),
                Some(Event::Exit(exit)) => self.exit = Some((exit, Instant::now())),
                None => {
                    self.ended = true;
                    return Some(ShellEvent::Exit(self.exit.take().map_or(Exit::Lost, |(exit, _)| exit)));
                }
            }
        }
        None
    }

    async fn last_words(&mut self) -> Option<Event> {
        for _ in 0..LOOKS {
            if let Ok(event) = timeout(LOOK, self.events.next()).await {
                return event;
            }
        }
        None
    }
}
