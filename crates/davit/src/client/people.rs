//! Accounts, groups, grants and tokens at the server.

use super::types::{More, Page};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// What people call them.
    pub(crate) display_name: Option<String>,
    /// Where mail goes.
    pub(crate) email: Option<String>,
    /// The role on everything, or `none`.
    pub(crate) role: String,
    /// `local`, or the identity provider that made it.
    pub(crate) source: String,
    /// Whether it is shut out.
    pub(crate) disabled: bool,
    /// Until when it is locked after wrong passwords.
    pub(crate) locked_until: Option<Timestamp>,
    /// Whether it needs a code beside its password.
    pub(crate) two_factor: bool,
    /// Names of its groups.
    pub(crate) groups: Vec<String>,
    /// When it last did something.
    pub(crate) last_seen_at: Option<Timestamp>,
    /// Where it is shown in full: its own grants and those of its groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<Grant>,
    /// Where it is shown in full: who it is elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) identities: Vec<Identity>,
    /// Where it is shown in full: its tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<Token>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Who an account is elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its number.
    pub(crate) id: i64,
    /// `oidc:ID`, `ldap:ID`, `forge:ID` or `chat:CHANNEL`.
    pub(crate) provider: String,
    /// What people see there.
    pub(crate) label: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Identity {
    /// Whether it comes with a password: one of a directory.
    pub(crate) fn is_of_ldap(&self) -> bool {
        self.provider.starts_with("ldap:")
    }
}

/// A group; in full with its members, in a list with their number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// Who is in it, or how many.
    pub(crate) members: Members,
    /// Where it is shown in full: what its members are granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<Grant>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Who is in a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Members {
    /// How many.
    Count(u64),
    /// Who.
    Names(Vec<Member>),
}

/// Somebody in a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The account's name.
    pub(crate) user: String,
    /// `local`, or the identity provider that says so.
    pub(crate) source: String,
}

/// A role that is held somewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// Its number.
    pub(crate) id: i64,
    /// The account's name.
    pub(crate) user: Option<String>,
    /// The group's name.
    pub(crate) group: Option<String>,
    /// The role.
    pub(crate) role: String,
    /// Where.
    pub(crate) scope: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// An API token, without its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Its number.
    pub(crate) id: i64,
    /// What it is for.
    pub(crate) name: String,
    /// At most this role.
    pub(crate) role: Option<String>,
    /// Only there.
    pub(crate) scopes: Option<Vec<String>>,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was last used.
    pub(crate) last_used_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A token that was made; its text is shown this once.
#[derive(Deserialize)]
pub(crate) struct NewToken {
    /// Its text.
    pub(crate) token: String,
}

impl Client {
    /// Reads a list that comes whole.
    pub(crate) async fn whole<T: serde::de::DeserializeOwned>(&self, path: &[&str]) -> Result<Page<T>, Failure> {
        self.get(path, &[]).await
    }

    /// An account in full.
    pub(crate) async fn account(&self, name: &str) -> Result<Account, Failure> {
        self.get(&["users", name], &[]).await.map_err(see_users)
    }

    /// Changes an account.
    pub(crate) async fn change_account(&self, name: &str, change: &Value) -> Result<Account, Failure> {
        let request = self.request(Method::PATCH, self.url(&["users", name], &[])).timeout(TIMEOUT).json(change);
        self.body(self.send(request).await.map_err(see_users)?).await
    }

    /// Sets an account's password.
    pub(crate) async fn set_password(&self, name: &str, password: &SecretString) -> Result<(), Failure> {
        let body = json!({ "password": password.expose_secret() });
        self.without_answer(Method::POST, &["users", name, "password"], &body).await.map_err(see_users)
    }

    /// Describes or renames a group.
    pub(crate) async fn change_group(&self, name: &str, change: &Value) -> Result<Group, Failure> {
        let request = self.request(Method::PATCH, self.url(&["groups", name], &[])).timeout(TIMEOUT).json(change);
        self.body(self.send(request).await?).await
    }

    /// A change that is answered with nothing.
    pub(crate) async fn without_answer(&self, method: Method, path: &[&str], body: &Value) -> Result<(), Failure> {
        let request = self.request(method, self.url(path, &[])).timeout(TIMEOUT).json(body);
        self.send(request).await.map(drop)
    }
}

fn see_users(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit users list")
}
