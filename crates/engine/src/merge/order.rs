//! The merge itself: ordered at the forge with the head that was judged, and written down.
//!
//! Accepted: between the last question and the merge somebody may still put a label or take an approval back; forges take
//! no other precondition than the head.

use super::answer;
use super::judge::{Verdict, after_no, keep, read_at_forge, while_computing};
use crate::{Engine, EngineError};
use davit_domain::config::MergePolicy;
use davit_domain::ids::CommitSha;
use davit_domain::merge::{ChangeState, Hold};
use davit_domain::time::Timestamp;
use davit_forge::{ApiError, MergeError, MergeOrder};
use davit_store::changes::Change;
use serde_json::json;
use std::time::Duration;

/// What a person has to mend first.
const AFTER_REFUSAL: Duration = Duration::from_secs(300);

/// Has the forge merge a change with the head that was judged.
pub(super) async fn merge(engine: &Engine, change: &Change, policy: &MergePolicy) -> Result<Verdict, EngineError> {
    let row = &change.row;
    let client = engine.forge_client(&row.forge).await?;
    let kind = engine.configured_forge(&row.forge).await?.kind;
    let order = MergeOrder {
        number: row.number,
        head: &row.head,
        method: policy.method,
        delete_branch: (policy.delete_branch && !row.from_fork).then_some(row.head_branch.as_str()),
    };
    engine.traffic().count(&row.forge, kind, engine.now());
    let refused = match client.merge(&row.repository, &order).await {
        Ok(commit) => return merged(engine, change, Some(&commit), None).await,
        Err(MergeError::OtherHead { commit }) => {
            let words = format!(
                "a commit that came at the last moment was merged with it: {commit} does not hold {} alone",
                row.head.short()
            );
            return merged(engine, change, Some(&commit), Some(&words)).await;
        }
        Err(refused) => refused,
    };
    // The answer may have got lost, or somebody else was faster.
    let asked_at = engine.now();
    match read_at_forge(engine, &row.forge, &row.repository, row.number).await {
        Ok(now) if now.event.merge_commit.is_some() => {
            let is_ours = now.event.head == row.head && matches!(refused, MergeError::Api(ApiError::Retry { .. }));
            let commit = now.event.merge_commit.clone();
            if is_ours {
                return merged(engine, change, commit.as_ref(), None).await;
            }
            let mut tx = engine.store().begin().await?;
            keep(engine, &mut tx, &row.forge, now, asked_at).await?;
            tx.commit().await?;
            Ok(Verdict::Held { holds: vec![Hold::Closed], next: None })
        }
        Ok(_) | Err(EngineError::Upstream(_)) => Ok(held(change, refused, engine.now())),
        Err(error) => Err(error),
    }
}

/// Nothing was merged: what people read, and when it is tried again.
fn held(change: &Change, refused: MergeError, now: Timestamp) -> Verdict {
    match refused {
        // What it is now is asked at once.
        MergeError::HeadMoved => Verdict::at(vec![Hold::NotAsked], now),
        MergeError::Computing => Verdict::at(vec![Hold::Computing], while_computing(change, now)),
        MergeError::NotMergeable(reason) => Verdict::at(vec![Hold::Refused { reason }], after_no(change, now)),
        MergeError::Api(ApiError::Retry { after, detail }) => {
            let wait = after.map_or_else(|| after_no(change, now), |after| now.plus(after));
            Verdict::at(vec![Hold::Failed { reason: detail }], wait)
        }
        MergeError::Api(ApiError::Permanent { detail, .. }) => {
            Verdict::at(vec![Hold::Failed { reason: detail }], now.plus(AFTER_REFUSAL))
        }
        MergeError::OtherHead { .. } => Verdict::Held { holds: vec![Hold::Closed], next: None },
    }
}

/// Writes down that davit merged a change; what follows from it follows from the forge's own event.
async fn merged(
    engine: &Engine,
    change: &Change,
    commit: Option<&CommitSha>,
    warning: Option<&str>,
) -> Result<Verdict, EngineError> {
    let mut tx = engine.store().begin().await?;
    let known = tx.lock_change(change.id).await?;
    if known.row.state != ChangeState::Merged {
        tx.set_holds(change.id, &[Hold::Closed], None).await?;
        tx.set_change_merged(change.id, commit, engine.now()).await?;
        let by = known.asked.as_ref().map_or("davit", |ask| ask.by.as_str());
        let detail = json!({ "commit": commit, "base": known.row.base_branch, "warning": warning });
        engine.feed_change(&mut tx, &known, by, "change_merged", detail).await?;
        if let Some(warning) = warning {
            answer::say(engine, &mut tx, &known, warning).await?;
        }
    }
    tx.commit().await?;
    Ok(Verdict::Merged)
}
