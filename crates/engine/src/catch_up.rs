//! What was missed: deliveries that got lost on their way or came while davit was down.
//!
//! Every few minutes, and soon after the start, each repository that an app uses is looked at. Where a forge remembers
//! deliveries that failed (GitHub, GitLab), it is asked to send them again. At every forge, git tells where branches and
//! tags are; a move that no delivery told about becomes a delivery of davit's own, which goes the way of all deliveries:
//! it is shown, says why it is there, and leads to something once. The first look at a repository only takes notes.
//!
//! A move is acted upon a while after it was noticed, so that the forge's own delivery, with a name and a title, comes
//! first where there is one. Merges are known by what git and the forges' usual titles say of them ([`merges`]): a
//! change that was rebased onto its base without a word of it is not.

mod merges;

use crate::hub::Topic;
use crate::inbox::look_at;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::{App, AutoOn, Configuration, Forge, ForgeKind, Repository};
use davit_domain::event::{ForgeEvent, GitRef, Push};
use davit_domain::heads::{self, MissedHead, SeenHead};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::time::Timestamp;
use davit_exec::git::{Mirror, RemoteRef};
use davit_forge::ApiError;
use davit_store::deliveries::{Delivery, DeliveryFilter, DeliveryFull, Verdict};
use davit_store::inbox::NewDelivery;
use davit_store::seen::ForgeChecked;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What the ids of davit's own deliveries begin with.
const OWN: &str = "catch-up:";
/// How often a repository is looked at.
const EVERY: Duration = Duration::from_secs(300);
/// How long a forge's own delivery is waited for.
const GRACE: Duration = Duration::from_secs(60);
/// For fetching what a missed move is about.
const FETCH: Duration = Duration::from_secs(600);
/// Deliveries that one look asks a forge to send again.
const MOST_REDELIVERIES: usize = 50;

/// What this process knows about its looks.
#[derive(Debug, Default)]
pub struct Notes {
    places: Mutex<HashMap<Place, PlaceNotes>>,
    /// The forges that are being looked at.
    busy: Mutex<HashSet<ForgeId>>,
}

/// A repository at a forge, in lower case.
type Place = (ForgeId, String);

#[derive(Debug, Default)]
struct PlaceNotes {
    /// When the next look is due; `None`: at once.
    next_look: Option<Timestamp>,
    /// Moves that no delivery told about yet, and when they were noticed.
    noticed: Vec<(MissedHead, Timestamp)>,
}

impl Notes {
    fn of(&self) -> MutexGuard<'_, HashMap<Place, PlaceNotes>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<ForgeId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, place: &Place, now: Timestamp) -> bool {
        self.of().get(place).and_then(|notes| notes.next_look).is_none_or(|at| at <= now)
    }

    fn look_again(&self, place: &Place, at: Timestamp) {
        self.of().entry(place.clone()).or_default().next_look = Some(at);
    }

    /// Those moves that were noticed long enough ago; the others are noticed now.
    fn ripe(&self, place: &Place, missed: Vec<MissedHead>, now: Timestamp) -> Vec<MissedHead> {
        let mut all = self.of();
        let noticed = &mut all.entry(place.clone()).or_default().noticed;
        let since =
            |head: &MissedHead| noticed.iter().find(|(known, _)| known == head).map_or(now, |(_, since)| *since);
        let still: Vec<(MissedHead, Timestamp)> = missed.into_iter().map(|head| (head.clone(), since(&head))).collect();
        noticed.clone_from(&still);
        still.into_iter().filter(|(_, since)| now.since(*since) >= GRACE).map(|(head, _)| head).collect()
    }

    fn waits(&self, place: &Place) -> bool {
        self.of().get(place).is_some_and(|notes| !notes.noticed.is_empty())
    }
}

/// A repository and the apps that use it; at least one.
struct Watched<'c> {
    place: Place,
    forge: &'c Forge,
    /// As the configuration writes it.
    repository: &'c str,
    apps: Vec<&'c App>,
}

/// Looks every now and then until the process drains. Forges are looked at side by side, so that a slow one holds up
/// nobody else.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    while !drain.is_cancelled() {
        tokio::select! {
            () = drain.cancelled() => return,
            () = tokio::time::sleep(engine.settings().reconcile_every) => {}
        }
        match engine.store().configuration().await {
            Ok(configuration) => due(&engine, &configuration).into_iter().for_each(|forge| begin(&engine, forge)),
            Err(error) => tracing::error!(%error, "what was missed can't be looked for now"),
        }
    }
}

/// Begins to look at a forge, unless somebody is at it.
fn begin(engine: &Engine, forge: ForgeId) {
    let Some(looking) = Looking::at(engine, &forge) else { return };
    let (engine, drain) = (engine.clone(), engine.lifecycle().drain_token());
    engine.lifecycle().clone().spawn("look", async move {
        tokio::select! {
            // A look that is not finished is begun anew by whoever starts next.
            () = drain.cancelled() => {}
            () = look_at_forge(&engine, &forge) => {}
        }
        drop(looking);
    });
}

/// A forge is being looked at as long as this lives.
struct Looking {
    engine: Engine,
    forge: ForgeId,
}

impl Looking {
    fn at(engine: &Engine, forge: &ForgeId) -> Option<Self> {
        let is_first = engine.catch_up_notes().busy().insert(forge.clone());
        is_first.then(|| Self { engine: engine.clone(), forge: forge.clone() })
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.engine.catch_up_notes().busy().remove(&self.forge);
    }
}

/// Looks at every repository now, whether or not it is time.
///
/// # Errors
/// When the store does not answer. A forge that can't be asked is no error: it is asked again later.
pub async fn once(engine: &Engine) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    for watched in watched(&configuration) {
        look(engine, &watched).await?;
    }
    Ok(())
}

/// Whether davit made this delivery itself.
pub(crate) fn is_own(delivery: &Delivery) -> bool {
    delivery.delivery.starts_with(OWN)
}

/// What a delivery of davit's own says; `None`: it is a forge's.
pub(crate) fn read(full: &DeliveryFull) -> Option<Result<ForgeEvent, String>> {
    is_own(&full.delivery).then(|| {
        let unreadable = |error| format!("what davit noted about a missed move can't be read: {error}");
        serde_json::from_slice(&full.body).map_err(unreadable)
    })
}

/// Every repository at a forge that an app uses.
fn watched(configuration: &Configuration) -> Vec<Watched<'_>> {
    let mut all: BTreeMap<Place, Watched<'_>> = BTreeMap::new();
    for app in &configuration.apps {
        let Repository::Forge { forge, name, .. } = &app.repository else { continue };
        let Some(forge) = configuration.forges.iter().find(|known| known.id == *forge) else { continue };
        let place = (forge.id.clone(), name.to_lowercase());
        let new = || Watched { place: place.clone(), forge, repository: name, apps: Vec::new() };
        all.entry(place.clone()).or_insert_with(new).apps.push(app);
    }
    all.into_values().collect()
}

fn due(engine: &Engine, configuration: &Configuration) -> HashSet<ForgeId> {
    let now = engine.now();
    let due = watched(configuration).into_iter().filter(|watched| engine.catch_up_notes().is_due(&watched.place, now));
    due.map(|watched| watched.place.0).collect()
}

/// Looks at those of a forge's repositories whose time has come.
async fn look_at_forge(engine: &Engine, id: &ForgeId) {
    let Ok(configuration) = engine.store().configuration().await else { return };
    for watched in watched(&configuration) {
        if watched.place.0 == *id
            && engine.catch_up_notes().is_due(&watched.place, engine.now())
            && let Err(error) = look(engine, &watched).await
        {
            engine.catch_up_notes().look_again(&watched.place, engine.now().plus(GRACE));
            tracing::error!(repository = watched.repository, %error, "what was missed can't be written down now");
        }
    }
}

async fn look(engine: &Engine, watched: &Watched<'_>) -> Result<(), EngineError> {
    let now = engine.now();
    let next = match look_now(engine, watched, now).await {
        Ok(next) => next,
        Err(EngineError::Unavailable(error)) => return Err(EngineError::Unavailable(error)),
        Err(error) => {
            tracing::warn!(repository = watched.repository, %error, "git can't be asked what was missed");
            EVERY
        }
    };
    engine.catch_up_notes().look_again(&watched.place, now.plus(next));
    Ok(())
}

/// One look; how long after it the next one is due.
async fn look_now(engine: &Engine, watched: &Watched<'_>, now: Timestamp) -> Result<Duration, EngineError> {
    let (forge, repository) = (&watched.forge.id, watched.repository);
    let Some(app) = watched.apps.first() else { return Ok(EVERY) };
    let last = engine.store().forge_checked(forge, repository).await?;
    let cursor = match &last {
        Some(last) => redeliver(engine, watched, last, now).await,
        None => now,
    };
    let (mirror, refs) = look_at(engine, app).await?;
    let checked = ForgeChecked { at: now, hook_cursor: Some(cursor.millis().to_string()) };
    let Some(last) = last else {
        first_look(engine, watched, &refs, &checked).await?;
        return Ok(EVERY);
    };
    let remote: Vec<(GitRef, CommitSha)> = refs.into_iter().map(|known| (known.git_ref, known.commit)).collect();
    // Whatever waits may tell about the very moves that seem to be missed.
    let filter =
        DeliveryFilter { forge: Some(forge.clone()), verdict: Some(Verdict::Received), ..DeliveryFilter::default() };
    if !engine.store().deliveries(&filter, None, 1).await?.is_empty() {
        return Ok(GRACE);
    }
    let seen = engine.store().seen_heads(forge, repository).await?;
    let missed = heads::missed(&seen, &remote, last.at);
    for head in engine.catch_up_notes().ripe(&watched.place, missed, now) {
        tell(engine, watched, &mirror, head, &last).await?;
    }
    let mut tx = engine.store().begin().await?;
    for git_ref in heads::gone(&seen, &remote) {
        tx.forget_ref(forge, repository, &git_ref).await?;
    }
    tx.set_forge_checked(forge, repository, &checked).await?;
    tx.commit().await?;
    Ok(if engine.catch_up_notes().waits(&watched.place) { GRACE } else { EVERY })
}

/// Where everything is when davit looks for the first time: nothing was missed.
async fn first_look(
    engine: &Engine,
    watched: &Watched<'_>,
    refs: &[RemoteRef],
    checked: &ForgeChecked,
) -> Result<(), EngineError> {
    let (forge, repository) = (&watched.forge.id, watched.repository);
    let mut tx = engine.store().begin().await?;
    let told = tx.seen_heads(forge, repository).await?;
    for known in refs {
        // A delivery that was faster knows more.
        if !told.iter().any(|head| head.git_ref == known.git_ref) {
            let head = SeenHead {
                git_ref: known.git_ref.clone(),
                commit: known.commit.clone(),
                before: None,
                at: checked.at,
                delivery: None,
            };
            tx.see_head(forge, repository, &head).await?;
        }
    }
    tx.set_forge_checked(forge, repository, checked).await?;
    Ok(tx.commit().await?)
}

/// Makes a missed move a delivery, and a merge in it one more.
async fn tell(
    engine: &Engine,
    watched: &Watched<'_>,
    mirror: &Mirror,
    head: MissedHead,
    last: &ForgeChecked,
) -> Result<(), EngineError> {
    let fetch = async {
        let (nobody, cancel) = (nobody_listens(), CancellationToken::new());
        mirror.fetch(&nobody, &cancel).await?;
        mirror.describe(&head.after).await
    };
    let Ok(described) = tokio::time::timeout(FETCH, fetch).await else {
        return Err(EngineError::Upstream("git took too long".to_owned()));
    };
    let described = described?;
    let takes_merges = |app: &&App| {
        let on = app.releases.iter().filter_map(|release| release.auto.as_ref()).map(|auto| auto.on);
        on.into_iter().any(|on| on == AutoOn::Merge)
    };
    let mut events = Vec::new();
    if let (GitRef::Branch(branch), Some(before), true) =
        (&head.git_ref, &head.before, watched.apps.iter().any(takes_merges))
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
        put(engine, &watched.forge.id, delivery, event, &body).await?;
    }
    Ok(())
}

async fn put(
    engine: &Engine,
    forge: &ForgeId,
    delivery: String,
    event: &str,
    body: &ForgeEvent,
) -> Result<(), EngineError> {
    let body = serde_json::to_vec(body).map_err(|error| EngineError::Unavailable(error.to_string()))?;
    let why = "no delivery told about this move of a branch or tag: davit found it with git";
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

/// Asks the forge to send again what did not arrive. Gives the moment from which on to look next time.
async fn redeliver(engine: &Engine, watched: &Watched<'_>, last: &ForgeChecked, now: Timestamp) -> Timestamp {
    let cursor =
        last.hook_cursor.as_ref().and_then(|cursor| cursor.parse().ok()).map_or(last.at, Timestamp::from_millis);
    let remembers = match watched.forge.kind {
        ForgeKind::Github | ForgeKind::Gitlab => watched.forge.has_api(),
        ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => false,
    };
    if !remembers {
        return now;
    }
    match ask_to_redeliver(engine, watched, cursor).await {
        Ok(()) => now,
        Err(error) => {
            let (repository, error) = (watched.repository, error.to_string());
            tracing::warn!(repository, error, "the forge can't be asked for deliveries that failed");
            cursor
        }
    }
}

async fn ask_to_redeliver(engine: &Engine, watched: &Watched<'_>, since: Timestamp) -> Result<(), EngineError> {
    let client = engine.forge_client(&watched.forge.id).await?;
    let url = engine.hook_url(&watched.forge.id);
    let ours = client.hooks(watched.repository).await.map_err(upstream)?.into_iter().find(|hook| hook.url == url);
    // A hook of the organisation, or none.
    let Some(hook) = ours else { return Ok(()) };
    let failed = client.failed_deliveries(watched.repository, hook.id, since).await.map_err(upstream)?;
    for delivery in failed.iter().take(MOST_REDELIVERIES) {
        tracing::info!(repository = watched.repository, guid = delivery.guid, "asking for a delivery that failed");
        client.redeliver(watched.repository, hook.id, delivery.id).await.map_err(upstream)?;
    }
    Ok(())
}

fn upstream(error: ApiError) -> EngineError {
    EngineError::Upstream(error.to_string())
}
