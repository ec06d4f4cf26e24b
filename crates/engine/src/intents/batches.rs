//! Several apps to one environment, asked for together: all of them, or none.

use super::{Ask, Wanted, What, may_go_out};
use crate::{Engine, EngineError};
use davit_domain::config::Configuration;
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_domain::time::Timestamp;
use davit_store::requests::{Batch, NewBatch, Request, RequestFilter};
use std::collections::{BTreeMap, BTreeSet};

/// More than anybody releases at once.
const MOST_ITEMS: usize = 50;

/// One app of a batch.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// Which app.
    pub app: AppKey,
    /// What of it.
    pub what: What,
    /// What is filled in.
    pub inputs: BTreeMap<String, String>,
    /// Only these hosts.
    pub hosts: Option<Vec<HostName>>,
    /// Whether it goes out at once when no review is needed.
    pub at_once: bool,
}

/// Several apps that a person wants released.
#[derive(Debug, Clone)]
pub struct WantedBatch {
    /// Where to.
    pub environment: EnvironmentKey,
    /// What people read in lists; `None`: each commit's subject.
    pub title: Option<String>,
    /// What more there is to know.
    pub description: String,
    /// What.
    pub items: Vec<BatchItem>,
    /// When they go out by themselves.
    pub scheduled_at: Option<Timestamp>,
    /// Who asks.
    pub by: String,
    /// The same key again is the same batch.
    pub idempotency_key: Option<String>,
}

impl Engine {
    /// Asks for a release of several apps.
    ///
    /// # Errors
    /// As for each of them; then there is none.
    pub async fn ask_batch(&self, wanted: WantedBatch) -> Result<(Batch, Vec<Request>), EngineError> {
        if let Some(key) = &wanted.idempotency_key
            && let Some(batch) = self.store().request_batch_of_key(key).await?
        {
            let requests = self.requests_of_batch(batch.id).await?;
            return Ok((batch, requests));
        }
        check_items(&wanted.items)?;
        let configuration = self.store().configuration().await?;
        let mut asks = Vec::with_capacity(wanted.items.len());
        for item in &wanted.items {
            let ask = self.ask_of(&configuration, &wanted, item).await.map_err(|error| about(&item.app, error))?;
            asks.push((ask, item.at_once));
        }
        // Always in one order: two batches that go out at once wait for each other, and not both for both.
        asks.sort_by(|(one, _), (other, _)| one.app.cmp(&other.app));

        let mut tx = self.store().begin().await?;
        let new = NewBatch {
            environment: &wanted.environment,
            title: wanted.title.as_deref().unwrap_or_default(),
            description: &wanted.description,
            created_by: &wanted.by,
            created_at: self.now(),
            idempotency_key: wanted.idempotency_key.as_deref(),
        };
        let Some(id) = tx.create_request_batch(&new).await? else {
            drop(tx);
            return Box::pin(self.ask_batch(wanted)).await;
        };
        let configuration = tx.read_configuration().await?;
        let mut requests = Vec::with_capacity(asks.len());
        for (ask, at_once) in asks {
            let app = ask.app.clone();
            let ask = Ask { batch: Some(id), ..ask };
            let asked = self.ask(&mut tx, &configuration, ask).await.map_err(|error| about(&app, error))?;
            requests.push(if at_once && may_go_out(&asked.request) {
                let released = self.release_in(&mut tx, &configuration, asked.request.id, &wanted.by, None).await;
                released.map_err(|error| about(&app, error))?
            } else {
                asked.request
            });
        }
        tx.commit().await?;
        requests.iter().for_each(|request| self.told(request));
        Ok((self.batch(id).await?, requests))
    }

    /// A batch.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn batch(&self, id: i64) -> Result<Batch, EngineError> {
        let batch = self.store().request_batch(id).await?;
        batch.ok_or_else(|| EngineError::NotFound(format!("there is no batch {id}")))
    }

    /// The requests of a batch, in the order they were made.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn requests_of_batch(&self, id: i64) -> Result<Vec<Request>, EngineError> {
        let filter = RequestFilter { batch: Some(id), ..RequestFilter::default() };
        let most = i64::try_from(MOST_ITEMS).unwrap_or(i64::MAX);
        let mut requests = self.store().requests(&filter, None, most).await?;
        requests.reverse();
        Ok(requests)
    }

    async fn ask_of(
        &self,
        configuration: &Configuration,
        wanted: &WantedBatch,
        item: &BatchItem,
    ) -> Result<Ask, EngineError> {
        let one = Wanted {
            app: item.app.clone(),
            environment: wanted.environment.clone(),
            what: item.what.clone(),
            inputs: item.inputs.clone(),
            title: wanted.title.clone(),
            description: wanted.description.clone(),
            hosts: item.hosts.clone(),
            scheduled_at: wanted.scheduled_at,
            by: wanted.by.clone(),
            idempotency_key: None,
        };
        self.ask_wanted(configuration, one).await
    }
}

fn check_items(items: &[BatchItem]) -> Result<(), EngineError> {
    if items.is_empty() || items.len() > MOST_ITEMS {
        return Err(EngineError::Invalid(format!("name 1 to {MOST_ITEMS} apps, not {}", items.len())));
    }
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(&item.app)) {
        Some(twice) => Err(EngineError::Invalid(format!("{} is named twice: each app once", twice.app))),
        None => Ok(()),
    }
}

/// Says which app an error is about.
fn about(app: &AppKey, error: EngineError) -> EngineError {
    let with = |sentence: String| format!("{app}: {sentence}");
    match error {
        EngineError::NotFound(sentence) => EngineError::NotFound(with(sentence)),
        EngineError::Conflict(sentence) => EngineError::Conflict(with(sentence)),
        EngineError::Changed(sentence) => EngineError::Changed(with(sentence)),
        EngineError::Denied(sentence) => EngineError::Denied(with(sentence)),
        EngineError::Invalid(sentence) => EngineError::Invalid(with(sentence)),
        EngineError::Upstream(sentence) => EngineError::Upstream(with(sentence)),
        EngineError::Unavailable(sentence) => EngineError::Unavailable(with(sentence)),
        EngineError::InvalidConfig(mistakes) => EngineError::InvalidConfig(mistakes),
    }
}
