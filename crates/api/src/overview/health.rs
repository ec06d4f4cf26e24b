//! Whether what is live somewhere is as it should be: what hosts said when they were last asked, whether davit can log
//! in to them, and whether something newer waits. Nothing is asked here: only what is known already is told.

use crate::problem::Problem;
use crate::views::LiveView;
use davit_domain::config::{App, Configuration, Host, HostKind, ReleaseConfig, Repository};
use davit_domain::event::GitRef;
use davit_domain::heads::{SeenHead, followed};
use davit_domain::ids::{AppKey, HostName};
use davit_store::Store;
use davit_store::gates::LiveVerdict;
use davit_store::hosts::HostCheck;
use davit_store::releases::Live;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// So many of a repository's heads are looked at for the newest of what is followed.
const HEADS: i64 = 200;

/// How the hosts of an app in an environment are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CellHealth {
    /// Hosts that the release config means.
    hosts: usize,
    /// Those of them that serve another release than the newest one, or none.
    behind: usize,
    /// Those that davit could not log in to when it last tried.
    down: usize,
    /// Those that said, since their release went live, that they serve something else or that files have changed.
    differing: usize,
    /// When one of them was last asked what it serves. None: none has been since its release went live.
    asked_at: Option<String>,
}

/// A commit that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewestView {
    /// The branch or tag, by its short name.
    reference: String,
    commit: String,
    /// When davit heard of it.
    at: String,
}

impl NewestView {
    /// The newest of what the release config follows, when something else is live.
    pub(super) fn of(config: &ReleaseConfig, live: Option<&LiveView>, heads: &[SeenHead]) -> Option<Self> {
        let live = live?;
        let head = followed(config.auto.as_ref(), live.git_ref().and_then(branch), heads)?;
        let (GitRef::Branch(reference) | GitRef::Tag(reference)) = &head.git_ref;
        (head.commit.as_str() != live.commit()).then(|| Self {
            reference: reference.clone(),
            commit: head.commit.to_string(),
            at: head.at.to_string(),
        })
    }
}

/// The branch that a request names: by its short name when a person asked, by its whole one when a push did.
fn branch(git_ref: &str) -> Option<&str> {
    match git_ref.strip_prefix("refs/") {
        Some(whole) => whole.strip_prefix("heads/"),
        None => Some(git_ref),
    }
}

/// What is known of hosts.
pub(super) struct Estate<'c> {
    hosts: &'c [Host],
    checks: BTreeMap<HostName, HostCheck>,
    verdicts: HashMap<(String, String, String), LiveVerdict>,
}

impl<'c> Estate<'c> {
    pub(super) async fn load(store: &Store, configuration: &'c Configuration) -> Result<Self, Problem> {
        let key = |said: &LiveVerdict| (said.app.to_string(), said.environment.to_string(), said.host.to_string());
        let verdicts = store.live_verdicts().await?;
        Ok(Self {
            hosts: &configuration.hosts,
            checks: store.host_checks().await?,
            verdicts: verdicts.into_iter().map(|said| (key(&said), said)).collect(),
        })
    }

    /// The heads of an app's repository that davit was told about, the latest first.
    pub(super) async fn heads(&self, store: &Store, app: &App) -> Result<Vec<SeenHead>, Problem> {
        match &app.repository {
            Repository::Forge { forge, name, .. } => Ok(store.latest_heads(forge, name, HEADS).await?),
            Repository::Url { .. } => Ok(Vec::new()),
        }
    }

    /// How the hosts that a release config means are; `live` is what is live there.
    pub(super) fn health(&self, app: &AppKey, config: &ReleaseConfig, live: &[&Live]) -> CellHealth {
        let newest = live.iter().max_by_key(|live| live.at).map(|live| &live.release);
        let of_host: HashMap<&HostName, &Live> = live.iter().map(|live| (&live.host, *live)).collect();
        let mut health = CellHealth { hosts: 0, behind: 0, down: 0, differing: 0, asked_at: None };
        let mut asked = None;
        for host in config.select(self.hosts) {
            let serves = of_host.get(&host.name);
            health.hosts += 1;
            health.behind += usize::from(newest.is_some() && serves.map(|live| &live.release) != newest);
            health.down += usize::from(self.is_down(host));
            let key = (app.to_string(), config.environment.to_string(), host.name.to_string());
            // What a host said of the release before tells nothing about this one.
            let said = self.verdicts.get(&key).filter(|said| serves.is_none_or(|live| said.at >= live.at));
            health.differing += usize::from(said.is_some_and(|said| said.verdict == "drift"));
            asked = asked.max(said.map(|said| said.at));
        }
        health.asked_at = asked.map(|at| at.to_string());
        health
    }

    /// One that has not shown a key that somebody accepted is new, not down.
    fn is_down(&self, host: &Host) -> bool {
        let is_bad = |check: &HostCheck| check.code != "ok" && check.code != "host_key_unknown";
        host.kind == HostKind::Ssh && self.checks.get(&host.name).is_some_and(is_bad)
    }
}
