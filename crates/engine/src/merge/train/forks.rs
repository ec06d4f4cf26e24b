//! When a fork's change may be tested in the queue: its code runs there, so somebody has looked at it before.

use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, ExecutorKind, ForkPolicy};
use davit_domain::merge::Hold;
use davit_store::changes::Change;
use davit_store::ci_runs::RunFilter;

/// What keeps a fork's change out of its queue; `None`: nothing.
///
/// A person has approved a run of its very head, or the forge counts the approvals that the policy asks for. On the host
/// itself, and where davit tests no forks, what the forge counts is not enough.
pub(super) async fn waits(
    engine: &Engine,
    configuration: &Configuration,
    change: &Change,
) -> Result<Option<Hold>, EngineError> {
    let row = &change.row;
    if !row.from_fork {
        return Ok(None);
    }
    let settings = configuration.repository(&row.forge, &row.repository);
    let counts_at_forge = settings.is_some_and(|settings| {
        let needs = settings.merge.as_ref().map_or(0, |policy| policy.approvals);
        let is_shut_in = settings.executor != ExecutorKind::Host && settings.forks == ForkPolicy::Approve;
        is_shut_in && needs > 0 && row.approvals >= needs
    });
    if counts_at_forge || is_approved(engine, change).await? {
        return Ok(None);
    }
    Ok(Some(Hold::ForkNotApproved { commit: row.head.short().to_owned() }))
}

/// Whether a person let a run of that very head begin.
async fn is_approved(engine: &Engine, change: &Change) -> Result<bool, EngineError> {
    let row = &change.row;
    let filter = RunFilter {
        forge: Some(row.forge.clone()),
        repository: Some(row.repository.clone()),
        change: Some(row.number),
        head: Some(row.head.clone()),
        ..RunFilter::default()
    };
    let runs = engine.store().runs(&filter, None, 100).await?;
    Ok(runs.iter().any(|run| run.approved_by.is_some()))
}
