//! Merging changes when nothing holds them up.
//!
//! What is known of a change is a row that says when to judge it next ([`judge`]). Whatever may matter moves that moment
//! to now: a webhook, a check, a person's wish. A change that somebody wants merged is judged on a timer as well, so that
//! a green one never waits for another event. The gate itself is the domain's ([`davit_domain::merge`]); right before a
//! merge the forge is asked again, and it is told which head to merge ([`order`]).
//!
//! Events and comments about changes are jobs ([`news`]): they ask the forge, which tells more than any webhook does.
//! Where a repository has a merge queue, what would be merged is tested merged before ([`train`]).
//!
//! Two processes may judge one change at a time: the row is taken for a while before the forge is asked, and what comes
//! of it is written under the row's lock. Should both order the merge all the same, the forge carries out one.

mod answer;
mod green;
mod judge;
mod news;
mod order;
mod people;
mod poll;
mod train;

use crate::hub::{self, Topic};
use crate::{Engine, EngineError};
use davit_domain::ids::{ChangeId, CommitSha, ForgeId};
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::changes::Change;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Changes that are judged at the same time in this process.
const AT_ONCE: usize = 8;

/// What this process remembers of its merging.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Changes that are judged just now.
    busy: Mutex<HashSet<ChangeId>>,
    /// When each repository's open changes were listed last.
    listed: Mutex<HashMap<(ForgeId, String), Timestamp>>,
    /// Merge queues that are worked on just now.
    lines: Mutex<HashSet<train::Line>>,
    wake: Notify,
}

impl Notes {
    fn busy(&self) -> MutexGuard<'_, HashSet<ChangeId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, HashSet<train::Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self) -> MutexGuard<'_, HashMap<(ForgeId, String), Timestamp>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Makes the open changes whose head is this commit due to be judged, in the transaction of what is new about it.
    pub(crate) async fn judge_changes_of(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        repository: &str,
        head: &CommitSha,
    ) -> Result<(), EngineError> {
        tx.judge_changes_of_head(forge, repository, head, self.now()).await?;
        Ok(())
    }

    /// Where people read about a change.
    #[must_use]
    pub fn change_url(&self, id: ChangeId) -> String {
        format!("{}/changes/{id}", self.settings().public_url)
    }

    /// After a commit: judges what is due, and tells whoever watches.
    fn told_of_change(&self, id: ChangeId) {
        self.merge_notes().wake.notify_one();
        self.hub().tell_topic(Topic::Change, Some(id.0));
    }

    /// A line in the feed about a change.
    async fn feed_change(
        &self,
        tx: &mut Tx,
        change: &Change,
        actor: &str,
        action: &str,
        more: serde_json::Value,
    ) -> Result<(), EngineError> {
        let row = &change.row;
        let mut detail = serde_json::json!({
            "forge": row.forge,
            "repository": row.repository,
            "number": row.number,
            "title": row.title,
            "head": row.head,
        });
        if let (Some(detail), serde_json::Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        self.feed(tx, actor, action, &format!("change {}", change.id), detail).await
    }
}

/// Carries out the jobs about changes until the process drains.
pub(crate) async fn jobs(engine: Engine) {
    news::run(engine).await;
}

/// Judges changes that are due, and moves queues on, until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut wake = engine.hub().subscribe();
    while !drain.is_cancelled() {
        if let Err(error) = once(&engine).await {
            tracing::error!(%error, "changes can't be judged now");
        }
        let news = [Topic::Change, Topic::Delivery, Topic::Run, Topic::Config];
        tokio::select! {
            () = drain.cancelled() => return,
            () = engine.merge_notes().wake.notified() => {}
            () = hub::changed(&mut wake, &news) => {}
            () = tokio::time::sleep(engine.settings().reconcile_every) => {}
        }
    }
}

async fn once(engine: &Engine) -> Result<(), EngineError> {
    let room = AT_ONCE.saturating_sub(engine.merge_notes().busy().len());
    if room > 0 {
        let limit = i64::try_from(AT_ONCE * 2).unwrap_or(i64::MAX);
        let due = engine.store().changes_to_judge(engine.now(), limit).await?;
        for change in due.into_iter().map(|change| change.id).take(room) {
            begin(engine, change);
        }
    }
    train::begin(engine).await?;
    poll::begin(engine).await?;
    green::start_waiting(engine).await
}

/// A change is judged as long as this lives.
struct Judging {
    engine: Engine,
    change: ChangeId,
}

impl Drop for Judging {
    fn drop(&mut self) {
        self.engine.merge_notes().busy().remove(&self.change);
        self.engine.merge_notes().wake.notify_one();
    }
}

fn begin(engine: &Engine, change: ChangeId) {
    if !engine.merge_notes().busy().insert(change) {
        return;
    }
    let judging = Judging { engine: engine.clone(), change };
    let abort = engine.lifecycle().abort_token();
    engine.lifecycle().clone().spawn("change", async move {
        let engine = &judging.engine;
        tokio::select! {
            // Its row is taken for a while: whoever starts next judges it then.
            () = abort.cancelled() => {}
            done = judge::look_at(engine, change) => if let Err(error) = done {
                tracing::error!(change = change.0, %error, "a change can't be judged now");
                tokio::time::sleep(Duration::from_secs(1)).await;
            },
        }
        drop(judging);
    });
}
