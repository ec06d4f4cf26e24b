//! The feed's evidence: whoever changes, removes, adds or hides an entry behind davit's back is found out.
//!
//! - Each entry carries a proof, an HMAC over all that it says, made when it is written ([`signed`]): an entry that
//!   davit did not write has none.
//! - A moment later each entry gets its place in a chain of HMACs ([`chain`]): one that is gone leaves a gap, and none
//!   can be put between two others.
//! - The end of the chain is noted in a file beside the database ([`head`]), and [`verify`] takes one from outside:
//!   whoever cuts the newest entries off is missing that one.
//!
//! The key is a secret of davit's own, sealed with the master key like all others. Who has both the database and the
//! master key can write whatever they like; against that helps only to keep the end of the chain somewhere else.

mod chain;
mod head;
mod key;
mod retention;
mod verify;

pub(crate) use chain::run;
pub use head::Head;
pub use key::signed;
pub use verify::{Fault, FaultKind, Verified};

use crate::{Engine, EngineError};

impl Engine {
    /// Notes that somebody took the feed, or a part of it, away as a file.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_feed_export(
        &self,
        by: &str,
        filter: &impl serde::Serialize,
        format: &str,
    ) -> Result<(), EngineError> {
        let detail =
            serde_json::json!({ "filter": serde_json::to_value(filter).unwrap_or_default(), "format": format });
        let mut tx = self.store().begin().await?;
        self.feed(&mut tx, by, "feed_exported", "feed", detail).await?;
        tx.commit().await?;
        Ok(())
    }
}
