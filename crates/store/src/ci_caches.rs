//! Caches of repositories: one row a file, never changed once written. The files are the engine's; a row is written
//! after its file and removed before it, so that what a row names is there.

use crate::{Store, StoreError, Tx, on_read, on_tx, on_write, parsed, repository_key, storable};
use davit_domain::ids::{CacheId, ForgeId};
use davit_domain::time::Timestamp;

/// A file that jobs of a repository keep for later jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Its number.
    pub id: CacheId,
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there, in lower case.
    pub repository: String,
    /// The branch, tag or change that wrote it, in full.
    pub git_ref: String,
    /// Its key.
    pub key: String,
    /// What it holds and how, as one word: a file of another version is not what was asked for.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// Of its content, in hexadecimal digits.
    pub sha256: String,
    /// Where its file is, below the data directory.
    pub path: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When a job last got it.
    pub used_at: Timestamp,
}

/// A cache before it has a number. Fields as in [`Cache`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCache {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there.
    pub repository: String,
    /// The branch, tag or change that writes it, in full.
    pub git_ref: String,
    /// Its key.
    pub key: String,
    /// What it holds and how, as one word.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// Of its content, in hexadecimal digits.
    pub sha256: String,
    /// Where its file is, below the data directory.
    pub path: String,
    /// When.
    pub created_at: Timestamp,
}

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheQuery<'a> {
    /// The forge.
    pub forge: &'a ForgeId,
    /// `owner/name` there.
    pub repository: &'a str,
    /// Whose caches it may read, in full, the preferred ones first.
    pub refs: &'a [String],
    /// The key it wants.
    pub key: &'a str,
    /// What keys may begin with instead, the preferred ones first.
    pub restore_keys: &'a [String],
    /// The version it can use.
    pub version: &'a str,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, forge, repository, git_ref, key, version, size, sha256, path, created_at, used_at FROM ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    forge: String,
    repository: String,
    git_ref: String,
    key: String,
    version: String,
    size: i64,
    sha256: String,
    path: String,
    created_at: i64,
    used_at: i64,
}

impl Row {
    fn read(self) -> Result<Cache, StoreError> {
        Ok(Cache {
            id: CacheId(self.id),
            forge: parsed(&format!("ci_caches {}", self.id), &self.forge)?,
            repository: self.repository,
            git_ref: self.git_ref,
            key: self.key,
            version: self.version,
            size: u64::try_from(self.size).unwrap_or(0),
            sha256: self.sha256,
            path: self.path,
            created_at: Timestamp::from_millis(self.created_at),
            used_at: Timestamp::from_millis(self.used_at),
        })
    }
}

impl Store {
    /// A cache.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cache(&self, id: CacheId) -> Result<Option<Cache>, StoreError> {
        let sql = select!("ci_caches WHERE id = $1");
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The caches of a repository, the one used last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn caches(&self, forge: &ForgeId, repository: &str) -> Result<Vec<Cache>, StoreError> {
        let sql = select!("ci_caches WHERE forge = $1 AND repository = $2 ORDER BY used_at DESC, id DESC");
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str())
            .fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The best cache for a job: of the first ref that has one the very key, else the newest whose key begins with the
    /// key, else with the first restore key that fits anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_cache(&self, query: &CacheQuery<'_>) -> Result<Option<Cache>, StoreError> {
        let sql = select!(
            "ci_caches WHERE forge = $1 AND repository = $2 AND git_ref = $3 AND version = $4
                 AND SUBSTR(key, 1, LENGTH($5)) = $5
             ORDER BY CASE WHEN key = $6 THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1"
        );
        let repository = repository_key(query.repository);
        for git_ref in query.refs {
            for prefix in std::iter::once(query.key).chain(query.restore_keys.iter().map(String::as_str)) {
                let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql)
                    .bind(query.forge.as_str())
                    .bind(repository.as_str())
                    .bind(storable(git_ref).as_ref())
                    .bind(query.version)
                    .bind(storable(prefix).as_ref())
                    .bind(storable(query.key).as_ref())
                    .fetch_optional(p).await)?;
                if let Some(row) = row {
                    return row.read().map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Whether this ref has a cache with this key and version.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_cache(
        &self,
        forge: &ForgeId,
        repository: &str,
        git_ref: &str,
        key: &str,
        version: &str,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM ci_caches
             WHERE forge = $1 AND repository = $2 AND git_ref = $3 AND key = $4 AND version = $5";
        let found: Option<i32> = on_read!(&self.db, p => sqlx::query_scalar(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(storable(git_ref).as_ref())
            .bind(storable(key).as_ref())
            .bind(version)
            .fetch_optional(p).await)?;
        Ok(found.is_some())
    }

    /// The caches of a repository that must go so that the rest is at most `bytes`: those used longest ago, in that
    /// order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn caches_over(&self, forge: &ForgeId, repository: &str, bytes: u64) -> Result<Vec<Cache>, StoreError> {
        let mut room = bytes;
        let mut fits = |cache: &Cache| match room.checked_sub(cache.size) {
            Some(left) => {
                room = left;
                true
            }
            None => {
                room = 0;
                false
            }
        };
        let caches = self.caches(forge, repository).await?;
        let kept = caches.iter().take_while(|cache| fits(cache)).count();
        Ok(caches.into_iter().skip(kept).rev().collect())
    }

    /// Notes that a job got a cache.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch_cache(&self, id: CacheId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE ci_caches SET used_at = $2 WHERE id = $1 AND used_at < $2";
        on_write!(&self.db, p => sqlx::query(sql).bind(id.0).bind(at.millis()).execute(p).await.map(drop))?;
        Ok(())
    }

    /// Where the files of all caches are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cache_paths(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT path FROM ci_caches";
        Ok(on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?)
    }

    /// The repositories that have caches, in lower case.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cached_repositories(&self) -> Result<Vec<(ForgeId, String)>, StoreError> {
        let sql = "SELECT DISTINCT forge, repository FROM ci_caches ORDER BY forge, repository";
        let rows: Vec<(String, String)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.into_iter().map(|(forge, repository)| Ok((parsed("ci_caches", &forge)?, repository))).collect()
    }
}

impl Tx {
    /// Writes down a cache. `None`: its ref has one with its key and version, and that one stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_cache(&mut self, new: &NewCache) -> Result<Option<CacheId>, StoreError> {
        let sql = "INSERT INTO ci_caches (forge, repository, git_ref, key, version, size, sha256, path, created_at,
                 used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
             ON CONFLICT (forge, repository, git_ref, key, version) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.forge.as_str())
            .bind(repository_key(&new.repository).as_str())
            .bind(storable(&new.git_ref).as_ref())
            .bind(storable(&new.key).as_ref())
            .bind(new.version.as_str())
            .bind(i64::try_from(new.size).unwrap_or(i64::MAX))
            .bind(new.sha256.as_str())
            .bind(new.path.as_str())
            .bind(new.created_at.millis())
            .fetch_optional(&mut **c).await)?;
        Ok(id.map(CacheId))
    }

    /// Removes a cache; returns where its file is. `None`: it is gone already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_cache(&mut self, id: CacheId) -> Result<Option<String>, StoreError> {
        let sql = "DELETE FROM ci_caches WHERE id = $1 RETURNING path";
        Ok(on_tx!(self, c => sqlx::query_scalar(sql).bind(id.0).fetch_optional(&mut **c).await)?)
    }
}
