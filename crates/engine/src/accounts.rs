//! Accounts: passwords, sessions, API tokens, and the first administrator.
//!
//! Tokens and session cookies are 32 random bytes; the store keeps their SHA-256 alone, so that a copy of the database
//! lets nobody in. Passwords are Argon2id with the crate's defaults (OWASP's first recommendation or stronger).

use crate::{Engine, EngineError};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use davit_domain::access::Role;
use davit_store::accounts::User;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a session lives without being renewed.
pub const SESSION: Duration = Duration::from_secs(14 * 24 * 3600);
const SHORTEST_PASSWORD: usize = 12;

impl Engine {
    /// Makes an account.
    ///
    /// # Errors
    /// When the name is taken or the name or password are not acceptable.
    pub async fn create_user(&self, name: &str, role: Role, password: &SecretString) -> Result<User, EngineError> {
        check_name(name)?;
        let hash = self.hash_password(password).await?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let user = tx.create_user(name, role, Some(&hash), now).await.map_err(|error| {
            if matches!(error, davit_store::StoreError::Conflict(_)) {
                EngineError::Conflict(format!("there is an account named {name} already"))
            } else {
                error.into()
            }
        })?;
        self.feed(&mut tx, "admin", "user_created", name, serde_json::json!({ "role": role })).await?;
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
        tx.create_token(user.id, name, &token_hash(&token), self.now()).await.map_err(|error| {
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

    /// Checks name and password; takes the same time whether the account exists or not.
    ///
    /// # Errors
    /// `Denied` with one and the same sentence for every wrong combination.
    pub async fn log_in(&self, name: &str, password: &SecretString) -> Result<(User, SecretString), EngineError> {
        let found = self.store().user_by_name(name).await?;
        let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
        let known = hash.is_some();
        let right = self.verify_password(password, hash.unwrap_or_else(|| DUMMY_HASH.to_owned())).await?;
        match found {
            Some((user, _)) if known && right && !user.disabled => {
                let token = self.open_session(&user).await?;
                Ok((user, token))
            }
            Some(_) | None => Err(EngineError::Denied("the name or the password is wrong".into())),
        }
    }

    /// Opens a session for an account that has proved who it is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_session(&self, user: &User) -> Result<SecretString, EngineError> {
        let token = random_text();
        let now = self.now();
        let mut tx = self.store().begin().await?;
        tx.create_session(&token_hash(&token), user.id, now, now.plus(SESSION)).await?;
        self.feed(&mut tx, &user.name, "logged_in", &user.name, serde_json::Value::Null).await?;
        tx.commit().await?;
        Ok(token.into())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn log_out(&self, token: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.delete_session(&token_hash(token)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose session cookie this is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session_user(&self, token: &str) -> Result<Option<User>, EngineError> {
        Ok(self.store().session_user(&token_hash(token), self.now()).await?)
    }

    /// Whose API token this is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn token_user(&self, token: &str) -> Result<Option<User>, EngineError> {
        let hash = token_hash(token);
        let user = self.store().token_user(&hash).await?;
        if user.is_some() && self.touch_is_due(&hash) {
            let mut tx = self.store().begin().await?;
            tx.touch_token(&hash, self.now()).await?;
            tx.commit().await?;
        }
        Ok(user)
    }

    async fn known_user(&self, name: &str) -> Result<User, EngineError> {
        let found = self.store().user_by_name(name).await?;
        found.map(|(user, _)| user).ok_or_else(|| EngineError::NotFound(format!("there is no account named {name}")))
    }

    async fn hash_password(&self, password: &SecretString) -> Result<String, EngineError> {
        if password.expose_secret().chars().count() < SHORTEST_PASSWORD {
            return Err(EngineError::Invalid(format!("a password has at least {SHORTEST_PASSWORD} characters")));
        }
        let password = password.clone();
        self.hashing(move || {
            Argon2::default()
                .hash_password(password.expose_secret().as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| EngineError::Unavailable(format!("the password can't be hashed: {error}")))
        })
        .await?
    }

    async fn verify_password(&self, password: &SecretString, hash: String) -> Result<bool, EngineError> {
        let password = password.clone();
        self.hashing(move || {
            PasswordHash::new(&hash).is_ok_and(|parsed| {
                Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
            })
        })
        .await
    }

    /// Argon2 takes tens of milliseconds of CPU and 19 MiB on purpose: not on an I/O thread, and only a few at a time,
    /// so that guessing passwords can't starve deployments.
    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
        let unavailable = |error: &dyn std::fmt::Display| EngineError::Unavailable(error.to_string());
        let _permit = self.hashing_permits().acquire().await.map_err(|error| unavailable(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| unavailable(&error))
    }

    /// "Last used" is kept to the minute: reading with a token must not cost a write each time.
    fn touch_is_due(&self, hash: &str) -> bool {
        let now = self.now();
        let mut touched = self.touched_tokens().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = touched.get(hash).is_none_or(|last| now.since(*last) >= Duration::from_secs(60));
        if due {
            touched.insert(hash.to_owned(), now);
        }
        due
    }
}

/// Argon2id of a password nobody has, with the same parameters as real ones.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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

fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
