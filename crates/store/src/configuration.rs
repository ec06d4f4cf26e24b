//! The declared configuration, and the numbered revisions of every release config.
//!
//! Everything but release configs is one row each, as JSON, in its order. A release config is never changed in place: every save is a new revision, and what a request pinned stays readable when the app is long gone.

mod save;

use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, parsed};
use davit_domain::config::{App, Channel, Configuration, Environment, Forge, Host, ReleaseConfig};
use davit_domain::ids::{AppKey, ChannelId, EnvironmentKey, ForgeId, HostName, RevisionId};
use davit_domain::time::Timestamp;
use serde::de::DeserializeOwned;

/// One save of a release config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its id, unique over all of them.
    pub id: RevisionId,
    /// The app.
    pub app: AppKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// 1, 2, 3, … for this app in this environment.
    pub number: i64,
    /// Who saved it.
    pub saved_by: String,
    /// When.
    pub saved_at: Timestamp,
}

/// Everything in one statement, so that a reader never sees half of an apply.
const EVERYTHING: &str = "SELECT 1 AS part, '' AS app, position, body FROM forges
    UNION ALL SELECT 2, '', position, body FROM environments
    UNION ALL SELECT 3, '', position, body FROM hosts
    UNION ALL SELECT 4, key, position, body FROM apps
    UNION ALL SELECT 5, app, position, body FROM config_revisions WHERE in_force
    UNION ALL SELECT 6, '', position, body FROM repositories
    UNION ALL SELECT 7, '', position, body FROM channels
    UNION ALL SELECT 8, '', position, body FROM identity_providers
    ORDER BY 1, 3";

#[derive(sqlx::FromRow)]
struct Part {
    part: i32,
    app: String,
    body: String,
}

#[derive(sqlx::FromRow)]
struct RevisionRow {
    id: i64,
    app: String,
    environment: String,
    number: i64,
    saved_by: String,
    saved_at: i64,
    body: String,
}

impl RevisionRow {
    fn read(self) -> Result<(Revision, ReleaseConfig), StoreError> {
        let place = format!("config_revisions {}", self.id);
        let config = from_json(&place, &self.body)?;
        let revision = Revision {
            id: RevisionId(self.id),
            app: parsed(&place, &self.app)?,
            environment: parsed(&place, &self.environment)?,
            number: self.number,
            saved_by: self.saved_by,
            saved_at: Timestamp::from_millis(self.saved_at),
        };
        Ok((revision, config))
    }
}

impl Store {
    /// The whole configuration, in the order of the file, with the release configs in force.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn configuration(&self) -> Result<Configuration, StoreError> {
        assemble(on_read!(&self.db, p => sqlx::query_as(EVERYTHING).fetch_all(p).await)?)
    }

    /// The release config in force for an app in an environment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_config(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Option<(Revision, ReleaseConfig)>, StoreError> {
        let row: Option<RevisionRow> = on_read!(&self.db, p => sqlx::query_as(IN_FORCE)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_optional(p).await)?;
        row.map(RevisionRow::read).transpose()
    }

    /// A revision, in force or not.
    ///
    /// # Errors
    /// `NotFound` when there is none with this id.
    pub async fn revision(&self, id: RevisionId) -> Result<(Revision, ReleaseConfig), StoreError> {
        let row: Option<RevisionRow> =
            on_read!(&self.db, p => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(p).await)?;
        row.ok_or_else(|| no_revision(id))?.read()
    }

    /// All revisions of an app in an environment, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revisions(&self, app: &AppKey, environment: &EnvironmentKey) -> Result<Vec<Revision>, StoreError> {
        let sql = "SELECT id, app, environment, number, saved_by, saved_at, body FROM config_revisions
             WHERE app = $1 AND environment = $2 ORDER BY number DESC";
        let rows: Vec<RevisionRow> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_all(p).await)?;
        rows.into_iter().map(|row| Ok(row.read()?.0)).collect()
    }

    /// A forge.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forge(&self, id: &ForgeId) -> Result<Option<Forge>, StoreError> {
        self.declared("SELECT body FROM forges WHERE id = $1", id.as_str()).await
    }

    /// An environment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn environment(&self, key: &EnvironmentKey) -> Result<Option<Environment>, StoreError> {
        self.declared("SELECT body FROM environments WHERE key = $1", key.as_str()).await
    }

    /// A host.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn host(&self, name: &HostName) -> Result<Option<Host>, StoreError> {
        self.declared("SELECT body FROM hosts WHERE name = $1", name.as_str()).await
    }

    /// A channel.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn channel(&self, id: &ChannelId) -> Result<Option<Channel>, StoreError> {
        self.declared("SELECT body FROM channels WHERE id = $1", id.as_str()).await
    }

    /// An app with its release configs in force.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn app(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        let sql = "SELECT 4 AS part, key AS app, position, body FROM apps WHERE key = $1
            UNION ALL SELECT 5, app, position, body FROM config_revisions WHERE app = $1 AND in_force
            ORDER BY 1, 3";
        let parts = on_read!(&self.db, p => sqlx::query_as(sql).bind(key.as_str()).fetch_all(p).await)?;
        Ok(assemble(parts)?.apps.pop())
    }

    async fn declared<T: DeserializeOwned>(&self, sql: &'static str, key: &str) -> Result<Option<T>, StoreError> {
        let body: Option<String> = on_read!(&self.db, p => sqlx::query_scalar(sql).bind(key).fetch_optional(p).await)?;
        body.map(|body| from_json(key, &body)).transpose()
    }
}

const BY_ID: &str = "SELECT id, app, environment, number, saved_by, saved_at, body FROM config_revisions WHERE id = $1";

const IN_FORCE: &str = "SELECT id, app, environment, number, saved_by, saved_at, body FROM config_revisions
     WHERE app = $1 AND environment = $2 AND in_force";

impl Tx {
    /// The whole configuration. From here to the end of the transaction nobody else can change it: two applies follow
    /// each other.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn configuration(&mut self) -> Result<Configuration, StoreError> {
        self.lock_configuration().await?;
        assemble(on_tx!(self, c => sqlx::query_as(EVERYTHING).fetch_all(&mut **c).await)?)
    }

    /// The whole configuration as it is now; somebody else may change it meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read_configuration(&mut self) -> Result<Configuration, StoreError> {
        assemble(on_tx!(self, c => sqlx::query_as(EVERYTHING).fetch_all(&mut **c).await)?)
    }

    /// The release config in force for an app in an environment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revision_in_force(
        &mut self,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Option<(Revision, ReleaseConfig)>, StoreError> {
        let row: Option<RevisionRow> = on_tx!(self, c => sqlx::query_as(IN_FORCE)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_optional(&mut **c).await)?;
        row.map(RevisionRow::read).transpose()
    }

    /// As [`Store::revision`], in this transaction.
    ///
    /// # Errors
    /// When there is none, or the database does not answer.
    pub async fn revision(&mut self, id: RevisionId) -> Result<(Revision, ReleaseConfig), StoreError> {
        let row: Option<RevisionRow> =
            on_tx!(self, c => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| no_revision(id))?.read()
    }

    /// Keeps every other change of the configuration out until the transaction ends.
    pub(crate) async fn lock_configuration(&mut self) -> Result<(), StoreError> {
        self.lock("configuration").await
    }
}

fn assemble(parts: Vec<Part>) -> Result<Configuration, StoreError> {
    let mut whole = Configuration::default();
    for Part { part, app, body } in parts {
        match part {
            1 => whole.forges.push(from_json("forges", &body)?),
            2 => whole.environments.push(from_json("environments", &body)?),
            3 => whole.hosts.push(from_json("hosts", &body)?),
            4 => whole.apps.push(from_json(&format!("apps {app}"), &body)?),
            6 => whole.repositories.push(from_json("repositories", &body)?),
            7 => whole.channels.push(from_json("channels", &body)?),
            8 => whole.identities.push(from_json("identity_providers", &body)?),
            _ => {
                let release = from_json(&format!("config_revisions of {app}"), &body)?;
                // A revision is in force only while its app is declared; `save` sees to it.
                if let Some(app) = whole.apps.iter_mut().find(|declared| declared.key.as_str() == app) {
                    app.releases.push(release);
                }
            }
        }
    }
    Ok(whole)
}

fn no_revision(id: RevisionId) -> StoreError {
    StoreError::NotFound(format!("config revision {id}"))
}
