//! What a [`Client`](crate::Client) takes and gives: plain data, the same for every forge.

use davit_domain::config::{HookSignature, MergeMethod};
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::merge::Mergeable;
use davit_domain::time::Timestamp;
use secrecy::SecretString;

/// What our credential may do with a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryAccess {
    /// The repository's name as the forge writes it; another one than asked for after a rename.
    pub repository: String,
    /// Its default branch; empty for a repository without a commit.
    pub default_branch: String,
    /// What davit does there, and whether the credential allows it.
    pub needs: Vec<Need>,
}

/// One thing that davit does with a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What it is for, in words for a person that follow "davit can" or "davit can not".
    pub what: &'static str,
    /// What to give the credential for it, in the words of the forge's own settings.
    pub permission: String,
    /// Whether it has that; `None` when the forge does not say so for this sort of credential.
    pub granted: Option<bool>,
}

/// A webhook as it is set at the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The forge's number of it.
    pub id: i64,
    /// Where it sends to.
    pub url: String,
    /// Whether it sends at all. GitLab turns hooks off that failed too often.
    pub active: bool,
    /// What it sends, in the forge's words.
    pub events: Vec<String>,
    /// How its last delivery ended, in the forge's words; `None` when there was none or the forge does not say.
    pub last_response: Option<String>,
}

/// A webhook to be set at a forge.
#[derive(Debug, Clone)]
pub struct NewHook<'a> {
    /// Where it sends to: davit's hook URL of this forge.
    pub url: &'a str,
    /// What it signs with.
    pub secret: &'a SecretString,
    /// How it signs; one of the kind's [`signatures`](davit_domain::config::ForgeKind::signatures).
    pub signature: HookSignature,
}

/// A delivery that never arrived: no attempt at it was answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// The forge's number of the newest attempt; what [`redeliver`](crate::Client::redeliver) takes.
    pub id: i64,
    /// What all attempts at it have in common. It comes with the webhook as the delivery's id.
    pub guid: String,
    /// When the newest attempt was made; `None` where the forge does not say (GitLab, when nobody answered).
    pub at: Option<Timestamp>,
    /// The forge's name of the event.
    pub event: String,
}

/// What a forge lets us ask for still, as the headers of its last answer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateBudget {
    /// Calls in a whole window; `None` when it was not said.
    pub limit: Option<u64>,
    /// Calls that are left of it.
    pub remaining: u64,
    /// When all of them are there again, by the forge's clock; `None` when it was not said.
    pub reset: Option<Timestamp>,
}

/// A change as it stands at the forge now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeAtForge {
    /// What it is. Its action is where it stands: opened, merged or closed.
    pub event: ChangeEvent,
    /// Where people see it.
    pub url: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Logins of those whose approval counts at the forge and still holds.
    pub approvals: Vec<String>,
    /// Logins of those who want something changed first, as far as that counts at the forge.
    pub changes_requested: Vec<String>,
    /// Whether the forge would merge it.
    pub mergeable: Mergeable,
    /// Whether somebody asked the forge to merge it when all is green. Gitea and Gitee don't tell.
    pub auto_merge: bool,
    /// `owner/name` of where it comes from; `None` where that is deleted, and for GitLab's forks.
    pub head_repository: Option<String>,
}

/// A change to be merged. What the merge's commit says is by the forge's own rules.
#[derive(Debug, Clone, Copy)]
pub struct MergeOrder<'a> {
    /// Its number.
    pub number: i64,
    /// The head that was judged; any other one is not merged.
    pub head: &'a CommitSha,
    /// How. A GitLab project merges as its settings say: of the methods only squashing is for the caller to choose.
    pub method: MergeMethod,
    /// The branch that it comes from, of the same repository, when that is to be deleted. A branch that can't be deleted
    /// stays, and the change is merged all the same.
    pub delete_branch: Option<&'a str>,
}
