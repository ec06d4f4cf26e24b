//! What a caller sees of what there is. Whoever holds a role on everything sees it all; everybody else sees the apps,
//! environments, hosts and repositories that their grants reach, and nothing says that there is more.

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use davit_domain::access::{Action, Places, Target};
use davit_domain::config::{App, Configuration, Repository};
use davit_domain::ids::{AppKey, EnvironmentKey, ForgeId, HostName};
use davit_engine::hub::{Change, Topic};
use std::collections::BTreeSet;

impl Caller {
    /// The configuration without what the caller does not see.
    pub(crate) async fn configuration(&self, api: &Api) -> Result<Configuration, Problem> {
        Ok(self.trimmed(api.engine.store().configuration().await?))
    }

    /// The places of which the caller sees something: lists are cut to them.
    pub(crate) fn sees(&self) -> Places {
        self.access().places(Action::See)
    }

    /// The repositories whose runs and changes the caller sees; `None`: all. `configuration` is what they see of it.
    pub(crate) fn repositories(&self, configuration: &Configuration) -> Option<Vec<(ForgeId, String)>> {
        if self.access().sees_everything() {
            return None;
        }
        let of = |app: &App| match &app.repository {
            Repository::Forge { forge, name, .. } => Some((forge.clone(), name.clone())),
            Repository::Url { .. } => None,
        };
        Some(configuration.apps.iter().filter_map(of).collect())
    }

    /// Lets the request go on when the account may do this to a repository: to everything, or to an app whose source it
    /// is. `configuration` is what the caller sees of it; whose source they don't see is not there.
    pub(crate) fn allow_repository(
        &self,
        action: Action,
        configuration: &Configuration,
        (forge, name): (&ForgeId, &str),
        missing: impl FnOnce() -> Problem,
    ) -> Result<(), Problem> {
        if self.may_repository(action, configuration, (forge, name)) {
            return Ok(());
        }
        let is_seen = self.access().sees_everything() || apps_of(configuration, forge, name).next().is_some();
        if is_seen { Err(self.denied_on(action, &Target::Everything)) } else { Err(missing()) }
    }

    /// As [`allow_repository`](Self::allow_repository), as a question. Seeing needs no role on the whole app.
    pub(crate) fn may_repository(
        &self,
        action: Action,
        configuration: &Configuration,
        (forge, name): (&ForgeId, &str),
    ) -> bool {
        let mut apps = apps_of(configuration, forge, name);
        self.may(action) || apps.any(|app| action == Action::See || self.may_app(action, &app.key))
    }

    /// Lets the request go on when the account may do this to the app as a whole. The caller sees it: who holds a role in
    /// one of its environments alone is denied, not told that it is not there.
    pub(crate) fn allow_whole_app(&self, action: Action, app: &App) -> Result<(), Problem> {
        if self.may_app(action, &app.key) {
            Ok(())
        } else {
            Err(self.denied_on(action, &Target::App { app: &app.key }))
        }
    }

    /// Lets the request go on when the account may do this to the app as a whole or in some environment.
    pub(crate) fn allow_some_of_app(&self, action: Action, app: &App) -> Result<(), Problem> {
        let places = self.access().places(action);
        if app.releases.iter().any(|config| places.contains(&app.key, &config.environment)) {
            return Ok(());
        }
        self.allow_whole_app(action, app)
    }

    /// What the caller is told of a change: all of it, that something of the sort changed, or nothing.
    pub(crate) fn told(&self, change: Change) -> Option<Change> {
        if self.access().sees_everything() {
            return Some(change);
        }
        match (&change.app, &change.environment, change.topic) {
            (Some(app), Some(environment), _) => self.sees().contains(app, environment).then_some(change),
            (Some(app), None, _) => self.may_app(Action::See, app).then_some(change),
            (None, _, Topic::Delivery | Topic::Outbox | Topic::Alert) => None,
            (
                None,
                _,
                Topic::Deployment
                | Topic::Log
                | Topic::Cancel
                | Topic::Request
                | Topic::Host
                | Topic::Config
                | Topic::Run
                | Topic::Job
                | Topic::JobLog
                | Topic::Change
                | Topic::Feed
                | Topic::Terminal
                | Topic::People,
            ) => Some(Change { id: None, ..change }),
        }
    }

    fn trimmed(&self, mut configuration: Configuration) -> Configuration {
        if self.access().sees_everything() {
            return configuration;
        }
        let places = self.sees();
        for app in &mut configuration.apps {
            app.releases.retain(|config| places.contains(&app.key, &config.environment));
        }
        configuration.apps.retain(|app| !app.releases.is_empty() || self.may_app(Action::See, &app.key));
        let releases = configuration.apps.iter().flat_map(|app| &app.releases);
        let environments: BTreeSet<EnvironmentKey> =
            releases.clone().map(|config| config.environment.clone()).collect();
        let named = named(&places);
        let sees = |key: &EnvironmentKey| {
            environments.contains(key) || named.contains(key) || self.may_environment(Action::See, key)
        };
        configuration.environments.retain(|environment| sees(&environment.key));
        let reached = releases.flat_map(|config| config.select(&configuration.hosts));
        let reached: BTreeSet<HostName> = reached.map(|host| host.name.clone()).collect();
        configuration.hosts.retain(|host| reached.contains(&host.name) || self.may_host(Action::See, host));
        let hosts: BTreeSet<HostName> = configuration.hosts.iter().map(|host| host.name.clone()).collect();
        for host in &mut configuration.hosts {
            host.environments.retain(sees);
            host.jump.retain(|jump| hosts.contains(jump));
        }
        let apps = &configuration.apps;
        configuration.forges.retain(|forge| apps.iter().any(|app| is_at(app, &forge.id)));
        configuration.repositories.retain(|tested| {
            apps.iter().any(|app| match &app.repository {
                Repository::Forge { forge, name, .. } => tested.is(forge, name),
                Repository::Url { .. } => false,
            })
        });
        configuration.channels.clear();
        configuration.identities.clear();
        configuration
    }
}

/// The environments that grants name.
fn named(places: &Places) -> BTreeSet<EnvironmentKey> {
    match places {
        Places::All => BTreeSet::new(),
        Places::Only(places) => places.iter().filter_map(|place| place.environment.clone()).collect(),
    }
}

/// The apps whose source a repository is.
fn apps_of<'c>(
    configuration: &'c Configuration,
    forge: &'c ForgeId,
    name: &'c str,
) -> impl Iterator<Item = &'c App> + use<'c> {
    configuration.apps.iter().filter(move |app| match &app.repository {
        Repository::Forge { forge: at, name: own, .. } => at == forge && own.eq_ignore_ascii_case(name),
        Repository::Url { .. } => false,
    })
}

fn is_at(app: &App, id: &ForgeId) -> bool {
    match &app.repository {
        Repository::Forge { forge, .. } => forge == id,
        Repository::Url { .. } => false,
    }
}

/// The app of this key, as far as the caller sees it.
pub(crate) async fn seen_app(api: &Api, caller: &Caller, key: &str) -> Result<App, Problem> {
    let missing = || Problem::not_found(format!("there is no app named {key}"));
    let key: AppKey = key.parse()?;
    let configuration = caller.configuration(api).await?;
    configuration.apps.into_iter().find(|app| app.key == key).ok_or_else(missing)
}
