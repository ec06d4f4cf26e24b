//! What is done on a host, over SSH or on this machine: prepare, stage, run hooks, switch, clean up.
//!
//! Both transports run the same shell scripts (`host/scripts`), which need only POSIX `sh` and the usual tools, GNU or
//! BusyBox. A command line says nothing but how to read a program from standard input: paths, variables and secrets
//! come with the program, quoted by [`crate::quote`]. Accepted race: somebody who changes the same directories by
//! hand at the same moment.
//!
//! Not here: when to do what, on which hosts, and what to do about a failure. That is the engine.

mod hook;
mod inspect;
mod install;
mod layout;
mod local;
mod pace;
mod prepare;
mod put;
mod reply;
mod script;
mod shell;
mod stage;
mod survey;
pub(crate) mod transport;

pub use hook::{HookEnd, HookId, HookLine, HookSink, HostHook};
pub use inspect::Inspection;
pub use install::{InstallReport, install_key};
pub use layout::{Layout, Shared};
pub use prepare::HostFacts;
pub use put::{FileSource, PutReport};
pub use shell::{ShellEvent, ShellInput, ShellOutput, TerminalSize};
pub use stage::{Compress, StageReport, TransferOptions, Unchanged, Upload, Verify};
pub use survey::Survey;

use crate::{ExecError, ssh};
use davit_domain::ids::{HostName, ReleaseName};
use pace::Pace;
use reply::Reply;
use script::Script;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use transport::{Running, Transport};

pub use crate::ssh::keys::{generate_key, public_key_line};
pub use crate::ssh::{Connector, ConnectorSettings};

/// For a script of ours other than an upload. Removing big trees on slow disks is the longest they do.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// This machine; no network, no login.
    Local,
    /// SSH.
    Ssh,
}

/// A host and how to log in to it.
#[derive(Debug, Clone)]
pub struct HostTarget {
    /// Its name in davit.
    pub name: HostName,
    /// How it is reached; for [`HostKind::Local`] the fields below are not used.
    pub kind: HostKind,
    /// A DNS name or IP address.
    pub address: String,
    /// The SSH port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The pinned host key as in `authorized_keys`: `ssh-ed25519 AAAA…`.
    pub host_key: Option<String>,
    /// The private key in OpenSSH (or PKCS#8) PEM form, without a passphrase.
    pub private_key: Option<SecretString>,
    /// The SSH agent of this process (`SSH_AUTH_SOCK`) logs in, and no private key is looked at.
    pub agent: bool,
    /// The jump hosts on the way, nearest first. Their own `jump` is not looked at.
    pub jump: Vec<HostTarget>,
}

/// One connection to a host. Clones share it; commands run side by side on it.
#[derive(Clone)]
pub struct Host {
    transport: Arc<Transport>,
    name: HostName,
    pace: Arc<Pace>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Host {
    /// Connects, checks the pinned host key, logs in. One try takes at most 70 s a hop, 10 of them for the connection;
    /// what ends before the login is tried again as the connector's settings say.
    ///
    /// # Errors
    /// `Unreachable`, `HostKeyUnknown`, `HostKeyChanged`, `Denied`; `Cancelled` when cancelled first.
    pub async fn connect(
        connector: &Connector,
        target: &HostTarget,
        cancel: &CancellationToken,
    ) -> Result<Self, ExecError> {
        let transport = match target.kind {
            HostKind::Local => Transport::Local,
            HostKind::Ssh => {
                let opened = cancel.run_until_cancelled(ssh::Connection::open(connector, target)).await;
                Transport::Ssh(Box::new(opened.ok_or_else(|| ExecError::Cancelled {
                    proof: format!("the connection to {} was not made", target.name),
                })??))
            }
        };
        Ok(Self::over(transport, target))
    }

    fn over(transport: Transport, target: &HostTarget) -> Self {
        Self { transport: Arc::new(transport), name: target.name.clone(), pace: Arc::new(Pace::of(target)) }
    }

    /// Removes a staged release.
    ///
    /// # Errors
    /// `Refused` when it is the live one; `ConnectionLost`.
    pub async fn discard(&self, layout: &Layout, release: &ReleaseName) -> Result<(), ExecError> {
        let removed = self.remove_releases(layout, std::slice::from_ref(release)).await?;
        if removed.contains(release) {
            return Ok(());
        }
        Err(ExecError::Refused(format!("{}: release {release} is live and was not removed", self.name)))
    }

    /// Makes `to` the live release by renaming a symlink over `deploy_path`, and appends `record` (one line) to
    /// `.davit/revisions.log`. Returns the release that was live before.
    ///
    /// # Errors
    /// `Refused` when the release is not there or `deploy_path` is not a symlink; nothing is changed then.
    /// `ConnectionLost`: ask [`live`](Self::live) which one it is.
    pub async fn switch(
        &self,
        layout: &Layout,
        to: &ReleaseName,
        record: &str,
    ) -> Result<Option<ReleaseName>, ExecError> {
        let mut script = layout.script(script::SWITCH);
        script.set("release", to.as_str()).set("record", record.replace(['\n', '\r', '\0'], " "));
        Ok(self.ask(script, "the switch").await?.release("previous"))
    }

    /// Takes a first release back: `deploy_path` becomes what it was before davit's first switch there, nothing or a
    /// symlink to somewhere else.
    ///
    /// # Errors
    /// `Refused` when it can't be removed; `ConnectionLost`.
    pub async fn unlink_live(&self, layout: &Layout) -> Result<(), ExecError> {
        self.ask(layout.script(script::UNLINK), "the revert").await.map(drop)
    }

    /// The release `deploy_path` points to.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn live(&self, layout: &Layout) -> Result<Option<ReleaseName>, ExecError> {
        Ok(self.ask(layout.script(script::LIST), "a look at the live release").await?.release("live"))
    }

    /// The releases there are, oldest first.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn releases(&self, layout: &Layout) -> Result<Vec<ReleaseName>, ExecError> {
        Ok(self.ask(layout.script(script::LIST), "a look at the releases").await?.releases("release"))
    }

    /// Removes releases and returns those that are gone now. The one `deploy_path` points to is never removed; the
    /// host checks that itself, whatever the list says.
    ///
    /// # Errors
    /// `Refused` when files can't be removed; `ConnectionLost`.
    pub async fn remove_releases(
        &self,
        layout: &Layout,
        releases: &[ReleaseName],
    ) -> Result<Vec<ReleaseName>, ExecError> {
        let mut script = layout.script(script::REMOVE);
        script.calls("each_release", releases.iter().map(|release| vec![release.as_str().as_bytes()]));
        Ok(self.ask(script, "the removal of old releases").await?.releases("removed"))
    }

    /// Ends the connection.
    pub async fn close(self) {
        match &*self.transport {
            Transport::Ssh(connection) => connection.close().await,
            Transport::Local => {}
        }
    }

    /// Starts a command and notes how long the way to the host is.
    async fn start(&self, command: &str) -> Result<Running, ExecError> {
        let asked = Instant::now();
        let running = self.transport.start(command).await?;
        self.pace.note(asked.elapsed());
        Ok(running)
    }

    /// Whether a round trip to the host takes at least this long.
    fn is_far(&self, far: Duration) -> bool {
        self.pace.quickest().is_some_and(|quickest| quickest >= far)
    }

    /// Runs a script that takes nothing but itself and says what it found.
    async fn ask(&self, script: Script, during: &'static str) -> Result<Reply, ExecError> {
        let mut running = self.start(Script::COMMAND).await?;
        let said = tokio::time::timeout(ANSWER_LIMIT, async {
            running.send_all(&script.into_bytes()).await;
            running.finish().await
        });
        let said = said.await.map_err(|_| ExecError::TimedOut {
            what: format!("{during} on {}", self.name),
            limit: ANSWER_LIMIT,
            proof: "it gave no answer; look for a file system that hangs there".into(),
        })?;
        Reply::of(&self.name, said, during)
    }
}

/// Asks a host for its key without logging in: the key as in `authorized_keys`, and its `SHA256:…` fingerprint.
///
/// # Errors
/// `Unreachable`; for its jump hosts all that [`Host::connect`] says.
pub async fn scan_key(connector: &Connector, target: &HostTarget) -> Result<(String, String), ExecError> {
    ssh::scan(connector, target).await
}
