//! A real OpenSSH server as a host: the harness owns the listener and starts `sshd -i` for each connection, so there
//! are no port races, and it sees every byte, so it can refuse and cut connections.
//!
//! The host's file system is this machine's: give each host its own temporary directory. `HOME` is a temporary one too,
//! so that the start-up files of whoever runs the tests say nothing.

mod scripted;

pub use scripted::{Logins, ScriptedSshd};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::process::Command;
use tokio_util::sync::{CancellationToken, DropGuard};

const SSHD: &str = "/usr/sbin/sshd";
/// No limit on the bytes of a connection.
const UNCUT: u64 = u64::MAX;

/// A running server. It stops, and its connections end, when it is dropped.
#[derive(Debug)]
pub struct Sshd {
    address: SocketAddr,
    user: String,
    dir: TempDir,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Shared {
    refuse: AtomicBool,
    cut_after: AtomicU64,
    /// Cuts the connections that there are; a new one for those that come later.
    cut: Mutex<CancellationToken>,
    connections: AtomicUsize,
    keys: AtomicUsize,
    config: PathBuf,
}

impl Shared {
    fn cut(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.cut.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Sshd {
    /// Starts a server with an Ed25519 host key that lets one new client key in, as the user who runs the test.
    ///
    /// # Panics
    /// When OpenSSH is not installed, or the temporary directory can't be written.
    pub async fn start() -> Self {
        Self::start_with_path("/usr/local/bin:/usr/bin:/bin").await
    }

    /// As [`start`](Self::start), with this `PATH` for all that runs there.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with_path(path: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("davit-sshd-").tempdir().expect("a temporary directory");
        for key in ["host_ed25519", "client_ed25519"] {
            keygen(&dir.path().join(key), "ed25519").await;
        }
        let user = output(Command::new("id").arg("-un")).await;
        if user == "root" {
            // sshd's privilege separation directory, which its service manager makes otherwise.
            std::fs::create_dir_all("/run/sshd").expect("/run/sshd");
        }
        let config = dir.path().join("sshd_config");
        let client = dir.path().join("client_ed25519.pub");
        write_config(&config, &dir.path().join("host_ed25519"), &client, path).expect("sshd_config");

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            refuse: AtomicBool::new(false),
            cut_after: AtomicU64::new(UNCUT),
            cut: Mutex::default(),
            connections: AtomicUsize::new(0),
            keys: AtomicUsize::new(0),
            config,
        });
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, Arc::clone(&shared), stop.clone())));
        Self { address, user, dir, shared, _stop: stop.drop_guard() }
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

    /// Who may log in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The host key as in `authorized_keys`: `ssh-ed25519 AAAA…`.
    ///
    /// # Panics
    /// When the key's file is gone.
    #[must_use]
    pub fn host_key_line(&self) -> String {
        let config = std::fs::read_to_string(&self.shared.config).expect("sshd_config");
        let key = config.lines().find_map(|line| line.strip_prefix("HostKey ")).expect("a HostKey line");
        public_line(Path::new(key))
    }

    /// The client's private key in OpenSSH form.
    ///
    /// # Panics
    /// When the key's file is gone.
    #[must_use]
    pub fn client_private_key(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("client_ed25519")).expect("the client key")
    }

    /// Makes one more client key of this type (as in [`change_host_key`](Self::change_host_key)), lets it in too, and
    /// returns its private part in OpenSSH form.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    pub async fn new_client_key(&self, kind: &str) -> String {
        let key = self.new_client_key_file(kind).await;
        std::fs::read_to_string(key).expect("the new key")
    }

    /// As [`new_client_key`](Self::new_client_key), and returns the file, for programs that read keys themselves.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    pub async fn new_client_key_file(&self, kind: &str) -> PathBuf {
        let key = self.new_key("client", kind).await;
        let allowed = self.dir.path().join("client_ed25519.pub");
        let lines = std::fs::read_to_string(&allowed).expect("authorized keys");
        std::fs::write(&allowed, lines + &public_line(&key) + "\n").expect("authorized keys");
        key
    }

    /// Lets another client key in (a line for `authorized_keys`), and no longer the first one.
    ///
    /// # Panics
    /// When the file can't be written.
    pub fn authorize_only(&self, public_line: &str) {
        std::fs::write(self.dir.path().join("client_ed25519.pub"), public_line).expect("authorized keys");
    }

    /// Puts a line before all others of its configuration: OpenSSH believes the first one.
    pub fn configure(&self, line: &str) {
        self.edit_config(|config| format!("{line}\n{config}"));
    }

    /// From now on those are let in whose keys are in this file.
    pub fn authorize_from(&self, file: &Path) {
        self.configure(&format!("AuthorizedKeysFile {}", file.display()));
    }

    /// While true, connections are closed as soon as they are made, as an overloaded server does.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refuse.store(refuse, Ordering::SeqCst);
    }

    /// Drops each new connection after this many bytes from the client.
    pub fn cut_after_bytes(&self, bytes: u64) {
        self.shared.cut_after.store(bytes, Ordering::SeqCst);
    }

    /// Cuts the connections that there are now, as a broken network does: programs on the host are not ended by it.
    pub fn cut_now(&self) {
        std::mem::take(&mut *self.shared.cut()).cancel();
    }

    /// No connection is cut any more.
    pub fn stop_cutting(&self) {
        self.cut_after_bytes(UNCUT);
    }

    /// How many connections were made, refused ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Replaces the host keys by a new one of this type (`ed25519`, `ecdsa:384`, `rsa`: the size may follow), as a reinstalled host has.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    pub async fn change_host_key(&self, kind: &str) {
        let key = self.new_key("host", kind).await;
        self.edit_config(|config| {
            let others = config.lines().filter(|line| !line.starts_with("HostKey "));
            std::iter::once(format!("HostKey {}", key.display()).as_str()).chain(others).collect::<Vec<_>>().join("\n")
        });
    }

    /// Adds a host key of this type to those there are, and returns it as in `authorized_keys`.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    pub async fn add_host_key(&self, kind: &str) -> String {
        let key = self.new_key("host", kind).await;
        self.edit_config(|config| format!("{config}\nHostKey {}", key.display()));
        public_line(&key)
    }

    /// From now on commands find the directory `real` at the path `at`, each in a mount namespace of its own: so several
    /// hosts on one machine can have the same paths. Takes root, or a kernel that lets others make user namespaces.
    pub fn mount(&self, real: &Path, at: &Path) {
        let namespaces = if self.user == "root" { "--mount" } else { "--map-root-user --mount" };
        self.edit_config(|config| {
            format!(
                "{config}\nForceCommand exec unshare {namespaces} sh -c 'mount --bind {} {} && exec sh -c \"$SSH_ORIGINAL_COMMAND\"'",
                real.display(),
                at.display()
            )
        });
    }

    /// From now on commands are run by this shell, as for an account whose login shell it is.
    ///
    /// # Panics
    /// When the configuration can't be written.
    pub fn log_in_with(&self, shell: &str) {
        self.edit_config(|config| format!("{config}\nForceCommand exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""));
    }

    /// The home directory of those who log in.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    /// From now on every login's shell first says this, on standard output and on standard error and without a line
    /// ending, as the start-up files of some shells do.
    ///
    /// # Panics
    /// When it holds a single quote, or the configuration can't be written.
    pub fn greet(&self, noise: &str) {
        assert!(!noise.contains('\''), "no quotes in {noise:?}");
        self.edit_config(|config| {
            format!(
                "{config}\nForceCommand printf %s '{noise}'; printf %s '{noise}' >&2; exec sh -c \"$SSH_ORIGINAL_COMMAND\""
            )
        });
    }

    async fn new_key(&self, whose: &str, kind: &str) -> PathBuf {
        let number = self.shared.keys.fetch_add(1, Ordering::SeqCst);
        let key = self.dir.path().join(format!("{whose}_{kind}_{number}"));
        keygen(&key, kind).await;
        key
    }

    fn edit_config(&self, edit: impl FnOnce(&str) -> String) {
        let config = std::fs::read_to_string(&self.shared.config).expect("sshd_config");
        std::fs::write(&self.shared.config, edit(config.trim()) + "\n").expect("sshd_config");
    }
}

/// A key's public line without its comment.
fn public_line(key: &Path) -> String {
    let line = std::fs::read_to_string(key.with_added_extension("pub")).expect("a public key");
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn write_config(config: &Path, host_key: &Path, authorized: &Path, path: &str) -> io::Result<()> {
    let home = config.parent().unwrap_or(config).display();
    let text = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\nUseDNS no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n\
         AcceptEnv LANG LC_*\nSetEnv PATH={path} HOME={home}\n",
        host_key.display(),
        authorized.display()
    );
    std::fs::write(config, text)
}

async fn keygen(path: &Path, kind: &str) {
    let mut command = Command::new("ssh-keygen");
    let (kind, bits) = kind.split_once(':').map_or((kind, None), |(kind, bits)| (kind, Some(bits)));
    if let Some(bits) = bits {
        command.args(["-b", bits]);
    }
    output(command.args(["-q", "-N", "", "-C", "davit-test", "-t", kind, "-f"]).arg(path)).await;
}

async fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await.expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    while let Ok((client, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if shared.refuse.load(Ordering::SeqCst) {
            continue;
        }
        let (config, cut_after) = (shared.config.clone(), shared.cut_after.load(Ordering::SeqCst));
        let cut = shared.cut().clone();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            // A connection that broke is what some tests are about; they look at the client's side of it.
            let _ = serve(client, &config, cut_after, &cut).await;
        }));
    }
}

/// One connection: `sshd -i` behind a relay that counts what the client sends.
async fn serve(client: TcpStream, config: &Path, cut_after: u64, cut: &CancellationToken) -> io::Result<()> {
    client.set_nodelay(true)?;
    if cut_after == UNCUT {
        let client = client.into_std()?;
        client.set_nonblocking(false)?;
        let ours = client.try_clone()?;
        let mut sshd = spawn(config, client.into())?;
        return tokio::select! {
            ended = sshd.wait() => ended.map(drop),
            () = cut.cancelled() => ours.shutdown(std::net::Shutdown::Both),
        };
    }
    let (ours, theirs) = UnixStream::pair()?;
    let theirs = theirs.into_std()?;
    theirs.set_nonblocking(false)?;
    let _child = spawn(config, theirs.into())?;
    let (from_client, to_client) = client.into_split();
    let (from_sshd, to_sshd) = ours.into_split();
    tokio::select! {
        () = cut.cancelled() => Ok(()),
        copied = relay(from_client.take(cut_after), to_sshd) => copied,
        copied = relay(from_sshd, to_client) => copied,
    }
}

fn spawn(config: &Path, socket: std::os::fd::OwnedFd) -> io::Result<tokio::process::Child> {
    // Whoever runs the tests may have been started with Ctrl-C ignored, which its children inherit.
    Command::new("env")
        .args(["--default-signal", SSHD, "-i", "-f"])
        .arg(config)
        .stdin(socket.try_clone()?)
        .stdout(socket)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

async fn relay(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}
