//! What davit says in comments on changes: an answer to a command, and what people must not miss.
//!
//! Accepted: a comment whose answer from the forge got lost may be there twice.

use crate::{Engine, EngineError};
use davit_domain::merge::Hold;
use davit_store::Tx;
use davit_store::changes::Change;

/// Writes a comment to be made, in the transaction of what it tells about.
pub(super) async fn say(engine: &Engine, tx: &mut Tx, change: &Change, text: &str) -> Result<(), EngineError> {
    let row = &change.row;
    let text = format!("{}\n\n[{}]({})", text, "davit", engine.change_url(change.id));
    engine.enqueue_comment(tx, &row.forge, &row.repository, row.number, &text).await
}

/// What is in the way, as a list for a comment; `None`: nothing.
pub(super) fn listed(holds: &[Hold]) -> Option<String> {
    if holds.is_empty() {
        return None;
    }
    let lines: Vec<String> = holds.iter().map(|hold| format!("- {}", hold.sentence())).collect();
    Some(lines.join("\n"))
}
