//! Builds that are kept and files that people uploaded. Their contents lie in the data directory, named by digest.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, parsed, storable};
use davit_domain::ids::{AppKey, CommitSha};
use davit_domain::time::Timestamp;

/// Where a build came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuildSource {
    /// A checkout, server hooks and the filter.
    Git,
    /// An archive that somebody uploaded.
    Upload,
}

impl BuildSource {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Upload => "upload",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Git, Self::Upload].into_iter().find(|source| source.as_str() == text)
    }
}

/// A kept build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRow {
    /// Its number: what people name it by.
    pub id: i64,
    /// The app it was made for.
    pub app: AppKey,
    /// From what it was made: equal keys give equal builds.
    pub key: String,
    /// Its content: the name of its directory.
    pub digest: String,
    /// Where it came from.
    pub source: BuildSource,
    /// The commit; of an upload, the first 40 digits of its digest.
    pub commit: CommitSha,
    /// A line for people.
    pub title: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was last wanted.
    pub used_at: Timestamp,
    /// Regular files.
    pub files: i64,
    /// Bytes of its archive.
    pub bytes: i64,
}

/// A build to be kept. Fields as in [`BuildRow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBuild {
    /// The app it was made for.
    pub app: AppKey,
    /// From what it was made.
    pub key: String,
    /// Its content.
    pub digest: String,
    /// Where it came from.
    pub source: BuildSource,
    /// The commit.
    pub commit: CommitSha,
    /// A line for people.
    pub title: String,
    /// Who made it.
    pub created_by: String,
    /// Regular files.
    pub files: i64,
    /// Bytes of its archive.
    pub bytes: i64,
}

/// An uploaded file for transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// Its number.
    pub id: i64,
    /// The app it is for.
    pub app: AppKey,
    /// The name that transfers use.
    pub name: String,
    /// BLAKE3 of its content: the name of its file.
    pub digest: String,
    /// Its size.
    pub bytes: i64,
    /// Who uploaded it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    app: String,
    build_key: String,
    digest: String,
    source: String,
    commit_sha: String,
    title: String,
    created_by: String,
    created_at: i64,
    used_at: i64,
    files: i64,
    bytes: i64,
}

impl Row {
    fn read(self) -> Result<BuildRow, StoreError> {
        let place = format!("builds {}", self.id);
        Ok(BuildRow {
            id: self.id,
            app: parsed(&place, &self.app)?,
            key: self.build_key,
            digest: self.digest,
            source: known(&place, &self.source, BuildSource::parse(&self.source))?,
            commit: parsed(&place, &self.commit_sha)?,
            title: self.title,
            created_by: self.created_by,
            created_at: Timestamp::from_millis(self.created_at),
            used_at: Timestamp::from_millis(self.used_at),
            files: self.files,
            bytes: self.bytes,
        })
    }
}

#[derive(sqlx::FromRow)]
struct UploadDbRow {
    id: i64,
    app: String,
    name: String,
    digest: String,
    bytes: i64,
    created_by: String,
    created_at: i64,
}

impl UploadDbRow {
    fn read(self) -> Result<UploadRow, StoreError> {
        Ok(UploadRow {
            id: self.id,
            app: parsed("uploads", &self.app)?,
            name: self.name,
            digest: self.digest,
            bytes: self.bytes,
            created_by: self.created_by,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// `SELECT` of every column of `builds`, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, app, build_key, digest, source, commit_sha, title, created_by, created_at, used_at, files, ",
            "bytes FROM builds ",
            $rest
        )
    };
}

impl Store {
    /// The build that was made from this.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn build_by_key(&self, app: &AppKey, key: &str) -> Result<Option<BuildRow>, StoreError> {
        let sql = select!("WHERE app = $1 AND build_key = $2");
        let row: Option<Row> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(app.as_str()).bind(key).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// A build by its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn build(&self, id: i64) -> Result<Option<BuildRow>, StoreError> {
        let sql = select!("WHERE id = $1");
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The newest build of an app with this content.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn build_by_digest(&self, app: &AppKey, digest: &str) -> Result<Option<BuildRow>, StoreError> {
        let sql = select!("WHERE app = $1 AND digest = $2 ORDER BY id DESC LIMIT 1");
        let row: Option<Row> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(app.as_str()).bind(digest).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The builds of an app (`None`: of all), newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn builds(&self, app: Option<&AppKey>, limit: i64) -> Result<Vec<BuildRow>, StoreError> {
        let sql = select!("WHERE $1 IS NULL OR app = $1 ORDER BY id DESC LIMIT $2");
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(app.map(AppKey::as_str)).bind(limit).fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Digests that must stay: those of releases that a host keeps, of requests that are not over, and of deployments
    /// that have not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn wanted_builds(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT digest FROM (
                 SELECT d.build_digest AS digest FROM releases r JOIN deployments d ON d.id = r.deployment_id
                     WHERE r.state <> 'removed'
                 UNION SELECT build_digest FROM deployments WHERE finished_at IS NULL
                 UNION SELECT build_digest FROM requests
                     WHERE state IN ('awaiting_review', 'awaiting_release', 'releasing', 'failed')
             ) AS wanted WHERE digest IS NOT NULL";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?)
    }

    /// The newest upload of an app under this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_upload(&self, app: &AppKey, name: &str) -> Result<Option<UploadRow>, StoreError> {
        let sql = "SELECT id, app, name, digest, bytes, created_by, created_at FROM uploads
             WHERE app = $1 AND name = $2 ORDER BY id DESC LIMIT 1";
        let row: Option<UploadDbRow> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(app.as_str()).bind(name).fetch_optional(p).await)?;
        row.map(UploadDbRow::read).transpose()
    }

    /// The uploads of an app, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn uploads(&self, app: &AppKey, limit: i64) -> Result<Vec<UploadRow>, StoreError> {
        let sql = "SELECT id, app, name, digest, bytes, created_by, created_at FROM uploads
             WHERE app = $1 ORDER BY id DESC LIMIT $2";
        let rows: Vec<UploadDbRow> =
            on_read!(&self.db, p => sqlx::query_as(sql).bind(app.as_str()).bind(limit).fetch_all(p).await)?;
        rows.into_iter().map(UploadDbRow::read).collect()
    }
}

impl Tx {
    /// Keeps a build; one with this key takes the new content. Returns its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_build(&mut self, new: &NewBuild, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "INSERT INTO builds (app, build_key, digest, source, commit_sha, title, created_by, created_at,
                 used_at, files, bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
             ON CONFLICT (app, build_key) DO UPDATE SET digest = excluded.digest, used_at = excluded.used_at,
                 files = excluded.files, bytes = excluded.bytes
             RETURNING id";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.app.as_str())
            .bind(new.key.as_str())
            .bind(new.digest.as_str())
            .bind(new.source.as_str())
            .bind(new.commit.as_str())
            .bind(storable(&new.title).as_ref())
            .bind(new.created_by.as_str())
            .bind(now.millis())
            .bind(new.files)
            .bind(new.bytes)
            .fetch_one(&mut **c).await)?)
    }

    /// Notes that a build was wanted again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch_build(&mut self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE builds SET used_at = $2 WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id).bind(now.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets a build. Its files are the caller's to remove, when no other row has its digest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_build(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM builds WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes an uploaded file and returns its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_upload(
        &mut self,
        app: &AppKey,
        name: &str,
        digest: &str,
        bytes: i64,
        by: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = "INSERT INTO uploads (app, name, digest, bytes, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(app.as_str()).bind(name).bind(digest).bind(bytes).bind(by).bind(now.millis())
            .fetch_one(&mut **c).await)?)
    }
}
