//! Hosts: how they are reached, verified, and whose key is believed.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use davit_domain::config::{Configuration, Host, HostKind};
use davit_domain::ids::HostName;
use davit_exec::ExecError;
use davit_exec::host::{self, HostTarget};
use davit_store::hosts::HostCheck;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

impl Engine {
    /// Connects to a host, logs in, and stores what was found.
    ///
    /// # Errors
    /// When there is no such host; a host that does not answer is a result, not an error.
    pub async fn verify_host(&self, name: &HostName) -> Result<HostCheck, EngineError> {
        let configuration = self.store().configuration().await?;
        let target = self.target(&configuration, name).await?;
        let outcome = match host::Host::connect(self.connector(), &target, &CancellationToken::new()).await {
            Ok(connected) => {
                connected.close().await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        let (code, detail, fingerprint) = match outcome {
            Ok(()) => ("ok", "davit can log in and run commands".to_owned(), None),
            Err(error) => describe(error),
        };
        let check = HostCheck { at: self.now(), code: code.to_owned(), detail, fingerprint };
        let mut tx = self.store().begin().await?;
        tx.record_host_check(name, &check).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Host, None);
        Ok(check)
    }

    /// Pins the key that a host shows now, when its fingerprint is the one a person compared.
    ///
    /// # Errors
    /// When the host shows another key, or can't be reached.
    pub async fn accept_host_key(&self, name: &HostName, fingerprint: &str, by: &str) -> Result<(), EngineError> {
        let configuration = self.store().configuration().await?;
        if find(&configuration, name)?.kind == HostKind::Local {
            return Err(EngineError::Invalid(format!("{name} is the machine that davit runs on: it has no host key")));
        }
        let target = self.target(&configuration, name).await?;
        let (key, shown) = host::scan_key(self.connector(), &target).await?;
        if shown != fingerprint {
            return Err(EngineError::Conflict(format!(
                "{name} shows the key {shown} now, not {fingerprint}: compare again"
            )));
        }
        let mut tx = self.store().begin().await?;
        tx.pin_host_key(name, &key).await?;
        self.feed(&mut tx, by, "host_key_accepted", name.as_str(), serde_json::json!({ "fingerprint": shown })).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Host, None);
        Ok(())
    }

    /// What is needed to connect to a host, jump hosts and keys included.
    ///
    /// # Errors
    /// When it, a jump host or a key is missing.
    pub(crate) async fn target(
        &self,
        configuration: &Configuration,
        name: &HostName,
    ) -> Result<HostTarget, EngineError> {
        let host = find(configuration, name)?;
        let mut jump = Vec::with_capacity(host.jump.len());
        for name in &host.jump {
            jump.push(self.direct_target(find(configuration, name)?).await?);
        }
        let mut target = self.direct_target(host).await?;
        target.jump = jump;
        Ok(target)
    }

    async fn direct_target(&self, host: &Host) -> Result<HostTarget, EngineError> {
        let (kind, private_key) = match host.kind {
            HostKind::Ssh if host.agent => (host::HostKind::Ssh, None),
            HostKind::Local => (host::HostKind::Local, None),
            HostKind::Ssh => {
                let key = match &host.private_key {
                    Some(reference) => self.secret(reference).await?,
                    None => self.own_ssh_key().await?.0,
                };
                (host::HostKind::Ssh, Some(key))
            }
        };
        Ok(HostTarget {
            name: host.name.clone(),
            kind,
            address: host.address.clone(),
            port: host.port,
            user: host.user.clone(),
            host_key: host.host_key.clone(),
            private_key,
            agent: host.agent,
            jump: Vec::new(),
        })
    }
}

/// `SHA256:…` of a key as in `authorized_keys`, the way OpenSSH prints it. `None` when it is not a key.
#[must_use]
pub fn fingerprint(key: &str) -> Option<String> {
    let blob = STANDARD.decode(key.split_whitespace().nth(1)?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

fn find<'c>(configuration: &'c Configuration, name: &HostName) -> Result<&'c Host, EngineError> {
    configuration
        .hosts
        .iter()
        .find(|host| host.name == *name)
        .ok_or_else(|| EngineError::NotFound(format!("there is no host named {name}")))
}

/// A stable code, a sentence, and the fingerprint of a key that a person has to look at.
fn describe(error: ExecError) -> (&'static str, String, Option<String>) {
    let detail = error.to_string();
    match error {
        ExecError::Unreachable { .. } | ExecError::ConnectionLost { .. } => ("unreachable", detail, None),
        ExecError::Denied { .. } => ("denied", detail, None),
        ExecError::HostKeyUnknown { fingerprint, .. } => ("host_key_unknown", detail, Some(fingerprint)),
        ExecError::HostKeyChanged { actual, .. } => ("host_key_changed", detail, Some(actual)),
        ExecError::Refused(_)
        | ExecError::Cancelled { .. }
        | ExecError::TimedOut { .. }
        | ExecError::Git(_)
        | ExecError::Io { .. } => ("refused", detail, None),
    }
}
