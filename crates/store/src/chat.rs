//! What was heard in chats, so that nothing is done twice.

use crate::{StoreError, Tx, on_tx, storable};
use davit_domain::ids::ChannelId;
use davit_domain::time::Timestamp;
use std::time::Duration;

impl Tx {
    /// Takes a message by its ids; false when one of them was taken before. Those older than `remember` are forgotten.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_chat_message(
        &mut self,
        channel: &ChannelId,
        ids: &[String],
        now: Timestamp,
        remember: Duration,
    ) -> Result<bool, StoreError> {
        let oldest = now.millis().saturating_sub(i64::try_from(remember.as_millis()).unwrap_or(i64::MAX));
        let sql = "DELETE FROM chat_messages WHERE at < $1";
        on_tx!(self, c => sqlx::query(sql).bind(oldest).execute(&mut **c).await.map(drop))?;
        let sql =
            "INSERT INTO chat_messages (channel, id, at) VALUES ($1, $2, $3) ON CONFLICT (channel, id) DO NOTHING";
        let mut is_new = true;
        for id in ids {
            let taken = on_tx!(self, c => sqlx::query(sql)
                .bind(channel.as_str()).bind(storable(id).as_ref()).bind(now.millis())
                .execute(&mut **c).await.map(|done| done.rows_affected()))?;
            is_new &= taken == 1;
        }
        Ok(is_new)
    }
}
