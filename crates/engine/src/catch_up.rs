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
mod notes;
mod redeliveries;
mod tell;

pub use notes::Notes;

use crate::inbox::look_at;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, Forge, Repository};
use davit_domain::event::{ChangeEvent, ForgeEvent, GitRef};
use davit_domain::heads::{self, SeenHead};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::time::Timestamp;
use davit_exec::git::RemoteRef;
use davit_store::Tx;
use davit_store::deliveries::{Delivery, DeliveryFilter, DeliveryFull, Verdict};
use davit_store::seen::ForgeChecked;
use notes::Place;
use redeliveries::redeliver;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use tell::tell;

/// What the ids of davit's own deliveries begin with.
const OWN: &str = "catch-up:";
/// How often a repository is looked at.
const EVERY: Duration = Duration::from_secs(300);
/// How long a forge's own delivery is waited for.
const GRACE: Duration = Duration::from_secs(60);
/// Between two looks whether a forge is still being looked at.
const A_MOMENT: Duration = Duration::from_millis(10);

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
            Ok(configuration) => {
                if let Err(error) = forget_unwatched(&engine, &configuration).await {
                    tracing::error!(%error, "repositories that no app uses any more can't be forgotten now");
                }
                due(&engine, &configuration).into_iter().for_each(|forge| begin(&engine, forge));
            }
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

    /// Once nobody else is at it.
    async fn alone_at(engine: &Engine, forge: &ForgeId) -> Self {
        loop {
            if let Some(looking) = Self::at(engine, forge) {
                return looking;
            }
            tokio::time::sleep(A_MOMENT).await;
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.engine.catch_up_notes().busy().remove(&self.forge);
    }
}

/// Looks at every repository now, whether or not it is time; one after the other with the looks that are under way, so
/// that a forge is not asked twice for one thing.
///
/// # Errors
/// When the store does not answer. A forge that can't be asked is no error: it is asked again later.
pub async fn once(engine: &Engine) -> Result<(), EngineError> {
    let configuration = engine.store().configuration().await?;
    forget_unwatched(engine, &configuration).await?;
    for watched in watched(&configuration) {
        let _looking = Looking::alone_at(engine, &watched.place.0).await;
        look(engine, &watched).await?;
    }
    Ok(())
}

/// Makes a delivery of a change whose own was missed; the same head of it once.
pub(crate) async fn tell_of_change(engine: &Engine, forge: &ForgeId, change: ChangeEvent) -> Result<(), EngineError> {
    let delivery = format!("{OWN}{}:change {}:{}", change.repository, change.number, change.head);
    let why = "no delivery told about this change as it is: davit found it in the forge's list";
    tell::put(engine, forge, delivery, "pull_request", why, &ForgeEvent::Change(change)).await
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
        let place = (forge.id.clone(), name.to_ascii_lowercase());
        let new = || Watched { place: place.clone(), forge, repository: name, apps: Vec::new() };
        all.entry(place.clone()).or_insert_with(new).apps.push(app);
    }
    all.into_values().collect()
}

fn is_watched(configuration: &Configuration, place: &Place) -> bool {
    watched(configuration).iter().any(|watched| watched.place == *place)
}

/// Forgets what was seen of repositories that no app uses any more: should one be used again, it is looked at for the
/// first time.
async fn forget_unwatched(engine: &Engine, configuration: &Configuration) -> Result<(), EngineError> {
    let places: BTreeSet<Place> = watched(configuration).into_iter().map(|watched| watched.place).collect();
    let now = engine.now();
    if !engine.catch_up_notes().is_untidy(&places, now) {
        return Ok(());
    }
    for (forge, repository) in engine.store().seen_repositories().await? {
        let place = (forge, repository);
        if !places.contains(&place) {
            let mut tx = engine.store().begin().await?;
            tx.forget_repository(&place.0, &place.1).await?;
            tx.commit().await?;
            tracing::info!(forge = %place.0, repository = place.1, "no app uses a repository any more: it is forgotten");
        }
    }
    engine.catch_up_notes().tidied(places, now);
    Ok(())
}

fn due(engine: &Engine, configuration: &Configuration) -> HashSet<ForgeId> {
    let now = engine.now();
    let is_due = |watched: &Watched<'_>| {
        let is_paused = engine.traffic().paused_until(&watched.place.0, now).is_some();
        !is_paused && engine.catch_up_notes().is_due(&watched.place, now)
    };
    watched(configuration).into_iter().filter(is_due).map(|watched| watched.place.0).collect()
}

/// Looks at those of a forge's repositories whose time has come, until the forge wants to be left alone.
async fn look_at_forge(engine: &Engine, id: &ForgeId) {
    let Ok(configuration) = engine.store().configuration().await else { return };
    for watched in watched(&configuration) {
        if engine.traffic().paused_until(id, engine.now()).is_some() {
            return;
        }
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
        // A repository that has nothing yet, or a remote that did not answer properly: all would be new later.
        if refs.is_empty() {
            return Ok(EVERY);
        }
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
    let notes = engine.catch_up_notes();
    let (back, missed): (Vec<_>, Vec<_>) = missed.into_iter().partition(|head| notes.came_back(&watched.place, head));
    let ripe = notes.ripe(&watched.place, missed, now);
    let mut known = if ripe.is_empty() { Vec::new() } else { tell(engine, watched, &mirror, ripe, &last, now).await? };
    known.extend(back.into_iter().map(|head| tell::seen(head, now)));
    let mut tx = engine.store().begin().await?;
    if !is_as_before(engine, &mut tx, &watched.place, Some(&last)).await? {
        return Ok(EVERY);
    }
    for head in &known {
        tx.see_head(forge, repository, head).await?;
    }
    for git_ref in notes.gone_for_good(&watched.place, &heads::gone(&seen, &remote)) {
        tx.forget_ref_before(forge, repository, &git_ref, now).await?;
    }
    tx.set_forge_checked(forge, repository, &checked).await?;
    tx.commit().await?;
    Ok(if notes.waits(&watched.place) { GRACE } else { EVERY })
}

/// Whether an app still uses the repository, and nobody has looked at it since `last`. A look that was overtaken notes
/// nothing: what it saw may have been missed by now, or belong to a time that is forgotten.
async fn is_as_before(
    engine: &Engine,
    tx: &mut Tx,
    place: &Place,
    last: Option<&ForgeChecked>,
) -> Result<bool, EngineError> {
    // Whoever notes something holds this lock until it is there to be read.
    tx.seen_heads(&place.0, &place.1).await?;
    let is_last = engine.store().forge_checked(&place.0, &place.1).await?.as_ref() == last;
    Ok(is_last && is_watched(&tx.read_configuration().await?, place))
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
    if !is_as_before(engine, &mut tx, &watched.place, None).await? {
        return Ok(());
    }
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
