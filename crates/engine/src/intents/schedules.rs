//! Requests that go out by themselves at a time, and approvals whose time is over.
//!
//! Everything is in the tables, and whoever looks first holds the request's row: two servers, or one that was killed in
//! between, let a request out once.

use crate::{Engine, EngineError};
use davit_domain::access::{Action, Target};
use davit_domain::ids::RequestId;
use davit_domain::request::RequestState;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::requests::{Request, Schedule};

/// Who lets a request out that nobody is there for.
const ACTOR: &str = "schedule";

/// Looks every now and then until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            () = tokio::time::sleep(engine.settings().reconcile_every) => {}
        }
        for done in [engine.expire_approvals().await, engine.release_due().await] {
            if let Err(error) = done {
                tracing::error!(%error, "what is scheduled can't be looked at now");
            }
        }
    }
}

impl Engine {
    /// Says when a request goes out by itself; `None`: when somebody lets it. Approvals stay: whoever may do this could
    /// let it out at that time as well.
    pub(super) async fn schedule_in(
        &self,
        tx: &mut Tx,
        request: Request,
        schedule: Option<Schedule>,
        user: &str,
    ) -> Result<Request, EngineError> {
        let id = request.id;
        if request.schedule == schedule {
            return Ok(request);
        }
        if !request.state.is_open() {
            return Err(EngineError::Conflict(format!(
                "request {id} is {}: it goes out at no time any more",
                request.state.as_str().replace('_', " ")
            )));
        }
        tx.schedule_request(id, schedule.as_ref(), self.now()).await?;
        let time = |schedule: &Option<Schedule>| schedule.as_ref().map(|schedule| schedule.at);
        let detail = serde_json::json!({
            "before": { "scheduled_at": time(&request.schedule) },
            "after": { "scheduled_at": time(&schedule) },
        });
        self.feed(tx, user, "request_scheduled", &format!("request {id}"), detail).await?;
        Ok(tx.request(id).await?)
    }

    /// A time at which something goes out by itself, in somebody's name.
    ///
    /// # Errors
    /// `Invalid` when it is over.
    pub(super) fn schedule(&self, at: Timestamp, by: &str) -> Result<Schedule, EngineError> {
        if at <= self.now() {
            return Err(EngineError::Invalid(format!("{at} is over: name a time that is still to come")));
        }
        Ok(Schedule { at, by: by.to_owned() })
    }

    /// Lets every request out whose time has come and that may go.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn release_due(&self) -> Result<(), EngineError> {
        for id in self.store().due_requests(self.now()).await? {
            match self.release_scheduled(id).await {
                Ok(()) => {}
                Err(EngineError::Unavailable(sentence)) => return Err(EngineError::Unavailable(sentence)),
                // One that can't go must not keep the others.
                Err(error) => self.hold(id, &error.to_string()).await?,
            }
        }
        Ok(())
    }

    async fn release_scheduled(&self, id: RequestId) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        let is_due = request.schedule.as_ref().is_some_and(|schedule| schedule.at <= self.now());
        let (true, Some(schedule)) = (is_due, request.schedule.clone()) else { return Ok(()) };
        let request = self.drop_old_approvals(&mut tx, request).await?;
        if !matches!(request.state, RequestState::AwaitingRelease { .. }) {
            // Released by somebody else meanwhile, or it waits for a review again: then it goes once it has one.
            tx.commit().await?;
            self.told(&request);
            return Ok(());
        }
        self.check_scheduler(&request, &schedule).await?;
        let configuration = tx.read_configuration().await?;
        let request = self.release_in(&mut tx, &configuration, id, ACTOR, None).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(())
    }

    /// Whoever scheduled it has lost the right to let it out, perhaps with the account.
    async fn check_scheduler(&self, request: &Request, schedule: &Schedule) -> Result<(), EngineError> {
        let (by, app, environment) = (&schedule.by, &request.app, &request.environment);
        if let Some((user, _)) = self.store().user_by_name(by).await?
            && !user.disabled
            && self.person(user).await?.access.allows(Action::Release, &Target::Place { app, environment })
        {
            return Ok(());
        }
        Err(EngineError::Denied(format!(
            "{by}, who scheduled it, may not release {app} to {environment} any more: schedule it again, or release it"
        )))
    }

    /// Writes down why a request has not gone out at its time. It is tried again and again: what is in the way may go.
    async fn hold(&self, id: RequestId, why: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        let waits = matches!(request.state, RequestState::AwaitingRelease { .. });
        if !waits || request.schedule.is_none() || request.held.as_deref() == Some(why) {
            return Ok(());
        }
        tx.hold_request(id, why).await?;
        let detail = serde_json::json!({ "reason": why });
        self.feed(&mut tx, ACTOR, "schedule_held", &format!("request {id}"), detail).await?;
        let request = tx.request(id).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(())
    }

    /// Leaves out every approval whose time is over; what lacks one then waits for a review again.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn expire_approvals(&self) -> Result<(), EngineError> {
        for id in self.store().requests_with_old_approvals(self.now()).await? {
            let mut tx = self.store().begin().await?;
            let request = tx.request(id).await?;
            let request = self.drop_old_approvals(&mut tx, request).await?;
            tx.commit().await?;
            self.told(&request);
        }
        Ok(())
    }
}
