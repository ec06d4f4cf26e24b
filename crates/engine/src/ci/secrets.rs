//! The secrets of jobs: who gets them, and what they are. Stored by the configuration's references, opened here and
//! handed to the runner alone, which masks them in everything a job says.

use crate::{Engine, EngineError};
use davit_domain::ci::Trigger;
use davit_domain::config::{RepositorySettings, SecretRef};
use davit_store::ci_runs::Run;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// What a job gets.
#[derive(Default)]
pub(super) struct JobSecrets {
    /// By name.
    pub(super) values: Vec<(String, SecretString)>,
    /// Declared, and without a value.
    pub(super) missing: Vec<String>,
}

impl JobSecrets {
    /// Those of the repository, and over them those of the environment.
    pub(super) async fn of(
        engine: &Engine,
        settings: &RepositorySettings,
        environment: Option<&str>,
    ) -> Result<Self, EngineError> {
        let own = environment.and_then(|name| settings.environment(name)).map(|environment| &environment.secrets);
        let mut references: BTreeMap<&str, &SecretRef> = BTreeMap::new();
        for secrets in std::iter::once(&settings.secrets).chain(own) {
            references.extend(secrets.iter().map(|(name, reference)| (name.as_str(), reference)));
        }
        let mut found = Self::default();
        for (name, reference) in references {
            match engine.find_secret(reference).await? {
                Some(value) => found.values.push((name.to_owned(), value)),
                None => found.missing.push(name.to_owned()),
            }
        }
        Ok(found)
    }
}

impl Engine {
    /// Whether jobs of a run get secrets: those of a fork only when a person approved that very commit, and never those
    /// of the merge queue that hold a fork's code.
    pub(super) async fn may_have_secrets(&self, run: &Run) -> Result<bool, EngineError> {
        if run.trigger != Trigger::Queue {
            return Ok(!run.from_fork || run.approved_by.is_some());
        }
        let (false, Some(number)) = (run.from_fork, run.change) else { return Ok(false) };
        let mut tx = self.store().begin().await?;
        let change = tx.change_numbered(&run.forge, &run.repository, number).await?;
        Ok(change.is_some_and(|change| !change.row.from_fork))
    }
}
