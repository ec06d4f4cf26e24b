//! Stored deliveries become requests. The webhook's answer has long gone out; what is decided here is told on the
//! delivery's page.
//!
//! Accepted race: a delivery's lease may run out while a slow process still works on it. Both then decide the same and
//! the requests' idempotency keys let one of them win.

use crate::hub::{self, Topic};
use crate::intents::{Ask, Asked};
use crate::{Engine, EngineError};
use davit_domain::config::Configuration;
use davit_domain::decide::{self, Decision, Known};
use davit_domain::event::ForgeEvent;
use davit_domain::ids::DeliveryId;
use davit_domain::request::Kind;
use davit_forge::ParseError;
use davit_store::deliveries::{DeliveryFull, Verdict};
use std::time::Duration;

/// A crashed process's claim on a delivery ends after this.
const LEASE: Duration = Duration::from_secs(30);
/// Two hooks that report one push do so within this time; later the same move of a branch is a new one.
const SAME_PUSH: Duration = Duration::from_secs(600);

/// Works on deliveries until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut wake = engine.hub().subscribe();
    loop {
        match next(&engine).await {
            Ok(true) => {}
            Ok(false) => {
                // Missing a wake-up is made good by the timer.
                tokio::select! {
                    () = drain.cancelled() => return,
                    () = hub::changed(&mut wake, &[Topic::Delivery]) => {}
                    () = tokio::time::sleep(engine.settings().reconcile_every) => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "deliveries can't be processed now");
                tokio::select! {
                    () = drain.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        }
        if drain.is_cancelled() {
            return;
        }
    }
}

/// Processes the oldest waiting delivery. False: nothing waits.
///
/// # Errors
/// When the store does not answer; the delivery stays and is tried again.
pub async fn next(engine: &Engine) -> Result<bool, EngineError> {
    let Some(full) = engine.store().claim_delivery(engine.now(), LEASE).await? else { return Ok(false) };
    let id = full.delivery.id;
    process(engine, full).await?;
    engine.hub().tell_topic(Topic::Delivery, Some(id.0));
    Ok(true)
}

impl Engine {
    /// Lets a delivery be processed again, because a person wants it.
    ///
    /// # Errors
    /// When there is no such delivery.
    pub async fn replay_delivery(&self, id: DeliveryId, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.replay_delivery(id).await?;
        self.feed(&mut tx, by, "delivery_replayed", &format!("delivery {id}"), serde_json::Value::Null).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Delivery, Some(id.0));
        Ok(())
    }
}

async fn process(engine: &Engine, full: DeliveryFull) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    let delivery = &full.delivery;
    let event = match read(&configuration, &full) {
        Ok(event) => event,
        Err(reason) => {
            let mut tx = engine.store().begin().await?;
            tx.finish_delivery(delivery.id, Verdict::Failed, &reason, &delivery.summary, None, None).await?;
            tx.commit().await?;
            return Ok(());
        }
    };
    let (summary, repository) = describe(&event);
    let key = davit_forge::dedupe_key(&event).map(|key| format!("{} {key}", delivery.forge));
    let mut tx = engine.store().begin().await?;
    let (verdict, reason) = match earlier(&mut tx, &full, key.as_deref()).await? {
        Some(earlier) => (Verdict::Ignored, format!("the same push came as delivery {earlier}")),
        None => act(engine, &mut tx, &configuration, &full, &event).await?,
    };
    tx.finish_delivery(delivery.id, verdict, &reason, &summary, repository.as_deref(), key.as_deref()).await?;
    tx.commit().await?;
    engine.queue().wake();
    engine.hub().tell_topic(Topic::Request, None);
    Ok(())
}

/// What a stored delivery says, or a sentence about why it can't be read.
fn read(configuration: &Configuration, full: &DeliveryFull) -> Result<ForgeEvent, String> {
    let forge = configuration
        .forges
        .iter()
        .find(|forge| forge.id == full.delivery.forge)
        .ok_or_else(|| format!("the forge {} is no longer configured", full.delivery.forge))?;
    davit_forge::parse(forge.kind, forge.generic.as_ref(), &full.delivery.event, &full.body)
        .map_err(|error: ParseError| error.to_string())
}

/// An earlier delivery of the very same happening. A person's replay is not held up by it.
async fn earlier(
    tx: &mut davit_store::Tx,
    full: &DeliveryFull,
    key: Option<&str>,
) -> Result<Option<DeliveryId>, EngineError> {
    let Some(key) = key.filter(|_| !full.delivery.replay) else { return Ok(None) };
    let since = davit_domain::time::Timestamp::from_millis(
        full.delivery.received_at.millis() - i64::try_from(SAME_PUSH.as_millis()).unwrap_or(0),
    );
    Ok(tx.earlier_delivery(key, full.delivery.id, since).await?)
}

async fn act(
    engine: &Engine,
    tx: &mut davit_store::Tx,
    configuration: &Configuration,
    full: &DeliveryFull,
    event: &ForgeEvent,
) -> Result<(Verdict, String), EngineError> {
    let delivery = &full.delivery;
    let wanted = match decide::on_event(configuration, &delivery.forge, event, &Known::default()) {
        Decision::Ignore { reason } => return Ok((Verdict::Ignored, reason)),
        Decision::Note(note) => return Ok((Verdict::Processed, note.sentence)),
        Decision::Record(check) => return Ok((Verdict::Processed, format!("{} is known now", check.name))),
        Decision::Release(wanted) => wanted,
    };
    let mut outcomes = Vec::with_capacity(wanted.len());
    // What asked for something and got nothing at all is not shown as done.
    let mut verdict = Verdict::Ignored;
    for release in wanted {
        let attempt = if delivery.replay { delivery.attempts } else { 1 };
        // Nobody is there to fill in anything: defaults count.
        let inputs = match engine.default_inputs(configuration, &release.app, &release.environment).await {
            Ok(inputs) => inputs,
            Err(EngineError::Invalid(reason)) => {
                outcomes.push(format!("nothing for {} to {}: {reason}", release.app, release.environment));
                continue;
            }
            Err(error) => return Err(error),
        };
        let ask = Ask {
            kind: Kind::Auto,
            app: release.app.clone(),
            environment: release.environment.clone(),
            commit: release.commit,
            git_ref: release.git_ref,
            title: release.title,
            target_release: None,
            hosts: None,
            build: None,
            inputs,
            by: format!("{}@{}", release.by, delivery.forge),
            delivery: Some(delivery.id),
            idempotency_key: Some(format!(
                "delivery {} {} {} {attempt}",
                delivery.id, release.app, release.environment
            )),
        };
        match engine.ask(tx, configuration, ask).await {
            Ok(Asked { request, .. }) => {
                verdict = Verdict::Processed;
                outcomes.push(format!("request {} for {} to {}", request.id, request.app, request.environment));
            }
            // One app that can't be released now must not keep the others from it.
            Err(EngineError::Invalid(reason) | EngineError::Conflict(reason)) => {
                outcomes.push(format!("nothing for {} to {}: {reason}", release.app, release.environment));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((verdict, outcomes.join("; ")))
}

/// One line for the list, and the repository.
fn describe(event: &ForgeEvent) -> (String, Option<String>) {
    match event {
        ForgeEvent::Ping { message } => (message.clone(), None),
        ForgeEvent::Other { name } => (name.clone(), None),
        ForgeEvent::Push(push) => {
            let name = push.git_ref.branch().or(push.git_ref.tag()).unwrap_or_default();
            let summary = match &push.after {
                Some(commit) => format!("{name} → {} by {}: {}", commit.short(), push.pusher, push.title),
                None => format!("{name} deleted by {}", push.pusher),
            };
            (summary, Some(push.repository.clone()))
        }
        ForgeEvent::Change(change) => (
            format!("#{} {} ({} → {})", change.number, change.title, change.head_branch, change.base_branch),
            Some(change.repository.clone()),
        ),
        ForgeEvent::Deployment(deployment) => (
            format!("{} to {} by {}", deployment.reference, deployment.environment, deployment.by),
            Some(deployment.repository.clone()),
        ),
        ForgeEvent::DeploymentStatus(status) => (
            format!("deployment {} to {}: {}", status.deployment, status.environment, status.state.as_str()),
            Some(status.repository.clone()),
        ),
        ForgeEvent::Check(check) => (
            format!("{} of {}: {}", check.name, check.commit.short(), check.state.as_str()),
            Some(check.repository.clone()),
        ),
        ForgeEvent::MergeGroup(group) => {
            let what = if group.requested { "checks wanted for" } else { "gone:" };
            (format!("{what} {} into {}", group.head_branch, group.base_branch), Some(group.repository.clone()))
        }
    }
}
