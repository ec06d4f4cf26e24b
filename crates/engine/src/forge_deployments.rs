//! What forges are told about deployments: a commit status everywhere, and where a forge has deployments, one of those
//! with every state from "queued" to the end.
//!
//! A deployment that somebody else made at the forge and that davit carries out gets davit's states under its own
//! number, also while its request waits for a review and when it is turned down. Written to the outbox in the
//! transaction of what it tells about; how it gets there is [`crate::dispatch`].

use crate::dispatch::DeploymentCall;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, Forge, Repository};
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::event::DeploymentEvent;
use davit_domain::ids::{AppKey, DeploymentId, EnvironmentKey, ForgeId};
use davit_domain::status::{CommitState, CommitStatus, DEPLOY_CONTEXT};
use davit_store::Tx;
use davit_store::forge_deployments::ForgeDeployment;
use davit_store::requests::Request;

/// Who is to blame for a deployment that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What was released, or a host.
    Release,
    /// davit or its surroundings: nobody can say anything about the commit.
    Davit,
}

/// News of a deployment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News<'a> {
    /// For the commit; `None`: its status stays as it is.
    pub(crate) commit: Option<CommitState>,
    /// For the deployment.
    pub(crate) deployment: ForgeDeploymentState,
    /// One sentence.
    pub(crate) sentence: &'a str,
}

/// A repository at a forge that takes calls.
struct Place<'c> {
    configuration: &'c Configuration,
    forge: &'c Forge,
    repository: &'c str,
}

impl<'c> Place<'c> {
    fn of(configuration: &'c Configuration, app: &AppKey) -> Option<Self> {
        let app = configuration.apps.iter().find(|known| known.key == *app)?;
        let Repository::Forge { forge, name, .. } = &app.repository else { return None };
        Self::at(configuration, forge, name)
    }

    /// For an app that is gone, or is somewhere else by now.
    fn at(configuration: &'c Configuration, forge: &ForgeId, repository: &'c str) -> Option<Self> {
        let forge = configuration.forges.iter().find(|known| known.id == *forge && known.has_api())?;
        Some(Self { configuration, forge, repository })
    }

    fn has_deployments(&self) -> bool {
        davit_forge::has_deployments(self.forge.kind)
    }

    /// What the forge calls an environment, and where people see what runs there.
    fn environment(&self, key: &EnvironmentKey) -> (String, String) {
        let known = self.configuration.environments.iter().find(|known| known.key == *key);
        known.map_or_else(
            || (key.to_string(), String::new()),
            |known| (known.at_forge().to_owned(), known.url.clone().unwrap_or_default()),
        )
    }
}

impl Engine {
    /// Notes which forge hears of a deployment from now on, and under which number where the forge asked for it.
    pub(crate) async fn begin_at_forge(
        &self,
        tx: &mut Tx,
        request: &Request,
        deployment: DeploymentId,
    ) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        let Some(place) = Place::of(&configuration, &request.app) else { return Ok(()) };
        tx.put_forge_deployment(&ForgeDeployment {
            deployment,
            forge: place.forge.id.clone(),
            repository: place.repository.to_owned(),
            environment: place.environment(&request.environment).0,
            number: request.forge_deployment,
            made_by_davit: request.forge_deployment.is_none(),
        })
        .await?;
        Ok(())
    }

    /// Writes news of a deployment to the outbox, when the app's repository is at a forge that takes calls.
    pub(crate) async fn tell_forge(
        &self,
        tx: &mut Tx,
        request: &Request,
        deployment: DeploymentId,
        news: News<'_>,
    ) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        let known = tx.forge_deployment(deployment).await?;
        let same_forge = |place: &Place<'_>| known.as_ref().is_none_or(|known| known.forge == place.forge.id);
        let at_begin = || Place::at(&configuration, &known.as_ref()?.forge, &known.as_ref()?.repository);
        let place = Place::of(&configuration, &request.app).filter(same_forge).or_else(at_begin);
        let Some(place) = place else { return Ok(()) };
        let log_url = self.deployment_url(deployment);
        if let Some(state) = news.commit {
            let status = CommitStatus {
                repository: place.repository.to_owned(),
                commit: request.commit.clone(),
                context: format!("{DEPLOY_CONTEXT}{}", request.environment),
                state,
                description: news.sentence.to_owned(),
                target_url: log_url.clone(),
            };
            self.enqueue_status(tx, &place.forge.id, &status).await?;
        }
        // What began when there was nobody to tell is not made at the forge when it ends.
        let Some(known) = known.as_ref().filter(|_| place.has_deployments()) else { return Ok(()) };
        let (_, environment_url) = place.environment(&request.environment);
        let told = Told { request, deployment, environment: known.environment.clone(), environment_url, log_url };
        let number = known.number.filter(|_| !known.made_by_davit);
        let call = DeploymentCall { at_forge: told.at_forge(place.repository, news), number };
        self.enqueue_deployment_state(tx, &place.forge.id, &call).await
    }

    /// Tells whoever made a deployment at the forge how the request that it became stands before davit deploys, and
    /// when it never will.
    pub(crate) async fn tell_maker(
        &self,
        tx: &mut Tx,
        request: &Request,
        state: ForgeDeploymentState,
        sentence: &str,
    ) -> Result<(), EngineError> {
        let Some(number) = request.forge_deployment else { return Ok(()) };
        let configuration = tx.read_configuration().await?;
        let Some(place) = Place::of(&configuration, &request.app).filter(Place::has_deployments) else { return Ok(()) };
        let (environment, environment_url) = place.environment(&request.environment);
        let log_url = format!("{}/requests/{}", self.settings().public_url, request.id);
        let told = Told { request, deployment: NONE, environment, environment_url, log_url };
        let news = News { commit: None, deployment: state, sentence };
        let call = DeploymentCall { at_forge: told.at_forge(place.repository, news), number: Some(number) };
        self.enqueue_deployment_state(tx, &place.forge.id, &call).await
    }

    /// Tells whoever made a deployment at the forge that davit does nothing about it, and why.
    pub(crate) async fn refuse_maker(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        event: &DeploymentEvent,
        sentence: &str,
    ) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        let known = configuration.forges.iter().find(|known| known.id == *forge);
        if !known.is_some_and(|known| known.has_api() && davit_forge::has_deployments(known.kind)) {
            return Ok(());
        }
        let at_forge = DeploymentAtForge {
            repository: event.repository.clone(),
            commit: event.commit.clone(),
            reference: event.reference.clone(),
            is_tag: false,
            environment: event.environment.clone(),
            deployment: NONE,
            by: event.by.clone(),
            title: event.description.clone(),
            state: ForgeDeploymentState::Error,
            description: sentence.to_owned(),
            log_url: format!("{}/deliveries", self.settings().public_url),
            environment_url: String::new(),
        };
        let call = DeploymentCall { at_forge, number: Some(event.number) };
        self.enqueue_deployment_state(tx, forge, &call).await
    }
}

/// davit has none yet, and needs none where the forge's own number is known.
const NONE: DeploymentId = DeploymentId(0);

/// What all news of one deployment have in common.
struct Told<'a> {
    request: &'a Request,
    deployment: DeploymentId,
    environment: String,
    environment_url: String,
    log_url: String,
}

impl Told<'_> {
    fn at_forge(self, repository: &str, news: News<'_>) -> DeploymentAtForge {
        let commit = &self.request.commit;
        let git_ref = self.request.git_ref.as_deref().unwrap_or_default();
        let (reference, is_tag) = match (git_ref.strip_prefix("refs/heads/"), git_ref.strip_prefix("refs/tags/")) {
            (Some(branch), _) => (branch.to_owned(), false),
            (None, Some(tag)) => (tag.to_owned(), true),
            (None, None) => (commit.to_string(), false),
        };
        DeploymentAtForge {
            repository: repository.to_owned(),
            commit: commit.clone(),
            reference,
            is_tag,
            environment: self.environment,
            deployment: self.deployment,
            by: self.request.created_by.clone(),
            title: self.request.title.clone(),
            state: news.deployment,
            description: news.sentence.to_owned(),
            log_url: self.log_url,
            environment_url: self.environment_url,
        }
    }
}

/// The apps whose repository this is.
pub(crate) fn apps_of<'c>(
    configuration: &'c Configuration,
    forge: &'c ForgeId,
    repository: &'c str,
) -> impl Iterator<Item = &'c App> {
    configuration.apps.iter().filter(move |app| match &app.repository {
        // Forges treat owner and repository names as case-insensitive.
        Repository::Forge { forge: of, name, .. } => of == forge && name.eq_ignore_ascii_case(repository),
        Repository::Url { .. } => false,
    })
}
