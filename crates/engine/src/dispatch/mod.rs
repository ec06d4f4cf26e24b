//! The outbox: calls to forges and channels, written with the state that caused them, made here with retries.
//!
//! One lane a thing elsewhere that has a state (a commit status, a deployment): within it the newest state wins, and
//! one call is under way at a time, so that a late "pending" never follows "success". A notice is a lane of its own:
//! every one is sent. Lanes run side by side, a bounded number a target ([`traffic`]), so that a forge or a channel that
//! is slow, down or out of patience holds up nobody but itself; at each one final states go first.
//!
//! Nothing dies in silence: what was refused for good, and what could not be made for some time ([`Patience`]), is an
//! alert until it is made. The latter is still tried now and then, and a person can have either tried again.

mod calls;
mod clients;
mod held;
mod traffic;

pub(crate) use calls::{DeploymentCall, NotMade};
pub use clients::{Clients, Leeway};
pub(crate) use held::Held;
pub(crate) use traffic::Traffic;

use crate::hub::{self, Topic};
use crate::{Engine, EngineError};
use davit_domain::ci::CI_CONTEXT;
use davit_domain::ids::ForgeId;
use davit_domain::status::CommitStatus;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::alerts::Raised;
use davit_store::checks::Check;
use davit_store::outbox::{ClaimRules, NewCall, OutboxEnd, OutboxEntry, OutboxRow, Target};
use held::Making;
use std::time::Duration;
use traffic::UnderWay;

/// The kind of alert about a call to a forge that is not made; its subject is the lane.
pub const ALERT: &str = "forge_call";
/// The kind of alert about a channel that notices don't get to; its subject is the channel.
pub const CHANNEL_ALERT: &str = "channel";

/// A crashed process's call is made again after this.
const LEASE: Duration = Duration::from_secs(30);
/// How often the lease of a call under way is renewed, so that a slow one is not made twice.
const RENEW: Duration = Duration::from_secs(8);
/// For giving a call back while the server stops.
const GIVE_BACK: Duration = Duration::from_secs(5);
/// A call may ask the forge a few things, each with a time limit of its own.
const LONGEST_CALL: Duration = Duration::from_secs(100);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(600);
/// How often it is tried once it is an alert.
const SLOW_RETRY: Duration = Duration::from_secs(3600);

/// For how long a call is tried.
struct Patience {
    /// What is not made by then is an alert.
    alarming: Duration,
    /// What is not made by then is left to a person.
    give_up: Duration,
}

/// A forge holds a state until it hears of the next one, so it is told as long as somebody may still look.
const WITH_FORGES: Patience =
    Patience { alarming: Duration::from_secs(24 * 3600), give_up: Duration::from_secs(7 * 24 * 3600) };
/// People want news, and want to know soon that they get none.
const WITH_PEOPLE: Patience = Patience { alarming: Duration::from_secs(900), give_up: Duration::from_secs(24 * 3600) };

/// What differs by whom a call goes to: how long it is tried, and the alert where it is in vain.
fn terms(row: &OutboxRow) -> (Patience, &'static str, &str) {
    match &row.target {
        Target::Forge(_) => (WITH_FORGES, ALERT, &row.lane),
        Target::Channel(channel) => (WITH_PEOPLE, CHANNEL_ALERT, channel.as_str()),
    }
}

impl Engine {
    /// Writes a commit status to be set, in the transaction of what it tells about. What davit's own CI says is a check
    /// like those of others, which a merge or a release may wait for.
    pub(crate) async fn enqueue_status(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        status: &CommitStatus,
    ) -> Result<(), EngineError> {
        if status.context.starts_with(CI_CONTEXT) {
            self.record_own_check(tx, forge, status).await?;
        }
        let configuration = tx.read_configuration().await?;
        // What is configured again by then may still be told; what has no API never.
        if configuration.forges.iter().any(|known| known.id == *forge && !known.has_api()) {
            return Ok(());
        }
        let lane = format!("status {forge} {} {} {}", status.repository, status.commit, status.context.to_lowercase());
        self.enqueue_call(tx, calls::COMMIT_STATUS, &lane, forge, status, status.state.is_final()).await
    }

    async fn record_own_check(&self, tx: &mut Tx, forge: &ForgeId, status: &CommitStatus) -> Result<(), EngineError> {
        let check = Check {
            forge: forge.clone(),
            repository: status.repository.clone(),
            commit: status.commit.clone(),
            name: status.context.clone(),
            state: status.state,
            description: status.description.clone(),
            target_url: status.target_url.clone(),
            at: self.now(),
        };
        tx.record_check(&check).await?;
        self.judge_changes_of(tx, forge, &status.repository, &status.commit).await
    }

    /// Writes a comment on a change to be made, in the transaction of what it tells about.
    pub(crate) async fn enqueue_comment(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        repository: &str,
        number: i64,
        text: &str,
    ) -> Result<(), EngineError> {
        // A lane of its own: no comment takes the place of another.
        let lane = format!("comment {forge} {repository} #{number} {:016x}", rand::random::<u64>());
        let call = calls::CommentCall { repository: repository.to_owned(), number, text: text.to_owned() };
        self.enqueue_call(tx, calls::COMMENT, &lane, forge, &call, true).await
    }

    /// Writes a deployment's state to be told, in the transaction of what it tells about.
    pub(crate) async fn enqueue_deployment_state(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        call: &DeploymentCall,
    ) -> Result<(), EngineError> {
        let told = &call.at_forge;
        // Several attempts at what somebody else asked for tell of one deployment at the forge: one lane.
        let lane = match call.number {
            Some(number) => format!("deployment {forge} {} #{number}", told.repository),
            None => format!("deployment {forge} {}", told.deployment),
        };
        self.enqueue_call(tx, calls::DEPLOYMENT_STATE, &lane, forge, call, told.state.is_final()).await
    }

    async fn enqueue_call(
        &self,
        tx: &mut Tx,
        kind: &str,
        lane: &str,
        forge: &ForgeId,
        what: &impl serde::Serialize,
        is_final: bool,
    ) -> Result<(), EngineError> {
        let payload = serde_json::to_string(what).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let target = &Target::Forge(forge.clone());
        let call = NewCall { kind, lane, target, payload: &payload, is_final };
        Ok(tx.enqueue_outbox(&call, self.now()).await?)
    }

    /// Has a call tried again now, because a person wants it; a pause that its forge asked for is over.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it is made, under way, or a newer one took its place.
    pub async fn retry_call(&self, id: i64, user: &str) -> Result<OutboxEntry, EngineError> {
        let mut tx = self.store().begin().await?;
        let entry = tx.retry_call(id, self.now()).await?;
        let detail = serde_json::json!({ "lane": entry.row.lane });
        self.feed(&mut tx, user, "call_retried", &format!("call {id}"), detail).await?;
        tx.commit().await?;
        self.traffic().resume(&entry.row.target);
        self.hub().tell_topic(Topic::Outbox, Some(id));
        Ok(entry)
    }
}

/// Has calls made until the process drains. Each is a task of its own: this loop and a call may wait for the same
/// connection to the database.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut wake = engine.hub().subscribe();
    while !drain.is_cancelled() {
        let pause = match claim(&engine).await {
            Ok(Some(claimed)) => {
                let engine = engine.clone();
                engine.lifecycle().clone().spawn("call", async move { carry_out(&engine, claimed).await });
                continue;
            }
            Ok(None) => until_due(&engine).await,
            Err(error) => {
                tracing::error!(%error, "the outbox can't be read now");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = drain.cancelled() => return,
            () = hub::changed(&mut wake, &[Topic::Outbox, Topic::Deployment, Topic::Request, Topic::Run]) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn rules(engine: &Engine) -> ClaimRules {
    ClaimRules { paused: engine.traffic().closed(engine.now()), finals_first: true }
}

/// A call to be made, and what goes with it as long as it is under way.
struct Claimed {
    row: OutboxRow,
    way: UnderWay,
    making: Making,
}

async fn claim(engine: &Engine) -> Result<Option<Claimed>, EngineError> {
    // Read once: what is renewed at this moment can't have run out at it.
    let now = engine.now();
    engine.held_calls().renew(engine, now).await?;
    let row = engine.store().claim_outbox(now, LEASE, &rules(engine)).await?;
    Ok(row.map(|row| {
        let (way, making) = (engine.traffic().start(&row.target), engine.held_calls().begin(&row, now));
        Claimed { row, way, making }
    }))
}

async fn until_due(engine: &Engine) -> Duration {
    let (now, longest) = (engine.now(), engine.settings().reconcile_every);
    let due = engine.store().outbox_next_due(&rules(engine)).await.ok().flatten();
    let next = due.into_iter().chain(engine.traffic().next_opening(now)).min();
    next.map_or(longest, |next| next.since(now).clamp(Duration::from_millis(20), longest))
}

/// Makes a call, and writes down what came of it.
async fn carry_out(engine: &Engine, claimed: Claimed) {
    let Claimed { row, way, making } = claimed;
    let abort = engine.lifecycle().abort_token();
    let made = tokio::select! {
        () = abort.cancelled() => return give_back(engine, &row).await,
        () = keep(engine, &row) => {
            drop((way, making));
            engine.hub().tell_topic(Topic::Outbox, Some(row.id));
            return;
        }
        made = tokio::time::timeout(LONGEST_CALL, calls::make(engine, &row)) => made,
    };
    let made = made
        .unwrap_or_else(|_| Err(NotMade::Later { after: None, limit: false, detail: "it took too long".to_owned() }));
    if let Err(error) = note(engine, &row, made).await {
        // Its lease runs out, and it is made again.
        tracing::error!(lane = row.lane, %error, "what came of a call can't be written down");
    }
    // Before anybody is told that there is room for the next one.
    drop((way, making));
    engine.hub().tell_topic(Topic::Outbox, Some(row.id));
}

/// Lets whoever starts next make a call again at once: nobody waits for the end of the lease of one that has stopped.
async fn give_back(engine: &Engine, row: &OutboxRow) {
    let given_back = engine.store().retry_outbox(row, engine.now(), "the server was stopped");
    match tokio::time::timeout(GIVE_BACK, given_back).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(lane = row.lane, %error, "a call can't be given back now: its lease runs out"),
        Err(_) => tracing::warn!(lane = row.lane, "a call can't be given back in time: its lease runs out"),
    }
}

/// Holds the lease of a call; ends when it is no longer ours to make, because the lease had run out and others took it.
async fn keep(engine: &Engine, row: &OutboxRow) {
    loop {
        tokio::time::sleep(RENEW).await;
        match engine.store().renew_outbox(row, engine.now().plus(LEASE)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the lease of a call can't be renewed now"),
        }
    }
}

/// Writes down what came of a call. Alerts first: whoever sees a call that has ended finds them as they are then.
async fn note(engine: &Engine, row: &OutboxRow, made: Result<(), NotMade>) -> Result<(), EngineError> {
    let (store, now) = (engine.store(), engine.now());
    match made {
        Ok(()) => {
            end_alert(engine, row).await?;
            Ok(store.finish_outbox(row.id, OutboxEnd::Done, None, now).await?)
        }
        Err(NotMade::Nobody { detail }) => {
            end_alert(engine, row).await?;
            Ok(store.finish_outbox(row.id, OutboxEnd::Dead, Some(&detail), now).await?)
        }
        Err(NotMade::Never { detail }) => {
            tracing::error!(lane = row.lane, detail, "a call was refused for good");
            raise_alert(engine, row, &detail).await?;
            Ok(store.finish_outbox(row.id, OutboxEnd::Dead, Some(&detail), now).await?)
        }
        Err(NotMade::Later { after, limit, detail }) => {
            if let (true, Some(after)) = (limit, after) {
                engine.traffic().close(&row.target, now.plus(after));
            }
            later(engine, row, after, &detail, now).await
        }
    }
}

/// A call that has to be made again: soon, slowly, or only when a person says so.
async fn later(
    engine: &Engine,
    row: &OutboxRow,
    after: Option<Duration>,
    detail: &str,
    now: Timestamp,
) -> Result<(), EngineError> {
    let (store, tried_for) = (engine.store(), now.since(row.tried_since));
    let (Patience { alarming, give_up }, _, _) = terms(row);
    if tried_for > alarming {
        raise_alert(engine, row, detail).await?;
    }
    if tried_for > give_up {
        tracing::error!(lane = row.lane, detail, "a call was given up");
        store.finish_outbox(row.id, OutboxEnd::Dead, Some(detail), now).await?;
    } else {
        let soonest = if tried_for > alarming { SLOW_RETRY } else { Duration::ZERO };
        let wait = after.unwrap_or_else(|| backoff(row.attempts)).max(soonest);
        store.retry_outbox(row, now.plus(wait), detail).await?;
    }
    Ok(())
}

async fn raise_alert(engine: &Engine, row: &OutboxRow, detail: &str) -> Result<(), EngineError> {
    let (_, kind, subject) = terms(row);
    let mut tx = engine.store().begin().await?;
    let raised = tx.raise_alert(kind, subject, detail, engine.now()).await?;
    if matches!((&raised, &row.target), (Raised::New(_), Target::Forge(_))) {
        engine.notice_undeliverable(&mut tx, &row.lane, detail).await?;
    }
    tx.commit().await?;
    if let Raised::New(id) = raised {
        tracing::error!(kind, subject, detail, "a call can't be made");
        engine.hub().tell_topic(Topic::Alert, Some(id));
    }
    Ok(())
}

async fn end_alert(engine: &Engine, row: &OutboxRow) -> Result<(), EngineError> {
    // Nearly always there is none: no transaction for that.
    if engine.store().open_alerts().await? == 0 {
        return Ok(());
    }
    let (_, kind, subject) = terms(row);
    let mut tx = engine.store().begin().await?;
    let ended = tx.end_alert(kind, subject, engine.now()).await?;
    tx.commit().await?;
    if ended {
        engine.hub().tell_topic(Topic::Alert, None);
    }
    Ok(())
}

/// Doubles from [`FIRST_RETRY`], with jitter so that many do not come back at once.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    let base = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_RETRY);
    base.mul_f64(rand::random_range(0.75..1.25))
}
