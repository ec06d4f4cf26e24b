//! When it does not go forward: before the switch everything is taken away and nothing has changed; after it, exactly
//! the hosts that switched go back.

use super::environment;
use super::hosts::Staged;
use super::run::{Run, Stop, all};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::{HostName, ReleaseName};
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_exec::host::{Host, HostTarget};
use davit_store::deployments::Cell;
use tokio_util::sync::CancellationToken;

impl Run {
    /// Forgets what an interrupted try did before the switch.
    pub(super) async fn reset(&self) -> Result<(), Stop> {
        for cell in self.engine.store().cells(self.deployment.id).await? {
            if let (Some(step), true) = (Step::from_number(cell.step), cell.state != CellState::Waiting) {
                self.cell(cell.host.as_ref(), step, CellState::Waiting).await?;
            }
        }
        for target in &self.targets {
            self.host_state(&target.name, &HostRunState::Waiting).await?;
        }
        Ok(())
    }

    /// A failure before the switch: every host serves what it served.
    pub(super) async fn fail(&self, host: Option<&HostName>, step: Step, reason: String) -> Result<(), Stop> {
        self.say(host, step, &reason).await?;
        self.say(None, step, "Nothing was switched: every host serves what it served before.").await?;
        let on_server = host.is_none();
        for target in &self.targets {
            let state = if Some(&target.name) == host {
                HostRunState::Failed { step, reason: reason.clone() }
            } else {
                HostRunState::Skipped
            };
            self.host_state(&target.name, &state).await?;
        }
        self.close_cells(|cell| {
            let here = cell.step == step.number() && cell.host.as_ref() == host;
            match cell.state {
                CellState::Waiting | CellState::Running if here => Some(CellState::Failed),
                CellState::Running if on_server => Some(CellState::Failed),
                CellState::Waiting | CellState::Running => Some(CellState::Skipped),
                CellState::Succeeded | CellState::Failed | CellState::Skipped | CellState::Cancelled => None,
            }
        })
        .await?;
        self.clean_up().await;
        self.end(self.begin_last().await?, DeploymentState::Failed { reason }).await
    }

    /// A person ended it before the switch.
    pub(super) async fn cancelled(&self, reason: String) -> Result<(), Stop> {
        self.say(None, Step::Release, format!("Ended before anything was switched: {reason}")).await?;
        for target in &self.targets {
            self.host_state(&target.name, &HostRunState::Cancelled).await?;
        }
        self.close_cells(|cell| match cell.state {
            CellState::Running => Some(CellState::Cancelled),
            CellState::Waiting => Some(CellState::Skipped),
            CellState::Succeeded | CellState::Failed | CellState::Skipped | CellState::Cancelled => None,
        })
        .await?;
        self.clean_up().await;
        self.end(self.begin_last().await?, DeploymentState::Cancelled { reason }).await
    }

    /// A failure after the first switch. The server's own stop is left to whoever takes the deployment up again.
    pub(super) async fn turn_back(&self, stop: Stop) -> Result<(), Stop> {
        let Stop::Failed { host, step, reason } = stop else { return Err(stop) };
        self.say(host.as_ref(), step, &reason).await?;
        self.close_cells(|cell| {
            let here = cell.step == step.number() && cell.host == host;
            (here && cell.state == CellState::Running).then_some(CellState::Failed)
        })
        .await?;
        self.go_back(reason).await
    }

    /// Every host that may have switched is asked, and those that serve this release go back.
    pub(super) async fn go_back(&self, reason: String) -> Result<(), Stop> {
        self.advance(DeploymentState::Reverting { reason: reason.clone() }).await?;
        let runs = self.engine.store().host_runs(self.deployment.id).await?;
        let switched: Vec<(&HostTarget, Option<ReleaseName>)> = runs
            .iter()
            .filter_map(|run| {
                let previous = run.state.switched_from()?.clone();
                Some((self.targets.iter().find(|target| target.name == run.host)?, previous))
            })
            .collect();
        let back = switched.into_iter().map(|(target, previous)| self.host_back(target, previous)).collect();
        let results = all(back, self.limit()).await;
        let open: Vec<String> = results.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        if !open.is_empty() {
            return Err(Stop::Later {
                reason: format!("{reason}; still to be asked what they serve: {}", open.join(", ")),
            });
        }
        self.close_cells(|cell| match cell.state {
            CellState::Running | CellState::Waiting => Some(CellState::Skipped),
            CellState::Succeeded | CellState::Failed | CellState::Skipped | CellState::Cancelled => None,
        })
        .await?;
        self.say(None, Step::Release, "Reverted: every host serves what it served before.").await?;
        self.clean_up().await;
        self.end(self.begin_last().await?, DeploymentState::Reverted { reason }).await
    }

    /// One host goes back. `Some(name)` when it could not be asked.
    async fn host_back(&self, target: &HostTarget, previous: Option<ReleaseName>) -> Result<Option<String>, Stop> {
        let name = &target.name;
        match self.switch_back(target, previous.as_ref()).await {
            Ok(staged) => {
                self.set_live(name, previous.as_ref()).await?;
                if let Some(staged) = staged {
                    self.repeat_last_hook(&staged).await?;
                    self.unstage(std::slice::from_ref(&staged)).await;
                    staged.host.close().await;
                }
                self.host_state(name, &HostRunState::Reverted { to: previous }).await?;
                Ok(None)
            }
            Err(error) => {
                let reason = error.to_string();
                self.say(Some(name), Step::Release, format!("It is not known what this host serves: {reason}")).await?;
                self.host_state(name, &HostRunState::Unknown { reason, previous }).await?;
                Ok(Some(name.to_string()))
            }
        }
    }

    /// Asks the host what it serves and takes it back when that is this release.
    async fn switch_back(
        &self,
        target: &HostTarget,
        previous: Option<&ReleaseName>,
    ) -> Result<Option<Staged>, ExecError> {
        // A person's cancel must not keep a host from going back.
        let host = Host::connect(self.engine.connector(), target, &CancellationToken::new()).await?;
        if host.live(&self.layout).await?.as_ref() != Some(&self.deployment.release)
            || previous == Some(&self.deployment.release)
        {
            host.close().await;
            return Ok(None);
        }
        match previous {
            Some(previous) => {
                host.switch(&self.layout, previous, &format!("{} (reverted)", self.revision_line())).await?;
            }
            None => host.unlink_live(&self.layout).await?,
        }
        Ok(Some(Staged { target: target.clone(), host, previous: previous.cloned() }))
    }

    /// Step 6 usually restarts what runs from the directory: after going back it has to run once more. Its failure is
    /// said and changes nothing.
    async fn repeat_last_hook(&self, staged: &Staged) -> Result<(), Stop> {
        let name = &staged.target.name;
        let step = Step::AfterRelease;
        let Some(live) = &staged.previous else {
            return self.say(Some(name), step, "Back to no release: this was the first one").await;
        };
        self.say(Some(name), step, format!("Back to {live}")).await?;
        if self.config.hooks.after_release.trim().is_empty() {
            return Ok(());
        }
        let cells = self.engine.store().cells(self.deployment.id).await?;
        let ran = cells.iter().any(|cell| {
            cell.step == step.number()
                && cell.host.as_ref() == Some(name)
                && !matches!(cell.state, CellState::Waiting | CellState::Skipped)
        });
        if !ran {
            return Ok(());
        }
        self.say(Some(name), step, "Running the after-release hook again for the release that is live now").await?;
        let env = environment::gone_back(
            environment::on_host(&self.variables, &staged.target, &self.layout, live, Some(&self.deployment.release)),
            live,
        );
        let cwd = self.layout.deploy_path().to_owned();
        match self.bare_hook(staged, step, &self.config.hooks.after_release, cwd, env, &self.stop).await {
            Err(Stop::Failed { reason, .. }) => {
                self.say(Some(name), step, format!("{reason}. The host serves {live}; look at its service")).await
            }
            other => other,
        }
    }

    async fn close_cells(&self, end: impl Fn(&Cell) -> Option<CellState>) -> Result<(), Stop> {
        for cell in self.engine.store().cells(self.deployment.id).await? {
            if let (Some(state), Some(step)) = (end(&cell), Step::from_number(cell.step)) {
                self.cell(cell.host.as_ref(), step, state).await?;
            }
        }
        Ok(())
    }
}
