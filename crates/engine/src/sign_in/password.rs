//! Passwords: Argon2id with the crate's defaults (OWASP's first recommendation or stronger).

use crate::{Engine, EngineError};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use davit_store::accounts::User;
use secrecy::{ExposeSecret, SecretString};

const SHORTEST_PASSWORD: usize = 12;

impl Engine {
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

    pub(crate) async fn hash_password(&self, password: &SecretString) -> Result<String, EngineError> {
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
}

/// Argon2id of a password nobody has, with the same parameters as real ones.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
