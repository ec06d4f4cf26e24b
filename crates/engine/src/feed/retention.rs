//! Forgets the oldest entries. The chain then begins with an anchor that davit has signed: what is gone was forgotten,
//! not taken.

use super::key::FeedKey;
use crate::{Engine, EngineError};
use davit_domain::time::Timestamp;
use davit_store::feed_chain::FeedAnchor;
use serde_json::json;

impl Engine {
    /// Forgets the entries that are older than the settings want, from the first one on; how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_feed(&self) -> Result<u64, EngineError> {
        let keep = i64::try_from(self.settings().keep.feed.as_millis()).unwrap_or(i64::MAX);
        let moment = Timestamp::from_millis(self.now().millis().saturating_sub(keep));
        let Some(up_to) = self.store().chain_before(moment).await? else { return Ok(0) };
        let Some(key) = FeedKey::read(self.store(), self.sealer()).await? else { return Ok(0) };
        let mut tx = self.store().begin().await?;
        tx.hold_chain().await?;
        let Some(old) = tx.feed_anchor().await? else { return Ok(0) };
        if up_to <= old.position {
            return Ok(0);
        }
        let seal = tx.seal_at(up_to).await?;
        let anchor = FeedAnchor { position: up_to, seal, at: self.now(), ..old };
        tx.put_feed_anchor(&key.sign_anchor(anchor)).await?;
        let gone = tx.forget_feed(up_to).await?;
        let detail = json!({ "entries": gone, "before": moment });
        self.feed(&mut tx, "davit", "feed_forgotten", "feed", detail).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
