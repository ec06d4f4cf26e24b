//! The job that looks which workflows run because of a delivery, or of the clock.
//!
//! git is asked first (the commit, its workflow files, what it changes), then one transaction makes the runs with their
//! jobs and statuses. Done twice it makes them once: a run's key holds the delivery and the file.

use super::event::{self, Subject, change_ref};
use super::files::{self, WorkflowFile};
use super::occasion::{Asked, Occasion};
use super::web::Web;
use crate::queue::{Attempt, JobKind, NewJob, Outcome, backoff};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError, inbox};
use davit_domain::ci::{PLANNING_CONTEXT, Trigger};
use davit_domain::config::{ForgeKind, RepositorySettings};
use davit_domain::decide::{self, CiWanted};
use davit_domain::event::{ForgeEvent, GitRef};
use davit_domain::ids::{CommitSha, DeliveryId, ForgeId};
use davit_domain::status::{CommitState, CommitStatus};
use davit_exec::git::{CommitText, Mirror, Objects, Obtain};
use davit_store::Tx;
use davit_store::deliveries::DeliveryFull;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) const KIND: JobKind = JobKind::new("ci_plan");
/// A forge's git that is down comes back; about twenty minutes.
const MAX_ATTEMPTS: u32 = 10;
/// As long as a large repository may need to be fetched for the first time; a git that hangs must not keep the others
/// waiting for longer.
const LONGEST: Duration = Duration::from_secs(900);

/// What the job is about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Payload {
    /// Which workflows a delivery means.
    Delivery {
        /// Which delivery.
        delivery: i64,
        /// Where it is from, for whoever waits for the answer.
        forge: ForgeId,
        /// `owner/name` there, in lower case.
        repository: String,
        /// What keys of runs begin with: a person's replay makes runs of its own.
        key: String,
    },
    /// A schedule is due.
    Due {
        forge: ForgeId,
        repository: String,
        file: String,
        cron: String,
        /// When it was due. Milliseconds.
        at: i64,
    },
    /// Which schedules a repository has.
    Schedules { forge: ForgeId, repository: String },
}

impl Payload {
    /// Adds the job, in the transaction that found that it is needed.
    pub(super) async fn enqueue(&self, engine: &Engine, tx: &mut Tx, key: String) -> Result<(), EngineError> {
        let payload = serde_json::to_value(self).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let job = NewJob { kind: KIND, key, payload, max_attempts: MAX_ATTEMPTS, run_after: None };
        engine.queue().enqueue(tx, job).await?;
        Ok(())
    }
}

impl Engine {
    /// Has a delivery's workflows looked for, in the transaction that ends the delivery.
    pub(crate) async fn enqueue_ci(
        &self,
        tx: &mut Tx,
        full: &DeliveryFull,
        wanted: &CiWanted,
    ) -> Result<(), EngineError> {
        let delivery = &full.delivery;
        let key = match delivery.replay {
            true => format!("delivery {} replay {}", delivery.id, delivery.attempts),
            false => format!("delivery {}", delivery.id),
        };
        let payload = Payload::Delivery {
            delivery: delivery.id.0,
            forge: delivery.forge.clone(),
            repository: wanted.repository.to_lowercase(),
            key: key.clone(),
        };
        payload.enqueue(self, tx, key).await
    }

    /// Whether nobody has looked yet which workflows run on something that was told of a repository. Until then a
    /// commit without a pending check may be one whose checks are about to begin.
    pub(crate) async fn looks_for_workflows(&self, forge: &ForgeId, repository: &str) -> Result<bool, EngineError> {
        let mut tx = self.store().begin().await?;
        let open = self.queue().open_payloads(&mut tx, KIND).await?;
        let is_of = |payload: serde_json::Value| match serde_json::from_value(payload) {
            Ok(Payload::Delivery { forge: of, repository: name, .. }) => {
                of == *forge && name == repository.to_lowercase()
            }
            Ok(Payload::Due { .. } | Payload::Schedules { .. }) | Err(_) => false,
        };
        Ok(open.into_iter().any(is_of))
    }
}

pub(super) async fn handle(engine: &Engine, attempt: &Attempt, stop: CancellationToken) -> Outcome {
    let payload: Payload = match serde_json::from_value(attempt.payload.clone()) {
        Ok(payload) => payload,
        Err(error) => return Outcome::Dead { reason: format!("the stored payload can't be read: {error}") },
    };
    let work = async {
        match &payload {
            Payload::Delivery { delivery, key, .. } => plan_delivery(engine, DeliveryId(*delivery), key, &stop).await,
            Payload::Due { forge, repository, file, cron, at } => {
                engine.run_due(forge, repository, file, cron, *at, &stop).await
            }
            Payload::Schedules { forge, repository } => engine.read_schedules(forge, repository, &stop).await,
        }
    };
    let error = match stop.run_until_cancelled(tokio::time::timeout(LONGEST, work)).await {
        Some(Ok(Ok(()))) => return Outcome::Done,
        Some(Ok(Err(error))) => error,
        Some(Err(_)) => EngineError::Upstream("git took too long".into()),
        None => return Outcome::Retry { after: Duration::ZERO, reason: "the server was stopped".into() },
    };
    let is_last = attempt.number >= attempt.max;
    let may_pass = matches!(
        error,
        EngineError::Upstream(_) | EngineError::Unavailable(_) | EngineError::Conflict(_) | EngineError::Invalid(_)
    );
    let reason = error.to_string();
    if may_pass && !is_last {
        return Outcome::Retry { after: backoff(attempt.number), reason };
    }
    give_up(engine, &payload, &reason).await;
    Outcome::Dead { reason }
}

/// Nobody must wait in vain for a run, and nobody take its absence for a success: the feed and the commit say why there
/// is none.
async fn give_up(engine: &Engine, payload: &Payload, reason: &str) {
    let subject = match payload {
        Payload::Delivery { delivery, .. } => format!("delivery {delivery}"),
        Payload::Due { repository, .. } | Payload::Schedules { repository, .. } => repository.clone(),
    };
    let told = async {
        let mut tx = engine.store().begin().await?;
        engine.feed(&mut tx, "davit", "ci_not_planned", &subject, json!({ "reason": reason })).await?;
        if let Payload::Delivery { delivery, forge, .. } = payload
            && let Some(wanted) = wanted_by(engine, DeliveryId(*delivery)).await?
        {
            let said = format!("davit could not look which workflows run: {reason}");
            engine.tell_planning(&mut tx, forge, &wanted, CommitState::Error, said).await?;
        }
        Ok::<(), EngineError>(tx.commit().await?)
    };
    if let Err(error) = told.await {
        tracing::error!(subject, reason, %error, "workflows can't be looked for, and nobody can be told");
    }
}

/// What a delivery asks for as things are configured now.
async fn wanted_by(engine: &Engine, id: DeliveryId) -> Result<Option<CiWanted>, EngineError> {
    let Some(full) = engine.store().delivery(id).await? else { return Ok(None) };
    let configuration = engine.store().configuration().await?;
    let read = inbox::read(&configuration, &full).ok();
    Ok(read.and_then(|read| decide::ci_wanted(&configuration, &full.delivery.forge, &read)))
}

async fn plan_delivery(
    engine: &Engine,
    id: DeliveryId,
    key: &str,
    stop: &CancellationToken,
) -> Result<(), EngineError> {
    let gone = || EngineError::NotFound(format!("delivery {id} is gone"));
    let full = engine.store().delivery(id).await?.ok_or_else(gone)?;
    let configuration = engine.store().configuration().await?;
    let forge = &full.delivery.forge;
    // What was wanted when it came may not be wanted any more.
    let Ok(read) = inbox::read(&configuration, &full) else { return Ok(()) };
    let Some(wanted) = decide::ci_wanted(&configuration, forge, &read) else { return Ok(()) };
    let Some(settings) = configuration.repository(forge, &wanted.repository) else { return Ok(()) };
    let look = Look::at(engine, settings, &wanted, stop).await?;
    // A change that has no workflows any more ends what runs for it.
    if look.files.is_empty() && wanted.change.is_none() {
        return engine.tell_planned(forge, &wanted).await;
    }
    let kind = configuration.forges.iter().find(|known| known.id == *forge).map(|known| known.kind);
    let own = event::payload(&full.body, matches!(kind, Some(ForgeKind::Github | ForgeKind::Gitea)));
    let occasion = occasion(engine, settings, wanted.clone(), &read, &look, own, (id, key)).await?;
    engine.make_runs(&occasion, &look.files).await?;
    if occasion.trigger == Trigger::Push {
        engine.look_at_schedules_after(settings, &occasion.git_ref, &look.files, key).await?;
    }
    // Last: the runs that were missing speak for the commit by now.
    engine.tell_planned(forge, &wanted).await
}

/// What git says about an event.
struct Look {
    commit: CommitText,
    base: Option<CommitSha>,
    files: Vec<WorkflowFile>,
    changed: Option<Vec<String>>,
    is_held: bool,
    approved_by: Option<String>,
}

impl Look {
    async fn at(
        engine: &Engine,
        settings: &RepositorySettings,
        wanted: &CiWanted,
        stop: &CancellationToken,
    ) -> Result<Self, EngineError> {
        let mirror = engine.repository_mirror(settings).await?;
        let mut objects = mirror.objects()?;
        let commit = fetched(engine, &mirror, &mut objects, settings, wanted, stop).await?;
        let base = match &wanted.base_branch {
            Some(branch) => mirror.branch_head(branch).await?,
            None => wanted.before.clone(),
        };
        let approved_by = match wanted.from_fork {
            true => engine.approver(&settings.forge, wanted).await?,
            false => None,
        };
        let is_held = wanted.from_fork && approved_by.is_none();
        // What a stranger wrote must not decide what runs, until somebody has looked at it.
        let files_of = match (is_held, &base) {
            (false, _) => Some(&commit.commit),
            (true, base) => base.as_ref(),
        };
        let files = match files_of {
            Some(files_of) => files::read(&mut objects, files_of).await?,
            None => Vec::new(),
        };
        let changed = match &base {
            Some(base) if asks_for_paths(&files, wanted.trigger) => {
                mirror.changed_paths(base.as_str(), &commit.commit, wanted.change.is_some()).await?
            }
            Some(_) | None => None,
        };
        Ok(Self { commit, base, files, changed, is_held, approved_by })
    }
}

/// The commit, which is fetched where it is not here yet; of a change, with its base branch.
async fn fetched(
    engine: &Engine,
    mirror: &Mirror,
    objects: &mut Objects,
    settings: &RepositorySettings,
    wanted: &CiWanted,
    stop: &CancellationToken,
) -> Result<CommitText, EngineError> {
    if let (None, Some(commit)) = (&wanted.base_branch, objects.commit(&wanted.head).await?) {
        return Ok(commit);
    }
    let change_ref = match wanted.change {
        Some(number) => Some(engine.change_ref_at_forge(&settings.forge, number).await?),
        None => None,
    };
    let branches: Vec<&str> = wanted.base_branch.as_deref().into_iter().collect();
    let obtain = Obtain { commit: &wanted.head, branches: &branches, change_ref: change_ref.as_deref() };
    mirror.obtain(obtain, &nobody_listens(), stop).await?;
    let missing = || EngineError::Upstream(format!("commit {} is not in the repository", wanted.head));
    objects.commit(&wanted.head).await?.ok_or_else(missing)
}

fn asks_for_paths(files: &[WorkflowFile], trigger: Trigger) -> bool {
    files.iter().filter_map(|file| file.workflow.as_ref().ok()).any(|workflow| match trigger {
        Trigger::Push => workflow.on.push.as_ref().is_some_and(|push| push.paths.is_some()),
        Trigger::PullRequest => workflow.on.pull_request.as_ref().is_some_and(|change| change.paths.is_some()),
        Trigger::Manual | Trigger::Schedule | Trigger::Queue => false,
    })
}

async fn occasion(
    engine: &Engine,
    settings: &RepositorySettings,
    wanted: CiWanted,
    read: &ForgeEvent,
    look: &Look,
    own: Option<serde_json::Value>,
    (delivery, key): (DeliveryId, &str),
) -> Result<Occasion, EngineError> {
    let web = Web::of(engine, settings).await?;
    let message = look.commit.message.clone();
    let (event, head_ref, git_ref, ci_event) = match read {
        ForgeEvent::Change(change) => {
            let event = event::of_change(change, &wanted.action, &web, own);
            let ci_event = davit_ci::Event::PullRequest {
                action: wanted.action.clone(),
                base: change.base_branch.clone(),
                changed: look.changed.clone(),
                message,
            };
            (event, change.head_branch.clone(), change_ref(change.number), ci_event)
        }
        ForgeEvent::Push(push) => {
            let reference = match &push.git_ref {
                GitRef::Branch(name) => davit_ci::Reference::Branch(name.clone()),
                GitRef::Tag(name) => davit_ci::Reference::Tag(name.clone()),
            };
            let ci_event = davit_ci::Event::Push { reference, changed: look.changed.clone(), message };
            let event = event::of_push(push, &look.commit, &web, own);
            (event, String::new(), push.git_ref.full(), ci_event)
        }
        ForgeEvent::Ping { .. }
        | ForgeEvent::Comment(_)
        | ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_)
        | ForgeEvent::Other { .. } => {
            return Err(EngineError::NotFound("no workflow runs on this kind of event".into()));
        }
    };
    let subject = Subject {
        event,
        event_name: ci_event.name().to_owned(),
        head_ref,
        base_ref: wanted.base_branch.clone().unwrap_or_default(),
        web,
        delivery: Some(delivery.0),
    };
    Ok(Occasion {
        settings: settings.clone(),
        trigger: wanted.trigger,
        action: wanted.action,
        git_ref,
        head: look.commit.commit.clone(),
        base: look.base.clone(),
        change: wanted.change,
        from_fork: wanted.from_fork,
        title: if wanted.title.is_empty() { look.commit.subject().to_owned() } else { wanted.title },
        by: wanted.by,
        subject,
        event: ci_event,
        key: key.to_owned(),
        asked: if look.is_held { Asked::Held } else { Asked::Now },
        approved_by: look.approved_by.clone(),
    })
}

impl Engine {
    /// Takes back what was said of a commit whose workflows could not be looked for before.
    async fn tell_planned(&self, forge: &ForgeId, wanted: &CiWanted) -> Result<(), EngineError> {
        let checks = self.store().checks(forge, &wanted.repository, &wanted.head).await?;
        if !checks.iter().any(|check| check.name == PLANNING_CONTEXT && check.state == CommitState::Error) {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        let said = "davit knows which workflows run".to_owned();
        self.tell_planning(&mut tx, forge, wanted, CommitState::Success, said).await?;
        Ok(tx.commit().await?)
    }

    async fn tell_planning(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        wanted: &CiWanted,
        state: CommitState,
        description: String,
    ) -> Result<(), EngineError> {
        let status = CommitStatus {
            repository: wanted.repository.clone(),
            commit: wanted.head.clone(),
            context: PLANNING_CONTEXT.to_owned(),
            state,
            description,
            target_url: format!("{}/deliveries", self.settings().public_url),
        };
        self.enqueue_status(tx, forge, &status).await
    }

    /// Where a forge keeps the commits of a change.
    pub(super) async fn change_ref_at_forge(&self, forge: &ForgeId, number: i64) -> Result<String, EngineError> {
        Ok(match self.configured_forge(forge).await?.kind {
            ForgeKind::Gitlab => format!("refs/merge-requests/{number}/head"),
            ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                format!("refs/pull/{number}/head")
            }
        })
    }
}
