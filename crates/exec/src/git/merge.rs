//! Commits that davit makes itself, in the mirror alone: changes merged with their base, to be tested before anybody
//! merges them. Needs git 2.38 (`merge-tree --write-tree`).

use super::Mirror;
use crate::{ExecError, Exit};
use davit_domain::ids::CommitSha;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// The refs that keep these commits begin with this.
const KEPT: &str = "refs/davit/queue/";

impl Mirror {
    /// Merges two commits that are here, into one that no branch has, kept under `name` until
    /// [`forget_merge`](Self::forget_merge). `None` when they conflict.
    ///
    /// # Errors
    /// [`ExecError::Git`] when one of them is not here, or git is too old.
    pub async fn merge(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        message: &str,
        name: &str,
    ) -> Result<Option<CommitSha>, ExecError> {
        let cancel = CancellationToken::new();
        let merge = self.bare(["merge-tree", "--write-tree", "--no-messages", base.as_str(), head.as_str()]);
        let merged = self.git.local(merge, Path::new(&self.dir), None, &cancel).await?;
        if merged.exit == Exit::Code(1) && !merged.stdout.is_empty() {
            return Ok(None);
        }
        let tree = merged.stdout.first().cloned().unwrap_or_default();
        merged.ok(&self.git)?;
        let (base, head) = (base.as_str(), head.as_str());
        let mut commit: Vec<_> = ["-c", "user.name=davit", "-c", "user.email=davit@localhost"].map(Into::into).into();
        commit.extend(self.bare(["commit-tree", &tree, "-p", base, "-p", head, "-m", message]));
        let made = self.git.local(commit, Path::new(&self.dir), None, &cancel).await?;
        let id = made.stdout.first().cloned().unwrap_or_default();
        made.ok(&self.git)?;
        let id = CommitSha::try_from(id).map_err(|_| ExecError::Git("git names a new commit that is none".into()))?;
        let keep = self.bare(["update-ref", &format!("{KEPT}{name}"), id.as_str()]);
        self.git.local(keep, Path::new(&self.dir), None, &cancel).await?.ok(&self.git)?;
        Ok(Some(id))
    }

    /// Lets go of a commit that [`merge`](Self::merge) made. One that is gone is fine.
    ///
    /// # Errors
    /// When the mirror can't be written.
    pub async fn forget_merge(&self, name: &str) -> Result<(), ExecError> {
        let forget = self.bare(["update-ref", "-d", &format!("{KEPT}{name}")]);
        self.git.local(forget, Path::new(&self.dir), None, &CancellationToken::new()).await?.ok(&self.git)
    }

    /// What a commit holds, by the id of its tree: two commits with the same one have the same files. `None` when it is
    /// not here.
    ///
    /// # Errors
    /// When git can't be started.
    pub async fn tree_of(&self, commit: &CommitSha) -> Result<Option<String>, ExecError> {
        let tree = format!("{commit}^{{tree}}");
        let output = self.ask(["rev-parse", "--verify", "--quiet", &tree]).await?;
        Ok(output.stdout.first().cloned())
    }

    /// A commit's parents, the first one first; none when it is not here.
    ///
    /// # Errors
    /// When git can't be started.
    pub async fn parents_of(&self, commit: &CommitSha) -> Result<Vec<CommitSha>, ExecError> {
        let output = self.ask(["rev-list", "--parents", "--max-count=1", commit.as_str()]).await?;
        let line = output.stdout.first().cloned().unwrap_or_default();
        Ok(line.split(' ').skip(1).filter_map(|id| id.parse().ok()).collect())
    }
}
