//! Caches of repositories: files that make later jobs faster, and that no job may rely on.
//!
//! Whose caches a job may read: those of its own branch, tag or change, then those of the branch that its change goes
//! to, then those of the default branch; never those of another branch or change. It writes to its own alone, so that
//! nothing a change does reaches the jobs of others before it is merged.

use super::event::Subject;
use super::kept::{Keeper, Purpose};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::RepositorySettings;
use davit_domain::ids::{CacheId, ForgeId};
use davit_runner::ServiceError;
use davit_store::ci_caches::{Cache, CacheQuery, NewCache};
use davit_store::ci_runs::Run;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

impl Engine {
    /// Removes a cache.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number (any more).
    pub async fn delete_cache(&self, id: CacheId, by: &str) -> Result<(), EngineError> {
        let missing = || EngineError::NotFound(format!("there is no cache {id} any more"));
        let cache = self.store().cache(id).await?.ok_or_else(missing)?;
        let mut tx = self.store().begin().await?;
        let path = tx.remove_cache(id).await?.ok_or_else(missing)?;
        let detail = serde_json::json!({ "key": cache.key, "ref": cache.git_ref, "size": cache.size });
        self.feed(&mut tx, by, "cache_deleted", &format!("{}/{}", cache.forge, cache.repository), detail).await?;
        tx.commit().await?;
        Keeper::of(self).discard(vec![path]).await;
        Ok(())
    }
}

/// The best cache for a job of this run: its key and its file.
pub(super) async fn restore(
    engine: &Engine,
    settings: &RepositorySettings,
    run: &Run,
    key: &str,
    restore_keys: &[String],
    version: &str,
) -> Result<Option<(String, PathBuf)>, ServiceError> {
    let keeper = Keeper::of(engine);
    let Some(own) = run.git_ref.as_deref() else { return Ok(None) };
    let subject = subject(engine, run).await.map_err(failed)?;
    let base = subject.as_ref().map(|subject| subject.base_ref.as_str()).filter(|base| !base.is_empty());
    let told = subject.as_ref().and_then(|subject| default_branch(&subject.event));
    let refs = readable(own, base, told);
    let query = CacheQuery { forge: &run.forge, repository: &run.repository, refs: &refs, key, restore_keys, version };
    let found = keeper.restore_cache(&query).await.map_err(failed)?;
    if found.is_some() || told.is_some() {
        return Ok(found);
    }
    // Nobody said what the default branch is: its remote knows.
    match remote_default(engine, settings).await {
        Ok(Some(branch)) if !refs.contains(&full(&branch)) => {
            keeper.restore_cache(&CacheQuery { refs: &[full(&branch)], ..query }).await.map_err(failed)
        }
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::warn!(%error, repository = settings.name, "the default branch is not known, so its caches are not used");
            Ok(None)
        }
    }
}

/// Keeps a file as a cache of the run's own branch, tag or change. False: it has one with this key.
pub(super) async fn save(
    engine: &Engine,
    settings: &RepositorySettings,
    run: &Run,
    key: &str,
    version: &str,
    file: &Path,
) -> Result<bool, ServiceError> {
    Keeper::of(engine).save_cache(settings.cache_size, run, key, version, file).await
}

impl Keeper {
    /// What is missing or damaged on the disk is forgotten, and the next best taken.
    pub(super) async fn restore_cache(&self, query: &CacheQuery<'_>) -> Result<Option<(String, PathBuf)>, EngineError> {
        while let Some(cache) = self.store.find_cache(query).await? {
            if let Some(file) = self.hand_out(&cache.path, &cache.sha256).await? {
                self.store.touch_cache(cache.id, self.clock.now()).await?;
                return Ok(Some((cache.key, file)));
            }
            self.forget_cache(&cache).await?;
        }
        Ok(None)
    }

    pub(super) async fn save_cache(
        &self,
        most: u64,
        run: &Run,
        key: &str,
        version: &str,
        file: &Path,
    ) -> Result<bool, ServiceError> {
        let Some(git_ref) = run.git_ref.clone() else { return Ok(false) };
        let known = self.store.has_cache(&run.forge, &run.repository, &git_ref, key, version).await;
        if known.map_err(|error| failed(error.into()))? {
            return Ok(false);
        }
        let size = tokio::fs::metadata(file).await.map_err(|error| ServiceError::Failed(error.to_string()))?.len();
        if size > most {
            return Err(ServiceError::Refused(format!(
                "the cache `{key}` is not kept: it has {size} bytes, and all caches of the repository together may have \
                 {most} (`cache_size`)"
            )));
        }
        let kept = self.take_in(Purpose::Caches, file).await.map_err(failed)?;
        let new = NewCache {
            forge: run.forge.clone(),
            repository: run.repository.clone(),
            git_ref,
            key: key.to_owned(),
            version: version.to_owned(),
            size: kept.size,
            sha256: kept.sha256.clone(),
            path: kept.path.clone(),
            created_at: self.clock.now(),
        };
        let written = async {
            let mut tx = self.store.begin().await?;
            let written = tx.insert_cache(&new).await?;
            tx.commit().await?;
            Ok::<_, EngineError>(written.is_some())
        };
        // When the commit may have worked without our knowing, the sweep decides by the rows what becomes of the file.
        let written = written.await.map_err(failed)?;
        if !written {
            self.throw_away(&kept).await;
        }
        self.shrink_caches(&run.forge, &run.repository, most).await.map_err(failed)?;
        Ok(written)
    }

    /// Removes what was used longest ago, until the caches of a repository are at most this large. Returns how many.
    pub(super) async fn shrink_caches(
        &self,
        forge: &ForgeId,
        repository: &str,
        most: u64,
    ) -> Result<usize, EngineError> {
        let gone = self.store.caches_over(forge, repository, most).await?;
        for cache in &gone {
            self.forget_cache(cache).await?;
        }
        Ok(gone.len())
    }

    async fn forget_cache(&self, cache: &Cache) -> Result<(), EngineError> {
        let mut tx = self.store.begin().await?;
        let path = tx.remove_cache(cache.id).await?;
        tx.commit().await?;
        self.discard(path.into_iter().collect()).await;
        Ok(())
    }
}

/// The refs whose caches a job may read, the preferred ones first. `own` is in full, the branches are not.
fn readable(own: &str, base: Option<&str>, default: Option<&str>) -> Vec<String> {
    let mut refs = vec![own.to_owned()];
    for branch in [base, default].into_iter().flatten().map(full) {
        if !refs.contains(&branch) {
            refs.push(branch);
        }
    }
    refs
}

fn full(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
}

async fn subject(engine: &Engine, run: &Run) -> Result<Option<Subject>, EngineError> {
    let plan = engine.store().run_plan(run.id).await?;
    Ok(plan.and_then(|plan| serde_json::from_value(plan.event).ok()))
}

/// The default branch, where the forge's payload names it.
fn default_branch(event: &serde_json::Value) -> Option<&str> {
    ["/repository/default_branch", "/project/default_branch"]
        .iter()
        .find_map(|place| event.pointer(place)?.as_str())
        .filter(|branch| !branch.is_empty())
}

async fn remote_default(engine: &Engine, settings: &RepositorySettings) -> Result<Option<String>, EngineError> {
    let mirror = engine.repository_mirror(settings).await?;
    Ok(mirror.default_branch(&nobody_listens(), &CancellationToken::new()).await?)
}

fn failed(error: EngineError) -> ServiceError {
    ServiceError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::kept::IN_USE;
    use super::super::kept::tests::{Place, hub, read};
    use super::*;
    use serde_json::json;

    const MOST: u64 = 1000;

    async fn save(place: &Place, git_ref: &str, key: &str, content: &str) -> Result<bool, ServiceError> {
        let run = place.run(git_ref).await;
        place.keeper.save_cache(MOST, &run, key, "v1", &place.file(content)).await
    }

    async fn restore(place: &Place, refs: &[String], key: &str, restore_keys: &[&str]) -> Option<(String, String)> {
        let restore_keys: Vec<String> = restore_keys.iter().map(|key| (*key).to_owned()).collect();
        let (forge, restore_keys) = (hub(), restore_keys.as_slice());
        let query = CacheQuery { forge: &forge, repository: "acme/shop", refs, key, restore_keys, version: "v1" };
        let found = place.keeper.restore_cache(&query).await.expect("reads");
        found.map(|(key, file)| (key, read(&file)))
    }

    fn found(key: &str, content: &str) -> Option<(String, String)> {
        Some((key.to_owned(), content.to_owned()))
    }

    #[test]
    fn a_job_reads_its_own_then_the_base_then_the_default_branch() {
        assert_eq!(readable("refs/heads/work", None, Some("main")), ["refs/heads/work", "refs/heads/main"]);
        assert_eq!(readable("refs/heads/main", None, Some("main")), ["refs/heads/main"]);
        assert_eq!(
            readable("refs/pull/7/head", Some("next"), Some("main")),
            ["refs/pull/7/head", "refs/heads/next", "refs/heads/main"]
        );
        assert_eq!(
            readable("refs/pull/7/head", Some("refs/heads/main"), Some("main")),
            ["refs/pull/7/head", "refs/heads/main"]
        );
        assert_eq!(readable("refs/tags/v1", None, None), ["refs/tags/v1"]);
        assert_eq!(default_branch(&json!({ "repository": { "default_branch": "main" } })), Some("main"));
        assert_eq!(default_branch(&json!({ "repository": {}, "project": { "default_branch": "dev" } })), Some("dev"));
        assert_eq!(default_branch(&json!({ "repository": { "default_branch": "" } })), None);
    }

    #[tokio::test]
    async fn what_a_change_keeps_is_seen_by_no_other_job() {
        let place = Place::new().await;
        assert!(save(&place, "refs/heads/main", "deps-1", "main").await.expect("is kept"));
        assert!(save(&place, "refs/pull/7/head", "deps-2", "fork").await.expect("is kept"));
        let (change, push) =
            (readable("refs/pull/7/head", Some("main"), None), readable("refs/heads/main", None, None));
        assert_eq!(restore(&place, &change, "deps-2", &["deps-"]).await, found("deps-2", "fork"));
        assert_eq!(restore(&place, &push, "deps-2", &["deps-"]).await, found("deps-1", "main"));
        let other = readable("refs/pull/8/head", Some("main"), Some("main"));
        assert_eq!(restore(&place, &other, "deps-2", &["deps-"]).await, found("deps-1", "main"));
        assert_eq!(restore(&place, &other, "deps-2", &[]).await, None);
        assert_eq!(restore(&place, &other, "deps-1", &[]).await, found("deps-1", "main"), "and the base's exactly");
    }

    #[tokio::test]
    async fn a_key_is_kept_once() {
        let place = Place::new().await;
        assert!(save(&place, "refs/heads/main", "deps", "first").await.expect("is kept"));
        assert!(!save(&place, "refs/heads/main", "deps", "second").await.expect("is there"));
        assert!(save(&place, "refs/heads/work", "deps", "third").await.expect("is another branch's"));
        assert_eq!(place.kept(Purpose::Caches).len(), 2);
        let refs = readable("refs/heads/main", None, None);
        assert_eq!(restore(&place, &refs, "deps", &[]).await, found("deps", "first"));
    }

    #[tokio::test]
    async fn a_damaged_cache_is_forgotten_and_the_next_best_taken() {
        let place = Place::new().await;
        save(&place, "refs/heads/main", "deps-1", "old").await.expect("is kept");
        place.pass(IN_USE);
        save(&place, "refs/heads/main", "deps-2", "new").await.expect("is kept");
        let caches = place.keeper.store.caches(&hub(), "acme/shop").await.expect("reads");
        std::fs::write(place.keeper.data_dir.join(&caches[0].path), "bad").expect("writes");
        let refs = readable("refs/heads/main", None, None);
        assert_eq!(restore(&place, &refs, "deps-", &[]).await, found("deps-1", "old"));
        assert_eq!(place.keeper.store.cache(caches[0].id).await.expect("reads"), None);
        std::fs::remove_file(place.keeper.data_dir.join(&caches[1].path)).expect("removes");
        assert_eq!(restore(&place, &refs, "deps-", &[]).await, None);
    }

    #[tokio::test]
    async fn what_was_used_longest_ago_makes_room() {
        let place = Place::new().await;
        let refs = readable("refs/heads/main", None, None);
        let big = "x".repeat(400);
        for key in ["one", "two"] {
            save(&place, "refs/heads/main", key, &big).await.expect("is kept");
            place.pass(IN_USE);
        }
        restore(&place, &refs, "one", &[]).await.expect("is there");
        place.pass(IN_USE);
        save(&place, "refs/heads/main", "three", &big).await.expect("is kept");
        assert_eq!(restore(&place, &refs, "two", &[]).await, None);
        assert!(restore(&place, &refs, "one", &[]).await.is_some());
        assert_eq!(place.kept(Purpose::Caches).len(), 2, "its file is gone too");
        match save(&place, "refs/heads/main", "huge", &"x".repeat(1001)).await {
            Err(ServiceError::Refused(sentence)) => assert!(sentence.contains("cache_size"), "{sentence}"),
            other => panic!("{other:?}"),
        }
        assert!(restore(&place, &refs, "one", &[]).await.is_some(), "nothing had to go for it");
    }

    #[tokio::test]
    async fn a_file_that_somebody_was_just_given_outlives_its_row() {
        let place = Place::new().await;
        save(&place, "refs/heads/main", "deps", "content").await.expect("is kept");
        let cache = place.keeper.store.caches(&hub(), "acme/shop").await.expect("reads").remove(0);
        place.pass(IN_USE * 5);
        let file = place.keeper.hand_out(&cache.path, &cache.sha256).await.expect("reads").expect("is there");
        assert_eq!(place.keeper.shrink_caches(&hub(), "acme/shop", 0).await.expect("shrinks"), 1);
        assert_eq!(read(&file), "content");
        place.pass(IN_USE);
        assert_eq!(place.keeper.sweep(Purpose::Caches).await.expect("sweeps"), 1);
        assert!(!file.exists());
    }
}
