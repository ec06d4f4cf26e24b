//! What davit does about what happened: functions over values, no effects.
//!
//! Lives here: which releases an event asks for, and whose turn it is in a queue. The engine calls these inside the
//! transaction that stores their outcome.

use crate::config::{App, AutoOn, Configuration, ReleaseConfig, Repository, branch_allowed};
use crate::event::{ChangeAction, ChangeEvent, ForgeEvent, GitRef, Push};
use crate::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, ForgeId};
use crate::request::Kind;

/// What to do about a forge's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, and why; people read this on the delivery's page.
    Ignore {
        /// A sentence.
        reason: String,
    },
    /// Make these requests.
    Release(Vec<WantedRelease>),
}

/// A release that an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedRelease {
    /// Which app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What.
    pub commit: CommitSha,
    /// The branch or tag that moved.
    pub git_ref: GitRef,
    /// Title for the request.
    pub title: String,
    /// Login at the forge of who caused it.
    pub by: String,
}

/// Decides about one event of one forge under a configuration.
#[must_use]
pub fn on_event(configuration: &Configuration, forge: &ForgeId, event: &ForgeEvent) -> Decision {
    match event {
        ForgeEvent::Ping { .. } => ignore("a ping: the hook works"),
        ForgeEvent::Other { name } => ignore(format!("davit does nothing about {name:?} events")),
        ForgeEvent::Push(push) => on_push(configuration, forge, push),
        ForgeEvent::Change(change) => on_change(configuration, forge, change),
        ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_) => ignore("davit does nothing about this event"),
    }
}

/// A deployment that waits or runs, as its queue sees it. Oldest first in [`next_in_line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id; ids grow with time.
    pub id: DeploymentId,
    /// What it carries out.
    pub kind: Kind,
    /// Whether it has started.
    pub running: bool,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// Start this one now.
    pub start: Option<DeploymentId>,
    /// These waiting automatic ones are replaced by a newer automatic one: (old, new).
    pub superseded: Vec<(DeploymentId, DeploymentId)>,
}

/// At most one deployment of an (app, environment) runs; the others wait in order; a waiting automatic one gives way
/// to a newer automatic one.
#[must_use]
pub fn next_in_line(queue: &[Waiting]) -> Turn {
    let newest_auto = queue.iter().filter(|d| d.kind == Kind::Auto).map(|d| d.id).max();
    let gives_way = |d: &Waiting| !d.running && d.kind == Kind::Auto && newest_auto.is_some_and(|newest| d.id < newest);
    let superseded = queue.iter().filter(|d| gives_way(d)).filter_map(|d| Some((d.id, newest_auto?))).collect();
    let busy = queue.iter().any(|d| d.running);
    let start = if busy { None } else { queue.iter().filter(|d| !gives_way(d)).map(|d| d.id).min() };
    Turn { start, superseded }
}

fn on_push(configuration: &Configuration, forge: &ForgeId, push: &Push) -> Decision {
    let Some(commit) = &push.after else {
        return ignore("a deleted branch or tag is never released");
    };
    let title = if push.title.is_empty() { commit.short().to_owned() } else { push.title.clone() };
    decide_for(configuration, forge, &push.repository, |app, config| {
        let auto = config.auto.as_ref()?;
        let wanted = match (&push.git_ref, auto.on) {
            (GitRef::Branch(branch), AutoOn::Push) => branch_allowed(Some(&auto.branches), branch),
            (GitRef::Tag(tag), AutoOn::Tag) => branch_allowed(Some(&auto.branches), tag),
            (GitRef::Branch(_), AutoOn::Tag | AutoOn::Merge | AutoOn::DeploymentEvent)
            | (GitRef::Tag(_), AutoOn::Push | AutoOn::Merge | AutoOn::DeploymentEvent) => false,
        };
        wanted.then(|| WantedRelease {
            app: app.key.clone(),
            environment: config.environment.clone(),
            commit: commit.clone(),
            git_ref: push.git_ref.clone(),
            title: title.clone(),
            by: push.pusher.clone(),
        })
    })
}

fn on_change(configuration: &Configuration, forge: &ForgeId, change: &ChangeEvent) -> Decision {
    let (ChangeAction::Merged, Some(commit)) = (change.action, &change.merge_commit) else {
        return ignore("only a merged change starts a release");
    };
    decide_for(configuration, forge, &change.repository, |app, config| {
        let auto = config.auto.as_ref()?;
        (auto.on == AutoOn::Merge && branch_allowed(Some(&auto.branches), &change.base_branch)).then(|| WantedRelease {
            app: app.key.clone(),
            environment: config.environment.clone(),
            commit: commit.clone(),
            git_ref: GitRef::Branch(change.base_branch.clone()),
            title: format!("{} (#{})", change.title, change.number),
            by: change.author.clone(),
        })
    })
}

fn decide_for(
    configuration: &Configuration,
    forge: &ForgeId,
    repository: &str,
    wanted: impl Fn(&App, &ReleaseConfig) -> Option<WantedRelease>,
) -> Decision {
    let apps: Vec<&App> = configuration
        .apps
        .iter()
        .filter(|app| match &app.repository {
            // Forges treat owner and repository names as case-insensitive.
            Repository::Forge { forge: of, name } => of == forge && name.eq_ignore_ascii_case(repository),
            Repository::Url { .. } => false,
        })
        .collect();
    if apps.is_empty() {
        return ignore(format!("no app uses the repository {repository}"));
    }
    let (releases, refused): (Vec<_>, Vec<_>) = apps
        .iter()
        .flat_map(|app| app.releases.iter().filter_map(|config| wanted(app, config)))
        .partition(|release| environment_takes(configuration, release));
    if releases.is_empty() {
        return match refused.first() {
            Some(release) => ignore(format!("environment {} does not take this branch", release.environment)),
            None => ignore(format!("no release config of {} starts by itself on this", names(&apps))),
        };
    }
    Decision::Release(releases)
}

/// Whether an environment lets this branch in. Tags are not branches: a rule for branches does not keep them out.
fn environment_takes(configuration: &Configuration, release: &WantedRelease) -> bool {
    let Some(branch) = release.git_ref.branch() else { return true };
    configuration
        .environments
        .iter()
        .find(|environment| environment.key == release.environment)
        .is_some_and(|environment| branch_allowed(environment.branches.as_deref(), branch))
}

fn names(apps: &[&App]) -> String {
    apps.iter().map(|app| app.key.as_str()).collect::<Vec<_>>().join(", ")
}

fn ignore(reason: impl Into<String>) -> Decision {
    Decision::Ignore { reason: reason.into() }
}
