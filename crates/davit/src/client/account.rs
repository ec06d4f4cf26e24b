//! One's own account at the server: sessions, second factor, who one is elsewhere.

use super::people::Identity;
use super::types::{More, Page, Session};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Somewhere where an account is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LoginSession {
    /// Its number.
    pub(crate) id: i64,
    /// When somebody signed in.
    pub(crate) created_at: Timestamp,
    /// When it was used last.
    pub(crate) last_seen_at: Timestamp,
    /// From where.
    pub(crate) ip: Option<String>,
    /// What the browser calls itself.
    pub(crate) user_agent: Option<String>,
    /// `password`, `oidc:ID` or `ldap:ID`.
    pub(crate) how: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Whether an account has a second factor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecondFactor {
    /// Whether it is on.
    pub(crate) enabled: bool,
    /// Recovery codes that are unused.
    pub(crate) recovery_codes_left: u64,
    /// Whether putting one on asks for the account's password.
    pub(crate) asks_password: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What an authenticator app needs.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Enrolment {
    /// For typing it in.
    pub(crate) secret: String,
    /// For apps.
    pub(crate) otpauth_url: String,
}

/// Codes for when the phone is gone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RecoveryCodes {
    /// Each is good for once.
    pub(crate) recovery_codes: Vec<String>,
}

/// A code to be sent from a chat.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LinkCode {
    /// The code.
    pub(crate) code: String,
    /// Until when it counts.
    pub(crate) expires_at: Timestamp,
}

/// An identity provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provider {
    /// Its id.
    pub(crate) id: String,
    /// `oidc` or `ldap`.
    pub(crate) kind: String,
    /// What people call it.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// Who is logged in.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        self.get(&["session"], &[]).await
    }

    /// Where one is signed in; with a name, where somebody else is.
    pub(crate) async fn sessions(&self, user: Option<&str>) -> Result<Page<LoginSession>, Failure> {
        match user {
            Some(user) => self.whole(&["users", user, "sessions"]).await,
            None => self.whole(&["session", "list"]).await,
        }
    }

    /// Whether one has a second factor.
    pub(crate) async fn second_factor(&self) -> Result<SecondFactor, Failure> {
        self.get(&["session", "second-factor"], &[]).await
    }

    /// Who one is elsewhere.
    pub(crate) async fn identities(&self) -> Result<Page<Identity>, Failure> {
        self.whole(&["session", "identities"]).await
    }

    /// A code that says who one is in a chat.
    pub(crate) async fn link_code(&self, provider: &str) -> Result<LinkCode, Failure> {
        self.post(&["session", "identities", "link-code"], &json!({ "provider": provider })).await
    }

    /// Changes what people call one, and where mail goes.
    pub(crate) async fn change_profile(&self, change: &Value) -> Result<Session, Failure> {
        let url = self.url(&["session", "profile"], &[]);
        let request = self.request(Method::PATCH, url).timeout(TIMEOUT).json(change);
        self.body(self.send(request).await?).await
    }

    /// How one can sign in beside a password of davit's.
    pub(crate) async fn providers(&self) -> Result<Page<Provider>, Failure> {
        self.whole(&["auth", "providers"]).await
    }
}
