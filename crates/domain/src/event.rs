//! What a forge told us, in one shape for all of them. The forge crate makes these from bytes; [`crate::decide`]
//! reads them. Facts only: nothing here says what to do about it.

use crate::deployment_at_forge::ForgeDeploymentState;
use crate::ids::CommitSha;
use crate::status::CommitState;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A webhook, understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ForgeEvent {
    /// The forge checks that the hook works.
    Ping {
        /// What the forge said with it.
        message: String,
    },
    /// A branch or tag was made, moved or deleted.
    Push(Push),
    /// A change (pull or merge request) was opened, updated, labelled, closed, ….
    Change(ChangeEvent),
    /// Somebody wants something deployed, and said so to the forge.
    Deployment(DeploymentEvent),
    /// Somebody told the forge how a deployment goes.
    DeploymentStatus(DeploymentStatusEvent),
    /// A check of a commit (a commit status, a check run, a pipeline) has a new state.
    Check(CheckEvent),
    /// Changes wait in the forge's own merge queue, merged together for a test.
    MergeGroup(MergeGroupEvent),
    /// Somebody wrote a comment on a change.
    Comment(CommentEvent),
    /// Real, verified, and nothing that davit acts on.
    Other {
        /// The forge's name of the event.
        name: String,
    },
}

/// A branch or a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum GitRef {
    /// `refs/heads/…`
    Branch(String),
    /// `refs/tags/…`
    Tag(String),
}

impl GitRef {
    /// From `refs/heads/main` or `refs/tags/v1`; `None` for anything else.
    #[must_use]
    pub fn parse(full: &str) -> Option<Self> {
        if let Some(branch) = full.strip_prefix("refs/heads/") {
            return Some(Self::Branch(branch.to_owned()));
        }
        full.strip_prefix("refs/tags/").map(|tag| Self::Tag(tag.to_owned()))
    }

    /// `refs/heads/main` or `refs/tags/v1`: what [`parse`](Self::parse) reads.
    #[must_use]
    pub fn full(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
        }
    }

    /// The branch's name, when it is one.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch(name) => Some(name),
            Self::Tag(_) => None,
        }
    }

    /// The tag's name, when it is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(name) => Some(name),
            Self::Branch(_) => None,
        }
    }
}

/// A push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// `owner/name` at the forge.
    pub repository: String,
    /// What moved.
    pub git_ref: GitRef,
    /// Where it was; `None` when it was made by this push.
    pub before: Option<CommitSha>,
    /// Where it is now; `None` when it was deleted.
    pub after: Option<CommitSha>,
    /// Login of who pushed.
    pub pusher: String,
    /// First line of the head commit's message.
    pub title: String,
}

/// What happened to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Opened or reopened.
    Opened,
    /// New commits.
    Updated,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
    /// Title, labels, draft state, reviewers, …: the heads are as they were.
    Edited,
}

/// Something happened to a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// `owner/name` of the repository that the change is for (the base, never the fork).
    pub repository: String,
    /// Its number there.
    pub number: i64,
    /// What happened.
    pub action: ChangeAction,
    /// Its title.
    pub title: String,
    /// Login of its author.
    pub author: String,
    /// The commit under review.
    pub head: CommitSha,
    /// The branch it comes from.
    pub head_branch: String,
    /// The branch it goes to.
    pub base_branch: String,
    /// Whether it comes from another repository.
    pub from_fork: bool,
    /// Not ready to merge.
    pub draft: bool,
    /// The commit on the base branch that the merge made, once merged.
    pub merge_commit: Option<CommitSha>,
    /// GitHub's word for what happened (`opened`, `reopened`, `ready_for_review`, `labeled`, …), where the forge says that
    /// much.
    #[serde(default)]
    pub word: Option<String>,
}

/// A deployment was made at the forge: by davit, a chat command, a script, another tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentEvent {
    /// `owner/name` at the forge.
    pub repository: String,
    /// The forge's number of the deployment.
    pub number: i64,
    /// The forge's name of the environment.
    pub environment: String,
    /// What is to be deployed.
    pub commit: CommitSha,
    /// A branch, tag or SHA, as it was asked for.
    pub reference: String,
    /// What the maker said about it; may be empty.
    pub description: String,
    /// Login of the maker.
    pub by: String,
    /// What the maker sent along, as JSON text; empty when there is none.
    pub payload: String,
    /// How it goes, where the forge's event says so (GitLab reports each state with the same event).
    pub state: ForgeDeploymentState,
}

/// The state of a deployment at the forge changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentStatusEvent {
    /// `owner/name` at the forge.
    pub repository: String,
    /// The forge's number of the deployment.
    pub deployment: i64,
    /// The forge's name of the environment.
    pub environment: String,
    /// What is deployed.
    pub commit: CommitSha,
    /// How it goes.
    pub state: ForgeDeploymentState,
    /// One sentence; may be empty.
    pub description: String,
    /// Login of who said so.
    pub by: String,
}

/// A check of a commit has a new state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckEvent {
    /// `owner/name` at the forge.
    pub repository: String,
    /// The commit.
    pub commit: CommitSha,
    /// The check's name at the forge: a status context, a check run's name, a pipeline's source.
    pub name: String,
    /// Its state.
    pub state: CommitState,
    /// One sentence; may be empty.
    pub description: String,
    /// Where a person reads more; may be empty.
    pub target_url: String,
    /// Since when, by the forge's clock: deliveries may come out of order. `None`: it does not say.
    pub at: Option<Timestamp>,
}

/// A group of the forge's merge queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeGroupEvent {
    /// `owner/name` at the forge.
    pub repository: String,
    /// The commit to check: the base with the changes merged.
    pub head: CommitSha,
    /// The branch that the forge made for it.
    pub head_branch: String,
    /// The branch it goes to.
    pub base_branch: String,
    /// Whether the checks are asked for; otherwise the group is gone.
    pub requested: bool,
}

/// A new comment on a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentEvent {
    /// `owner/name` of the repository that the change is for.
    pub repository: String,
    /// The change's number there.
    pub number: i64,
    /// Login of who wrote it.
    pub author: String,
    /// What it says, as it was written.
    pub text: String,
}
