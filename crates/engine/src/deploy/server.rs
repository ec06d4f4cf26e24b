//! Steps 1 to 3, on the server: before checkout, checkout, after checkout, and the build that hosts will get; or the
//! build that was made before from the same things.
//!
//! What is made lies in a directory of the deployment's own ([`workshop`]). Its hooks are detached like those on hosts
//! ([`hooks`]): a server that was killed finds them again, with all that they said meanwhile.

mod commit_time;
mod hooks;
mod workshop;

use super::run::{Run, Stop};
use super::stop::patiently;
use crate::builds::{key, on_disk, remove_tree};
use davit_domain::config::FilterMode;
use davit_domain::deployment::{CellState, DeploymentState};
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_exec::build::{self, Build, Filter};
use davit_store::builds::{BuildRow, BuildSource, NewBuild};
use std::path::Path;
pub(super) use workshop::Workshop;

/// So much of a digest tells builds apart for people.
const SHOWN_DIGEST: usize = 12;

impl Run {
    /// The build that this releases: the one that was asked for by name, else one that was made from the same things
    /// before, else a new one.
    pub(super) async fn build(&self) -> Result<Build, Stop> {
        if let Some(build) = self.build_at_hand().await? {
            return Ok(build);
        }
        self.advance(DeploymentState::Building).await?;
        let key = self.build_key()?;
        // Another deployment may be making it at this moment.
        let maker = self.cancel.run_until_cancelled(self.engine.shelf().only_maker(&key)).await;
        self.check_cancel()?;
        let _maker = maker.ok_or(Stop::Interrupted)?;
        if let Some(build) = self.build_at_hand().await? {
            return Ok(build);
        }
        if let Some(row) = self.build_row(&key).await? {
            let text = format!("Build {} is damaged or gone from this server: making it again", shown(&row.digest));
            self.say(None, Step::Checkout, text).await?;
        }
        self.make(&key).await
    }

    /// What the build of this run is kept under.
    pub(super) fn build_key(&self) -> Result<String, Stop> {
        key::of(&self.app.key, &self.deployment.commit, &self.config, &self.request.inputs.values, &self.value_marks)
            .map_err(|error| Stop::Later { reason: error.to_string() })
    }

    /// A stored build that will do. It is this deployment's when it is returned.
    async fn build_at_hand(&self) -> Result<Option<Build>, Stop> {
        let _stays = self.engine.shelf().choose().await;
        if let Some(digest) = &self.request.build {
            let Some(build) = self.engine.stored_build(digest).await else {
                return Err(self.failed(Step::Checkout, format!(
                    "the build {} that was asked for is not on this server any more: upload it again, or release its commit",
                    shown(digest)
                )));
            };
            return self.use_stored(build).await.map(Some);
        }
        // What an earlier job of this deployment made or found.
        let own = match &self.deployment.build {
            Some(digest) => self.engine.stored_build(digest).await,
            None => None,
        };
        if own.is_some() {
            return Ok(own);
        }
        let Some(row) = self.build_row(&self.build_key()?).await? else { return Ok(None) };
        match self.engine.stored_build(&row.digest).await {
            Some(build) => self.use_stored(build).await.map(Some),
            None => Ok(None),
        }
    }

    async fn build_row(&self, key: &str) -> Result<Option<BuildRow>, Stop> {
        patiently(&self.stop, || async { Ok(self.engine.store().build_by_key(&self.app.key, key).await?) }).await
    }

    /// Makes a stored build this deployment's, and says so once.
    async fn use_stored(&self, build: Build) -> Result<Build, Stop> {
        let row = patiently(&self.stop, || async {
            let row = self.engine.store().build_by_digest(&self.app.key, &build.digest).await?;
            let mut tx = self.engine.store().begin().await?;
            if let Some(row) = &row {
                tx.touch_build(row.id, self.engine.now()).await?;
            }
            tx.set_deployment_build(self.deployment.id, self.fence, &build.digest).await?;
            tx.commit().await?;
            Ok(row)
        })
        .await?;
        self.note_commit_time().await?;
        let cells = self.server_cells().await?;
        if cells.iter().any(|(_, state)| matches!(state, CellState::Waiting | CellState::Running)) {
            self.say(None, Step::Checkout, origin(&build, row.as_ref())).await?;
        }
        for (step, state) in cells {
            if step.on_server() && matches!(state, CellState::Waiting | CellState::Running) {
                self.cell(None, step, CellState::Skipped).await?;
            }
        }
        Ok(build)
    }

    /// Steps 1 to 3; what they make is kept for whoever needs it next.
    async fn make(&self, key: &str) -> Result<Build, Stop> {
        let shop = self.workshop().await?;
        let hooks = &self.config.hooks;
        if self.is_custom() {
            self.furnish(&shop).await?;
        } else {
            self.server_step(&shop, Step::BeforeCheckout, &hooks.before_checkout, &shop.start()).await?;
            self.furnish(&shop).await?;
            self.server_step(&shop, Step::AfterCheckout, &hooks.after_checkout, &shop.source()).await?;
        }
        let step = if self.is_custom() { Step::Checkout } else { Step::AfterCheckout };
        self.check_cancel()?;
        let build = self.pack(&shop, key, step).await?;
        self.close_workshop(shop).await;
        Ok(build)
    }

    /// Packs what lies in the workshop, and keeps it.
    pub(super) async fn pack(&self, shop: &Workshop, key: &str, step: Step) -> Result<Build, Stop> {
        self.save_caches(shop, step).await?;
        let filter = self.config.filter.as_ref().map_or_else(Filter::all, |filter| Filter {
            mode: match filter.mode {
                FilterMode::Include => build::FilterMode::Include,
                FilterMode::Exclude => build::FilterMode::Exclude,
            },
            patterns: filter.patterns.clone(),
        });
        let (source, out) = (shop.source(), shop.build());
        let made = build::make(&source, &self.config.build_dir, &filter, self.deployment.created_at, &out)
            .await
            .map_err(|error| self.stop_from(None, step, error))?;
        let build = self.keep(&made, &out, key).await?;
        let (files, size) = (build.files, build.archive_bytes / 1024);
        self.say(None, step, format!("Build of {files} files, {size} KiB, {}", shown(&build.digest))).await?;
        Ok(build)
    }

    async fn keep(&self, made: &Build, out: &Path, key: &str) -> Result<Build, Stop> {
        let new = NewBuild {
            app: self.app.key.clone(),
            key: key.to_owned(),
            digest: made.digest.clone(),
            source: BuildSource::Git,
            commit: self.deployment.commit.clone(),
            title: self.request.title.clone(),
            created_by: self.request.created_by.clone(),
            files: i64::try_from(made.files).unwrap_or(i64::MAX),
            bytes: i64::try_from(made.archive_bytes).unwrap_or(i64::MAX),
        };
        let _stays = self.engine.shelf().choose().await;
        let build = self.engine.shelve(&made.digest, out).await?;
        patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            tx.keep_build(&new, self.engine.now()).await?;
            tx.set_deployment_build(self.deployment.id, self.fence, &new.digest).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        Ok(build)
    }

    /// One line that says what is about to happen.
    pub(super) async fn headline(&self) -> Result<(), Stop> {
        let deployment = &self.deployment;
        let hosts = match self.targets.len() {
            1 => "1 host".to_owned(),
            count => format!("{count} hosts"),
        };
        let text = format!(
            "Deployment {} releases {} ({}: {}) of {} to {}, {hosts}, asked for by {}",
            deployment.id,
            deployment.release,
            deployment.commit.short(),
            self.request.title,
            deployment.app,
            deployment.environment,
            self.request.created_by
        );
        self.say(None, Step::BeforeCheckout, text).await
    }

    /// The server's row of the grid.
    pub(super) async fn server_cells(&self) -> Result<Vec<(Step, CellState)>, Stop> {
        let cells =
            patiently(&self.stop, || async { Ok(self.engine.store().cells(self.deployment.id).await?) }).await?;
        let own = cells.into_iter().filter(|cell| cell.host.is_none());
        Ok(own.filter_map(|cell| Some((Step::from_number(cell.step)?, cell.state))).collect())
    }

    pub(super) fn failed(&self, step: Step, reason: String) -> Stop {
        Stop::Failed { host: None, step, reason: self.masked(&reason) }
    }
}

fn shown(digest: &str) -> &str {
    digest.get(..SHOWN_DIGEST).unwrap_or(digest)
}

fn origin(build: &Build, row: Option<&BuildRow>) -> String {
    let digest = shown(&build.digest);
    match row {
        None => format!("Build {digest} is there already"),
        Some(BuildRow { source: BuildSource::Upload, created_at, created_by, title, .. }) => {
            format!("Build {digest} was uploaded: {created_at} by {created_by} ({title})")
        }
        Some(BuildRow { commit, created_at, created_by, title, .. }) => {
            let commit = commit.short();
            format!("Build {digest} of {commit} is there already: made {created_at} for {created_by} ({title})")
        }
    }
}
