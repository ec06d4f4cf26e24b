//! Concurrency groups: of one group, one runs at a time, among the runs and among the jobs of a repository.
//!
//! As at GitHub, one may wait: a newer one takes the place of who waits, and with `cancel-in-progress` ends who runs.
//! Unlike there, jobs of one and the same run wait for each other in order. Groups of runs and groups of jobs are apart.

use super::advance::{Agenda, Loaded};
use crate::{Engine, EngineError};
use davit_ci::Instance;
use davit_domain::ci::{JobState, RunState};
use davit_store::Tx;
use davit_store::ci_jobs::CiJob;

/// What a group says to a job that wants to start.
pub(super) enum Taken {
    /// It may start.
    Free,
    /// It waits.
    Holds,
    /// It waits, and others of its run may have ended.
    Moved,
}

impl Engine {
    /// Whether a run waits for another one of its group. One that has begun waits no more.
    pub(super) async fn waits_for_group(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        agenda: &mut Agenda,
    ) -> Result<bool, EngineError> {
        let run = &loaded.run;
        let (Some(group), RunState::Queued, None) = (&run.group, run.state, &run.cancel_reason) else {
            return Ok(false);
        };
        if tx.jobs_of_run(run.id).await?.iter().any(|job| job.queued_at.is_some()) {
            return Ok(false);
        }
        let others = tx.open_runs_of_group(&run.forge, &run.repository, group).await?;
        let before: Vec<_> =
            others.iter().filter(|other| other.id < run.id && other.state != RunState::AwaitingApproval).collect();
        for other in &before {
            let waits = other.state == RunState::Queued && other.reason.is_some();
            if (waits || run.cancel_in_progress) && other.cancel_reason.is_none() {
                tx.supersede_run(other.id, run.id).await?;
                let reason = format!("run {} of the concurrency group {group:?} is newer", run.id);
                self.end_run_in(tx, other.id, &reason, agenda).await?;
            }
        }
        // Who was asked to end may have ended by now: then this one is looked at again.
        let Some(first) = before.first() else { return Ok(false) };
        let reason = format!("waits for run {} of the concurrency group {group:?}", first.id);
        if run.reason.as_deref() != Some(&reason) {
            tx.set_run_state(run.id, RunState::Queued, Some(&reason), self.now()).await?;
        }
        Ok(true)
    }

    /// Whether a job that wants to start waits for another one of its group.
    pub(super) async fn group_is_taken(
        &self,
        tx: &mut Tx,
        loaded: &Loaded,
        row: &CiJob,
        instance: &Instance,
        agenda: &mut Agenda,
    ) -> Result<Taken, EngineError> {
        let Some(group) = &instance.concurrency else { return Ok(Taken::Free) };
        let run = &loaded.run;
        let open = tx.open_jobs_of_group(&run.forge, &run.repository, &group.name).await?;
        let others: Vec<&CiJob> = open.iter().filter(|other| other.id != row.id).collect();
        let (mut is_held, mut moved) = (None, false);
        for other in others {
            let is_on = other.queued_at.is_some();
            let waits = !is_on && other.reason.is_some();
            let gives_way =
                other.run != run.id && ((waits && other.run < run.id) || (is_on && group.cancel_in_progress));
            let ended = if gives_way && other.cancel_reason.is_none() {
                let reason = format!("job {} of the concurrency group {:?} is newer", row.id, group.name);
                let Some(of) = tx.run(other.run).await? else { continue };
                agenda.add(other.run);
                self.cancel_row(tx, &of, other, &reason, agenda).await?
            } else {
                false
            };
            moved |= ended;
            if is_on && !ended {
                is_held = Some(other.id);
            }
        }
        let Some(holder) = is_held else { return Ok(Taken::Free) };
        if row.state == JobState::Queued {
            tx.hold_job(row.id, &format!("waits for job {holder} of the concurrency group {:?}", group.name)).await?;
        }
        Ok(if moved { Taken::Moved } else { Taken::Holds })
    }
}
