//! What people and events ask for: release requests, and the deployments that carry them out.
//!
//! Each function checks, asks the domain, and writes request, deployment, job, status and feed in one transaction.
//! Who may call what is the API's business ([`davit_domain::access`]). Here requests are made; what people ask for by
//! name ([`people`], [`batches`]), say about it ([`reviews`]) and change of it ([`edits`], [`schedules`]), and the
//! deployments that carry requests out ([`deployments`]) have files of their own.

mod batches;
mod deployments;
mod edits;
mod inputs;
mod operate;
mod people;
mod reviews;
mod schedules;

pub use batches::{BatchItem, WantedBatch};
pub(crate) use deployments::job_key;
pub use edits::Changes;
pub use people::{Wanted, What};
pub use reviews::{Opinion, makers};
pub(crate) use schedules::run as run_schedules;

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, Environment, ReleaseConfig, branch_allowed};
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::event::GitRef;
use davit_domain::ids::{AppKey, CommitSha, DeliveryId, EnvironmentKey, HostName, ReleaseName, RequestId};
use davit_domain::request::{Kind, RequestState};
use davit_store::Tx;
use davit_store::requests::{Created, Inputs, NewRequest, Request, Schedule};

/// A wish to release something.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What kind of request.
    pub kind: Kind,
    /// Which app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What.
    pub commit: CommitSha,
    /// By which name it was asked for.
    pub git_ref: Option<GitRef>,
    /// What people read in lists.
    pub title: String,
    /// What more there is to know.
    pub description: String,
    /// Rollback: the kept release to go back to.
    pub target_release: Option<ReleaseName>,
    /// Only these hosts; `None`: all of the release config.
    pub hosts: Option<Vec<HostName>>,
    /// The digest of the build to release; `None`: the one of the commit.
    pub build: Option<String>,
    /// What was filled in and uploaded for it.
    pub inputs: Inputs,
    /// The release config that asked for them; `None`: nobody was asked.
    pub asked_by: Option<ReleaseConfig>,
    /// Who asks.
    pub by: String,
    /// The delivery that caused it.
    pub delivery: Option<DeliveryId>,
    /// The number at its forge of the deployment that asks for it.
    pub forge_deployment: Option<i64>,
    /// When it goes out by itself.
    pub schedule: Option<Schedule>,
    /// The batch that it is part of.
    pub batch: Option<i64>,
    /// The request that it is a clone of.
    pub cloned_from: Option<RequestId>,
    /// The same key again is the same request.
    pub idempotency_key: Option<String>,
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request; an earlier one when the idempotency key was known.
    pub request: Request,
    /// Whether it was there before.
    pub existed: bool,
}

/// Which hosts a retry goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryHosts {
    /// All of the last attempt.
    All,
    /// Those that did not end well.
    Failed,
}

impl Engine {
    /// Makes a request, and releases it at once when it is automatic and needs no review.
    ///
    /// # Errors
    /// `Invalid` when the app is not released there, no host is meant, or the environment does not take the branch.
    pub async fn ask(&self, tx: &mut Tx, configuration: &Configuration, ask: Ask) -> Result<Asked, EngineError> {
        let (app, config) = release_config(configuration, &ask.app, &ask.environment)?;
        let environment = configuration
            .environments
            .iter()
            .find(|environment| environment.key == ask.environment)
            .ok_or_else(|| EngineError::NotFound(format!("there is no environment named {}", ask.environment)))?;
        check_branch(environment, ask.git_ref.as_ref())?;
        hosts_of(configuration, app, config, ask.hosts.as_deref())?;
        if ask.asked_by.is_some_and(|asked| (asked.inputs, asked.mode) != (config.inputs.clone(), config.mode.clone()))
        {
            return Err(EngineError::Changed(format!(
                "what a release of {} to {} asks to be filled in has been changed meanwhile: look at it again",
                ask.app, ask.environment
            )));
        }
        let (revision, _) = tx
            .revision_in_force(&ask.app, &ask.environment)
            .await?
            .ok_or_else(|| not_released(&ask.app, &ask.environment))?;
        let values = self.effective_values(tx, &ask.app, &ask.environment).await?;
        let automatic = ask.kind == Kind::Auto;
        let by = ask.by.clone();
        let created = tx
            .create_request(&NewRequest {
                app: ask.app,
                environment: ask.environment,
                kind: ask.kind,
                state: RequestState::initial(&environment.review),
                commit: ask.commit,
                git_ref: ask.git_ref.map(ref_name),
                title: ask.title,
                description: ask.description,
                revision: revision.id,
                review: environment.review.clone(),
                target_release: ask.target_release,
                hosts: ask.hosts,
                build: ask.build,
                inputs: ask.inputs,
                values,
                created_by: ask.by,
                created_at: self.now(),
                delivery: ask.delivery,
                forge_deployment: ask.forge_deployment,
                schedule: ask.schedule,
                batch: ask.batch,
                cloned_from: ask.cloned_from,
                idempotency_key: ask.idempotency_key,
            })
            .await?;
        let request = match created {
            Created::Existing(request) => return Ok(Asked { request, existed: true }),
            Created::New(request) => request,
        };
        self.feed(tx, &by, "release_requested", &format!("request {}", request.id), describe(&request)).await?;
        self.notice_review_requested(tx, &request).await?;
        let request = if automatic && may_go_out(&request) {
            self.release_in(tx, configuration, request.id, &by, None).await?
        } else {
            let sentence = format!("request {} waits for a review", request.id);
            self.tell_maker(tx, &request, ForgeDeploymentState::Queued, &sentence).await?;
            request
        };
        Ok(Asked { request, existed: false })
    }

    /// As [`ask`](Self::ask), in a transaction of its own; `at_once` releases it when no review is needed.
    ///
    /// # Errors
    /// As `ask`.
    pub async fn ask_now(&self, ask: Ask, at_once: bool) -> Result<Request, EngineError> {
        let by = ask.by.clone();
        let mut tx = self.store().begin().await?;
        let configuration = tx.read_configuration().await?;
        let asked = self.ask(&mut tx, &configuration, ask).await?;
        let mut request = asked.request;
        if at_once && !asked.existed && may_go_out(&request) {
            request = self.release_in(&mut tx, &configuration, request.id, &by, None).await?;
        }
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// After a commit: wakes the workers and whoever watches.
    pub(crate) fn told(&self, request: &Request) {
        self.queue().wake();
        for topic in [Topic::Request, Topic::Deployment] {
            self.hub().tell(crate::hub::Change {
                topic,
                id: (topic == Topic::Request).then_some(request.id.0),
                app: Some(request.app.clone()),
                environment: Some(request.environment.clone()),
            });
        }
    }
}

/// Whether the environment takes what this names. A tag or a commit is held against its branches where it is chosen.
fn check_branch(environment: &Environment, git_ref: Option<&GitRef>) -> Result<(), EngineError> {
    match git_ref.and_then(GitRef::branch) {
        Some(branch) if !branch_allowed(environment.branches.as_deref(), branch) => {
            Err(EngineError::Invalid(format!("{} does not take the branch {branch}", environment.key)))
        }
        Some(_) | None => Ok(()),
    }
}

/// Longer titles are cut. Characters.
const LONGEST_TITLE: usize = 200;
/// Longer descriptions are cut. Characters.
const LONGEST_DESCRIPTION: usize = 10_000;

fn cut_title(title: &str) -> String {
    title.trim().chars().take(LONGEST_TITLE).collect()
}

/// Whether nothing keeps a new request from going out at once.
fn may_go_out(request: &Request) -> bool {
    matches!(request.state, RequestState::AwaitingRelease { .. }) && request.schedule.is_none()
}

fn not_released(app: &AppKey, environment: &EnvironmentKey) -> EngineError {
    EngineError::NotFound(format!(
        "{app} is not released to {environment}: add an [[app.release]] with environment = \"{environment}\" and apply it"
    ))
}

/// An app and how it is released to an environment.
pub(crate) fn release_config<'c>(
    configuration: &'c Configuration,
    app: &AppKey,
    environment: &EnvironmentKey,
) -> Result<(&'c App, &'c ReleaseConfig), EngineError> {
    let found = configuration
        .apps
        .iter()
        .find(|known| known.key == *app)
        .ok_or_else(|| EngineError::NotFound(format!("there is no app named {app}")))?;
    let config = found.release(environment).ok_or_else(|| not_released(app, environment))?;
    Ok((found, config))
}

/// The hosts that are meant: those of the release config, or the ones asked for among them.
fn hosts_of(
    configuration: &Configuration,
    app: &App,
    config: &ReleaseConfig,
    asked: Option<&[HostName]>,
) -> Result<Vec<HostName>, EngineError> {
    let all: Vec<HostName> = config.select(&configuration.hosts).into_iter().map(|host| host.name.clone()).collect();
    if let Some(foreign) = asked.unwrap_or_default().iter().find(|host| !all.contains(host)) {
        return Err(EngineError::Invalid(format!(
            "{foreign} is not a host that {} is released to in {}",
            app.key, config.environment
        )));
    }
    let meant: Vec<HostName> = match asked {
        Some(asked) => all.into_iter().filter(|host| asked.contains(host)).collect(),
        None => all,
    };
    if meant.is_empty() {
        return Err(EngineError::Invalid(format!(
            "no host matches the release config of {} for {}: add hosts with its labels to the environment",
            app.key, config.environment
        )));
    }
    Ok(meant)
}

fn ref_name(git_ref: GitRef) -> String {
    match git_ref {
        GitRef::Branch(name) => format!("refs/heads/{name}"),
        GitRef::Tag(name) => format!("refs/tags/{name}"),
    }
}

fn describe(request: &Request) -> serde_json::Value {
    serde_json::json!({
        "app": request.app,
        "environment": request.environment,
        "kind": request.kind,
        "commit": request.commit,
        "title": request.title,
    })
}
