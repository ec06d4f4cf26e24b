//! The gate before a merge: what is known about a change, and what holds it up.
//!
//! Functions over values. Who asks the forge, who keeps what it said, and who merges is the engine's business; it
//! merges the head that was judged here and no other one.

use crate::config::{MergeBy, MergePolicy, branch_allowed};
use crate::ids::CommitSha;
use crate::status::{CommitState, DEPLOY_CONTEXT};
use globset::{Glob, GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a forge says about whether it can merge a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mergeable", content = "reason", rename_all = "snake_case")]
pub enum Mergeable {
    /// It has not found out yet.
    Unknown,
    /// It can.
    Yes,
    /// The change and its base contradict each other.
    Conflict,
    /// It has a rule of its own against it, in its words.
    Refused(String),
}

impl Mergeable {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Yes => "yes",
            Self::Conflict => "conflict",
            Self::Refused(_) => "refused",
        }
    }

    /// The forge's words, where it refuses.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(reason) => Some(reason),
            Self::Unknown | Self::Yes | Self::Conflict => None,
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(word: &str, reason: Option<&str>) -> Option<Self> {
        match word {
            "unknown" => Some(Self::Unknown),
            "yes" => Some(Self::Yes),
            "conflict" => Some(Self::Conflict),
            "refused" => Some(Self::Refused(reason.unwrap_or_default().to_owned())),
            _ => None,
        }
    }
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Under review.
    Open,
    /// A part of its base branch.
    Merged,
    /// Given up.
    Closed,
}

impl ChangeState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Merged, Self::Closed];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Somebody's wish to have a change merged, made with a comment or at davit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeAsk {
    /// How.
    pub how: MergeBy,
    /// Who.
    pub by: String,
    /// The head that they saw. A wish counts for this one alone.
    pub head: Option<CommitSha>,
}

/// What is known about a change at the moment of judging it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeFacts {
    /// Where it stands.
    pub state: ChangeState,
    /// The commit that is judged, and the only one that may be merged after.
    pub head: CommitSha,
    /// The branch it goes to.
    pub base_branch: String,
    /// Whether its author says that it is not ready.
    pub draft: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Approvals that hold for it now.
    pub approvals: u32,
    /// Who wants it changed.
    pub changes_requested: Vec<String>,
    /// Whether the forge can merge it.
    pub mergeable: Mergeable,
    /// Whether the forge was told to merge it when it is ready.
    pub auto_merge: bool,
    /// Who asked with a comment or at davit.
    pub asked: Option<MergeAsk>,
    /// The checks of `head`, those of davit's own runs included.
    pub checks: Vec<(String, CommitState)>,
}

/// One thing that keeps a change from being merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Hold {
    /// It is merged or given up.
    Closed,
    /// davit does not merge into its base branch.
    BranchNotAllowed {
        /// The base branch.
        branch: String,
    },
    /// Nobody asked for it, or only for an earlier head.
    NotAsked,
    /// Its author says that it is not ready.
    Draft,
    /// A label says no.
    BlockingLabel {
        /// The label.
        label: String,
    },
    /// Too few approvals.
    Approvals {
        /// How many there are.
        has: u32,
        /// How many there must be.
        needs: u32,
    },
    /// A reviewer wants it changed.
    ChangesRequested {
        /// The reviewer.
        by: String,
    },
    /// No check has said anything about its head.
    NoChecks,
    /// No check has a name that must be there.
    Missing {
        /// The glob that nothing matches.
        pattern: String,
    },
    /// A check has not ended.
    Pending {
        /// Its context.
        context: String,
    },
    /// A check is not green.
    Red {
        /// Its context.
        context: String,
        /// How it ended.
        state: CommitState,
    },
    /// It contradicts its base branch.
    Conflict,
    /// The forge has not found out yet whether it can be merged.
    Computing,
    /// The forge has a rule of its own against it.
    Refused {
        /// The forge's words.
        reason: String,
    },
    /// It comes from a fork, and nobody has let a run of its head begin, which the queue would be.
    ForkNotApproved {
        /// Its head, short.
        commit: String,
    },
    /// It waits in the merge queue.
    Queued {
        /// How many are before it.
        ahead: u32,
    },
    /// The merge, or its test in the queue, did not work.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Hold {
    /// The word that programs know it by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::BranchNotAllowed { .. } => "branch_not_allowed",
            Self::NotAsked => "not_asked",
            Self::Draft => "draft",
            Self::BlockingLabel { .. } => "blocking_label",
            Self::Approvals { .. } => "approvals",
            Self::ChangesRequested { .. } => "changes_requested",
            Self::NoChecks => "no_checks",
            Self::Missing { .. } => "missing",
            Self::Pending { .. } => "pending",
            Self::Red { .. } => "red",
            Self::Conflict => "conflict",
            Self::Computing => "computing",
            Self::Refused { .. } => "refused",
            Self::ForkNotApproved { .. } => "fork_not_approved",
            Self::Queued { .. } => "queued",
            Self::Failed { .. } => "failed",
        }
    }

    /// The check that it is about, when it is about one.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        match self {
            Self::Pending { context } | Self::Red { context, .. } => Some(context),
            Self::Missing { pattern } => Some(pattern),
            Self::Closed
            | Self::BranchNotAllowed { .. }
            | Self::NotAsked
            | Self::Draft
            | Self::BlockingLabel { .. }
            | Self::Approvals { .. }
            | Self::ChangesRequested { .. }
            | Self::NoChecks
            | Self::Conflict
            | Self::Computing
            | Self::Refused { .. }
            | Self::ForkNotApproved { .. }
            | Self::Queued { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// What people read: what is in the way, and where it is not plain, what helps.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Closed => "it is not open any more".to_owned(),
            Self::BranchNotAllowed { branch } => format!("davit does not merge into {branch}: see `merge.branches`"),
            Self::NotAsked => "nobody has asked to merge this commit".to_owned(),
            Self::Draft => "it is a draft: mark it as ready for review".to_owned(),
            Self::BlockingLabel { label } => format!("the label {label:?} is in the way: remove it"),
            Self::Approvals { has, needs } => format!("it has {has} of {needs} needed approvals"),
            Self::ChangesRequested { by } => format!("{by} has requested changes"),
            Self::NoChecks => "no check has said anything about this commit yet".to_owned(),
            Self::Missing { pattern } => format!("no check is called {pattern:?} yet"),
            Self::Pending { context } => format!("{context} has not ended yet"),
            Self::Red { context, state } => format!("{context} is not green: {}", state.as_str()),
            Self::Conflict => {
                "it conflicts with its base branch: rebase it, or merge the base branch into it".to_owned()
            }
            Self::Computing => "the forge has not found out yet whether it can be merged; davit asks again".to_owned(),
            Self::Refused { reason } => format!("the forge refuses: {reason}"),
            Self::ForkNotApproved { commit } => {
                format!("it comes from a fork, and nobody has approved a run of {commit} at davit yet")
            }
            Self::Queued { ahead: 0 } => "it is next in the merge queue".to_owned(),
            Self::Queued { ahead: 1 } => "one change is before it in the merge queue".to_owned(),
            Self::Queued { ahead } => format!("{ahead} changes are before it in the merge queue"),
            Self::Failed { reason } => format!("the merge did not work: {reason}"),
        }
    }
}

/// Everything that holds a change up, in the order in which people take care of it. Empty: merge
/// [`facts.head`](ChangeFacts::head) now.
#[must_use]
pub fn holds(policy: &MergePolicy, facts: &ChangeFacts) -> Vec<Hold> {
    if facts.state != ChangeState::Open {
        return vec![Hold::Closed];
    }
    let mut holds = Vec::new();
    if !branch_allowed(Some(&policy.branches), &facts.base_branch) {
        holds.push(Hold::BranchNotAllowed { branch: facts.base_branch.clone() });
    }
    if !is_asked(policy, facts) {
        holds.push(Hold::NotAsked);
    }
    if facts.draft {
        holds.push(Hold::Draft);
    }
    let blocking = policy.blocking_labels.iter().filter(|label| has_label(facts, label));
    holds.extend(blocking.map(|label| Hold::BlockingLabel { label: label.clone() }));
    holds.extend(facts.changes_requested.iter().map(|by| Hold::ChangesRequested { by: by.clone() }));
    if facts.approvals < policy.approvals {
        holds.push(Hold::Approvals { has: facts.approvals, needs: policy.approvals });
    }
    holds.extend(green(&policy.required, &facts.checks));
    match &facts.mergeable {
        Mergeable::Yes => {}
        Mergeable::Unknown => holds.push(Hold::Computing),
        Mergeable::Conflict => holds.push(Hold::Conflict),
        Mergeable::Refused(reason) => holds.push(Hold::Refused { reason: reason.clone() }),
    }
    holds
}

/// What keeps a commit with these checks from counting as green: what is missing first, then what is red, then what
/// has not ended. `required` are globs of contexts, in which `*` stands for anything; empty: every check but davit's
/// own about deployments, and at least one. The order of the checks does not matter; of two with the same context the
/// worse one counts.
#[must_use]
pub fn green(required: &[String], checks: &[(String, CommitState)]) -> Vec<Hold> {
    let mut worst: BTreeMap<&str, CommitState> = BTreeMap::new();
    for (context, state) in checks {
        let known = worst.entry(context).or_insert(*state);
        if badness(*state) > badness(*known) {
            *known = *state;
        }
    }
    let mut holds = Vec::new();
    if required.is_empty() {
        worst.retain(|context, _| !is_about_deployment(context));
        if worst.is_empty() {
            holds.push(Hold::NoChecks);
        }
    } else {
        let globs: Vec<ContextGlob<'_>> = required.iter().map(|pattern| ContextGlob::new(pattern)).collect();
        let missing = globs.iter().filter(|glob| !worst.keys().any(|context| glob.matches(context)));
        holds.extend(missing.map(|glob| Hold::Missing { pattern: glob.pattern.to_owned() }));
        worst.retain(|context, _| globs.iter().any(|glob| glob.matches(context)));
    }
    let red = worst.iter().filter(|(_, state)| matches!(state, CommitState::Failure | CommitState::Error));
    holds.extend(red.map(|(context, state)| Hold::Red { context: (*context).to_owned(), state: *state }));
    let pending = worst.iter().filter(|(_, state)| **state == CommitState::Pending);
    holds.extend(pending.map(|(context, _)| Hold::Pending { context: (*context).to_owned() }));
    holds
}

/// What a comment tells davit to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeCommand {
    /// `/merge`
    Merge,
    /// `/merge cancel`
    Cancel,
}

/// The command in a comment: a line of its own that is `/merge` or `/merge cancel`. Quotes and code don't count. Who
/// says both wants to be careful.
#[must_use]
pub fn is_comment_command(text: &str) -> Option<MergeCommand> {
    let mut found = None;
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let words = line.trim();
        let opens = ["```", "~~~"].into_iter().find(|mark| words.starts_with(mark));
        match (fence, opens) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(mark), Some(closing)) if mark == closing => fence = None,
            (Some(_), _) => {}
            // Four spaces or a tab make it code.
            (None, None) if line.starts_with("    ") || line.starts_with('\t') => {}
            (None, None) => match command(words) {
                Some(MergeCommand::Cancel) => return Some(MergeCommand::Cancel),
                Some(MergeCommand::Merge) => found = Some(MergeCommand::Merge),
                None => {}
            },
        }
    }
    found
}

fn command(line: &str) -> Option<MergeCommand> {
    let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["/merge"] => Some(MergeCommand::Merge),
        ["/merge", "cancel"] => Some(MergeCommand::Cancel),
        _ => None,
    }
}

fn is_asked(policy: &MergePolicy, facts: &ChangeFacts) -> bool {
    policy.by.iter().any(|way| match way {
        MergeBy::Label => has_label(facts, &policy.label),
        MergeBy::Forge => facts.auto_merge,
        MergeBy::Comment | MergeBy::Ui => {
            facts.asked.as_ref().is_some_and(|ask| ask.how == *way && ask.head.as_ref() == Some(&facts.head))
        }
    })
}

/// Forges differ about the case of labels; a label that says no says it in any case.
fn has_label(facts: &ChangeFacts, label: &str) -> bool {
    facts.labels.iter().any(|known| known.to_lowercase() == label.to_lowercase())
}

fn is_about_deployment(context: &str) -> bool {
    context.get(..DEPLOY_CONTEXT.len()).is_some_and(|start| start.eq_ignore_ascii_case(DEPLOY_CONTEXT))
}

const fn badness(state: CommitState) -> u8 {
    match state {
        CommitState::Success => 0,
        CommitState::Pending => 1,
        CommitState::Failure => 2,
        CommitState::Error => 3,
    }
}

/// The glob over contexts that `pattern` is, or why it is none.
pub(crate) fn context_glob(pattern: &str) -> Result<Glob, String> {
    GlobBuilder::new(pattern).literal_separator(false).build().map_err(|error| error.kind().to_string())
}

/// A glob over contexts. Contexts are full of slashes, spaces and brackets: `*` crosses all of them, and a context
/// that is written out as it is always matches itself.
struct ContextGlob<'p> {
    pattern: &'p str,
    matcher: Option<GlobMatcher>,
}

impl<'p> ContextGlob<'p> {
    fn new(pattern: &'p str) -> Self {
        Self { pattern, matcher: context_glob(pattern).ok().map(|glob| glob.compile_matcher()) }
    }

    fn matches(&self, context: &str) -> bool {
        self.pattern == context || self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(context))
    }
}
