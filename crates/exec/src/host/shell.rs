//! A person's shell on a host: a login shell on a terminal of its own, bytes both ways.
//!
//! Not here: who may have one, for how long, and what is kept of it. That is the engine.

use super::Host;
use super::transport::{DRAIN, Event, Transport};
use crate::ssh;
use crate::{ExecError, Exit};
use bytes::Bytes;
use tokio::time::timeout;

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
    exit: Option<Exit>,
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
                Some(_) => timeout(DRAIN, self.events.next()).await.unwrap_or_default(),
                None => self.events.next().await,
            };
            match event {
                Some(Event::Stdout(bytes) | Event::Stderr(bytes)) => return Some(ShellEvent::Output(bytes)),
                Some(Event::Exit(exit)) => self.exit = Some(exit),
                None => {
                    self.ended = true;
                    return Some(ShellEvent::Exit(self.exit.take().unwrap_or(Exit::Lost)));
                }
            }
        }
        None
    }
}
