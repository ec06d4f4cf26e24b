//! What people do to a deployment that stands still: let it go on, retry or leave out a host, take it back.
//!
//! Each one changes the tables and gives the deployment its next job; [`crate::deploy`] finds in the tables what to do.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::deployment::{DeploymentState, HostRunState, Pause};
use davit_domain::ids::{DeploymentId, HostName};
use davit_store::Tx;
use davit_store::deployments::Deployment;

/// Longer reasons are cut. Characters.
const LONGEST_REASON: usize = 500;

impl Engine {
    /// Lets the next batch of a paused deployment go.
    ///
    /// # Errors
    /// `Conflict` when it is not paused between two batches.
    pub async fn continue_deployment(&self, id: DeploymentId, user: &str) -> Result<Deployment, EngineError> {
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        match deployment.state.pause() {
            Some(Pause::Confirm { .. } | Pause::Until { .. }) => {}
            Some(Pause::Held { .. }) => {
                return Err(EngineError::Conflict(format!(
                    "deployment {id} is held because hosts failed: retry or skip them, or revert it"
                )));
            }
            None => return Err(not_paused(&deployment)),
        }
        let next = deployment.state.clone().advance(DeploymentState::Staging)?;
        self.go_on(tx, &deployment, &next, user, "deployment_continued", serde_json::Value::Null).await
    }

    /// Takes every host that switched back to what it served before.
    ///
    /// # Errors
    /// `Conflict` when the deployment is not paused.
    pub async fn revert_deployment(
        &self,
        id: DeploymentId,
        user: &str,
        reason: &str,
    ) -> Result<Deployment, EngineError> {
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        if deployment.state.pause().is_none() {
            return Err(not_paused(&deployment));
        }
        let reason = with_reason(&format!("reverted by {user}"), reason);
        let next = deployment.state.clone().advance(DeploymentState::Reverting { reason: reason.clone() })?;
        self.go_on(tx, &deployment, &next, user, "deployment_reverted", serde_json::json!({ "reason": reason })).await
    }

    /// Tries a held host again, from its switch on; its hooks run anew.
    ///
    /// # Errors
    /// `Conflict` when the deployment or the host is not held.
    pub async fn retry_host(&self, id: DeploymentId, host: &HostName, user: &str) -> Result<Deployment, EngineError> {
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        let held = self.held_hosts(&deployment).await?;
        let previous = held.into_iter().find(|(name, _)| name == host).map(|(_, previous)| previous);
        let previous = previous.ok_or_else(|| not_held(host, &deployment))?;
        tx.next_try(id, host).await?;
        let state = HostRunState::Switching { previous };
        tx.set_host_run(id, deployment.fence, host, &state, self.now()).await?;
        let next = deployment.state.clone().advance(DeploymentState::Switching)?;
        self.go_on(tx, &deployment, &next, user, "host_retried", serde_json::json!({ "host": host })).await
    }

    /// Leaves a held host as it is. When it was the last one that failed, the deployment goes on without it.
    ///
    /// # Errors
    /// `Conflict` when the deployment or the host is not held.
    pub async fn skip_host(
        &self,
        id: DeploymentId,
        host: &HostName,
        user: &str,
        reason: &str,
    ) -> Result<Deployment, EngineError> {
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        let held = self.held_hosts(&deployment).await?;
        if !held.iter().any(|(name, _)| name == host) {
            return Err(not_held(host, &deployment));
        }
        tx.set_host_run(id, deployment.fence, host, &HostRunState::Skipped, self.now()).await?;
        let detail = serde_json::json!({ "host": host, "reason": cut(reason) });
        if held.len() > 1 {
            self.feed(&mut tx, user, "host_skipped", &format!("deployment {id}"), detail).await?;
            let deployment = tx.deployment(id).await?;
            tx.commit().await?;
            self.tell_of(&deployment);
            return Ok(deployment);
        }
        let next = deployment.state.clone().advance(DeploymentState::Switching)?;
        self.go_on(tx, &deployment, &next, user, "host_skipped", detail).await
    }

    /// The hosts that wait for a person, with what they served before. The caller holds the deployment's row, so nobody
    /// else changes them.
    async fn held_hosts(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<(HostName, Option<davit_domain::ids::ReleaseName>)>, EngineError> {
        if !matches!(deployment.state.pause(), Some(Pause::Held { .. })) {
            return Err(EngineError::Conflict(format!(
                "deployment {} is {}: only a host of a held deployment can be retried or skipped",
                deployment.id,
                deployment.state.as_str()
            )));
        }
        let runs = self.store().host_runs(deployment.id).await?;
        Ok(runs
            .into_iter()
            .filter_map(|run| match run.state {
                HostRunState::Held { previous, .. } => Some((run.host, previous)),
                HostRunState::Waiting
                | HostRunState::Staging
                | HostRunState::Staged
                | HostRunState::Switching { .. }
                | HostRunState::Live { .. }
                | HostRunState::Verifying { .. }
                | HostRunState::Done { .. }
                | HostRunState::Failed { .. }
                | HostRunState::Reverted { .. }
                | HostRunState::Skipped
                | HostRunState::Cancelled
                | HostRunState::Unknown { .. } => None,
            })
            .collect())
    }

    /// Moves a paused deployment on and gives it its next job.
    async fn go_on(
        &self,
        mut tx: Tx,
        deployment: &Deployment,
        next: &DeploymentState,
        user: &str,
        action: &str,
        detail: serde_json::Value,
    ) -> Result<Deployment, EngineError> {
        let id = deployment.id;
        tx.advance_deployment(id, None, next, self.now()).await?;
        self.next_job(&mut tx, deployment, None).await?;
        self.feed(&mut tx, user, action, &format!("deployment {id}"), detail).await?;
        let deployment = tx.deployment(id).await?;
        tx.commit().await?;
        self.queue().wake();
        self.tell_of(&deployment);
        Ok(deployment)
    }

    pub(crate) fn tell_of(&self, deployment: &Deployment) {
        self.hub().tell_deployment(Topic::Deployment, deployment.id, &deployment.app, &deployment.environment);
    }
}

fn not_paused(deployment: &Deployment) -> EngineError {
    EngineError::Conflict(format!(
        "deployment {} is {}, not paused{}",
        deployment.id,
        deployment.state.as_str(),
        if deployment.state.is_final() { "; roll back to go to an older release" } else { "" }
    ))
}

fn not_held(host: &HostName, deployment: &Deployment) -> EngineError {
    EngineError::Conflict(format!("{host} is not one of the failed hosts that deployment {} waits for", deployment.id))
}

fn with_reason(what: &str, reason: &str) -> String {
    match cut(reason).trim() {
        "" => what.to_owned(),
        reason => format!("{what}: {reason}"),
    }
}

fn cut(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}
