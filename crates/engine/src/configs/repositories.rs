//! Repositories, one at a time: what davit tests and merges.

use super::{Item, Put, Told, in_use, nothing};
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{self, Configuration, RepositorySettings};
use davit_domain::ids::ForgeId;

impl Engine {
    /// What is declared about a repository; `name` in any case.
    ///
    /// # Errors
    /// `NotFound` when nothing is.
    pub async fn repository(&self, forge: &ForgeId, name: &str) -> Result<RepositorySettings, EngineError> {
        let configuration = self.store().configuration().await?;
        configuration.repository(forge, name).cloned().ok_or_else(|| no_repository(forge, name))
    }

    /// Has davit test a repository, or replaces what is said of it, and stores the secrets that came along.
    ///
    /// # Errors
    /// As [`put_forge`](Self::put_forge).
    pub async fn put_repository(
        &self,
        forge: &ForgeId,
        name: &str,
        put: &Put,
        by: &str,
    ) -> Result<RepositorySettings, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let known = current.repository(forge, name);
        put.base.check("repository", &subject(forge, name), known.map(config::repository_form))?;
        let read = config::read_repository(forge, name, &put.form, &current).map_err(EngineError::InvalidConfig)?;
        // Runs of before have the name as it is written there: a form in another case is no other repository.
        let name = known.map_or_else(|| read.name.clone(), |known| known.name.clone());
        let repository = RepositorySettings { name, ..read };
        let wanted = Configuration { repositories: vec![repository.clone()], ..nothing() };
        let subject = subject(forge, &repository.name);
        let told = Told { action: "repository_saved", subject, app: None, environment: None };
        self.put_secrets_of(&mut tx, &wanted, put, by).await?;
        let after = config::merge(&current, &wanted, false);
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        if !put.dry_run {
            tx.commit().await?;
            self.hub().tell_topic(Topic::Config, None);
        }
        Ok(repository)
    }

    /// Has davit test and merge a repository no more. Its runs and their logs stay as long as they are kept. Of its secrets
    /// those go that are named.
    ///
    /// # Errors
    /// `NotFound` when nothing is declared about it, `Conflict` when something else names a secret.
    pub async fn delete_repository(
        &self,
        forge: &ForgeId,
        name: &str,
        secrets: &[String],
        by: &str,
    ) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let gone = current.repository(forge, name).ok_or_else(|| no_repository(forge, name))?;
        let subject = subject(forge, &gone.name);
        let after = Item::Repository(forge, name).taken_from(&current);
        in_use(&after)?;
        self.forget_secrets(&mut tx, (&current, &after), secrets, by).await?;
        let told = Told { action: "repository_deleted", subject, app: None, environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }
}

/// As plans call it.
fn subject(forge: &ForgeId, name: &str) -> String {
    format!("{forge}/{name}")
}

fn no_repository(forge: &ForgeId, name: &str) -> EngineError {
    EngineError::NotFound(format!("davit tests no repository {name} at {forge}"))
}
