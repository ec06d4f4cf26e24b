//! From the switch on: a host is switched, step 6 runs in the deployed directory, its health is checked, and releases
//! that are too many are removed.

use super::hooks::Script;
use super::journal::Change;
use super::place::Place;
use super::run::{Run, Stop, all};
use super::stop::patiently;
use crate::EngineError;
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::ids::ReleaseName;
use davit_domain::log::Step;
use davit_domain::release;
use davit_exec::ExecError;
use davit_exec::host::HookId;
use tokio_util::sync::CancellationToken;

/// How often a host whose answer to the switch was lost is asked and switched again.
const SWITCHES: u32 = 5;

impl Run {
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

    /// Replaces the symlink. What is written before it says that from now on the host has to be asked.
    pub(super) async fn switch(&self, place: &mut Place) -> Result<(), Stop> {
        let step = Step::Release;
        self.check_stop()?;
        let previous = place.previous.clone();
        self.set(place, HostRunState::Switching { previous: previous.clone() }, []).await?;
        let release = &self.deployment.release;
        self.point(place, Some(release), &self.revision_line()).await?;
        self.say(Some(&place.name), step, format!("Switched to {release}")).await?;
        self.switched(place, previous).await
    }

    /// The host serves the new release.
    pub(super) async fn switched(&self, place: &mut Place, previous: Option<ReleaseName>) -> Result<(), Stop> {
        let name = place.name.clone();
        let changes = [
            Change::Live(name.clone(), Some(self.deployment.release.clone())),
            Change::Cell(Some(name), Step::Release, CellState::Succeeded),
        ];
        self.set(place, HostRunState::Live { previous }, changes).await
    }

    /// Makes a host serve a release, or none. An answer that was lost is asked for again.
    pub(super) async fn point(&self, place: &mut Place, to: Option<&ReleaseName>, record: &str) -> Result<(), Stop> {
        let (step, name) = (Step::Release, place.name.clone());
        let mut tries = 0;
        loop {
            let host = self.reach_or_stop(place, step).await?;
            let pointed = async {
                // Asked only when it may have happened already.
                if tries > 0 && host.live(&self.layout).await?.as_ref() == to {
                    return Ok(());
                }
                match to {
                    Some(release) => host.switch(&self.layout, release, record).await.map(drop),
                    None => host.unlink_live(&self.layout).await,
                }
            };
            // Cut in the middle, it is asked what it serves by whoever takes the deployment up.
            let pointed = self.stop.run_until_cancelled(pointed).await.ok_or(Stop::Interrupted)?;
            match pointed {
                Ok(()) => return Ok(()),
                Err(error @ ExecError::ConnectionLost { .. }) if tries < SWITCHES => {
                    tries += 1;
                    self.say(Some(&name), step, format!("{error}. Asking what it serves")).await?;
                    self.disconnect(place).await;
                }
                Err(error) => return Err(self.stop_from(Some(&name), step, error)),
            }
        }
    }

    /// Step 6 and the health check.
    pub(super) async fn verify(&self, place: &mut Place) -> Result<(), Stop> {
        let (step, name) = (Step::AfterRelease, place.name.clone());
        let previous = place.state.switched_from().cloned().flatten();
        let text = &self.config.hooks.after_release;
        let cell = |state| Change::Cell(Some(name.clone()), step, state);
        if text.trim().is_empty() && self.config.health.is_none() {
            self.set(place, HostRunState::Done { previous }, [cell(CellState::Skipped)]).await?;
            self.forget(place).await;
            self.rest(place).await;
            return Ok(());
        }
        let verifying = HostRunState::Verifying { previous: previous.clone() };
        self.set(place, verifying, [cell(CellState::Running)]).await?;
        // From here on a person rolls back instead of cancelling.
        let nobody = CancellationToken::new();
        if !text.trim().is_empty() {
            let script = Script {
                step,
                id: self.hook_id(place, step.number())?,
                text: text.clone(),
                cwd: self.layout.deploy_path().to_owned(),
                env: self.environment_of(place, &self.deployment.release, previous.as_ref())?,
                label: step.title().to_owned(),
                timeouts: self.timeouts(),
            };
            let exit = self.script(place, script, &nobody).await?;
            self.check_exit(Some(&name), step, &exit)?;
        }
        self.check_health(place).await?;
        self.set(place, HostRunState::Done { previous }, [cell(CellState::Succeeded)]).await?;
        self.forget(place).await;
        self.rest(place).await;
        Ok(())
    }

    /// Removes what is kept of a host's hooks, now that nobody will follow them any more.
    pub(super) async fn forget(&self, place: &Place) {
        let hooks = &self.config.hooks;
        let has_none = hooks.before_release.trim().is_empty() && hooks.after_release.trim().is_empty();
        let (Some(host), false) = (place.host(), has_none && self.config.health.is_none()) else { return };
        let names = ["4", "6", "health", "back"];
        let id = |what, tries| HookId::new(format!("{}-{what}-{tries}", self.deployment.id));
        let ids: Result<Vec<HookId>, ExecError> =
            (1..=place.tries).flat_map(|tries| names.map(|what| id(what, tries))).collect();
        let forgotten = async { host.forget_hooks(&self.layout.control_dir(), &ids?).await };
        if let Some(Err(error)) = self.stop.run_until_cancelled(forgotten).await {
            tracing::warn!(host = %place.name, %error, "what hooks left stays behind");
        }
    }

    /// Takes a staged release away again; never a live one, and never a kept release that a rollback meant.
    pub(super) async fn discard(&self, place: &mut Place) {
        if self.is_rollback() {
            return;
        }
        let host = if place.has_rested { self.connect(place, &self.stop).await.ok() } else { place.host() };
        let Some(host) = host else { return };
        if let Err(error) = host.discard(&self.layout, &self.deployment.release).await {
            tracing::warn!(host = %place.name, %error, "a staged release stays behind until the next deployment");
        }
    }

    /// Keep-N on every host that serves the release. A host where it fails keeps more than it should: said, and no
    /// reason to fail. Going back brings nothing new, so nothing is too many.
    pub(super) async fn prune_all(&self, places: &mut [Place]) {
        let (app, environment) = (&self.deployment.app, &self.deployment.environment);
        let kept =
            patiently(&self.stop, || async { Ok(self.engine.store().kept_releases(app, environment).await?) }).await;
        let good: Vec<ReleaseName> = match kept {
            Ok(kept) => kept.into_iter().map(|kept| kept.release).collect(),
            Err(error) => return tracing::warn!(%error, "old releases stay behind on the hosts"),
        };
        let done = places.iter_mut().filter(|place| matches!(place.state, HostRunState::Done { .. }));
        let work = done.map(|place| self.prune(place, &good)).collect();
        for error in all(work, self.limit()).await.into_iter().filter_map(Result::err) {
            tracing::warn!(deployment = self.deployment.id.0, %error, "old releases stay behind on a host");
        }
    }

    async fn prune(&self, place: &mut Place, good: &[ReleaseName]) -> Result<(), EngineError> {
        let found = match place.releases.take() {
            Some(mut found) => {
                found.push(self.deployment.release.clone());
                found
            }
            // It was through before this run began: the server may have gone before it was tidied up.
            None => {
                let host = self.connect(place, &self.stop).await?;
                self.forget(place).await;
                let asked = self.stop.run_until_cancelled(host.releases(&self.layout)).await;
                asked.unwrap_or_else(|| Ok(Vec::new()))?
            }
        };
        if self.is_rollback() {
            return Ok(());
        }
        let (live, keep) = (Some(&self.deployment.release), self.config.keep);
        let previous = place.state.switched_from().and_then(Option::as_ref);
        let many = |known: &dyn Fn(&ReleaseName) -> bool| release::to_remove(&found, good, live, previous, keep, known);
        // Mostly nothing is: then nobody has to be asked.
        if many(&|_| true).is_empty() {
            return Ok(());
        }
        let store = self.engine.store();
        let (app, environment) = (&self.deployment.app, &self.deployment.environment);
        let known = store.known_releases(app, environment, &place.name).await?;
        // The next deployment may have started already, and its release is not to go.
        let unfinished = store.all_unfinished().await?;
        let mut gone = many(&|release| known.iter().any(|(name, _)| name == release));
        gone.retain(|release| unfinished.iter().all(|deployment| deployment.release != *release));
        if gone.is_empty() {
            return Ok(());
        }
        // A host of an earlier batch may have to be connected to again.
        let host = self.connect(place, &self.stop).await?;
        let removing = self.stop.run_until_cancelled(host.remove_releases(&self.layout, &gone));
        let removed = removing.await.unwrap_or_else(|| Ok(Vec::new()))?;
        let mut tx = store.begin().await?;
        for release in &removed {
            tx.mark_release_removed(release, &place.name, self.engine.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
