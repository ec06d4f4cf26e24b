//! The way to a host: TCP or a channel through a jump host, key exchange, login, and when to try that again.

use super::connector::Connector;
use super::keys::{KeyCheck, Stop};
use super::login::Login;
use super::patience::Patient;
use crate::ExecError;
use crate::host::HostTarget;
use davit_domain::ids::HostName;
use russh::client::{self, Handle};
use russh::{ChannelOpenFailure, ChannelStream, Disconnect, Preferred, cipher, compression, kex, mac};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// For the TCP connection alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For key exchange and login: a busy host or bastion is slower at those than at accepting.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// For the good-bye. A connection that takes no more words is left without one.
const GOOD_BYE: Duration = Duration::from_secs(1);
/// Questions without an answer that end a connection.
const KEEPALIVE_MAX: usize = 3;

/// What a host may send that we have not taken yet, per channel. Small, because all that comes back is log lines; what
/// we send is limited by the window that the host grants.
const WINDOW: u32 = 256 << 10;
/// Messages that wait in a channel for who reads it; then the whole connection waits.
const CHANNEL_BUFFER: usize = 32;
/// The same for a connection to a jump host. Hosts share it, so one slow reader must not stop the others: what can be
/// on the way to it is limited by the windows of the connection inside, so in practice these are never reached. They
/// cost nothing until they are used.
const JUMP_WINDOW: u32 = 2 << 20;
const JUMP_CHANNEL_BUFFER: usize = 64 << 10;

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
/// Builds are compressed before they are sent, when that pays.
const COMPRESSION: &[compression::Name] = &[compression::NONE];

/// A connection to a host, and the one to the jump host that it runs through.
pub(super) struct Hop {
    pub(super) handle: Handle<KeyCheck>,
    /// Held, because the connection ends with it.
    _via: Option<Arc<Hop>>,
}

impl Hop {
    /// Says good-bye.
    pub(super) async fn close(&self, host: &HostName) {
        match timeout(GOOD_BYE, self.handle.disconnect(Disconnect::ByApplication, "done", "en")).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%host, %error, "the connection was gone before it was closed"),
            Err(_) => tracing::debug!(%host, "the connection took no good-bye"),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Commands on the host itself.
    Commands,
    /// Connections to hosts behind it.
    Jump,
}

/// Why one try failed.
pub(super) enum Trouble {
    /// The next try may go better.
    Passing(ExecError),
    /// It would end the same way.
    Lasting(ExecError),
}

/// Connects through the jump hosts and logs in. What ends before the login is tried again for a while, with a right to
/// connect asked for anew each time; a refusal, or a key that is not the pinned one, is final.
pub(super) async fn open(
    connector: &Connector,
    jumps: &[HostTarget],
    target: &HostTarget,
    login: &Login,
    purpose: Purpose,
) -> Result<Hop, ExecError> {
    let settings = connector.settings();
    let (mut tried, mut pause) = (1, settings.pause);
    let begun = Instant::now();
    loop {
        let error = match attempt(connector, jumps, target, login, purpose).await {
            Ok(hop) => return Ok(hop),
            Err(Trouble::Lasting(error)) => return Err(error),
            Err(Trouble::Passing(error)) => error,
        };
        let wait = pause.mul_f64(rand::random_range(0.5..1.5));
        if tried >= settings.tries || begun.elapsed() + wait > settings.patience {
            return Err(error);
        }
        tracing::debug!(host = %target.name, %error, tried, "connecting again");
        sleep(wait).await;
        tried += 1;
        pause *= 2;
    }
}

async fn attempt(
    connector: &Connector,
    jumps: &[HostTarget],
    target: &HostTarget,
    login: &Login,
    purpose: Purpose,
) -> Result<Hop, Trouble> {
    let via = match jumps.split_last() {
        // Has its own tries.
        Some((jump, before)) => Some(connector.jump(before, jump).await.map_err(Trouble::Lasting)?),
        None => None,
    };
    let _admission = connector.admission(jumps, target).await;
    let (stream, via): (Box<dyn Wire>, _) = match (jumps.split_last(), via) {
        (Some((jump, before)), Some(via)) => {
            let (stream, via) = through(connector, before, jump, via, target).await?;
            (Box::new(stream), Some(via))
        }
        _ => (Box::new(dial(target).await?), None),
    };
    let stream = Patient::new(stream, connector.settings().keepalive * 3);
    let check = match login {
        Login::None => KeyCheck::only_look(target),
        Login::Key(_) | Login::Agent(_) | Login::Password(_) => KeyCheck::new(target),
    };
    let mut handle = greet(connector, target, stream, purpose, check.map_err(Trouble::Lasting)?).await?;
    timeout(LOGIN_TIMEOUT, login.present(target, &mut handle))
        .await
        .map_err(|_| Trouble::Passing(unreachable(target, "the login took longer than 30 s")))??;
    Ok(Hop { handle, _via: via })
}

/// A byte stream to a host: TCP, or a channel through a jump host.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A channel through a jump host, as a stream.
type Forwarded = ChannelStream<client::Msg>;

/// A channel through a jump host, or through another connection to it when this one takes no more channels.
async fn through(
    connector: &Connector,
    before: &[HostTarget],
    jump: &HostTarget,
    via: Arc<Hop>,
    to: &HostTarget,
) -> Result<(Forwarded, Arc<Hop>), Trouble> {
    let error = match forward(&via, to).await? {
        Ok(stream) => return Ok((stream, via)),
        Err(error) => error,
    };
    // We hold one, so a second holder is somebody else.
    if is_full(&error) && Arc::strong_count(&via) > 1 {
        let other = connector.jump_except(before, jump, Some(&via)).await.map_err(Trouble::Lasting)?;
        drop(via);
        return match forward(&other, to).await? {
            Ok(stream) => Ok((stream, other)),
            Err(error) => Err(no_forward(jump, to, &error)),
        };
    }
    Err(no_forward(jump, to, &error))
}

async fn forward(via: &Hop, to: &HostTarget) -> Result<Result<Forwarded, russh::Error>, Trouble> {
    let opened = via.handle.channel_open_direct_tcpip(to.address.as_str(), u32::from(to.port), "127.0.0.1", 0);
    let opened = timeout(CONNECT_TIMEOUT, opened)
        .await
        .map_err(|_| Trouble::Passing(unreachable(to, "the jump host got no answer from it within 10 s")))?;
    Ok(opened.map(russh::Channel::into_stream))
}

fn is_full(error: &russh::Error) -> bool {
    matches!(
        error,
        russh::Error::ChannelOpenFailure(
            ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::ResourceShortage
        )
    )
}

fn no_forward(jump: &HostTarget, to: &HostTarget, error: &russh::Error) -> Trouble {
    let russh::Error::ChannelOpenFailure(reason) = error else {
        let detail = format!("the connection to the jump host {} was lost", jump.name);
        return Trouble::Passing(unreachable(to, &detail));
    };
    let hint = match reason {
        ChannelOpenFailure::AdministrativelyProhibited => {
            "it forbids that: see AllowTcpForwarding and PermitOpen in its sshd_config"
        }
        ChannelOpenFailure::ConnectFailed => "check that sshd runs there and that the jump host may reach it",
        ChannelOpenFailure::ResourceShortage => "it is short of resources",
        ChannelOpenFailure::UnknownChannelType | ChannelOpenFailure::Other { .. } => "it does not forward connections",
    };
    Trouble::Lasting(unreachable(to, &format!("the jump host {} can't connect to {}: {hint}", jump.name, place(to))))
}

async fn dial(to: &HostTarget) -> Result<TcpStream, Trouble> {
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect((to.address.as_str(), to.port)))
        .await
        .map_err(|_| Trouble::Passing(unreachable(to, &format!("{} did not answer within 10 s", place(to)))))?
        .map_err(|error| no_connection(to, &error))?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(host = %to.name, %error, "TCP_NODELAY could not be set");
    }
    Ok(stream)
}

fn no_connection(to: &HostTarget, error: &io::Error) -> Trouble {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
    let hint = match error.kind() == ConnectionRefused {
        true => "; check that sshd runs there and that the port is right",
        false => "",
    };
    let unreachable = unreachable(to, &format!("{}: {error}{hint}", place(to)));
    match matches!(error.kind(), ConnectionReset | ConnectionAborted | TimedOut) {
        true => Trouble::Passing(unreachable),
        false => Trouble::Lasting(unreachable),
    }
}

/// Version and key exchange, and the host key check.
async fn greet(
    connector: &Connector,
    target: &HostTarget,
    stream: impl Wire + 'static,
    purpose: Purpose,
    check: KeyCheck,
) -> Result<Handle<KeyCheck>, Trouble> {
    let (window_size, channel_buffer_size) = match purpose {
        Purpose::Commands => (WINDOW, CHANNEL_BUFFER),
        Purpose::Jump => (JUMP_WINDOW, JUMP_CHANNEL_BUFFER),
    };
    let config = Arc::new(client::Config {
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(check.algorithms()),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(COMPRESSION),
            ..Preferred::DEFAULT
        },
        window_size,
        channel_buffer_size,
        keepalive_interval: Some(connector.settings().keepalive),
        keepalive_max: KEEPALIVE_MAX,
        ..client::Config::default()
    });
    timeout(LOGIN_TIMEOUT, client::connect_stream(config, stream, check))
        .await
        .map_err(|_| Trouble::Passing(unreachable(target, "the key exchange took longer than 30 s")))?
        .map_err(|stop| match stop {
            Stop::Key(refusal) => Trouble::Lasting(*refusal),
            Stop::Ssh(error) => before_login(target, &error),
        })
}

/// What a connection that ended before the login means.
pub(super) fn before_login(target: &HostTarget, error: &russh::Error) -> Trouble {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    use russh::Error::{Disconnect, HUP, IO, RecvError, SendError};
    let io = if let IO(error) = error { Some(error) } else { None };
    let closed = match io {
        Some(error) => matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof),
        None => matches!(error, Disconnect | HUP | SendError | RecvError),
    };
    if closed {
        let detail =
            "it closed the connection before the login; it may be overloaded (MaxStartups) or block this address";
        return Trouble::Passing(unreachable(target, detail));
    }
    match io {
        Some(error) => {
            Trouble::Passing(unreachable(target, &format!("the connection broke before the login: {error}")))
        }
        None => Trouble::Lasting(unreachable(target, &format!("SSH could not be set up: {error}"))),
    }
}

/// The host can't be reached, and why.
pub(super) fn unreachable(target: &HostTarget, detail: &str) -> ExecError {
    ExecError::Unreachable { host: target.name.clone(), detail: detail.to_owned() }
}

/// `address:port`, as people write it.
pub(super) fn place(target: &HostTarget) -> String {
    match target.address.contains(':') {
        true => format!("[{}]:{}", target.address, target.port),
        false => format!("{}:{}", target.address, target.port),
    }
}
