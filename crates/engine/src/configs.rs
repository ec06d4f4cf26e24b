//! Editing one item of the configuration at a time: apps, their release configs, environments, hosts; forges and
//! channels in [`outside`], repositories of CI in [`repositories`], the secrets that would be left in [`leftovers`].
//!
//! Every edit goes the way of an apply: the whole that results is checked, and stored with its line in the feed in one
//! transaction. Release configs have revisions: an edit names the one that the person saw, and another one in between
//! is told instead of overwritten. Looking at what an edit would meet (git, hosts) is [`check`]'s business, what a
//! release would do [`dry_run`]'s.

mod base;
mod check;
mod dry_run;
mod history;
mod leftovers;
mod outside;
mod repositories;

pub use base::{Base, NamedSecrets, Order, Put};
pub use check::{Check, ConfigCheck};
pub use dry_run::{DryHost, DryRun, DryStep};
pub use history::RevisionText;
pub use leftovers::Item;

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::access::Scope;
use davit_domain::config::{
    self, App, ConfigError, Configuration, Environment, Form, Host, PlanAction, ReleaseConfig, SecretRef,
};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_domain::values::ValueScope;
use davit_store::Tx;
use davit_store::configuration::Revision;
use davit_store::feed::FeedEntry;

/// What the feed says about an edit.
struct Told<'a> {
    action: &'static str,
    subject: String,
    app: Option<&'a AppKey>,
    environment: Option<&'a EnvironmentKey>,
}

impl Engine {
    /// Saves how an app is released to an environment, as the next revision; a form that changes nothing saves none.
    /// `base`: the number of the revision that the person saw, `None` when there was none.
    ///
    /// # Errors
    /// `Changed` when another one is in force, `InvalidConfig` with every mistake and its field.
    pub async fn save_release_config(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        form: &Form,
        base: Option<i64>,
        by: &str,
    ) -> Result<(Revision, ReleaseConfig), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        known_environment(&current, environment)?;
        let found = known_app(&current, app)?;
        check_base(&mut tx, app, environment, base).await?;
        let wanted = config::read_release(found, environment, form, &current).map_err(EngineError::InvalidConfig)?;
        let saved = self.put_release(&mut tx, &current, app, wanted, by, "config_saved").await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(saved)
    }

    /// Makes a copy of how an app is released to an environment: for another environment, another app, or both.
    /// `deploy_path`: of the copy; `None`: the same.
    ///
    /// # Errors
    /// `Conflict` when there is one already, `InvalidConfig` when both would be at one place of one host.
    pub async fn clone_release_config(
        &self,
        from: (&AppKey, &EnvironmentKey),
        to: (&AppKey, &EnvironmentKey),
        deploy_path: Option<&str>,
        by: &str,
    ) -> Result<(Revision, ReleaseConfig), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        known_environment(&current, to.1)?;
        let source = known_app(&current, from.0)?.release(from.1).ok_or_else(|| no_config(from.0, from.1))?;
        if known_app(&current, to.0)?.release(to.1).is_some() {
            return Err(EngineError::Conflict(format!("{} is released to {} already: edit that instead", to.0, to.1)));
        }
        let mut form = config::release_form(source);
        if let Some(path) = deploy_path {
            form.insert("deploy_path".into(), path.into());
        }
        let target = known_app(&current, to.0)?;
        let copy = config::read_release(target, to.1, &form, &current).map_err(EngineError::InvalidConfig)?;
        let saved = self.put_release(&mut tx, &current, to.0, copy, by, "config_cloned").await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(saved)
    }

    /// Takes away how an app is released to an environment. Its revisions stay, and what is on hosts too.
    ///
    /// # Errors
    /// `Changed` when another revision is in force than the person saw, `NotFound` when there is none.
    pub async fn delete_release_config(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        base: Option<i64>,
        by: &str,
    ) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let mut after = current.clone();
        let found = app_mut(&mut after, app)?;
        let before = found.releases.len();
        found.releases.retain(|release| release.environment != *environment);
        if found.releases.len() == before {
            return Err(no_config(app, environment));
        }
        if base.is_some() {
            check_base(&mut tx, app, environment, base).await?;
        }
        let subject = format!("{app}/{environment}");
        let told = Told { action: "config_deleted", subject, app: Some(app), environment: Some(environment) };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }

    /// Makes an app, or changes its name and repository. `is_new`: it must not be there yet.
    ///
    /// # Errors
    /// `InvalidConfig` with every mistake and its field, `Conflict` when a new one is there, `NotFound` when another is not.
    pub async fn put_app(&self, key: &AppKey, form: &Form, is_new: bool, by: &str) -> Result<App, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let known = current.apps.iter().find(|app| app.key == *key);
        match known {
            Some(_) if is_new => return Err(EngineError::Conflict(format!("there is an app {key} already"))),
            None if !is_new => return Err(no_app(key)),
            Some(_) | None => {}
        }
        // What the form does not name stays.
        let mut whole = known.map(config::app_form).unwrap_or_default();
        whole.extend(form.clone());
        let read = config::read_app(key, &whole, &current).map_err(EngineError::InvalidConfig)?;
        let releases = known.map(|app| app.releases.clone()).unwrap_or_default();
        let app = App { releases, ..read };
        let after = config::merge(&current, &Configuration { apps: vec![app.clone()], ..nothing() }, false);
        let action = if is_new { "app_created" } else { "app_changed" };
        let told = Told { action, subject: key.to_string(), app: Some(key), environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(app)
    }

    /// Takes an app away, with its release configs and values. What it left on hosts stays, and so does its history.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn delete_app(&self, key: &AppKey, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let gone = known_app(&current, key)?;
        let mut after = current.clone();
        after.apps.retain(|app| app.key != gone.key);
        let told = Told { action: "app_deleted", subject: key.to_string(), app: Some(key), environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }

    /// Makes an environment or replaces what is said of it; `order` moves it to a place of the list.
    ///
    /// # Errors
    /// `InvalidConfig` with every mistake and its field, `Changed` or `Conflict` where what was seen is not in force.
    pub async fn put_environment(
        &self,
        key: &EnvironmentKey,
        put: &Put,
        order: &Order,
        by: &str,
    ) -> Result<Environment, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let known = current.environments.iter().find(|known| known.key == *key);
        put.base.check("environment", key, known.map(config::environment_form))?;
        order.check(current.environments.iter().map(|known| &known.key))?;
        let environment = config::read_environment(key, &put.form, &current).map_err(EngineError::InvalidConfig)?;
        let wanted = Configuration { environments: vec![environment.clone()], ..nothing() };
        self.put_secrets_of(&mut tx, &wanted, put, by).await?;
        let mut after = config::merge(&current, &wanted, false);
        if let Some(place) = order.place {
            after.environments.retain(|known| known.key != *key);
            after.environments.insert(place.min(after.environments.len()), environment.clone());
        }
        let told = Told { action: "environment_saved", subject: key.to_string(), app: None, environment: Some(key) };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        if put.dry_run {
            return Ok(environment);
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(environment)
    }

    /// Takes an environment away that nothing refers to any more.
    ///
    /// # Errors
    /// `Conflict` with what refers to it, `NotFound` when there is none.
    pub async fn delete_environment(&self, key: &EnvironmentKey, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        known_environment(&current, key)?;
        let mut after = current.clone();
        after.environments.retain(|known| known.key != *key);
        in_use(&after)?;
        let told = Told { action: "environment_deleted", subject: key.to_string(), app: None, environment: Some(key) };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }

    /// Makes a host or replaces what is said of it. A key that a person accepted stays pinned while its address stays.
    ///
    /// # Errors
    /// `InvalidConfig` with every mistake and its field, `Changed` or `Conflict` where what was seen is not in force.
    pub async fn put_host(&self, name: &HostName, put: &Put, by: &str) -> Result<Host, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let known = current.hosts.iter().find(|known| known.name == *name);
        put.base.check("host", name, known.map(config::host_form))?;
        let host = config::read_host(name, &put.form, &current).map_err(EngineError::InvalidConfig)?;
        let wanted = crate::apply::keep_pins(&current, Configuration { hosts: vec![host], ..nothing() });
        self.put_secrets_of(&mut tx, &wanted, put, by).await?;
        let after = config::merge(&current, &wanted, false);
        let told = Told { action: "host_saved", subject: name.to_string(), app: None, environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        if !put.dry_run {
            tx.commit().await?;
            self.hub().tell_topic(Topic::Config, None);
        }
        wanted.hosts.into_iter().next().ok_or_else(|| EngineError::Unavailable("the host is not there".into()))
    }

    /// Takes a host away that nothing refers to any more. What is on it stays. Of its secrets those go that are named.
    ///
    /// # Errors
    /// `Conflict` with what refers to it or to a secret, `NotFound` when there is none.
    pub async fn delete_host(&self, name: &HostName, secrets: &[String], by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let after = Item::Host(name).taken_from(&current);
        if after.hosts.len() == current.hosts.len() {
            return Err(EngineError::NotFound(format!("there is no host named {name}")));
        }
        in_use(&after)?;
        self.forget_secrets(&mut tx, (&current, &after), secrets, by).await?;
        let told = Told { action: "host_deleted", subject: name.to_string(), app: None, environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }

    /// Stores the secrets that come with an item, which must be what it names.
    async fn put_secrets_of(
        &self,
        tx: &mut Tx,
        wanted: &Configuration,
        put: &Put,
        by: &str,
    ) -> Result<(), EngineError> {
        let named = wanted.secret_refs();
        for (name, value) in &put.secrets {
            if !named.contains_key(&SecretRef::Secret(name.clone()).key()) {
                let message = format!("a value came for the secret {name}, which the form does not name");
                return Err(EngineError::InvalidConfig(vec![ConfigError::of_field("", &message)]));
            }
            self.put_named_secret(tx, name, value, by).await?;
        }
        Ok(())
    }

    /// Puts a release config into force, and says which revision it is.
    async fn put_release(
        &self,
        tx: &mut Tx,
        current: &Configuration,
        app: &AppKey,
        wanted: ReleaseConfig,
        by: &str,
        action: &'static str,
    ) -> Result<(Revision, ReleaseConfig), EngineError> {
        let environment = wanted.environment.clone();
        let mut after = current.clone();
        let releases = &mut app_mut(&mut after, app)?.releases;
        match releases.iter_mut().find(|release| release.environment == environment) {
            Some(release) => *release = wanted,
            None => releases.push(wanted),
        }
        let subject = format!("{app}/{environment}");
        let told = Told { action, subject, app: Some(app), environment: Some(&environment) };
        self.store_edit(tx, current, &after, by, told).await?;
        tx.revision_in_force(app, &environment).await?.ok_or_else(|| no_config(app, &environment))
    }

    /// Stores an edit that leaves the whole in order, with its line in the feed; nothing when it changes nothing.
    async fn store_edit(
        &self,
        tx: &mut Tx,
        current: &Configuration,
        after: &Configuration,
        by: &str,
        told: Told<'_>,
    ) -> Result<(), EngineError> {
        if let Some(problem) = config::problems(after).into_iter().next() {
            return Err(EngineError::Invalid(problem));
        }
        if current == after {
            return Ok(());
        }
        let mut plan = config::plan(current, after, true);
        plan.retain(|item| item.action != PlanAction::Unchanged);
        tx.save_configuration(current, after, by, self.now()).await?;
        self.forget_what_is_gone(tx, current, after, by).await?;
        tx.feed(FeedEntry {
            at: self.now(),
            actor: by.to_owned(),
            action: told.action.to_owned(),
            subject: told.subject,
            app: told.app.cloned(),
            environment: told.environment.cloned(),
            detail: serde_json::json!({ "plan": plan }),
        })
        .await?;
        Ok(())
    }

    /// Takes the values and grants of apps and environments away that are no more: what gets their keys next must not find
    /// their secrets, nor whom they were entrusted to.
    pub(crate) async fn forget_what_is_gone(
        &self,
        tx: &mut Tx,
        before: &Configuration,
        after: &Configuration,
        by: &str,
    ) -> Result<(), EngineError> {
        let has_app = |key: &AppKey| after.apps.iter().any(|app| app.key == *key);
        let has_environment = |key: &EnvironmentKey| after.environments.iter().any(|known| known.key == *key);
        let gone_apps: Vec<&AppKey> = before.apps.iter().map(|app| &app.key).filter(|key| !has_app(key)).collect();
        for app in &gone_apps {
            self.forget_values(tx, &ValueScope::App((*app).clone()), by).await?;
            self.forget_grants(tx, &Scope::App((*app).clone()), by).await?;
        }
        for environment in before.environments.iter().map(|known| &known.key).filter(|key| !has_environment(key)) {
            self.forget_grants(tx, &Scope::Environment(environment.clone()), by).await?;
        }
        for app in before.apps.iter().map(|app| &app.key) {
            for environment in before.environments.iter().map(|environment| &environment.key) {
                if gone_apps.contains(&app) || !has_environment(environment) {
                    self.forget_values(tx, &ValueScope::Place(app.clone(), environment.clone()), by).await?;
                    self.forget_grants(tx, &Scope::AppIn(app.clone(), environment.clone()), by).await?;
                }
            }
        }
        Ok(())
    }
}

fn nothing() -> Configuration {
    Configuration::default()
}

fn no_app(key: &AppKey) -> EngineError {
    EngineError::NotFound(format!("there is no app named {key}"))
}

fn no_config(app: &AppKey, environment: &EnvironmentKey) -> EngineError {
    EngineError::NotFound(format!("{app} is not released to {environment}"))
}

fn known_app<'c>(configuration: &'c Configuration, key: &AppKey) -> Result<&'c App, EngineError> {
    configuration.apps.iter().find(|app| app.key == *key).ok_or_else(|| no_app(key))
}

fn app_mut<'c>(configuration: &'c mut Configuration, key: &AppKey) -> Result<&'c mut App, EngineError> {
    configuration.apps.iter_mut().find(|app| app.key == *key).ok_or_else(|| no_app(key))
}

fn known_environment(configuration: &Configuration, key: &EnvironmentKey) -> Result<(), EngineError> {
    let is_known = configuration.environments.iter().any(|environment| environment.key == *key);
    if is_known { Ok(()) } else { Err(EngineError::NotFound(format!("there is no environment named {key}"))) }
}

/// Refuses to take away what something still refers to.
fn in_use(after: &Configuration) -> Result<(), EngineError> {
    match config::problems(after).into_iter().next() {
        Some(problem) => Err(EngineError::Conflict(problem)),
        None => Ok(()),
    }
}

/// Whether the person saw what is in force.
async fn check_base(
    tx: &mut Tx,
    app: &AppKey,
    environment: &EnvironmentKey,
    base: Option<i64>,
) -> Result<(), EngineError> {
    let in_force = tx.revision_in_force(app, environment).await?.map(|(revision, _)| revision);
    if in_force.as_ref().map(|revision| revision.number) == base {
        return Ok(());
    }
    Err(EngineError::Changed(match in_force {
        Some(Revision { number, saved_by, .. }) => format!(
            "{saved_by} has saved the release config of {app} for {environment} meanwhile (revision {number}): look at \
             it, then change it again"
        ),
        None => format!("{app} is not released to {environment} any more: somebody has taken its release config away"),
    }))
}
