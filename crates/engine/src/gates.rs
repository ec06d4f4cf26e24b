//! What keeps a deployment waiting although its turn has come: locks, freeze windows, the time between release windows;
//! and who lets it pass.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::Configuration;
use davit_domain::deployment::DeploymentState;
use davit_domain::freeze::{self, Closed, Frozen};
use davit_domain::ids::{AppKey, DeploymentId, EnvironmentKey};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::deployments::Deployment;
use davit_store::gates::Lock;

/// What stands between an app and an environment now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Locks on the environment, or on the app in it.
    pub locks: Vec<Lock>,
    /// The freeze window that holds now. Rollbacks pass it: they are what one does in an emergency.
    pub frozen: Option<Frozen>,
    /// The release windows are closed now. Rollbacks pass them as well.
    pub closed: Option<Closed>,
}

/// Somebody's word that a deployment goes out whatever keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing<'a> {
    /// Whose.
    pub(crate) by: &'a str,
    /// Why it can't wait.
    pub(crate) reason: &'a str,
}

impl Gate {
    /// What these locks and the environment's windows mean for an app (`None`: for every app).
    #[must_use]
    pub fn of(
        configuration: &Configuration,
        locks: &[Lock],
        app: Option<&AppKey>,
        environment: &EnvironmentKey,
        now: Timestamp,
    ) -> Self {
        let here = |lock: &&Lock| lock.environment == *environment && (lock.app.is_none() || lock.app.as_ref() == app);
        let place = configuration.environments.iter().find(|known| known.key == *environment);
        Self {
            locks: locks.iter().filter(here).cloned().collect(),
            frozen: place.and_then(|place| freeze::frozen(&place.freeze, now)),
            closed: place.and_then(|place| freeze::closed(&place.windows, now)),
        }
    }

    /// Why a deployment of this kind waits; `None`: nothing keeps it.
    #[must_use]
    pub fn keeps(&self, kind: Kind) -> Option<String> {
        if let Some(lock) = self.locks.first() {
            let what = lock.app.as_ref().map_or_else(
                || format!("{} is locked", lock.environment),
                |app| format!("{app} is locked in {}", lock.environment),
            );
            let until = lock.expires_at.map_or_else(String::new, |at| format!(", until {at}"));
            return Some(format!("{what} by {}: {}{until}", lock.owner, lock.reason));
        }
        match kind {
            Kind::Rollback => None,
            Kind::Regular | Kind::Auto => self.keeps_what_is_new(),
        }
    }

    fn keeps_what_is_new(&self) -> Option<String> {
        if let Some(frozen) = &self.frozen {
            return Some(format!("frozen until {}: {}", frozen.until, frozen.reason));
        }
        self.closed.map(|closed| match closed.until {
            Some(until) => format!("outside of the release windows until {until}"),
            None => "outside of the release windows".to_owned(),
        })
    }
}

impl Engine {
    /// What stands between an app (`None`: every app) and an environment now.
    ///
    /// # Errors
    /// `NotFound` when there is no such environment.
    pub async fn gate(&self, environment: &EnvironmentKey, app: Option<&AppKey>) -> Result<Gate, EngineError> {
        let configuration = self.store().configuration().await?;
        known(&configuration, environment, app)?;
        let locks = self.store().locks(self.now()).await?;
        Ok(Gate::of(&configuration, &locks, app, environment, self.now()))
    }

    /// Locks an environment, or one app in it: what waits there goes on waiting, what runs goes on running.
    ///
    /// # Errors
    /// `Invalid` without a reason or with an end in the past, `NotFound` for an unknown environment or app.
    pub async fn lock(
        &self,
        environment: &EnvironmentKey,
        app: Option<&AppKey>,
        reason: &str,
        expires_at: Option<Timestamp>,
        user: &str,
    ) -> Result<Lock, EngineError> {
        let (reason, now) = (reason.trim(), self.now());
        if reason.is_empty() {
            return Err(EngineError::Invalid("say why: whoever waits for this lock will read it".into()));
        }
        if expires_at.is_some_and(|at| at <= now) {
            return Err(EngineError::Invalid("the end of the lock is in the past".into()));
        }
        let mut tx = self.store().begin().await?;
        known(&tx.read_configuration().await?, environment, app)?;
        let id = tx.lock_environment(environment, app, reason, user, expires_at, now).await?;
        let subject = subject(environment, app);
        let detail = serde_json::json!({ "lock": id, "reason": reason, "expires_at": expires_at });
        self.feed(&mut tx, user, "locked", &subject, detail).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(Lock {
            id,
            environment: environment.clone(),
            app: app.cloned(),
            reason: reason.to_owned(),
            owner: user.to_owned(),
            created_at: now,
            expires_at,
        })
    }

    /// Ends a lock; what waited for it starts.
    ///
    /// # Errors
    /// `NotFound` when it does not hold any more.
    pub async fn unlock(&self, id: i64, user: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let lock = tx.unlock(id, user, self.now()).await?;
        let subject = subject(&lock.environment, lock.app.as_ref());
        self.feed(&mut tx, user, "unlocked", &subject, serde_json::json!({ "lock": id, "reason": lock.reason }))
            .await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        crate::reconcile::deployments(self).await
    }

    /// Lets a deployment that has just been made pass whatever keeps it now; without that, it needs nobody's word.
    pub(crate) async fn pass_gates(
        &self,
        tx: &mut Tx,
        configuration: &Configuration,
        deployment: &Deployment,
        passing: Passing<'_>,
    ) -> Result<(), EngineError> {
        let locks = tx.locks(self.now()).await?;
        let gate = Gate::of(configuration, &locks, Some(&deployment.app), &deployment.environment, self.now());
        match gate.keeps(deployment.kind) {
            Some(keeps) => self.note_passing(tx, deployment, passing, &keeps).await,
            None => Ok(()),
        }
    }

    async fn note_passing(
        &self,
        tx: &mut Tx,
        deployment: &Deployment,
        passing: Passing<'_>,
        passed: &str,
    ) -> Result<(), EngineError> {
        let id = deployment.id;
        if passing.reason.trim().is_empty() {
            return Err(EngineError::Invalid("say why this can't wait: it goes to the feed".into()));
        }
        tx.override_gates(id, passing.by).await?;
        let detail = serde_json::json!({ "reason": passing.reason.trim(), "passed": passed });
        self.feed(tx, passing.by, "gates_overridden", &format!("deployment {id}"), detail).await?;
        self.notice_overridden(tx, deployment, passing).await
    }

    /// Lets a waiting deployment pass locks, freeze windows and release windows.
    ///
    /// # Errors
    /// `Conflict` when it does not wait for one, `Invalid` without a reason.
    pub async fn override_gates(&self, id: DeploymentId, user: &str, reason: &str) -> Result<Deployment, EngineError> {
        if reason.trim().is_empty() {
            return Err(EngineError::Invalid("say why this can't wait: it goes to the feed".into()));
        }
        let mut tx = self.store().begin().await?;
        let deployment = tx.deployment_in_queue(id).await?;
        let Some(blocked) = deployment.blocked.clone().filter(|_| deployment.state == DeploymentState::Queued) else {
            return Err(EngineError::Conflict(format!("deployment {id} is not kept waiting by a lock or window")));
        };
        self.note_passing(&mut tx, &deployment, Passing { by: user, reason }, &blocked).await?;
        self.start_next(&mut tx, &deployment.app, &deployment.environment).await?;
        let deployment = tx.deployment(id).await?;
        tx.commit().await?;
        self.queue().wake();
        self.tell_of(&deployment);
        Ok(deployment)
    }
}

fn subject(environment: &EnvironmentKey, app: Option<&AppKey>) -> String {
    app.map_or_else(|| environment.to_string(), |app| format!("{app} in {environment}"))
}

fn known(configuration: &Configuration, environment: &EnvironmentKey, app: Option<&AppKey>) -> Result<(), EngineError> {
    if !configuration.environments.iter().any(|known| known.key == *environment) {
        return Err(EngineError::NotFound(format!("there is no environment named {environment}")));
    }
    match app {
        Some(app) if !configuration.apps.iter().any(|known| known.key == *app) => {
            Err(EngineError::NotFound(format!("there is no app named {app}")))
        }
        Some(_) | None => Ok(()),
    }
}
