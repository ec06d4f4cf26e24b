//! Releases: what lies on which host, and what each host serves. What may be removed is decided in the domain.

use crate::select::Select;
use crate::{Store, StoreError, Tx, on_read, on_tx, parsed};
use davit_domain::access::Places;
use davit_domain::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, HostName, ReleaseName};
use davit_domain::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// What became of a release on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReleaseState {
    /// It lies there; it was never live, or its deployment failed.
    Staged,
    /// Its deployment succeeded.
    Good,
    /// davit removed it.
    Removed,
}

impl ReleaseState {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Good => "good",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for ReleaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReleaseState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Staged, Self::Good, Self::Removed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a state of a release"))
    }
}

/// A release that one can go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRelease {
    /// Its name.
    pub release: ReleaseName,
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// The commit.
    pub commit: CommitSha,
    /// The title of the request that made it.
    pub title: String,
    /// Who asked for it.
    pub by: String,
    /// When it became good (on the last of its hosts).
    pub at: Timestamp,
    /// The deployment that made it.
    pub deployment: DeploymentId,
    /// The hosts that keep it, by name.
    pub hosts: Vec<HostName>,
    /// Whether at least one host serves it.
    pub live: bool,
}

/// What a host serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// The host.
    pub host: HostName,
    /// The release.
    pub release: ReleaseName,
    /// The deployment that switched to it.
    pub deployment: DeploymentId,
    /// When.
    pub at: Timestamp,
}

/// A release that hosts of an app in an environment serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRelease {
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// The release.
    pub release: ReleaseName,
    /// The last deployment that switched to it.
    pub deployment: DeploymentId,
    /// When the last of them switched.
    pub at: Timestamp,
    /// The hosts, in no order.
    pub hosts: Vec<HostName>,
}

/// One row a release, however many hosts there are: names of hosts have no spaces.
const LIVE: &str = "SELECT app, environment, release_name, MAX(deployment_id) AS deployment_id, MAX(at) AS at,
         STRING_AGG(host, ' ') AS hosts FROM live_releases";

#[derive(sqlx::FromRow)]
struct LiveReleaseRow {
    app: String,
    environment: String,
    release_name: String,
    deployment_id: i64,
    at: i64,
    hosts: String,
}

impl LiveReleaseRow {
    fn read(self) -> Result<LiveRelease, StoreError> {
        let place = "live_releases";
        Ok(LiveRelease {
            app: parsed(place, &self.app)?,
            environment: parsed(place, &self.environment)?,
            release: parsed(place, &self.release_name)?,
            deployment: DeploymentId(self.deployment_id),
            at: Timestamp::from_millis(self.at),
            hosts: self.hosts.split(' ').map(|host| parsed(place, host)).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    release_name: String,
    host: String,
    deployment_id: i64,
    commit_sha: String,
    at: i64,
    title: String,
    created_by: String,
    live: bool,
}

#[derive(sqlx::FromRow)]
struct LiveRow {
    app: String,
    environment: String,
    host: String,
    release_name: String,
    deployment_id: i64,
    at: i64,
}

impl LiveRow {
    fn read_all(rows: Vec<Self>) -> Result<Vec<Live>, StoreError> {
        let place = "live_releases";
        let mut live = rows
            .into_iter()
            .map(|row| {
                Ok(Live {
                    app: parsed(place, &row.app)?,
                    environment: parsed(place, &row.environment)?,
                    host: parsed(place, &row.host)?,
                    release: parsed(place, &row.release_name)?,
                    deployment: DeploymentId(row.deployment_id),
                    at: Timestamp::from_millis(row.at),
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        // Sorted here: PostgreSQL's collation would put the names in another order than SQLite's.
        live.sort_by(|a, b| (&a.app, &a.environment, &a.host).cmp(&(&b.app, &b.environment, &b.host)));
        Ok(live)
    }
}

impl Store {
    /// The good releases of an app in an environment that at least one host keeps, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn kept_releases(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Vec<KeptRelease>, StoreError> {
        let sql = "SELECT r.release_name, r.host, r.deployment_id, r.commit_sha, r.at, q.title, q.created_by,
                 l.host IS NOT NULL AS live
             FROM releases r
             JOIN deployments d ON d.id = r.deployment_id
             JOIN requests q ON q.id = d.request_id
             LEFT JOIN live_releases l ON l.app = r.app AND l.environment = r.environment AND l.host = r.host
                 AND l.release_name = r.release_name
             WHERE r.app = $1 AND r.environment = $2 AND r.state = 'good'
             ORDER BY r.deployment_id DESC";
        let rows: Vec<KeptRow> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_all(p).await)?;
        gather(rows, app, environment)
    }

    /// Every release of an app that davit ever put on a host, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_releases(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        host: &HostName,
    ) -> Result<Vec<(ReleaseName, ReleaseState)>, StoreError> {
        let sql = "SELECT release_name, state FROM releases WHERE app = $1 AND environment = $2 AND host = $3
             ORDER BY deployment_id DESC";
        let rows: Vec<(String, String)> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str()).bind(host.as_str())
            .fetch_all(p).await)?;
        rows.into_iter()
            .map(|(release, state)| Ok((parsed("releases", &release)?, parsed("releases", &state)?)))
            .collect()
    }

    /// What the hosts of an app in an environment serve, by host.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live(&self, app: &AppKey, environment: &EnvironmentKey) -> Result<Vec<Live>, StoreError> {
        let sql = "SELECT app, environment, host, release_name, deployment_id, at FROM live_releases
             WHERE app = $1 AND environment = $2";
        LiveRow::read_all(on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_all(p).await)?)
    }

    /// What is live in these places, by app and environment; the release that a host switched to last comes first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_within(&self, places: &Places) -> Result<Vec<LiveRelease>, StoreError> {
        let rows: Vec<LiveReleaseRow> = on_read!(&self.db, p => Select::new(LIVE)
            .within("app", "environment", Some(places))
            .grouped_by("app, environment, release_name")
            .build_query_as().fetch_all(p).await)?;
        let mut live = rows.into_iter().map(LiveReleaseRow::read).collect::<Result<Vec<_>, _>>()?;
        // Sorted here: PostgreSQL's collation would put the names in another order than SQLite's.
        live.sort_by(|a, b| {
            let newest = (b.at, b.deployment).cmp(&(a.at, a.deployment));
            (&a.app, &a.environment).cmp(&(&b.app, &b.environment)).then(newest)
        });
        Ok(live)
    }
}

impl Tx {
    /// Notes what became of a release on a host. The deployment and commit that are noted first stay.
    ///
    /// # Errors
    /// `Conflict` when there is no such deployment.
    #[expect(clippy::too_many_arguments, reason = "a row of the table, each value of a type of its own")]
    pub async fn record_release(
        &mut self,
        release: &ReleaseName,
        host: &HostName,
        app: &AppKey,
        environment: &EnvironmentKey,
        deployment: DeploymentId,
        commit: &CommitSha,
        state: ReleaseState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO releases (release_name, host, app, environment, deployment_id, commit_sha, state, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (release_name, host) DO UPDATE SET state = excluded.state, at = excluded.at";
        on_tx!(self, c => sqlx::query(sql)
            .bind(release.as_str())
            .bind(host.as_str())
            .bind(app.as_str())
            .bind(environment.as_str())
            .bind(deployment.0)
            .bind(commit.as_str())
            .bind(state.as_str())
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes that a release no longer lies on a host.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mark_release_removed(
        &mut self,
        release: &ReleaseName,
        host: &HostName,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE releases SET state = $3, at = $4 WHERE release_name = $1 AND host = $2";
        on_tx!(self, c => sqlx::query(sql)
            .bind(release.as_str())
            .bind(host.as_str())
            .bind(ReleaseState::Removed.as_str())
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes what a host serves from now on.
    ///
    /// # Errors
    /// `Conflict` when there is no such deployment.
    pub async fn set_live(
        &mut self,
        app: &AppKey,
        environment: &EnvironmentKey,
        host: &HostName,
        release: &ReleaseName,
        deployment: DeploymentId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO live_releases (app, environment, host, release_name, deployment_id, at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (app, environment, host) DO UPDATE SET release_name = excluded.release_name,
                 deployment_id = excluded.deployment_id, at = excluded.at";
        on_tx!(self, c => sqlx::query(sql)
            .bind(app.as_str())
            .bind(environment.as_str())
            .bind(host.as_str())
            .bind(release.as_str())
            .bind(deployment.0)
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes that a host serves nothing of an app.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clear_live(
        &mut self,
        app: &AppKey,
        environment: &EnvironmentKey,
        host: &HostName,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM live_releases WHERE app = $1 AND environment = $2 AND host = $3";
        on_tx!(self, c => sqlx::query(sql)
            .bind(app.as_str()).bind(environment.as_str()).bind(host.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}

/// One release from the rows of its hosts, which follow each other.
fn gather(rows: Vec<KeptRow>, app: &AppKey, environment: &EnvironmentKey) -> Result<Vec<KeptRelease>, StoreError> {
    let mut kept: Vec<KeptRelease> = Vec::new();
    for row in rows {
        let host: HostName = parsed("releases", &row.host)?;
        let at = Timestamp::from_millis(row.at);
        match kept.last_mut() {
            Some(release) if release.release.as_str() == row.release_name => {
                release.hosts.push(host);
                release.live |= row.live;
                release.at = release.at.max(at);
            }
            Some(_) | None => kept.push(KeptRelease {
                release: parsed("releases", &row.release_name)?,
                app: app.clone(),
                environment: environment.clone(),
                commit: parsed("releases", &row.commit_sha)?,
                title: row.title,
                by: row.created_by,
                at,
                deployment: DeploymentId(row.deployment_id),
                hosts: vec![host],
                live: row.live,
            }),
        }
    }
    for release in &mut kept {
        release.hosts.sort();
    }
    Ok(kept)
}
