//! What people and events ask for: release requests, and the deployments that carry them out.
//!
//! Each function checks, asks the domain, and writes request, deployment, job, status and feed in one transaction.
//! Who may call what is the API's business ([`davit_domain::access`]).

use crate::hub::Topic;
use crate::queue::NewJob;
use crate::{Engine, EngineError, deploy};
use davit_domain::config::{App, Configuration, ReleaseConfig, Repository, branch_allowed};
use davit_domain::decide::{self, Waiting};
use davit_domain::deployment::{DeploymentState, HostRunState};
use davit_domain::event::GitRef;
use davit_domain::ids::{
    AppKey, CommitSha, DeliveryId, DeploymentId, EnvironmentKey, HostName, ReleaseName, RequestId,
};
use davit_domain::request::{Kind, RequestState};
use davit_domain::status::{CommitState, CommitStatus};
use davit_store::Tx;
use davit_store::deployments::Deployment;
use davit_store::requests::{Created, NewRequest, Request};

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
    /// Rollback: the kept release to go back to.
    pub target_release: Option<ReleaseName>,
    /// Only these hosts; `None`: all of the release config.
    pub hosts: Option<Vec<HostName>>,
    /// Who asks.
    pub by: String,
    /// The delivery that caused it.
    pub delivery: Option<DeliveryId>,
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
        if let Some(branch) = ask.git_ref.as_ref().and_then(GitRef::branch)
            && !branch_allowed(environment.branches.as_deref(), branch)
        {
            return Err(EngineError::Invalid(format!("{} does not take the branch {branch}", environment.key)));
        }
        hosts_of(configuration, app, config, ask.hosts.as_deref())?;
        let (revision, _) = tx
            .revision_in_force(&ask.app, &ask.environment)
            .await?
            .ok_or_else(|| not_released(&ask.app, &ask.environment))?;
        let automatic = ask.kind == Kind::Auto;
        let by = ask.by.clone();
        let created = tx
            .create_request(&NewRequest {
                app: ask.app,
                environment: ask.environment,
                kind: ask.kind,
                state: RequestState::initial(environment.review),
                commit: ask.commit,
                git_ref: ask.git_ref.map(ref_name),
                title: ask.title,
                revision: revision.id,
                review: environment.review,
                target_release: ask.target_release,
                hosts: ask.hosts,
                created_by: ask.by,
                created_at: self.now(),
                delivery: ask.delivery,
                idempotency_key: ask.idempotency_key,
            })
            .await?;
        let request = match created {
            Created::Existing(request) => return Ok(Asked { request, existed: true }),
            Created::New(request) => request,
        };
        self.feed(tx, &by, "release_requested", &format!("request {}", request.id), describe(&request)).await?;
        let request = if automatic && request.state == RequestState::AwaitingRelease {
            self.release_in(tx, configuration, request.id, &by).await?
        } else {
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
        if at_once && !asked.existed && request.state == RequestState::AwaitingRelease {
            request = self.release_in(&mut tx, &configuration, request.id, &by).await?;
        }
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// Asks to go back to a kept release; without one, to the newest that is not live.
    ///
    /// # Errors
    /// `Invalid` when there is none, or a host no longer has it.
    pub async fn ask_rollback(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        to: Option<&ReleaseName>,
        by: &str,
        idempotency_key: Option<String>,
        at_once: bool,
    ) -> Result<Request, EngineError> {
        let configuration = self.store().configuration().await?;
        let (known, config) = release_config(&configuration, app, environment)?;
        let kept = self.store().kept_releases(app, environment).await?;
        let target = match to {
            Some(name) => kept.iter().find(|release| release.release == *name).ok_or_else(|| {
                EngineError::NotFound(format!(
                    "{name} is not kept in {environment} any more. See: davit releases {app} {environment}"
                ))
            })?,
            None => kept.iter().find(|release| !release.live).ok_or_else(|| {
                EngineError::Invalid(format!("{app} has no earlier good release in {environment} to go back to"))
            })?,
        };
        let lacking: Vec<_> = hosts_of(&configuration, known, config, None)?
            .into_iter()
            .filter(|host| !target.hosts.contains(host))
            .map(|host| host.to_string())
            .collect();
        if !lacking.is_empty() {
            return Err(EngineError::Invalid(format!(
                "{} no longer has {}: release its commit again instead: davit deploy {app} {environment} --commit {}",
                lacking.join(", "),
                target.release,
                target.commit
            )));
        }
        let ask = Ask {
            kind: Kind::Rollback,
            app: app.clone(),
            environment: environment.clone(),
            commit: target.commit.clone(),
            git_ref: None,
            title: format!("Back to {}", target.title),
            target_release: Some(target.release.clone()),
            hosts: None,
            by: by.to_owned(),
            delivery: None,
            idempotency_key,
        };
        self.ask_now(ask, at_once).await
    }

    /// A reviewer says yes.
    ///
    /// # Errors
    /// When the state or the environment's rule does not allow it.
    pub async fn approve(&self, id: RequestId, user: &str) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        let state = request.state.clone().approve(user, &request.created_by, request.review, self.now())?;
        tx.set_request_state(id, &state, Some((user, self.now()))).await?;
        self.feed(&mut tx, user, "request_approved", &format!("request {id}"), serde_json::Value::Null).await?;
        let request = if state == RequestState::AwaitingRelease && request.kind == Kind::Auto {
            let configuration = tx.read_configuration().await?;
            self.release_in(&mut tx, &configuration, id, user).await?
        } else {
            tx.request(id).await?
        };
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// A reviewer says no, and why.
    ///
    /// # Errors
    /// When the state does not allow it or the reason is missing.
    pub async fn reject(&self, id: RequestId, user: &str, reason: &str) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let state = tx.request(id).await?.state.reject(user, reason)?;
        self.decide(tx, id, &state, user, "request_rejected").await
    }

    /// Its author (or an administrator) takes it back.
    ///
    /// # Errors
    /// When the state does not allow it, or somebody else made it.
    pub async fn withdraw(&self, id: RequestId, user: &str, may_for_others: bool) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        if request.created_by != user && !may_for_others {
            return Err(EngineError::Denied(format!(
                "request {id} was made by {}: only they can withdraw it",
                request.created_by
            )));
        }
        let state = request.state.withdraw()?;
        self.decide(tx, id, &state, user, "request_withdrawn").await
    }

    /// Lets an approved request go out.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub async fn release(&self, id: RequestId, user: &str) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let configuration = tx.read_configuration().await?;
        let request = self.release_in(&mut tx, &configuration, id, user).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// A failed or cancelled request goes out again, as a new attempt.
    ///
    /// # Errors
    /// When the state does not allow it, or no host is left to retry.
    pub async fn retry(&self, id: RequestId, user: &str, hosts: RetryHosts) -> Result<Request, EngineError> {
        let last = self
            .store()
            .deployment_of_request(id)
            .await?
            .ok_or_else(|| EngineError::Conflict(format!("request {id} has not been released yet")))?;
        let hosts: Vec<HostName> = self
            .store()
            .host_runs(last.id)
            .await?
            .into_iter()
            .filter(|run| hosts == RetryHosts::All || !matches!(run.state, HostRunState::Done { .. }))
            .map(|run| run.host)
            .collect();
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        let state = request.state.clone().retry()?;
        tx.set_request_state(id, &state, Some((user, self.now()))).await?;
        let configuration = tx.read_configuration().await?;
        self.start_deployment(&mut tx, &configuration, &request, last.attempt + 1, &hosts).await?;
        self.feed(&mut tx, user, "request_retried", &format!("request {id}"), serde_json::Value::Null).await?;
        let request = tx.request(id).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// Ends a deployment that has not switched yet. A waiting one ends at once, a running one at its next safe point.
    ///
    /// # Errors
    /// `Conflict` once hosts are being switched, or when it has ended.
    pub async fn cancel(&self, id: DeploymentId, user: &str) -> Result<Deployment, EngineError> {
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment(id).await?;
        if !deployment.state.is_cancellable() {
            return Err(EngineError::Conflict(format!(
                "deployment {id} is {}: it can't be cancelled now{}",
                deployment.state.as_str(),
                if deployment.state.is_final() { "" } else { "; roll back when it is through" }
            )));
        }
        tx.request_cancel(id, user).await?;
        self.feed(&mut tx, user, "deployment_cancelled", &format!("deployment {id}"), serde_json::Value::Null).await?;
        if deployment.state == DeploymentState::Queued {
            let reason = format!("cancelled by {user} while it waited");
            let end = DeploymentState::Cancelled { reason };
            self.finish(&mut tx, &deployment, None, end).await?;
            self.queue().cancel_waiting(&mut tx, deploy::KIND, &job_key(id)).await?;
        }
        let deployment = tx.deployment(id).await?;
        tx.commit().await?;
        self.queue().wake();
        self.hub().tell_deployment(Topic::Cancel, id, &deployment.app, &deployment.environment);
        self.hub().tell_deployment(Topic::Deployment, id, &deployment.app, &deployment.environment);
        Ok(deployment)
    }

    /// Ends a deployment and its request, sets the final status, and starts the next one in line.
    pub(crate) async fn finish(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        fence: Option<i64>,
        end: DeploymentState,
    ) -> Result<(), EngineError> {
        let end = deployment.state.clone().advance(end)?;
        tx.advance_deployment(deployment.id, fence, &end, self.now()).await?;
        let request = tx.request(deployment.request).await?;
        let reason = end.reason().unwrap_or_default();
        let (request_end, commit, sentence) = match &end {
            DeploymentState::Succeeded => {
                (RequestState::Succeeded, CommitState::Success, format!("{} is live", deployment.release))
            }
            DeploymentState::Failed { .. } | DeploymentState::Reverted { .. } => {
                (RequestState::Failed { reason: reason.clone() }, CommitState::Failure, reason.clone())
            }
            DeploymentState::Cancelled { .. } => {
                (RequestState::Cancelled { reason: reason.clone() }, CommitState::Error, reason.clone())
            }
            DeploymentState::Superseded { by } => {
                let newer = tx.deployment(*by).await?.request;
                (RequestState::Superseded { by: newer }, CommitState::Error, reason.clone())
            }
            DeploymentState::Queued
            | DeploymentState::Building
            | DeploymentState::Staging
            | DeploymentState::Switching
            | DeploymentState::Verifying
            | DeploymentState::Reverting { .. } => {
                return Err(EngineError::Unavailable(format!("{} is not an end", end.as_str())));
            }
        };
        let request_state = request.state.clone().finish(request_end)?;
        tx.set_request_state(request.id, &request_state, None).await?;
        self.status(tx, &request, deployment.id, commit, &sentence).await?;
        let detail = serde_json::json!({ "state": end.as_str(), "reason": end.reason() });
        self.feed(tx, &request.created_by, "deployment_ended", &format!("deployment {}", deployment.id), detail)
            .await?;
        // A superseded one never ran: the caller, who ends all of them, starts the next.
        if matches!(end, DeploymentState::Superseded { .. }) {
            return Ok(());
        }
        Box::pin(self.start_next(tx, &deployment.app, &deployment.environment)).await
    }

    /// Gives the next deployment of an (app, environment) its job.
    pub(crate) async fn start_next(
        &self,
        tx: &mut Tx,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<(), EngineError> {
        let unfinished = tx.unfinished(app, environment).await?;
        let queue: Vec<Waiting> = unfinished
            .iter()
            .map(|d| Waiting { id: d.id, kind: d.kind, running: d.state != DeploymentState::Queued })
            .collect();
        let turn = decide::next_in_line(&queue);
        for (old, by) in turn.superseded {
            if let Some(deployment) = unfinished.iter().find(|d| d.id == old) {
                self.queue().cancel_waiting(tx, deploy::KIND, &job_key(old)).await?;
                self.finish(tx, deployment, None, DeploymentState::Superseded { by }).await?;
            }
        }
        if let Some(id) = turn.start {
            self.enqueue_deployment(tx, id).await?;
        }
        Ok(())
    }

    async fn enqueue_deployment(&self, tx: &mut Tx, id: DeploymentId) -> Result<(), EngineError> {
        let job = NewJob {
            kind: deploy::KIND,
            key: job_key(id),
            payload: serde_json::json!({ "deployment": id }),
            max_attempts: deploy::MAX_ATTEMPTS,
            run_after: None,
        };
        self.queue().enqueue(tx, job).await?;
        Ok(())
    }

    async fn release_in(
        &self,
        tx: &mut Tx,
        configuration: &Configuration,
        id: RequestId,
        by: &str,
    ) -> Result<Request, EngineError> {
        let request = tx.request(id).await?;
        let state = request.state.clone().release()?;
        tx.set_request_state(id, &state, Some((by, self.now()))).await?;
        let (app, _) = release_config(configuration, &request.app, &request.environment)?;
        // As it was when the request was made: a host that the selector has come to name since was not approved.
        let (_, config) = tx.revision(request.revision).await?;
        let hosts = hosts_of(configuration, app, &config, request.hosts.as_deref())?;
        self.start_deployment(tx, configuration, &request, 1, &hosts).await?;
        self.feed(tx, by, "request_released", &format!("request {id}"), serde_json::Value::Null).await?;
        Ok(tx.request(id).await?)
    }

    async fn start_deployment(
        &self,
        tx: &mut Tx,
        configuration: &Configuration,
        request: &Request,
        attempt: i64,
        hosts: &[HostName],
    ) -> Result<(), EngineError> {
        if hosts.is_empty() {
            return Err(EngineError::Conflict(
                "every host of the last attempt ended well: there is nothing to retry".into(),
            ));
        }
        release_config(configuration, &request.app, &request.environment)?;
        let deployment = tx.create_deployment(request, attempt, hosts, self.now()).await?;
        self.start_next(tx, &request.app, &request.environment).await?;
        // After what it supersedes: of two deployments of one commit, the newer one's status is the last.
        let waiting = format!("{} to {}", deployment.release, request.environment);
        self.status(tx, request, deployment.id, CommitState::Pending, &waiting).await
    }

    /// Writes the deployment's commit status to the outbox, when the app's repository is at a forge that has a token.
    async fn status(
        &self,
        tx: &mut Tx,
        request: &Request,
        deployment: DeploymentId,
        state: CommitState,
        description: &str,
    ) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        let Some(app) = configuration.apps.iter().find(|app| app.key == request.app) else { return Ok(()) };
        let Repository::Forge { forge, name } = &app.repository else { return Ok(()) };
        if !configuration.forges.iter().any(|known| known.id == *forge && known.token.is_some()) {
            return Ok(());
        }
        let status = CommitStatus {
            repository: name.clone(),
            commit: request.commit.clone(),
            context: format!("davit/deploy/{}", request.environment),
            state,
            description: description.to_owned(),
            target_url: self.deployment_url(deployment),
        };
        self.enqueue_status(tx, forge, &status).await
    }

    async fn decide(
        &self,
        mut tx: Tx,
        id: RequestId,
        state: &RequestState,
        user: &str,
        action: &str,
    ) -> Result<Request, EngineError> {
        tx.set_request_state(id, state, Some((user, self.now()))).await?;
        let detail = serde_json::json!({ "reason": state.reason() });
        self.feed(&mut tx, user, action, &format!("request {id}"), detail).await?;
        let request = tx.request(id).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// After a commit: wakes the workers and whoever watches.
    fn told(&self, request: &Request) {
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

fn job_key(id: DeploymentId) -> String {
    format!("deploy-{id}")
}

fn not_released(app: &AppKey, environment: &EnvironmentKey) -> EngineError {
    EngineError::NotFound(format!(
        "{app} is not released to {environment}: add an [[app.release]] with environment = \"{environment}\" and apply it"
    ))
}

/// An app and how it is released to an environment.
fn release_config<'c>(
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
