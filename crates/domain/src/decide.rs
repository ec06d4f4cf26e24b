//! What davit does about what happened: functions over values, no effects.
//!
//! Lives here: which releases an event asks for, which events workflows may run on, and whose turn it is in a queue.
//! The engine calls these inside the transaction that stores their outcome.

mod ci;

pub use ci::{CiWanted, ci_wanted};

use crate::ci::CI_CONTEXT;
use crate::config::{App, AutoOn, Configuration, ReleaseConfig, Repository, branch_allowed};
use crate::deployment_at_forge::Mark;
use crate::event::{
    ChangeAction, ChangeEvent, CheckEvent, DeploymentEvent, DeploymentStatusEvent, ForgeEvent, GitRef, Push,
};
use crate::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, ForgeId, RequestId};
use crate::request::Kind;
use crate::status::DEPLOY_CONTEXT;

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
    /// Tell people, and do nothing else.
    Note(Note),
    /// Remember the state of a check.
    Record(CheckEvent),
}

/// Something that people should read in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The apps that it is about; at least one.
    pub apps: Vec<AppKey>,
    /// The environment that it is about, where davit has it.
    pub environment: Option<EnvironmentKey>,
    /// What there is to tell.
    pub sentence: String,
}

/// What davit knows about the deployment at the forge that an event is about, beyond what the event says. For other
/// events: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// davit's newest deployment that has this number at the forge: one that davit told the forge about, or one that
    /// davit carries out because the forge asked for it.
    pub deployment: Option<DeploymentId>,
    /// The request that was made for this number. `None` too where a person wants it done again.
    pub request: Option<RequestId>,
    /// Whether davit is just telling the forge about a release of this commit to this environment, and has not
    /// heard its number yet: then this may be its own voice. Matters where a deployment carries no [`Mark`].
    pub telling: bool,
    /// What the event's reference is in the repository. `None`: not known, its looks decide.
    pub git_ref: Option<GitRef>,
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
    /// The branch or tag that moved or was named; `None` where a commit was asked for by its SHA.
    pub git_ref: Option<GitRef>,
    /// Title for the request.
    pub title: String,
    /// Login at the forge of who caused it.
    pub by: String,
    /// The forge's number of the deployment that asks for it.
    pub forge_deployment: Option<i64>,
    /// Globs of branches of which one must hold the commit, else it may not go there; empty: none has to. Only the
    /// repository knows, so this is for the caller to find out.
    pub held_by: Vec<String>,
}

/// Decides about one event of one forge under a configuration.
#[must_use]
pub fn on_event(configuration: &Configuration, forge: &ForgeId, event: &ForgeEvent, known: &Known) -> Decision {
    match event {
        ForgeEvent::Ping { .. } => ignore("a ping: the hook works"),
        ForgeEvent::Other { name } => ignore(format!("davit does nothing about {name:?} events")),
        ForgeEvent::Push(push) => on_push(configuration, forge, push),
        ForgeEvent::Change(change) => on_change(configuration, forge, change),
        ForgeEvent::Deployment(deployment) => on_deployment(configuration, forge, deployment, known),
        ForgeEvent::DeploymentStatus(status) => on_deployment_status(configuration, forge, status, known),
        ForgeEvent::Check(check) => on_check(configuration, forge, check),
        ForgeEvent::MergeGroup(_) => ignore("davit takes no part in the forge's merge queue"),
        ForgeEvent::Comment(_) => ignore("the comment asks davit for nothing"),
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
            git_ref: Some(push.git_ref.clone()),
            title: title.clone(),
            by: push.pusher.clone(),
            forge_deployment: None,
            held_by: Vec::new(),
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
            git_ref: Some(GitRef::Branch(change.base_branch.clone())),
            title: format!("{} (#{})", change.title, change.number),
            by: change.author.clone(),
            forge_deployment: None,
            held_by: Vec::new(),
        })
    })
}

/// A deployment that was made at the forge is carried out like davit's own, unless it is davit's own.
fn on_deployment(configuration: &Configuration, forge: &ForgeId, event: &DeploymentEvent, known: &Known) -> Decision {
    if let Some(mark) = Mark::read(&event.payload) {
        return ignore(format!("deployment {} of {} tells the forge about itself here", mark.deployment, mark.server));
    }
    if let Some(deployment) = known.deployment {
        return ignore(format!("this is what davit told the forge about its deployment {deployment}"));
    }
    if let Some(request) = known.request {
        return ignore(format!("request {request} was made for this deployment before"));
    }
    if known.telling {
        return ignore("davit itself is telling the forge about this release");
    }
    if event.state.is_final() {
        let sentence = format!(
            "{} deployed {} to {} at {forge}: {}",
            event.by,
            event.commit.short(),
            event.environment,
            event.state.as_str()
        );
        return note(configuration, forge, &event.repository, &event.environment, sentence);
    }
    carry_out(configuration, forge, event, known)
}

fn carry_out(configuration: &Configuration, forge: &ForgeId, event: &DeploymentEvent, known: &Known) -> Decision {
    let apps = apps_of(configuration, forge, &event.repository);
    let Some(environment) = environment_called(configuration, &event.environment) else {
        return match apps.is_empty() {
            true => no_app_uses(configuration, forge, &event.repository),
            false => ignore(format!(
                "no environment is called {:?} at forges: give one this `forge_name`",
                event.environment
            )),
        };
    };
    let git_ref = known.git_ref.clone().or_else(|| by_its_looks(event));
    let title = match event.description.is_empty() {
        true => format!("{} to {}, asked for at {forge}", event.reference, event.environment),
        false => event.description.clone(),
    };
    decide_for(configuration, forge, &event.repository, |app, config| {
        let auto = config.auto.as_ref()?;
        let branch = git_ref.as_ref().and_then(GitRef::branch);
        let wanted = auto.on == AutoOn::DeploymentEvent
            && config.environment == *environment
            && branch.is_none_or(|branch| branch_allowed(Some(&auto.branches), branch));
        wanted.then(|| WantedRelease {
            app: app.key.clone(),
            environment: config.environment.clone(),
            commit: event.commit.clone(),
            git_ref: git_ref.clone(),
            title: title.clone(),
            by: event.by.clone(),
            forge_deployment: Some(event.number),
            // Whoever makes a deployment names a commit and a reference, and neither a tag nor the name of a branch
            // says that the commit was ever merged.
            held_by: branches_into(configuration, &config.environment).unwrap_or_default().to_vec(),
        })
    })
}

/// What a deployment's reference is, without a look at the repository. What may be a branch is taken for one, so that
/// the rules for branches hold.
fn by_its_looks(event: &DeploymentEvent) -> Option<GitRef> {
    const SHORTEST_SHA: usize = 7;
    let reference = event.reference.as_str();
    let is_sha = reference.len() >= SHORTEST_SHA && event.commit.as_str().starts_with(&reference.to_ascii_lowercase());
    if is_sha { None } else { GitRef::parse(reference).or_else(|| Some(GitRef::Branch(reference.to_owned()))) }
}

fn on_deployment_status(
    configuration: &Configuration,
    forge: &ForgeId,
    event: &DeploymentStatusEvent,
    known: &Known,
) -> Decision {
    if let Some(deployment) = known.deployment {
        return ignore(format!("this is what davit told the forge about its deployment {deployment}"));
    }
    let mut sentence = format!(
        "{} at {forge} about {} in {}: {}",
        event.by,
        event.commit.short(),
        event.environment,
        event.state.as_str()
    );
    if !event.description.is_empty() {
        sentence.push_str(&format!(", {}", event.description));
    }
    note(configuration, forge, &event.repository, &event.environment, sentence)
}

fn on_check(configuration: &Configuration, forge: &ForgeId, check: &CheckEvent) -> Decision {
    let is_tested = configuration.repository(forge, &check.repository).is_some();
    if !is_tested && apps_of(configuration, forge, &check.repository).is_empty() {
        return no_app_uses(configuration, forge, &check.repository);
    }
    if starts_with(&check.name, DEPLOY_CONTEXT) {
        return ignore("this is a status that davit set: how a deployment goes is no check of the commit");
    }
    if starts_with(&check.name, CI_CONTEXT) {
        return ignore("this is a status that davit set about its own run");
    }
    Decision::Record(check.clone())
}

/// Forges may show a context in another case than it was set in.
fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn note(
    configuration: &Configuration,
    forge: &ForgeId,
    repository: &str,
    environment: &str,
    sentence: String,
) -> Decision {
    let apps: Vec<AppKey> = apps_of(configuration, forge, repository).into_iter().map(|app| app.key.clone()).collect();
    if apps.is_empty() {
        return no_app_uses(configuration, forge, repository);
    }
    Decision::Note(Note { apps, environment: environment_called(configuration, environment).cloned(), sentence })
}

fn decide_for(
    configuration: &Configuration,
    forge: &ForgeId,
    repository: &str,
    wanted: impl Fn(&App, &ReleaseConfig) -> Option<WantedRelease>,
) -> Decision {
    let apps = apps_of(configuration, forge, repository);
    if apps.is_empty() {
        return no_app_uses(configuration, forge, repository);
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

/// The apps of a repository. Forges treat owner and repository names as case-insensitive.
fn apps_of<'c>(configuration: &'c Configuration, forge: &ForgeId, repository: &str) -> Vec<&'c App> {
    let is_it = |app: &&App| match &app.repository {
        Repository::Forge { forge: of, name, .. } => of == forge && name.eq_ignore_ascii_case(repository),
        Repository::Url { .. } => false,
    };
    configuration.apps.iter().filter(is_it).collect()
}

fn environment_called<'c>(configuration: &'c Configuration, name: &str) -> Option<&'c EnvironmentKey> {
    configuration.environments.iter().find(|environment| environment.is_called(name)).map(|found| &found.key)
}

/// Whether an environment lets this in by its name. Tags are not branches: a rule for branches does not keep out the
/// push of one. Where a name is not enough, [`WantedRelease::held_by`] says so.
fn environment_takes(configuration: &Configuration, release: &WantedRelease) -> bool {
    let Some(branches) = branches_into(configuration, &release.environment) else { return false };
    match &release.git_ref {
        Some(GitRef::Branch(branch)) => branch_allowed(Some(branches), branch),
        Some(GitRef::Tag(_)) | None => true,
    }
}

/// The only branches that an environment takes; empty: all. `None`: there is no such environment.
fn branches_into<'c>(configuration: &'c Configuration, environment: &EnvironmentKey) -> Option<&'c [String]> {
    let environment = configuration.environments.iter().find(|found| found.key == *environment)?;
    Some(environment.branches.as_deref().unwrap_or_default())
}

fn no_app_uses(configuration: &Configuration, forge: &ForgeId, repository: &str) -> Decision {
    match configuration.repository(forge, repository) {
        Some(repository) => ignore(format!("no app releases {}", repository.name)),
        None => ignore(format!("no app uses the repository {repository}")),
    }
}

fn names(apps: &[&App]) -> String {
    apps.iter().map(|app| app.key.as_str()).collect::<Vec<_>>().join(", ")
}

fn ignore(reason: impl Into<String>) -> Decision {
    Decision::Ignore { reason: reason.into() }
}
