//! Steps 1 to 3, on the server: before checkout, checkout, after checkout, and the build that hosts will get.

use super::run::{Run, Stop};
use davit_domain::config::FilterMode;
use davit_domain::deployment::{CellState, DeploymentState};
use davit_domain::log::Step;
use davit_exec::build::{self, Build, Filter};
use davit_exec::{ExecError, process};
use std::path::Path;

impl Run {
    /// Makes the build of the request's commit.
    pub(super) async fn build(&self) -> Result<Build, Stop> {
        self.advance(DeploymentState::Building).await?;
        let work = self.work_dir();
        let start = work.join("start");
        let source = work.join("source");
        fresh_dir(&work).and_then(|()| std::fs::create_dir_all(&start)).map_err(|error| {
            self.stop_from(None, Step::BeforeCheckout, ExecError::io(format!("making {}", work.display()))(error))
        })?;
        self.hook(Step::BeforeCheckout, &self.config.hooks.before_checkout, &start).await?;
        self.check_out(&source).await?;
        self.hook(Step::AfterCheckout, &self.config.hooks.after_checkout, &source).await?;
        self.check_cancel()?;
        self.package(&source, &work.join("build")).await
    }

    /// Removes what the steps left on the server's disk.
    pub(super) async fn clean_up(&self) {
        if let Err(error) = tokio::fs::remove_dir_all(self.work_dir()).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(deployment = self.deployment.id.0, %error, "the work directory can't be removed");
        }
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

    async fn check_out(&self, source: &Path) -> Result<(), Stop> {
        let step = Step::Checkout;
        self.check_cancel()?;
        self.cell(None, step, CellState::Running).await?;
        let mirror = match self.engine.mirror(&self.app).await {
            Ok(mirror) => mirror,
            Err(error) => {
                return Err(Stop::Failed { host: None, step, reason: error.to_string() });
            }
        };
        let commit = &self.deployment.commit;
        self.with_output(None, step, async |sink| {
            mirror.ensure_commit(commit, &sink, &self.cancel).await?;
            mirror.checkout(commit, source, &sink, &self.cancel).await
        })
        .await?
        .map_err(|error| self.stop_from(None, step, error))?;
        self.cell(None, step, CellState::Succeeded).await
    }

    async fn hook(&self, step: Step, script: &str, cwd: &Path) -> Result<(), Stop> {
        if script.trim().is_empty() {
            return self.cell(None, step, CellState::Skipped).await;
        }
        self.check_cancel()?;
        self.cell(None, step, CellState::Running).await?;
        let exit = self
            .with_output(None, step, async |sink| {
                process::run_hook(script, cwd, &self.variables, self.timeouts(), &sink, &self.cancel).await
            })
            .await?
            .map_err(|error| self.stop_from(None, step, error))?;
        self.check_exit(None, step, &exit)?;
        self.cell(None, step, CellState::Succeeded).await
    }

    async fn package(&self, source: &Path, out: &Path) -> Result<Build, Stop> {
        let step = Step::AfterCheckout;
        let filter = self.config.filter.as_ref().map_or_else(Filter::all, |filter| Filter {
            mode: match filter.mode {
                FilterMode::Include => build::FilterMode::Include,
                FilterMode::Exclude => build::FilterMode::Exclude,
            },
            patterns: filter.patterns.clone(),
        });
        let modified = self.deployment.created_at;
        let made = build::make(source, &self.config.build_dir, &filter, modified, out)
            .await
            .map_err(|error| self.stop_from(None, step, error))?;
        // The checkout has done its part; with big repositories the disk is glad.
        if let Err(error) = tokio::fs::remove_dir_all(source).await {
            tracing::warn!(%error, "the checkout can't be removed yet");
        }
        let size = made.archive_bytes / 1024;
        self.say(None, step, format!("Build of {} files, {size} KiB, {}", made.files, &made.digest[..12])).await?;
        Ok(made)
    }
}

fn fresh_dir(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(dir)
}
