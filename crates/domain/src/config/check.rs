//! Rules that span several items: references lead somewhere, jumps end, no two release configs share a place, forges
//! can have their repositories.

use super::plan::ItemKind;
use super::repositories::item_name;
use super::{BatchSize, Configuration, Forge, ForgeKind, HostKind, HostSelector, Repository, RepositorySettings};
use crate::ids::{ForgeId, HostName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Something that is wrong with a configuration as a whole.
pub(super) struct Problem {
    /// The items it is about.
    pub(super) items: Vec<(ItemKind, String)>,
    /// A sentence.
    pub(super) message: String,
}

/// What is wrong with a whole configuration, a sentence each: dangling references, jumps in a circle, two apps
/// at one path of one host, repositories that their forge can't have. What [`merge`](super::merge) returns must have none before it is stored.
#[must_use]
pub fn problems(configuration: &Configuration) -> Vec<String> {
    let all = dangling(configuration).into_iter().chain(of_the_whole(configuration));
    all.map(|problem| problem.message).collect()
}

/// What is wrong although every reference leads somewhere.
pub(super) fn of_the_whole(configuration: &Configuration) -> Vec<Problem> {
    let rules = [jumps, collisions, repositories, tested_repositories, names_at_forges];
    rules.iter().flat_map(|rule| rule(configuration)).collect()
}

/// Every item that can be referred to.
pub(super) fn names(configuration: &Configuration) -> BTreeSet<(ItemKind, String)> {
    let forges = configuration.forges.iter().map(|forge| (ItemKind::Forge, forge.id.to_string()));
    let environments = configuration.environments.iter().map(|place| (ItemKind::Environment, place.key.to_string()));
    let hosts = configuration.hosts.iter().map(|host| (ItemKind::Host, host.name.to_string()));
    let apps = configuration.apps.iter().map(|app| (ItemKind::App, app.key.to_string()));
    let channels = configuration.channels.iter().map(|channel| (ItemKind::Channel, channel.id.to_string()));
    forges.chain(environments).chain(hosts).chain(apps).chain(channels).collect()
}

fn dangling(configuration: &Configuration) -> Vec<Problem> {
    let known = names(configuration);
    let mut problems = Vec::new();
    let mut refer = |from: (ItemKind, String), kind: ItemKind, name: &str| {
        if !known.contains(&(kind, name.to_owned())) {
            let message = format!("{} {:?} refers to {kind} {name:?}, which does not exist", from.0, from.1);
            problems.push(Problem { items: vec![from], message });
        }
    };
    for host in &configuration.hosts {
        let from = || (ItemKind::Host, host.name.to_string());
        host.jump.iter().for_each(|jump| refer(from(), ItemKind::Host, jump.as_str()));
        host.environments.iter().for_each(|key| refer(from(), ItemKind::Environment, key.as_str()));
    }
    for app in &configuration.apps {
        match &app.repository {
            Repository::Forge { forge, .. } => {
                refer((ItemKind::App, app.key.to_string()), ItemKind::Forge, forge.as_str());
            }
            Repository::Url { .. } => {}
        }
        for release in &app.releases {
            let from = || (ItemKind::Release, release_name(app.key.as_str(), release.environment.as_str()));
            refer(from(), ItemKind::Environment, release.environment.as_str());
            match &release.hosts {
                HostSelector::Names(names) => {
                    names.iter().for_each(|name| refer(from(), ItemKind::Host, name.as_str()));
                }
                HostSelector::Labels(_) => {}
            }
            for size in &release.strategy.batches {
                if let BatchSize::Hosts(names) = size {
                    names.iter().for_each(|name| refer(from(), ItemKind::Host, name.as_str()));
                }
            }
            let channels = release.notify.iter().flatten();
            channels.for_each(|channel| refer(from(), ItemKind::Channel, channel.as_str()));
        }
    }
    for repository in &configuration.repositories {
        refer(repository_item(repository), ItemKind::Forge, repository.forge.as_str());
    }
    for channel in &configuration.channels {
        let from = || (ItemKind::Channel, channel.id.to_string());
        channel.environments.iter().for_each(|key| refer(from(), ItemKind::Environment, key.as_str()));
        channel.apps.iter().for_each(|key| refer(from(), ItemKind::App, key.as_str()));
    }
    problems
}

/// How [`Notes`](mod@super::parse) knows a repository.
fn repository_item(repository: &RepositorySettings) -> (ItemKind, String) {
    (ItemKind::Repository, item_name(&repository.forge, &repository.name).to_ascii_lowercase())
}

/// How people and plans call a release config.
pub(super) fn release_name(app: &str, environment: &str) -> String {
    format!("{app}/{environment}")
}

/// Jumps that never arrive, and jumps that need no way.
fn jumps(configuration: &Configuration) -> Vec<Problem> {
    let hosts: BTreeMap<&HostName, _> = configuration.hosts.iter().map(|host| (&host.name, host)).collect();
    let ways: BTreeMap<&HostName, &[HostName]> = hosts.iter().map(|(name, host)| (*name, &*host.jump)).collect();
    let mut problems = Vec::new();
    for host in hosts.values() {
        for jump in host.jump.iter().filter(|jump| hosts.get(jump).is_some_and(|jump| jump.kind == HostKind::Local)) {
            problems.push(Problem {
                items: vec![(ItemKind::Host, host.name.to_string())],
                message: format!(
                    "host {:?} can't jump through {:?}: that one is local",
                    host.name.as_str(),
                    jump.as_str()
                ),
            });
        }
        // Every host of a circle finds it; the first by name tells.
        if let Some(circle) = way_back(&host.name, &ways).filter(|circle| circle.iter().min() == Some(&&host.name)) {
            let circle: Vec<&str> = circle.iter().map(|name| name.as_str()).collect();
            problems.push(Problem {
                items: circle.iter().map(|name| (ItemKind::Host, (*name).to_owned())).collect(),
                message: format!("these jumps go in a circle: {}", circle.join(" → ")),
            });
        }
    }
    problems
}

/// The shortest way of jumps from a host back to itself, both ends included.
fn way_back<'c>(start: &'c HostName, ways: &BTreeMap<&'c HostName, &'c [HostName]>) -> Option<Vec<&'c HostName>> {
    let mut came_from: BTreeMap<&HostName, &HostName> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        for jump in ways.get(name).copied().unwrap_or_default() {
            if jump == start {
                let mut way = vec![start, name];
                while let Some(before) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(before);
                }
                // `name` is `start` where a host jumps through itself.
                way.dedup();
                if way.len() == 1 || way.last() != Some(&start) {
                    way.push(start);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(jump) {
                came_from.insert(jump, name);
                queue.push_back(jump);
            }
        }
    }
    None
}

/// Releases that would replace each other's symlink: of two apps, or of one to two environments.
fn collisions(configuration: &Configuration) -> Vec<Problem> {
    let mut taken = BTreeMap::new();
    let mut told = BTreeSet::new();
    let mut problems = Vec::new();
    for app in &configuration.apps {
        for release in &app.releases {
            let name = release_name(app.key.as_str(), release.environment.as_str());
            for host in release.select(&configuration.hosts) {
                let other = taken.entry((&host.name, release.deploy_path.as_str())).or_insert_with(|| name.clone());
                if *other == name || !told.insert((other.clone(), name.clone())) {
                    continue;
                }
                problems.push(Problem {
                    items: vec![(ItemKind::Release, other.clone()), (ItemKind::Release, name.clone())],
                    message: format!(
                        "{name} and {other} both have the deploy_path {:?} on host {:?}: give one of them another path",
                        release.deploy_path,
                        host.name.as_str()
                    ),
                });
            }
        }
    }
    problems
}

/// Repositories that their forge can't have.
fn repositories(configuration: &Configuration) -> Vec<Problem> {
    let forges: BTreeMap<&ForgeId, ForgeKind> =
        configuration.forges.iter().map(|forge| (&forge.id, forge.kind)).collect();
    let mut problems = Vec::new();
    for app in &configuration.apps {
        let Repository::Forge { forge, name, url } = &app.repository else { continue };
        let Some(kind) = forges.get(forge) else { continue };
        let app_name = app.key.as_str();
        let mut problem = |message| {
            let items = vec![(ItemKind::Forge, forge.to_string()), (ItemKind::App, app_name.to_owned())];
            problems.push(Problem { items, message });
        };
        let is_nested = name.matches('/').count() > 1;
        match kind {
            ForgeKind::Gitlab => {}
            ForgeKind::Generic if url.is_none() => problem(format!(
                "app {app_name:?} needs a `url` in its `repository`: forge {:?} is generic and does not say where git \
                 fetches from",
                forge.as_str()
            )),
            ForgeKind::Generic => {}
            ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Gitee if is_nested => problem(format!(
                "app {app_name:?} needs a repository like \"owner/name\", not {name:?}: only GitLab has groups in groups"
            )),
            ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Gitee => {}
        }
    }
    problems
}

/// Repositories that their forge can't have, and merges that nobody could ask it for.
fn tested_repositories(configuration: &Configuration) -> Vec<Problem> {
    let forges: BTreeMap<&ForgeId, &Forge> = configuration.forges.iter().map(|forge| (&forge.id, forge)).collect();
    let mut problems = Vec::new();
    for repository in &configuration.repositories {
        let Some(forge) = forges.get(&repository.forge) else { continue };
        let name = repository.name.as_str();
        let mut problem = |message| {
            let items = vec![(ItemKind::Forge, forge.id.to_string()), repository_item(repository)];
            problems.push(Problem { items, message });
        };
        let (is_generic, is_gitlab) = (forge.kind == ForgeKind::Generic, forge.kind == ForgeKind::Gitlab);
        if is_generic && repository.url.is_none() {
            problem(format!(
                "repository {name:?} needs a `url`: forge {:?} is generic and does not say where git fetches from",
                forge.id.as_str()
            ));
        }
        if !is_generic && !is_gitlab && name.matches('/').count() > 1 {
            problem(format!("a repository looks like \"owner/name\", not {name:?}: only GitLab has groups in groups"));
        }
        if repository.merge.is_some() && !forge.has_api() {
            problem(format!(
                "davit can't merge changes of {name:?}: give forge {:?} a `token` or an `app`, or leave `merge` out",
                forge.id.as_str()
            ));
        }
    }
    problems
}

/// Two environments that a forge could not tell apart.
fn names_at_forges(configuration: &Configuration) -> Vec<Problem> {
    let environments = &configuration.environments;
    let mut problems = Vec::new();
    for (number, first) in environments.iter().enumerate() {
        for second in &environments[number + 1..] {
            let names = [(first, second.at_forge()), (first, second.key.as_str()), (second, first.key.as_str())];
            let Some((_, name)) = names.into_iter().find(|(environment, name)| environment.is_called(name)) else {
                continue;
            };
            let message = format!(
                "environments {:?} and {:?} are both called {name:?} at forges: give one of them another `forge_name`",
                first.key.as_str(),
                second.key.as_str()
            );
            let items = [first, second].map(|environment| (ItemKind::Environment, environment.key.to_string()));
            problems.push(Problem { items: items.into(), message });
        }
    }
    problems
}
