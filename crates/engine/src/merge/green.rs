//! What keeps a commit from an environment that takes green ones only. Automatic releases wait for it, people are told;
//! going back passes.

use crate::{Engine, EngineError, reconcile};
use davit_domain::config::{Configuration, Repository};
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey};
use davit_domain::merge::{self, Hold};
use davit_store::requests::Request;

impl Engine {
    /// What keeps a commit of an app from an environment that takes green ones only, as one sentence; `None`: nothing.
    pub(crate) async fn not_green(
        &self,
        configuration: &Configuration,
        app: &AppKey,
        environment: &EnvironmentKey,
        commit: &CommitSha,
    ) -> Result<Option<String>, EngineError> {
        let place = configuration.environments.iter().find(|known| known.key == *environment);
        let Some(required) = place.and_then(|place| place.require_green.as_ref()) else { return Ok(None) };
        let app = configuration.apps.iter().find(|known| known.key == *app);
        let checks = match app.map(|app| &app.repository) {
            Some(Repository::Forge { forge, name, .. }) => self.store().checks(forge, name, commit).await?,
            // Nobody says anything about its commits.
            Some(Repository::Url { .. }) | None => Vec::new(),
        };
        let checks: Vec<_> = checks.into_iter().map(|check| (check.name, check.state)).collect();
        let holds: Vec<String> = merge::green(required, &checks).iter().map(Hold::sentence).collect();
        Ok((!holds.is_empty()).then(|| format!("{} is not green: {}", commit.short(), holds.join("; "))))
    }

    /// A person hears at once what is in the way.
    pub(crate) async fn refuse_what_is_not_green(
        &self,
        configuration: &Configuration,
        request: &Request,
    ) -> Result<(), EngineError> {
        let environment = &request.environment;
        match self.not_green(configuration, &request.app, environment, &request.commit).await? {
            Some(sentence) => Err(EngineError::Conflict(format!("{environment} takes green commits only: {sentence}"))),
            None => Ok(()),
        }
    }
}

/// Starts what waited for a commit that is green by now.
pub(super) async fn start_waiting(engine: &Engine) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    if configuration.environments.iter().all(|environment| environment.require_green.is_none()) {
        return Ok(());
    }
    if engine.store().all_unfinished().await?.iter().any(|deployment| deployment.blocked.is_some()) {
        reconcile::deployments(engine).await?;
    }
    Ok(())
}
