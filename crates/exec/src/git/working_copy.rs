//! A checkout that is a repository of its own: what a job works in.
//!
//! Nothing in it leads back: no credential, no path of the server, no hook, no configuration but the remote's URL. It is
//! made where no job is, by git as davit runs it; whoever gets it may do with it what they like.

use super::{Mirror, large_files};
use crate::process::say;
use crate::{ExecError, LineSink};
use davit_domain::event::GitRef;
use davit_domain::ids::CommitSha;
use std::ffi::OsString;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// What is to be in a working copy.
#[derive(Debug, Clone)]
pub struct WorkingCopy<'a> {
    /// The commit; it has to be in the mirror.
    pub commit: &'a CommitSha,
    /// The branch or tag that it is known as there. Without one, `HEAD` is detached.
    pub git_ref: Option<&'a GitRef>,
    /// How many commits of its history; `None`: all, with all branches and tags.
    pub depth: Option<u32>,
    /// Whether all tags are there, whatever the depth.
    pub tags: bool,
    /// Which submodules.
    pub submodules: Submodules,
    /// Whether the content of files in Git LFS is wanted, and not their pointers.
    pub large_files: bool,
}

/// Which submodules are checked out too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Submodules {
    /// None.
    #[default]
    None,
    /// Those of the repository.
    Direct,
    /// Those of submodules too.
    Recursive,
}

impl Mirror {
    /// Makes a working copy in the new directory `into`. On an error it is removed again.
    ///
    /// # Errors
    /// [`ExecError::Refused`] when `into` exists or git-lfs is wanted and missing; else as
    /// [`checkout`](Self::checkout).
    pub async fn working_copy(
        &self,
        wanted: &WorkingCopy<'_>,
        into: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        if into.symlink_metadata().is_ok() {
            let into = into.display();
            return Err(ExecError::Refused(format!("{into} exists: a checkout needs a directory of its own")));
        }
        let result = self.make_working_copy(wanted, into, sink, cancel).await;
        if result.is_err() {
            // The error that led here is worth more than one about tidying up.
            let _ = tokio::fs::remove_dir_all(into).await;
        }
        result
    }

    async fn make_working_copy(
        &self,
        wanted: &WorkingCopy<'_>,
        into: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        let WorkingCopy { commit, git_ref, depth, tags, submodules, large_files } = wanted;
        if *large_files && !large_files::is_installed(std::env::var_os("PATH").as_deref()) {
            let sentence = "the files in Git LFS are wanted, and git-lfs is missing on the server: install it there";
            return Err(ExecError::Refused(sentence.to_owned()));
        }
        if depth.is_none() || *tags {
            // All branches and tags, as they are now.
            self.fetch(sink, cancel).await?;
        }
        begin(into, &self.git.remote().url, commit)?;
        self.take_history(wanted, into, cancel).await?;
        let mut checkout = vec!["checkout", "--quiet", "--force"];
        match git_ref.and_then(GitRef::branch) {
            Some(branch) => checkout.extend(["-B", branch, commit.as_str()]),
            None => checkout.extend(["--detach", commit.as_str()]),
        }
        let checkout = checkout.into_iter().map(OsString::from).collect();
        self.git.local(checkout, into, Some(sink), cancel).await?.ok(&self.git)?;
        if *submodules != Submodules::None && into.join(".gitmodules").symlink_metadata().is_ok() {
            let mut update = vec!["submodule", "update", "--init", "--force"];
            update.extend((*submodules == Submodules::Recursive).then_some("--recursive"));
            update.extend(depth.is_some().then_some("--depth=1"));
            let update = update.into_iter().map(OsString::from).collect();
            self.git.network(update, into, sink, cancel).await?.ok(&self.git)?;
        }
        if *large_files {
            let pull = ["lfs", "pull"].map(OsString::from).to_vec();
            self.git.network(pull, into, sink, cancel).await?.ok(&self.git)?;
        }
        say(sink, cancel, format!("HEAD is now at {commit}")).await;
        Ok(())
    }

    /// Copies the commits that are wanted out of the mirror.
    async fn take_history(
        &self,
        wanted: &WorkingCopy<'_>,
        into: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        let WorkingCopy { commit, git_ref, depth, tags, .. } = wanted;
        let mut fetch: Vec<OsString> =
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force"].map(OsString::from).to_vec();
        if let Some(depth) = depth {
            fetch.push(format!("--depth={}", (*depth).max(1)).into());
        }
        let mut mirror = OsString::from("file://");
        mirror.push(self.repository());
        fetch.push(mirror);
        if depth.is_none() {
            fetch.push("+refs/heads/*:refs/remotes/origin/*".into());
        }
        if depth.is_none() || *tags {
            fetch.push("+refs/tags/*:refs/tags/*".into());
        }
        fetch.push(match git_ref {
            Some(GitRef::Branch(branch)) if depth.is_some() => format!("+{commit}:refs/remotes/origin/{branch}").into(),
            Some(GitRef::Tag(tag)) if depth.is_some() && !tags => format!("+{commit}:refs/tags/{tag}").into(),
            Some(GitRef::Branch(_) | GitRef::Tag(_)) | None => format!("+{commit}:refs/davit/checkout").into(),
        });
        self.git.taking_from_mirror(fetch, into, cancel).await?.ok(&self.git)
    }
}

/// What `git init` would make, without the program.
fn begin(into: &Path, url: &str, commit: &CommitSha) -> Result<(), ExecError> {
    let git = into.join(".git");
    let url = url.replace('\\', "\\\\").replace('"', "\\\"");
    let (version, extensions) = match commit.as_str().len() {
        64 => (1, "[extensions]\n\tobjectFormat = sha256\n"),
        _ => (0, ""),
    };
    let config = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\
         {extensions}[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    );
    let make = || {
        for directory in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            std::fs::create_dir_all(git.join(directory))?;
        }
        std::fs::write(git.join("config"), config)?;
        std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n")
    };
    make().map_err(ExecError::io(format!("making a repository in {}", into.display())))
}
