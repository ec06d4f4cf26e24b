//! Takes away what nobody needs any more: builds, caches of apps that are gone, leftovers of interrupted work.
//!
//! A build stays while a kept release, an open request or a running deployment needs it, while it is one of the newest
//! of its app, and for an hour after its last use: whoever looked it up has told the tables by then.

use super::{GONE, Shelf, UPLOAD, discard, is_digest, on_disk, remove_tree};
use crate::{Engine, EngineError};
use davit_domain::ids::DeploymentId;
use davit_domain::time::Timestamp;
use davit_store::builds::BuildRow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;
use std::{fs, io};

/// The newest builds of an app stay, used or not.
const NEWEST: usize = 10;
/// What was used so lately may be about to be used again.
const LATELY: Duration = Duration::from_secs(3600);
const EVERY: Duration = Duration::from_secs(600);

/// Looks, unless it has looked a short while ago. The first look after a start clears up what a crash left.
///
/// # Errors
/// When the store does not answer or the disk refuses; the next look tries again.
pub(crate) async fn sweep(engine: &Engine) -> Result<(), EngineError> {
    if !engine.shelf().is_sweep_due(engine.now()) {
        return Ok(());
    }
    builds(engine).await?;
    work(engine).await?;
    caches(engine).await
}

impl Shelf {
    fn is_sweep_due(&self, now: Timestamp) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not stop the sweep.
        let due = swept.is_none_or(|last| last > now || now >= last.plus(EVERY));
        if due {
            *swept = Some(now);
        }
        due
    }
}

/// Rows first, then the directories that no row names: in this order a crash leaves only what the next sweep finds.
async fn builds(engine: &Engine) -> Result<(), EngineError> {
    let (forgotten, gone) = {
        let _alone = engine.shelf().choosing.write().await;
        let rows = engine.store().builds(None, i64::MAX).await?;
        let wanted: BTreeSet<String> = engine.store().wanted_builds().await?.into_iter().collect();
        let now = engine.now();
        let stays = |row: &BuildRow| wanted.contains(&row.digest) || row.used_at.plus(LATELY) > now;
        let forgotten: Vec<BuildRow> = beyond_newest(&rows).filter(|row| !stays(row)).cloned().collect();
        if !forgotten.is_empty() {
            let mut tx = engine.store().begin().await?;
            for row in &forgotten {
                tx.forget_build(row.id).await?;
            }
            tx.commit().await?;
        }
        let ids: BTreeSet<i64> = forgotten.iter().map(|row| row.id).collect();
        let kept = rows.into_iter().filter(|row| !ids.contains(&row.id)).map(|row| row.digest);
        let named: BTreeSet<String> = kept.chain(wanted).collect();
        let dir = engine.builds_dir();
        (forgotten, on_disk(move || put_aside(&dir, &named)).await?)
    };
    if !gone.is_empty() {
        let bytes: i64 = forgotten.iter().map(|row| row.bytes).sum();
        tracing::info!(
            builds = forgotten.len(),
            directories = gone.len(),
            bytes,
            "builds that nobody needs are removed"
        );
    }
    on_disk(move || gone.iter().try_for_each(|dir| remove_tree(dir))).await
}

/// All but the newest builds of each app; `rows` are newest first.
fn beyond_newest(rows: &[BuildRow]) -> impl Iterator<Item = &BuildRow> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter().filter(move |row| {
        let count = seen.entry(row.app.as_str()).or_default();
        *count += 1;
        *count > NEWEST
    })
}

/// Renames every build that nobody names, so that it is gone for all while it is being removed.
fn put_aside(dir: &Path, named: &BTreeSet<String>) -> io::Result<Vec<PathBuf>> {
    let mut gone = Vec::new();
    for name in names(dir)? {
        let path = dir.join(&name);
        if name.starts_with(GONE) {
            gone.push(path);
        } else if is_digest(&name) && !named.contains(&name) {
            let aside = dir.join(format!("{GONE}{name}"));
            fs::rename(&path, &aside)?;
            gone.push(aside);
        }
    }
    Ok(gone)
}

/// Directories of deployments that have ended, and of uploads that were cut off by a crash.
async fn work(engine: &Engine) -> Result<(), EngineError> {
    let unfinished = engine.store().all_unfinished().await?;
    let running: BTreeSet<DeploymentId> = unfinished.into_iter().map(|deployment| deployment.id).collect();
    let dir = engine.work_dir();
    let listed = dir.clone();
    for name in on_disk(move || names(&listed)).await? {
        let path = dir.join(&name);
        // Only what is certainly ours and over: a list is old when it is read.
        let is_left = match name.parse().map(DeploymentId) {
            Ok(id) => !running.contains(&id) && ended_before(engine, id).await?,
            Err(_) => name.starts_with(UPLOAD) && !engine.shelf().is_used(&path),
        };
        if is_left {
            on_disk(move || discard(&path)).await?;
        }
    }
    Ok(())
}

async fn ended_before(engine: &Engine, id: DeploymentId) -> Result<bool, EngineError> {
    let deployment = engine.store().deployment(id).await?;
    Ok(deployment.is_none_or(|deployment| deployment.finished_at.is_some_and(|at| at.plus(LATELY) <= engine.now())))
}

/// Caches of apps that are no longer configured.
async fn caches(engine: &Engine) -> Result<(), EngineError> {
    let dir = engine.caches_dir();
    let listed = dir.clone();
    let found = on_disk(move || names(&listed)).await?;
    if found.is_empty() {
        return Ok(());
    }
    let apps = engine.store().configuration().await?.apps;
    for name in found.into_iter().filter(|name| !apps.iter().any(|app| app.key.as_str() == *name)) {
        let path = dir.join(name);
        on_disk(move || discard(&path)).await?;
    }
    Ok(())
}

/// The names in a directory; none when it is not there.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
}
