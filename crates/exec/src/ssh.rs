//! SSH connections: reach a host (through its jump hosts), check its key, log in, run commands on channels.
//!
//! What the commands are is not known here; keys are in [`keys`]. Uploads are limited by the window the host grants;
//! the window we grant is small on purpose, because all that comes back is log lines.

mod connector;
pub mod keys;

pub use connector::{Connector, ConnectorSettings};

use crate::host::HostTarget;
use crate::host::transport::{Event, Input};
use crate::{ExecError, Exit};
use davit_domain::ids::HostName;
use keys::{KeyCheck, Stop};
use russh::client::{self, Handle};
use russh::keys::PrivateKeyWithHashAlg;
use russh::{ChannelMsg, ChannelReadHalf, Disconnect, Preferred, cipher, kex, mac};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For the TCP connection alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For key exchange and login: a busy host or bastion is slower at those than at accepting.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Fast and safe ones first; sntrup761 is left out because it costs more CPU than all the rest of a connect.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
/// AES-GCM first: with AES instructions it is several times faster than ChaCha20.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// One authenticated connection. Dropping it ends it, and its jump hosts' connections with it.
pub(crate) struct Connection {
    handle: Handle<KeyCheck>,
    /// Held because the connection runs through them.
    jumps: Vec<Handle<KeyCheck>>,
    host: HostName,
}

impl Connection {
    /// Connects and logs in. Nothing is sent to a host (or jump host) whose key is not the pinned one.
    pub(crate) async fn open(connector: &Connector, target: &HostTarget) -> Result<Self, ExecError> {
        let (jumps, stream) = route(connector, target).await?;
        let handle = greet_and_log_in(connector, target, stream).await?;
        Ok(Self { handle, jumps, host: target.name.clone() })
    }

    /// Starts a command on a channel of its own. Its events end when the channel is closed.
    pub(crate) async fn exec(&self, command: &str) -> Result<(Input, Events), ExecError> {
        let channel = self.handle.channel_open_session().await.map_err(|error| {
            if matches!(error, russh::Error::ChannelOpenFailure(_)) {
                let detail = "it refuses one more session on this connection; raise MaxSessions in its sshd_config";
                ExecError::Unreachable { host: self.host.clone(), detail: detail.into() }
            } else {
                self.lost("the start of a command")
            }
        })?;
        channel.exec(true, command).await.map_err(|_| self.lost("the start of a command"))?;
        let (read, write) = channel.split();
        Ok((Box::pin(write.make_writer()), Events(read)))
    }

    /// Says good-bye. Errors don't matter: the connection is gone either way.
    pub(crate) async fn close(&self) {
        for handle in std::iter::once(&self.handle).chain(self.jumps.iter().rev()) {
            if let Err(error) = handle.disconnect(Disconnect::ByApplication, "done", "en").await {
                tracing::debug!(host = %self.host, %error, "the connection was gone before it was closed");
            }
        }
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

/// Shows which key a host has, without logging in. Jump hosts on the way must be pinned and are logged in to.
///
/// # Errors
/// When the host, or a jump host, can't be reached.
pub(crate) async fn scan(connector: &Connector, target: &HostTarget) -> Result<(String, String), ExecError> {
    let (_jumps, stream) = route(connector, target).await?;
    let unpinned = HostTarget { host_key: None, ..target.clone() };
    match greet(connector, &unpinned, stream).await {
        Err(ExecError::HostKeyUnknown { key, fingerprint, .. }) => Ok((key, fingerprint)),
        Err(other) => Err(other),
        Ok(_) => Err(unreachable(target, "it showed no host key")),
    }
}

/// A byte stream to a host: TCP, or a channel through a jump host.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The stream to the target, and the jump hosts' connections it runs through.
async fn route(
    connector: &Connector,
    target: &HostTarget,
) -> Result<(Vec<Handle<KeyCheck>>, Box<dyn Wire>), ExecError> {
    let mut jumps: Vec<Handle<KeyCheck>> = Vec::new();
    for jump in &target.jump {
        let stream = wire(jumps.last(), jump).await?;
        jumps.push(greet_and_log_in(connector, jump, stream).await?);
    }
    let stream = wire(jumps.last(), target).await?;
    Ok((jumps, stream))
}

async fn wire(through: Option<&Handle<KeyCheck>>, to: &HostTarget) -> Result<Box<dyn Wire>, ExecError> {
    let Some(jump) = through else { return Ok(Box::new(dial(to).await?)) };
    let channel = timeout(
        CONNECT_TIMEOUT,
        jump.channel_open_direct_tcpip(to.address.as_str(), u32::from(to.port), "127.0.0.1", 0),
    )
    .await
    .map_err(|_| unreachable(to, "the jump host got no answer from it within 10 s"))?
    .map_err(|error| unreachable(to, &format!("the jump host could not connect to {}: {error}", place(to))))?;
    Ok(Box::new(channel.into_stream()))
}

async fn dial(to: &HostTarget) -> Result<TcpStream, ExecError> {
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect((to.address.as_str(), to.port)))
        .await
        .map_err(|_| unreachable(to, &format!("{} did not answer within 10 s", place(to))))?
        .map_err(|error| {
            let hint = match error.kind() == std::io::ErrorKind::ConnectionRefused {
                true => "; check that sshd runs there and that the port is right",
                false => "",
            };
            unreachable(to, &format!("{}: {error}{hint}", place(to)))
        })?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(host = %to.name, %error, "TCP_NODELAY could not be set");
    }
    Ok(stream)
}

async fn greet_and_log_in(
    connector: &Connector,
    target: &HostTarget,
    stream: Box<dyn Wire>,
) -> Result<Handle<KeyCheck>, ExecError> {
    let key = keys::private_key(target)?;
    let mut handle = greet(connector, target, stream).await?;
    timeout(LOGIN_TIMEOUT, log_in(target, &mut handle, key))
        .await
        .map_err(|_| unreachable(target, "the login took longer than 30 s"))??;
    Ok(handle)
}

/// Version and key exchange, and the host key check.
async fn greet(
    connector: &Connector,
    target: &HostTarget,
    stream: Box<dyn Wire>,
) -> Result<Handle<KeyCheck>, ExecError> {
    let check = KeyCheck::new(target)?;
    let config = Arc::new(client::Config {
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(check.algorithms()),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            ..Preferred::DEFAULT
        },
        keepalive_interval: Some(connector.settings().keepalive),
        nodelay: true,
        ..client::Config::default()
    });
    timeout(LOGIN_TIMEOUT, client::connect_stream(config, stream, check))
        .await
        .map_err(|_| unreachable(target, "the key exchange took longer than 30 s"))?
        .map_err(|stop| match stop {
            Stop::Key(refusal) => *refusal,
            Stop::Ssh(error) => unreachable(target, &before_login(&error)),
        })
}

async fn log_in(
    target: &HostTarget,
    handle: &mut Handle<KeyCheck>,
    key: Arc<russh::keys::PrivateKey>,
) -> Result<(), ExecError> {
    let gone = |error: russh::Error| unreachable(target, &before_login(&error));
    let hash = if key.algorithm().is_rsa() {
        // A server that doesn't say what it takes is taken to know RFC 8332: plain ssh-rsa (SHA-1) is never used.
        handle.best_supported_rsa_hash().await.map_err(gone)?.flatten().or(Some(russh::keys::HashAlg::Sha256))
    } else {
        None
    };
    let line = keys::public_line(key.public_key());
    let login = PrivateKeyWithHashAlg::new(key, hash);
    if handle.authenticate_publickey(target.user.as_str(), login).await.map_err(gone)?.success() {
        return Ok(());
    }
    Err(ExecError::Denied {
        host: target.name.clone(),
        user: target.user.clone(),
        detail: format!("add this line to ~{}/.ssh/authorized_keys there: {line}", target.user),
    })
}

fn before_login(error: &russh::Error) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum; the rest speaks for itself")]
    match error {
        russh::Error::Disconnect | russh::Error::HUP => {
            "it closed the connection before the login; it may be overloaded (MaxStartups) or block this address".into()
        }
        russh::Error::IO(error) => format!("the connection broke before the login: {error}"),
        other => format!("SSH could not be set up: {other}"),
    }
}

fn unreachable(target: &HostTarget, detail: &str) -> ExecError {
    ExecError::Unreachable { host: target.name.clone(), detail: detail.to_owned() }
}

fn place(target: &HostTarget) -> String {
    match target.address.contains(':') {
        true => format!("[{}]:{}", target.address, target.port),
        false => format!("{}:{}", target.address, target.port),
    }
}
