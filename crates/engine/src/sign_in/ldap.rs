//! LDAP: who is meant by a name is looked up in the directory, then whoever typed the password is tried with it there.
//!
//! An empty password is never sent: directories take it for somebody who does not want to say who they are, and let
//! them in (RFC 4513, 5.1.2). What people type is escaped before it is part of a filter.

use super::arrival::{Somebody, provider};
use super::trust;
use crate::notify::outgoing::Outgoing;
use crate::{Engine, EngineError};
use davit_domain::config::{Identity, IdentityKind, LdapProvider};
use davit_store::accounts::User;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, StdStream, ldap_escape};
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use url::Url;

/// How long a directory may take to say who somebody is, all in all.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Groups that one person is believed to be in.
const MOST_GROUPS: usize = 2_000;
/// What never changes about somebody, even when they marry or move: OpenLDAP's and others' (RFC 4530), and Active
/// Directory's. Where a directory has neither, it is the distinguished name.
const ENTRY_UUID: &str = "entryUUID";
const OBJECT_GUID: &str = "objectGUID";
const DISPLAY_NAME: [&str; 2] = ["displayName", "cn"];
/// What a directory answers to a password that is wrong, expired, or not to be tried again (RFC 4511, A.1).
const NOT_THEIRS: [u32; 3] = [19, 49, 53];

impl Engine {
    /// Asks the directories who has this name and password; `None`: nobody.
    ///
    /// `known` is the account of this name, and whether it has a password here: then only a directory that it is linked
    /// to is asked, so that no other one gets to see what was typed.
    pub(super) async fn ask_directories(
        &self,
        name: &str,
        password: &SecretString,
        known: Option<(&User, bool)>,
    ) -> Result<Option<(Identity, Somebody)>, EngineError> {
        let identities = self.store().configuration().await?.identities;
        let linked = match known {
            Some((user, true)) => Some(self.store().identities_of(user.id).await?),
            Some((_, false)) | None => None,
        };
        let mut unreachable = None;
        for identity in identities {
            let IdentityKind::Ldap(ldap) = &identity.kind else { continue };
            let provider = provider(&identity);
            if linked.as_ref().is_some_and(|linked| linked.iter().all(|one| one.provider != provider)) {
                continue;
            }
            match self.ask_directory(&identity, ldap, name, password).await {
                Ok(Some(somebody)) => return Ok(Some((identity, somebody))),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(identity = %identity.id, %error, "a directory could not be asked");
                    unreachable = Some(error);
                }
            }
        }
        unreachable.map_or(Ok(None), Err)
    }

    async fn ask_directory(
        &self,
        identity: &Identity,
        ldap: &LdapProvider,
        name: &str,
        password: &SecretString,
    ) -> Result<Option<Somebody>, EngineError> {
        if name.is_empty() || password.expose_secret().is_empty() {
            return Ok(None);
        }
        let service = match (&ldap.bind_dn, &ldap.bind_password) {
            (Some(dn), Some(password)) => Some((dn.clone(), self.secret(password).await?)),
            (_, _) => None,
        };
        let settings = self.settings_for(identity, ldap).await?;
        let silent = |what: String| {
            EngineError::Upstream(format!("the directory {} can't be asked who you are: {what}", identity.name))
        };
        let asked = async {
            let connected = LdapConnAsync::with_settings(settings, &ldap.url).await;
            let (connection, handle) = connected.map_err(|error| silent(error.to_string()))?;
            let directory = Directory { handle, ldap, service };
            tokio::select! {
                biased;
                found = self.look_up(directory, name, password) => found.map_err(|error| match error {
                    Asking::Ldap(error) => silent(error.to_string()),
                    Asking::Engine(error) => error,
                }),
                ended = connection.drive() => Err(silent(ended.err().unwrap_or(LdapError::EndOfStream).to_string())),
            }
        };
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(found) => found,
            Err(_) => Err(silent(format!("it took longer than {} seconds", TIMEOUT.as_secs()))),
        }
    }

    /// A directory may know somebody by many names: by an address, or in other letters that it takes for the same. Tries
    /// are counted by the one that an account has, too.
    async fn look_up(
        &self,
        mut directory: Directory<'_>,
        name: &str,
        password: &SecretString,
    ) -> Result<Option<Somebody>, Asking> {
        directory.be_the_service().await?;
        let Some(entry) = directory.entry_of(name).await? else { return Ok(None) };
        let real = text(&entry, &directory.ldap.name_attribute).unwrap_or_else(|| name.to_owned());
        let other = if real.to_lowercase() == name.to_lowercase() { None } else { Some(self.begin_try(&real).await?) };
        if other.as_ref().is_some_and(|other| other.refused) {
            return Ok(None);
        }
        let right = directory.let_in(&entry, password).await;
        if let Some(other) = other {
            match right {
                Ok(false) => {
                    let user = self.store().user_by_name(&real).await.map_err(EngineError::from)?.map(|(user, _)| user);
                    self.was_wrong(&other, user.as_ref()).await?;
                }
                // Who is right has a code to get right, too, before counting starts anew.
                Ok(true) | Err(_) => self.was_nothing(&other).await?,
            }
        }
        if right? { Ok(Some(directory.somebody(&entry, real).await?)) } else { Ok(None) }
    }

    async fn settings_for(&self, identity: &Identity, ldap: &LdapProvider) -> Result<LdapConnSettings, EngineError> {
        let unusable = |what: &dyn std::fmt::Display| {
            EngineError::Upstream(format!("the directory {} can't be reached: {what}", identity.name))
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_root_certificates(trust::store(self.roots(identity).await?))
            .with_no_client_auth();
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_TIMEOUT)
            .set_config(Arc::new(tls))
            .set_starttls(ldap.start_tls);
        if identity.allow_private {
            return Ok(settings);
        }
        // The address that was found fit is the one that is connected to.
        let url = Url::parse(&ldap.url).map_err(|error| unusable(&error))?;
        let port = url.port().unwrap_or(if url.scheme() == "ldaps" { 636 } else { 389 });
        let host = url.host_str().ok_or_else(|| unusable(&"its URL names no host"))?;
        let host = url::Host::parse(host).map_err(|error| unusable(&error))?;
        let way = Outgoing { allow_private: false, ca: None };
        let addresses = way.addresses(&host, port).await.map_err(|why| unusable(&why.into_detail()))?;
        let stream = tokio::net::TcpStream::connect(addresses.as_slice()).await.map_err(|error| unusable(&error))?;
        let stream = stream.into_std().map_err(|error| unusable(&error))?;
        Ok(settings.set_std_stream(StdStream::Tcp(stream)))
    }
}

/// What can go wrong while a directory is asked.
enum Asking {
    Ldap(LdapError),
    Engine(EngineError),
}

impl From<LdapError> for Asking {
    fn from(error: LdapError) -> Self {
        Self::Ldap(error)
    }
}

impl From<EngineError> for Asking {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// A connection to a directory.
struct Directory<'a> {
    handle: Ldap,
    ldap: &'a LdapProvider,
    /// Who looks people up, with their password; `None`: nobody in particular.
    service: Option<(String, SecretString)>,
}

impl Directory<'_> {
    /// Whether the directory lets who this is in with this password.
    async fn let_in(&mut self, entry: &SearchEntry, password: &SecretString) -> Result<bool, LdapError> {
        let tried = self.handle.simple_bind(&entry.dn, password.expose_secret()).await?;
        if NOT_THEIRS.contains(&tried.rc) {
            return Ok(false);
        }
        tried.success().map(|_| true)
    }

    /// Who that is, with their groups.
    async fn somebody(&mut self, entry: &SearchEntry, name: String) -> Result<Somebody, LdapError> {
        // Without a service, who signed in looks for their groups themselves.
        self.be_the_service().await?;
        let groups = self.groups_of(&entry.dn, &name).await?;
        self.handle.unbind().await?;
        Ok(Somebody {
            subject: unchanging(entry).unwrap_or_else(|| entry.dn.to_lowercase()),
            name,
            display_name: DISPLAY_NAME.iter().find_map(|name| text(entry, name)).unwrap_or_default(),
            email: text(entry, &self.ldap.email_attribute).unwrap_or_default(),
            groups,
        })
    }

    async fn be_the_service(&mut self) -> Result<(), LdapError> {
        match &self.service {
            Some((dn, password)) => {
                self.handle.simple_bind(dn, password.expose_secret()).await.and_then(LdapResult::success).map(drop)
            }
            None => Ok(()),
        }
    }

    /// The one entry that is meant by a name; more than one is as good as none.
    async fn entry_of(&mut self, name: &str) -> Result<Option<SearchEntry>, LdapError> {
        let filter = self.ldap.user_filter.replace("{name}", &ldap_escape(name));
        let asked = [self.ldap.name_attribute.as_str(), self.ldap.email_attribute.as_str()];
        let attributes: Vec<&str> = asked.into_iter().chain([ENTRY_UUID, OBJECT_GUID]).chain(DISPLAY_NAME).collect();
        let found = self.handle.search(&self.ldap.user_base, Scope::Subtree, &filter, attributes).await?;
        let mut entries = found.success()?.0.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct);
        let entry = entries.next();
        if entries.next().is_some() {
            tracing::warn!("more than one person in the directory is meant by one name: user_filter is too wide");
            return Ok(None);
        }
        Ok(entry)
    }

    async fn groups_of(&mut self, dn: &str, name: &str) -> Result<Vec<String>, LdapError> {
        let Some(base) = &self.ldap.group_base else { return Ok(Vec::new()) };
        let filter = self.ldap.group_filter.replace("{dn}", &ldap_escape(dn)).replace("{name}", &ldap_escape(name));
        let attribute = self.ldap.group_attribute.as_str();
        let found = self.handle.search(base, Scope::Subtree, &filter, vec![attribute]).await?;
        let entries = found.success()?.0.into_iter().filter(|entry| !entry.is_ref()).take(MOST_GROUPS);
        Ok(entries.filter_map(|entry| text(&SearchEntry::construct(entry), attribute)).collect())
    }
}

/// The first value of an attribute, however the directory spells its name.
fn text(entry: &SearchEntry, attribute: &str) -> Option<String> {
    let (_, values) = entry.attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute))?;
    values.first().filter(|value| !value.is_empty()).cloned()
}

/// What a directory knows somebody by whatever they are called: text, or bytes as hexadecimal digits. Bytes that happen to
/// be a text are bytes all the same.
fn unchanging(entry: &SearchEntry) -> Option<String> {
    if let Some(uuid) = text(entry, ENTRY_UUID) {
        return Some(uuid);
    }
    let bytes = entry.bin_attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(OBJECT_GUID));
    let bytes = bytes.and_then(|(_, values)| values.first()).cloned();
    let bytes = bytes.or_else(|| text(entry, OBJECT_GUID).map(String::into_bytes))?;
    let mut digits = String::with_capacity(bytes.len() * 2);
    bytes.iter().try_for_each(|byte| write!(digits, "{byte:02x}")).ok()?;
    Some(digits)
}
