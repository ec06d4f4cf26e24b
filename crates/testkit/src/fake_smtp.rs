//! A mail server with `STARTTLS`, or TLS from the start, and with logins; it keeps the mails that it took.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// When it speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Never.
    Never,
    /// After `STARTTLS`; before it nobody may log in or send.
    Starttls,
    /// From the first byte.
    FromTheStart,
}

/// A mail as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who is said to have sent it.
    pub from: String,
    /// Whom it goes to.
    pub to: Vec<String>,
    /// Who logged in.
    pub user: Option<String>,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// Headers and text.
    pub data: String,
}

impl Mail {
    /// The header fields, with continued lines joined.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let field = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        head.split("\r\n").filter_map(field).collect()
    }
}

/// A mail server.
#[derive(Debug)]
pub struct FakeSmtp {
    /// Its port at `localhost`.
    pub port: u16,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    security: Security,
    login: Option<(String, String)>,
    mails: Mutex<Vec<Mail>>,
    refusals: Mutex<Vec<&'static str>>,
}

impl FakeSmtp {
    /// On a port of its own; with a login, nobody sends without it.
    ///
    /// # Panics
    /// When there is no port or no certificate.
    pub async fn start(security: Security, login: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let shared = Arc::new(Shared { security, login, mails: Mutex::default(), refusals: Mutex::default() });
        let mut server = JoinSet::new();
        let (acceptor, of_server) = (acceptor(), Arc::clone(&shared));
        server.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away in the middle is its own affair.
                talks.spawn(talk(stream, acceptor.clone(), Arc::clone(&of_server)));
            }
        });
        Self { port, shared, _server: server }
    }

    /// The mails that it took, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        locked(&self.shared.mails).clone()
    }

    /// The next mail is answered like this, such as `451 busy`, and not taken.
    pub fn refuse_next(&self, answer: &'static str) {
        locked(&self.shared.refusals).push(answer);
    }

    /// Who signed its certificate, which is `localhost`'s, in PEM.
    ///
    /// # Panics
    /// When the file is gone.
    #[must_use]
    pub fn ca() -> String {
        std::fs::read_to_string(format!("{}/ca.pem", certificates())).expect("a certificate")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn certificates() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../forge/tests/tls");
    directory.display().to_string()
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(format!("{}/server.pem", certificates())).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(format!("{}/server.key", certificates())).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key of the certificate");
    TlsAcceptor::from(Arc::new(config))
}

async fn talk(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    match shared.security {
        Security::FromTheStart => {
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut stream = BufReader::new(stream);
                if say(&mut stream, "220 test").await.is_some() {
                    converse(&mut stream, &shared, true).await;
                }
            }
        }
        Security::Never | Security::Starttls => {
            let mut stream = BufReader::new(stream);
            if say(&mut stream, "220 test").await.is_none() {
                return;
            }
            if converse(&mut stream, &shared, false).await == Some(Next::Encrypt)
                && let Ok(stream) = acceptor.accept(stream.into_inner()).await
            {
                converse(&mut BufReader::new(stream), &shared, true).await;
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Encrypt,
}

/// Speaks until the client leaves or wants TLS.
async fn converse<S>(stream: &mut BufReader<S>, shared: &Shared, encrypted: bool) -> Option<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut mail = Mail { from: String::new(), to: Vec::new(), user: None, encrypted, data: String::new() };
    loop {
        let line = read_line(stream).await?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let may_send =
            (encrypted || shared.security == Security::Never) && (mail.user.is_some() || shared.login.is_none());
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !encrypted && shared.security == Security::Starttls => {
                say(stream, "250-test\r\n250 STARTTLS").await?;
            }
            "EHLO" => say(stream, "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await?,
            "STARTTLS" if !encrypted => {
                say(stream, "220 go ahead").await?;
                return Some(Next::Encrypt);
            }
            "AUTH" => match login(rest, shared) {
                Some(user) => {
                    mail.user = Some(user);
                    say(stream, "235 welcome").await?;
                }
                None => say(stream, "535 5.7.8 authentication credentials invalid").await?,
            },
            "MAIL" | "RCPT" | "DATA" if !may_send => {
                say(stream, "530 5.7.0 must issue STARTTLS or log in first").await?
            }
            "MAIL" => {
                mail.from = address(rest);
                say(stream, "250 ok").await?;
            }
            "RCPT" => {
                mail.to.push(address(rest));
                say(stream, "250 ok").await?;
            }
            "DATA" => {
                say(stream, "354 go ahead").await?;
                mail.data = read_data(stream).await?;
                let refusal = locked(&shared.refusals).pop();
                if refusal.is_none() {
                    locked(&shared.mails).push(mail.clone());
                }
                say(stream, refusal.unwrap_or("250 taken")).await?;
                mail = Mail { to: Vec::new(), data: String::new(), ..mail };
            }
            "QUIT" => {
                say(stream, "221 bye").await?;
                return None;
            }
            "RSET" | "NOOP" => say(stream, "250 ok").await?,
            _ => say(stream, "502 not known").await?,
        }
    }
}

/// `PLAIN` with its first answer (RFC 4616).
fn login(rest: &str, shared: &Shared) -> Option<String> {
    let given = STANDARD.decode(rest.strip_prefix("PLAIN ")?).ok()?;
    let mut parts = given.split(|byte| *byte == 0).skip(1).map(|part| String::from_utf8_lossy(part).into_owned());
    let (user, password) = (parts.next()?, parts.next()?);
    (shared.login.as_ref() == Some(&(user.clone(), password))).then_some(user)
}

/// What stands between the angle brackets.
fn address(rest: &str) -> String {
    rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(one, _)| one.to_owned()).unwrap_or_default()
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

async fn read_data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, answer: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    stream.get_mut().flush().await.ok()
}
