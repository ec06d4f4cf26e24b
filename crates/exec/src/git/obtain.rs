//! Getting one commit of a remote as fast as git can, and what changed in it.

use super::Mirror;
use crate::process::say;
use crate::{ExecError, LineSink};
use davit_domain::ids::CommitSha;
use std::ffi::OsString;
use tokio_util::sync::CancellationToken;

/// What is to be here.
#[derive(Debug, Clone, Copy)]
pub struct Obtain<'a> {
    /// This commit, which is kept from now on.
    pub commit: &'a CommitSha,
    /// Branches to be brought up to date with it; one that is gone is no error.
    pub branches: &'a [&'a str],
    /// Where the forge keeps the commits of the change that it belongs to: `refs/pull/7/head`.
    pub change_ref: Option<&'a str>,
}

impl Mirror {
    /// Fetches a commit, by its id where the remote allows that, and no more than that needs.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the remote does not have it; else as [`fetch`](Self::fetch).
    pub async fn obtain(
        &self,
        wanted: Obtain<'_>,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        let Obtain { commit, branches, change_ref } = wanted;
        say(sink, cancel, format!("git fetch {} {commit}", self.git.remote().url)).await;
        let mut refs: Vec<String> =
            branches.iter().map(|branch| format!("+refs/heads/{branch}:refs/heads/{branch}")).collect();
        refs.push(format!("+{commit}:refs/davit/pinned/{commit}"));
        if self.fetch_refs(refs, sink, cancel).await? {
            return Ok(());
        }
        // A remote that hands out no commit by its id, a branch that is gone or stands in another's way.
        self.fetch(sink, cancel).await?;
        if let Some(change_ref) = change_ref {
            self.fetch_refs(vec![format!("+{change_ref}:refs/davit/{change_ref}")], sink, cancel).await?;
        }
        self.ensure_commit(commit, sink, cancel).await
    }

    /// The paths that differ between two commits or, with `from_base`, since both were one; `None` where that can't be
    /// said: one of them is not here, or they have nothing in common.
    ///
    /// # Errors
    /// When git can't be started.
    pub async fn changed_paths(
        &self,
        before: &str,
        after: &CommitSha,
        from_base: bool,
    ) -> Result<Option<Vec<String>>, ExecError> {
        let range = format!("{before}{}{after}", if from_base { "..." } else { ".." });
        let mut diff: Vec<OsString> = ["-c", "core.quotePath=false"].map(OsString::from).to_vec();
        diff.extend(self.bare(["diff", "--name-only", "--no-renames", "--no-ext-diff", "--end-of-options", &range]));
        let output = self.git.local(diff, &self.dir, None, &CancellationToken::new()).await?;
        Ok(output.exit.is_success().then_some(output.stdout))
    }

    /// The commit that a branch is at, as of the last fetch.
    ///
    /// # Errors
    /// When git can't be started.
    pub async fn branch_head(&self, branch: &str) -> Result<Option<CommitSha>, ExecError> {
        self.rev_parse(&format!("refs/heads/{branch}^{{commit}}")).await
    }

    /// Whether the remote gave all of these.
    async fn fetch_refs(
        &self,
        refs: Vec<String>,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<bool, ExecError> {
        let mut arguments = self.bare(["fetch", "--no-tags", "--no-write-fetch-head", "--force", "origin"]);
        arguments.extend(refs.into_iter().map(OsString::from));
        let _lock = self.lock(cancel).await?;
        Ok(self.git.network(arguments, &self.dir, sink, cancel).await?.exit.is_success())
    }
}
