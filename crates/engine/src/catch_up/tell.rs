//! Making deliveries of missed moves.

use super::{OWN, Watched, merges};
use crate::hub::Topic;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::{Auto, AutoOn, branch_allowed};
use davit_domain::event::{ForgeEvent, GitRef, Push};
use davit_domain::heads::{MissedHead, SeenHead, older_first};
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;
use davit_exec::ExecError;
use davit_exec::git::{CommitInfo, Mirror};
use davit_store::inbox::NewDelivery;
use davit_store::seen::ForgeChecked;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For fetching what missed moves are about.
const FETCH: Duration = Duration::from_secs(600);

/// Makes deliveries of missed moves, those to older commits first. Of several tags only the newest is told for each
/// release that takes it; the others, and tags of what is no commit, are given back: they count as seen.
pub(super) async fn tell(
    engine: &Engine,
    watched: &Watched<'_>,
    mirror: &Mirror,
    missed: Vec<MissedHead>,
    last: &ForgeChecked,
    now: Timestamp,
) -> Result<Vec<SeenHead>, EngineError> {
    let (nobody, cancel) = (nobody_listens(), CancellationToken::new());
    let Ok(fetched) = tokio::time::timeout(FETCH, mirror.fetch(&nobody, &cancel)).await else {
        return Err(EngineError::Upstream("git took too long".to_owned()));
    };
    fetched?;
    let repository = watched.repository;
    let mut untold = Vec::new();
    let mut moves = Vec::new();
    for head in missed {
        match (mirror.describe(&head.after).await, &head.git_ref) {
            (Ok(described), _) => moves.push((head, described)),
            (Err(ExecError::Git(error)), GitRef::Tag(tag)) => {
                tracing::warn!(repository, tag, error, "a tag that names no commit leads to nothing");
                untold.push(seen(head, now));
            }
            // It moved on since git was asked where it is: the next look finds it there.
            (Err(ExecError::Git(error)), GitRef::Branch(branch)) => {
                tracing::warn!(repository, branch, error, "a branch is looked at again");
            }
            (Err(error), _) => return Err(error.into()),
        }
    }
    moves.sort_by(|(one, described), (other, of_other)| {
        older_first((described.at, &one.git_ref), (of_other.at, &other.git_ref))
    });
    let newest = newest_tags(watched, &moves);
    for (head, described) in moves {
        if let GitRef::Tag(tag) = &head.git_ref
            && !newest.contains(tag)
        {
            tracing::warn!(repository, tag, "of several missed tags only the newest is released: this one is older");
            untold.push(seen(head, now));
        } else {
            tell_one(engine, watched, mirror, head, described, last).await?;
        }
    }
    Ok(untold)
}

/// The newest tag of all, and the newest that each release by tags takes.
fn newest_tags(watched: &Watched<'_>, moves: &[(MissedHead, CommitInfo)]) -> Vec<String> {
    let newest_first = || {
        moves.iter().rev().filter_map(|(head, _)| match &head.git_ref {
            GitRef::Tag(tag) => Some(tag),
            GitRef::Branch(_) => None,
        })
    };
    let by_tag = autos(watched).filter(|auto| auto.on == AutoOn::Tag);
    let taken = by_tag.filter_map(|auto| newest_first().find(|tag| branch_allowed(Some(&auto.branches), tag)));
    newest_first().next().into_iter().chain(taken).cloned().collect()
}

/// What releases by itself.
fn autos<'w>(watched: &'w Watched<'_>) -> impl Iterator<Item = &'w Auto> {
    watched.apps.iter().flat_map(|app| &app.releases).filter_map(|release| release.auto.as_ref())
}

/// Where a move led, as seen by davit itself.
pub(super) fn seen(head: MissedHead, at: Timestamp) -> SeenHead {
    SeenHead { git_ref: head.git_ref, commit: head.after, before: head.before, at, delivery: None }
}

/// Makes a missed move a delivery, and a merge in it one more.
async fn tell_one(
    engine: &Engine,
    watched: &Watched<'_>,
    mirror: &Mirror,
    head: MissedHead,
    described: CommitInfo,
    last: &ForgeChecked,
) -> Result<(), EngineError> {
    let mut events = Vec::new();
    if let (GitRef::Branch(branch), Some(before), true) =
        (&head.git_ref, &head.before, autos(watched).any(|auto| auto.on == AutoOn::Merge))
        && let Some(change) = merges::newest(mirror, watched.repository, branch, before, &head.after).await?
    {
        events.push(("pull_request", ForgeEvent::Change(change)));
    }
    let name = head.git_ref.full();
    let push = Push {
        repository: watched.repository.to_owned(),
        git_ref: head.git_ref,
        before: head.before,
        after: Some(head.after.clone()),
        pusher: described.author,
        title: described.subject,
    };
    events.push(("push", ForgeEvent::Push(push)));
    for (event, body) in events {
        // The same for two processes that look at the same time, another one when the branch comes here again.
        let delivery = format!("{OWN}{}:{name}:{}:{event}:{}", watched.repository, head.after, last.at.millis());
        let why = "no delivery told about this move of a branch or tag: davit found it with git";
        put(engine, &watched.forge.id, delivery, event, why, &body).await?;
    }
    Ok(())
}

pub(super) async fn put(
    engine: &Engine,
    forge: &ForgeId,
    delivery: String,
    event: &str,
    why: &str,
    body: &ForgeEvent,
) -> Result<(), EngineError> {
    let body = serde_json::to_vec(body).map_err(|error| EngineError::Unavailable(error.to_string()))?;
    let headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), ("davit".to_owned(), why.to_owned())];
    let new = NewDelivery {
        forge: forge.clone(),
        delivery,
        event: event.to_owned(),
        received_at: engine.now(),
        headers,
        body,
    };
    engine.inbox().put(new).await?;
    engine.hub().tell_topic(Topic::Delivery, None);
    Ok(())
}
