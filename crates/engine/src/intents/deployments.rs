//! Deployments as their queue sees them: made, started in turn, cancelled, ended. What happens in between is in
//! [`crate::deploy`].

use super::{RetryHosts, hosts_of, release_config};
use crate::forge_deployments::{Fault, News};
use crate::gates::{Gate, Passing};
use crate::hub::Topic;
use crate::queue::NewJob;
use crate::{Engine, EngineError, deploy};
use davit_domain::batches::batches;
use davit_domain::config::{Configuration, Mode};
use davit_domain::decide::{self, Waiting};
use davit_domain::deployment::{DeploymentState, HostRunState};
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::ids::{AppKey, DeploymentId, EnvironmentKey, HostName, RequestId};
use davit_domain::request::{Approval, Kind, RequestState};
use davit_domain::status::CommitState;
use davit_store::Tx;
use davit_store::deployments::{Deployment, NewDeployment};
use davit_store::requests::{Request, Verdict};
use std::time::Duration;

impl Engine {
    /// A failed or cancelled request goes out again, as a new attempt.
    ///
    /// # Errors
    /// When the state does not allow it, or no host is left to retry.
    pub async fn retry(&self, id: RequestId, user: &str, hosts: RetryHosts) -> Result<Request, EngineError> {
        let store = self.store();
        let mut tx = store.begin().await?;
        // Attempts are made by whoever holds the request's row: what is read after it stays true.
        let request = tx.request(id).await?;
        let last = store
            .deployment_of_request(id)
            .await?
            .ok_or_else(|| EngineError::Conflict(format!("request {id} has not been released yet")))?;
        let hosts: Vec<HostName> = store
            .host_runs(last.id)
            .await?
            .into_iter()
            .filter(|run| hosts == RetryHosts::All || !matches!(run.state, HostRunState::Done { .. }))
            .map(|run| run.host)
            .collect();
        let state = request.state.clone().retry()?;
        self.check_approvals_count(&mut tx, &request).await?;
        tx.set_request_state(id, &state, Some((user, self.now()))).await?;
        let configuration = tx.read_configuration().await?;
        self.start_deployment(&mut tx, &configuration, &request, last.attempt + 1, &hosts, None).await?;
        self.feed(&mut tx, user, "request_retried", &format!("request {id}"), serde_json::Value::Null).await?;
        self.notice_released(&mut tx, &request, user).await?;
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
        let deployment = tx.deployment_in_queue(id).await?;
        if !deployment.state.is_cancellable() && !self.is_custom_action(&mut tx, &deployment).await? {
            return Err(EngineError::Conflict(format!(
                "deployment {id} is {}: it can't be cancelled now{}",
                deployment.state.as_str(),
                match (deployment.state.is_final(), deployment.state.pause()) {
                    (true, _) => "",
                    (false, Some(_)) => "; revert it, and its hosts go back",
                    (false, None) => "; roll back when it is through",
                }
            )));
        }
        tx.request_cancel(id, user).await?;
        self.feed(&mut tx, user, "deployment_cancelled", &format!("deployment {id}"), serde_json::Value::Null).await?;
        if deployment.state == DeploymentState::Queued {
            let reason = format!("cancelled by {user} while it waited");
            let end = DeploymentState::Cancelled { reason };
            self.finish(&mut tx, &deployment, None, end).await?;
            self.queue().cancel_waiting(&mut tx, deploy::KIND, &job_key(&deployment)).await?;
        }
        let deployment = tx.deployment(id).await?;
        tx.commit().await?;
        self.queue().wake();
        self.hub().tell_deployment(Topic::Cancel, id, &deployment.app, &deployment.environment);
        self.hub().tell_deployment(Topic::Deployment, id, &deployment.app, &deployment.environment);
        Ok(deployment)
    }

    /// Whether actions of a custom release config run: there is no switch after which it would be too late.
    async fn is_custom_action(&self, tx: &mut Tx, deployment: &Deployment) -> Result<bool, EngineError> {
        if deployment.state != DeploymentState::Switching {
            return Ok(false);
        }
        let request = tx.request(deployment.request).await?;
        let (_, config) = tx.revision(request.revision).await?;
        Ok(matches!(config.mode, Mode::Custom(_)))
    }

    /// Tells the forge that a deployment has begun, in the transaction that begins it.
    pub(crate) async fn tell_begun(
        &self,
        tx: &mut Tx,
        request: &Request,
        deployment: &Deployment,
    ) -> Result<(), EngineError> {
        let sentence = &format!("{} goes to {}", deployment.release, deployment.environment);
        let news = News { commit: None, deployment: ForgeDeploymentState::InProgress, sentence };
        self.tell_forge(tx, request, deployment.id, news).await
    }

    /// Ends a deployment and its request, sets the final status, and starts the next one in line.
    pub(crate) async fn finish(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        fence: Option<i64>,
        end: DeploymentState,
    ) -> Result<(), EngineError> {
        self.finish_because(tx, deployment, fence, end, Fault::Release).await
    }

    /// As [`finish`](Self::finish); `fault`: whose, where it failed.
    pub(crate) async fn finish_because(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        fence: Option<i64>,
        end: DeploymentState,
        fault: Fault,
    ) -> Result<(), EngineError> {
        let end = deployment.state.clone().advance(end)?;
        tx.advance_deployment(deployment.id, fence, &end, self.now()).await?;
        if deployment.state == DeploymentState::Queued {
            deploy::close_unstarted(self, tx, deployment).await?;
        }
        let request = tx.request(deployment.request).await?;
        let superseded_by =
            if let DeploymentState::Superseded { by } = &end { Some(tx.deployment(*by).await?.request) } else { None };
        let ending = Ending::of(deployment, &end, superseded_by, fault)?;
        let request_state = request.state.clone().finish(ending.request)?;
        tx.set_request_state(request.id, &request_state, None).await?;
        let news = News { commit: Some(ending.commit), deployment: ending.at_forge, sentence: &ending.sentence };
        self.tell_forge(tx, &request, deployment.id, news).await?;
        let detail = serde_json::json!({ "state": end.as_str(), "reason": end.reason() });
        self.feed(tx, &request.created_by, "deployment_ended", &format!("deployment {}", deployment.id), detail)
            .await?;
        self.notice_ended(tx, &request, deployment, &end).await?;
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
        for (old, by) in &turn.superseded {
            if let Some(deployment) = unfinished.iter().find(|d| d.id == *old) {
                self.queue().cancel_waiting(tx, deploy::KIND, &job_key(deployment)).await?;
                self.finish(tx, deployment, None, DeploymentState::Superseded { by: *by }).await?;
            }
        }
        if turn.start.is_none() {
            return Ok(());
        }
        let gone: Vec<DeploymentId> = turn.superseded.iter().map(|(old, _)| *old).collect();
        let waiting: Vec<&Deployment> = unfinished.iter().filter(|d| !gone.contains(&d.id)).collect();
        self.start_first_that_may(tx, app, environment, &waiting).await
    }

    /// Gives the first of the waiting deployments that no gate keeps its job; those before it say what keeps them.
    async fn start_first_that_may(
        &self,
        tx: &mut Tx,
        app: &AppKey,
        environment: &EnvironmentKey,
        waiting: &[&Deployment],
    ) -> Result<(), EngineError> {
        let configuration = tx.read_configuration().await?;
        let locks = tx.locks(self.now()).await?;
        let gate = Gate::of(&configuration, &locks, Some(app), environment, self.now());
        for deployment in waiting {
            let keeps = match (&deployment.gates_overridden_by, gate.keeps(deployment.kind)) {
                (Some(_), _) => None,
                (None, Some(keeps)) => Some(keeps),
                // What people released was green then, or was not asked to be.
                (None, None) if deployment.kind == Kind::Auto => {
                    self.not_green(&configuration, app, environment, &deployment.commit).await?
                }
                (None, None) => None,
            };
            if deployment.blocked != keeps {
                tx.set_blocked(deployment.id, keeps.as_deref()).await?;
            }
            if keeps.is_none() {
                return self.enqueue_deployment(tx, deployment, None).await;
            }
        }
        Ok(())
    }

    /// Gives a deployment one more job, in the place of one that waits for its time.
    pub(crate) async fn next_job(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        run_after: Option<Duration>,
    ) -> Result<(), EngineError> {
        self.queue().cancel_waiting(tx, deploy::KIND, &job_key(deployment)).await?;
        let jobs = tx.count_deployment_job(deployment.id).await?;
        self.enqueue_deployment(tx, &Deployment { jobs, ..deployment.clone() }, run_after).await
    }

    async fn enqueue_deployment(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        run_after: Option<Duration>,
    ) -> Result<(), EngineError> {
        let job = NewJob {
            kind: deploy::KIND,
            key: job_key(deployment),
            payload: serde_json::json!({ "deployment": deployment.id }),
            max_attempts: deploy::MAX_ATTEMPTS,
            run_after,
        };
        self.queue().enqueue(tx, job).await?;
        Ok(())
    }

    /// Whether what was approved of a request that has gone out once still counts.
    async fn check_approvals_count(&self, tx: &mut Tx, request: &Request) -> Result<(), EngineError> {
        if request.review.expires.is_none() {
            return Ok(());
        }
        let words = tx.request_reviews(request.id).await?;
        let approvals: Vec<Approval> = words
            .into_iter()
            .filter(|word| word.verdict == Verdict::Approve && word.void_at.is_none())
            .map(|word| Approval { user: word.user, at: word.at })
            .filter(|approval| request.review.counts(approval, self.now()))
            .collect();
        if request.review.is_met_by(&approvals) {
            return Ok(());
        }
        Err(EngineError::Conflict(format!(
            "the approvals of request {} are too old by now: clone it, and have the clone reviewed",
            request.id
        )))
    }

    /// Lets a request go out; `passing`: why it passes whatever gate keeps it.
    pub(super) async fn release_in(
        &self,
        tx: &mut Tx,
        configuration: &Configuration,
        id: RequestId,
        by: &str,
        passing: Option<&str>,
    ) -> Result<Request, EngineError> {
        let request = tx.request(id).await?;
        let state = request.state.clone().release(&request.review, self.now())?;
        tx.set_request_state(id, &state, Some((by, self.now()))).await?;
        let (app, _) = release_config(configuration, &request.app, &request.environment)?;
        if request.kind == Kind::Regular {
            self.refuse_what_is_not_green(configuration, &request).await?;
        }
        // As it was when the request was made: a host that the selector has come to name since was not approved.
        let (_, config) = tx.revision(request.revision).await?;
        let hosts = hosts_of(configuration, app, &config, request.hosts.as_deref())?;
        let passing = passing.map(|reason| Passing { by, reason });
        self.start_deployment(tx, configuration, &request, 1, &hosts, passing).await?;
        self.feed(tx, by, "request_released", &format!("request {id}"), serde_json::Value::Null).await?;
        self.notice_released(tx, &request, by).await?;
        Ok(tx.request(id).await?)
    }

    async fn start_deployment(
        &self,
        tx: &mut Tx,
        configuration: &Configuration,
        request: &Request,
        attempt: i64,
        hosts: &[HostName],
        passing: Option<Passing<'_>>,
    ) -> Result<(), EngineError> {
        if hosts.is_empty() {
            return Err(EngineError::Conflict(
                "every host of the last attempt ended well: there is nothing to retry".into(),
            ));
        }
        release_config(configuration, &request.app, &request.environment)?;
        let (_, config) = tx.revision(request.revision).await?;
        // Who goes back goes at once: the portions are there to find out whether something new works.
        let numbers = match request.kind {
            Kind::Rollback => vec![1; hosts.len()],
            Kind::Regular | Kind::Auto => batches(&config.strategy, hosts),
        };
        let hosts: Vec<(HostName, u32)> = hosts.iter().cloned().zip(numbers).collect();
        let steps = deploy::planned_steps(&config, request.kind);
        let new = NewDeployment { request, attempt, hosts: &hosts, steps: &steps };
        let deployment = tx.create_deployment(&new, self.now()).await?;
        self.begin_at_forge(tx, request, deployment.id).await?;
        if let Some(passing) = passing {
            self.pass_gates(tx, configuration, &deployment, passing).await?;
        }
        self.start_next(tx, &request.app, &request.environment).await?;
        // After what it supersedes: of two deployments of one commit, the newer one's status is the last.
        let sentence = &format!("{} to {}", deployment.release, request.environment);
        let (commit, queued) = (Some(CommitState::Pending), ForgeDeploymentState::Queued);
        self.tell_forge(tx, request, deployment.id, News { commit, deployment: queued, sentence }).await
    }
}

/// What a deployment's end means for its request and for the forge.
struct Ending {
    request: RequestState,
    commit: CommitState,
    at_forge: ForgeDeploymentState,
    sentence: String,
}

impl Ending {
    fn of(
        deployment: &Deployment,
        end: &DeploymentState,
        superseded_by: Option<RequestId>,
        fault: Fault,
    ) -> Result<Self, EngineError> {
        let reason = end.reason().unwrap_or_default();
        let not_an_end = || EngineError::Unavailable(format!("{} is not an end", end.as_str()));
        let (request, commit, at_forge) = match end {
            DeploymentState::Succeeded => {
                (RequestState::Succeeded, CommitState::Success, ForgeDeploymentState::Success)
            }
            DeploymentState::Failed { .. } | DeploymentState::Reverted { .. } => {
                let at_forge = match fault {
                    Fault::Release => ForgeDeploymentState::Failure,
                    Fault::Davit => ForgeDeploymentState::Error,
                };
                (RequestState::Failed { reason: reason.clone() }, CommitState::Failure, at_forge)
            }
            DeploymentState::Cancelled { .. } => {
                (RequestState::Cancelled { reason: reason.clone() }, CommitState::Error, ForgeDeploymentState::Inactive)
            }
            DeploymentState::Superseded { .. } => {
                let by = superseded_by.ok_or_else(not_an_end)?;
                (RequestState::Superseded { by }, CommitState::Error, ForgeDeploymentState::Inactive)
            }
            DeploymentState::Queued
            | DeploymentState::Building
            | DeploymentState::Staging
            | DeploymentState::Switching
            | DeploymentState::Verifying
            | DeploymentState::Paused { .. }
            | DeploymentState::Reverting { .. } => return Err(not_an_end()),
        };
        let is_live = *end == DeploymentState::Succeeded;
        let sentence = if is_live { format!("{} is live", deployment.release) } else { reason };
        Ok(Self { request, commit, at_forge, sentence })
    }
}

/// Each pause ends a job, so a deployment may have several, one after the other.
pub(crate) fn job_key(deployment: &Deployment) -> String {
    format!("deploy-{}-{}", deployment.id, deployment.jobs)
}
