//! What a provider says about somebody, made into an account: the one that is linked, or a new one.
//!
//! Nobody comes to an account by its name: a provider that calls somebody `root` does not make them root. Who has an
//! account already links the provider from within it, or an administrator does.

use crate::accounts::check_name;
use crate::{Engine, EngineError};
use davit_domain::access::role_word;
use davit_domain::config::{Configuration, Identity};
use davit_store::accounts::{NewUser, User};
use davit_store::{StoreError, Tx};
use serde_json::json;

/// Longer texts than these are nobody's name or address. Bytes.
const LONGEST_TEXT: usize = 256;

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somebody {
    /// What never changes about them there.
    pub(super) subject: String,
    /// What they are called there, and their account here when it is made.
    pub(super) name: String,
    /// What people call them; may be empty.
    pub(super) display_name: String,
    /// Their mail address; may be empty.
    pub(super) email: String,
    /// Their groups there.
    pub(super) groups: Vec<String>,
}

/// The word for a provider in identities, sessions and memberships: `oidc:ID`, `ldap:ID`.
pub(super) fn provider(identity: &Identity) -> String {
    format!("{}:{}", identity.kind.as_str(), identity.id)
}

/// The words for all that are configured.
pub(crate) fn providers(configuration: &Configuration) -> Vec<String> {
    configuration.identities.iter().map(provider).collect()
}

impl Engine {
    /// The account of somebody whom a provider vouches for, with its groups as they are there now. Made when there is
    /// none.
    pub(super) async fn admit(
        &self,
        tx: &mut Tx,
        identity: &Identity,
        somebody: &Somebody,
    ) -> Result<User, EngineError> {
        let provider = provider(identity);
        // Somebody who arrives twice at once is one account.
        tx.lock_accounts().await?;
        let user = match tx.account_of(&provider, &somebody.subject).await? {
            Some(user) => user,
            None => self.welcome(tx, identity, &provider, somebody).await?,
        };
        if user.disabled {
            return Err(EngineError::Denied(format!("the account {} is disabled: ask an administrator", user.name)));
        }
        if user.source == provider {
            let (display_name, email) = (short(&somebody.display_name), short(&somebody.email));
            if (user.display_name.as_str(), user.email.as_str()) != (display_name, email) {
                tx.set_profile(user.id, display_name, email).await?;
            }
        }
        self.map_groups(tx, identity, &provider, &user, &somebody.groups).await?;
        Ok(user)
    }

    /// Says that somebody whom a provider vouches for is the owner of this account.
    pub(super) async fn link(
        &self,
        tx: &mut Tx,
        identity: &Identity,
        user: &User,
        somebody: &Somebody,
    ) -> Result<(), EngineError> {
        let provider = provider(identity);
        tx.lock_accounts().await?;
        if tx.link_identity(user.id, &provider, &somebody.subject, short(&somebody.name), self.now()).await? {
            let detail = json!({ "provider": provider, "as": short(&somebody.name) });
            self.feed(tx, &user.name, "identity_linked", &user.name, detail).await?;
        }
        self.map_groups(tx, identity, &provider, user, &somebody.groups).await
    }

    async fn welcome(
        &self,
        tx: &mut Tx,
        identity: &Identity,
        provider: &str,
        somebody: &Somebody,
    ) -> Result<User, EngineError> {
        let name = somebody.name.trim();
        check_name(name, &tx.read_configuration().await?.forges).map_err(|_| {
            EngineError::Denied(format!(
                "{} calls you by a name that no account here can have: an administrator can take it from another \
                 attribute",
                identity.name
            ))
        })?;
        let taken = || {
            EngineError::Denied(format!(
                "there is or was an account named {name} already. If it is yours, sign in to it and link {} in its \
                 settings; else ask an administrator",
                identity.name
            ))
        };
        if tx.was_a_user(name).await? {
            return Err(taken());
        }
        let new = NewUser {
            display_name: short(&somebody.display_name),
            email: short(&somebody.email),
            source: provider,
            ..NewUser::local(name, identity.role)
        };
        let user = tx.create_user(&new, self.now()).await.map_err(|error| match error {
            StoreError::Conflict(_) => taken(),
            StoreError::Unavailable(_) | StoreError::NotFound(_) | StoreError::Corrupt { .. } | StoreError::Open(_) => {
                error.into()
            }
        })?;
        tx.link_identity(user.id, provider, &somebody.subject, short(&somebody.name), self.now()).await?;
        let detail = json!({ "role": role_word(user.role), "provider": provider });
        self.feed(tx, provider, "user_created", &user.name, detail).await?;
        Ok(user)
    }

    /// Memberships that came of this provider are those that it tells of now; others stay.
    async fn map_groups(
        &self,
        tx: &mut Tx,
        identity: &Identity,
        provider: &str,
        user: &User,
        theirs: &[String],
    ) -> Result<(), EngineError> {
        let ours = identity.groups.iter().filter(|(group, _)| theirs.iter().any(|one| one.eq_ignore_ascii_case(group)));
        let ours: Vec<String> = ours.map(|(_, group)| group.clone()).collect();
        let (joined, left) = tx.replace_memberships(user.id, provider, &ours).await?;
        if !joined.is_empty() || !left.is_empty() {
            let detail = json!({ "joined": joined, "left": left });
            self.feed(tx, provider, "groups_mapped", &user.name, detail).await?;
        }
        Ok(())
    }
}

/// As much of a text as is kept.
fn short(text: &str) -> &str {
    let end = (0..=text.len().min(LONGEST_TEXT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].trim()
}
