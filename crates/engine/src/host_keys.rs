//! Keys of many hosts at once: asked for, pinned, read from a `known_hosts`; and davit's own key put onto a host.

use crate::hosts::fingerprint;
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, Host, HostKind};
use davit_domain::ids::HostName;
use davit_exec::host;
use davit_exec::ssh::{Known, KnownHosts};
use davit_store::hosts::HostCheck;
use futures::StreamExt as _;
use secrecy::SecretString;
use std::collections::BTreeSet;

/// Hosts that are asked at the same time; the connector has its own limits for each door.
const SCANS_AT_ONCE: usize = 64;

/// A key as in `authorized_keys` and its fingerprint, or why there is none to see.
type Shown = Result<(String, String), EngineError>;

/// What a host's key is to davit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStatus {
    /// None is pinned yet.
    New,
    /// The pinned one.
    Same,
    /// Another one than the pinned one.
    Changed,
    /// It could not be asked.
    Failed,
}

/// What asking a host for its key has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScan {
    /// The host.
    pub host: HostName,
    /// `SHA256:…` of the key it showed.
    pub fingerprint: Option<String>,
    /// What that means.
    pub status: ScanStatus,
    /// A sentence when it could not be asked, else nothing.
    pub detail: String,
}

/// What became of a `known_hosts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyImport {
    /// Hosts that had no key and have one now.
    pub pinned: Vec<HostName>,
    /// Hosts whose pinned key is another one of the same kind than the file's, or is revoked there. It stays.
    pub conflicts: Vec<HostName>,
    /// Hosts without a key that the file says nothing about.
    pub missing: Vec<HostName>,
    /// Entries about none of davit's hosts.
    pub unknown: usize,
    /// Lines that could not be read.
    pub unreadable: usize,
}

/// A key that a host is to be known by.
struct Pin {
    host: HostName,
    key: String,
    fingerprint: String,
}

impl Engine {
    /// Asks hosts (all of them over SSH, or those that are named) for their keys, all at once. Pins nothing.
    ///
    /// # Errors
    /// When one that is named does not exist.
    pub async fn scan_host_keys(&self, names: Option<&[HostName]>) -> Result<Vec<KeyScan>, EngineError> {
        let configuration = self.store().configuration().await?;
        let scans = self.scan_all(&configuration, names).await?;
        Ok(scans.into_iter().map(|(host, shown)| judge(host, shown)).collect())
    }

    /// Pins what hosts show now, where that has the fingerprint that a person compared. All or none.
    ///
    /// # Errors
    /// When one shows another key, or can't be reached; then nothing is pinned.
    pub async fn accept_host_keys(&self, items: &[(HostName, String)], by: &str) -> Result<(), EngineError> {
        let names: Vec<HostName> = items.iter().map(|(name, _)| name.clone()).collect();
        let configuration = self.store().configuration().await?;
        let mut pins = Vec::with_capacity(items.len());
        for (host, shown) in self.scan_all(&configuration, Some(&names)).await? {
            let (key, shown) = shown.map_err(|error| EngineError::Upstream(format!("{error}; nothing was pinned")))?;
            if !items.iter().any(|(name, compared)| *name == host.name && *compared == shown) {
                let text = format!("{} shows the key {shown} now: compare again; nothing was pinned", host.name);
                return Err(EngineError::Conflict(text));
            }
            pins.push(Pin { host: host.name.clone(), key, fingerprint: shown });
        }
        self.pin(pins, by).await
    }

    /// Pins the keys that a `known_hosts` has for hosts without one. A key that is pinned is never replaced.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn import_known_hosts(&self, text: &str, by: &str) -> Result<KeyImport, EngineError> {
        let configuration = self.store().configuration().await?;
        let file = KnownHosts::new(text);
        let mut import = KeyImport { unreadable: file.unreadable(), ..KeyImport::default() };
        let (mut pins, mut used) = (Vec::new(), BTreeSet::<usize>::new());
        for host in over_ssh(&configuration) {
            let known = file.about(&host.address, host.port);
            used.extend(&known.entries);
            match (&host.host_key, known.keys.first()) {
                (Some(pinned), _) if contradicts(&known, pinned) => import.conflicts.push(host.name.clone()),
                (Some(_), _) => {}
                (None, Some(key)) => {
                    let fingerprint = fingerprint(key).unwrap_or_default();
                    pins.push(Pin { host: host.name.clone(), key: key.clone(), fingerprint });
                    import.pinned.push(host.name.clone());
                }
                (None, None) => import.missing.push(host.name.clone()),
            }
        }
        import.unknown = file.len() - used.len();
        self.pin(pins, by).await?;
        Ok(import)
    }

    /// Puts the public part of the key that davit logs in with onto a host, by one login with a password that is kept
    /// nowhere; then verifies the host.
    ///
    /// # Errors
    /// When the host's key is not pinned, the password is wrong, or the host has no key for davit to log in with.
    pub async fn install_key(
        &self,
        name: &HostName,
        password: &SecretString,
        by: &str,
    ) -> Result<HostCheck, EngineError> {
        let configuration = self.store().configuration().await?;
        let target = self.target(&configuration, name).await?;
        let Some(private) = &target.private_key else {
            return Err(EngineError::Invalid(format!(
                "davit logs in to {name} without a key of its own (it is local, or uses the agent): there is none to install"
            )));
        };
        let public = host::public_key_line(private)?;
        let report = host::install_key(self.connector(), &target, password, &public).await?;
        let mut tx = self.store().begin().await?;
        let detail = serde_json::json!({ "file": report.file, "already": report.already });
        self.feed(&mut tx, by, "key_installed", name.as_str(), detail).await?;
        tx.commit().await?;
        self.verify_host(name).await
    }

    /// What hosts show: a key and its fingerprint, or why not. In the order of the configuration.
    async fn scan_all<'c>(
        &self,
        configuration: &'c Configuration,
        names: Option<&[HostName]>,
    ) -> Result<Vec<(&'c Host, Shown)>, EngineError> {
        let exists = |name: &&HostName| configuration.hosts.iter().any(|host| host.name == **name);
        if let Some(unknown) = names.unwrap_or_default().iter().find(|name| !exists(name)) {
            return Err(EngineError::NotFound(format!("there is no host named {unknown}")));
        }
        // A list and a loop: with closures in the stream, callers could not prove this future to be Send.
        let hosts: Vec<&Host> =
            over_ssh(configuration).filter(|host| names.is_none_or(|names| names.contains(&host.name))).collect();
        let mut scans = Vec::with_capacity(hosts.len());
        for host in hosts {
            scans.push(async move { (host, self.scan(configuration, host).await) });
        }
        Ok(futures::stream::iter(scans).buffered(SCANS_AT_ONCE).collect().await)
    }

    async fn scan(&self, configuration: &Configuration, host: &Host) -> Shown {
        let target = self.target(configuration, &host.name).await?;
        Ok(host::scan_key(self.connector(), &target).await?)
    }

    async fn pin(&self, pins: Vec<Pin>, by: &str) -> Result<(), EngineError> {
        if pins.is_empty() {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        for Pin { host, key, fingerprint } in pins {
            tx.pin_host_key(&host, &key).await?;
            let detail = serde_json::json!({ "fingerprint": fingerprint });
            self.feed(&mut tx, by, "host_key_accepted", host.as_str(), detail).await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::Host, None);
        Ok(())
    }
}

fn judge(host: &Host, shown: Shown) -> KeyScan {
    let (fingerprint, status, detail) = match shown {
        Err(error) => (None, ScanStatus::Failed, error.to_string()),
        Ok((key, shown)) => {
            let status = match &host.host_key {
                None => ScanStatus::New,
                Some(pinned) if is_same(pinned, &key) => ScanStatus::Same,
                Some(_) => ScanStatus::Changed,
            };
            (Some(shown), status, String::new())
        }
    };
    KeyScan { host: host.name.clone(), fingerprint, status, detail }
}

fn over_ssh(configuration: &Configuration) -> impl Iterator<Item = &Host> {
    configuration.hosts.iter().filter(|host| host.kind == HostKind::Ssh)
}

/// Whether the file has another key of the pinned one's kind instead of it, or calls it revoked.
fn contradicts(known: &Known, pinned: &str) -> bool {
    let kind = |key: &str| key.split_whitespace().next().map(str::to_owned);
    let mut same_kind = known.keys.iter().filter(|key| kind(key) == kind(pinned)).peekable();
    known.revoked.iter().any(|key| is_same(key, pinned))
        || (same_kind.peek().is_some() && !same_kind.any(|key| is_same(key, pinned)))
}

/// The same key, whatever comment follows it.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().take(2).eq(other.split_whitespace().take(2))
}
