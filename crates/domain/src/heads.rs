//! Heads of branches and tags: which ones davit was told about, and which it missed.
//!
//! Deliveries may be lost, repeated and reordered; the remote's own list is always right. These functions compare the
//! two. They don't say what to do about a difference, and nothing here talks to a remote.

use crate::config::{Auto, AutoOn, branch_allowed};
use crate::event::{GitRef, Push};
use crate::ids::{CommitSha, DeliveryId};
use crate::time::Timestamp;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A head that davit knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenHead {
    /// The branch or tag.
    pub git_ref: GitRef,
    /// Where it was.
    pub commit: CommitSha,
    /// Where it had been just before; `None` when that is not known or there was nothing.
    pub before: Option<CommitSha>,
    /// When davit was told.
    pub at: Timestamp,
    /// The delivery that told; `None` where davit looked by itself.
    pub delivery: Option<DeliveryId>,
}

/// A move of a branch or tag that no delivery told about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedHead {
    /// The branch or tag.
    pub git_ref: GitRef,
    /// Where davit knew it last; `None`: it is new.
    pub before: Option<CommitSha>,
    /// Where it is.
    pub after: CommitSha,
}

/// What of a remote's heads davit missed. A head is known when it is the newest that was seen of its branch or tag, or
/// when it was seen since the last look at the remote: then a delivery was faster than this look.
#[must_use]
pub fn missed(seen: &[SeenHead], remote: &[(GitRef, CommitSha)], last_look: Timestamp) -> Vec<MissedHead> {
    let missed = remote.iter().filter_map(|(git_ref, commit)| {
        let newest = newest_of(seen, git_ref);
        let is_newest = newest.is_some_and(|head| head.commit == *commit);
        let since_then = |head: &&SeenHead| head.git_ref == *git_ref && head.commit == *commit && head.at >= last_look;
        let is_known = is_newest || seen.iter().any(|head| since_then(&head));
        (!is_known).then(|| MissedHead {
            git_ref: git_ref.clone(),
            before: newest.map(|head| head.commit.clone()),
            after: commit.clone(),
        })
    });
    missed.collect()
}

/// The heads of branches and tags that davit knows and that the remote has no more. A remote that has none at all is
/// taken for one that did not answer properly: nothing is gone then.
#[must_use]
pub fn gone<'s>(seen: &'s [SeenHead], remote: &[(GitRef, CommitSha)]) -> Vec<&'s SeenHead> {
    let mut gone: Vec<&SeenHead> = Vec::new();
    for head in seen.iter().filter(|_| !remote.is_empty()) {
        let is_listed = gone.iter().any(|known| known.git_ref == head.git_ref);
        if !is_listed && !remote.iter().any(|(git_ref, _)| *git_ref == head.git_ref) {
            gone.extend(newest_of(seen, &head.git_ref));
        }
    }
    gone
}

/// Which of two moves comes first: the one to the older commit. Where both are of one time, numbers in the names decide
/// (`v1.9` before `v1.10`).
#[must_use]
pub fn older_first(one: (Timestamp, &GitRef), other: (Timestamp, &GitRef)) -> Ordering {
    let (one_name, other_name) = (one.1.full(), other.1.full());
    let by_name = || pieces(&one_name).cmp(&pieces(&other_name)).then_with(|| one_name.cmp(&other_name));
    one.0.cmp(&other.0).then_with(by_name)
}

/// Whether a push comes late: others, seen already, lead from where it ended to the head that davit knows. What it
/// brings is older than what its branch or tag has. A push that starts at the known head is never late, not even when
/// it goes back.
#[must_use]
pub fn is_overtaken(seen: &[SeenHead], push: &Push) -> bool {
    let (Some(after), Some(newest)) = (&push.after, newest_of(seen, &push.git_ref)) else { return false };
    if newest.commit == *after || push.before.as_ref() == Some(&newest.commit) {
        return false;
    }
    let moves: Vec<(&CommitSha, &CommitSha)> = seen
        .iter()
        .filter(|head| head.git_ref == push.git_ref)
        .filter_map(|head| Some((head.before.as_ref()?, &head.commit)))
        .collect();
    let mut reached = BTreeSet::from([after]);
    let mut waiting = vec![after];
    while let Some(commit) = waiting.pop() {
        let next = moves.iter().filter(|(from, _)| *from == commit).map(|(_, to)| *to);
        waiting.extend(next.filter(|to| reached.insert(to)));
    }
    reached.contains(&newest.commit)
}

/// What of its repository a release config follows: the branches or tags that releases start by themselves from, else
/// the branch that is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows<'c> {
    /// Branches of these names, which may be patterns.
    Branches(&'c [String]),
    /// Tags of these names, which may be patterns; none: every tag.
    Tags(&'c [String]),
    /// The branch that is live.
    Live(&'c str),
    /// Nothing is live yet, and no branch starts a release by its name.
    Nothing,
}

impl<'c> Follows<'c> {
    /// By what starts releases, and the branch that is live.
    #[must_use]
    pub fn new(auto: Option<&'c Auto>, live: Option<&'c str>) -> Self {
        match auto {
            Some(Auto { on: AutoOn::Push | AutoOn::Merge, branches }) if !branches.is_empty() => {
                Self::Branches(branches)
            }
            Some(Auto { on: AutoOn::Tag, branches }) => Self::Tags(branches),
            Some(Auto { on: AutoOn::Push | AutoOn::Merge | AutoOn::DeploymentEvent, .. }) | None => {
                live.map_or(Self::Nothing, Self::Live)
            }
        }
    }

    /// The branches and tags themselves; `None` where patterns say which ones.
    #[must_use]
    pub fn references(&self) -> Option<Vec<GitRef>> {
        let all = |names: &[String], of: fn(String) -> GitRef| {
            let are_names = !names.is_empty() && !names.iter().any(|name| name.contains(['*', '?', '[', '{', '\\']));
            are_names.then(|| names.iter().cloned().map(of).collect())
        };
        match self {
            Self::Branches(names) => all(names, GitRef::Branch),
            Self::Tags(names) => all(names, GitRef::Tag),
            Self::Live(name) => Some(vec![GitRef::Branch((*name).to_owned())]),
            Self::Nothing => Some(Vec::new()),
        }
    }

    /// The newest of these heads, latest first, that is followed.
    #[must_use]
    pub fn newest<'h>(&self, heads: impl IntoIterator<Item = &'h SeenHead>) -> Option<&'h SeenHead> {
        heads.into_iter().find(|head| match self {
            Self::Branches(names) => matches(names, head.git_ref.branch()),
            Self::Tags(names) => matches(names, head.git_ref.tag()),
            Self::Live(name) => head.git_ref.branch() == Some(*name),
            Self::Nothing => false,
        })
    }
}

/// The head of a branch or tag, as far as davit knows.
fn newest_of<'s>(seen: &'s [SeenHead], git_ref: &GitRef) -> Option<&'s SeenHead> {
    seen.iter().filter(|head| head.git_ref == *git_ref).max_by_key(|head| head.at)
}

/// A name as texts and the numbers after them. A number that is too long is as large as can be.
fn pieces(name: &str) -> Vec<(&str, u64)> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, next) = after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()));
        let number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
        pieces.push((text, number));
        rest = next;
    }
    pieces
}

fn matches(patterns: &[String], name: Option<&str>) -> bool {
    name.is_some_and(|name| branch_allowed(Some(patterns), name))
}
