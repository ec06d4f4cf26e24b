//! Who may do what, as it is kept: accounts with their groups and grants, what a token leaves of them, and who they are
//! elsewhere.
//!
//! Making and changing accounts is [`crate::accounts`], proving who one is [`crate::sign_in`].

use crate::accounts::{text_of, token_hash};
use crate::{Engine, EngineError};
use davit_domain::access::Access;
use davit_domain::time::Timestamp;
use davit_store::accounts::User;
use davit_store::identities::Identity;
use davit_store::tokens::{Token, TokenLimits};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::time::Duration;

/// How long somebody has to send the code by which they link who they are elsewhere.
pub const LINK_CODE: Duration = Duration::from_secs(10 * 60);

/// Somebody who does something, with all that they may do.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub user: User,
    /// What it may do, here and now.
    pub access: Access,
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
    /// The API token that it came with.
    pub token: Option<Token>,
}

impl Engine {
    /// All that an account may do.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn person(&self, user: User) -> Result<Person, EngineError> {
        self.person_within(user, None).await
    }

    /// All that an account may do with a token of its own.
    pub(crate) async fn person_within(&self, user: User, token: Option<Token>) -> Result<Person, EngineError> {
        let standing = self.store().standing(user.id).await?;
        let TokenLimits { role, scopes, expires_at: _ } = token.as_ref().map(|t| t.limits.clone()).unwrap_or_default();
        let access = Access { base: user.role, grants: standing.grants, ceiling: role, within: scopes };
        Ok(Person { user, access, groups: standing.groups, token })
    }

    /// The enabled account that is this elsewhere: `forge:ID` and a login there, `chat:CHANNEL` and a sender, `oidc:ID`
    /// or `ldap:ID` and a subject.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn account_of(&self, provider: &str, subject: &str) -> Result<Option<User>, EngineError> {
        Ok(self.store().account_of(provider, subject).await?.filter(|user| !user.disabled))
    }

    /// Says who an account is elsewhere.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Conflict` when somebody else is that, `Invalid` when the provider is
    /// none.
    pub async fn link_identity(
        &self,
        name: &str,
        provider: &str,
        subject: &str,
        label: &str,
        by: &str,
    ) -> Result<(), EngineError> {
        check_provider(provider)?;
        let subject = text_of("subject", subject, 255)?;
        if subject.is_empty() {
            return Err(EngineError::Invalid("say what the provider calls them: subject".into()));
        }
        let label = if label.trim().is_empty() { subject.clone() } else { text_of("label", label, 255)? };
        let user = self.known_user(name).await?;
        let mut tx = self.store().begin().await?;
        if tx.link_identity(user.id, provider, &subject, &label, self.now()).await? {
            let detail = json!({ "provider": provider, "label": label });
            self.feed(&mut tx, by, "identity_linked", &user.name, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets who an account is elsewhere.
    ///
    /// # Errors
    /// `NotFound` when it is not that, `Conflict` when nobody could administer davit any more.
    pub async fn unlink_identity(&self, user: &User, id: i64, by: &str) -> Result<Identity, EngineError> {
        let mut tx = self.store().begin().await?;
        tx.lock_accounts().await?;
        let identity = tx.unlink_identity(user.id, id).await?;
        self.keep_an_admin(&mut tx, user).await?;
        let detail = json!({ "provider": identity.provider, "label": identity.label });
        self.feed(&mut tx, by, "identity_unlinked", &user.name, detail).await?;
        tx.commit().await?;
        Ok(identity)
    }

    /// A code that an account's owner sends from elsewhere within ten minutes to say that it is them.
    ///
    /// # Errors
    /// `Invalid` when the provider is none that somebody can send a code from.
    pub async fn link_code(&self, user: &User, provider: &str) -> Result<(SecretString, Timestamp), EngineError> {
        check_provider(provider)?;
        if !provider.starts_with("chat:") {
            let detail = format!("{provider} can't be linked by a code: ask an administrator, or log in through it");
            return Err(EngineError::Invalid(detail));
        }
        let code = crate::easy_code();
        let expires = self.now().plus(LINK_CODE);
        let mut tx = self.store().begin().await?;
        tx.put_link_code(user.id, provider, &code_hash(&code), expires).await?;
        tx.commit().await?;
        Ok((code.into(), expires))
    }

    /// Links who sent a code; whose code it was.
    ///
    /// # Errors
    /// `Denied` when the code is not right or has ended, `Conflict` when the sender is somebody else already.
    pub async fn take_link_code(
        &self,
        code: &SecretString,
        provider: &str,
        subject: &str,
        label: &str,
    ) -> Result<User, EngineError> {
        let mut tx = self.store().begin().await?;
        let found = tx.take_link_code(provider, &code_hash(code.expose_secret()), self.now()).await?;
        let user = found.ok_or_else(|| {
            EngineError::Denied("that code is not right, or its ten minutes are over: make a new one in davit".into())
        })?;
        if tx.link_identity(user.id, provider, subject, label, self.now()).await? {
            let detail = json!({ "provider": provider, "label": label });
            self.feed(&mut tx, &user.name, "identity_linked", &user.name, detail).await?;
        }
        tx.commit().await?;
        Ok(user)
    }
}

/// People type codes: case, spaces and dashes don't matter.
fn code_hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    token_hash(&plain)
}

fn check_provider(provider: &str) -> Result<(), EngineError> {
    let is_one = provider.split_once(':').is_some_and(|(kind, id)| {
        ["oidc", "ldap", "forge", "chat"].contains(&kind)
            && !id.is_empty()
            && id.len() <= 63
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    });
    if is_one {
        return Ok(());
    }
    Err(EngineError::Invalid("a provider is oidc:ID, ldap:ID, forge:ID or chat:CHANNEL".into()))
}
