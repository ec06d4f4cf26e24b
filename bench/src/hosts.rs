//! Hosts to release to: one real sshd each, on loopback addresses of their own.
//!
//! All hosts of an app have the same paths, and here they share one file system. So each sshd runs in a mount namespace
//! of its own, in which a directory of that host lies over the common path. That takes root; [`Hosts::start`] says so.

use crate::davit::run;
use anyhow::{Context, ensure};
use nix::unistd::{Uid, User};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Running hosts. Dropped, they end.
pub struct Hosts {
    /// All of them.
    pub hosts: Vec<Host>,
    /// The path that is each host's own, below which apps are deployed.
    pub common: PathBuf,
    /// Who logs in.
    pub user: String,
    /// The private key file that lets us in.
    pub key: PathBuf,
    /// The hosts' key as in `authorized_keys`.
    pub host_key: String,
    /// `ssh_config` for the OpenSSH client, with each host's name.
    pub ssh_config: PathBuf,
}

/// One host.
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its loopback address.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// What it sees at [`Hosts::common`], seen from here.
    pub root: PathBuf,
    _sshd: Child,
}

impl Hosts {
    /// Starts `count` hosts with their files below `dir`.
    ///
    /// # Errors
    /// When not root, or OpenSSH or util-linux's `unshare` is not installed.
    pub async fn start(dir: &Path, count: usize) -> anyhow::Result<Self> {
        ensure!(Uid::effective().is_root(), "hosts with file systems of their own take root (mount namespaces)");
        let common = dir.join("srv");
        std::fs::create_dir_all(&common)?;
        // sshd's privilege separation directory, which its service manager makes otherwise.
        std::fs::create_dir_all("/run/sshd")?;
        let (host_key, key) = (dir.join("host_key"), dir.join("client_key"));
        for file in [&host_key, &key] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "davit-bench", "-f"]).arg(file);
            run(keygen, "").await?;
        }
        let user = User::from_uid(Uid::effective())?.context("this user has no name")?;
        // A login reads what lies in the home directory; what this machine's owner has there is not measured here.
        let (home, no_home) = (user.dir, dir.join("home"));
        std::fs::create_dir_all(&no_home)?;
        let public = std::fs::read_to_string(host_key.with_extension("pub"))?;
        let public: Vec<&str> = public.split_whitespace().take(2).collect();
        let mut hosts = Self {
            hosts: Vec::new(),
            common,
            user: user.name,
            host_key: public.join(" "),
            ssh_config: dir.join("ssh_config"),
            key,
        };
        for number in 1..=count {
            let host = hosts.start_one(dir, &host_key, [&no_home, &home], number).await?;
            hosts.hosts.push(host);
        }
        hosts.write_client_config(dir)?;
        Ok(hosts)
    }

    async fn start_one(&self, dir: &Path, host_key: &Path, home: [&Path; 2], number: usize) -> anyhow::Result<Host> {
        let root = dir.join(format!("host-{number}"));
        std::fs::create_dir_all(&root)?;
        // 127.1.0.1 and on: the whole of 127/8 is this machine.
        let address = format!("127.1.{}.{}", number / 250, number % 250 + 1);
        let port = std::net::TcpListener::bind((address.as_str(), 0))?.local_addr()?.port();
        let config = dir.join(format!("sshd_config-{number}"));
        std::fs::write(
            &config,
            format!(
                "ListenAddress {address}\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
                 StrictModes no\nUseDNS no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 PermitRootLogin prohibit-password\nLogLevel ERROR\n\
                 MaxStartups 100:30:200\nMaxSessions 20\n",
                host_key.display(),
                self.key.with_extension("pub").display(),
            ),
        )?;
        let sshd = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c"])
            .arg("mount --bind \"$1\" \"$2\" && mount --bind \"$4\" \"$5\" && exec /usr/sbin/sshd -D -e -f \"$3\"")
            .arg("sh")
            .args([&root, &self.common, &config])
            .args(home)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("unshare (util-linux)")?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Err(error) = TcpStream::connect((address.as_str(), port)).await {
            ensure!(Instant::now() < deadline, "sshd on {address}:{port}: {error}");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Host { name: format!("host-{number}"), address, port, root, _sshd: sshd })
    }

    fn write_client_config(&self, dir: &Path) -> anyhow::Result<()> {
        let known = dir.join("known_hosts");
        let mut text = format!(
            "UserKnownHostsFile {}\nIdentityFile {}\nIdentitiesOnly yes\nBatchMode yes\nControlMaster no\nUser {}\n",
            known.display(),
            self.key.display(),
            self.user
        );
        let mut keys = String::new();
        for host in &self.hosts {
            let Host { name, address, port, .. } = host;
            text.push_str(&format!("Host {name}\n  HostName {address}\n  Port {port}\n"));
            keys.push_str(&format!("[{address}]:{port} {}\n", self.host_key));
        }
        std::fs::write(known, keys)?;
        Ok(std::fs::write(&self.ssh_config, text)?)
    }

    /// Removes everything from the hosts.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn wipe(&self) -> anyhow::Result<()> {
        for host in &self.hosts {
            for entry in std::fs::read_dir(&host.root)? {
                let path = entry?.path();
                if path.is_dir() && !path.is_symlink() {
                    std::fs::remove_dir_all(path)?
                } else {
                    std::fs::remove_file(path)?
                }
            }
            std::fs::create_dir_all(host.root.join("davit"))?;
        }
        Ok(())
    }

    /// The `[[host]]` tables of `davit.toml`, in the environment `environment`.
    #[must_use]
    pub fn tables(&self, environment: &str) -> String {
        let table = |host: &Host| {
            format!(
                "[[host]]\nname = {:?}\nkind = \"ssh\"\naddress = {:?}\nport = {}\nuser = {:?}\nhost_key = {:?}\n\
                 private_key = {{ file = {:?} }}\nlabels = [\"bench\"]\nenvironments = [{environment:?}]\n\n",
                host.name, host.address, host.port, self.user, self.host_key, self.key
            )
        };
        self.hosts.iter().map(table).collect()
    }
}
