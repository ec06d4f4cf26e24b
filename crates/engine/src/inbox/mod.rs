//! Stored deliveries become requests. The webhook's answer has long gone out; what is decided here is told on the
//! delivery's page.
//!
//! Deliveries are worked on one after the other, in the order in which they came. Those that git has to be asked about
//! first ([`look`]) wait for its answer beside that, so that a forge whose git is slow holds up nobody else until
//! [`MOST_QUESTIONS`] wait. What they lead to is in [`act`], what they tell about branches and tags in [`heads`].
//!
//! Accepted race: a delivery's lease may run out while a slow process still works on it. Both then decide the same and
//! the requests' idempotency keys let one of them win.

mod act;
mod heads;
mod look;
mod merges;

pub(crate) use look::look_at;

use crate::hub::{self, Topic};
use crate::{Engine, EngineError, catch_up};
use act::Outcome;
use davit_domain::config::Configuration;
use davit_domain::decide::{self, Decision};
use davit_domain::event::ForgeEvent;
use davit_domain::ids::DeliveryId;
use davit_domain::time::Timestamp;
use davit_forge::ParseError;
use davit_store::Tx;
use davit_store::deliveries::{DeliveryFull, Verdict};
use davit_store::origin;
use look::{Question, View};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A crashed process's claim on a delivery ends after this.
const LEASE: Duration = Duration::from_secs(30);
/// As long as git may need to answer.
const LEASE_WHILE_ASKING: Duration = Duration::from_secs(900);
/// Deliveries that wait for git's answer at the same time; as long as there are more, no new one is taken up.
const MOST_QUESTIONS: usize = 8;
/// How often git is asked again, where nothing may happen without its answer.
const MOST_TRIES: i64 = 10;
const BEFORE_THE_NEXT_TRY: Duration = Duration::from_secs(30);
/// For giving a claim up while the server stops.
const GIVE_UP: Duration = Duration::from_secs(5);
/// Two hooks that report one push do so within this time; later the same move of a branch is a new one.
const SAME_PUSH: Duration = Duration::from_secs(600);

/// Works on deliveries until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut wake = engine.hub().subscribe();
    let questions = Arc::new(Semaphore::new(MOST_QUESTIONS));
    while !drain.is_cancelled() {
        // Who waits for git is claimed: whoever starts next finds it.
        let permit = tokio::select! {
            () = drain.cancelled() => return,
            permit = Arc::clone(&questions).acquire_owned() => permit,
        };
        let pause = match next(&engine).await {
            Ok(Next::Nothing) => engine.settings().reconcile_every,
            Ok(Next::Done) => continue,
            Ok(Next::Ask(full, question)) => {
                let (engine, drain) = (engine.clone(), drain.clone());
                // A task of its own: it and this loop may wait for the same connection to the database.
                engine.lifecycle().clone().spawn("question", async move {
                    tokio::select! {
                        () = drain.cancelled() => give_up(&engine, full.delivery.id).await,
                        () = ask(&engine, &full, &question) => {}
                    }
                    drop(permit);
                });
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "deliveries can't be processed now");
                Duration::from_secs(1)
            }
        };
        drop(permit);
        tokio::select! {
            () = drain.cancelled() => return,
            () = hub::changed(&mut wake, &[Topic::Delivery]) => {}
            // Missing a wake-up is made good by the timer.
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What became of an attempt to process the oldest waiting delivery.
enum Next {
    /// None waits.
    Nothing,
    /// It was processed.
    Done,
    /// git has to be asked first.
    Ask(Box<DeliveryFull>, Box<Question>),
}

/// Processes the oldest waiting delivery.
///
/// # Errors
/// When the store does not answer; the delivery stays and is tried again.
async fn next(engine: &Engine) -> Result<Next, EngineError> {
    let Some(full) = engine.store().claim_delivery(engine.now(), LEASE).await? else { return Ok(Next::Nothing) };
    let processed = origin::scope(origin_of(&full), process(engine, &full, None)).await?;
    let Some(question) = processed else { return Ok(Next::Done) };
    let mut tx = engine.store().begin().await?;
    tx.release_claim(full.delivery.id, engine.now().plus(LEASE_WHILE_ASKING)).await?;
    tx.commit().await?;
    Ok(Next::Ask(Box::new(full), question))
}

async fn ask(engine: &Engine, full: &DeliveryFull, question: &Question) {
    let view = look::answer(engine, question).await;
    if let Err(error) = origin::scope(origin_of(full), answered(engine, full, question, &view)).await {
        tracing::error!(delivery = full.delivery.id.0, %error, "a delivery can't be processed now");
    }
}

/// Lets another process ask at once: nobody waits for the end of the claim of one that has stopped.
async fn give_up(engine: &Engine, id: DeliveryId) {
    let given_up = async {
        let mut tx = engine.store().begin().await?;
        tx.undo_claim(id, engine.now()).await?;
        Ok::<(), EngineError>(tx.commit().await?)
    };
    match tokio::time::timeout(GIVE_UP, given_up).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(delivery = id.0, %error, "the claim on a delivery can't be given up now"),
        Err(_) => tracing::warn!(delivery = id.0, "the claim on a delivery can't be given up in time"),
    }
}

/// For the feed: what a delivery leads to comes from its forge.
fn origin_of(full: &DeliveryFull) -> String {
    format!("forge:{}", full.delivery.forge)
}

async fn answered(engine: &Engine, full: &DeliveryFull, question: &Question, view: &View) -> Result<(), EngineError> {
    let is_last = full.delivery.attempts >= MOST_TRIES;
    if let (View::Unknown { .. }, true, false) = (view, question.must_be_answered(), is_last) {
        let mut tx = engine.store().begin().await?;
        tx.release_claim(full.delivery.id, engine.now().plus(BEFORE_THE_NEXT_TRY)).await?;
        return Ok(tx.commit().await?);
    }
    process(engine, full, Some(view)).await.map(drop)
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

/// One transaction: what follows from a delivery, and that it is dealt with. A question instead, when the answer
/// decides and there is no `view` yet; nothing is written then.
async fn process(
    engine: &Engine,
    full: &DeliveryFull,
    view: Option<&View>,
) -> Result<Option<Box<Question>>, EngineError> {
    let configuration = engine.store().configuration().await?;
    let id = full.delivery.id;
    let mut tx = engine.store().begin().await?;
    match read(&configuration, full) {
        Ok(event) => {
            let (summary, repository) = describe(&event);
            let key = davit_forge::dedupe_key(&event).map(|key| format!("{} {key}", full.delivery.forge));
            let case = Case { engine, configuration: &configuration, full, event: &event, view };
            let outcome = match case.judge(&mut tx, key.as_deref()).await? {
                Judged::Ask(question) => return Ok(Some(question)),
                Judged::Done(outcome) => outcome,
            };
            let heard = engine.hear_of_change(&mut tx, &full.delivery, &event).await?;
            let Outcome { verdict, reason } = &outcome.beside(heard);
            tx.finish_delivery(id, *verdict, reason, &summary, repository.as_deref(), key.as_deref()).await?;
        }
        Err(reason) => {
            tx.finish_delivery(id, Verdict::Failed, &reason, &full.delivery.summary, None, None).await?;
        }
    }
    tx.commit().await?;
    engine.queue().wake();
    engine.hub().tell_topic(Topic::Request, None);
    engine.hub().tell_topic(Topic::Delivery, Some(id.0));
    Ok(None)
}

/// A delivery and everything that is known about it.
struct Case<'a> {
    engine: &'a Engine,
    configuration: &'a Configuration,
    full: &'a DeliveryFull,
    event: &'a ForgeEvent,
    view: Option<&'a View>,
}

enum Judged {
    Ask(Box<Question>),
    Done(Outcome),
}

impl Case<'_> {
    async fn judge(&self, tx: &mut Tx, key: Option<&str>) -> Result<Judged, EngineError> {
        let delivery = &self.full.delivery;
        if let Some(earlier) = self.earlier(tx, key).await? {
            let reason = format!("the same push came as delivery {earlier}");
            return Ok(Judged::Done(Outcome { verdict: Verdict::Ignored, reason }));
        }
        let moved = self.moved(tx).await?;
        if let Some(reason) = self.told_before(moved.as_ref()).await? {
            return Ok(Judged::Done(Outcome { verdict: Verdict::Ignored, reason }));
        }
        let known = self.known(tx).await?;
        let mut decision = decide::on_event(self.configuration, &delivery.forge, self.event, &known);
        let mut late = Vec::new();
        if let Decision::Release(wanted) = &mut decision {
            let merges = self.merges(tx, wanted).await?;
            match (self.question(moved.as_ref(), wanted, &merges), self.view) {
                (Some(question), None) => return Ok(Judged::Ask(Box::new(question))),
                (Some(question), Some(view)) => {
                    if let Some(outcome) = question.against(view) {
                        return Ok(Judged::Done(outcome));
                    }
                    late = merges.drop_late(wanted, view);
                }
                (None, _) => {}
            }
        }
        let mut outcome = self.act(tx, decision).await?;
        let tests = self.look_for_workflows(tx).await?;
        if tests.is_some() {
            outcome = Outcome { verdict: Verdict::Processed, reason: outcome.reason_beside_tests() };
        }
        late.extend((!outcome.reason.is_empty()).then_some(outcome.reason));
        late.extend(tests);
        outcome.reason = late.join("; ");
        self.note_head(tx, moved.as_ref()).await?;
        Ok(Judged::Done(outcome))
    }

    /// Has the workflows looked for that this may start; then a sentence about that.
    async fn look_for_workflows(&self, tx: &mut Tx) -> Result<Option<String>, EngineError> {
        let Some(wanted) = decide::ci_wanted(self.configuration, &self.full.delivery.forge, self.event) else {
            return Ok(None);
        };
        self.engine.enqueue_ci(tx, self.full, &wanted).await?;
        Ok(Some(format!("CI: looks which workflows run on {}", wanted.head.short())))
    }

    /// An earlier delivery of the very same happening. A person's replay is not held up by it.
    async fn earlier(&self, tx: &mut Tx, key: Option<&str>) -> Result<Option<DeliveryId>, EngineError> {
        let delivery = &self.full.delivery;
        let Some(key) = key.filter(|_| !delivery.replay) else { return Ok(None) };
        let window = i64::try_from(SAME_PUSH.as_millis()).unwrap_or(0);
        let since = Timestamp::from_millis(delivery.received_at.millis() - window);
        Ok(tx.earlier_delivery(key, delivery.id, since).await?)
    }
}

/// What a stored delivery says, or a sentence about why it can't be read.
pub(crate) fn read(configuration: &Configuration, full: &DeliveryFull) -> Result<ForgeEvent, String> {
    let forge = configuration
        .forges
        .iter()
        .find(|forge| forge.id == full.delivery.forge)
        .ok_or_else(|| format!("the forge {} is no longer configured", full.delivery.forge))?;
    if let Some(event) = catch_up::read(full) {
        return event;
    }
    davit_forge::parse(forge.kind, forge.generic.as_ref(), &full.delivery.event, &full.body)
        .map_err(|error: ParseError| error.to_string())
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
        ForgeEvent::Comment(comment) => {
            (format!("comment by {} on #{}", comment.author, comment.number), Some(comment.repository.clone()))
        }
        ForgeEvent::MergeGroup(group) => {
            let what = if group.requested { "checks wanted for" } else { "gone:" };
            (format!("{what} {} into {}", group.head_branch, group.base_branch), Some(group.repository.clone()))
        }
    }
}
