//! Changes that no webhook told of: every now and then the open changes of each repository that davit merges in are
//! listed, and each is asked for, as are those that davit takes for open and the list does not have.

use crate::{Engine, EngineError};
use davit_domain::config::Configuration;
use davit_domain::ids::ForgeId;
use davit_domain::merge::ChangeState;
use davit_store::changes::ChangeFilter;
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
    let mut numbers: BTreeSet<i64> = open.into_iter().map(|change| change.number).collect();
    let filter = ChangeFilter {
        forge: Some(forge.clone()),
        repository: Some(repository.to_owned()),
        state: Some(ChangeState::Open),
        ..ChangeFilter::default()
    };
    let known = engine.store().changes(&filter, None, MOST).await?;
    numbers.extend(known.into_iter().map(|change| change.row.number));
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
