//! In-process wake-ups: "something changed, look at the store". Never the news itself: a reader that misses one, or
//! lives in another process, finds everything in the tables at its next look.

use davit_domain::ids::{AppKey, DeploymentId, EnvironmentKey};
use serde::Serialize;
use tokio::sync::broadcast;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of thing.
    pub topic: Topic,
    /// Which one, where it has a number.
    pub id: Option<i64>,
    /// Of which app.
    pub app: Option<AppKey>,
    /// In which environment.
    pub environment: Option<EnvironmentKey>,
}

/// Kinds of things that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A deployment's or one of its hosts' state.
    Deployment,
    /// New log lines of a deployment.
    Log,
    /// Somebody wants a deployment cancelled.
    Cancel,
    /// A release request.
    Request,
    /// A webhook delivery.
    Delivery,
    /// A host or what is known of it.
    Host,
    /// The configuration.
    Config,
    /// The outbox.
    Outbox,
    /// Something needs a person, or needs one no more.
    Alert,
    /// A CI run's state.
    Run,
    /// The state of a job or of one of its steps.
    Job,
    /// New log lines of a job.
    JobLog,
    /// A change, or what holds it up.
    Change,
    /// New entries of the feed.
    Feed,
    /// A person's shell on a host.
    Terminal,
    /// Accounts, groups, grants or tokens: what people may do.
    People,
}

/// Passes wake-ups on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub(broadcast::Sender<Change>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Hub {
    /// From now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// Tells whoever listens. Nobody listening is fine.
    pub fn tell(&self, change: Change) {
        drop(self.0.send(change));
    }

    /// A change without an app.
    pub fn tell_topic(&self, topic: Topic, id: Option<i64>) {
        self.tell(Change { topic, id, app: None, environment: None });
    }

    /// New log lines, or a wish to cancel.
    pub fn tell_deployment(&self, topic: Topic, id: DeploymentId, app: &AppKey, environment: &EnvironmentKey) {
        self.tell(Change { topic, id: Some(id.0), app: Some(app.clone()), environment: Some(environment.clone()) });
    }
}

/// Returns when one of these topics changed, or when changes came faster than they were read: then look as well.
pub(crate) async fn changed(changes: &mut broadcast::Receiver<Change>, topics: &[Topic]) {
    while let Ok(change) = changes.recv().await {
        if topics.contains(&change.topic) {
            return;
        }
    }
}
