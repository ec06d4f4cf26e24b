//! The stored secrets that only one item names: they would be left when it goes.

use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, SecretRef};
use davit_domain::ids::{ChannelId, ForgeId, HostName};
use davit_store::Tx;
use std::collections::BTreeSet;

/// Something declared that may name secrets.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// `[[host]]`
    Host(&'a HostName),
    /// `[[forge]]`
    Forge(&'a ForgeId),
    /// `[[channel]]`
    Channel(&'a ChannelId),
    /// `[[repository]]`: of which forge, and its name in any case.
    Repository(&'a ForgeId, &'a str),
}

impl Item<'_> {
    /// The configuration without it.
    pub(super) fn taken_from(self, configuration: &Configuration) -> Configuration {
        let mut rest = configuration.clone();
        match self {
            Self::Host(name) => rest.hosts.retain(|known| known.name != *name),
            Self::Forge(id) => rest.forges.retain(|known| known.id != *id),
            Self::Channel(id) => rest.channels.retain(|known| known.id != *id),
            Self::Repository(forge, name) => rest.repositories.retain(|known| !known.is(forge, name)),
        }
        rest
    }
}

impl Engine {
    /// Names of the stored secrets that nothing but this names, sorted: they can go with it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn secrets_of(&self, item: Item<'_>) -> Result<Vec<String>, EngineError> {
        let current = self.store().configuration().await?;
        let (named, elsewhere) = (current.secret_refs(), item.taken_from(&current).secret_refs());
        let is_own = |name: &String| {
            let key = SecretRef::Secret(name.clone()).key();
            named.contains_key(&key) && !elsewhere.contains_key(&key)
        };
        let mut own: Vec<String> =
            self.secret_names().await?.into_iter().map(|(name, _)| name).filter(is_own).collect();
        own.sort();
        Ok(own)
    }

    /// Forgets stored secrets with the item that named them: `before` is the configuration with it, `after` without.
    pub(super) async fn forget_secrets(
        &self,
        tx: &mut Tx,
        (before, after): (&Configuration, &Configuration),
        names: &[String],
        by: &str,
    ) -> Result<(), EngineError> {
        if names.is_empty() {
            return Ok(());
        }
        let (named, elsewhere) = (before.secret_refs(), after.secret_refs());
        for name in names.iter().collect::<BTreeSet<_>>() {
            let key = SecretRef::Secret(name.clone()).key();
            if elsewhere.contains_key(&key) {
                return Err(EngineError::Conflict(format!(
                    "something else names the secret {name} as well: remove this without it"
                )));
            }
            if !named.contains_key(&key) {
                return Err(EngineError::Invalid(format!("the secret {name} is none that only this names")));
            }
            self.forget_secret(tx, name, by).await?;
        }
        Ok(())
    }
}
