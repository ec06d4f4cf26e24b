//! Asking a forge to send again what did not arrive.

use super::Watched;
use crate::{Engine, EngineError};
use davit_domain::config::ForgeKind;
use davit_domain::time::Timestamp;
use davit_forge::{ApiError, FailedDelivery};
use davit_store::seen::ForgeChecked;

/// Deliveries that one look asks a forge to send again.
const MOST_REDELIVERIES: usize = 50;

/// Asks the forge to send again what did not arrive. Gives the moment from which on to look next time.
pub(super) async fn redeliver(
    engine: &Engine,
    watched: &Watched<'_>,
    last: &ForgeChecked,
    now: Timestamp,
) -> Timestamp {
    let cursor =
        last.hook_cursor.as_ref().and_then(|cursor| cursor.parse().ok()).map_or(last.at, Timestamp::from_millis);
    let remembers = match watched.forge.kind {
        ForgeKind::Github | ForgeKind::Gitlab => watched.forge.has_api(),
        ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => false,
    };
    if !remembers {
        return now;
    }
    if engine.traffic().paused_until(&watched.forge.id, now).is_some() {
        return cursor;
    }
    match ask_to_redeliver(engine, watched, cursor).await {
        Ok(Asked::ForAll) => now,
        Ok(Asked::Until(at)) => at.unwrap_or(cursor),
        Err(error) => {
            let (repository, error) = (watched.repository, error.to_string());
            tracing::warn!(repository, error, "the forge can't be asked for deliveries that failed");
            cursor
        }
    }
}

/// How far a look came.
enum Asked {
    ForAll,
    /// There are more than one look asks for; when the last one's newest attempt was, where the forge says it.
    Until(Option<Timestamp>),
}

async fn ask_to_redeliver(engine: &Engine, watched: &Watched<'_>, since: Timestamp) -> Result<Asked, EngineError> {
    let (place, repository) = (&watched.place, watched.repository);
    let refused = |error| refused(engine, watched, error);
    let client = engine.forge_client(&watched.forge.id).await?;
    let url = engine.hook_url(&watched.forge.id);
    let ours = client.hooks(repository).await.map_err(refused)?.into_iter().find(|hook| hook.url == url);
    // A hook of the organisation, or none.
    let Some(hook) = ours else { return Ok(Asked::ForAll) };
    let mut failed = client.failed_deliveries(repository, hook.id, since).await.map_err(refused)?;
    failed.retain(|delivery| engine.catch_up_notes().may_ask(place, &delivery.guid));
    for delivery in failed.iter().take(MOST_REDELIVERIES) {
        let FailedDelivery { id, guid, .. } = delivery;
        tracing::info!(repository, guid, "asking for a delivery that failed");
        match client.redeliver(repository, hook.id, *id).await {
            Ok(()) => engine.catch_up_notes().ask(place, guid),
            Err(ApiError::Permanent { detail, status: Some(400..500) }) => {
                engine.catch_up_notes().give_up(place, guid);
                tracing::warn!(repository, guid, error = detail, "the forge won't send a delivery again");
            }
            Err(error) => return Err(refused(error)),
        }
    }
    let is_all = failed.len() <= MOST_REDELIVERIES;
    let last = failed.get(MOST_REDELIVERIES - 1).and_then(|delivery| delivery.at);
    Ok(if is_all { Asked::ForAll } else { Asked::Until(last) })
}

/// What a failed call means. A forge that says how long to wait is left alone that long.
fn refused(engine: &Engine, watched: &Watched<'_>, error: ApiError) -> EngineError {
    if let ApiError::Retry { after: Some(after), .. } = &error {
        engine.traffic().pause(&watched.forge.id, engine.now().plus(*after));
    }
    EngineError::Upstream(error.to_string())
}
