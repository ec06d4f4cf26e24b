//! Locks that keep deployments waiting, and what hosts said when they were asked what they really serve.

use crate::select::Select;
use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, parsed, storable, to_json};
use davit_domain::access::Places;
use davit_domain::ids::{AppKey, EnvironmentKey, HostName, ReleaseName};
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its number.
    pub id: i64,
    /// Where nothing is released.
    pub environment: EnvironmentKey,
    /// Of which app; `None`: of all.
    pub app: Option<AppKey>,
    /// Why.
    pub reason: String,
    /// Who locked.
    pub owner: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What asking a host what it serves has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCheck {
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// The host.
    pub host: HostName,
    /// When.
    pub at: Timestamp,
    /// A stable word: `ok`, `drift`, `unreachable`.
    pub verdict: String,
    /// The release it serves.
    pub live: Option<ReleaseName>,
    /// What differs.
    pub detail: LiveDetail,
}

/// What differs on a host from what davit put there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveDetail {
    /// A sentence for people.
    pub sentence: String,
    /// Where the deploy path leads when that is no release of davit's.
    pub foreign: Option<String>,
    /// How many files of the live release are not as they were sent.
    pub altered: u64,
    /// The first of them.
    pub files: Vec<String>,
}

const SAID: &str = "SELECT c.app, c.environment, CASE WHEN c.verdict = 'drift' THEN c.host ELSE '' END AS differs,
         MAX(c.at) FROM live_checks c
     LEFT JOIN live_releases l ON l.app = c.app AND l.environment = c.environment AND l.host = c.host";

#[derive(sqlx::FromRow)]
struct LockRow {
    id: i64,
    environment: String,
    app: String,
    reason: String,
    owner: String,
    created_at: i64,
    expires_at: Option<i64>,
}

impl LockRow {
    fn read(self) -> Result<Lock, StoreError> {
        let place = "locks";
        Ok(Lock {
            id: self.id,
            environment: parsed(place, &self.environment)?,
            app: if self.app.is_empty() { None } else { Some(parsed(place, &self.app)?) },
            reason: self.reason,
            owner: self.owner,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
        })
    }
}

#[derive(sqlx::FromRow)]
struct CheckRow {
    host: String,
    at: i64,
    verdict: String,
    live: Option<String>,
    detail: String,
}

const HELD: &str = "SELECT id, environment, app, reason, owner, created_at, expires_at FROM locks
     WHERE ended_at IS NULL AND (expires_at IS NULL OR expires_at > $1) ORDER BY id";

/// What the hosts of an app in an environment said when they were last asked, in few words. What a host said of a release
/// that it no longer serves is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSaid {
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// A host that said that it differs; `None`: all the others together.
    pub differs: Option<HostName>,
    /// When the last of them was asked.
    pub at: Timestamp,
}

impl Store {
    /// What all hosts said of what they serve in these places: a row for each that differs, and one a place for the
    /// others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_said(&self, places: &Places) -> Result<Vec<LiveSaid>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = on_read!(&self.db, p => Select::new(SAID)
            .only_if("(l.at IS NULL OR c.at >= l.at)", true)
            .within("c.app", "c.environment", Some(places))
            .grouped_by("c.app, c.environment, differs")
            .build_query_as().fetch_all(p).await)?;
        let place = "live_checks";
        let read = |(app, environment, differs, at): (String, String, String, i64)| {
            Ok(LiveSaid {
                app: parsed(place, &app)?,
                environment: parsed(place, &environment)?,
                differs: if differs.is_empty() { None } else { Some(parsed(place, &differs)?) },
                at: Timestamp::from_millis(at),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// The locks that hold now, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn locks(&self, now: Timestamp) -> Result<Vec<Lock>, StoreError> {
        let rows: Vec<LockRow> = on_read!(&self.db, p => sqlx::query_as(HELD).bind(now.millis()).fetch_all(p).await)?;
        rows.into_iter().map(LockRow::read).collect()
    }

    /// What the hosts of an app in an environment said when they were last asked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_checks(&self, app: &AppKey, environment: &EnvironmentKey) -> Result<Vec<LiveCheck>, StoreError> {
        let sql = "SELECT host, at, verdict, live, detail FROM live_checks
             WHERE app = $1 AND environment = $2 ORDER BY host";
        let rows: Vec<CheckRow> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str()).fetch_all(p).await)?;
        rows.into_iter()
            .map(|row| {
                let place = "live_checks";
                Ok(LiveCheck {
                    app: app.clone(),
                    environment: environment.clone(),
                    host: parsed(place, &row.host)?,
                    at: Timestamp::from_millis(row.at),
                    verdict: row.verdict,
                    live: row.live.map(|live| parsed(place, &live)).transpose()?,
                    detail: from_json(place, &row.detail)?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// The locks that hold now, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn locks(&mut self, now: Timestamp) -> Result<Vec<Lock>, StoreError> {
        let rows: Vec<LockRow> = on_tx!(self, c => sqlx::query_as(HELD).bind(now.millis()).fetch_all(&mut **c).await)?;
        rows.into_iter().map(LockRow::read).collect()
    }

    /// Locks an environment, or one app in it. Returns the lock's number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_environment(
        &mut self,
        environment: &EnvironmentKey,
        app: Option<&AppKey>,
        reason: &str,
        owner: &str,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = "INSERT INTO locks (environment, app, reason, owner, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(environment.as_str())
            .bind(app.map_or("", AppKey::as_str))
            .bind(storable(reason).as_ref())
            .bind(owner)
            .bind(now.millis())
            .bind(expires_at.map(Timestamp::millis))
            .fetch_one(&mut **c).await)?)
    }

    /// Ends a lock.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number that still holds.
    pub async fn unlock(&mut self, id: i64, by: &str, now: Timestamp) -> Result<Lock, StoreError> {
        let sql = "UPDATE locks SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL
             RETURNING id, environment, app, reason, owner, created_at, expires_at";
        let row: Option<LockRow> = on_tx!(self, c => sqlx::query_as(sql)
            .bind(id).bind(now.millis()).bind(by)
            .fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| StoreError::NotFound(format!("lock {id}")))?.read()
    }

    /// Remembers what a host said, in the place of what it said before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_live_check(&mut self, check: &LiveCheck) -> Result<(), StoreError> {
        let sql = "INSERT INTO live_checks (app, environment, host, at, verdict, live, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (app, environment, host) DO UPDATE SET at = excluded.at, verdict = excluded.verdict,
                 live = excluded.live, detail = excluded.detail";
        let detail = to_json("live_checks", &check.detail)?;
        on_tx!(self, c => sqlx::query(sql)
            .bind(check.app.as_str())
            .bind(check.environment.as_str())
            .bind(check.host.as_str())
            .bind(check.at.millis())
            .bind(check.verdict.as_str())
            .bind(check.live.as_ref().map(ReleaseName::as_str))
            .bind(storable(&detail).as_ref())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
