//! What a decision about a delivery leads to: requests, feed lines, checks. In the transaction that ends the delivery.

use super::Case;
use super::look::View;
use crate::EngineError;
use crate::intents::{Ask, Asked};
use davit_domain::config::{Configuration, Repository};
use davit_domain::decide::{Decision, Known, Note, WantedRelease};
use davit_domain::event::{CheckEvent, ForgeEvent, GitRef};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::checks::Check;
use davit_store::deliveries::Verdict;
use davit_store::feed::FeedEntry;
use std::time::Duration;

/// A forge that reports davit's own deployment does so within this time.
const OWN_VOICE: Duration = Duration::from_secs(600);

/// What became of a delivery.
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    /// Why, as a sentence.
    pub(super) reason: String,
}

impl Outcome {
    /// With what else is done because of it; then nobody reads that no app is released.
    pub(super) fn beside(self, more: Option<String>) -> Self {
        let Some(more) = more else { return self };
        let reason = if self.verdict == Verdict::Ignored { more } else { format!("{}; {more}", self.reason) };
        Self { verdict: Verdict::Processed, reason }
    }

    /// The reason, where workflows are looked for too: that no app is released says nothing then.
    pub(super) fn reason_beside_tests(self) -> String {
        match self.verdict {
            Verdict::Ignored => String::new(),
            Verdict::Received | Verdict::Processed | Verdict::Failed => self.reason,
        }
    }
}

impl Case<'_> {
    /// What davit knows of the deployment that an event is about.
    pub(super) async fn known(&self, tx: &mut Tx) -> Result<Known, EngineError> {
        let delivery = &self.full.delivery;
        let (repository, number) = match self.event {
            ForgeEvent::Deployment(event) => (&event.repository, event.number),
            ForgeEvent::DeploymentStatus(event) => (&event.repository, event.deployment),
            ForgeEvent::Ping { .. }
            | ForgeEvent::Push(_)
            | ForgeEvent::Change(_)
            | ForgeEvent::Check(_)
            | ForgeEvent::MergeGroup(_)
            | ForgeEvent::Comment(_)
            | ForgeEvent::Other { .. } => return Ok(Known::default()),
        };
        let mut deployment = tx.deployment_at_forge(&delivery.forge, repository, number).await?;
        if let (Some(id), true) = (deployment, delivery.replay)
            && tx.forge_deployment(id).await?.is_some_and(|known| !known.made_by_davit)
        {
            // Carried out once, and a person wants it again.
            deployment = None;
        }
        let mut known = Known { deployment, ..Known::default() };
        if !delivery.replay {
            known.request = tx.request_for_forge_deployment(&delivery.forge, repository, number).await?;
        }
        if let ForgeEvent::Deployment(event) = self.event {
            let since = before(delivery.received_at, OWN_VOICE);
            let environment = &event.environment;
            known.telling =
                tx.awaits_forge_number(&delivery.forge, repository, environment, &event.commit, since).await?;
            known.git_ref = self.view.and_then(|view| view.named(&event.reference, &event.commit));
        }
        Ok(known)
    }

    /// Carries a decision out.
    pub(super) async fn act(&self, tx: &mut Tx, decision: Decision) -> Result<Outcome, EngineError> {
        match decision {
            Decision::Ignore { reason } => Ok(Outcome { verdict: Verdict::Ignored, reason }),
            Decision::Note(note) => self.note(tx, note).await,
            Decision::Record(check) => self.record(tx, check).await,
            Decision::Release(wanted) => self.release(tx, wanted).await,
        }
    }

    async fn note(&self, tx: &mut Tx, note: Note) -> Result<Outcome, EngineError> {
        let delivery = &self.full.delivery;
        let Note { apps, environment, sentence } = note;
        for app in apps {
            tx.feed(FeedEntry {
                at: self.engine.now(),
                actor: delivery.forge.to_string(),
                action: "forge_told".to_owned(),
                subject: format!("delivery {}", delivery.id),
                app: Some(app),
                environment: environment.clone(),
                detail: serde_json::json!({ "sentence": sentence }),
            })
            .await?;
        }
        Ok(Outcome { verdict: Verdict::Processed, reason: sentence })
    }

    async fn record(&self, tx: &mut Tx, event: CheckEvent) -> Result<Outcome, EngineError> {
        let delivery = &self.full.delivery;
        let what = format!("{} of {}: {}", event.name, event.commit.short(), event.state.as_str());
        let check = Check {
            forge: delivery.forge.clone(),
            repository: event.repository,
            commit: event.commit,
            name: event.name,
            state: event.state,
            description: event.description,
            target_url: event.target_url,
            at: event.at.unwrap_or(delivery.received_at),
        };
        let is_new = tx.record_check(&check).await?;
        if is_new {
            self.engine.judge_changes_of(tx, &check.forge, &check.repository, &check.commit).await?;
        }
        Ok(match is_new {
            true => Outcome { verdict: Verdict::Processed, reason: format!("noted the check {what}") },
            false => Outcome { verdict: Verdict::Ignored, reason: "a newer state of this check is known".to_owned() },
        })
    }

    async fn release(&self, tx: &mut Tx, wanted: Vec<WantedRelease>) -> Result<Outcome, EngineError> {
        let mut outcomes = Vec::with_capacity(wanted.len());
        // What asked for something and got nothing at all is not shown as done.
        let mut verdict = Verdict::Ignored;
        let mut is_refused = true;
        for release in wanted {
            let nothing = format!("nothing for {} to {}", release.app, release.environment);
            match self.ask(tx, release).await {
                Ok(Asked { request, existed: true }) => {
                    is_refused = false;
                    outcomes.push(format!("request {} was made for this before", request.id));
                }
                Ok(Asked { request, existed: false }) => {
                    (verdict, is_refused) = (Verdict::Processed, false);
                    outcomes.push(format!("request {} for {} to {}", request.id, request.app, request.environment));
                }
                // One app that can't be released now must not keep the others from it.
                Err(EngineError::Invalid(reason) | EngineError::Conflict(reason)) => {
                    outcomes.push(format!("{nothing}: {reason}"));
                }
                Err(error) => return Err(error),
            }
        }
        let reason = outcomes.join("; ");
        // Whoever made it would wait for ever.
        if let (ForgeEvent::Deployment(event), true) = (self.event, is_refused) {
            self.engine.refuse_maker(tx, &self.full.delivery.forge, event, &reason).await?;
        }
        Ok(Outcome { verdict, reason })
    }

    async fn ask(&self, tx: &mut Tx, release: WantedRelease) -> Result<Asked, EngineError> {
        let (engine, delivery) = (self.engine, &self.full.delivery);
        let idempotency_key = format!("{} {} {}", self.cause(&release), release.app, release.environment);
        let by = match self.asked_for_merge(tx).await? {
            Some(by) => by,
            None => format!("{}@{}", release.by, delivery.forge),
        };
        // Nobody is there to fill in anything: defaults count.
        let inputs = engine.default_inputs(self.configuration, &release.app, &release.environment).await?;
        let ask = Ask {
            kind: Kind::Auto,
            app: release.app,
            environment: release.environment,
            commit: release.commit,
            git_ref: release.git_ref,
            title: release.title,
            description: String::new(),
            target_release: None,
            hosts: None,
            build: None,
            inputs,
            asked_by: None,
            by,
            delivery: Some(delivery.id),
            forge_deployment: release.forge_deployment,
            schedule: None,
            batch: None,
            cloned_from: None,
            idempotency_key: Some(idempotency_key),
        };
        engine.ask(tx, self.configuration, ask).await
    }

    /// Who had davit merge the change that an event tells of.
    async fn asked_for_merge(&self, tx: &mut Tx) -> Result<Option<String>, EngineError> {
        let ForgeEvent::Change(change) = self.event else { return Ok(None) };
        let known = tx.change_numbered(&self.full.delivery.forge, &change.repository, change.number).await?;
        Ok(known.and_then(|known| known.asked).map(|ask| ask.by))
    }

    /// What makes a request the same one, however often and by whatever delivery it is asked for.
    fn cause(&self, release: &WantedRelease) -> String {
        let delivery = &self.full.delivery;
        if delivery.replay {
            // A person means it.
            return format!("delivery {} again {}", delivery.id, delivery.attempts);
        }
        let repository = repository_of(self.configuration, release).unwrap_or_default();
        match (self.event, release.forge_deployment) {
            // A forge may tell of one deployment several times, as it goes on.
            (_, Some(number)) => format!("deployment {} {repository} {number}", delivery.forge),
            // A merge is made once, and may be told of by the forge as well as found by davit.
            (ForgeEvent::Change(_), None) => format!("merge {} {repository} {}", delivery.forge, release.commit),
            (_, None) => format!("delivery {}", delivery.id),
        }
    }
}

impl View {
    /// What a name is in the repository. A name of both a branch and a tag is what has the commit.
    fn named(&self, reference: &str, commit: &davit_domain::ids::CommitSha) -> Option<GitRef> {
        let Self::Seen { refs, .. } = self else { return None };
        let mut called: Vec<_> = refs.iter().filter(|known| is_called(&known.git_ref, reference)).collect();
        called.sort_by_key(|known| known.commit != *commit);
        called.first().map(|known| known.git_ref.clone())
    }
}

fn is_called(git_ref: &GitRef, name: &str) -> bool {
    git_ref.full() == name || git_ref.branch() == Some(name) || git_ref.tag() == Some(name)
}

fn repository_of(configuration: &Configuration, release: &WantedRelease) -> Option<String> {
    let app = configuration.apps.iter().find(|app| app.key == release.app)?;
    match &app.repository {
        Repository::Forge { name, .. } => Some(name.to_lowercase()),
        Repository::Url { .. } => None,
    }
}

fn before(moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_millis(moment.millis() - i64::try_from(duration.as_millis()).unwrap_or(0))
}
