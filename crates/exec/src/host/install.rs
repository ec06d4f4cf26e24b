//! The first key on a host: one login with a password, to add davit's public key for all later ones.
//!
//! The password is given to the host's login and to nothing else; it is not kept, and no error names it.

use super::script::Script;
use super::{Host, HostTarget, Transport};
use crate::{ExecError, ssh};
use secrecy::SecretString;

const INSTALL: &str = include_str!("scripts/install_key.sh");

/// What became of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallReport {
    /// The file it is in.
    pub file: String,
    /// It was there before; nothing was changed.
    pub already: bool,
}

/// Logs in with a password and adds a public key (a line for `authorized_keys`) to those of the target's user. Done
/// twice it is there once. The host's key has to be pinned: a password is shown to nobody else.
///
/// # Errors
/// As [`Host::connect`](super::Host::connect); `Denied` when the password is wrong or the host takes none; `Refused`
/// when the file can't be written or the line is not a public key.
pub async fn install_key(
    connector: &ssh::Connector,
    target: &HostTarget,
    password: &SecretString,
    public_key_line: &str,
) -> Result<InstallReport, ExecError> {
    let line = public_key_line.trim();
    let mut words = line.split_whitespace();
    let (Some(kind), Some(data), true) = (words.next(), words.next(), ssh::keys::is_public(line)) else {
        return Err(ExecError::Refused("what is to be installed is not a public key line".into()));
    };
    let connection = ssh::Connection::open_with_password(connector, target, password).await?;
    let host = Host::over(Transport::Ssh(Box::new(connection)), target);
    let mut script = Script::new(INSTALL);
    script.set("app_dir", "").set("deploy_path", "").set("line", line).set("key", format!("{kind} {data}"));
    let reply = host.ask(script, "the installation of the key").await;
    host.close().await;
    let reply = reply?;
    Ok(InstallReport {
        file: reply.value("file").unwrap_or_default().to_owned(),
        already: reply.value("already").is_some(),
    })
}
