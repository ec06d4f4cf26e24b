//! Tries to sign in: counted before what was typed is looked at, so that many at once are no way around the count.
//!
//! Ten wrong ones in a row lock the name, also one that nobody has: from outside, both are the same. A quarter of an
//! hour without a try, or one that is right, starts counting anew.

use super::wrong;
use crate::{Engine, EngineError};
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::accounts::User;
use serde_json::{Value, json};
use std::time::Duration;

/// Wrong tries in a row that lock a name.
const ALLOWED: i64 = 10;
/// After so long without a try, counting starts anew.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// How long a lock lasts.
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);
/// The feed hears of a name's wrong tries no more often.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// Longer than any account's name. Bytes.
const LONGEST_NAME: usize = 256;
/// Under which all names that nobody has are told to the feed: people type passwords into the wrong field.
const NOBODY: &str = "";

/// A try that is counted.
#[derive(Debug)]
pub(super) struct Try {
    /// The name, as it is counted.
    key: String,
    count: i64,
    /// Nothing is right now.
    pub(super) refused: bool,
}

impl Try {
    /// Whether it counts for this name.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.key == name.to_lowercase()
    }
}

impl Engine {
    /// Counts a try with this name.
    pub(super) async fn begin_try(&self, name: &str) -> Result<Try, EngineError> {
        if name.len() > LONGEST_NAME {
            return Err(wrong());
        }
        let (key, now) = (name.to_lowercase(), self.now());
        let mut tx = self.store().begin().await?;
        let tries = tx.count_try(&key, now, before(now, REMEMBERED)).await?;
        tx.commit().await?;
        // More than are allowed: others are being looked at right now.
        let refused = tries.locked_until.is_some() || tries.count > ALLOWED;
        Ok(Try { key, count: tries.count, refused })
    }

    /// What was typed was wrong, by somebody who typed the name of this account or of none.
    pub(super) async fn was_wrong(&self, tried: &Try, known: Option<&User>) -> Result<(), EngineError> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let locks = !tried.refused && tried.count >= ALLOWED;
        if locks {
            tx.lock_name(&tried.key, now.plus(LOCKED_FOR)).await?;
        }
        let (told_as, subject) = known.map_or((NOBODY, "an unknown name"), |user| (tried.key.as_str(), &user.name));
        if tx.tell_of_try(told_as, now, before(now, TOLD_EVERY)).await? {
            self.feed(&mut tx, "sign-in", "login_failed", subject, Value::Null).await?;
        }
        if let (true, Some(user)) = (locks, known) {
            let detail = json!({ "seconds": LOCKED_FOR.as_secs() });
            self.feed(&mut tx, "sign-in", "account_locked", &user.name, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was typed was right: counting starts anew, in the transaction of what comes of it.
    pub(super) async fn was_right(&self, tx: &mut Tx, tried: &Try) -> Result<(), EngineError> {
        tx.forget_tries(&tried.key, self.now()).await?;
        Ok(())
    }

    /// The try was neither right nor wrong.
    pub(super) async fn was_nothing(&self, tried: &Try) -> Result<(), EngineError> {
        if !tried.refused {
            let mut tx = self.store().begin().await?;
            tx.uncount_try(&tried.key).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Lets a name that is locked sign in again.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn unlock_user(&self, name: &str, by: &str) -> Result<(), EngineError> {
        let user = self.known_user(name).await?;
        let mut tx = self.store().begin().await?;
        if tx.forget_tries(&user.name.to_lowercase(), self.now()).await? {
            self.feed(&mut tx, by, "account_unlocked", &user.name, Value::Null).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    Timestamp::from_millis(now.millis() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
