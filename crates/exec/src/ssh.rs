//! SSH connections: reach a host (through its jump hosts), check its key, log in, run commands on channels.
//!
//! What the commands are is not known here. Who may connect when, and who shares a jump host, is in [`connector`]; the
//! way to a host in [`route`]; who we say we are in [`login`]; keys in [`keys`]; people's shells in [`shell`]. Commands
//! never get a terminal, and nothing gets the forwarding of agents, X11 and ports.

mod connector;
pub mod keys;
mod known_hosts;
mod login;
mod patience;
mod route;
mod shell;

pub use connector::{Connector, ConnectorSettings};
pub use known_hosts::{Known, KnownHosts};
pub(crate) use shell::ShellInput;

use crate::host::HostTarget;
use crate::host::transport::{Event, Input};
use crate::{ExecError, Exit};
use davit_domain::ids::HostName;
use login::Login;
use route::{Hop, Purpose};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use secrecy::SecretString;

/// One authenticated connection. Dropping it ends it, and the connections to jump hosts that nobody else uses.
pub(crate) struct Connection {
    hop: Hop,
    host: HostName,
}

impl Connection {
    /// Connects and logs in. Nothing is sent to a host (or jump host) whose key is not the pinned one.
    pub(crate) async fn open(connector: &Connector, target: &HostTarget) -> Result<Self, ExecError> {
        Self::log_in(connector, target, &Login::of(connector, target)?).await
    }

    /// As [`open`](Self::open), with a password instead of what the target has. Jump hosts are logged in to as always.
    pub(crate) async fn open_with_password(
        connector: &Connector,
        target: &HostTarget,
        password: &SecretString,
    ) -> Result<Self, ExecError> {
        Self::log_in(connector, target, &Login::Password(password.clone())).await
    }

    async fn log_in(connector: &Connector, target: &HostTarget, login: &Login) -> Result<Self, ExecError> {
        let hop = route::open(connector, &target.jump, target, login, Purpose::Commands).await?;
        Ok(Self { hop, host: target.name.clone() })
    }

    /// Starts a command on a channel of its own. Its events end when the channel is closed or the connection lost.
    pub(crate) async fn exec(&self, command: &str) -> Result<(Input, Events), ExecError> {
        let channel = self.session("the start of a command").await?;
        channel.exec(true, command).await.map_err(|_| self.lost("the start of a command"))?;
        let (read, write) = channel.split();
        Ok((Box::pin(write.make_writer()), Events(read)))
    }

    /// Says good-bye. Errors don't matter: the connection is gone either way.
    pub(crate) async fn close(&self) {
        self.hop.close(&self.host).await;
    }

    async fn session(&self, during: &'static str) -> Result<Channel<Msg>, ExecError> {
        self.hop.handle.channel_open_session().await.map_err(|error| {
            if matches!(error, russh::Error::ChannelOpenFailure(_)) {
                let detail = "it refuses one more session on this connection; raise MaxSessions in its sshd_config";
                ExecError::Unreachable { host: self.host.clone(), detail: detail.into() }
            } else {
                self.lost(during)
            }
        })
    }

    fn lost(&self, during: &'static str) -> ExecError {
        ExecError::ConnectionLost { host: self.host.clone(), during }
    }
}

/// What a command on a channel does, in order.
pub(crate) struct Events(ChannelReadHalf);

impl Events {
    /// The next event; `None` when the channel is closed or the connection lost.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        while let Some(message) = self.0.wait().await {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum; the rest is bookkeeping")]
            match message {
                ChannelMsg::Data { data } => return Some(Event::Stdout(data)),
                ChannelMsg::ExtendedData { data, ext: 1 } => return Some(Event::Stderr(data)),
                ChannelMsg::ExitStatus { exit_status } => {
                    return Some(Event::Exit(Exit::Code(i32::try_from(exit_status).unwrap_or(i32::MAX))));
                }
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    let name = match signal_name {
                        russh::Sig::Custom(name) => name,
                        known => format!("{known:?}"),
                    };
                    return Some(Event::Exit(Exit::Signal(name)));
                }
                ChannelMsg::Close => return None,
                _ => {}
            }
        }
        None
    }
}

/// Shows which key a host has, of several one of the pinned kind, without logging in. Jump hosts on the way must be pinned and are logged in to.
///
/// # Errors
/// When the host, or a jump host, can't be reached.
pub(crate) async fn scan(connector: &Connector, target: &HostTarget) -> Result<(String, String), ExecError> {
    match route::open(connector, &target.jump, target, &Login::None, Purpose::Commands).await {
        Err(ExecError::HostKeyUnknown { key, fingerprint, .. }) => Ok((key, fingerprint)),
        Err(other) => Err(other),
        Ok(_) => Err(route::unreachable(target, "it showed no host key")),
    }
}
