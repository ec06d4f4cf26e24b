//! Which events workflows may run on. Whether one does, its file in the commit says; the engine looks there.

use crate::ci::Trigger;
use crate::config::{Configuration, ForkPolicy};
use crate::event::{ChangeAction, ChangeEvent, ForgeEvent, GitRef, Push};
use crate::ids::{CommitSha, ForgeId};

/// An event of a repository that davit tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiWanted {
    /// `owner/name`, as the configuration has it.
    pub repository: String,
    /// What kind of event it is.
    pub trigger: Trigger,
    /// What was pushed; of a change, the branch it comes from where that is in the repository itself.
    pub git_ref: Option<GitRef>,
    /// Where it was before a push that moved it.
    pub before: Option<CommitSha>,
    /// The commit to test.
    pub head: CommitSha,
    /// The forge's number of the change.
    pub change: Option<i64>,
    /// What happened to the change, by GitHub's word: `opened`, `synchronize`, …. Empty for a push.
    pub action: String,
    /// The branch that the change goes to.
    pub base_branch: Option<String>,
    /// Whether the change comes from another repository: its runs wait for a person and get no secrets.
    pub from_fork: bool,
    /// Login at the forge of who caused it.
    pub by: String,
    /// What people read: the commit's first line, or the change's title.
    pub title: String,
}

/// What there is to test because of an event. `None`: nothing, whatever workflow files say.
#[must_use]
pub fn ci_wanted(configuration: &Configuration, forge: &ForgeId, event: &ForgeEvent) -> Option<CiWanted> {
    match event {
        ForgeEvent::Push(push) => of_push(configuration, forge, push),
        ForgeEvent::Change(change) => of_change(configuration, forge, change),
        ForgeEvent::Ping { .. }
        | ForgeEvent::Comment(_)
        | ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_)
        | ForgeEvent::Other { .. } => None,
    }
}

fn of_push(configuration: &Configuration, forge: &ForgeId, push: &Push) -> Option<CiWanted> {
    let repository = configuration.repository(forge, &push.repository)?;
    Some(CiWanted {
        repository: repository.name.clone(),
        trigger: Trigger::Push,
        git_ref: Some(push.git_ref.clone()),
        before: push.before.clone(),
        head: push.after.clone()?,
        change: None,
        action: String::new(),
        base_branch: None,
        from_fork: false,
        by: push.pusher.clone(),
        title: push.title.clone(),
    })
}

fn of_change(configuration: &Configuration, forge: &ForgeId, change: &ChangeEvent) -> Option<CiWanted> {
    let repository = configuration.repository(forge, &change.repository)?;
    if change.from_fork && repository.forks == ForkPolicy::Never {
        return None;
    }
    Some(CiWanted {
        repository: repository.name.clone(),
        trigger: Trigger::PullRequest,
        git_ref: (!change.from_fork).then(|| GitRef::Branch(change.head_branch.clone())),
        before: None,
        head: change.head.clone(),
        change: Some(change.number),
        action: action(change)?.to_owned(),
        base_branch: Some(change.base_branch.clone()),
        from_fork: change.from_fork,
        by: change.author.clone(),
        title: change.title.clone(),
    })
}

/// GitHub's word for it. `None` where something about the change was edited and nobody knows what: a workflow that
/// waits for one kind of edit must not run on all of them.
fn action(change: &ChangeEvent) -> Option<&str> {
    match change.action {
        ChangeAction::Opened => change.word.as_deref().or(Some("opened")),
        ChangeAction::Updated => Some("synchronize"),
        ChangeAction::Closed | ChangeAction::Merged => Some("closed"),
        ChangeAction::Edited => change.word.as_deref(),
    }
}
