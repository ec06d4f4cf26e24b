//! Whether something newer than what is live waits: the newest heads of the branches and tags that release configs
//! follow, as far as davit was told. What of its repository a release config follows is the domain's
//! ([`Follows`]).

use super::Cell;
use crate::problem::Problem;
use davit_domain::config::Repository;
use davit_domain::event::GitRef;
use davit_domain::heads::{Follows, SeenHead};
use davit_domain::ids::ForgeId;
use davit_store::Store;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use utoipa::ToSchema;

/// So many of a repository's heads are looked at where patterns say which branches or tags are followed.
const HEADS: i64 = 200;

/// A commit that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewestView {
    /// The branch or tag, by its short name.
    reference: String,
    commit: String,
    /// When davit heard of it.
    at: String,
}

/// Heads of repositories, the latest first.
pub(super) struct Heads {
    of: HashMap<(ForgeId, String), Vec<SeenHead>>,
}

impl Heads {
    /// Those that these cells may follow: two questions, however many cells and repositories there are. The store asks
    /// for what several cells follow once.
    pub(super) async fn load<'c>(store: &Store, cells: impl Iterator<Item = &'c Cell<'c>>) -> Result<Self, Problem> {
        let (mut named, mut whole) = (Vec::new(), Vec::new());
        for cell in cells {
            let (Some(follows), Some((forge, name))) = (follows(cell), repository(cell)) else { continue };
            match follows.references() {
                Some(references) => named.extend(references.into_iter().map(|reference| (forge, name, reference))),
                None => whole.push((forge, name)),
            }
        }
        let mut heads = store.newest_heads(&named).await?;
        heads.extend(store.latest_heads(&whole, HEADS).await?);
        heads.sort_by_key(|found| Reverse(found.head.at));
        let mut of: HashMap<_, Vec<SeenHead>> = HashMap::new();
        for found in heads {
            of.entry((found.forge, found.repository)).or_default().push(found.head);
        }
        Ok(Self { of })
    }

    /// The newest of what a cell follows, when something else is live there.
    pub(super) fn newest(&self, cell: &Cell<'_>) -> Option<NewestView> {
        let (live, (forge, name)) = (cell.live.as_ref()?, repository(cell)?);
        let heads = self.of.get(&(forge.clone(), name.to_ascii_lowercase()))?;
        let head = follows(cell)?.newest(heads)?;
        let (GitRef::Branch(reference) | GitRef::Tag(reference)) = &head.git_ref;
        (head.commit.as_str() != live.commit()).then(|| NewestView {
            reference: reference.clone(),
            commit: head.commit.to_string(),
            at: head.at.to_string(),
        })
    }
}

/// What a cell follows. Nothing waits where nothing is live.
fn follows<'c>(cell: &'c Cell<'_>) -> Option<Follows<'c>> {
    let live = cell.live.as_ref()?;
    Some(Follows::new(cell.config.auto.as_ref(), live.git_ref().and_then(branch)))
}

/// Of other repositories davit is told nothing.
fn repository<'c>(cell: &'c Cell<'_>) -> Option<(&'c ForgeId, &'c str)> {
    match &cell.app.repository {
        Repository::Forge { forge, name, .. } => Some((forge, name)),
        Repository::Url { .. } => None,
    }
}

/// The branch that a request names: by its short name when a person asked, by its whole one when a push did.
fn branch(git_ref: &str) -> Option<&str> {
    match git_ref.strip_prefix("refs/") {
        Some(whole) => whole.strip_prefix("heads/"),
        None => Some(git_ref),
    }
}
