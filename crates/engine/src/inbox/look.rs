//! What git is asked before something is released: whether a push or a merge came late, whether a commit that an
//! unsigned body names is where it says, what the reference of a deployment is, and whether its commit lies where the
//! environment wants it to.

use super::Case;
use super::act::Outcome;
use super::heads::Moved;
use super::merges::Merges;
use crate::forge_deployments::apps_of;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::{App, HookSignature, branch_allowed};
use davit_domain::decide::WantedRelease;
use davit_domain::event::{ForgeEvent, GitRef};
use davit_domain::heads;
use davit_domain::ids::CommitSha;
use davit_exec::git::{Mirror, RemoteRef};
use davit_store::deliveries::Verdict;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For a list of branches and tags.
const LOOK: Duration = Duration::from_secs(30);
/// For a whole repository, where a commit has to be looked for in it.
const FETCH: Duration = Duration::from_secs(800);

/// Commits that came after a merge; what was released of them is among the newest.
const MOST_LATER: usize = 10_000;

/// What git has to be asked about a delivery.
pub(super) struct Question {
    app: App,
    commit: CommitSha,
    git_ref: Option<GitRef>,
    /// Where the branch or tag is by what davit was told, in a push that does not start there.
    rival: Option<CommitSha>,
    /// Whether other pushes lead from this one to the rival.
    is_overtaken: bool,
    is_unsigned: bool,
    /// Globs of branches of which one must hold the commit; empty: none has to.
    held_by: Vec<String>,
    /// The branch that a change was merged into, where others of it may have been released since.
    merged_into: Option<String>,
}

/// What git answered.
pub(super) enum View {
    /// These are the repository's branches and tags.
    Seen {
        refs: Vec<RemoteRef>,
        /// Whether the commit is where the delivery says; only where that was asked.
        holds: bool,
        /// The branches that hold the commit; only where that was asked.
        branches: Option<Vec<String>>,
        /// The commits of the branch that come after a merge; only where that was asked.
        later: Vec<CommitSha>,
    },
    /// It can't be asked now.
    Unknown { why: String },
}

impl Case<'_> {
    /// What git has to be asked before this may release what is wanted.
    pub(super) fn question(
        &self,
        moved: Option<&Moved<'_>>,
        wanted: &[WantedRelease],
        merges: &Merges,
    ) -> Option<Question> {
        let forge_id = &self.full.delivery.forge;
        let (repository, commit, git_ref) = match self.event {
            ForgeEvent::Push(push) => (&push.repository, push.after.as_ref()?, Some(push.git_ref.clone())),
            ForgeEvent::Change(change) => {
                (&change.repository, change.merge_commit.as_ref()?, Some(GitRef::Branch(change.base_branch.clone())))
            }
            ForgeEvent::Deployment(event) => (&event.repository, &event.commit, None),
            ForgeEvent::Ping { .. }
            | ForgeEvent::DeploymentStatus(_)
            | ForgeEvent::Check(_)
            | ForgeEvent::MergeGroup(_)
            | ForgeEvent::Comment(_)
            | ForgeEvent::Other { .. } => return None,
        };
        let forge = self.configuration.forges.iter().find(|known| known.id == *forge_id)?;
        let is_unsigned = match forge.hook_signature() {
            HookSignature::Token | HookSignature::Timestamp => true,
            HookSignature::HmacSha256 | HookSignature::HmacSha1 | HookSignature::StandardWebhooks => false,
        };
        let rival = moved.and_then(|moved| moved.rival(commit)).map(|rival| rival.commit.clone());
        let names_something = matches!(self.event, ForgeEvent::Deployment(_));
        // Where git is asked anyway, a later merge may be worked on before it answers.
        let may_be_late = merges.may_be_late() || is_unsigned;
        let is_merge = matches!(self.event, ForgeEvent::Change(_));
        let branch = git_ref.as_ref().and_then(GitRef::branch);
        let merged_into = branch.filter(|_| is_merge && may_be_late).map(str::to_owned);
        if rival.is_none() && !is_unsigned && !names_something && merged_into.is_none() {
            return None;
        }
        Some(Question {
            app: apps_of(self.configuration, forge_id, repository).next()?.clone(),
            commit: commit.clone(),
            git_ref,
            rival,
            is_overtaken: moved.is_some_and(|moved| heads::is_overtaken(&moved.seen, moved.push)),
            is_unsigned,
            // A deployment is one of one environment: all that is wanted has the same rule.
            held_by: wanted.first().map(|release| release.held_by.clone()).unwrap_or_default(),
            merged_into,
        })
    }
}

impl Question {
    /// Whether nothing may happen without an answer.
    pub(super) const fn must_be_answered(&self) -> bool {
        self.is_unsigned || !self.held_by.is_empty()
    }

    /// Why nothing follows from the delivery by git's answer; `None`: nothing speaks against it.
    pub(super) fn against(&self, view: &View) -> Option<Outcome> {
        let commit = self.commit.short();
        let ignored = |reason: String| Some(Outcome { verdict: Verdict::Ignored, reason });
        match view {
            View::Unknown { why } if self.is_unsigned => Some(Outcome {
                verdict: Verdict::Failed,
                reason: format!("this forge does not sign what it sends, and git can't be asked about {commit}: {why}"),
            }),
            View::Unknown { why } if !self.held_by.is_empty() => Some(Outcome {
                verdict: Verdict::Failed,
                reason: format!("{}, and git can't be asked which branches hold {commit}: {why}", self.rule()),
            }),
            View::Unknown { .. } if self.is_overtaken => ignored(self.late()),
            View::Unknown { .. } => None,
            View::Seen { holds: false, .. } => ignored(format!(
                "{commit} is not in {} of the repository: this forge does not sign what it sends, so nothing is \
                 released from it",
                self.git_ref.as_ref().map_or_else(|| "any branch or tag".to_owned(), GitRef::full)
            )),
            View::Seen { branches, .. } if !self.is_held(branches.as_deref()) => {
                ignored(format!("{}, and none of these branches holds {commit}", self.rule()))
            }
            View::Seen { refs, .. } => {
                let head = self.git_ref.as_ref().and_then(|git_ref| head_of(refs, git_ref));
                if self.rival.is_some() && self.rival.as_ref() == head { ignored(self.late()) } else { None }
            }
        }
    }

    /// Whether one of the branches that the environment takes holds the commit.
    fn is_held(&self, branches: Option<&[String]>) -> bool {
        let is_allowed = |branch: &String| branch_allowed(Some(&self.held_by), branch);
        self.held_by.is_empty() || branches.unwrap_or_default().iter().any(is_allowed)
    }

    fn rule(&self) -> String {
        format!("the environment takes only {}", self.held_by.join(", "))
    }

    fn late(&self) -> String {
        let name = self.git_ref.as_ref().map(GitRef::full).unwrap_or_default();
        let now = self.rival.as_ref().map(CommitSha::short).unwrap_or_default();
        format!("this push came late: {name} is at {now} by now, as an earlier delivery said")
    }
}

/// Asks git.
pub(super) async fn answer(engine: &Engine, question: &Question) -> View {
    let refs = match look_at(engine, &question.app).await {
        Ok((_, refs)) => refs,
        Err(error) => return View::Unknown { why: error.to_string() },
    };
    let at = |known: &RemoteRef| {
        known.commit == question.commit && question.git_ref.as_ref().is_none_or(|git_ref| known.git_ref == *git_ref)
    };
    let is_head = refs.iter().any(at);
    let is_there = !question.is_unsigned || is_head;
    let is_newest = question.merged_into.is_none() || is_head;
    if is_there && is_newest && question.held_by.is_empty() {
        return View::Seen { refs, holds: true, branches: None, later: Vec::new() };
    }
    match tokio::time::timeout(FETCH, look_into(engine, question)).await {
        Ok(Ok((branches, later))) => {
            let holds = is_there || is_in(question, &branches);
            View::Seen { refs, holds, branches: Some(branches), later }
        }
        Ok(Err(error)) => View::Unknown { why: error.to_string() },
        Err(_) => View::Unknown { why: "git took too long".to_owned() },
    }
}

/// The mirror of an app's repository, and the branches and tags that the remote has now.
pub(crate) async fn look_at(engine: &Engine, app: &App) -> Result<(Mirror, Vec<RemoteRef>), EngineError> {
    let look = async {
        let mirror = engine.mirror(app).await?;
        let refs = mirror.remote_refs(&nobody_listens(), &CancellationToken::new()).await?;
        Ok((mirror, refs))
    };
    tokio::time::timeout(LOOK, look)
        .await
        .unwrap_or_else(|_| Err(EngineError::Upstream("git took too long".to_owned())))
}

/// The branches that hold the commit, as the remote has them now; none, where it does not have the commit. And what
/// came after a merge.
async fn look_into(engine: &Engine, question: &Question) -> Result<(Vec<String>, Vec<CommitSha>), EngineError> {
    let mirror = engine.mirror(&question.app).await?;
    mirror.fetch(&nobody_listens(), &CancellationToken::new()).await?;
    let later = match &question.merged_into {
        Some(branch) => mirror.commits_after(&question.commit, branch, MOST_LATER).await?,
        None => Vec::new(),
    };
    Ok((mirror.branches_with(&question.commit).await?, later))
}

/// Whether a commit is in a branch, or in any; it is not the head of it.
fn is_in(question: &Question, branches: &[String]) -> bool {
    match &question.git_ref {
        Some(GitRef::Branch(name)) => branches.contains(name),
        Some(GitRef::Tag(_)) => false,
        None => !branches.is_empty(),
    }
}

fn head_of<'r>(refs: &'r [RemoteRef], git_ref: &GitRef) -> Option<&'r CommitSha> {
    refs.iter().find(|known| known.git_ref == *git_ref).map(|known| &known.commit)
}
