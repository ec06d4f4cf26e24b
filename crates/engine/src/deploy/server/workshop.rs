//! Where a deployment works on the server: `work/<deployment>/` below the data directory.
//!
//! It outlives the server. Whoever takes the deployment up goes on in it: `run` names its hooks, `ready` says that the
//! checkout is whole, and the hooks' own directories know how they ended. Without `run` it holds nothing of use.

use super::{CellState, Run, Step, Stop, on_disk, remove_tree};
use davit_exec::archive;
use davit_exec::build::Build;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The directory, made and named.
pub(in super::super) struct Workshop {
    dir: PathBuf,
    /// Tells the hooks of this workshop from those of one that was here before.
    run: String,
}

impl Workshop {
    /// Where step 1 starts: an empty directory.
    pub(super) fn start(&self) -> PathBuf {
        self.dir.join("start")
    }

    /// The checkout.
    pub(in super::super) fn source(&self) -> PathBuf {
        self.dir.join("source")
    }

    pub(super) fn build(&self) -> PathBuf {
        self.dir.join("build")
    }

    /// What is kept of hooks.
    pub(super) fn control(&self) -> PathBuf {
        self.dir.join("hooks")
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    fn ready(&self) -> PathBuf {
        self.dir.join("ready")
    }
}

impl Run {
    /// The workshop of this deployment, as it was left or new.
    pub(in super::super) async fn workshop(&self) -> Result<Workshop, Stop> {
        let dir = self.work_dir();
        Ok(on_disk(move || open(&dir)).await?)
    }

    /// The workshop that an earlier job left, if there is one.
    pub(in super::super) async fn left_workshop(&self) -> Result<Option<Workshop>, Stop> {
        let dir = self.work_dir();
        Ok(on_disk(move || reopen(&dir)).await?)
    }

    /// Puts the checkout there, or the asked-for build in its place, with what earlier builds left for this one.
    pub(in super::super) async fn furnish(&self, shop: &Workshop) -> Result<(), Stop> {
        if shop.ready().exists() {
            return Ok(());
        }
        let (step, source) = (Step::Checkout, shop.source());
        self.check_cancel()?;
        self.cell(None, step, CellState::Running).await?;
        let gone = source.clone();
        on_disk(move || remove_tree(&gone)).await?;
        match self.given_build().await? {
            Some(build) => {
                let unpacked = archive::extract(&build.archive, &source).await;
                unpacked.map_err(|error| self.stop_from(None, step, error))?;
            }
            None => self.check_out(&source).await?,
        }
        self.note_commit_time().await?;
        self.restore_caches(&source).await?;
        let ready = shop.ready();
        on_disk(move || File::create(ready)?.sync_all()).await?;
        self.cell(None, step, CellState::Succeeded).await
    }

    /// Leaves nothing on the server's disk, and no hook running.
    pub(in super::super) async fn clean_up(&self) {
        match self.left_workshop().await {
            Ok(Some(shop)) => {
                self.end_server_hooks(&shop).await;
                self.close_workshop(shop).await;
            }
            Ok(None) => self.remove_work_dir().await,
            Err(stop) => tracing::warn!(deployment = self.deployment.id.0, %stop, "the work directory can't be opened"),
        }
    }

    /// The workshop has done its part; with big repositories the disk is glad.
    pub(super) async fn close_workshop(&self, shop: Workshop) {
        drop(shop);
        self.remove_work_dir().await;
    }

    async fn remove_work_dir(&self) {
        let dir = self.work_dir();
        if let Err(error) = on_disk(move || remove_tree(&dir)).await {
            tracing::warn!(deployment = self.deployment.id.0, %error, "the next sweep removes the work directory");
        }
    }

    /// The build in which the actions of a custom release config run, where the commit's own checkout is not meant.
    async fn given_build(&self) -> Result<Option<Build>, Stop> {
        match &self.request.build {
            Some(digest) => Ok(self.engine.stored_build(digest).await),
            None if self.is_rollback() => self.build_of(&self.deployment.release).await,
            None => Ok(None),
        }
    }

    async fn check_out(&self, source: &Path) -> Result<(), Stop> {
        let step = Step::Checkout;
        let mirror = self.engine.mirror(&self.app).await.map_err(|error| self.failed(step, error.to_string()))?;
        let commit = &self.deployment.commit;
        self.with_output(None, step, async |sink| {
            mirror.ensure_commit(commit, &sink, &self.cancel).await?;
            mirror.checkout(commit, source, &sink, &self.cancel).await
        })
        .await?
        .map_err(|error| self.stop_from(None, step, error))
    }

    /// What can't be had is said, and the build is slower.
    async fn restore_caches(&self, source: &Path) -> Result<(), Stop> {
        for path in &self.config.caches {
            let text = match self.engine.restore_cache(&self.app.key, source, path).await {
                Ok(true) => format!("Restored the cache {path}"),
                Ok(false) => continue,
                Err(error) => format!("The cache {path} can't be restored: {error}"),
            };
            self.say(None, Step::Checkout, text).await?;
        }
        Ok(())
    }

    /// After the hooks went well. The deployment does not depend on it.
    pub(in super::super) async fn save_caches(&self, shop: &Workshop, step: Step) -> Result<(), Stop> {
        for path in &self.config.caches {
            let saved = self.engine.save_cache(&self.app.key, &shop.source(), path, &shop.dir).await;
            let text = match saved {
                Ok(true) => format!("Saved the cache {path}"),
                Ok(false) => format!("There is no directory {path} to be saved as a cache"),
                Err(error) => format!("The cache {path} can't be saved: {error}"),
            };
            self.say(None, step, text).await?;
        }
        Ok(())
    }
}

fn open(dir: &Path) -> io::Result<Workshop> {
    if let Some(shop) = reopen(dir)? {
        return Ok(shop);
    }
    remove_tree(dir)?;
    fs::create_dir_all(dir.join("start"))?;
    let run = format!("{:08x}", rand::random::<u32>());
    let coming = dir.join("run.new");
    let mut file = File::create(&coming)?;
    file.write_all(run.as_bytes())?;
    file.sync_all()?;
    fs::rename(coming, dir.join("run"))?;
    Ok(Workshop { dir: dir.canonicalize()?, run })
}

fn reopen(dir: &Path) -> io::Result<Option<Workshop>> {
    match fs::read_to_string(dir.join("run")) {
        Ok(run) => Ok(Some(Workshop { dir: dir.canonicalize()?, run })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
