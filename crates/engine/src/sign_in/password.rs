//! Signing in with name, password and code, and changing the password.

use super::arrival::{Somebody, provider};
use super::tries::Try;
use super::{BY_PASSWORD, SignedIn, Whence, unproved, wrong};
use crate::{Engine, EngineError};
use davit_domain::config::Identity;
use davit_store::accounts::User;
use secrecy::SecretString;
use serde_json::Value;

/// What somebody typed.
#[derive(Debug)]
pub struct Credentials<'a> {
    /// An account's name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a SecretString,
    /// A code of its second factor, or a recovery code.
    pub code: Option<&'a SecretString>,
}

impl Engine {
    /// Signs in: by the password that davit keeps, else by a directory. Without a directory it takes the same time
    /// whether the account exists or not, and also when it is locked.
    ///
    /// # Errors
    /// `Denied` with one and the same sentence for everything that is wrong, and with a reason where a directory knows
    /// them and davit does not let them in; `Upstream` when a directory that may know them does not answer.
    pub async fn log_in(&self, typed: &Credentials<'_>, whence: &Whence) -> Result<SignedIn, EngineError> {
        let tried = self.begin_try(typed.name).await?;
        let found = self.store().user_by_name(typed.name).await?;
        let (known, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let has_password = hash.is_some();
        let right = self.verify_password(typed.password, hash).await?;
        if tried.refused {
            self.was_wrong(&tried, known.as_ref()).await?;
            return Err(wrong());
        }
        if let Some(user) = known.as_ref().filter(|user| right && !user.disabled) {
            return self.enter(tried, user, typed.code, BY_PASSWORD, whence).await;
        }
        let asked = self.ask_directories(typed.name, typed.password, known.as_ref().map(|user| (user, has_password)));
        match asked.await {
            Ok(Some((identity, somebody))) => match self.admit_alone(&identity, &somebody).await {
                Ok(user) => self.enter(tried, &user, typed.code, &provider(&identity), whence).await,
                Err(error) => {
                    self.was_nothing(&tried).await?;
                    Err(error)
                }
            },
            Ok(None) => {
                self.was_wrong(&tried, known.as_ref()).await?;
                Err(wrong())
            }
            Err(error) => {
                self.was_nothing(&tried).await?;
                Err(error)
            }
        }
    }

    async fn admit_alone(&self, identity: &Identity, somebody: &Somebody) -> Result<User, EngineError> {
        let mut tx = self.store().begin().await?;
        let user = self.admit(&mut tx, identity, somebody).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Asks for the second factor of somebody whose password is right, and opens their session.
    async fn enter(
        &self,
        tried: Try,
        user: &User,
        code: Option<&SecretString>,
        how: &str,
        whence: &Whence,
    ) -> Result<SignedIn, EngineError> {
        if self.has_second_factor(user.id).await? {
            let Some(code) = code else {
                self.was_nothing(&tried).await?;
                return Ok(SignedIn::CodeMissing);
            };
            if !self.use_code(user.id, code).await? {
                self.was_wrong(&tried, Some(user)).await?;
                return Err(wrong());
            }
        }
        let mut tx = self.store().begin().await?;
        self.was_right(&mut tx, &tried).await?;
        let cookie = self.open_session_in(&mut tx, user, how, whence).await?;
        tx.commit().await?;
        Ok(SignedIn::Yes(Box::new(user.clone()), cookie))
    }

    /// Makes sure that whoever sits before an open session knows its account's password.
    ///
    /// # Errors
    /// `Denied` when it is another one, or was guessed too often; `Conflict` when the account has none.
    pub(super) async fn prove_password(&self, user: &User, password: &SecretString) -> Result<(), EngineError> {
        let tried = self.begin_try(&user.name).await?;
        let hash = self.store().user_by_name(&user.name).await?.and_then(|(_, hash)| hash);
        if hash.is_none() {
            self.was_nothing(&tried).await?;
            return Err(EngineError::Conflict(format!(
                "{} has no password in davit: it signs in with its identity provider",
                user.name
            )));
        }
        if !self.verify_password(password, hash).await? || tried.refused {
            self.was_wrong(&tried, Some(user)).await?;
            return Err(unproved());
        }
        let mut tx = self.store().begin().await?;
        self.was_right(&mut tx, &tried).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes one's own password. Every session ends; returns the cookie of a new one.
    ///
    /// # Errors
    /// `Denied` when the old one is wrong, `Invalid` when the new one is not acceptable, `Conflict` when the account
    /// has none.
    pub async fn change_password(
        &self,
        user: &User,
        old: &SecretString,
        new: &SecretString,
        whence: &Whence,
    ) -> Result<SecretString, EngineError> {
        self.prove_password(user, old).await?;
        let hash = self.hash_password(&user.name, new).await?;
        let mut tx = self.store().begin().await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, None).await?;
        self.feed(&mut tx, &user.name, "password_changed", &user.name, Value::Null).await?;
        let cookie = self.open_session_in(&mut tx, user, BY_PASSWORD, whence).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Gives an account a password that an administrator chose, unlocks it, and ends its sessions.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Invalid` when the password is not acceptable.
    pub async fn reset_password(&self, name: &str, password: &SecretString, by: &str) -> Result<(), EngineError> {
        let user = self.known_user(name).await?;
        let hash = self.hash_password(&user.name, password).await?;
        let mut tx = self.store().begin().await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, None).await?;
        tx.forget_tries(&user.name.to_lowercase(), self.now()).await?;
        self.feed(&mut tx, by, "password_reset", &user.name, Value::Null).await?;
        tx.commit().await?;
        Ok(())
    }
}
