//! What people ask for at davit: merge a change, take that back, ask the forge how it stands.

use super::judge::policy_of;
use super::{answer, train};
use crate::{Engine, EngineError};
use davit_domain::config::MergeBy;
use davit_domain::ids::{ChangeId, CommitSha};
use davit_domain::merge::ChangeState;
use davit_store::Tx;
use davit_store::changes::Change;
use serde_json::json;

impl Engine {
    /// Notes that a person wants a change merged with the head that they saw, as soon as nothing is in the way.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not open, or `head` is not its head: somebody looked at another one;
    /// `Invalid` when davit does not merge there or not by request.
    pub async fn ask_merge(&self, id: ChangeId, head: &CommitSha, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let change = tx.lock_change(id).await?;
        let configuration = tx.read_configuration().await?;
        let row = &change.row;
        let policy = policy_of(&configuration, &change).ok_or_else(|| {
            EngineError::Invalid(format!("davit merges nothing in {}: give it [repository.merge]", row.repository))
        })?;
        if !policy.by.contains(&MergeBy::Ui) {
            let sentence = format!("changes of {} are not merged by request here: see merge.by", row.repository);
            return Err(EngineError::Invalid(sentence));
        }
        if row.state != ChangeState::Open {
            return Err(EngineError::Conflict(format!("#{} is {} already", row.number, row.state.as_str())));
        }
        if row.head != *head {
            let sentence = format!("#{} moved on to {}: look at it again, then ask", row.number, row.head.short());
            return Err(EngineError::Conflict(sentence));
        }
        wish(self, &mut tx, &change, MergeBy::Ui, by).await?;
        tx.commit().await?;
        self.told_of_change(id);
        Ok(())
    }

    /// Takes the wish to have a change merged back, and takes the change out of the merge queue.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when nobody asked by comment or at davit.
    pub async fn withdraw_merge(&self, id: ChangeId, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let change = tx.lock_change(id).await?;
        if change.asked.is_none() {
            let sentence = format!(
                "nobody asked here to merge #{}: a label or the forge's own button is taken back at the forge",
                change.row.number
            );
            return Err(EngineError::Conflict(sentence));
        }
        take_back(self, &mut tx, &change, by).await?;
        tx.commit().await?;
        self.told_of_change(id);
        Ok(())
    }

    /// Asks the forge how a change stands, soon.
    ///
    /// # Errors
    /// `NotFound` when there is no such change.
    pub async fn refresh_change(&self, id: ChangeId) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let change = tx.lock_change(id).await?;
        let key = format!("wish {id} {}", self.now().millis());
        self.enqueue_change(&mut tx, &change.row.forge, &change.row.repository, change.row.number, key).await?;
        tx.commit().await?;
        self.queue().wake();
        Ok(())
    }
}

/// Notes a wish for the change's present head.
pub(super) async fn wish(
    engine: &Engine,
    tx: &mut Tx,
    change: &Change,
    how: MergeBy,
    by: &str,
) -> Result<(), EngineError> {
    tx.ask_merge(change.id, how, by, Some(&change.row.head), engine.now()).await?;
    engine.feed_change(tx, change, by, "merge_asked", json!({ "how": how.as_str() })).await
}

/// Takes a wish back.
pub(super) async fn take_back(engine: &Engine, tx: &mut Tx, change: &Change, by: &str) -> Result<(), EngineError> {
    tx.clear_ask(change.id).await?;
    train::leave(engine, tx, change, &format!("{by} took it back")).await?;
    tx.set_holds(change.id, &change.holds.clone().unwrap_or_default(), Some(engine.now())).await?;
    engine.feed_change(tx, change, by, "merge_withdrawn", serde_json::Value::Null).await
}

/// What a comment's author hears of a wish.
pub(super) fn reply(holds: &[davit_domain::merge::Hold], author: &str) -> String {
    answer::listed(holds).map_or_else(
        || format!("@{author} davit merges this now."),
        |list| format!("@{author} davit merges this as soon as nothing is in the way. Now there is:\n\n{list}"),
    )
}
