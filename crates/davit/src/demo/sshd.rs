//! The demo's ssh host: the machine's own `sshd`, for this user alone, on a loopback port, with keys of its own.
//!
//! We own the listener and start `sshd -i` for each connection, so no port is guessed and nothing outlives the demo.

use crate::failure::Failure;
use nix::unistd::{User, geteuid};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

const PROGRAM: &str = "/usr/sbin/sshd";

/// An sshd that waits for connections.
pub(super) struct Sshd {
    pub(super) root: PathBuf,
    pub(super) port: u16,
    listener: TcpListener,
    config: PathBuf,
    user: String,
    host_key: String,
    client_key: PathBuf,
}

impl Sshd {
    /// Makes keys and configuration below `root`. `None` when `sshd` or `ssh-keygen` is not installed.
    pub(super) async fn prepare(root: &Path) -> Result<Option<Self>, Failure> {
        if !Path::new(PROGRAM).exists() {
            return Ok(None);
        }
        let keys = root.join("ssh");
        std::fs::create_dir_all(&keys).map_err(super::disk)?;
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o700)).map_err(super::disk)?;
        let (host_key, client_key) = (keys.join("host_key"), keys.join("client_key"));
        if !(generate(&host_key).await? && generate(&client_key).await?) {
            return Ok(None);
        }
        let read = |path: &Path| std::fs::read_to_string(path).map_err(super::disk);
        std::fs::copy(client_key.with_extension("pub"), keys.join("authorized_keys")).map_err(super::disk)?;
        let config = keys.join("sshd_config");
        let dir = keys.display();
        let text = format!(
            "HostKey {dir}/host_key\nAuthorizedKeysFile {dir}/authorized_keys\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             PrintMotd no\nPrintLastLog no\nLogLevel ERROR\nAcceptEnv LANG LC_*\n"
        );
        std::fs::write(&config, text).map_err(super::disk)?;
        if geteuid().is_root() {
            // Where sshd, started by root, gives up its rights; Debian makes it when the service starts.
            std::fs::create_dir_all("/run/sshd").map_err(super::disk)?;
        }
        let user = User::from_uid(geteuid()).ok().flatten().map(|user| user.name);
        let user = user.ok_or_else(|| Failure::failed("this user has no name, so that sshd lets nobody in"))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(super::disk)?;
        let port = listener.local_addr().map_err(super::disk)?.port();
        let host_key = read(&host_key.with_extension("pub"))?;
        Ok(Some(Self { root: root.to_owned(), port, listener, config, user, host_key, client_key }))
    }

    /// The lines of a `[[host]]` that say how to get in.
    pub(super) fn connection(&self) -> String {
        let key: Vec<&str> = self.host_key.split_whitespace().take(2).collect();
        format!(
            "kind = \"ssh\"\naddress = \"127.0.0.1\"\nport = {}\nuser = {:?}\nhost_key = {:?}\nprivate_key = {{ file = {:?} }}\n",
            self.port,
            self.user,
            key.join(" "),
            self.client_key.display().to_string()
        )
    }

    /// Lets connections in until `stop` resolves, then ends those that are left.
    pub(super) async fn serve_until(&self, stop: impl Future<Output = ()>) {
        // Dropped at the end, and each one ends with that.
        let mut sessions: Vec<Child> = Vec::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = self.listener.accept() => accepted,
            };
            sessions.retain_mut(|session| matches!(session.try_wait(), Ok(None)));
            match accepted.and_then(|(connection, _)| self.session(connection)) {
                Ok(session) => sessions.push(session),
                Err(error) => tracing::warn!(%error, "a connection to the demo's ssh host failed"),
            }
        }
    }

    fn session(&self, connection: TcpStream) -> std::io::Result<Child> {
        let connection = connection.into_std()?;
        connection.set_nonblocking(false)?;
        let input = OwnedFd::from(connection);
        let output = input.try_clone()?;
        Command::new(PROGRAM)
            .arg("-i")
            .arg("-f")
            .arg(&self.config)
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }
}

/// A new Ed25519 key pair. False: `ssh-keygen` is not installed.
async fn generate(path: &Path) -> Result<bool, Failure> {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "davit-demo", "-f"]).arg(path).status();
    match made.await {
        Ok(status) if status.success() => Ok(true),
        Ok(status) => Err(Failure::failed(format!("ssh-keygen ended with {status}"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(super::disk(error)),
    }
}
