//! Workflows that run by the clock, as the default branch has them.
//!
//! Which schedules there are is read after pushes and once an hour. A due one becomes a job in the transaction that sets
//! its next time, so that it runs once however many servers there are; times that passed while no server was there
//! are made up for by one run.

use super::event::{self, Subject};
use super::files::{self, WorkflowFile};
use super::occasion::{Asked, Occasion};
use super::plan::Payload;
use super::web::Web;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_ci::Cron;
use davit_domain::ci::Trigger;
use davit_domain::config::RepositorySettings;
use davit_domain::event::GitRef;
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;
use davit_exec::git::{Mirror, Resolved};
use davit_store::schedules::Schedule;
use tokio_util::sync::CancellationToken;

/// Between two looks at a repository that nobody pushes to.
const EVERY: i64 = 3_600_000;

/// Looks what is due until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        if let Err(error) = once(&engine).await {
            tracing::warn!(%error, "schedules can't be looked at now");
        }
        if drain.run_until_cancelled(tokio::time::sleep(engine.settings().reconcile_every)).await.is_none() {
            return;
        }
    }
}

async fn once(engine: &Engine) -> Result<(), EngineError> {
    let (store, now) = (engine.store(), engine.now());
    let configuration = store.configuration().await?;
    for settings in &configuration.repositories {
        let key = format!("schedules {} {} hour {}", settings.forge, settings.name, now.millis() / EVERY);
        if !engine.schedules_seen().is_new(&key) {
            continue;
        }
        let mut tx = store.begin().await?;
        schedules_of(settings).enqueue(engine, &mut tx, key).await?;
        tx.commit().await?;
        engine.queue().wake();
    }
    for due in store.due_schedules(now).await? {
        let is_declared = configuration.repository(&due.forge, &due.repository).is_some();
        take(engine, &due, is_declared).await?;
    }
    Ok(())
}

/// Makes a job of a schedule that is due.
async fn take(engine: &Engine, due: &Schedule, is_declared: bool) -> Result<(), EngineError> {
    let mut tx = engine.store().begin().await?;
    let Some(next) = next_time(&due.cron, due.timezone.as_deref(), engine.now()).filter(|_| is_declared) else {
        tx.replace_schedules(&due.forge, &due.repository, &[]).await?;
        return Ok(tx.commit().await?);
    };
    if tx.take_schedule(due, next).await? {
        let zone = due.timezone.as_deref().unwrap_or("UTC");
        let at = due.next_at.millis();
        let payload = Payload::Due {
            forge: due.forge.clone(),
            repository: due.repository.clone(),
            file: due.workflow_file.clone(),
            cron: due.cron.clone(),
            at,
        };
        let key = format!("due {} {} {} {} {zone} {at}", due.forge, due.repository, due.workflow_file, due.cron);
        payload.enqueue(engine, &mut tx, key).await?;
        tx.commit().await?;
        engine.queue().wake();
    }
    Ok(())
}

impl Engine {
    /// Has the schedules of a repository read again where a push may have changed them.
    pub(super) async fn look_at_schedules_after(
        &self,
        settings: &RepositorySettings,
        git_ref: &str,
        files: &[WorkflowFile],
        key: &str,
    ) -> Result<(), EngineError> {
        let has_some =
            |file: &WorkflowFile| file.workflow.as_ref().is_ok_and(|workflow| !workflow.on.schedule.is_empty());
        let may_matter = git_ref.starts_with("refs/heads/")
            && (files.iter().any(has_some)
                || !self.store().schedules(&settings.forge, &settings.name).await?.is_empty());
        if may_matter {
            let mut tx = self.store().begin().await?;
            schedules_of(settings).enqueue(self, &mut tx, format!("schedules after {key}")).await?;
            tx.commit().await?;
            self.queue().wake();
        }
        Ok(())
    }

    /// Reads which schedules the default branch of a repository has.
    pub(super) async fn read_schedules(
        &self,
        forge: &ForgeId,
        repository: &str,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let configuration = self.store().configuration().await?;
        let mut schedules = Vec::new();
        if let Some(settings) = configuration.repository(forge, repository) {
            let mirror = self.repository_mirror(settings).await?;
            let Some(head) = default_head(&mirror, stop).await? else { return Ok(()) };
            let files = files::read(&mut mirror.objects()?, &head.commit).await?;
            let all = files.iter().filter_map(|file| Some((file, file.workflow.as_ref().ok()?)));
            for (file, cron) in
                all.flat_map(|(file, workflow)| workflow.on.schedule.iter().map(move |cron| (file, cron)))
            {
                let Some(next_at) = after(cron, self.now()) else { continue };
                schedules.push(Schedule {
                    forge: forge.clone(),
                    repository: repository.to_owned(),
                    workflow_file: file.path.clone(),
                    cron: cron.as_str().to_owned(),
                    timezone: cron.timezone().map(str::to_owned),
                    next_at,
                });
            }
        }
        let mut tx = self.store().begin().await?;
        tx.replace_schedules(forge, repository, &schedules).await?;
        Ok(tx.commit().await?)
    }

    /// Runs a workflow whose time has come, as the default branch has it now.
    pub(super) async fn run_due(
        &self,
        forge: &ForgeId,
        repository: &str,
        path: &str,
        cron: &str,
        at: i64,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let configuration = self.store().configuration().await?;
        let Some(settings) = configuration.repository(forge, repository) else { return Ok(()) };
        let mirror = self.repository_mirror(settings).await?;
        let Some(head) = default_head(&mirror, stop).await? else { return Ok(()) };
        let files = files::read(&mut mirror.objects()?, &head.commit).await?;
        let Some(file) = files.iter().find(|file| file.path == path && file.workflow.is_ok()) else { return Ok(()) };
        let web = Web::of(self, settings).await?;
        let event = davit_ci::Event::Schedule { cron: cron.to_owned() };
        let occasion = Occasion {
            settings: settings.clone(),
            trigger: Trigger::Schedule,
            action: String::new(),
            git_ref: GitRef::Branch(head.branch.clone().unwrap_or_default()).full(),
            head: head.commit,
            base: None,
            change: None,
            from_fork: false,
            by: "davit".to_owned(),
            title: head.subject,
            subject: Subject {
                event: event::of_schedule(cron, path, &web),
                event_name: event.name().to_owned(),
                head_ref: String::new(),
                base_ref: String::new(),
                web,
                delivery: None,
            },
            event,
            key: format!("schedule {cron} {at}"),
            asked: Asked::Now,
            approved_by: None,
        };
        self.make_runs(&occasion, std::slice::from_ref(file)).await.map(drop)
    }
}

fn schedules_of(settings: &RepositorySettings) -> Payload {
    Payload::Schedules { forge: settings.forge.clone(), repository: settings.name.clone() }
}

/// The default branch as it is now; `None`: it has no commit yet.
async fn default_head(mirror: &Mirror, stop: &CancellationToken) -> Result<Option<Resolved>, EngineError> {
    let Some(branch) = mirror.default_branch(&nobody_listens(), stop).await? else { return Ok(None) };
    mirror.fetch(&nobody_listens(), stop).await?;
    Ok(Some(mirror.resolve(&format!("refs/heads/{branch}")).await?))
}

fn next_time(cron: &str, timezone: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let cron = Cron::parse(cron).ok()?;
    let cron = match timezone {
        Some(zone) => cron.in_zone(zone).ok()?,
        None => cron,
    };
    after(&cron, now)
}

fn after(cron: &Cron, now: Timestamp) -> Option<Timestamp> {
    let next = cron.next_after(jiff::Timestamp::from_millisecond(now.millis()).ok()?)?;
    Some(Timestamp::from_millis(next.as_millisecond()))
}
