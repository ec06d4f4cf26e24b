//! When it does not go forward: before the first switch everything is taken away and nothing has changed; after it,
//! exactly the hosts that switched go back. Each host is asked what it serves before anything is said about it.

use super::environment;
use super::hooks::Script;
use super::journal::Change;
use super::place::Place;
use super::run::{Run, Stop, all};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::ReleaseName;
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_store::deployments::Cell;
use tokio_util::sync::CancellationToken;

impl Run {
    /// A failure or a person's cancel ends the way forward.
    pub(super) async fn turn_back(&self, places: &mut [Place], stop: Stop) -> Result<(), Stop> {
        let switched = places.iter().any(Place::may_have_switched);
        match stop {
            Stop::Failed { host, step, reason } => {
                self.say(host.as_ref(), step, &reason).await?;
                if !switched {
                    return self.fail(places, host, step, reason).await;
                }
                self.cell(host.as_ref(), step, CellState::Failed).await?;
                for place in places.iter_mut().filter(|place| Some(&place.name) == host.as_ref()) {
                    if !place.may_have_switched() {
                        self.set(place, HostRunState::Failed { step, reason: reason.clone() }, []).await?;
                        self.tidy(place).await;
                    }
                }
                self.go_back(places, reason).await
            }
            Stop::Cancelled { reason } if switched => self.go_back(places, reason).await,
            Stop::Cancelled { reason } => self.cancelled(places, reason).await,
            Stop::Interrupted | Stop::Superseded | Stop::Away { .. } | Stop::Later { .. } => Err(stop),
        }
    }

    /// A failure before the switch: every host serves what it served.
    async fn fail(
        &self,
        places: &mut [Place],
        host: Option<davit_domain::ids::HostName>,
        step: Step,
        reason: String,
    ) -> Result<(), Stop> {
        self.say(None, step, "Nothing was switched: every host serves what it served before.").await?;
        let end = |place: &Place| match &host {
            Some(host) if place.name == *host => HostRunState::Failed { step, reason: reason.clone() },
            Some(_) | None => HostRunState::Skipped,
        };
        let ends: Vec<Change> = places.iter().map(|place| Change::Host(place.name.clone(), end(place))).collect();
        let on_server = host.is_none();
        self.close_cells(|cell| {
            let here = cell.step == step.number() && cell.host == host;
            match cell.state {
                CellState::Waiting | CellState::Running if here => Some(CellState::Failed),
                CellState::Running if on_server => Some(CellState::Failed),
                CellState::Waiting
                | CellState::Running
                | CellState::Succeeded
                | CellState::Failed
                | CellState::Skipped
                | CellState::Cancelled => None,
            }
        })
        .await?;
        self.end_with(DeploymentState::Failed { reason }, &ends).await?;
        self.tidy_all(places).await;
        Ok(())
    }

    /// A person ended it before the switch.
    async fn cancelled(&self, places: &mut [Place], reason: String) -> Result<(), Stop> {
        self.say(None, Step::Release, format!("Ended before anything was switched: {reason}")).await?;
        let end = |place: &Place| Change::Host(place.name.clone(), HostRunState::Cancelled);
        let ends: Vec<Change> = places.iter().map(end).collect();
        self.close_cells(|cell| (cell.state == CellState::Running).then_some(CellState::Cancelled)).await?;
        self.end_with(DeploymentState::Cancelled { reason }, &ends).await?;
        self.tidy_all(places).await;
        Ok(())
    }

    /// Takes away what a deployment that came to nothing left: on the server, and on every host it is connected to.
    async fn tidy_all(&self, places: &mut [Place]) {
        self.clean_up().await;
        all(places.iter_mut().map(|place| self.tidy(place)).collect(), self.limit()).await;
    }

    /// Takes away what was made on a host that does not serve the release. Only after it is stored how the host ended:
    /// whoever takes the deployment up must still find its hooks until then. What stays behind goes with the next
    /// deployment.
    async fn tidy(&self, place: &mut Place) {
        self.discard(place).await;
        self.forget(place).await;
    }

    /// A host that failed and may: it is left serving what it served, and the others go on.
    pub(super) async fn leave_behind(&self, place: &mut Place, step: Step, reason: String) -> Result<(), Stop> {
        place.patience = self.stop.clone();
        if place.may_have_switched() && self.host_back(place).await?.is_none() {
            return Ok(());
        }
        self.set(place, HostRunState::Failed { step, reason }, []).await?;
        self.tidy(place).await;
        Ok(())
    }

    /// Every host that may have switched is asked, and those that serve this release go back.
    pub(super) async fn go_back(&self, places: &mut [Place], reason: String) -> Result<(), Stop> {
        self.advance(DeploymentState::Reverting { reason: reason.clone() }).await?;
        self.check_stop()?;
        // What ended the way forward does not end the way back.
        places.iter_mut().for_each(|place| place.patience = self.stop.clone());
        let back = places.iter_mut().map(|place| self.revert(place)).collect();
        all(back, self.limit()).await.into_iter().collect::<Result<(), Stop>>()?;
        let open = |place: &&Place| matches!(place.state, HostRunState::Unknown { .. });
        let unknown: Vec<&Place> = places.iter().filter(open).collect();
        let names: Vec<&str> = unknown.iter().map(|place| place.name.as_str()).collect();
        if unknown.iter().any(|place| place.is_known()) {
            return Err(Stop::Later {
                reason: format!("{reason}; still to be asked what they serve: {}", names.join(", ")),
            });
        }
        self.close_cells(|_| None).await?;
        self.clean_up().await;
        if names.is_empty() {
            self.say(None, Step::Release, "Reverted: every host serves what it served before.").await?;
            return self.end(DeploymentState::Reverted { reason }).await;
        }
        // They were removed from the configuration: nobody will ever be able to ask them.
        let reason = format!("{reason}; it is not known what these hosts serve: {}", names.join(", "));
        self.say(None, Step::Release, &reason).await?;
        self.end(DeploymentState::Failed { reason }).await
    }

    /// One host on the way back.
    async fn revert(&self, place: &mut Place) -> Result<(), Stop> {
        match &place.state {
            HostRunState::Waiting | HostRunState::Staging | HostRunState::Staged => {
                self.set(place, HostRunState::Skipped, []).await?;
                self.tidy(place).await;
            }
            HostRunState::Switching { .. }
            | HostRunState::Live { .. }
            | HostRunState::Verifying { .. }
            | HostRunState::Done { .. }
            | HostRunState::Held { .. }
            | HostRunState::Unknown { .. } => {
                if let Some(serves) = self.host_back(place).await? {
                    self.set(place, HostRunState::Reverted { to: serves }, []).await?;
                    self.tidy(place).await;
                }
            }
            HostRunState::Failed { .. }
            | HostRunState::Reverted { .. }
            | HostRunState::Skipped
            | HostRunState::Cancelled => {}
        }
        Ok(())
    }

    /// Takes one host back to what it served, and says what it serves now. `None`: it can't be asked and is unknown.
    ///
    /// Whatever was done before the server went away is found on the host; step 6 is followed, not repeated.
    async fn host_back(&self, place: &mut Place) -> Result<Option<Option<ReleaseName>>, Stop> {
        let name = place.name.clone();
        let previous = place.state.switched_from().cloned().flatten();
        let serves = match self.switch_back(place, previous.as_ref()).await {
            Ok(serves) => serves,
            Err(Stop::Failed { reason, .. }) => {
                self.say(Some(&name), Step::Release, format!("It is not known what this host serves: {reason}"))
                    .await?;
                self.disconnect(place).await;
                self.set(place, HostRunState::Unknown { reason, previous }, []).await?;
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        };
        self.write(vec![Change::Live(name, serves.clone())]).await?;
        if serves != previous {
            let now = serves.as_ref().map_or("no release".to_owned(), ToString::to_string);
            self.say(Some(&place.name), Step::Release, format!("It serves {now}, which is left as it is")).await?;
        } else if place.has_begun(Step::Release) {
            self.repeat_last_hook(place, serves.as_ref()).await?;
        }
        Ok(Some(serves))
    }

    /// Asks the host what it serves, takes it back when that is this release, and says what it serves then.
    async fn switch_back(
        &self,
        place: &mut Place,
        previous: Option<&ReleaseName>,
    ) -> Result<Option<ReleaseName>, Stop> {
        let (step, name) = (Step::Release, place.name.clone());
        let stop = |error: ExecError| self.stop_from(Some(&name), step, error);
        let asked = async {
            // A person's cancel must not keep a host from going back; a connection may have gone stale meanwhile.
            let host = self.connect(place, &self.stop).await?;
            match host.live(&self.layout).await {
                Err(ExecError::ConnectionLost { .. }) => {
                    self.disconnect(place).await;
                    self.connect(place, &self.stop).await?.live(&self.layout).await
                }
                other => other,
            }
        };
        let live = self.stop.run_until_cancelled(asked).await.ok_or(Stop::Interrupted)?.map_err(stop)?;
        let release = &self.deployment.release;
        self.end_last_hook(place).await?;
        if live.as_ref() != Some(release) || previous == Some(release) {
            return Ok(live);
        }
        self.point(place, previous, &format!("{} (reverted)", self.revision_line())).await?;
        Ok(previous.cloned())
    }

    /// Ends step 6 and the health check of a release that goes, should they still run on the host.
    async fn end_last_hook(&self, place: &mut Place) -> Result<(), Stop> {
        let (step, name) = (Step::AfterRelease, place.name.clone());
        let Some(host) = place.host().filter(|_| place.has_begun(step) && !place.is_through(step)) else {
            return Ok(());
        };
        if self.config.hooks.after_release.trim().is_empty() && self.config.health.is_none() {
            return Ok(());
        }
        for what in ["6", "health"] {
            let (control, id) = (self.layout.control_dir(), self.hook_id(place, what)?);
            let ended = self.stop.run_until_cancelled(host.end_hook(&control, &id)).await;
            match ended.ok_or(Stop::Interrupted)? {
                Ok(proof) => tracing::debug!(host = %name, proof, "no hook of the release runs any more"),
                Err(error) => return Err(self.stop_from(Some(&name), step, error)),
            }
        }
        Ok(())
    }

    /// Step 6 usually restarts what runs from the directory: after going back it has to run once more. Its failure is
    /// said and changes nothing.
    async fn repeat_last_hook(&self, place: &mut Place, serves: Option<&ReleaseName>) -> Result<(), Stop> {
        let (step, name) = (Step::AfterRelease, place.name.clone());
        let Some(live) = serves else {
            return self.say(Some(&name), step, "Back to no release: this was the first one").await;
        };
        self.say(Some(&name), step, format!("Back to {live}")).await?;
        let text = &self.config.hooks.after_release;
        if text.trim().is_empty() || !place.has_begun(step) {
            return Ok(());
        }
        self.say(Some(&name), step, "Running the after-release hook again for the release that is live now").await?;
        let env = self.environment_of(place, live, Some(&self.deployment.release))?;
        let script = Script {
            step,
            id: self.hook_id(place, "back")?,
            text: text.clone(),
            cwd: self.layout.deploy_path().to_owned(),
            env: environment::gone_back(env, live),
            label: step.title().to_owned(),
            timeouts: self.timeouts(),
        };
        let ended = match self.script(place, script, &CancellationToken::new()).await {
            Ok(exit) => self.check_exit(Some(&name), step, &exit),
            Err(stop) => Err(stop),
        };
        match ended {
            Err(Stop::Failed { reason, .. }) => {
                self.say(Some(&name), step, format!("{reason}. The host serves {live}; look at its service")).await
            }
            other => other,
        }
    }

    /// Closes every cell that is still open: as `end` says, or as skipped.
    pub(super) async fn close_cells(&self, end: impl Fn(&Cell) -> Option<CellState>) -> Result<(), Stop> {
        self.flush().await?;
        let cells = self.engine.store().cells(self.deployment.id).await?;
        let changes = cells.into_iter().filter_map(|cell| {
            let is_open = matches!(cell.state, CellState::Waiting | CellState::Running);
            let state = end(&cell).or(is_open.then_some(CellState::Skipped))?;
            Some(Change::Cell(cell.host, Step::from_number(cell.step)?, state))
        });
        self.write(changes.collect()).await
    }
}
