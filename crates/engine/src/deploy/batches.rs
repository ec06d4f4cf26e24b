//! The way forward: batch after batch, from whatever the tables say is the starting point.
//!
//! One batch: its hosts are staged, then a barrier, then all switched, then verified. The same code starts a deployment
//! and takes one up again: hosts that are through stay so, hosts whose outcome is open are asked.

use super::journal::Change;
use super::place::Place;
use super::run::{Run, Stop, all};
use super::stage::{Cargo, Cut};
use davit_domain::config::{BetweenBatches, OnFailure};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState, Pause};
use davit_domain::ids::HostName;
use davit_domain::log::Step;
use davit_store::releases::ReleaseState;
use std::time::Duration;

/// How far a run came.
pub(super) enum Progress {
    /// No batch is left.
    Through,
    /// A person or the clock has to let it go on.
    Paused,
}

/// What failing hosts mean for the deployment.
pub(super) enum Verdict {
    /// They go back, the others go on.
    Tolerated,
    /// Every host that switched goes back.
    GoBack,
    /// Everything stays as it is, for a person.
    Hold,
}

/// A host that failed.
pub(super) struct Failure {
    pub(super) host: HostName,
    pub(super) step: Step,
    pub(super) reason: String,
}

impl Run {
    /// All that is left to be done, to the end or to the next pause.
    pub(super) async fn forward(&self) -> Result<(), Stop> {
        let mut places = self.places().await?;
        let result = match self.roll_out(&mut places).await {
            Ok(Progress::Through) => self.conclude(&mut places).await,
            Ok(Progress::Paused) => Ok(()),
            Err(stop @ (Stop::Failed { .. } | Stop::Cancelled { .. })) => self.turn_back(&mut places, stop).await,
            Err(stop @ (Stop::Interrupted | Stop::Superseded | Stop::Away { .. } | Stop::Later { .. })) => Err(stop),
        };
        all(places.iter_mut().map(|place| self.disconnect(place)).collect(), self.limit()).await;
        result
    }

    async fn roll_out(&self, places: &mut [Place]) -> Result<Progress, Stop> {
        let mut cargo = None;
        let last = places.iter().map(|place| place.batch).max().unwrap_or_default();
        for number in 1..=last {
            let was_through = places.iter().filter(|place| place.batch == number).all(is_settled);
            if !was_through {
                self.batch(places, number, &mut cargo).await?;
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

    /// Whether the deployment came to the end of this batch, and to nothing after it: a person skipped its last host,
    /// or the server went away right then.
    pub(super) fn stands_after(&self, places: &[Place], number: u32) -> bool {
        let switching = matches!(self.deployment.state, DeploymentState::Switching | DeploymentState::Verifying);
        let later = || places.iter().filter(|place| place.batch > number);
        switching && later().all(|place| place.state == HostRunState::Waiting)
    }

    async fn batch(&self, places: &mut [Place], number: u32, cargo: &mut Option<Cargo>) -> Result<(), Stop> {
        let open = |state: &HostRunState| {
            matches!(state, HostRunState::Staged | HostRunState::Switching { .. } | HostRunState::Unknown { .. })
        };
        let cut = Cut::in_switching(self, self.spare(places));
        let looks = in_batch(places, number, open).map(|place| cut.count(self.look(cut.over(place)))).collect();
        let looked = all(looks, self.limit()).await;
        self.heed(places, number, looked).await?;

        let to_stage = |state: &HostRunState| matches!(state, HostRunState::Waiting | HostRunState::Staging);
        let early = matches!(self.deployment.state, DeploymentState::Queued | DeploymentState::Building);
        if early || in_batch(places, number, to_stage).next().is_some() {
            if cargo.is_none() {
                *cargo = self.cargo().await?;
            }
            self.check_cancel()?;
            self.advance(DeploymentState::Staging).await?;
            let some_switched = places.iter().any(Place::may_have_switched);
            let cut = Cut::in_staging(self, if some_switched { self.spare(places) } else { 0 });
            let stages = in_batch(places, number, to_stage)
                .map(|place| cut.count(self.stage(cut.over(place), cargo.as_ref(), &cut)))
                .collect();
            let staged = all(stages, self.limit()).await;
            self.heed(places, number, staged).await?;
        }
        if places.iter().any(is_held) {
            return Ok(());
        }
        let staged = |state: &HostRunState| *state == HostRunState::Staged;
        if in_batch(places, number, staged).next().is_some() {
            self.check_cancel()?;
            self.advance(DeploymentState::Switching).await?;
            let cut = Cut::in_switching(self, self.spare(places));
            let switches =
                in_batch(places, number, staged).map(|place| cut.count(self.switch(cut.over(place)))).collect();
            let switched = all(switches, self.limit()).await;
            self.heed(places, number, switched).await?;
        }
        let live = |state: &HostRunState| matches!(state, HostRunState::Live { .. } | HostRunState::Verifying { .. });
        if in_batch(places, number, live).next().is_some() {
            self.check_stop()?;
            self.advance(DeploymentState::Verifying).await?;
            let cut = Cut::in_switching(self, self.spare(places));
            let checks = in_batch(places, number, live).map(|place| cut.count(self.verify(cut.over(place)))).collect();
            let verified = all(checks, self.limit()).await;
            self.heed(places, number, verified).await?;
        }
        Ok(())
    }

    /// How many more hosts may fail before the others need not go on.
    fn spare(&self, places: &[Place]) -> usize {
        let failed = places.iter().filter(|place| place.has_failed()).count();
        self.most_failures().saturating_sub(failed + 1)
    }

    fn most_failures(&self) -> usize {
        usize::try_from(self.config.strategy.max_failures.max(1)).unwrap_or(usize::MAX)
    }

    /// Deals with the hosts that failed in a phase. `Ok`: the deployment goes on, with or without them.
    async fn heed(&self, places: &mut [Place], number: u32, results: Vec<Result<(), Stop>>) -> Result<(), Stop> {
        let (failures, other) = sort(results);
        if matches!(other, Some(Stop::Superseded)) || failures.is_empty() {
            return other.map_or(Ok(()), Err);
        }
        // Those that were only interrupted because others failed are left where they are.
        let other = other.filter(|stop| !matches!(stop, Stop::Interrupted) || self.cancel.is_cancelled());
        let none_switched = !places.iter().any(Place::may_have_switched);
        let verdict = if none_switched { Verdict::GoBack } else { self.verdict(places, number, &failures) };
        let mut failures = failures.into_iter();
        if matches!(verdict, Verdict::GoBack) {
            // The first one is the reason, and whoever goes back says it.
            let first = failures.next();
            for Failure { host, step, reason } in failures {
                self.say(Some(&host), step, reason).await?;
                self.cell(Some(&host), step, CellState::Failed).await?;
            }
            return Err(first.map_or(Stop::Interrupted, |Failure { host, step, reason }| Stop::Failed {
                host: Some(host),
                step,
                reason,
            }));
        }
        let failures: Vec<Failure> = failures.collect();
        let mut ends = Vec::with_capacity(failures.len());
        for place in places.iter_mut() {
            if let Some(failure) = failures.iter().find(|failure| failure.host == place.name) {
                ends.push(self.lose(place, failure, matches!(verdict, Verdict::Hold)));
            }
        }
        all(ends, self.limit()).await.into_iter().collect::<Result<(), Stop>>()?;
        other.map_or(Ok(()), Err)
    }

    async fn lose(&self, place: &mut Place, failure: &Failure, hold: bool) -> Result<(), Stop> {
        let Failure { step, reason, .. } = failure;
        let name = place.name.clone();
        self.say(Some(&name), *step, reason).await?;
        if hold {
            let previous = place.state.switched_from().cloned().unwrap_or_else(|| place.previous.clone());
            let held = HostRunState::Held { step: *step, reason: reason.clone(), previous };
            return self.set(place, held, [Change::Cell(Some(name), *step, CellState::Failed)]).await;
        }
        self.set_cell(place, *step, CellState::Failed).await?;
        self.leave_behind(place, *step, reason.clone()).await
    }

    pub(super) fn verdict(&self, places: &[Place], number: u32, failures: &[Failure]) -> Verdict {
        let fails = |place: &Place| failures.iter().any(|failure| failure.host == place.name);
        let failed = places.iter().filter(|place| place.has_failed() || fails(place)).count();
        let of_batch = || places.iter().filter(|place| place.batch == number && place.state != HostRunState::Skipped);
        let none_left = of_batch().all(|place| place.has_failed() || fails(place));
        if failed < self.most_failures() && !none_left {
            return Verdict::Tolerated;
        }
        match self.config.strategy.on_failure {
            OnFailure::Revert => Verdict::GoBack,
            OnFailure::Hold => Verdict::Hold,
        }
    }

    /// Why the deployment stands still after a batch, if it does.
    pub(super) fn pause_after(&self, places: &[Place], number: u32) -> Option<Pause> {
        let held: Vec<(&Place, &String)> = places
            .iter()
            .filter_map(|place| match &place.state {
                HostRunState::Held { reason, .. } => Some((place, reason)),
                HostRunState::Waiting
                | HostRunState::Staging
                | HostRunState::Staged
                | HostRunState::Switching { .. }
                | HostRunState::Live { .. }
                | HostRunState::Verifying { .. }
                | HostRunState::Done { .. }
                | HostRunState::Failed { .. }
                | HostRunState::Reverted { .. }
                | HostRunState::Skipped
                | HostRunState::Cancelled
                | HostRunState::Unknown { .. } => None,
            })
            .collect();
        if let Some((_, reason)) = held.first() {
            let more: Vec<&str> = held[1..].iter().map(|(place, _)| place.name.as_str()).collect();
            let more = if more.is_empty() { String::new() } else { format!("; failed too: {}", more.join(", ")) };
            return Some(Pause::Held { reason: format!("{reason}{more}") });
        }
        let next_batch = places.iter().filter(|place| !is_settled(place)).map(|place| place.batch).min()?;
        if next_batch <= number {
            return None;
        }
        match self.config.strategy.pause {
            BetweenBatches::None => None,
            BetweenBatches::Confirm => Some(Pause::Confirm { next_batch }),
            BetweenBatches::Wait { seconds } => {
                Some(Pause::Until { next_batch, at: self.engine.now().plus(Duration::from_secs(seconds)) })
            }
        }
    }

    pub(super) async fn pause(&self, pause: Pause) -> Result<(), Stop> {
        let mut sentence = pause.sentence();
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        self.say(None, Step::AfterRelease, sentence).await?;
        let after = match &pause {
            Pause::Until { at, .. } => Some(at.since(self.engine.now())),
            Pause::Confirm { .. } | Pause::Held { .. } => None,
        };
        self.advance_with(DeploymentState::Paused { pause }, after).await
    }

    /// No batch is left: the deployment ends, and says which hosts serve what.
    async fn conclude(&self, places: &mut [Place]) -> Result<(), Stop> {
        let names = |wanted: fn(&HostRunState) -> bool| -> Vec<&str> {
            places.iter().filter(|place| wanted(&place.state)).map(|place| place.name.as_str()).collect()
        };
        let unknown = names(|state| matches!(state, HostRunState::Unknown { .. }));
        if !unknown.is_empty() {
            return Err(Stop::Later { reason: format!("still to be asked what they serve: {}", unknown.join(", ")) });
        }
        let failed = names(|state| matches!(state, HostRunState::Failed { .. }));
        let done = names(|state| matches!(state, HostRunState::Done { .. }));
        let release = &self.deployment.release;
        let end = if done.is_empty() {
            DeploymentState::Failed { reason: format!("no host serves {release}: every one was left out") }
        } else if failed.is_empty() {
            DeploymentState::Succeeded
        } else {
            let (count, of, names) = (failed.len(), places.len(), failed.join(", "));
            DeploymentState::Failed {
                reason: format!(
                    "{count} of {of} hosts failed ({names}) and serve what they served before; the others serve {release}"
                ),
            }
        };
        let good: Vec<Change> = places
            .iter()
            .filter(|place| matches!(place.state, HostRunState::Done { .. }))
            .map(|place| Change::Release(place.name.clone(), ReleaseState::Good))
            .collect();
        let text = end.reason().unwrap_or_else(|| format!("{release} is live in {}", self.deployment.environment));
        self.say(None, Step::AfterRelease, text).await?;
        self.close_cells(|_| None).await?;
        self.end_with(end, &good).await?;
        self.clean_up().await;
        self.prune_all(places).await;
        Ok(())
    }
}

/// The hosts of a batch that stand like this.
fn in_batch<'p>(
    places: &'p mut [Place],
    number: u32,
    wanted: impl Fn(&HostRunState) -> bool + 'p,
) -> impl Iterator<Item = &'p mut Place> {
    places.iter_mut().filter(move |place| place.batch == number && wanted(&place.state))
}

/// Whether nothing more is to be done on a host.
pub(super) fn is_settled(place: &Place) -> bool {
    match place.state {
        HostRunState::Done { .. }
        | HostRunState::Failed { .. }
        | HostRunState::Reverted { .. }
        | HostRunState::Skipped
        | HostRunState::Cancelled => true,
        HostRunState::Waiting
        | HostRunState::Staging
        | HostRunState::Staged
        | HostRunState::Switching { .. }
        | HostRunState::Live { .. }
        | HostRunState::Verifying { .. }
        | HostRunState::Held { .. }
        | HostRunState::Unknown { .. } => false,
    }
}

fn is_held(place: &Place) -> bool {
    matches!(place.state, HostRunState::Held { .. })
}

/// The hosts that failed, and of what else kept others from going on, what decides.
pub(super) fn sort(results: Vec<Result<(), Stop>>) -> (Vec<Failure>, Option<Stop>) {
    let (mut failures, mut other) = (Vec::new(), None::<Stop>);
    for stop in results.into_iter().filter_map(Result::err) {
        match stop {
            Stop::Failed { host: Some(host), step, reason } => failures.push(Failure { host, step, reason }),
            stop @ (Stop::Failed { host: None, .. }
            | Stop::Cancelled { .. }
            | Stop::Interrupted
            | Stop::Superseded
            | Stop::Away { .. }
            | Stop::Later { .. }) => {
                other = Some(match other {
                    Some(first) => first.or_worse(stop),
                    None => stop,
                });
            }
        }
    }
    (failures, other)
}
