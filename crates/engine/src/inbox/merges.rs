//! Merges that are told of late: the branch has gone on, and what came after is released or asked for already. What
//! comes after what is git's to say ([`super::look`]).

use super::Case;
use super::look::View;
use crate::EngineError;
use davit_domain::decide::WantedRelease;
use davit_domain::event::ForgeEvent;
use davit_domain::ids::CommitSha;
use davit_store::Tx;

/// For each release that a merge asks for: the commit that was last asked for by a merge into the same branch or a push
/// of it, in the same app and environment, where that is another.
#[derive(Default)]
pub(super) struct Merges {
    newest: Vec<Option<CommitSha>>,
}

impl Case<'_> {
    /// What was asked for before. Nothing, where this is no merge or a person wants it done again.
    pub(super) async fn merges(&self, tx: &mut Tx, wanted: &[WantedRelease]) -> Result<Merges, EngineError> {
        let mut merges = Merges::default();
        if !matches!(self.event, ForgeEvent::Change(_)) || self.full.delivery.replay {
            return Ok(merges);
        }
        for WantedRelease { app, environment, commit, git_ref, .. } in wanted {
            let newest = match git_ref {
                Some(git_ref) => tx.newest_automatic(app, environment, git_ref).await?,
                None => None,
            };
            merges.newest.push(newest.filter(|newest| newest != commit));
        }
        Ok(merges)
    }
}

impl Merges {
    /// Whether git has to be asked which is older.
    pub(super) fn may_be_late(&self) -> bool {
        self.newest.iter().any(Option::is_some)
    }

    /// Takes out what would put an older commit over a newer one, and says so.
    pub(super) fn drop_late(&self, wanted: &mut Vec<WantedRelease>, view: &View) -> Vec<String> {
        let View::Seen { later, .. } = view else { return Vec::new() };
        let mut newest = self.newest.iter();
        let mut late = Vec::new();
        wanted.retain(|release| {
            let Some(newest) = newest.next().and_then(Option::as_ref).filter(|newest| later.contains(newest)) else {
                return true;
            };
            late.push(format!(
                "nothing for {} to {}: this merge came late, the later {} was asked for before",
                release.app,
                release.environment,
                newest.short()
            ));
            false
        });
        late
    }
}
