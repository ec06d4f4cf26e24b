//! A person's shell on a connection: a terminal, the login shell on it, and what is typed.

use super::{Connection, Events};
use crate::ExecError;
use crate::host::TerminalSize;
use bytes::Bytes;
use davit_domain::ids::HostName;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelWriteHalf};
use std::time::Duration;

/// What every program knows, and what the browser's terminal understands.
const TERM: &str = "xterm-256color";
/// Asked for so that names and texts are shown as they are. A host that does not accept it keeps its own.
const LANGUAGE: (&str, &str) = ("LANG", "C.UTF-8");
/// For the terminal and the shell on it, once the connection is there.
const START_LIMIT: Duration = Duration::from_secs(30);
const DURING: &str = "the start of a shell";

/// The typing side of a shell.
pub(crate) struct ShellInput {
    write: ChannelWriteHalf<Msg>,
    host: HostName,
}

impl Connection {
    /// Starts the login shell on a terminal.
    pub(crate) async fn shell(&self, size: TerminalSize) -> Result<(ShellInput, Events), ExecError> {
        let starting = async {
            let mut channel = self.session(DURING).await?;
            let lost = |_| self.lost(DURING);
            channel.set_env(false, LANGUAGE.0, LANGUAGE.1).await.map_err(lost)?;
            let (cols, rows) = (u32::from(size.cols), u32::from(size.rows));
            channel.request_pty(true, TERM, cols, rows, 0, 0, &[]).await.map_err(lost)?;
            self.granted(&mut channel, "a terminal; see PermitTTY in its sshd_config").await?;
            channel.request_shell(true).await.map_err(lost)?;
            self.granted(&mut channel, "a shell").await?;
            Ok(channel)
        };
        let channel = tokio::time::timeout(START_LIMIT, starting).await.map_err(|_| ExecError::TimedOut {
            what: format!("{DURING} on {}", self.host),
            limit: START_LIMIT,
            proof: "it gave no answer".into(),
        })??;
        let (read, write) = channel.split();
        Ok((ShellInput { write, host: self.host.clone() }, Events(read)))
    }

    /// Waits for the answer to what was asked. Nothing is shown before a shell has started.
    async fn granted(&self, channel: &mut Channel<Msg>, what: &str) -> Result<(), ExecError> {
        while let Some(message) = channel.wait().await {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum; the rest is bookkeeping")]
            match message {
                ChannelMsg::Success => return Ok(()),
                ChannelMsg::Failure => {
                    return Err(ExecError::Refused(format!("{} does not give that account {what}", self.host)));
                }
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        Err(self.lost(DURING))
    }
}

impl ShellInput {
    pub(crate) async fn send(&self, bytes: Bytes) -> Result<(), ExecError> {
        self.write.data_bytes(bytes).await.map_err(|_| self.lost())
    }

    pub(crate) async fn resize(&self, size: TerminalSize) -> Result<(), ExecError> {
        let (cols, rows) = (u32::from(size.cols), u32::from(size.rows));
        self.write.window_change(cols, rows, 0, 0).await.map_err(|_| self.lost())
    }

    fn lost(&self) -> ExecError {
        ExecError::ConnectionLost { host: self.host.clone(), during: "a shell" }
    }
}
