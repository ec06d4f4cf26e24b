//! Whether what is live somewhere is as it should be: what hosts said when they were last asked, whether davit can log
//! in to them. Nothing is asked here: only what is known already is told.

use super::Cell;
use crate::problem::Problem;
use davit_domain::access::Places;
use davit_domain::config::{Configuration, Host, HostKind};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_domain::time::Timestamp;
use davit_store::Store;
use davit_store::hosts::HostCheck;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use utoipa::ToSchema;

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
    /// When a host was last asked what it serves there. None: none has been since its release went live.
    asked_at: Option<String>,
}

/// What is known of hosts.
pub(super) struct Estate<'c> {
    hosts: &'c [Host],
    checks: BTreeMap<HostName, HostCheck>,
    said: HashMap<(AppKey, EnvironmentKey), Said>,
}

/// What the hosts of a place said of what they serve.
#[derive(Default)]
struct Said {
    differing: HashSet<HostName>,
    asked_at: Option<Timestamp>,
}

impl<'c> Estate<'c> {
    pub(super) async fn load(
        store: &Store,
        configuration: &'c Configuration,
        places: &Places,
    ) -> Result<Self, Problem> {
        let mut said: HashMap<_, Said> = HashMap::new();
        for row in store.live_said(places).await? {
            let of_place = said.entry((row.app, row.environment)).or_default();
            of_place.asked_at = of_place.asked_at.max(Some(row.at));
            of_place.differing.extend(row.differs);
        }
        Ok(Self { hosts: &configuration.hosts, checks: store.host_checks().await?, said })
    }

    /// How the hosts that a release config means are.
    pub(super) fn health(&self, cell: &Cell<'_>) -> CellHealth {
        let newest: Option<HashSet<&HostName>> = cell.here.first().map(|newest| newest.hosts.iter().collect());
        let said = self.said.get(&(cell.app.key.clone(), cell.config.environment.clone()));
        let asked_at = said.and_then(|said| said.asked_at).map(|at| at.to_string());
        let mut health = CellHealth { hosts: 0, behind: 0, down: 0, differing: 0, asked_at };
        for host in cell.config.select(self.hosts) {
            health.hosts += 1;
            health.behind += usize::from(newest.as_ref().is_some_and(|newest| !newest.contains(&host.name)));
            health.down += usize::from(self.is_down(host));
            health.differing += usize::from(said.is_some_and(|said| said.differing.contains(&host.name)));
        }
        health
    }

    /// One that has not shown a key that somebody accepted is new, not down.
    fn is_down(&self, host: &Host) -> bool {
        let is_bad = |check: &HostCheck| check.code != "ok" && check.code != "host_key_unknown";
        host.kind == HostKind::Ssh && self.checks.get(&host.name).is_some_and(is_bad)
    }
}
