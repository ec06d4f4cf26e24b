//! Tries to sign in that failed, the locks that come of them, and second factors.
//!
//! Tries are counted by what was typed as the name, whether there is such an account or not: both must look and take
//! the same from outside. When a count is too high, and for how long, is decided by who calls.

use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;
use std::collections::{HashMap, HashSet};

/// Tries with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// In a row, this one included.
    pub count: i64,
    /// No password is right before; `None`: it is not locked.
    pub locked_until: Option<Timestamp>,
}

/// A second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    /// Since when codes are asked for; `None`: its owner has not shown yet that it works.
    pub confirmed_at: Option<Timestamp>,
}

impl Store {
    /// The names that are locked now, in small letters, each until when.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn locked_names(&self, now: Timestamp) -> Result<HashMap<String, Timestamp>, StoreError> {
        let sql = "SELECT name, locked_until FROM sign_in_tries WHERE locked_until > $1";
        let rows: Vec<(String, i64)> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(now.millis()).fetch_all(p).await)?;
        Ok(rows.into_iter().map(|(name, until)| (name, Timestamp::from_millis(until))).collect())
    }

    /// The accounts that are asked for a code.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn users_with_second_factor(&self) -> Result<HashSet<UserId>, StoreError> {
        let sql = "SELECT user_id FROM second_factors WHERE confirmed_at IS NOT NULL";
        let rows: Vec<i64> = on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?;
        Ok(rows.into_iter().map(UserId).collect())
    }

    /// An account's second factor.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let sql = "SELECT confirmed_at FROM second_factors WHERE user_id = $1";
        let row: Option<Option<i64>> =
            on_read!(&self.db, p => sqlx::query_scalar(sql).bind(user.0).fetch_optional(p).await)?;
        Ok(row.map(|confirmed| SecondFactor { confirmed_at: confirmed.map(Timestamp::from_millis) }))
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recovery_codes_left(&self, user: UserId) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).bind(user.0).fetch_one(p).await)?)
    }
}

impl Tx {
    /// Counts a try with this name (in small letters), unless it is locked. Counting starts anew when the last try was
    /// before `since`. Whoever else counts for the name waits until this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_try(&mut self, name: &str, now: Timestamp, since: Timestamp) -> Result<Tries, StoreError> {
        let sql = "INSERT INTO sign_in_tries (name, tries, last_at, locked_until, told_at) VALUES ($1, 1, $2, 0, 0)
             ON CONFLICT (name) DO UPDATE SET
                 tries = CASE WHEN sign_in_tries.locked_until > $2 THEN sign_in_tries.tries
                              WHEN sign_in_tries.last_at < $3 THEN 1
                              ELSE sign_in_tries.tries + 1 END,
                 last_at = CASE WHEN sign_in_tries.locked_until > $2 THEN sign_in_tries.last_at ELSE $2 END
             RETURNING tries, locked_until";
        let (count, locked_until): (i64, i64) = on_tx!(self, c => sqlx::query_as(sql)
            .bind(storable(name).as_ref()).bind(now.millis()).bind(since.millis())
            .fetch_one(&mut **c).await)?;
        let locked_until = Some(locked_until).filter(|until| *until > now.millis()).map(Timestamp::from_millis);
        Ok(Tries { count, locked_until })
    }

    /// Takes back a try that was neither right nor wrong.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn uncount_try(&mut self, name: &str) -> Result<(), StoreError> {
        let sql = "UPDATE sign_in_tries SET tries = tries - 1 WHERE name = $1 AND tries > 0";
        on_tx!(self, c => sqlx::query(sql).bind(storable(name).as_ref()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Locks a name (in small letters), and starts counting anew for after that.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_name(&mut self, name: &str, until: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sign_in_tries SET locked_until = $2, tries = 0 WHERE name = $1";
        on_tx!(self, c => sqlx::query(sql)
            .bind(storable(name).as_ref()).bind(until.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets the tries with a name (in small letters), and its lock; says whether there was a lock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_tries(&mut self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sign_in_tries WHERE name = $1 RETURNING locked_until";
        let until: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(storable(name).as_ref()).fetch_optional(&mut **c).await)?;
        Ok(until.is_some_and(|until| until > now.millis()))
    }

    /// Whether the feed is to be told of a try with this name; if so, it was told `now`, and is not again until a
    /// try after `since` is past.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tell_of_try(&mut self, name: &str, now: Timestamp, since: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO sign_in_tries (name, tries, last_at, locked_until, told_at) VALUES ($1, 0, $2, 0, $2)
             ON CONFLICT (name) DO UPDATE SET told_at = $2 WHERE sign_in_tries.told_at <= $3";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(storable(name).as_ref()).bind(now.millis()).bind(since.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Starts a second factor that its owner has yet to confirm, in the place of one that was never confirmed.
    ///
    /// # Errors
    /// `Conflict` when the account has one that works.
    pub async fn start_second_factor(&mut self, user: UserId) -> Result<(), StoreError> {
        let sql = "INSERT INTO second_factors (user_id, confirmed_at, last_step) VALUES ($1, NULL, 0)
             ON CONFLICT (user_id) DO UPDATE SET last_step = 0 WHERE second_factors.confirmed_at IS NULL";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::Conflict("the account has a second factor already".into())) } else { Ok(()) }
    }

    /// Confirms a second factor with a code of this step, and sets its recovery codes; says whether there was one to
    /// confirm.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn confirm_second_factor(
        &mut self,
        user: UserId,
        step: i64,
        codes: &[String],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE second_factors SET confirmed_at = $2, last_step = $3
             WHERE user_id = $1 AND confirmed_at IS NULL";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(user.0).bind(now.millis()).bind(step)
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 1 {
            self.set_recovery_codes(user, codes).await?;
        }
        Ok(done == 1)
    }

    /// Sets an account's recovery codes, by their hashes, in the place of those it had.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_recovery_codes(&mut self, user: UserId, codes: &[String]) -> Result<(), StoreError> {
        let clear = "DELETE FROM recovery_codes WHERE user_id = $1";
        on_tx!(self, c => sqlx::query(clear).bind(user.0).execute(&mut **c).await.map(drop))?;
        let sql = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
        for code in codes {
            on_tx!(self, c => sqlx::query(sql).bind(user.0).bind(code).execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }

    /// Uses the code of a step up; says whether it is newer than every code that was used before. Of two who come with
    /// the same code, one is told yes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn use_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE second_factors SET last_step = $2
             WHERE user_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(step).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Uses a recovery code up; says whether it was one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn use_recovery_code(&mut self, user: UserId, hash: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(user.0).bind(hash).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Takes a second factor and its recovery codes away; says whether there was one. Its secret is the caller's to
    /// delete.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_second_factor(&mut self, user: UserId) -> Result<bool, StoreError> {
        let codes = "DELETE FROM recovery_codes WHERE user_id = $1";
        let factor = "DELETE FROM second_factors WHERE user_id = $1";
        let done = on_tx!(self, c => {
            sqlx::query(codes).bind(user.0).execute(&mut **c).await?;
            sqlx::query(factor).bind(user.0).execute(&mut **c).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }
}
