//! What a push says about its branch or tag, held against what davit knows: pushes may come twice, late, or after
//! [`crate::catch_up`] found out by itself.

use super::Case;
use crate::forge_deployments::apps_of;
use crate::{EngineError, catch_up};
use davit_domain::event::{ForgeEvent, Push};
use davit_domain::heads::SeenHead;
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::deliveries::Verdict;

/// A branch or tag that moved, and where it was seen before, the latest first.
pub(super) struct Moved<'a> {
    pub(super) push: &'a Push,
    pub(super) seen: Vec<SeenHead>,
}

impl Moved<'_> {
    /// The head that a delivery told of and that this push does not start from: one of the two is older. Which one, only
    /// the repository knows.
    pub(super) fn rival(&self, after: &CommitSha) -> Option<&SeenHead> {
        let newest = self.seen.first().filter(|newest| newest.delivery.is_some())?;
        let goes_on = self.push.before.as_ref() == Some(&newest.commit);
        (!goes_on && newest.commit != *after).then_some(newest)
    }
}

impl<'a> Case<'a> {
    /// The branch or tag that this is about, in a repository of an app. A person's replay is about an old move.
    pub(super) async fn moved(&self, tx: &mut Tx) -> Result<Option<Moved<'a>>, EngineError> {
        let delivery = &self.full.delivery;
        let ForgeEvent::Push(push) = self.event else { return Ok(None) };
        if delivery.replay || apps_of(self.configuration, &delivery.forge, &push.repository).next().is_none() {
            return Ok(None);
        }
        let seen = tx.seen_of_ref(&delivery.forge, &push.repository, &push.git_ref).await?;
        Ok(Some(Moved { push, seen }))
    }

    /// Why there is nothing new in a push: davit found out by itself before it came, or the other way round.
    pub(super) async fn told_before(&self, moved: Option<&Moved<'_>>) -> Result<Option<String>, EngineError> {
        let own = &self.full.delivery;
        let Some((newest, after)) = moved.and_then(|moved| Some((moved.seen.first()?, moved.push.after.as_ref()?)))
        else {
            return Ok(None);
        };
        let Some(told_by) = newest.delivery.filter(|id| *id != own.id && newest.commit == *after) else {
            return Ok(None);
        };
        let Some(told) = self.engine.store().delivery(told_by).await? else { return Ok(None) };
        let found_out = catch_up::is_own(&told.delivery) && told.delivery.verdict == Verdict::Processed;
        let is_twin = catch_up::is_own(own) || found_out;
        Ok(is_twin.then(|| format!("the same push came as delivery {told_by}")))
    }

    /// Remembers where a branch or tag is now.
    pub(super) async fn note_head(&self, tx: &mut Tx, moved: Option<&Moved<'_>>) -> Result<(), EngineError> {
        let Some(Moved { push, seen }) = moved else { return Ok(()) };
        let delivery = &self.full.delivery;
        let Some(commit) = &push.after else {
            return Ok(tx.forget_ref(&delivery.forge, &push.repository, &push.git_ref).await?);
        };
        // Two deliveries of one millisecond still come one after the other.
        let after_all = seen.first().map(|newest| Timestamp::from_millis(newest.at.millis() + 1));
        let head = SeenHead {
            git_ref: push.git_ref.clone(),
            commit: commit.clone(),
            before: push.before.clone(),
            at: after_all.into_iter().chain([delivery.received_at]).max().unwrap_or(delivery.received_at),
            delivery: Some(delivery.id),
        };
        Ok(tx.see_head(&delivery.forge, &push.repository, &head).await?)
    }
}
