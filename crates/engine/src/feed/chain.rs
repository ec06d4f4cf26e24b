//! Gives new entries their places in the chain, a moment after they were written.
//!
//! Each process has this task; whoever is first does it, the others find it done. What a process that died has left
//! open is done by the next.

use super::head::Head;
use super::key::FeedKey;
use crate::hub::Topic;
use crate::{Engine, EngineError};
use std::time::Duration;

/// Between two looks: nothing stays open longer than a second.
const EVERY: Duration = Duration::from_millis(500);
/// Entries a transaction.
const AT_ONCE: i64 = 500;

/// Looks until the process drains, and once more then.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut told = None;
    loop {
        let is_last = drain.is_cancelled();
        match engine.chain_feed().await {
            Ok(end) => {
                if end.as_ref().map(|end| end.position) != told {
                    told = end.map(|end| end.position);
                    engine.hub().tell_topic(Topic::Feed, told);
                }
            }
            Err(error) => tracing::warn!(%error, "new entries of the feed can't be chained now"),
        }
        if is_last {
            return;
        }
        tokio::select! { () = drain.cancelled() => {}, () = tokio::time::sleep(EVERY) => {} }
    }
}

impl Engine {
    /// Gives every entry that davit wrote its place in the chain; the end of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn chain_feed(&self) -> Result<Option<Head>, EngineError> {
        let mut above = 0;
        let mut is_new = false;
        while !self.store().unchained(above, 1).await?.is_empty() {
            let (last, chained) = self.chain_some(above).await?;
            is_new |= chained;
            match last {
                Some(last) => above = last,
                None => break,
            }
        }
        // One after the other, from the look on: of two at once, who saw less could note its end last.
        let _alone = self.noting_feed().lock().await;
        let end = self.store().chain_end().await?.map(|(position, seal)| Head { position, seal });
        if let Some(end) = end.as_ref().filter(|_| is_new)
            && let Err(error) = end.note(self.data_dir()).await
        {
            tracing::warn!(%error, "the end of the feed can't be noted in the data directory");
        }
        Ok(end)
    }

    /// Does so with a few; the id of the last one, and whether any got a place.
    async fn chain_some(&self, above: i64) -> Result<(Option<i64>, bool), EngineError> {
        // Without a key nothing is signed: `davit ci` works on a database for the moment.
        let Some(key) = FeedKey::read(self.store(), self.sealer()).await? else { return Ok((None, false)) };
        let mut tx = self.store().begin().await?;
        let end = tx.hold_chain().await?;
        let Some(anchor) = tx.feed_anchor().await? else {
            return Err(EngineError::Unavailable("the feed's chain has lost its beginning: see verify-feed".into()));
        };
        let (mut position, mut seal) = end.unwrap_or((anchor.position, anchor.seal));
        let (mut last, mut chained) = (None, false);
        for entry in tx.unchained(above, AT_ONCE).await? {
            last = Some(entry.id);
            if !key.is_proved(&entry, anchor.last_bare) {
                // It gets no place, so that it can be told from the others for good.
                let sentence = format!(
                    "entry {} of the feed was not written by davit: somebody has changed the database. Run: davit admin verify-feed",
                    entry.id
                );
                tx.raise_alert("feed_altered", &format!("feed {}", entry.id), &sentence, self.now()).await?;
                continue;
            }
            position += 1;
            seal = key.seal(&seal, position, &entry);
            tx.chain_entry(entry.id, position, &seal).await?;
            chained = true;
        }
        tx.commit().await?;
        Ok((last, chained))
    }
}
