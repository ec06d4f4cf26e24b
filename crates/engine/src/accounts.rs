//! Accounts: made, changed, shut out, deleted; and the first administrator. How people prove who they are is
//! [`crate::sign_in`], what they may do [`crate::people`].

use crate::hub::Topic;
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use davit_domain::access::{Role, role_word};
use davit_domain::config::Forge;
use davit_domain::time::Timestamp;
use davit_store::accounts::{LOCAL, NewUser, User};
use davit_store::{StoreError, Tx};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// "Last used" is written down no more often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// Tokens and sessions that are remembered before those that nobody uses any more are forgotten.
const TOUCHES: usize = 10_000;

/// Whom the feed names where no account acts. `cli` is whoever sits at the machine.
const MACHINES: [&str; 4] = ["cli", "davit", "schedule", "sign-in"];

/// An account that is to be made by hand.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Its role on everything.
    pub role: Option<Role>,
    /// What lets it in; `None`: an identity provider, or a password that is set later.
    pub password: Option<SecretString>,
    /// What people call them; may be empty.
    pub display_name: String,
    /// Where mail goes; may be empty.
    pub email: String,
    /// Whether it may have the name of an account that was deleted, and its history with it.
    pub reuse_name: bool,
}

/// What is to change of an account; `None`: stays.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// The role on everything.
    pub role: Option<Option<Role>>,
    /// What people call them.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Whether it is shut out.
    pub disabled: Option<bool>,
}

/// An account with what stands around it.
#[derive(Debug, Clone)]
pub struct Account {
    /// It.
    pub user: User,
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
    /// Until when it is locked after wrong passwords.
    pub locked_until: Option<Timestamp>,
    /// Whether it needs a code beside its password.
    pub two_factor: bool,
}

impl Engine {
    /// Makes an account with a role on everything and a password, in the name of `davit admin`.
    ///
    /// # Errors
    /// When the name is taken or the name or password are not acceptable.
    pub async fn create_user(
        &self,
        name: &str,
        role: impl Into<Option<Role>>,
        password: &SecretString,
    ) -> Result<User, EngineError> {
        let new = NewAccount {
            name: name.to_owned(),
            role: role.into(),
            password: Some(password.clone()),
            ..NewAccount::default()
        };
        self.add_user(&new, "admin").await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `Conflict` when the name is taken or was somebody else's, `Invalid` when something is not acceptable.
    pub async fn add_user(&self, new: &NewAccount, by: &str) -> Result<User, EngineError> {
        self.add_user_as(new, by, false).await
    }

    /// As [`add_user`](Self::add_user); `first`: only when there is none yet, however many come at once.
    async fn add_user_as(&self, new: &NewAccount, by: &str, first: bool) -> Result<User, EngineError> {
        let name = new.name.as_str();
        check_name(name, &self.store().configuration().await?.forges)?;
        let (display_name, email) = (text_of("display name", &new.display_name, 100)?, check_email(&new.email)?);
        let hash = match &new.password {
            Some(password) => Some(self.hash_password(name, password).await?),
            None => None,
        };
        let row = NewUser {
            name,
            role: new.role,
            password_hash: hash.as_deref(),
            display_name: &display_name,
            email: &email,
            source: LOCAL,
        };
        let mut tx = self.store().begin().await?;
        if first {
            tx.lock_accounts().await?;
            if tx.has_users().await? {
                return Err(set_up_already());
            }
        }
        if !new.reuse_name && tx.was_a_user(name).await? {
            return Err(EngineError::Conflict(format!(
                "{name} was the name of an account that was deleted, and the history bears it: choose another one, or \
                 say that it is the same person (reuse_name)"
            )));
        }
        let user = tx.create_user(&row, self.now()).await?;
        self.feed(&mut tx, by, "user_created", name, json!({ "role": role_word(new.role) })).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes an account. A new role, and being shut out, end its sessions.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Conflict` when nobody could administer davit any more.
    pub async fn change_user(&self, name: &str, change: &AccountChange, by: &str) -> Result<User, EngineError> {
        let display_name = change.display_name.as_deref().map(|text| text_of("display name", text, 100)).transpose()?;
        let email = change.email.as_deref().map(check_email).transpose()?;
        let mut tx = self.store().begin().await?;
        tx.lock_accounts().await?;
        let old = account(&mut tx, name).await?;
        let new = User {
            role: change.role.unwrap_or(old.role),
            display_name: display_name.unwrap_or_else(|| old.display_name.clone()),
            email: email.unwrap_or_else(|| old.email.clone()),
            disabled: change.disabled.unwrap_or(old.disabled),
            ..old.clone()
        };
        if new.role != old.role {
            tx.set_role(old.id, new.role).await?;
            tx.end_sessions(old.id, None).await?;
        }
        if new.disabled != old.disabled {
            tx.set_disabled(old.id, new.disabled).await?;
        }
        tx.set_profile(old.id, &new.display_name, &new.email).await?;
        self.keep_an_admin(&mut tx, &old).await?;
        for (action, detail) in told(&old, &new) {
            self.feed(&mut tx, by, action, name, detail).await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(new)
    }

    /// Deletes an account. Its name stays in the history, and is kept from others.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Conflict` when nobody could administer davit any more.
    pub async fn delete_user(&self, name: &str, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.lock_accounts().await?;
        let user = account(&mut tx, name).await?;
        tx.drop_second_factor(user.id).await?;
        tx.delete_secret(&crate::sign_in::second_factor::secret_key(user.id)).await?;
        tx.delete_user(&user, self.now()).await?;
        self.keep_an_admin(&mut tx, &user).await?;
        self.feed(&mut tx, by, "user_deleted", name, json!({ "role": role_word(user.role) })).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(())
    }

    /// Shuts an account out, with its sessions and tokens, or lets it in again, in the name of `davit admin`. What it
    /// did stays in the history.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, `Conflict` when nobody could administer davit any more.
    pub async fn disable_user(&self, user: &str, disabled: bool) -> Result<(), EngineError> {
        let change = AccountChange { disabled: Some(disabled), ..AccountChange::default() };
        self.change_user(user, &change, "admin").await.map(drop)
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn accounts(&self) -> Result<Vec<Account>, EngineError> {
        let store = self.store();
        let locked = store.locked_names(self.now()).await?;
        let with_factor = store.users_with_second_factor().await?;
        let mut groups: HashMap<String, Vec<String>> = HashMap::new();
        for member in store.members().await? {
            let of_user = groups.entry(member.user_name).or_default();
            if of_user.last() != Some(&member.group_name) {
                of_user.push(member.group_name);
            }
        }
        let with_all = |user: User| Account {
            groups: groups.remove(&user.name).unwrap_or_default(),
            locked_until: locked.get(&user.name.to_lowercase()).copied(),
            two_factor: with_factor.contains(&user.id),
            user,
        };
        Ok(store.users().await?.into_iter().map(with_all).collect())
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
            return Err(set_up_already());
        }
        if !bool::from(code.trim().as_bytes().ct_eq(self.set_up_code().expose_secret().as_bytes())) {
            return Err(EngineError::Denied("that is not the code that the server printed when it started".into()));
        }
        let new = NewAccount {
            name: name.to_owned(),
            role: Some(Role::Admin),
            password: Some(password.clone()),
            ..NewAccount::default()
        };
        self.add_user_as(&new, "admin", true).await
    }

    /// Refuses what left nobody who may administer everything and can sign in. Whoever calls this holds the lock on
    /// accounts and has made the change to `changed`, as it was before, in the same transaction.
    pub(crate) async fn keep_an_admin(&self, tx: &mut Tx, changed: &User) -> Result<(), EngineError> {
        if changed.role != Some(Role::Admin) || changed.disabled {
            return Ok(());
        }
        let providers = crate::sign_in::providers(&tx.read_configuration().await?);
        if tx.admins_who_can_sign_in(&providers).await? == 0 {
            return Err(EngineError::Conflict(format!(
                "{} is the last administrator who can log in: make somebody else an administrator first",
                changed.name
            )));
        }
        Ok(())
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
        let due = touched.get(hash).is_none_or(|last| now.since(*last) >= TOUCH_EVERY);
        if due {
            if touched.len() >= TOUCHES {
                touched.retain(|_, last| now.since(*last) < TOUCH_EVERY);
            }
            touched.insert(hash.to_owned(), now);
        }
        due
    }
}

/// The account of this name, for a change of it.
pub(crate) async fn account(tx: &mut Tx, name: &str) -> Result<User, EngineError> {
    tx.user(name).await.map_err(|error| when_missing(error, || format!("there is no account named {name}")))
}

/// The error, in the words for people when it says that there is nothing.
pub(crate) fn when_missing(error: StoreError, sentence: impl FnOnce() -> String) -> EngineError {
    if matches!(error, StoreError::NotFound(_)) { EngineError::NotFound(sentence()) } else { error.into() }
}

/// What the feed says of a change, before and after.
fn told(old: &User, new: &User) -> Vec<(&'static str, Value)> {
    let mut told = Vec::new();
    if new.role != old.role {
        told.push(("user_role_changed", json!({ "before": role_word(old.role), "after": role_word(new.role) })));
    }
    match (old.disabled, new.disabled) {
        (false, true) => told.push(("user_disabled", Value::Null)),
        (true, false) => told.push(("user_enabled", Value::Null)),
        (true, true) | (false, false) => {}
    }
    let profile = |user: &User| json!({ "display_name": user.display_name, "email": user.email });
    if profile(old) != profile(new) {
        told.push(("user_profile_changed", json!({ "before": profile(old), "after": profile(new) })));
    }
    told
}

/// A line of text that somebody typed, trimmed.
pub(crate) fn text_of(what: &str, text: &str, longest: usize) -> Result<String, EngineError> {
    let text = text.trim();
    if text.chars().count() > longest || text.contains(char::is_control) {
        return Err(EngineError::Invalid(format!("a {what} is one line of at most {longest} characters")));
    }
    Ok(text.to_owned())
}

/// An address is what mail is sent to: no line break, no list.
fn check_email(text: &str) -> Result<String, EngineError> {
    let text = text.trim();
    let is_address = text.len() <= 254
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(|c: char| c.is_control() || c.is_whitespace() || ",;<>\"()".contains(c));
    if text.is_empty() || is_address {
        return Ok(text.to_owned());
    }
    Err(EngineError::Invalid("an e-mail address looks like name@example.com".into()))
}

fn set_up_already() -> EngineError {
    EngineError::Conflict("davit is set up already: log in".into())
}

pub(crate) fn check_name(name: &str, forges: &[Forge]) -> Result<(), EngineError> {
    let fine = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c));
    if !fine {
        return Err(EngineError::Invalid("a name has 1 to 64 letters, digits, '-', '_', '.' or '@'".into()));
    }
    if MACHINES.contains(&name.to_lowercase().as_str()) {
        return Err(EngineError::Invalid(format!("{name} is what the feed calls davit itself: choose another name")));
    }
    let is_of =
        |forge: &&Forge| name.rsplit_once('@').is_some_and(|(_, id)| forge.id.as_str().eq_ignore_ascii_case(id));
    match forges.iter().find(is_of) {
        Some(forge) => Err(EngineError::Invalid(format!(
            "a name that ends with @{} is somebody's at that forge: choose another one",
            forge.id
        ))),
        None => Ok(()),
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
