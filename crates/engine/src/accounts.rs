//! Accounts, API tokens, and the first administrator. How people prove who they are is [`crate::sign_in`].
//!
//! Tokens are 32 random bytes; the store keeps their SHA-256 alone, so that a copy of the database lets nobody in.

use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crate::people::Person;
use davit_domain::access::{Role, role_word};
use davit_store::accounts::{NewUser, User};
use davit_store::tokens::TokenLimits;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;

impl Engine {
    /// Makes an account.
    ///
    /// # Errors
    /// When the name is taken or the name or password are not acceptable.
    pub async fn create_user(
        &self,
        name: &str,
        role: impl Into<Option<Role>>,
        password: &SecretString,
    ) -> Result<User, EngineError> {
        let role = role.into();
        check_name(name)?;
        let hash = self.hash_password(name, password).await?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let user = tx.create_user(&NewUser { password_hash: Some(&hash), ..NewUser::local(name, role) }, now).await.map_err(|error| {
            if matches!(error, davit_store::StoreError::Conflict(_)) {
                EngineError::Conflict(format!("there is an account named {name} already"))
            } else {
                error.into()
            }
        })?;
        self.feed(&mut tx, "admin", "user_created", name, serde_json::json!({ "role": role_word(role) })).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Makes an API token for an account and returns it; it is shown this once.
    ///
    /// # Errors
    /// When there is no such account, or it has a token of this name.
    pub async fn create_token(&self, user: &str, name: &str) -> Result<SecretString, EngineError> {
        let user = self.known_user(user).await?;
        let token = format!("davit_{}", random_text());
        let mut tx = self.store().begin().await?;
        tx.create_token(user.id, name, &token_hash(&token), &TokenLimits::default(), self.now()).await.map_err(|error| {
            if matches!(error, davit_store::StoreError::Conflict(_)) {
                EngineError::Conflict(format!("{} has a token named {name} already: choose another name", user.name))
            } else {
                error.into()
            }
        })?;
        self.feed(&mut tx, &user.name, "token_created", name, serde_json::Value::Null).await?;
        tx.commit().await?;
        Ok(token.into())
    }

    /// Takes an API token away: whoever holds it is logged out with their next call.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, or it has no token of this name.
    pub async fn revoke_token(&self, user: &str, name: &str) -> Result<(), EngineError> {
        let user = self.known_user(user).await?;
        let mut tx = self.store().begin().await?;
        tx.delete_token(user.id, name).await.map_err(|error| {
            if matches!(error, davit_store::StoreError::NotFound(_)) {
                return EngineError::NotFound(format!("{} has no token named {name}", user.name));
            }
            error.into()
        })?;
        let detail = serde_json::json!({ "user": user.name });
        self.feed(&mut tx, "admin", "token_revoked", name, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Shuts an account out, with its sessions and tokens, or lets it in again. What it did stays in the history.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn disable_user(&self, user: &str, disabled: bool) -> Result<(), EngineError> {
        let user = self.known_user(user).await?;
        let mut tx = self.store().begin().await?;
        tx.set_disabled(user.id, disabled).await?;
        let action = if disabled { "user_disabled" } else { "user_enabled" };
        self.feed(&mut tx, "admin", action, &user.name, serde_json::Value::Null).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether the first account has still to be made.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn needs_set_up(&self) -> Result<bool, EngineError> {
        Ok(self.store().count_users().await? == 0)
    }

    /// Makes the first administrator, for whoever has the one-time code that the server printed.
    ///
    /// # Errors
    /// When the code is wrong or an account exists already.
    pub async fn set_up(&self, code: &str, name: &str, password: &SecretString) -> Result<User, EngineError> {
        if !self.needs_set_up().await? {
            return Err(EngineError::Conflict("davit is set up already: log in".into()));
        }
        if !bool::from(code.trim().as_bytes().ct_eq(self.set_up_code().expose_secret().as_bytes())) {
            return Err(EngineError::Denied("that is not the code that the server printed when it started".into()));
        }
        self.create_user(name, Role::Admin, password).await
    }

    /// Whose API token this is, and what they may do with it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn token_user(&self, token: &str) -> Result<Option<Person>, EngineError> {
        let hash = token_hash(token);
        let Some((user, token)) = self.store().token_user(&hash, self.now()).await? else { return Ok(None) };
        if self.touch_is_due(&hash) {
            let mut tx = self.store().begin().await?;
            tx.touch_token(&hash, self.now()).await?;
            tx.commit().await?;
        }
        Ok(Some(self.person_within(user, Some(token)).await?))
    }

    /// The account of this name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn known_user(&self, name: &str) -> Result<User, EngineError> {
        let found = self.store().user_by_name(name).await?;
        found.map(|(user, _)| user).ok_or_else(|| EngineError::NotFound(format!("there is no account named {name}")))
    }

    /// "Last used" is kept to the minute: reading with a token must not cost a write each time.
    pub(crate) fn touch_is_due(&self, hash: &str) -> bool {
        let now = self.now();
        let mut touched = self.touched_tokens().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = touched.get(hash).is_none_or(|last| now.since(*last) >= Duration::from_secs(60));
        if due {
            touched.insert(hash.to_owned(), now);
        }
        due
    }
}

fn check_name(name: &str) -> Result<(), EngineError> {
    let fine = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c));
    if fine {
        Ok(())
    } else {
        Err(EngineError::Invalid("a name has 1 to 64 letters, digits, '-', '_', '.' or '@'".into()))
    }
}

/// 256 random bits as text.
#[must_use]
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What the store keeps of a token or session cookie.
pub(crate) fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
