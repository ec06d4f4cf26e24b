//! In-process wake-ups: "something changed, look at the store". Never the news itself: a reader that misses one, or
//! lives in another process, finds everything in the tables at its next look.

use davit_domain::ids::{AppKey, DeploymentId, EnvironmentKey};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// For so long a change is kept for whoever begins to listen after it.
const KEPT: Duration = Duration::from_secs(60);
/// And so many different ones of them.
const KEPT_CHANGES: usize = 1024;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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

impl Topic {
    /// Whether a page shows it. Log lines have streams of their own, a wish to cancel is for the runner.
    #[must_use]
    pub const fn has_page(self) -> bool {
        !matches!(self, Self::Log | Self::JobLog | Self::Cancel)
    }
}

/// Passes wake-ups on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    listeners: broadcast::Sender<Change>,
    recent: Arc<Mutex<Recent>>,
}

impl Default for Hub {
    fn default() -> Self {
        let recent = Recent { told: HashMap::new(), whole_since: Instant::now() };
        Self { listeners: broadcast::channel(1024).0, recent: Arc::new(Mutex::new(recent)) }
    }
}

impl Hub {
    /// From now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.listeners.subscribe()
    }

    /// From now on, and which changes of things with a page were told within the last `age`: each once, in no order.
    /// `None`: nobody remembers as far back.
    #[must_use]
    pub fn subscribe_since(&self, age: Duration) -> (broadcast::Receiver<Change>, Option<Vec<Change>>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        (self.subscribe(), recent.since(age, Instant::now()))
    }

    /// Tells whoever listens. Nobody listening is fine.
    pub fn tell(&self, change: Change) {
        // Told under the lock: whoever begins to listen finds a change among the recent ones, or is told of it.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if change.topic.has_page() {
            recent.add(change.clone(), Instant::now());
        }
        drop(self.listeners.send(change));
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

/// When each change was last told.
#[derive(Debug)]
struct Recent {
    told: HashMap<Change, Instant>,
    /// All that was told since then is there.
    whole_since: Instant,
}

impl Recent {
    fn add(&mut self, change: Change, now: Instant) {
        self.told.insert(change, now);
        if self.told.len() > KEPT_CHANGES {
            self.told.retain(|_, at| now.duration_since(*at) < KEPT);
            self.whole_since = self.whole_since.max(now.checked_sub(KEPT).unwrap_or(self.whole_since));
        }
        if self.told.len() > KEPT_CHANGES {
            self.told.clear();
            self.whole_since = now;
        }
    }

    fn since(&self, age: Duration, now: Instant) -> Option<Vec<Change>> {
        let from = now.checked_sub(age).filter(|from| age < KEPT && *from > self.whole_since)?;
        Some(self.told.iter().filter(|(_, at)| **at >= from).map(|(change, _)| change.clone()).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: i64) -> Change {
        Change { topic: Topic::Run, id: Some(id), app: None, environment: None }
    }

    fn ids(changes: Option<Vec<Change>>) -> Option<Vec<i64>> {
        let mut ids: Vec<i64> = changes?.iter().filter_map(|change| change.id).collect();
        ids.sort_unstable();
        Some(ids)
    }

    #[test]
    fn who_begins_late_hears_what_was_told_meanwhile_and_once() {
        let whole_since = Instant::now().checked_sub(Duration::from_secs(50)).expect("the machine is older");
        let recent = Arc::new(Mutex::new(Recent { told: HashMap::new(), whole_since }));
        let hub = Hub { recent, ..Hub::default() };
        for _ in 0..3 {
            hub.tell(change(1));
        }
        hub.tell(Change { topic: Topic::Log, ..change(2) });
        let (mut later, told) = hub.subscribe_since(Duration::from_secs(30));
        assert_eq!(ids(told), Some(vec![1]));
        hub.tell(change(3));
        assert_eq!(later.try_recv().map(|change| change.id), Ok(Some(3)));
    }

    #[test]
    fn what_nobody_remembers_is_said() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut recent = Recent { told: HashMap::new(), whole_since: start };
        let since = |recent: &Recent, age, now| ids(recent.since(Duration::from_secs(age), at(now)));
        assert_eq!(since(&recent, 6, 5), None, "before the process");
        assert_eq!(since(&recent, 4, 5), Some(vec![]));
        recent.add(change(1), at(100));
        recent.add(change(2), at(110));
        assert_eq!(since(&recent, 5, 112), Some(vec![2]));
        assert_eq!(since(&recent, 20, 112), Some(vec![1, 2]));
        assert_eq!(since(&recent, 60, 112), None, "longer than it is kept");
        for id in 0..2000 {
            recent.add(change(id), at(165));
        }
        assert_eq!(since(&recent, 2, 166), None, "more than are kept");
        recent.add(change(2001), at(170));
        assert_eq!(since(&recent, 2, 171), Some(vec![2001]));
        assert!(recent.told.len() <= KEPT_CHANGES);
    }
}
