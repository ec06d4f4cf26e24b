//! Where people may sign in beside davit's own accounts, as it is declared.

use super::model::SecretRef;
use crate::access::Role;
use crate::ids::IdentityId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The issuer, exactly as the provider spells it: where discovery starts.
    pub issuer: String,
    /// What davit is called there.
    pub client_id: String,
    /// davit's secret there; `None`: a public client.
    pub client_secret: Option<SecretRef>,
    /// What is asked for; `openid` is among them.
    pub scopes: Vec<String>,
    /// The claim that a new account is named after.
    pub name_claim: String,
    /// The claim with somebody's groups.
    pub groups_claim: String,
}

/// An LDAP directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LdapProvider {
    /// `ldaps://host:port` or `ldap://host:port`.
    pub url: String,
    /// Whether TLS starts on an `ldap://` connection before anything is said.
    pub start_tls: bool,
    /// Who looks people up; `None`: nobody in particular.
    pub bind_dn: Option<String>,
    /// Their password; set exactly where `bind_dn` is.
    pub bind_password: Option<SecretRef>,
    /// Where people are.
    pub user_base: String,
    /// Who is meant by a name, which stands for `{name}`.
    pub user_filter: String,
    /// The attribute that a new account is named after.
    pub name_attribute: String,
    /// The attribute with the mail address.
    pub email_attribute: String,
    /// Where groups are; `None`: groups are not asked for.
    pub group_base: Option<String>,
    /// Which groups are somebody's, whose distinguished name stands for `{dn}` and whose name for `{name}`.
    pub group_filter: String,
    /// The attribute with a group's name.
    pub group_attribute: String,
}

/// How an identity provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// OpenID Connect.
    Oidc(OidcProvider),
    /// LDAP.
    Ldap(LdapProvider),
}

impl IdentityKind {
    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Oidc(_) => "oidc",
            Self::Ldap(_) => "ldap",
        }
    }
}

/// Somewhere that knows people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its id.
    pub id: IdentityId,
    /// What the login page calls it.
    pub name: String,
    /// How it is spoken to.
    pub kind: IdentityKind,
    /// The role of accounts that it makes; `None`: only what grants give.
    pub role: Option<Role>,
    /// davit's group by the provider's group.
    pub groups: BTreeMap<String, String>,
    /// Certificates (PEM) that it may show beside the usual ones.
    pub ca: Option<SecretRef>,
    /// Whether it may be at an address of a private network.
    pub allow_private: bool,
}

impl Identity {
    /// Everything secret that it names.
    pub(super) fn secret_refs(&self) -> Vec<&SecretRef> {
        let own = match &self.kind {
            IdentityKind::Oidc(oidc) => oidc.client_secret.as_ref(),
            IdentityKind::Ldap(ldap) => ldap.bind_password.as_ref(),
        };
        [own, self.ca.as_ref()].into_iter().flatten().collect()
    }
}
