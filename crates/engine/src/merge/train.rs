//! The merge queue: what is about to be merged is tested merged, one change after the other.
//!
//! Each change in a queue is tested on a commit that davit makes in its mirror: the base branch with the changes before
//! it, and then this one. The first of the queue whose test is good is merged, when the base branch still holds what it
//! was tested with. A conflict or a bad test takes a change out, with a comment; those behind it are tested anew without
//! it. All that is known is in the table: whoever starts next goes on from there.
//!
//! Accepted: the base branch may move in the moment between davit's look at it and the forge's merge; what comes out is
//! then a merge that was not tested as it is. The forges have no precondition for that.

mod forks;
mod test;

use super::judge::{Verdict, judged, keep, policy_of, read_at_forge};
use super::{answer, order};
use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, MergePolicy, RepositorySettings};
use davit_domain::ids::ForgeId;
use davit_domain::merge::{ChangeState, Hold};
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::changes::Change;
use davit_store::merge_queue::{QueueChange, QueueEntry, QueueState};
use serde_json::json;
use std::time::Duration;
use test::Tested;

/// Changes of one queue that are tested at the same time.
const AT_ONCE: usize = 4;
/// A forge that can't merge just now is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// Who is in a queue, or waits in front of it, is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The queue of a base branch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Line {
    forge: ForgeId,
    repository: String,
    base: String,
}

/// A queue is worked on as long as this lives.
struct Working {
    engine: Engine,
    line: Line,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.engine.merge_notes().lines().remove(&self.line);
    }
}

/// Begins to work on every queue that somebody is in.
pub(super) async fn begin(engine: &Engine) -> Result<(), EngineError> {
    for (forge, repository, base) in engine.store().open_queues().await? {
        let line = Line { forge, repository, base };
        if !engine.merge_notes().lines().insert(line.clone()) {
            continue;
        }
        let working = Working { engine: engine.clone(), line };
        let abort = engine.lifecycle().abort_token();
        engine.lifecycle().clone().spawn("queue", async move {
            tokio::select! {
                // The table says how far it was.
                () = abort.cancelled() => {}
                done = work(&working.engine, &working.line) => if let Err(error) = done {
                    let Line { forge, repository, base } = &working.line;
                    tracing::warn!(%forge, repository, base, %error, "a merge queue can't be worked on now");
                },
            }
            drop(working);
        });
    }
    Ok(())
}

/// Puts a change that nothing holds up at the end of its queue, or finds it there.
pub(super) async fn join(engine: &Engine, change: &Change) -> Result<Verdict, EngineError> {
    let row = &change.row;
    let configuration = engine.store().configuration().await?;
    if let Some(hold) = forks::waits(engine, &configuration, change).await? {
        return Ok(Verdict::at(vec![hold], engine.now().plus(LOOK_AGAIN)));
    }
    let mut tx = engine.store().begin().await?;
    let known = tx.queue_entry_of(change.id).await?;
    if let Some(failed) = known.as_ref().filter(|entry| is_final_word(change, entry)) {
        let reason = failed.reason.clone().unwrap_or_default();
        return Ok(Verdict::Held { holds: vec![Hold::Failed { reason }], next: None });
    }
    if let Some(entry) = known.filter(|entry| !entry.state.is_final() && entry.head != row.head) {
        end(&mut tx, &entry, QueueState::Withdrawn, "it has new commits", engine.now()).await?;
    }
    let now = engine.now();
    let (id, existed) = tx.queue_push(&row.forge, &row.repository, &row.base_branch, change.id, &row.head, now).await?;
    let all = tx.queue_of(&row.forge, &row.repository, &row.base_branch).await?;
    if !existed {
        engine.feed_change(&mut tx, change, "davit", "merge_queued", json!({ "base": row.base_branch })).await?;
    }
    tx.commit().await?;
    engine.merge_notes().wake.notify_one();
    let ahead = all.iter().filter(|entry| entry.id < id).count();
    let holds = vec![Hold::Queued { ahead: u32::try_from(ahead).unwrap_or(u32::MAX) }];
    Ok(Verdict::at(holds, now.plus(LOOK_AGAIN)))
}

/// Whether this head failed, and nobody has asked again since.
fn is_final_word(change: &Change, entry: &QueueEntry) -> bool {
    let asked_since = change.asked_at.zip(entry.ended_at).is_some_and(|(asked, ended)| asked > ended);
    entry.state == QueueState::Failed && entry.head == change.row.head && !asked_since
}

/// Takes a change out of its queue, because somebody wants so.
pub(super) async fn leave(engine: &Engine, tx: &mut Tx, change: &Change, reason: &str) -> Result<(), EngineError> {
    if let Some(entry) = tx.queue_entry_of(change.id).await?.filter(|entry| !entry.state.is_final()) {
        end(tx, &entry, QueueState::Withdrawn, reason, engine.now()).await?;
        engine.feed_change(tx, change, "davit", "merge_dequeued", json!({ "reason": reason })).await?;
    }
    Ok(())
}

async fn end(
    tx: &mut Tx,
    entry: &QueueEntry,
    state: QueueState,
    reason: &str,
    at: Timestamp,
) -> Result<(), EngineError> {
    let change = QueueChange { state, test: entry.test.as_ref(), runs: &entry.runs, reason: Some(reason) };
    tx.queue_set(entry.id, &change, at).await?;
    Ok(())
}

/// One look at a queue: who has to leave, what has to be tested, who can be merged.
async fn work(engine: &Engine, line: &Line) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    let settings = configuration.repository(&line.forge, &line.repository);
    let policy = settings.and_then(|settings| settings.merge.as_ref()).filter(|policy| policy.queue);
    let (Some(settings), Some(policy)) = (settings, policy) else {
        return close(engine, line).await;
    };
    let entries = tidy(engine, &configuration, line).await?;
    let Some((first, change)) = entries.first() else { return Ok(()) };
    match test::verdict(engine, first).await? {
        Tested::Bad { .. } if !change.row.from_fork && test::was_distrusted(engine, first).await? => {
            return test_anew(engine, settings, entries).await;
        }
        Tested::Bad { reason } => return take_out(engine, &entries, 0, &reason).await,
        Tested::Good => return land(engine, settings, policy, &entries).await,
        Tested::Running | Tested::NotYet => {}
    }
    let mut lacks = false;
    for (entry, _) in entries.iter().take(AT_ONCE) {
        lacks |= matches!(test::verdict(engine, entry).await?, Tested::NotYet);
    }
    if lacks { prepare(engine, settings, &entries).await } else { Ok(()) }
}

/// The first of the queue was tested behind a fork's change, without secrets, and that failed: by now it can be tested
/// with all that it gets.
async fn test_anew(
    engine: &Engine,
    settings: &RepositorySettings,
    mut entries: Vec<(QueueEntry, Change)>,
) -> Result<(), EngineError> {
    if let Some((first, _)) = entries.first_mut() {
        (first.state, first.test) = (QueueState::Waiting, None);
        first.runs.clear();
        let mut tx = engine.store().begin().await?;
        let anew = QueueChange { state: QueueState::Waiting, test: None, runs: &[], reason: None };
        tx.queue_set(first.id, &anew, engine.now()).await?;
        tx.commit().await?;
    }
    prepare(engine, settings, &entries).await
}

/// The queue is turned off, or its repository is gone.
async fn close(engine: &Engine, line: &Line) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    for entry in tx.queue_of(&line.forge, &line.repository, &line.base).await? {
        end(&mut tx, &entry, QueueState::Withdrawn, "there is no merge queue any more", engine.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Lets those leave that are merged, closed, changed or not wanted any more. The rest, in order.
async fn tidy(
    engine: &Engine,
    configuration: &Configuration,
    line: &Line,
) -> Result<Vec<(QueueEntry, Change)>, EngineError> {
    let mut stay = Vec::new();
    for entry in engine.store().queue_of(&line.forge, &line.repository, &line.base).await? {
        let Some(change) = engine.store().change(entry.change).await? else { continue };
        let Some((state, reason)) = leaves(engine, configuration, &entry, &change).await? else {
            stay.push((entry, change));
            continue;
        };
        let mut tx = engine.store().begin().await?;
        end(&mut tx, &entry, state, &reason, engine.now()).await?;
        if state == QueueState::Withdrawn {
            engine.feed_change(&mut tx, &change, "davit", "merge_dequeued", json!({ "reason": reason })).await?;
        }
        tx.commit().await?;
        test::drop_all(engine, &line.forge, &line.repository, &entry).await;
        engine.told_of_change(change.id);
    }
    Ok(stay)
}

async fn leaves(
    engine: &Engine,
    configuration: &Configuration,
    entry: &QueueEntry,
    change: &Change,
) -> Result<Option<(QueueState, String)>, EngineError> {
    let withdrawn = |reason: &str| Some((QueueState::Withdrawn, reason.to_owned()));
    match change.row.state {
        ChangeState::Merged => return Ok(Some((QueueState::Merged, "it is merged".to_owned()))),
        ChangeState::Closed => return Ok(withdrawn("it was closed")),
        ChangeState::Open => {}
    }
    if change.row.head != entry.head {
        return Ok(withdrawn("it has new commits"));
    }
    if change.row.base_branch != entry.base_branch {
        return Ok(withdrawn("it goes to another branch"));
    }
    let Some(policy) = policy_of(configuration, change) else { return Ok(withdrawn("davit merges nothing there")) };
    if let Some(hold) = forks::waits(engine, configuration, change).await? {
        return Ok(withdrawn(&hold.sentence()));
    }
    let holds = judged(engine, policy, change).await?;
    // What only the forge says is asked again right before the merge.
    let says_no = |hold: &&Hold| !matches!(hold, Hold::Computing | Hold::Refused { .. });
    Ok(holds.iter().find(says_no).and_then(|hold| withdrawn(&hold.sentence())))
}

/// Takes a change out for good, tells people, and has those behind it tested anew.
async fn take_out(
    engine: &Engine,
    entries: &[(QueueEntry, Change)],
    at: usize,
    reason: &str,
) -> Result<(), EngineError> {
    let Some((entry, change)) = entries.get(at) else { return Ok(()) };
    let mut tx = engine.store().begin().await?;
    let change = tx.lock_change(change.id).await?;
    let outcome =
        QueueChange { state: QueueState::Failed, test: entry.test.as_ref(), runs: &entry.runs, reason: Some(reason) };
    if tx.queue_set(entry.id, &outcome, engine.now()).await? {
        tx.set_holds(change.id, &[Hold::Failed { reason: reason.to_owned() }], None).await?;
        engine.feed_change(&mut tx, &change, "davit", "merge_dequeued", json!({ "reason": reason })).await?;
        let words = format!(
            "davit took this out of the merge queue of {}: {reason}. With a new commit, or when somebody asks again, it \
             gets another turn.",
            entry.base_branch
        );
        answer::say(engine, &mut tx, &change, &words).await?;
        for (behind, _) in entries.iter().skip(at + 1) {
            let anew = QueueChange { state: QueueState::Waiting, test: None, runs: &[], reason: None };
            tx.queue_set(behind.id, &anew, engine.now()).await?;
        }
    }
    tx.commit().await?;
    for (gone, _) in entries.iter().skip(at) {
        test::drop_all(engine, &entry.forge, &entry.repository, gone).await;
    }
    engine.told_of_change(change.id);
    Ok(())
}

/// Makes what is to be tested, for the first of the queue, and has it tested.
async fn prepare(
    engine: &Engine,
    settings: &RepositorySettings,
    entries: &[(QueueEntry, Change)],
) -> Result<(), EngineError> {
    let Some((first, _)) = entries.first() else { return Ok(()) };
    let bench = test::Bench::open(engine, settings, &first.base_branch).await?;
    let mut before = bench.base().await?;
    let mut from_fork = false;
    for (at, (entry, change)) in entries.iter().take(AT_ONCE).enumerate() {
        // Its test runs the code of those before it too.
        from_fork |= change.row.from_fork;
        let tested = match &entry.test {
            Some(test) if bench.is_of(test, &before, &entry.head).await? => Some(test.clone()),
            Some(_) | None => bench.make(&before, entry, change).await?,
        };
        let Some(tested) = tested else {
            let with = if at == 0 { entry.base_branch.clone() } else { "those before it".to_owned() };
            return take_out(engine, entries, at, &format!("it conflicts with {with}")).await;
        };
        let is_new = entry.test.as_ref() != Some(&tested);
        if is_new || matches!(test::verdict(engine, entry).await?, Tested::NotYet) {
            bench.start(entry, change, &before, &tested, from_fork).await?;
        }
        before = tested;
    }
    engine.merge_notes().wake.notify_one();
    Ok(())
}

/// Merges the first of the queue, whose test is good, if its base branch still holds what it was tested with.
async fn land(
    engine: &Engine,
    settings: &RepositorySettings,
    policy: &MergePolicy,
    entries: &[(QueueEntry, Change)],
) -> Result<(), EngineError> {
    let Some((entry, change)) = entries.first() else { return Ok(()) };
    let bench = test::Bench::open(engine, settings, &entry.base_branch).await?;
    let base = bench.base().await?;
    let is_tested = match &entry.test {
        Some(test) => bench.is_of(test, &base, &entry.head).await?,
        None => false,
    };
    if !is_tested {
        return prepare(engine, settings, entries).await;
    }
    let row = &change.row;
    let asked_at = engine.now();
    let at_forge = read_at_forge(engine, &row.forge, &row.repository, row.number).await?;
    let mut tx = engine.store().begin().await?;
    let change = keep(engine, &mut tx, &row.forge, at_forge, asked_at).await?;
    tx.commit().await?;
    let holds = judged(engine, policy, &change).await?;
    if change.row.head != entry.head || !holds.is_empty() {
        // Who has to leave leaves at the next look; the forge may only need a moment.
        engine.wake_merging_at(engine.now().plus(AGAIN));
        return refused(engine, entries, &holds).await;
    }
    match order::merge(engine, &change, policy).await? {
        Verdict::Merged => {
            let mut tx = engine.store().begin().await?;
            end(&mut tx, entry, QueueState::Merged, "it is merged", engine.now()).await?;
            tx.commit().await?;
            test::drop_all(engine, &entry.forge, &entry.repository, entry).await;
            engine.told_of_change(change.id);
            Ok(())
        }
        Verdict::Held { holds, .. } => {
            engine.wake_merging_at(engine.now().plus(AGAIN));
            refused(engine, entries, &holds).await
        }
    }
}

/// A forge's own rule does not go away by waiting at the head of the queue.
async fn refused(engine: &Engine, entries: &[(QueueEntry, Change)], holds: &[Hold]) -> Result<(), EngineError> {
    match holds.iter().find(|hold| matches!(hold, Hold::Refused { .. } | Hold::Conflict)) {
        Some(hold) => take_out(engine, entries, 0, &hold.sentence()).await,
        None => Ok(()),
    }
}
