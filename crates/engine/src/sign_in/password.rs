//! Signing in with name, password and code, and changing the password.

use super::arrival::{Somebody, provider};
use super::tries::Try;
use super::{BY_PASSWORD, SignedIn, Whence, unproved, wrong};
use crate::{Engine, EngineError};
use davit_domain::config::Identity;
use davit_store::Tx;
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

/// Somebody who is right, as of a moment ago: comparing passwords and asking directories takes time.
struct Proved<'a> {
    user: &'a User,
    /// The hash of the password that was right; `None`: a directory said so.
    hash: Option<String>,
    how: &'a str,
}

impl Proved<'_> {
    /// Whether nobody changed the password or disabled the account meanwhile. Accounts are locked.
    async fn still_holds(&self, tx: &mut Tx) -> Result<bool, EngineError> {
        let now = tx.credentials(self.user.id).await?;
        Ok(now.is_some_and(|(hash, disabled)| !disabled && (self.hash.is_none() || self.hash == hash)))
    }
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
        let right = self.verify_password(typed.password, hash.clone()).await?;
        if tried.refused {
            self.was_wrong(&tried, known.as_ref()).await?;
            return Err(wrong());
        }
        if let Some(user) = known.as_ref().filter(|user| right && !user.disabled) {
            let proved = Proved { user, hash, how: BY_PASSWORD };
            return self.enter(tried, &proved, typed.code, whence).await;
        }
        let asked = self.ask_directories(typed.name, typed.password, known.as_ref().map(|user| (user, has_password)));
        match asked.await {
            Ok(Some((identity, somebody))) => match self.admit_alone(&identity, &somebody).await {
                Ok(user) => {
                    let proved = Proved { user: &user, hash: None, how: &provider(&identity) };
                    self.enter(tried, &proved, typed.code, whence).await
                }
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
        proved: &Proved<'_>,
        code: Option<&SecretString>,
        whence: &Whence,
    ) -> Result<SignedIn, EngineError> {
        let user = proved.user;
        let mut tries = vec![tried];
        // A directory knows somebody by many spellings: codes are counted by the account's own name, too.
        if !tries[0].is_of(&user.name) {
            tries.push(self.begin_try(&user.name).await?);
        }
        let refused = tries.iter().any(|tried| tried.refused);
        let wanted = self.has_second_factor(user.id).await?;
        if !refused && wanted && code.is_none() {
            for tried in &tries {
                self.was_nothing(tried).await?;
            }
            return Ok(SignedIn::CodeMissing);
        }
        let is_right = match code {
            _ if refused => false,
            Some(code) if wanted => self.use_code(user.id, code).await?,
            Some(_) | None => true,
        };
        let mut tx = self.store().begin().await?;
        tx.lock_accounts().await?;
        if !is_right || !proved.still_holds(&mut tx).await? {
            drop(tx);
            for tried in &tries {
                self.was_wrong(tried, Some(user)).await?;
            }
            return Err(wrong());
        }
        for tried in &tries {
            self.was_right(&mut tx, tried).await?;
        }
        let cookie = self.open_session_in(&mut tx, user, proved.how, whence).await?;
        tx.commit().await?;
        Ok(SignedIn::Yes(Box::new(user.clone()), cookie))
    }

    /// Whether an account has a password of davit's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn has_password(&self, user: &User) -> Result<bool, EngineError> {
        Ok(self.store().user_by_name(&user.name).await?.is_some_and(|(_, hash)| hash.is_some()))
    }

    /// Makes sure that whoever sits before an open session knows its account's password. Returns the hash that it fits.
    ///
    /// # Errors
    /// `Denied` when it is another one, or was guessed too often; `Conflict` when the account has none.
    pub(super) async fn prove_password(&self, user: &User, password: &SecretString) -> Result<String, EngineError> {
        let Some(hash) = self.store().user_by_name(&user.name).await?.and_then(|(_, hash)| hash) else {
            return Err(EngineError::Conflict(format!(
                "{} has no password in davit: it signs in with its identity provider",
                user.name
            )));
        };
        let tried = self.begin_try(&user.name).await?;
        if !self.verify_password(password, Some(hash.clone())).await? || tried.refused {
            self.was_wrong(&tried, Some(user)).await?;
            return Err(unproved());
        }
        let mut tx = self.store().begin().await?;
        self.was_right(&mut tx, &tried).await?;
        tx.commit().await?;
        Ok(hash)
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
        let proved = Proved { user, hash: Some(self.prove_password(user, old).await?), how: BY_PASSWORD };
        let hash = self.hash_password(&user.name, new).await?;
        let mut tx = self.store().begin().await?;
        tx.lock_accounts().await?;
        if !proved.still_holds(&mut tx).await? {
            return Err(unproved());
        }
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
        tx.lock_accounts().await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, None).await?;
        tx.forget_tries(&user.name.to_lowercase(), self.now()).await?;
        self.feed(&mut tx, by, "password_reset", &user.name, Value::Null).await?;
        tx.commit().await?;
        Ok(())
    }
}
