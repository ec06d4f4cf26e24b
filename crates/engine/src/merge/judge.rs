//! Judging one change: what is in the way, whether the forge has to be asked, when to look again.

use super::{order, train};
use crate::{Engine, EngineError, catch_up};
use davit_domain::ci::CI_CONTEXT;
use davit_domain::config::{Configuration, MergePolicy};
use davit_domain::event::{ChangeAction, ChangeEvent};
use davit_domain::ids::{ChangeId, ForgeId};
use davit_domain::merge::{self, ChangeState, Hold};
use davit_domain::time::Timestamp;
use davit_forge::{ApiError, ChangeAtForge};
use davit_store::Tx;
use davit_store::changes::{Change, ChangeRow};
use serde_json::json;
use std::time::Duration;

/// For how long a change is taken: longer than the forge's answers take. It also bounds how long a change waits whose
/// process died.
const LEASE: Duration = Duration::from_secs(150);
/// Somebody wants it merged, and only events say that something is new.
const RECHECK: Duration = Duration::from_secs(60);
/// What is known of a change that somebody wants merged is not older than this.
const STALE: Duration = Duration::from_secs(300);
/// davit looks which workflows run.
const WHILE_PLANNING: Duration = Duration::from_secs(2);
/// The forge works it out.
const SOONEST: Duration = Duration::from_millis(500);
/// The forge said no.
const SOONEST_AFTER_NO: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(300);

/// What came of looking at a change.
pub(super) enum Verdict {
    /// These things are in the way.
    Held {
        holds: Vec<Hold>,
        /// When to look again; `None`: not before something changes.
        next: Option<Timestamp>,
    },
    /// It is merged, and that is written down.
    Merged,
}

impl Verdict {
    pub(super) fn at(holds: Vec<Hold>, next: Timestamp) -> Self {
        Self::Held { holds, next: Some(next) }
    }
}

/// Looks at a change that is due, merges it if nothing is in the way, and writes down what came of it.
pub(super) async fn look_at(engine: &Engine, id: ChangeId) -> Result<(), EngineError> {
    let Some(change) = take(engine, id).await? else { return Ok(()) };
    let mut lease = change.judge_at;
    match consider(engine, change, &mut lease).await? {
        Verdict::Held { holds, next } => settle(engine, id, lease, &holds, next).await?,
        Verdict::Merged => {}
    }
    engine.told_of_change(id);
    Ok(())
}

/// Takes the change for a while, unless somebody else did.
async fn take(engine: &Engine, id: ChangeId) -> Result<Option<Change>, EngineError> {
    let mut tx = engine.store().begin().await?;
    let mut change = tx.lock_change(id).await?;
    if change.judge_at.is_none_or(|at| at > engine.now()) {
        return Ok(None);
    }
    hold_on(engine, &mut tx, &mut change).await?;
    tx.commit().await?;
    Ok(Some(change))
}

/// Puts the moment at which others may judge it off.
async fn hold_on(engine: &Engine, tx: &mut Tx, change: &mut Change) -> Result<(), EngineError> {
    change.judge_at = Some(engine.now().plus(LEASE));
    // Of one that was never judged nothing better is known.
    let holds = change.holds.clone().unwrap_or_else(|| vec![Hold::Computing]);
    tx.set_holds(change.id, &holds, change.judge_at).await?;
    Ok(())
}

async fn settle(
    engine: &Engine,
    id: ChangeId,
    lease: Option<Timestamp>,
    holds: &[Hold],
    next: Option<Timestamp>,
) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let (change, now) = (tx.lock_change(id).await?, engine.now());
    if change.judge_at.is_some_and(|at| at > now && lease.is_none_or(|lease| at > lease)) {
        // Another process looks at it, since our lease had ended: what it finds is newer.
        return Ok(());
    }
    // Something new came while it was looked at. Once the lease has ended that does not show any more: then it may have.
    let was_woken = change.judge_at.is_some_and(|at| Some(at) != lease || at <= now);
    let next = if was_woken { Some(now) } else { next };
    tx.set_holds(id, holds, next).await?;
    tx.commit().await?;
    if let Some(next) = next {
        engine.wake_merging_at(next);
    }
    Ok(())
}

/// `lease` is the one that the change is held with in the end.
async fn consider(engine: &Engine, change: Change, lease: &mut Option<Timestamp>) -> Result<Verdict, EngineError> {
    let configuration = engine.store().configuration().await?;
    let Some(policy) = policy_of(&configuration, &change) else {
        return Ok(Verdict::Held { holds: vec![Hold::NotAsked], next: None });
    };
    let now = engine.now();
    let holds = judged(engine, policy, &change).await?;
    let is_wanted = !holds.contains(&Hold::NotAsked) && !holds.contains(&Hold::Closed);
    let is_stale = is_wanted && now.since(change.refreshed_at) > STALE;
    if !is_stale && holds.iter().any(is_ours) {
        let next = is_wanted.then(|| now.plus(RECHECK));
        return Ok(Verdict::Held { holds, next });
    }
    if let Some(until) = engine.traffic().paused_until(&change.row.forge, now) {
        return Ok(Verdict::at(holds, until));
    }
    let change = match ask_forge(engine, &change).await {
        Ok(change) => change,
        Err(EngineError::Upstream(reason)) => {
            let wait = doubled(&change, now, SOONEST_AFTER_NO);
            return Ok(Verdict::at(vec![Hold::Failed { reason }], now.plus(wait)));
        }
        Err(error) => return Err(error),
    };
    *lease = change.judge_at;
    let holds = judged(engine, policy, &change).await?;
    // What goes through the queue is tested there in any case.
    let may_begin = holds.is_empty() && !policy.queue;
    if may_begin && engine.looks_for_workflows(&change.row.forge, &change.row.repository).await? {
        let context = format!("{CI_CONTEXT}…");
        return Ok(Verdict::at(vec![Hold::Pending { context }], engine.now().plus(WHILE_PLANNING)));
    }
    if holds.is_empty() {
        return if policy.queue {
            train::join(engine, &change).await
        } else {
            order::merge(engine, &change, policy).await
        };
    }
    let next = next_look(&change, &holds, engine.now());
    Ok(Verdict::Held { holds, next })
}

/// What davit itself finds out, without asking the forge once more.
const fn is_ours(hold: &Hold) -> bool {
    match hold {
        Hold::Computing
        | Hold::Conflict
        | Hold::Refused { .. }
        | Hold::ForkNotApproved { .. }
        | Hold::Queued { .. }
        | Hold::Failed { .. } => false,
        Hold::Closed
        | Hold::BranchNotAllowed { .. }
        | Hold::NotAsked
        | Hold::Draft
        | Hold::BlockingLabel { .. }
        | Hold::Approvals { .. }
        | Hold::ChangesRequested { .. }
        | Hold::NoChecks
        | Hold::Missing { .. }
        | Hold::Pending { .. }
        | Hold::Red { .. } => true,
    }
}

/// When to look at a change again that something keeps from being merged.
fn next_look(change: &Change, holds: &[Hold], now: Timestamp) -> Option<Timestamp> {
    if holds.contains(&Hold::Closed) || holds.contains(&Hold::NotAsked) {
        return None;
    }
    let wait = if holds.iter().any(is_ours) {
        RECHECK
    } else if holds.contains(&Hold::Computing) {
        doubled(change, now, SOONEST)
    } else {
        doubled(change, now, SOONEST_AFTER_NO)
    };
    Some(now.plus(wait))
}

/// As long as it has taken already, so that each wait is twice the one before.
pub(super) fn doubled(change: &Change, now: Timestamp, soonest: Duration) -> Duration {
    let since = change.asked_at.into_iter().fold(change.updated_at, Timestamp::max);
    now.since(since).clamp(soonest, LATEST)
}

/// The wait after the forge said no.
pub(super) fn after_no(change: &Change, now: Timestamp) -> Timestamp {
    now.plus(doubled(change, now, SOONEST_AFTER_NO))
}

/// The wait while the forge works something out.
pub(super) fn while_computing(change: &Change, now: Timestamp) -> Timestamp {
    now.plus(doubled(change, now, SOONEST))
}

pub(super) fn policy_of<'c>(configuration: &'c Configuration, change: &Change) -> Option<&'c MergePolicy> {
    configuration.repository(&change.row.forge, &change.row.repository)?.merge.as_ref()
}

/// What is in the way by what is known now.
pub(super) async fn judged(engine: &Engine, policy: &MergePolicy, change: &Change) -> Result<Vec<Hold>, EngineError> {
    let row = &change.row;
    let checks = engine.store().checks(&row.forge, &row.repository, &row.head).await?;
    let checks = checks.into_iter().map(|check| (check.name, check.state)).collect();
    Ok(merge::holds(policy, &change.facts(checks)))
}

/// Asks the forge how a change stands, and keeps the answer; the change stays taken. A head that no event told of
/// becomes one, so that workflows run on it; the event that is on its way counts as the same then.
async fn ask_forge(engine: &Engine, change: &Change) -> Result<Change, EngineError> {
    let row = &change.row;
    let asked_at = engine.now();
    let at_forge = read_at_forge(engine, &row.forge, &row.repository, row.number).await?;
    let has_ended = matches!(at_forge.event.action, ChangeAction::Closed | ChangeAction::Merged);
    if at_forge.event.head != row.head && !has_ended {
        let moved = ChangeEvent { action: ChangeAction::Updated, word: None, ..at_forge.event.clone() };
        catch_up::tell_of_change(engine, &row.forge, moved).await?;
    }
    let mut tx = engine.store().begin().await?;
    let mut kept = keep(engine, &mut tx, &row.forge, at_forge, asked_at).await?;
    hold_on(engine, &mut tx, &mut kept).await?;
    tx.commit().await?;
    Ok(kept)
}

/// How a change stands at its forge.
///
/// # Errors
/// `Upstream` when the forge can't or won't say; its words are in it.
pub(super) async fn read_at_forge(
    engine: &Engine,
    forge: &ForgeId,
    repository: &str,
    number: i64,
) -> Result<ChangeAtForge, EngineError> {
    let client = engine.forge_client(forge).await?;
    client.change(repository, number).await.map_err(|error| {
        if let ApiError::Retry { after: Some(after), .. } = &error {
            engine.traffic().pause(forge, engine.now().plus(*after));
        }
        EngineError::Upstream(error.to_string())
    })
}

/// Keeps what the forge said of a change. A wish that was made for an earlier head ends with that.
pub(super) async fn keep(
    engine: &Engine,
    tx: &mut Tx,
    forge: &ForgeId,
    at_forge: ChangeAtForge,
    asked_at: Timestamp,
) -> Result<Change, EngineError> {
    let row = row_of(forge, at_forge);
    let known = tx.change_numbered(forge, &row.repository, row.number).await?;
    let was = match known {
        Some(known) => Some(tx.lock_change(known.id).await?),
        None => None,
    };
    if let Some(merged) = was.filter(|was| was.row.state == ChangeState::Merged && row.state != ChangeState::Merged) {
        // An answer from before the merge that came late: no forge takes a merge back.
        return Ok(merged);
    }
    let id = tx.upsert_change(&row, asked_at).await?;
    let mut change = tx.lock_change(id).await?;
    let is_open = change.row.state == ChangeState::Open;
    let lapsed = change.asked.take_if(|ask| is_open && ask.head.as_ref().is_some_and(|head| *head != change.row.head));
    if let Some(ask) = lapsed {
        tx.clear_ask(id).await?;
        let was = ask.head.map(|head| head.to_string());
        engine.feed_change(tx, &change, "davit", "merge_ask_lapsed", json!({ "by": ask.by, "was": was })).await?;
    }
    Ok(change)
}

fn row_of(forge: &ForgeId, at_forge: ChangeAtForge) -> ChangeRow {
    let ChangeAtForge { event, url, labels, approvals, changes_requested, mergeable, auto_merge, .. } = at_forge;
    ChangeRow {
        forge: forge.clone(),
        repository: event.repository,
        number: event.number,
        title: event.title,
        author: event.author,
        url,
        head: event.head,
        head_branch: event.head_branch,
        base_branch: event.base_branch,
        from_fork: event.from_fork,
        draft: event.draft,
        state: match event.action {
            ChangeAction::Opened | ChangeAction::Updated | ChangeAction::Edited => ChangeState::Open,
            ChangeAction::Merged => ChangeState::Merged,
            ChangeAction::Closed => ChangeState::Closed,
        },
        labels,
        approvals: u32::try_from(approvals.len()).unwrap_or(u32::MAX),
        changes_requested,
        mergeable,
        auto_merge,
        merge_commit: event.merge_commit,
    }
}

impl Engine {
    /// Looks for what is due at that moment, unless something else makes it look before.
    pub(super) fn wake_merging_at(&self, at: Timestamp) {
        let wait = at.since(self.now());
        if wait >= self.settings().reconcile_every {
            return;
        }
        let (engine, drain) = (self.clone(), self.lifecycle().drain_token());
        self.lifecycle().spawn("later", async move {
            tokio::select! {
                () = drain.cancelled() => {}
                () = tokio::time::sleep(wait) => engine.merge_notes().wake.notify_one(),
            }
        });
    }
}
