//! The moving parts: inbox, intents, deployments, outbox dispatch, reconcilers, lifecycle.
//!
//! Everything that changes something goes one way: a decision of the domain, then one transaction that stores state,
//! jobs, outbox and feed together, then a wake-up. See ARCHITECTURE.md, "The flow".

pub mod accounts;
pub mod apply;
mod builds;
pub mod catch_up;
pub mod chat;
pub mod ci;
pub mod clock;
pub mod configs;
pub mod deploy;
pub mod differences;
pub mod dispatch;
pub mod doctor;
pub mod drift;
mod error;
pub mod feed;
mod forge_deployments;
pub mod forges;
pub mod gates;
pub mod groups;
mod histories;
pub mod host_keys;
pub mod host_watch;
pub mod hosts;
pub mod hub;
pub mod inbox;
pub mod intents;
pub mod lifecycle;
pub mod log_differences;
pub mod master_key;
mod merge;
pub mod notify;
pub mod people;
pub mod queue;
pub mod reconcile;
pub mod repositories;
pub mod retention;
pub mod seal;
pub mod secrets;
pub mod sign_in;
pub mod terminals;
pub mod tokens;
pub mod values;

pub use davit_exec::git;
pub use error::EngineError;

use clock::Clock;
use davit_domain::time::Timestamp;
use davit_exec::host::Connector;
use davit_store::feed::FeedEntry;
use davit_store::inbox::Inbox;
use davit_store::{Store, Tx};
use hub::Hub;
use lifecycle::Lifecycle;
use queue::Queue;
use seal::Sealer;
use secrecy::SecretString;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Passwords that are hashed at the same time.
const PARALLEL_HASHING: usize = 2;

/// What an engine is made of; the composition root fills it in.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The job queue on it.
    pub queue: Queue,
    /// Where deliveries are put.
    pub inbox: Inbox,
    /// The time.
    pub clock: Clock,
    /// Opens and seals secrets.
    pub sealer: Sealer,
    /// The tasks.
    pub lifecycle: Lifecycle,
    /// Settings.
    pub settings: Settings,
}

/// What the process was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Git mirrors, builds and work directories live below it.
    pub data_dir: PathBuf,
    /// What forges and people see, without a trailing slash.
    pub public_url: String,
    /// Deployments that run at the same time in this process.
    pub parallel_deployments: usize,
    /// Hosts of one deployment that are worked on at the same time.
    pub parallel_hosts: usize,
    /// Jobs of runs that run at the same time in this process.
    pub parallel_jobs: usize,
    /// Labels that `runs-on` may ask for; `*` at the end of one stands for anything.
    pub runner_labels: Vec<String>,
    /// Directories of the server that jobs in a sandbox may read beside the system's own.
    pub ci_tools: Vec<PathBuf>,
    /// How often the reconcilers look, and for how long a claimed delivery or call is left alone.
    pub reconcile_every: Duration,
    /// How often hosts are asked whether they are there; zero: never.
    pub watch_hosts_every: Duration,
    /// How long what people did is kept.
    pub keep: retention::Keep,
    /// How long and how much for people's shells on hosts.
    pub terminals: terminals::Limits,
}

impl Settings {
    /// The labels of GitHub's Linux machines, and of machines of one's own.
    #[must_use]
    pub fn default_runner_labels() -> Vec<String> {
        ["ubuntu-*", "linux", "self-hosted", "x64", "davit"].map(str::to_owned).to_vec()
    }

    /// As many jobs as the machine has processors, and at least two.
    #[must_use]
    pub fn default_parallel_jobs() -> usize {
        std::thread::available_parallelism().map_or(2, |processors| processors.get().max(2))
    }
}

/// The engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    hub: Hub,
    set_up_code: SecretString,
    clients: dispatch::Clients,
    traffic: dispatch::Traffic,
    held_calls: dispatch::Held,
    catch_up: catch_up::Notes,
    merging: merge::Notes,
    connector: Connector,
    shelf: builds::Shelf,
    terminals: terminals::Live,
    schedules_seen: ci::Seen,
    fetched: repositories::Fetched,
    histories: histories::Histories,
    touched_tokens: Mutex<HashMap<String, Timestamp>>,
    discovered: sign_in::oidc::Discovered,
    hashing: Semaphore,
    noting_feed: tokio::sync::Mutex<()>,
}

impl Engine {
    /// Puts the parts together; nothing runs yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            hub: Hub::default(),
            set_up_code: easy_code().into(),
            clients: dispatch::Clients::default(),
            traffic: dispatch::Traffic::default(),
            held_calls: dispatch::Held::default(),
            catch_up: catch_up::Notes::default(),
            merging: merge::Notes::default(),
            connector: Connector::default(),
            shelf: builds::Shelf::default(),
            terminals: terminals::Live::default(),
            schedules_seen: ci::Seen::default(),
            fetched: repositories::Fetched::default(),
            histories: histories::Histories::default(),
            touched_tokens: Mutex::default(),
            discovered: sign_in::oidc::Discovered::default(),
            hashing: Semaphore::new(PARALLEL_HASHING),
            noting_feed: tokio::sync::Mutex::default(),
        }))
    }

    /// Starts the background work: inbox, jobs, outbox, reconcilers.
    ///
    /// # Errors
    /// When what an earlier process left behind can't be taken over.
    pub async fn start(&self) -> Result<(), EngineError> {
        self.queue().reclaim_orphans_of_previous_process().await?;
        self.store().reclaim_deliveries_of_previous_process().await?;
        self.store().reclaim_outbox_of_previous_process(self.now()).await?;
        reconcile::deployments(self).await?;
        ci::clean_up(self).await;
        let lifecycle = self.lifecycle();
        let engine = self.clone();
        lifecycle.keep("inbox", move || inbox::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("deployments", move || deploy::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("ci-plans", move || ci::run_plans(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("ci-jobs", move || ci::run_jobs(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("ci-schedules", move || ci::run_schedules(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("ci-retention", move || ci::run_retention(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("outbox", move || dispatch::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("catch-up", move || catch_up::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("changes", move || merge::jobs(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("merging", move || merge::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("reconcile", move || reconcile::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("host-watch", move || host_watch::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("requests", move || intents::run_schedules(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("retention", move || retention::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("feed", move || feed::run(engine.clone()));
        let engine = self.clone();
        lifecycle.keep("terminals", move || terminals::run(engine.clone()));
        Ok(())
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// Where webhooks are put.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.0.parts.inbox
    }

    /// Wake-ups.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// The tasks.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.parts.lifecycle
    }

    /// The jobs.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.0.parts.queue
    }

    /// What the process was told.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// The one-time code for the set-up wizard, to be printed at start.
    #[must_use]
    pub fn set_up_code(&self) -> &SecretString {
        &self.0.set_up_code
    }

    /// Where people read about a deployment.
    #[must_use]
    pub fn deployment_url(&self, id: davit_domain::ids::DeploymentId) -> String {
        format!("{}/deployments/{id}", self.settings().public_url)
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.parts.sealer
    }

    pub(crate) fn shelf(&self) -> &builds::Shelf {
        &self.0.shelf
    }

    pub(crate) fn histories(&self) -> &histories::Histories {
        &self.0.histories
    }

    pub(crate) fn fetched(&self) -> &repositories::Fetched {
        &self.0.fetched
    }

    pub(crate) fn schedules_seen(&self) -> &ci::Seen {
        &self.0.schedules_seen
    }

    pub(crate) fn clients(&self) -> &dispatch::Clients {
        &self.0.clients
    }

    pub(crate) fn traffic(&self) -> &dispatch::Traffic {
        &self.0.traffic
    }

    pub(crate) fn held_calls(&self) -> &dispatch::Held {
        &self.0.held_calls
    }

    pub(crate) fn catch_up_notes(&self) -> &catch_up::Notes {
        &self.0.catch_up
    }

    pub(crate) fn merge_notes(&self) -> &merge::Notes {
        &self.0.merging
    }

    /// Opens the connections to hosts, a bounded number at once.
    pub(crate) fn connector(&self) -> &Connector {
        &self.0.connector
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.settings().data_dir
    }

    pub(crate) fn hashing_permits(&self) -> &Semaphore {
        &self.0.hashing
    }

    /// Held by whoever notes the end of the feed's chain in the data directory.
    pub(crate) fn noting_feed(&self) -> &tokio::sync::Mutex<()> {
        &self.0.noting_feed
    }

    pub(crate) fn discovered(&self) -> &sign_in::oidc::Discovered {
        &self.0.discovered
    }

    pub(crate) fn touched_tokens(&self) -> &Mutex<HashMap<String, Timestamp>> {
        &self.0.touched_tokens
    }

    /// Adds a line to the feed, in the transaction of what it tells about.
    pub(crate) async fn feed(
        &self,
        tx: &mut Tx,
        actor: &str,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), EngineError> {
        tx.feed(FeedEntry {
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            app: None,
            environment: None,
            detail,
        })
        .await?;
        Ok(())
    }
}

/// Twelve letters and digits in groups, easy to type: about 59 bits.
pub(crate) fn easy_code() -> String {
    const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    let letters: Vec<char> = rand::random::<[u8; 12]>().into_iter().map(letter).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}
