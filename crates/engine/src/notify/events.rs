//! What is told to whom: a notice for each thing that happens, and the channels that hear of it.

use super::Notice;
use crate::gates::Passing;
use crate::{Engine, EngineError};
use davit_domain::ci::RunState;
use davit_domain::config::{Channel, Configuration, Host, Repository};
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::{AppKey, EnvironmentKey, ForgeId};
use davit_domain::notice::NoticeEvent;
use davit_domain::request::{Kind, RequestState};
use davit_store::Tx;
use davit_store::ci_runs::Run;
use davit_store::deployments::Deployment;
use davit_store::requests::{NewReview, Request, Verdict};

impl Engine {
    /// Somebody asked for a release that waits for a review.
    pub(crate) async fn notice_review_requested(&self, tx: &mut Tx, request: &Request) -> Result<(), EngineError> {
        if !matches!(request.state, RequestState::AwaitingReview { .. }) {
            return Ok(());
        }
        let notice = self.of_request(NoticeEvent::ReviewRequested, request, &request.created_by);
        self.tell_place(tx, notice).await
    }

    /// Somebody approved or rejected a request.
    pub(crate) async fn notice_reviewed(
        &self,
        tx: &mut Tx,
        request: &Request,
        review: &NewReview<'_>,
    ) -> Result<(), EngineError> {
        let verdict = match review.verdict {
            Verdict::Approve => "approved",
            Verdict::Reject => "rejected",
        };
        let notice = Notice {
            state: Some(verdict.to_owned()),
            reason: review.reason.filter(|reason| !reason.is_empty()).map(ToOwned::to_owned),
            ..self.of_request(NoticeEvent::Reviewed, request, review.user)
        };
        self.tell_place(tx, notice).await
    }

    /// A deployment of a request starts.
    pub(crate) async fn notice_released(&self, tx: &mut Tx, request: &Request, by: &str) -> Result<(), EngineError> {
        let notice = self.of_request(NoticeEvent::Released, request, by);
        self.tell_place(tx, notice).await
    }

    /// A deployment has ended. What was superseded or cancelled is nobody's news: whoever did it knows.
    pub(crate) async fn notice_ended(
        &self,
        tx: &mut Tx,
        request: &Request,
        deployment: &Deployment,
        end: &DeploymentState,
    ) -> Result<(), EngineError> {
        let event = match end {
            DeploymentState::Succeeded if request.kind == Kind::Rollback => NoticeEvent::RolledBack,
            DeploymentState::Succeeded => NoticeEvent::Succeeded,
            DeploymentState::Reverted { .. } => NoticeEvent::RolledBack,
            DeploymentState::Failed { .. } => NoticeEvent::Failed,
            DeploymentState::Cancelled { .. }
            | DeploymentState::Superseded { .. }
            | DeploymentState::Queued
            | DeploymentState::Building
            | DeploymentState::Staging
            | DeploymentState::Switching
            | DeploymentState::Verifying
            | DeploymentState::Paused { .. }
            | DeploymentState::Reverting { .. } => return Ok(()),
        };
        let by = request.decided_by.as_deref().unwrap_or(&request.created_by);
        let notice = Notice {
            deployment: Some(deployment.id.0),
            state: Some(end.as_str().to_owned()),
            reason: end.reason(),
            url: Some(self.deployment_url(deployment.id)),
            ..self.of_request(event, request, by)
        };
        self.tell_place(tx, notice).await
    }

    /// Somebody let a deployment pass what kept it waiting.
    pub(crate) async fn notice_overridden(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        passing: Passing<'_>,
    ) -> Result<(), EngineError> {
        let request = tx.request(deployment.request).await?;
        let notice = Notice {
            deployment: Some(deployment.id.0),
            reason: Some(passing.reason.trim().to_owned()),
            url: Some(self.deployment_url(deployment.id)),
            ..self.of_request(NoticeEvent::WindowOverridden, &request, passing.by)
        };
        self.tell_place(tx, notice).await
    }

    /// A run has ended. One that failed for a change is told at the change; one of a branch is everybody's.
    pub(crate) async fn notice_run_ended(
        &self,
        tx: &mut Tx,
        run: &Run,
        state: RunState,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let is_bad = matches!(state, RunState::Failure | RunState::TimedOut | RunState::Error);
        let is_of_branch = run.git_ref.as_deref().is_some_and(|name| name.starts_with("refs/heads/"));
        if !is_bad || !is_of_branch || run.change.is_some() {
            return Ok(());
        }
        let notice = Notice {
            repository: Some(run.repository.clone()),
            title: Some(format!("{}: {}", run.workflow, run.title)),
            person: Some(run.by.clone()),
            commit: Some(run.head.to_string()),
            reference: run.git_ref.clone(),
            state: Some(state.as_str().to_owned()),
            reason: reason.map(ToOwned::to_owned),
            url: Some(self.run_url(run.id)),
            ..Notice::new(NoticeEvent::RunFailed, self.now())
        };
        let configuration = tx.read_configuration().await?;
        let channels = of_repository(&configuration, &run.forge, &run.repository);
        self.enqueue_notice(tx, &notice, &channels).await
    }

    /// A forge can't be told something.
    pub(crate) async fn notice_undeliverable(&self, tx: &mut Tx, lane: &str, detail: &str) -> Result<(), EngineError> {
        let notice = Notice {
            title: Some(lane.to_owned()),
            reason: Some(detail.to_owned()),
            url: Some(format!("{}/alerts", self.settings().public_url)),
            ..Notice::new(NoticeEvent::StatusUndeliverable, self.now())
        };
        let configuration = tx.read_configuration().await?;
        let channels: Vec<&Channel> =
            configuration.channels.iter().filter(|channel| channel.hears_of(notice.event)).collect();
        self.enqueue_notice(tx, &notice, &channels).await
    }

    /// A host can't be reached, or can again.
    pub(crate) async fn notice_host(
        &self,
        tx: &mut Tx,
        event: NoticeEvent,
        host: &Host,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let notice = Notice {
            host: Some(host.name.to_string()),
            reason: reason.map(ToOwned::to_owned),
            url: Some(format!("{}/hosts", self.settings().public_url)),
            ..Notice::new(event, self.now())
        };
        let configuration = tx.read_configuration().await?;
        let channels = of_host(&configuration, event, host);
        self.enqueue_notice(tx, &notice, &channels).await
    }

    /// Tells of an app in an environment those who want to hear of it.
    async fn tell_place(&self, tx: &mut Tx, notice: Notice) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        if let (Some(app), Some(environment)) = (&notice.app, &notice.environment) {
            let channels = of_place(&configuration, notice.event, app, environment);
            self.enqueue_notice(tx, &notice, &channels).await?;
        }
        Ok(())
    }

    fn of_request(&self, event: NoticeEvent, request: &Request, by: &str) -> Notice {
        Notice {
            app: Some(request.app.clone()),
            environment: Some(request.environment.clone()),
            request: Some(request.id.0),
            title: Some(request.title.clone()),
            person: Some(by.to_owned()),
            author: Some(request.created_by.clone()),
            commit: Some(request.commit.to_string()),
            reference: request.git_ref.clone(),
            url: Some(format!("{}/requests/{}", self.settings().public_url, request.id)),
            ..Notice::new(event, self.now())
        }
    }
}

/// The channels that hear of something in a place: those that its release config names, else all whose filters match.
fn of_place<'c>(
    configuration: &'c Configuration,
    event: NoticeEvent,
    app: &AppKey,
    environment: &EnvironmentKey,
) -> Vec<&'c Channel> {
    let declared = configuration.apps.iter().find(|known| known.key == *app);
    let named = declared.and_then(|app| app.release(environment)).and_then(|release| release.notify.as_ref());
    let is_meant = |channel: &&Channel| {
        channel.hears_of(event)
            && (channel.apps.is_empty() || channel.apps.contains(app))
            && (channel.environments.is_empty() || channel.environments.contains(environment))
            && named.is_none_or(|named| named.contains(&channel.id))
    };
    configuration.channels.iter().filter(is_meant).collect()
}

/// The channels that hear of a repository's runs: those without environments, of all apps or of one with its source
/// there.
fn of_repository<'c>(configuration: &'c Configuration, forge: &ForgeId, name: &str) -> Vec<&'c Channel> {
    let is_of = |key: &AppKey| {
        configuration.apps.iter().any(|app| match &app.repository {
            Repository::Forge { forge: at, name: known, .. } => {
                app.key == *key && at == forge && known.eq_ignore_ascii_case(name)
            }
            Repository::Url { .. } => false,
        })
    };
    let is_meant = |channel: &&Channel| {
        channel.hears_of(NoticeEvent::RunFailed)
            && channel.environments.is_empty()
            && (channel.apps.is_empty() || channel.apps.iter().any(is_of))
    };
    configuration.channels.iter().filter(is_meant).collect()
}

/// The channels that hear of a host: all whose filters leave it in, where an app's hosts are those it is released to.
fn of_host<'c>(configuration: &'c Configuration, event: NoticeEvent, host: &Host) -> Vec<&'c Channel> {
    let is_of = |key: &AppKey| {
        let app = configuration.apps.iter().find(|app| app.key == *key);
        let releases = app.map(|app| app.releases.as_slice()).unwrap_or_default();
        releases.iter().any(|release| release.select(&configuration.hosts).iter().any(|one| one.name == host.name))
    };
    let is_meant = |channel: &&Channel| {
        channel.hears_of(event)
            && (channel.environments.is_empty()
                || channel.environments.iter().any(|key| host.environments.contains(key)))
            && (channel.apps.is_empty() || channel.apps.iter().any(is_of))
    };
    configuration.channels.iter().filter(is_meant).collect()
}
