//! An SSH server for what OpenSSH does only with root and PAM, or not at all: passwords, questions, and a limit of
//! forwarded connections. Commands run as the user who runs the tests, with a home directory of their own.

use russh::keys::{Algorithm, PrivateKey, PublicKeyBase64};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Who is let in, beside those with a key that is in the home directory's `.ssh/authorized_keys`.
#[derive(Debug, Clone)]
pub enum Logins {
    /// Whoever has this password.
    Password(String),
    /// Whoever answers the one question with this password.
    Question(String),
    /// Whoever answers a second question too; nobody does.
    TwoQuestions(String),
    /// Whoever has a key, whichever.
    AnyKey,
}

/// A running server. It stops, and its connections end, when it is dropped.
#[derive(Debug)]
pub struct ScriptedSshd {
    address: SocketAddr,
    home: TempDir,
    host_key: String,
    connections: Arc<AtomicUsize>,
    _stop: DropGuard,
}

impl ScriptedSshd {
    /// Starts a server that forwards so many connections for each of its own, and no more.
    ///
    /// # Panics
    /// When there is no port or no temporary directory.
    pub async fn start(logins: Logins, forwards: usize) -> Self {
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).expect("a host key");
        let host_key = format!("{} {}", key.algorithm().as_str(), key.public_key().public_key_base64());
        let config = Arc::new(Config {
            methods: MethodSet::from(methods(&logins).as_slice()),
            auth_rejection_time: Duration::ZERO,
            keys: vec![key],
            ..Config::default()
        });
        let home = tempfile::Builder::new().prefix("davit-home-").tempdir().expect("a temporary directory");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let connections = Arc::new(AtomicUsize::new(0));
        let stop = CancellationToken::new();
        let guest = Guest { logins, forwards, home: home.path().into(), input: HashMap::new() };
        let accepting = accept(listener, config, guest, Arc::clone(&connections), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self { address, home, host_key, connections, _stop: stop.drop_guard() }
    }

    /// `127.0.0.1`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.ip().to_string()
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The host key as in `authorized_keys`.
    #[must_use]
    pub fn host_key_line(&self) -> &str {
        &self.host_key
    }

    /// The home directory of all users.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    config: Arc<Config>,
    guest: Guest,
    connections: Arc<AtomicUsize>,
    stop: CancellationToken,
) {
    while let Ok((client, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let (config, guest) = (Arc::clone(&config), guest.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            // A connection that broke is what some tests are about; they look at the client's side of it.
            if let Ok(session) = run_stream(config, client, guest).await {
                let _ = session.await;
            }
        }));
    }
}

fn methods(logins: &Logins) -> Vec<MethodKind> {
    match logins {
        Logins::Password(_) => vec![MethodKind::PublicKey, MethodKind::Password],
        Logins::Question(_) | Logins::TwoQuestions(_) => vec![MethodKind::PublicKey, MethodKind::KeyboardInteractive],
        Logins::AnyKey => vec![MethodKind::PublicKey],
    }
}

/// One connection.
#[derive(Clone)]
struct Guest {
    logins: Logins,
    forwards: usize,
    home: Box<Path>,
    /// Of each command, what to run and its standard input so far.
    input: HashMap<ChannelId, (String, Vec<u8>)>,
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(verdict(matches!(&self.logins, Logins::Password(right) if right == password), &self.logins))
    }

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let allowed = std::fs::read_to_string(self.home.join(".ssh/authorized_keys")).unwrap_or_default();
        let is_allowed = allowed.contains(&key.public_key.public_key_base64());
        Ok(verdict(is_allowed || matches!(self.logins, Logins::AnyKey), &self.logins))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let prompts = match &self.logins {
            Logins::Question(_) => vec![(Cow::Borrowed("Password: "), false)],
            Logins::TwoQuestions(_) => vec![(Cow::Borrowed("Password: "), false), (Cow::Borrowed("Code: "), false)],
            Logins::Password(_) | Logins::AnyKey => return Ok(Auth::reject()),
        };
        let Some(mut answers) = response else {
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() });
        };
        let answer = answers.next();
        let right = matches!(&self.logins, Logins::Question(right) if answer.as_deref() == Some(right.as_bytes()));
        Ok(verdict(right, &self.logins))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.input.insert(channel, (String::from_utf8_lossy(command).into_owned(), Vec::new()));
        session.channel_success(channel)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        if let Some((_, input)) = self.input.get_mut(&channel) {
            input.extend_from_slice(data);
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let Some((command, input)) = self.input.remove(&channel) else { return Ok(()) };
        let (stdout, code) = run(&command, &input, &self.home).await?;
        session.data(channel, stdout)?;
        session.exit_status_request(channel, code)?;
        session.close(channel)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(left) = self.forwards.checked_sub(1) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        self.forwards = left;
        let mut stream = TcpStream::connect((host, u16::try_from(port).unwrap_or_default())).await?;
        reply.accept().await;
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut stream).await });
        Ok(())
    }
}

/// A refusal that leaves all ways open, as OpenSSH's does.
fn verdict(right: bool, logins: &Logins) -> Auth {
    let again = MethodSet::from(methods(logins).as_slice());
    if right { Auth::Accept } else { Auth::Reject { proceed_with_methods: Some(again), partial_success: false } }
}

/// What a command says on standard output, and its exit code.
async fn run(command: &str, input: &[u8], home: &Path) -> std::io::Result<(Vec<u8>, u32)> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).await?;
    }
    let output = child.wait_with_output().await?;
    Ok((output.stdout, output.status.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(255)))
}
