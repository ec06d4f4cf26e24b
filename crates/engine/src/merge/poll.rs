//! Changes that no webhook told of: every now and then the open changes of each repository that davit merges in are
//! listed, and each is asked for, as are those that davit takes for open and the list does not have. One that moved on,
//! or came since the newest that davit knows, is told as a delivery of davit's own, so that its workflows run.

use crate::{Engine, EngineError, catch_up};
use davit_domain::config::Configuration;
use davit_domain::event::{ChangeAction, ChangeEvent};
use davit_domain::ids::ForgeId;
use davit_domain::merge::ChangeState;
use davit_store::changes::{Change, ChangeFilter};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often a repository's open changes are listed.
const EVERY: Duration = Duration::from_secs(600);
/// More open changes than any repository has that is worked on.
const MOST: i64 = 1000;

/// Begins to list what is due.
pub(super) async fn begin(engine: &Engine) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    for (forge, repository) in due(engine, &configuration) {
        let (engine, drain) = (engine.clone(), engine.lifecycle().drain_token());
        engine.lifecycle().clone().spawn("changes", async move {
            tokio::select! {
                () = drain.cancelled() => {}
                done = list(&engine, &forge, &repository) => if let Err(error) = done {
                    tracing::warn!(%forge, repository, %error, "the open changes can't be listed now");
                },
            }
        });
    }
    Ok(())
}

/// The repositories whose time has come; it has not, for anybody who asks again.
fn due(engine: &Engine, configuration: &Configuration) -> Vec<(ForgeId, String)> {
    let now = engine.now();
    let mut listed = engine.merge_notes().listed();
    let mut due = Vec::new();
    for settings in configuration.repositories.iter().filter(|settings| settings.merge.is_some()) {
        let place = (settings.forge.clone(), settings.name.clone());
        let is_paused = engine.traffic().paused_until(&settings.forge, now).is_some();
        if !is_paused && listed.get(&place).is_none_or(|at| now.since(*at) >= EVERY) {
            listed.insert(place.clone(), now);
            due.push(place);
        }
    }
    due
}

async fn list(engine: &Engine, forge: &ForgeId, repository: &str) -> Result<(), EngineError> {
    let client = engine.forge_client(forge).await?;
    let open = client.open_changes(repository).await.map_err(|error| EngineError::Upstream(error.to_string()))?;
    let of_repository =
        ChangeFilter { forge: Some(forge.clone()), repository: Some(repository.to_owned()), ..ChangeFilter::default() };
    let known = engine.store().changes(&of_repository, None, MOST).await?;
    let mut numbers: BTreeSet<i64> = open.iter().map(|change| change.number).collect();
    let still_open = known.iter().filter(|change| change.row.state == ChangeState::Open);
    numbers.extend(still_open.map(|change| change.row.number));
    for change in missed(open, &known) {
        catch_up::tell_of_change(engine, forge, change).await?;
    }
    // Several processes look: one of them asks.
    let time = engine.now().millis() / i64::try_from(EVERY.as_millis()).unwrap_or(i64::MAX);
    let mut tx = engine.store().begin().await?;
    for number in numbers {
        let key = format!("list {forge} {repository} {number} {time}");
        engine.enqueue_change(&mut tx, forge, repository, number, key).await?;
    }
    tx.commit().await?;
    engine.queue().wake();
    Ok(())
}

/// Of the open changes those that are elsewhere than davit knows, and those that are newer than all it knows. Where
/// it knows none it sees the repository for the first time, and nothing is missed.
fn missed(open: Vec<ChangeEvent>, known: &[Change]) -> Vec<ChangeEvent> {
    let Some(newest) = known.iter().map(|change| change.row.number).max() else { return Vec::new() };
    let mut missed = Vec::new();
    for change in open {
        match known.iter().find(|known| known.row.number == change.number) {
            Some(known) if known.row.head == change.head => {}
            Some(_) => missed.push(ChangeEvent { action: ChangeAction::Updated, word: None, ..change }),
            None if change.number > newest => missed.push(change),
            None => {}
        }
    }
    missed
}
