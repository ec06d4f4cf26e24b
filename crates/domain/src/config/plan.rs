//! What applying a configuration would change, and the whole that results.

use super::channel_fields;
use super::check::release_name;
use super::fields::{self, Field};
use super::identity_fields;
use super::repositories::item_name;
use super::repository_fields;
use super::{App, Configuration, Host};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What applying does to one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    /// It is new.
    Create,
    /// It is there, and differs.
    Update,
    /// It is there, and the file does not have it.
    Delete,
    /// It stays as it is.
    Unchanged,
}

/// What an item is. The text is the title of its section in `davit.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A forge.
    Forge,
    /// An environment.
    Environment,
    /// A host.
    Host,
    /// An app, without its release configs.
    App,
    /// A release config.
    Release,
    /// What davit does about a repository's commits and changes.
    Repository,
    /// Where notices go.
    Channel,
    /// Where people may sign in.
    Identity,
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forge => "forge",
            Self::Environment => "environment",
            Self::Host => "host",
            Self::App => "app",
            Self::Release => "release",
            Self::Repository => "repository",
            Self::Channel => "channel",
            Self::Identity => "identity",
        })
    }
}

/// One item of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// What happens to it.
    pub action: PlanAction,
    /// What it is.
    pub kind: ItemKind,
    /// Its id, key or name; a release config's is `app/environment`, a repository's `forge/owner/name`.
    pub name: String,
    /// For people, of an update: `keep: 5 → 3`. Scripts and variables as numbers of lines.
    pub changes: Vec<String>,
}

/// What applying `wanted` to `current` changes, in an order in which every step leaves all references whole.
/// With `prune`, what `wanted` does not have is deleted.
#[must_use]
pub fn plan(current: &Configuration, wanted: &Configuration, prune: bool) -> Vec<PlanItem> {
    let old = entries(current);
    let new = entries(wanted);
    let put = new.iter().map(|entry| {
        let (action, changes) = match old.iter().find(|old| old.is(entry)) {
            None => (PlanAction::Create, Vec::new()),
            Some(old) => match changes(&old.fields, &entry.fields) {
                changes if changes.is_empty() => (PlanAction::Unchanged, changes),
                changes => (PlanAction::Update, changes),
            },
        };
        entry.item(action, changes)
    });
    let gone = old.iter().rev().filter(|old| prune && !new.iter().any(|new| new.is(old)));
    put.chain(gone.map(|entry| entry.item(PlanAction::Delete, Vec::new()))).collect()
}

/// The whole that results from applying `wanted` to `current`. See [`problems`](super::problems) before storing it.
///
/// What both have is as `wanted` has it, in its order; what is new comes last. With `prune` the result is `wanted`.
#[must_use]
pub fn merge(current: &Configuration, wanted: &Configuration, prune: bool) -> Configuration {
    if prune {
        return wanted.clone();
    }
    Configuration {
        forges: merge_lists(&current.forges, &wanted.forges, |a, b| a.id == b.id, replace),
        environments: merge_lists(&current.environments, &wanted.environments, |a, b| a.key == b.key, replace),
        hosts: merge_lists(&current.hosts, &wanted.hosts, |a, b| a.name == b.name, replace),
        apps: merge_lists(&current.apps, &wanted.apps, |a, b| a.key == b.key, merge_apps),
        repositories: merge_lists(&current.repositories, &wanted.repositories, |a, b| a.is(&b.forge, &b.name), replace),
        channels: merge_lists(&current.channels, &wanted.channels, |a, b| a.id == b.id, replace),
        identities: merge_lists(&current.identities, &wanted.identities, |a, b| a.id == b.id, replace),
    }
}

fn merge_apps(old: &App, new: &App) -> App {
    let releases = merge_lists(&old.releases, &new.releases, |a, b| a.environment == b.environment, replace);
    App { releases, ..new.clone() }
}

fn replace<T: Clone>(_: &T, new: &T) -> T {
    new.clone()
}

/// `new` takes the places that its items have in `old`, in its own order, and then those behind the end.
fn merge_lists<T: Clone>(old: &[T], new: &[T], same: impl Fn(&T, &T) -> bool, update: impl Fn(&T, &T) -> T) -> Vec<T> {
    let find = |list: &'_ [T], item: &T| list.iter().position(|other| same(other, item));
    let updated = |item: &T| find(old, item).map_or_else(|| item.clone(), |at| update(&old[at], item));
    let (known, added): (Vec<&T>, Vec<&T>) = new.iter().partition(|item| find(old, item).is_some());
    let mut known = known.into_iter();
    let places = old.iter().map(|item| match find(new, item) {
        Some(_) => known.next().map_or_else(|| item.clone(), &updated),
        None => item.clone(),
    });
    let mut merged: Vec<T> = places.collect();
    merged.extend(added.into_iter().cloned());
    merged
}

/// An item with the keys that a plan compares.
struct Entry<'c> {
    kind: ItemKind,
    name: String,
    fields: Vec<Field<'c>>,
}

impl Entry<'_> {
    fn is(&self, other: &Entry<'_>) -> bool {
        // Forges don't tell the case of repositories apart.
        let same_in_any_case = || self.kind == ItemKind::Repository && self.name.eq_ignore_ascii_case(&other.name);
        self.kind == other.kind && (self.name == other.name || same_in_any_case())
    }

    fn item(&self, action: PlanAction, changes: Vec<String>) -> PlanItem {
        PlanItem { action, kind: self.kind, name: self.name.clone(), changes }
    }
}

/// Every item, each after those that it refers to.
fn entries(configuration: &Configuration) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut add = |kind, name: String, fields| entries.push(Entry { kind, name, fields });
    for forge in &configuration.forges {
        add(ItemKind::Forge, forge.id.to_string(), fields::forge(forge));
    }
    for environment in &configuration.environments {
        add(ItemKind::Environment, environment.key.to_string(), fields::environment(environment));
    }
    for host in jumps_first(&configuration.hosts) {
        add(ItemKind::Host, host.name.to_string(), fields::host(host));
    }
    for app in &configuration.apps {
        add(ItemKind::App, app.key.to_string(), fields::app(app));
    }
    for channel in &configuration.channels {
        add(ItemKind::Channel, channel.id.to_string(), channel_fields::channel(channel));
    }
    for app in &configuration.apps {
        for release in &app.releases {
            let name = release_name(app.key.as_str(), release.environment.as_str());
            add(ItemKind::Release, name, fields::release(release));
        }
    }
    for repository in &configuration.repositories {
        let name = item_name(&repository.forge, &repository.name);
        add(ItemKind::Repository, name, repository_fields::repository(repository));
    }
    for identity in &configuration.identities {
        add(ItemKind::Identity, identity.id.to_string(), identity_fields::identity(identity));
    }
    entries
}

/// The hosts, each after those it jumps through. Jumps in a circle stay in their order.
fn jumps_first(hosts: &[Host]) -> Vec<&Host> {
    let all: BTreeSet<_> = hosts.iter().map(|host| &host.name).collect();
    let mut placed = BTreeSet::new();
    let mut ordered = Vec::with_capacity(hosts.len());
    let mut waiting: Vec<&Host> = hosts.iter().collect();
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<&Host>, Vec<&Host>) =
            waiting.iter().partition(|host| host.jump.iter().all(|jump| placed.contains(jump) || !all.contains(jump)));
        let round = if ready.is_empty() { &blocked } else { &ready };
        placed.extend(round.iter().map(|host| &host.name));
        ordered.extend(round);
        waiting = if ready.is_empty() { Vec::new() } else { blocked };
    }
    ordered
}

/// The keys that differ, for people.
fn changes(old: &[Field<'_>], new: &[Field<'_>]) -> Vec<String> {
    let pairs = old.iter().zip(new).filter(|(old, new)| old.toml != new.toml);
    let change = |(old, new): (&Field<'_>, &Field<'_>)| match (&old.script, &new.script) {
        (Some(before), Some(after)) => format!("{}: {}", new.key, line_changes(before, after)),
        _ => format!("{}: {} → {}", new.key, shown(&old.toml), shown(&new.toml)),
    };
    pairs.map(change).collect()
}

/// `3 lines added, 1 removed`: what is between the lines that both texts begin and end with.
fn line_changes(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let first = before.iter().zip(&after).take_while(same).count();
    let last = before[first..].iter().rev().zip(after[first..].iter().rev()).take_while(same).count();
    let (added, removed) = (after.len() - first - last, before.len() - first - last);
    match (added, removed) {
        (0, 0) => "line ends changed".to_owned(),
        (1, _) => format!("1 line added, {removed} removed"),
        _ => format!("{added} lines added, {removed} removed"),
    }
}

/// A value in a plan, without the password that a URL may contain.
fn shown(toml: &str) -> String {
    if toml.is_empty() {
        return "none".to_owned();
    }
    let Some((scheme, rest)) = toml.split_once("://") else {
        return toml.to_owned();
    };
    let authority = rest.split(['/', '?', '#', '"', '\'']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://***{}", &rest[user.len()..]),
        None => toml.to_owned(),
    }
}
