//! Custom mode: the author's own actions, in order, in the place of the six steps.
//!
//! Server actions before the first one that reaches for a host do what steps 1 to 3 do: they run in the checkout, and
//! what they leave there is the build that transfers take. From then on actions run batch by batch: each one on all
//! hosts of the batch before the next one; a server action between them runs once, in the first batch. What ran stays:
//! actions can't be undone, so a deployment that fails ends there, and going back is a request of its own that runs
//! the rollback actions.
//!
//! The way forward is here, what is done on a host in [`act`], the ends in [`end`]. As with the six steps, the tables
//! are the starting point: an action that is through does not run again, one that was running is followed on.

mod act;
mod end;

use super::batches::{Progress, Verdict, is_settled, sort};
use super::journal::Change;
use super::place::Place;
use super::run::{Run, Stop, all};
use super::server::Workshop;
use davit_domain::config::{Action, ActionKind, Mode, ReleaseConfig, TransferSource};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::log::Step;
use davit_domain::request::Kind;
use davit_exec::build::Build;
use davit_store::deployments::PlannedStep;

/// What is shown as the steps of a deployment.
pub(crate) fn planned_steps(config: &ReleaseConfig, kind: Kind) -> Vec<PlannedStep> {
    let Some(acts) = acts(config, kind) else { return PlannedStep::regular(kind) };
    let plan = |step, on_server| PlannedStep { step, on_server, skipped: false };
    let checkout = needs_source(&acts).then(|| plan(Step::Checkout, true));
    checkout.into_iter().chain(acts.iter().map(|act| plan(act.step, act.is_on_server()))).collect()
}

/// One action and its place.
#[derive(Debug, Clone, Copy)]
struct Act<'a> {
    step: Step,
    action: &'a Action,
}

impl Act<'_> {
    const fn is_on_server(&self) -> bool {
        matches!(self.action.what, ActionKind::Server { .. })
    }

    const fn takes_build(&self) -> bool {
        matches!(self.action.what, ActionKind::Transfer { from: TransferSource::Build(_), .. })
    }
}

/// What actions work with on the server.
#[derive(Default)]
struct Ground {
    shop: Option<Workshop>,
    build: Option<Build>,
}

/// The actions of a custom config; `None`: it is a regular one.
fn acts(config: &ReleaseConfig, kind: Kind) -> Option<Vec<Act<'_>>> {
    let actions = match (&config.mode, kind) {
        (Mode::Regular, _) => return None,
        (Mode::Custom(custom), Kind::Rollback) => &custom.rollback_actions,
        (Mode::Custom(custom), Kind::Regular | Kind::Auto) => &custom.actions,
    };
    let places = 1..=Step::MOST_ACTIONS;
    Some(places.zip(actions).map(|(place, action)| Act { step: Step::Action(place), action }).collect())
}

fn needs_source(acts: &[Act<'_>]) -> bool {
    acts.iter().any(|act| act.is_on_server() || act.takes_build())
}

impl Run {
    /// Whether the config has actions of its own.
    pub(super) const fn is_custom(&self) -> bool {
        matches!(self.config.mode, Mode::Custom(_))
    }

    /// All actions that are left, to the end or to the next pause.
    pub(super) async fn carry_out_custom(&self) -> Result<(), Stop> {
        let mut places = self.places().await?;
        let result = match self.run_actions(&mut places).await {
            Ok(Progress::Through) => self.conclude_custom(&mut places).await,
            Ok(Progress::Paused) => Ok(()),
            Err(stop @ (Stop::Failed { .. } | Stop::Cancelled { .. })) => self.end_custom(&mut places, stop).await,
            Err(stop @ (Stop::Interrupted | Stop::Superseded | Stop::Away { .. } | Stop::Later { .. })) => Err(stop),
        };
        all(places.iter_mut().map(|place| self.disconnect(place)).collect(), self.limit()).await;
        result
    }

    async fn run_actions(&self, places: &mut [Place]) -> Result<Progress, Stop> {
        let acts = acts(&self.config, self.deployment.kind).unwrap_or_default();
        if acts.is_empty() {
            let what = if self.is_rollback() { "rollback_action" } else { "action" };
            let reason = format!("the release config has no [[app.release.{what}]]: nothing can be done");
            return Err(Stop::Failed { host: None, step: Step::Action(1), reason });
        }
        let (leading, others) = acts.split_at(acts.iter().take_while(|act| act.is_on_server()).count());
        let ground = self.ground(leading, others).await?;
        self.remember_live(places).await?;
        self.check_cancel()?;
        self.begin_on_hosts().await?;
        let last = places.iter().map(|place| place.batch).max().unwrap_or_default();
        for number in 1..=last {
            let was_through = places.iter().filter(|place| place.batch == number).all(is_settled);
            if !was_through {
                self.action_batch(places, number, others, &ground).await?;
            } else if !self.stands_after(places, number) {
                continue;
            }
            if let Some(pause) = self.pause_after(places, number) {
                self.pause(pause).await?;
                return Ok(Progress::Paused);
            }
        }
        Ok(Progress::Through)
    }

    /// The checkout, the actions before the first host, and the build, as far as they are needed.
    async fn ground(&self, leading: &[Act<'_>], others: &[Act<'_>]) -> Result<Ground, Stop> {
        let cells = self.server_cells().await?;
        let is_through = |act: &&Act<'_>| cells.contains(&(act.step, CellState::Succeeded));
        let on_server = || leading.iter().chain(others).filter(|act| act.is_on_server());
        let takes_build = others.iter().any(Act::takes_build);
        let mut ground = Ground::default();
        if takes_build {
            ground.build = self.known_build(on_server().next().is_none()).await?;
        }
        let is_open = on_server().any(|act| !is_through(&act));
        if !is_open && (ground.build.is_some() || !takes_build) {
            return Ok(ground);
        }
        let has_begun = on_server().any(|act| {
            cells
                .iter()
                .any(|(step, state)| *step == act.step && matches!(state, CellState::Running | CellState::Succeeded))
        });
        if has_begun && self.left_workshop().await?.is_none() {
            let reason =
                "the directory on the server in which its actions ran is gone: what they made can't be had any more";
            return Err(Stop::Failed { host: None, step: Step::Checkout, reason: reason.into() });
        }
        if self.deployment.state == DeploymentState::Queued || ground.build.is_none() {
            self.advance(DeploymentState::Building).await?;
        }
        let shop = self.workshop().await?;
        self.furnish(&shop).await?;
        for act in leading.iter().filter(|act| !is_through(act)) {
            self.check_cancel()?;
            self.server_action(&shop, act).await?;
        }
        if takes_build && ground.build.is_none() {
            let step = leading.last().map_or(Step::Checkout, |act| act.step);
            ground.build = Some(self.pack(&shop, &self.build_key()?, step).await?);
        } else if !takes_build {
            self.save_caches(&shop, leading.last().map_or(Step::Checkout, |act| act.step)).await?;
        }
        ground.shop = Some(shop);
        Ok(ground)
    }

    /// A build that needs no action to be run: of the release that this goes back to, one that was asked for by name
    /// or is this deployment's already; where no action makes it (`plain`), that of the commit.
    async fn known_build(&self, plain: bool) -> Result<Option<Build>, Stop> {
        if self.is_rollback() {
            return match self.build_of(&self.deployment.release).await? {
                Some(build) => Ok(Some(build)),
                None => Err(Stop::Failed {
                    host: None,
                    step: Step::Checkout,
                    reason: format!("the build of {} is no longer on this server", self.deployment.release),
                }),
            };
        }
        if plain || self.request.build.is_some() {
            return self.build().await.map(Some);
        }
        Ok(match &self.deployment.build {
            Some(digest) => self.engine.stored_build(digest).await,
            None => None,
        })
    }

    async fn server_action(&self, shop: &Workshop, act: &Act<'_>) -> Result<(), Stop> {
        let ActionKind::Server { run } = &act.action.what else { return Ok(()) };
        self.server_step(shop, act.step, run, &shop.source()).await
    }

    /// From here on hosts may change.
    async fn begin_on_hosts(&self) -> Result<(), Stop> {
        if self.deployment.state != DeploymentState::Switching {
            self.advance(DeploymentState::Staging).await?;
        }
        self.advance(DeploymentState::Switching).await
    }

    async fn action_batch(
        &self,
        places: &mut [Place],
        number: u32,
        acts: &[Act<'_>],
        ground: &Ground,
    ) -> Result<(), Stop> {
        for act in acts {
            self.check_cancel()?;
            if act.is_on_server() {
                let is_through = self.server_cells().await?.contains(&(act.step, CellState::Succeeded));
                if let (false, Some(shop)) = (is_through, &ground.shop) {
                    self.server_action(shop, act).await?;
                }
                continue;
            }
            let open = places.iter_mut().filter(|place| place.batch == number && is_open(place));
            let left = open.filter(|place| !place.is_through(act.step));
            let done = all(left.map(|place| self.act_on(place, act, ground)).collect(), self.limit()).await;
            self.heed_actions(places, number, done).await?;
            if places.iter().any(|place| matches!(place.state, HostRunState::Held { .. })) {
                return Ok(());
            }
        }
        let open = places.iter_mut().filter(|place| place.batch == number && is_open(place));
        let done = all(open.map(|place| self.complete(place)).collect(), self.limit()).await;
        self.heed_actions(places, number, done).await
    }

    /// Deals with the hosts on which an action failed. `Ok`: the deployment goes on, with or without them.
    async fn heed_actions(&self, places: &mut [Place], number: u32, done: Vec<Result<(), Stop>>) -> Result<(), Stop> {
        let (failures, other) = sort(done);
        if matches!(other, Some(Stop::Superseded)) || failures.is_empty() {
            return other.map_or(Ok(()), Err);
        }
        let verdict = self.verdict(places, number, &failures);
        for failure in &failures {
            let (step, reason) = (failure.step, failure.reason.clone());
            let Some(place) = places.iter_mut().find(|place| place.name == failure.host) else { continue };
            self.say(Some(&place.name), step, &reason).await?;
            let previous = place.previous.clone();
            let state = match verdict {
                Verdict::Hold => HostRunState::Held { step, reason, previous },
                Verdict::Tolerated | Verdict::GoBack => HostRunState::Failed { step, reason },
            };
            // A health check belongs to no action.
            let is_action = matches!(step, Step::Action(_));
            let cell = is_action.then(|| Change::Cell(Some(place.name.clone()), step, CellState::Failed));
            self.set(place, state, cell).await?;
        }
        match (verdict, failures.into_iter().next()) {
            (Verdict::GoBack, Some(first)) => {
                Err(Stop::Failed { host: Some(first.host), step: first.step, reason: first.reason })
            }
            (Verdict::Tolerated | Verdict::Hold | Verdict::GoBack, _) => other.map_or(Ok(()), Err),
        }
    }
}

/// Whether something is left to be done on a host, and nobody has to be asked first.
fn is_open(place: &Place) -> bool {
    !is_settled(place) && !matches!(place.state, HostRunState::Held { .. })
}
