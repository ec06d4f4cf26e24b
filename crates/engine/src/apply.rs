//! Declared configuration: check, plan, store.

use crate::hub::Topic;
use crate::sign_in::providers;
use crate::{Engine, EngineError};
use davit_domain::config::{self, Configuration, PlanAction, PlanItem};
use davit_store::Tx;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// What an apply call brings.
#[derive(Debug)]
pub struct Apply {
    /// The text of `davit.toml`.
    pub document: String,
    /// Values of the secrets it refers to, by [`config::SecretRef::key`], as far as the caller has them.
    pub values: BTreeMap<String, SecretString>,
    /// Whether what the document does not name is deleted.
    pub prune: bool,
    /// Whether to stop after the plan.
    pub dry_run: bool,
}

impl Engine {
    /// Checks a document, says what would change, and unless it is a dry run stores it, all or nothing.
    ///
    /// # Errors
    /// `InvalidConfig` with every mistake and its line.
    pub async fn apply(&self, apply: Apply, by: &str) -> Result<Vec<PlanItem>, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        // What will be deleted is nothing to refer to.
        let nothing = Configuration::default();
        let known = if apply.prune { &nothing } else { &current };
        let parsed = config::parse(&apply.document, known).map_err(EngineError::InvalidConfig)?;
        let wanted = keep_pins(&current, parsed.configuration);
        let plan = config::plan(&current, &wanted, apply.prune);
        let after = config::merge(&current, &wanted, apply.prune);
        if let Some(problem) = config::problems(&after).into_iter().next() {
            return Err(EngineError::Invalid(problem));
        }
        if let Some(key) = apply.values.keys().find(|key| !wanted.secret_refs().contains_key(*key)) {
            return Err(EngineError::Invalid(format!(
                "a value was sent for {key}, which the document does not refer to"
            )));
        }
        if apply.dry_run {
            return Ok(plan);
        }
        tx.save_configuration(&current, &after, by, self.now()).await?;
        self.forget_what_is_gone(&mut tx, &current, &after, by).await?;
        self.leave_providers(&mut tx, &current, &after, by).await?;
        self.put_secrets(&mut tx, &apply.values).await?;
        let changes: Vec<_> = plan.iter().filter(|item| item.action != PlanAction::Unchanged).collect();
        if !changes.is_empty() {
            self.feed(&mut tx, by, "configuration_applied", "davit.toml", serde_json::json!({ "plan": changes }))
                .await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(plan)
    }

    /// The configuration in force, as a document.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn export(&self) -> Result<String, EngineError> {
        Ok(config::export(&self.store().configuration().await?))
    }

    /// Takes away the groups that came of identity providers that are no more: nothing else ever would. Refuses when
    /// nobody could administer davit without them.
    async fn leave_providers(
        &self,
        tx: &mut Tx,
        before: &Configuration,
        after: &Configuration,
        by: &str,
    ) -> Result<(), EngineError> {
        let (before, after) = (providers(before), providers(after));
        let gone: Vec<&String> = before.iter().filter(|provider| !after.contains(provider)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        tx.lock_accounts().await?;
        let nobody = tx.admins_who_can_sign_in(&after).await? == 0;
        if nobody && tx.admins_who_can_sign_in(&before).await? > 0 {
            return Err(EngineError::Conflict(
                "every administrator signs in through an identity provider that this takes away: keep it, or give an \
                 administrator a password first"
                    .into(),
            ));
        }
        for provider in gone {
            for (user, left) in tx.drop_memberships(provider).await? {
                let detail = serde_json::json!({ "provider": provider, "joined": [], "left": left });
                self.feed(tx, by, "groups_mapped", &user, detail).await?;
            }
        }
        Ok(())
    }
}

/// A host key that a person accepted stays pinned when a document says nothing about it.
pub(crate) fn keep_pins(current: &Configuration, mut wanted: Configuration) -> Configuration {
    for host in &mut wanted.hosts {
        if host.host_key.is_none()
            && let Some(known) = current.hosts.iter().find(|known| known.name == host.name)
            && known.address == host.address
            && known.port == host.port
        {
            host.host_key.clone_from(&known.host_key);
        }
    }
    wanted
}
