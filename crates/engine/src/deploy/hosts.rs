//! Steps 4 to 6, on every host: stage all, then switch all, then step 6 on all. Nothing is switched before every host
//! has its staged, checked copy.

use super::environment::{self, Variables};
use super::run::{Run, Stop, all};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::{HostName, ReleaseName};
use davit_domain::log::Step;
use davit_domain::release;
use davit_domain::request::Kind;
use davit_exec::build::Build;
use davit_exec::host::{HookEnd, HookId, HookLine, Host, HostHook, HostTarget, Shared};
use davit_exec::{ExecError, Exit};
use davit_store::Tx;
use davit_store::releases::ReleaseState;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A host with its connection, ready to be switched.
pub(super) struct Staged {
    pub(super) target: HostTarget,
    pub(super) host: Host,
    pub(super) previous: Option<ReleaseName>,
}

impl Run {
    /// The whole way, from the build to the end.
    pub(super) async fn forward(&self) -> Result<(), Stop> {
        self.headline().await?;
        let build = if self.is_rollback() { None } else { Some(self.build().await?) };
        self.check_cancel()?;
        self.advance(DeploymentState::Staging).await?;
        let hosts = self.stage_all(build.as_ref()).await?;
        if let Err(stop) = self.check_cancel() {
            self.unstage(&hosts).await;
            return Err(stop);
        }
        // Written before the first host is touched: whoever finds this after a crash asks the hosts.
        if let Err(stop) = self.advance(DeploymentState::Switching).await {
            if matches!(stop, Stop::Cancelled { .. }) {
                self.unstage(&hosts).await;
            }
            return Err(stop);
        }
        if let Err(stop) = self.switch_all(&hosts).await {
            return self.turn_back(stop).await;
        }
        if let Err(stop) = self.verify_all(&hosts).await {
            return self.turn_back(stop).await;
        }
        self.succeed(&hosts).await?;
        self.prune_all(&hosts).await;
        self.clean_up().await;
        all(hosts.into_iter().map(|staged| staged.host.close()).collect(), self.limit()).await;
        Ok(())
    }

    /// Whether this goes back to a release that lies on the hosts already.
    pub(super) fn is_rollback(&self) -> bool {
        self.deployment.kind == Kind::Rollback
    }

    /// How many hosts are worked on at the same time.
    pub(super) fn limit(&self) -> usize {
        self.engine.settings().parallel_hosts
    }

    /// One line for `revisions.log` on the host.
    pub(super) fn revision_line(&self) -> String {
        format!(
            "{} {} deployment {} {} commit {} by {}",
            self.engine.now(),
            self.deployment.release,
            self.deployment.id,
            self.deployment.kind.as_str(),
            self.deployment.commit,
            self.request.created_by
        )
    }

    async fn stage_all(&self, build: Option<&Build>) -> Result<Vec<Staged>, Stop> {
        // The first host that fails ends the others: nothing will be switched any more.
        let others = self.cancel.child_token();
        let stage = |target| self.stage_or_end(target, build, &others);
        let results = all(self.targets.iter().map(stage).collect(), self.limit()).await;
        let mut staged = Vec::with_capacity(results.len());
        let mut first: Option<Stop> = None;
        for result in results {
            match result {
                Ok(host) => staged.push(host),
                // Those that were ended because another failed say "interrupted": the failure itself counts.
                Err(stop @ Stop::Failed { .. }) if !matches!(first, Some(Stop::Failed { .. })) => first = Some(stop),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
        match first {
            None => Ok(staged),
            Some(stop) => {
                self.unstage(&staged).await;
                Err(stop)
            }
        }
    }

    async fn stage_or_end(
        &self,
        target: &HostTarget,
        build: Option<&Build>,
        others: &CancellationToken,
    ) -> Result<Staged, Stop> {
        let result = self.stage(target, build, others).await;
        if result.is_err() {
            others.cancel();
        }
        result
    }

    async fn stage(
        &self,
        target: &HostTarget,
        build: Option<&Build>,
        cancel: &CancellationToken,
    ) -> Result<Staged, Stop> {
        let name = &target.name;
        let step = Step::Release;
        self.host_state(name, &HostRunState::Staging).await?;
        self.cell(Some(name), step, CellState::Running).await?;
        let stop = |error| self.stop_from(Some(name), step, error);
        let host = Host::connect(self.engine.connector(), target, cancel).await.map_err(stop)?;
        let facts = host.prepare(&self.layout).await.map_err(stop)?;
        if let Some(foreign) = &facts.foreign {
            let text = format!("{} points to {foreign} now; the switch takes it over", self.layout.deploy_path());
            self.say(Some(name), step, text).await?;
        }
        match build {
            Some(build) => self.upload(target, &host, build, cancel).await?,
            None if facts.releases.contains(&self.deployment.release) => {}
            None => {
                let text =
                    format!("{} is no longer on {name}; release its commit again instead", self.deployment.release);
                return Err(stop(ExecError::Refused(text)));
            }
        }
        let staged = Staged { target: target.clone(), host, previous: facts.live };
        let release_path = self.layout.release_path(&self.deployment.release);
        let script = &self.config.hooks.before_release;
        if let Err(stop) = self.host_hook(&staged, Step::BeforeRelease, script, release_path, cancel).await {
            self.unstage(std::slice::from_ref(&staged)).await;
            return Err(stop);
        }
        self.host_state(name, &HostRunState::Staged).await?;
        Ok(staged)
    }

    async fn upload(
        &self,
        target: &HostTarget,
        host: &Host,
        build: &Build,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let name = &target.name;
        let step = Step::Release;
        let stop = |error| self.stop_from(Some(name), step, error);
        let shared = Shared::new(&self.config.shared.dirs, &self.config.shared.files).map_err(stop)?;
        let deployment = &self.deployment;
        let report = host
            .stage(&self.layout, &deployment.release, deployment.commit.as_str(), build, &shared, cancel)
            .await
            .map_err(stop)?;
        let mut tx = self.begin().await?;
        self.record(&mut tx, name, ReleaseState::Staged).await?;
        self.commit(tx).await?;
        let (size, millis) = (report.bytes / 1024, report.elapsed.as_millis());
        self.say(Some(name), step, format!("Uploaded and checked {} files, {size} KiB in {millis} ms", report.files))
            .await
    }

    async fn switch_all(&self, hosts: &[Staged]) -> Result<(), Stop> {
        for staged in hosts {
            let state = HostRunState::Switching { previous: staged.previous.clone() };
            self.host_state(&staged.target.name, &state).await?;
        }
        first_error(all(hosts.iter().map(|staged| self.switch(staged)).collect(), self.limit()).await)
    }

    async fn switch(&self, staged: &Staged) -> Result<(), Stop> {
        let name = &staged.target.name;
        let step = Step::Release;
        staged
            .host
            .switch(&self.layout, &self.deployment.release, &self.revision_line())
            .await
            .map_err(|error| self.stop_from(Some(name), step, error))?;
        self.say(Some(name), step, format!("Switched to {}", self.deployment.release)).await?;
        self.set_live(name, Some(&self.deployment.release)).await?;
        self.host_state(name, &HostRunState::Live { previous: staged.previous.clone() }).await?;
        self.cell(Some(name), step, CellState::Succeeded).await
    }

    async fn verify_all(&self, hosts: &[Staged]) -> Result<(), Stop> {
        self.advance(DeploymentState::Verifying).await?;
        first_error(all(hosts.iter().map(|staged| self.verify(staged)).collect(), self.limit()).await)
    }

    async fn verify(&self, staged: &Staged) -> Result<(), Stop> {
        let name = &staged.target.name;
        let previous = staged.previous.clone();
        self.host_state(name, &HostRunState::Verifying { previous: previous.clone() }).await?;
        let script = &self.config.hooks.after_release;
        let cwd = self.layout.deploy_path().to_owned();
        // From here on a person rolls back instead of cancelling: only the server's own stop ends the hook.
        self.host_hook(staged, Step::AfterRelease, script, cwd, &self.stop).await?;
        self.host_state(name, &HostRunState::Done { previous }).await
    }

    async fn succeed(&self, hosts: &[Staged]) -> Result<(), Stop> {
        let deployment = &self.deployment;
        self.say(None, Step::AfterRelease, format!("{} is live in {}", deployment.release, deployment.environment))
            .await?;
        let mut tx = self.begin_last().await?;
        for staged in hosts {
            self.record(&mut tx, &staged.target.name, ReleaseState::Good).await?;
        }
        self.end(tx, DeploymentState::Succeeded).await
    }

    /// Notes in the tables what became of this release on a host.
    async fn record(&self, tx: &mut Tx, host: &HostName, state: ReleaseState) -> Result<(), Stop> {
        let deployment = &self.deployment;
        tx.record_release(
            &deployment.release,
            host,
            &deployment.app,
            &deployment.environment,
            deployment.id,
            &deployment.commit,
            state,
            self.engine.now(),
        )
        .await?;
        Ok(())
    }

    /// Runs step 4 or 6 on one host.
    pub(super) async fn host_hook(
        &self,
        staged: &Staged,
        step: Step,
        script: &str,
        cwd: String,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let name = &staged.target.name;
        if script.trim().is_empty() {
            return self.cell(Some(name), step, CellState::Skipped).await;
        }
        self.cell(Some(name), step, CellState::Running).await?;
        let env = environment::on_host(
            &self.variables,
            &staged.target,
            &self.layout,
            &self.deployment.release,
            staged.previous.as_ref(),
        );
        self.bare_hook(staged, step, script, cwd, env, cancel).await?;
        self.cell(Some(name), step, CellState::Succeeded).await
    }

    /// Runs a hook on one host and leaves the grid alone.
    pub(super) async fn bare_hook(
        &self,
        staged: &Staged,
        step: Step,
        script: &str,
        cwd: String,
        env: Variables,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let name = &staged.target.name;
        let hook = HostHook { script: script.to_owned(), cwd, env, label: step.title().to_owned() };
        let control = self.layout.control_dir();
        let end = self
            .with_output(Some(name), step, async |sink| {
                let id =
                    HookId::new(format!("{}-{}-{}", self.deployment.id, step.number(), self.engine.now().millis()))?;
                let (lines, mut heard) = mpsc::channel::<HookLine>(256);
                let run = async {
                    let lines = lines;
                    staged.host.run_hook(&control, &id, &hook, 0, self.timeouts(), &lines, cancel).await
                };
                let forward = async {
                    while let Some(heard) = heard.recv().await {
                        // A closed sink means that nobody wants to know.
                        let _ = sink.send(heard.line).await;
                    }
                };
                let (end, ()) = tokio::join!(run, forward);
                if let Err(error) = staged.host.forget_hooks(&control, &[id]).await {
                    tracing::warn!(host = %name, %error, "what a hook left stays behind for a while");
                }
                end
            })
            .await?
            .map_err(|error| self.stop_from(Some(name), step, error))?;
        match end {
            HookEnd::Exited(exit) => self.check_exit(Some(name), step, &exit),
            HookEnd::Lost => self.check_exit(Some(name), step, &Exit::Lost),
            HookEnd::Vanished => {
                let reason = format!("{step} on {name} is gone without an exit status: was the host restarted?");
                Err(Stop::Failed { host: Some(name.clone()), step, reason })
            }
        }
    }

    /// What a host serves, as davit's tables see it.
    pub(super) async fn set_live(&self, host: &HostName, release: Option<&ReleaseName>) -> Result<(), Stop> {
        let deployment = &self.deployment;
        let (app, environment, now) = (&deployment.app, &deployment.environment, self.engine.now());
        let mut tx = self.begin().await?;
        match release {
            Some(release) => tx.set_live(app, environment, host, release, release.deployment(), now).await?,
            None => tx.clear_live(app, environment, host).await?,
        }
        self.commit(tx).await
    }

    /// Takes staged releases away again; never a live one, and never a kept release that a rollback meant.
    pub(super) async fn unstage(&self, hosts: &[Staged]) {
        if self.is_rollback() {
            return;
        }
        all(hosts.iter().map(|staged| self.discard(staged)).collect(), self.limit()).await;
    }

    async fn discard(&self, staged: &Staged) {
        if let Err(error) = staged.host.discard(&self.layout, &self.deployment.release).await {
            tracing::warn!(host = %staged.target.name, %error, "a staged release stays behind until the next deployment");
        }
    }

    /// Keep-N on every host. A host where it fails keeps more than it should: said, and no reason to fail.
    async fn prune_all(&self, hosts: &[Staged]) {
        let results = all(hosts.iter().map(|staged| self.prune(staged)).collect(), self.limit()).await;
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(deployment = self.deployment.id.0, %error, "old releases stay behind on a host");
        }
    }

    async fn prune(&self, staged: &Staged) -> Result<(), crate::EngineError> {
        let (app, environment) = (&self.deployment.app, &self.deployment.environment);
        let name = &staged.target.name;
        let store = self.engine.store();
        let good: Vec<ReleaseName> =
            store.kept_releases(app, environment).await?.into_iter().map(|kept| kept.release).collect();
        let known = store.known_releases(app, environment, name).await?;
        let found = staged.host.releases(&self.layout).await?;
        // Read after `found`: the next deployment may have started already, and its release is not to go.
        let wanted: Vec<ReleaseName> =
            store.all_unfinished().await?.into_iter().map(|deployment| deployment.release).collect();
        let mut gone = release::to_remove(
            &found,
            &good,
            Some(&self.deployment.release),
            staged.previous.as_ref(),
            self.config.keep,
            |release| known.iter().any(|(name, _)| name == release),
        );
        gone.retain(|release| !wanted.contains(release));
        if gone.is_empty() {
            return Ok(());
        }
        let removed = staged.host.remove_releases(&self.layout, &gone).await?;
        let mut tx = store.begin().await?;
        for release in &removed {
            tx.mark_release_removed(release, name, self.engine.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The first failure, if any; a failure counts more than "interrupted".
fn first_error(results: Vec<Result<(), Stop>>) -> Result<(), Stop> {
    let mut first = Ok(());
    for result in results {
        match (&first, &result) {
            (Ok(()), Err(_)) | (Err(Stop::Interrupted), Err(Stop::Failed { .. })) => first = result,
            (_, _) => {}
        }
    }
    first
}
