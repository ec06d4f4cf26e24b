//! How a custom deployment ends. Nothing is undone; what is known of each host is said.

use super::super::journal::Change;
use super::super::place::Place;
use super::super::run::{Run, Stop, all};
use super::super::stop::patiently;
use super::{acts, is_settled};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::{HostName, ReleaseName};
use davit_domain::log::Step;
use davit_domain::release;
use davit_exec::host::HookId;
use davit_store::releases::ReleaseState;

impl Run {
    /// No batch is left: the deployment ends, and says which hosts are through.
    pub(super) async fn conclude_custom(&self, places: &mut [Place]) -> Result<(), Stop> {
        let names = |wanted: fn(&HostRunState) -> bool| -> Vec<&str> {
            places.iter().filter(|place| wanted(&place.state)).map(|place| place.name.as_str()).collect()
        };
        let failed = names(|state| matches!(state, HostRunState::Failed { .. }));
        let done = names(|state| matches!(state, HostRunState::Done { .. }));
        let end = if done.is_empty() {
            DeploymentState::Failed { reason: "no host is through: every one was left out".into() }
        } else if failed.is_empty() {
            DeploymentState::Succeeded
        } else {
            let (count, of, names) = (failed.len(), places.len(), failed.join(", "));
            DeploymentState::Failed {
                reason: format!(
                    "{count} of {of} hosts failed ({names}); what ran there stays as it is. The others are through"
                ),
            }
        };
        let is_done = |place: &&Place| matches!(place.state, HostRunState::Done { .. });
        let good = places.iter().filter(is_done);
        self.write(good.map(|place| Change::Release(place.name.clone(), ReleaseState::Good)).collect()).await?;
        let (release, environment) = (&self.deployment.release, &self.deployment.environment);
        let text = end.reason().unwrap_or_else(|| format!("Every action of {release} is through in {environment}"));
        self.say(None, self.last_step(), text).await?;
        self.close_cells(|_| None).await?;
        self.clean_up().await;
        self.forget_actions(places).await;
        for place in places.iter().filter(is_done) {
            self.forget_releases(place).await?;
        }
        self.end(end).await
    }

    /// A failure or a person's cancel ends the way forward.
    pub(super) async fn end_custom(&self, places: &mut [Place], stop: Stop) -> Result<(), Stop> {
        let (host, step, reason, cancelled) = match stop {
            Stop::Failed { host, step, reason } => (host, step, reason, false),
            Stop::Cancelled { reason } => (None, self.last_step(), reason, true),
            stop @ (Stop::Interrupted | Stop::Superseded | Stop::Away { .. } | Stop::Later { .. }) => return Err(stop),
        };
        // What a host said was said when it failed.
        if host.is_none() {
            self.say(None, step, &reason).await?;
        }
        self.close_cells(|cell| {
            let here = cell.step == step.number() && cell.host == host;
            match cell.state {
                CellState::Running if cancelled => Some(CellState::Cancelled),
                CellState::Waiting | CellState::Running if here && !cancelled => Some(CellState::Failed),
                CellState::Waiting
                | CellState::Running
                | CellState::Succeeded
                | CellState::Failed
                | CellState::Skipped
                | CellState::Cancelled => None,
            }
        })
        .await?;
        let end = if cancelled { DeploymentState::Cancelled { reason } } else { DeploymentState::Failed { reason } };
        self.leave_as_is(places, step, end).await
    }

    /// A person gave a deployment up that was held.
    pub(in super::super) async fn give_up_custom(&self, reason: String) -> Result<(), Stop> {
        let mut places = self.places().await?;
        let step = self.last_step();
        self.say(None, step, &reason).await?;
        self.close_cells(|_| None).await?;
        self.leave_as_is(&mut places, step, DeploymentState::Failed { reason }).await
    }

    /// The hosts get their last states, and the deployment ends.
    async fn leave_as_is(&self, places: &mut [Place], step: Step, end: DeploymentState) -> Result<(), Stop> {
        let touched = |place: &Place| place.may_have_switched() || place.has_failed();
        let text = if places.iter().any(touched) {
            "What ran stays as it is: actions are not undone. A rollback runs the rollback actions."
        } else {
            "Nothing ran on any host."
        };
        self.say(None, step, text).await?;
        let cancelled = matches!(end, DeploymentState::Cancelled { .. });
        for place in places.iter_mut() {
            let state = if let HostRunState::Held { step, reason, .. } = &place.state {
                HostRunState::Failed { step: *step, reason: reason.clone() }
            } else if is_settled(place) {
                continue;
            } else if cancelled {
                HostRunState::Cancelled
            } else if place.state == HostRunState::Waiting {
                HostRunState::Skipped
            } else {
                HostRunState::Failed { step, reason: "it was not through when the deployment ended".into() }
            };
            self.set(place, state, []).await?;
        }
        self.clean_up().await;
        self.forget_actions(places).await;
        self.end(end).await
    }

    fn last_step(&self) -> Step {
        let acts = acts(&self.config, self.deployment.kind).unwrap_or_default();
        acts.last().map_or(Step::Action(1), |act| act.step)
    }

    /// Removes what is kept of the actions' scripts on the hosts that are connected. Nobody will follow them any more.
    async fn forget_actions(&self, places: &[Place]) {
        let acts = acts(&self.config, self.deployment.kind).unwrap_or_default();
        let forget = async |place: &Place| {
            let Some(host) = place.host() else { return };
            let tries = 1..=place.tries;
            let names = tries.flat_map(|tries| acts.iter().map(move |act| (act.step.number(), tries)));
            let ids = names.map(|(number, tries)| HookId::new(format!("{}-{number}-{tries}", self.deployment.id)));
            let Ok(ids) = ids.collect::<Result<Vec<HookId>, _>>() else { return };
            let control = self.layout.control_dir();
            let forgotten = host.forget_hooks(&control, &ids);
            if let Some(Err(error)) = self.stop.run_until_cancelled(forgotten).await {
                tracing::warn!(host = %place.name, %error, "what actions left stays behind");
            }
        };
        all(places.iter().map(forget).collect(), self.limit()).await;
    }

    /// Of each host the newest releases are remembered, as many as regular mode keeps: what is remembered keeps its
    /// build on the server.
    async fn forget_releases(&self, place: &Place) -> Result<(), Stop> {
        let (app, environment) = (&self.deployment.app, &self.deployment.environment);
        patiently(&self.stop, || async {
            let store = self.engine.store();
            let good = store.kept_releases(app, environment).await?.into_iter().map(|kept| kept.release);
            let good: Vec<ReleaseName> = good.collect();
            let known = store.known_releases(app, environment, &place.name).await?;
            let kept = known.into_iter().filter(|(_, state)| *state != ReleaseState::Removed);
            let found: Vec<ReleaseName> = kept.map(|(release, _)| release).collect();
            let live = Some(&self.deployment.release);
            let gone = release::to_remove(&found, &good, live, place.previous.as_ref(), self.config.keep, |_| true);
            self.mark_removed(&place.name, &gone).await
        })
        .await
    }

    async fn mark_removed(&self, host: &HostName, gone: &[ReleaseName]) -> Result<(), Stop> {
        let mut tx = self.engine.store().begin().await?;
        for release in gone {
            tx.mark_release_removed(release, host, self.engine.now()).await?;
        }
        Ok(tx.commit().await?)
    }
}
