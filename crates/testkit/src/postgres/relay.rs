//! A wire between davit and a test's database, which a test cuts and mends: for outages, and for answers that are lost
//! after PostgreSQL has done what it was asked for.

use super::TestDatabase;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A query message that ends a transaction well, as a client sends it.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// What PostgreSQL says once that is durable.
const COMMITTED: &[u8] = b"COMMIT\0";

/// The wire. Connections through it end when it is dropped.
#[derive(Debug)]
pub struct Relay {
    url: String,
    wire: Arc<Wire>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Wire {
    to: Upstream,
    is_cut: AtomicBool,
    /// Ends the connections that there are; a new one for those that come later.
    cut: Mutex<CancellationToken>,
    refused: watch::Sender<usize>,
    /// Of so many commits the last one's answer is lost.
    lose_every: AtomicUsize,
    /// So many more answers are lost.
    to_lose: AtomicUsize,
    commits: AtomicUsize,
    lost: watch::Sender<usize>,
}

#[derive(Debug)]
enum Upstream {
    Tcp(String, u16),
    Socket(std::path::PathBuf),
}

impl Relay {
    /// A wire to this database, which must ask for no password.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn to(database: &TestDatabase) -> Self {
        let server = &database.server;
        let to = match server.get_socket() {
            Some(directory) => Upstream::Socket(directory.join(format!(".s.PGSQL.{}", server.get_port()))),
            None => Upstream::Tcp(server.get_host().to_owned(), server.get_port()),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let address: SocketAddr = listener.local_addr().expect("its address");
        let url = format!("postgres://{}@{address}/{}?sslmode=disable", server.get_username(), database.name);
        let wire = Arc::new(Wire {
            to,
            is_cut: AtomicBool::new(false),
            cut: Mutex::default(),
            refused: watch::Sender::new(0),
            lose_every: AtomicUsize::new(1),
            to_lose: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            lost: watch::Sender::new(0),
        });
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, Arc::clone(&wire), stop.clone())));
        Self { url, wire, _stop: stop.drop_guard() }
    }

    /// Where davit finds the database behind it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Ends all connections; new ones are closed as soon as they are made, until [`mend`](Self::mend).
    pub fn cut(&self) {
        self.wire.is_cut.store(true, Ordering::SeqCst);
        std::mem::take(&mut *self.wire.cut()).cancel();
    }

    /// Connections are made again.
    pub fn mend(&self) {
        self.wire.is_cut.store(false, Ordering::SeqCst);
    }

    /// Waits until `count` more connections than now were refused.
    ///
    /// # Panics
    /// When it was dropped meanwhile.
    pub async fn refuses(&self, count: usize) {
        let mut refused = self.wire.refused.subscribe();
        let wanted = *refused.borrow_and_update() + count;
        refused.wait_for(|refused| *refused >= wanted).await.expect("the wire is there");
    }

    /// From now on every so many-th transaction becomes durable, and its client never hears of it: the connection is
    /// closed instead. Until that has happened `most` times.
    pub fn lose_commits(&self, every: usize, most: usize) {
        self.wire.lose_every.store(every.max(1), Ordering::SeqCst);
        self.wire.to_lose.store(most, Ordering::SeqCst);
    }

    /// Waits until so many answers are lost, of all that [`lose_commits`](Self::lose_commits) meant.
    ///
    /// # Panics
    /// When it was dropped meanwhile.
    pub async fn has_lost(&self, count: usize) {
        self.wire.lost.subscribe().wait_for(|lost| *lost >= count).await.expect("the wire is there");
    }
}

impl Wire {
    fn cut(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the answer to the commit that is on its way now is to be lost.
    fn loses_this(&self) -> bool {
        let every = self.lose_every.load(Ordering::SeqCst);
        let is_due = self.commits.fetch_add(1, Ordering::SeqCst) % every == every - 1;
        let take = |left: usize| left.checked_sub(1);
        is_due && self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    }
}

async fn accept(listener: TcpListener, wire: Arc<Wire>, stop: CancellationToken) {
    while let Ok((client, _)) = listener.accept().await {
        if wire.is_cut.load(Ordering::SeqCst) {
            wire.refused.send_modify(|refused| *refused += 1);
            continue;
        }
        let (wire, cut) = (Arc::clone(&wire), wire.cut().clone());
        let serving = cut.run_until_cancelled_owned(async move {
            // A connection that broke is what tests are about; they look at davit's side of it.
            let _ = serve(client, &wire).await;
        });
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
    }
}

async fn serve(client: TcpStream, wire: &Wire) -> io::Result<()> {
    client.set_nodelay(true)?;
    match &wire.to {
        Upstream::Tcp(host, port) => relay(client, TcpStream::connect((host.as_str(), *port)).await?, wire).await,
        Upstream::Socket(path) => relay(client, UnixStream::connect(path).await?, wire).await,
    }
}

async fn relay(client: TcpStream, server: impl AsyncRead + AsyncWrite + Unpin, wire: &Wire) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut loses_this = false;
    loop {
        tokio::select! {
            count = from_client.read(&mut asked) => {
                let bytes = &asked[..count?];
                if bytes.is_empty() {
                    return to_server.shutdown().await;
                }
                // A commit is a message of its own, sent when the client has nothing else to say.
                loses_this = bytes.ends_with(COMMIT) && wire.loses_this();
                to_server.write_all(bytes).await?;
            }
            count = from_server.read(&mut said) => {
                let bytes = &said[..count?];
                if bytes.is_empty() {
                    return to_client.shutdown().await;
                }
                if loses_this && bytes.windows(COMMITTED.len()).any(|window| window == COMMITTED) {
                    wire.lost.send_modify(|lost| *lost += 1);
                    return Ok(());
                }
                to_client.write_all(bytes).await?;
            }
        }
    }
}
