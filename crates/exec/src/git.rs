//! git, through its command line alone.
//!
//! A [`Mirror`] is a directory that davit owns: a bare repository of all branches and tags of one remote, a lock and
//! what ssh learned about the remote's host. Checkouts borrow its objects, so they cost no network. Does not live
//! here: which commit is released (the engine knows) and calls to forges.
//!
//! Every commit that [`Mirror::ensure_commit`] saw is pinned: what was approved stays deployable when its branch is
//! force-pushed away. git 2.36 or later is needed.

mod command;
mod explain;
mod history;
mod large_files;
mod merge;
mod objects;
mod obtain;
mod refs;
mod remote;
mod working_copy;

pub use history::{ChangedFile, CommitLine, Cut, Distance, FileStatus, Patch, Wanted};
pub use objects::{CommitText, FileEntry, Objects};
pub use obtain::Obtain;
pub use refs::{HistoryEntry, NamedRef, RemoteRef};
pub use remote::{Credential, Remote, Rewrite, Way};
pub use working_copy::{Submodules, WorkingCopy};

use crate::process::say;
use crate::{ExecError, LineSink};
use command::{Git, Output};
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A commit as people want to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The first line of its message.
    pub subject: String,
    /// Its author's name.
    pub author: String,
    /// When it was committed.
    pub at: Timestamp,
}

/// What a name meant at the last fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit.
    pub commit: CommitSha,
    /// The branch of this name.
    pub branch: Option<String>,
    /// The tag of this name.
    pub tag: Option<String>,
    /// The first line of the commit's message.
    pub subject: String,
    /// The commit's author's name.
    pub author: String,
    /// When it was committed.
    pub at: Timestamp,
}

/// A local copy of one remote. Several may be open on one directory, also in other processes: they take turns.
#[derive(Debug)]
pub struct Mirror {
    dir: PathBuf,
    git: Git,
}

impl Mirror {
    /// Opens the mirror in `dir`, which is made when missing. Nothing is asked from the remote yet.
    ///
    /// # Errors
    /// [`ExecError::Refused`] for a URL that davit does not take, [`ExecError::Git`] and [`ExecError::Io`] when the
    /// directory can't be used.
    pub async fn open(dir: &Path, remote: Remote) -> Result<Self, ExecError> {
        remote.check()?;
        std::fs::create_dir_all(dir).map_err(ExecError::io(format!("making {}", dir.display())))?;
        let dir = dir.canonicalize().map_err(ExecError::io(format!("opening {}", dir.display())))?;
        let mirror = Self { git: Git::new(&dir, remote)?, dir };
        let note = mirror.dir.join("configured");
        let configured = format!("{CONFIGURATION}\n{}\n", mirror.git.remote().url);
        let is_there = mirror.repository().join("HEAD").exists();
        if is_there && std::fs::read_to_string(&note).is_ok_and(|noted| noted == configured) {
            return Ok(mirror);
        }
        let cancel = CancellationToken::new();
        let _lock = mirror.lock(&cancel).await?;
        if !is_there {
            mirror.init("sha1", &cancel).await?;
        }
        mirror.configure(&cancel).await?;
        std::fs::write(&note, configured).map_err(ExecError::io(format!("writing {}", note.display())))?;
        Ok(mirror)
    }

    /// Brings branches and tags up to date and forgets those that are gone.
    ///
    /// # Errors
    /// [`ExecError::Unreachable`] is worth another try; [`ExecError::Git`] says what a person has to do.
    pub async fn fetch(&self, sink: &LineSink, cancel: &CancellationToken) -> Result<(), ExecError> {
        let _lock = self.lock(cancel).await?;
        say(sink, cancel, format!("git fetch {}", self.git.remote().url)).await;
        let arguments = ["fetch", "--prune", "--force", "--no-write-fetch-head", "origin"];
        let output = self.git.network(self.bare(arguments), &self.dir, sink, cancel).await?;
        if output.stderr_has("mismatched algorithms") {
            // The remote counts in SHA-256, and an empty mirror has nothing to lose.
            let repository = self.repository();
            tokio::fs::remove_dir_all(&repository).await.map_err(ExecError::io("making the mirror again"))?;
            self.init("sha256", cancel).await?;
            self.configure(cancel).await?;
            return self.git.network(self.bare(arguments), &self.dir, sink, cancel).await?.ok(&self.git);
        }
        output.ok(&self.git)
    }

    /// Makes sure that this commit is here, and that it stays. Asks the remote only when it is not: for its branches
    /// and tags, then for the commit itself, since no branch may hold it any more.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the remote does not have it either; else as [`fetch`](Self::fetch).
    pub async fn ensure_commit(
        &self,
        commit: &CommitSha,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        if !self.has(commit, cancel).await? {
            self.fetch(sink, cancel).await?;
        }
        if !self.has(commit, cancel).await? {
            let _lock = self.lock(cancel).await?;
            let fetch = ["fetch", "--no-tags", "--no-write-fetch-head", "origin", commit.as_str()];
            let output = self.git.network(self.bare(fetch), &self.dir, sink, cancel).await?;
            if !output.exit.is_success() && !output.stderr_has("not our ref") && !output.stderr_has("unadvertised") {
                return output.ok(&self.git);
            }
        }
        if !self.has(commit, cancel).await? {
            return Err(ExecError::Git(format!(
                "commit {commit} is not in {}: it was never pushed there, or was removed by a force push. \
                 Release a commit that is there",
                self.git.remote().url
            )));
        }
        let pin = format!("refs/davit/pinned/{commit}");
        let _lock = self.lock(cancel).await?;
        self.git.local(self.bare(["update-ref", &pin, commit.as_str()]), &self.dir, None, cancel).await?.ok(&self.git)
    }

    /// The branch that the remote calls its default now; `None` when it has no commit yet.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn default_branch(
        &self,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, ExecError> {
        let ask = self.bare(["ls-remote", "--symref", "origin", "HEAD"]);
        let output = self.git.network(ask, &self.dir, sink, cancel).await?;
        let branch = output.stdout.iter().find_map(|line| {
            let (target, name) = line.strip_prefix("ref: refs/heads/")?.split_once('\t')?;
            (name == "HEAD").then(|| target.to_owned())
        });
        output.ok(&self.git).map(|()| branch)
    }

    /// What a branch, a tag, or a full or abbreviated commit id means, as of the last fetch. `refs/heads/…` and
    /// `refs/tags/…` say which is meant when both exist.
    ///
    /// # Errors
    /// [`ExecError::Refused`] for text that can't name anything, [`ExecError::Git`] when there is no such thing or it
    /// is ambiguous.
    pub async fn resolve(&self, reference: &str) -> Result<Resolved, ExecError> {
        check_reference(reference)?;
        let (heads, tags) = match (reference.strip_prefix("refs/heads/"), reference.strip_prefix("refs/tags/")) {
            (Some(branch), _) => (Some(branch), None),
            (None, Some(tag)) => (None, Some(tag)),
            (None, None) => (Some(reference), Some(reference)),
        };
        let branch = self.commit_of("refs/heads/", heads).await?;
        let tag = self.commit_of("refs/tags/", tags).await?;
        let commit = match (&branch, &tag) {
            (Some(branch), Some(tag)) if branch != tag => {
                return Err(ExecError::Git(format!(
                    "{reference:?} is both a branch and a tag: say refs/heads/{reference} or refs/tags/{reference}"
                )));
            }
            (Some(commit), _) | (None, Some(commit)) => commit.clone(),
            (None, None) => self.commit_by_id(reference).await?,
        };
        let CommitInfo { subject, author, at } = self.describe(&commit).await?;
        let branch = branch.and(heads).map(str::to_owned);
        let tag = tag.and(tags).map(str::to_owned);
        Ok(Resolved { commit, branch, tag, subject, author, at })
    }

    /// Message, author and time of a commit that is here.
    ///
    /// # Errors
    /// [`ExecError::Git`] when it is not.
    pub async fn describe(&self, commit: &CommitSha) -> Result<CommitInfo, ExecError> {
        let show = ["log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%s%n%an%n%ct", commit.as_str()];
        let output = self.ask(show).await?;
        let [subject, author, seconds] = &output.stdout[..] else {
            return Err(ExecError::Git(format!("commit {commit} is not in the mirror of {}", self.git.remote().url)));
        };
        let millis = seconds.parse::<i64>().unwrap_or(0).saturating_mul(1000);
        Ok(CommitInfo { subject: subject.clone(), author: author.clone(), at: Timestamp::from_millis(millis) })
    }

    /// Puts exactly this commit, with its submodules, into the new directory `into`. On an error it is removed again.
    ///
    /// # Errors
    /// [`ExecError::Refused`] when `into` exists; [`ExecError::Git`], and [`ExecError::Unreachable`] for submodules.
    pub async fn checkout(
        &self,
        commit: &CommitSha,
        into: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        if into.symlink_metadata().is_ok() {
            let into = into.display();
            return Err(ExecError::Refused(format!("{into} exists: a checkout needs a directory of its own")));
        }
        let result = self.check_out(commit, into, sink, cancel).await;
        if result.is_err() {
            // The error that led here is worth more than one about tidying up.
            let _ = tokio::fs::remove_dir_all(into).await;
        }
        result
    }

    async fn check_out(
        &self,
        commit: &CommitSha,
        into: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        say(sink, cancel, format!("git checkout {commit}")).await;
        std::fs::create_dir_all(into).map_err(ExecError::io(format!("making {}", into.display())))?;
        let format = if commit.as_str().len() == 64 { "--object-format=sha256" } else { "--object-format=sha1" };
        let local = async |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from).collect();
            self.git.local(arguments, into, Some(sink), cancel).await
        };
        local(&["init", "--quiet", "--template=", format, "."]).await?.ok(&self.git)?;
        self.lend_objects(into)?;
        // Relative submodule URLs start from it.
        local(&["config", "--local", "remote.origin.url", &self.git.remote().url]).await?.ok(&self.git)?;
        local(&["checkout", "--quiet", "--force", "--detach", commit.as_str()]).await?.ok(&self.git)?;
        if into.join(".gitmodules").symlink_metadata().is_ok() {
            let update = ["submodule", "update", "--init", "--recursive", "--force"].map(OsString::from).to_vec();
            self.git.network(update, into, sink, cancel).await?.ok(&self.git)?;
        }
        let ask = ["rev-parse", "--verify", "HEAD"].map(OsString::from).to_vec();
        let head = self.git.local(ask, into, None, cancel).await?;
        if head.stdout.first().map(String::as_str) == Some(commit.as_str()) {
            self.check_large_files(into, sink, cancel).await
        } else {
            Err(ExecError::Git(format!("the checkout is not at {commit}, as was asked: {}", head.stdout.join(" "))))
        }
    }

    /// Files that are kept in Git LFS are pointers now. Without git-lfs on the server no hook can change that.
    async fn check_large_files(
        &self,
        checkout: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        let ask = ["-c", "core.quotePath=false", "ls-files", "--", ":(attr:filter=lfs)"].map(OsString::from).to_vec();
        let listed = self.git.local(ask, checkout, None, cancel).await?;
        let Some(pointers) = large_files::pointers(checkout, &listed.stdout) else { return Ok(()) };
        if !large_files::is_installed(std::env::var_os("PATH").as_deref()) {
            return Err(ExecError::Refused(format!(
                "this repository uses Git LFS, so {pointers} would be released as a pointer and not as what it is, and \
                 git-lfs is missing on the server: install git-lfs there and run `git lfs pull` in the hook after checkout"
            )));
        }
        let text = format!(
            "this repository uses Git LFS: {pointers} is a pointer here, not its content. Run `git lfs pull` in the hook \
             after checkout, or exclude it"
        );
        say(sink, cancel, text).await;
        Ok(())
    }

    /// The checkout finds the mirror's objects where they are, instead of copying them.
    fn lend_objects(&self, into: &Path) -> Result<(), ExecError> {
        use std::os::unix::ffi::OsStrExt;
        let alternates = into.join(".git/objects/info/alternates");
        let mut line = self.repository().join("objects").as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        let info = into.join(".git/objects/info");
        std::fs::create_dir_all(info)
            .and_then(|()| std::fs::write(&alternates, line))
            .map_err(ExecError::io(format!("writing {}", alternates.display())))
    }

    fn repository(&self) -> PathBuf {
        self.dir.join("repository.git")
    }

    fn bare<const N: usize>(&self, arguments: [&str; N]) -> Vec<OsString> {
        let mut all = vec!["--git-dir".into(), self.repository().into_os_string()];
        all.extend(arguments.map(OsString::from));
        all
    }

    async fn init(&self, format: &str, cancel: &CancellationToken) -> Result<(), ExecError> {
        let init = vec![
            "init".into(),
            "--quiet".into(),
            "--bare".into(),
            "--template=".into(),
            format!("--object-format={format}").into(),
            self.repository().into_os_string(),
        ];
        self.git.local(init, &self.dir, None, cancel).await?.ok(&self.git)
    }

    async fn configure(&self, cancel: &CancellationToken) -> Result<(), ExecError> {
        for (name, value) in [
            ("remote.origin.url", self.git.remote().url.as_str()),
            ("remote.origin.fetch", "+refs/heads/*:refs/heads/*"),
            ("gc.autoDetach", "false"),
            // Always as one pack, put in place whole: an interrupted fetch leaves no commit without its files.
            ("fetch.unpackLimit", "1"),
        ] {
            let set = self.bare(["config", "--local", "--replace-all", name, value]);
            self.git.local(set, &self.dir, None, cancel).await?.ok(&self.git)?;
        }
        let tags = self.bare(["config", "--local", "--add", "remote.origin.fetch", "+refs/tags/*:refs/tags/*"]);
        self.git.local(tags, &self.dir, None, cancel).await?.ok(&self.git)
    }

    async fn ask<const N: usize>(&self, arguments: [&str; N]) -> Result<Output, ExecError> {
        self.git.local(self.bare(arguments), &self.dir, None, &CancellationToken::new()).await
    }

    async fn has(&self, commit: &CommitSha, cancel: &CancellationToken) -> Result<bool, ExecError> {
        let object = format!("{commit}^{{commit}}");
        let output = self.git.local(self.bare(["cat-file", "-e", &object]), &self.dir, None, cancel).await?;
        Ok(output.exit.is_success())
    }

    async fn commit_of(&self, prefix: &str, name: Option<&str>) -> Result<Option<CommitSha>, ExecError> {
        let Some(name) = name else { return Ok(None) };
        let full = format!("{prefix}{name}");
        let known = self.ask(["rev-parse", "--verify", "--quiet", "--end-of-options", &full]).await?;
        if !known.exit.is_success() {
            return Ok(None);
        }
        let peeled = self.rev_parse(&format!("{full}^{{commit}}")).await?;
        peeled.map(Some).ok_or_else(|| {
            ExecError::Git(format!("tag {name:?} names no commit, but something else: it can't be released"))
        })
    }

    async fn commit_by_id(&self, reference: &str) -> Result<CommitSha, ExecError> {
        let url = &self.git.remote().url;
        let lowercase = reference.to_ascii_lowercase();
        let is_id = (4..=64).contains(&lowercase.len()) && lowercase.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id && let Some(commit) = self.rev_parse(&format!("{lowercase}^{{commit}}")).await? {
            return Ok(commit);
        }
        if is_id && self.ask(["rev-parse", "--disambiguate", &lowercase]).await?.stdout.len() > 1 {
            return Err(ExecError::Git(format!("{reference:?} begins more than one commit id: give more digits")));
        }
        Err(ExecError::Git(format!(
            "there is no branch, tag or commit {reference:?} in {url}: check the name, or push it there first"
        )))
    }

    async fn rev_parse(&self, revision: &str) -> Result<Option<CommitSha>, ExecError> {
        let output = self.ask(["rev-parse", "--verify", "--quiet", "--end-of-options", revision]).await?;
        Ok(output.stdout.first().and_then(|line| line.parse().ok()))
    }

    /// The directory's turn. Whoever holds it may also remove what a killed git left locked.
    async fn lock(&self, cancel: &CancellationToken) -> Result<File, ExecError> {
        let path = self.dir.join("lock");
        let what = || format!("locking {}", path.display());
        let file = File::options().create(true).append(true).open(&path).map_err(ExecError::io(what()))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => tokio::select! {
                    () = tokio::time::sleep(LOCK_POLL) => {}
                    () = cancel.cancelled() => {
                        let proof = "git was waiting for another deployment's fetch and had not started".into();
                        return Err(ExecError::Cancelled { proof });
                    }
                },
                Err(TryLockError::Error(error)) => return Err(ExecError::io(what())(error)),
            }
        }
        remove_stale_locks(&self.repository())?;
        Ok(file)
    }
}

/// Changes with what [`Mirror::configure`] sets.
const CONFIGURATION: &str = "1";
/// How often a taken lock is tried again.
const LOCK_POLL: Duration = Duration::from_millis(10);

/// `*.lock` files of references and configuration that a git left behind as it was killed.
fn remove_stale_locks(repository: &Path) -> Result<(), ExecError> {
    let top = walkdir::WalkDir::new(repository).max_depth(1);
    let references = walkdir::WalkDir::new(repository.join("refs"));
    for entry in top.into_iter().chain(references).flatten() {
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|extension| extension == "lock") {
            let what = format!("removing {}", entry.path().display());
            std::fs::remove_file(entry.path()).map_err(ExecError::io(what))?;
        }
    }
    Ok(())
}

/// The rules of git-check-ref-format(1): what passes can be neither an option nor a revision expression.
fn check_reference(reference: &str) -> Result<(), ExecError> {
    let forbidden = |char: char| char.is_control() || " ~^:?*[\\".contains(char);
    let valid_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let valid = reference.len() <= 255
        && !reference.starts_with('-')
        && !reference.contains(forbidden)
        && !reference.contains("..")
        && !reference.contains("@{")
        && !reference.ends_with('.')
        && reference != "@"
        && reference.split('/').all(valid_part);
    if valid {
        return Ok(());
    }
    let shown: String = reference.chars().take(80).collect();
    Err(ExecError::Refused(format!("{shown:?} can't be the name of a branch, tag or commit: give one of these")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_never_an_option_or_an_expression() {
        for bad in [
            "",
            "-x",
            "--upload-pack=evil",
            "a b",
            "a..b",
            "a\n",
            "main~1",
            "main^{tree}",
            "@{-1}",
            "main:file",
            "@",
            "a//b",
            "/a",
            "a/",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "a\\b",
            "*",
        ] {
            assert!(check_reference(bad).is_err(), "{bad:?}");
        }
        for good in ["main", "release/1.2", "v1.0.0", "größe", "refs/heads/main", "feature/#12", "a@b", "1a2b3c4"] {
            assert!(check_reference(good).is_ok(), "{good:?}");
        }
    }
}
