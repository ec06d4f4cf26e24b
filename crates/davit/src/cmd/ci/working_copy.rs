//! The working copy as a job gets it: what git would commit of it now, and what git says about it.

use crate::failure::{Exit, Failure};
use davit_runner::{CheckoutRequest, ServiceError};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// What a repository without a commit has for one.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A working copy of git's.
#[derive(Debug, Clone)]
pub(super) struct WorkingCopy {
    /// Its top directory.
    pub(super) root: PathBuf,
    /// The commit that is checked out.
    pub(super) commit: String,
    /// The message of that commit.
    pub(super) message: String,
    /// The branch that is checked out.
    pub(super) branch: String,
    /// `owner/name`, from the URL of `origin`; else the name of the directory.
    pub(super) repository: String,
    /// Who would commit.
    pub(super) who: String,
}

impl WorkingCopy {
    /// The one that the current directory is in.
    pub(super) async fn here() -> Result<Self, Failure> {
        let root = git(Path::new("."), &["rev-parse", "--show-toplevel"]).await.map_err(|reason| {
            Failure::new(Exit::NotFound, format!("there is no git working copy here: {reason}"))
                .hint("go to the repository, or make one with git init")
        })?;
        let root = PathBuf::from(root);
        let or = |answer: Result<String, String>, other: &str| {
            answer.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| other.to_owned())
        };
        let name = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let origin = git(&root, &["remote", "get-url", "origin"]).await.ok().as_deref().and_then(owner_and_name);
        Ok(Self {
            commit: or(git(&root, &["rev-parse", "--verify", "HEAD"]).await, NO_COMMIT),
            message: or(git(&root, &["log", "-1", "--format=%B"]).await, ""),
            branch: or(git(&root, &["symbolic-ref", "--short", "HEAD"]).await, "HEAD"),
            repository: origin.unwrap_or(name),
            who: or(git(&root, &["config", "user.name"]).await, "somebody"),
            root,
        })
    }

    /// The branch that changes are merged into, where nobody says which.
    pub(super) async fn default_branch(&self) -> String {
        let head = git(&self.root, &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).await;
        head.ok().and_then(|head| head.strip_prefix("origin/").map(str::to_owned)).unwrap_or_else(|| "main".to_owned())
    }

    /// Copies the files that git tracks, and those that it does not ignore, into the new directory `into`, those of
    /// submodules too: what jobs get stays the same while somebody goes on working.
    pub(super) async fn snapshot(&self, into: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::failed(format!("the working copy can't be copied: {error}"));
        tokio::fs::create_dir_all(into).await.map_err(failed)?;
        let mut directories = vec![PathBuf::new()];
        while let Some(directory) = directories.pop() {
            let listed = list(&self.root.join(&directory)).await.map_err(Failure::failed)?;
            let (root, into) = (self.root.clone(), into.to_owned());
            let files: Vec<PathBuf> = listed.into_iter().map(|file| directory.join(file)).collect();
            let copied = tokio::task::spawn_blocking(move || copy_files(&root, &files, &into)).await;
            directories.extend(copied.map_err(|error| Failure::failed(error.to_string()))?.map_err(failed)?);
        }
        Ok(())
    }

    /// Makes the new directory `into` what a job asks for: a clone, with the files of `snapshot` in it unless another
    /// commit is wanted.
    pub(super) async fn checkout(
        &self,
        request: &CheckoutRequest,
        snapshot: &Path,
        into: &Path,
    ) -> Result<String, ServiceError> {
        let wanted = request.reference.as_deref();
        let wanted = wanted.filter(|name| ![self.branch.as_str(), self.commit.as_str(), "HEAD"].contains(name));
        if self.commit == NO_COMMIT {
            run(Path::new("."), &["init", "--quiet", "--", path(into)?]).await?;
        } else {
            self.clone(request, wanted, into).await?;
        }
        let Some(wanted) = wanted else {
            let (from, to) = (snapshot.to_owned(), into.to_owned());
            let copied = tokio::task::spawn_blocking(move || copy_tree(&from, &to)).await;
            let failed = |error: io::Error| ServiceError::Failed(format!("the working copy can't be copied: {error}"));
            copied.map_err(|error| ServiceError::Failed(error.to_string()))?.map_err(failed)?;
            return Ok(self.commit.clone());
        };
        let refused = |_| ServiceError::Refused(format!("there is no branch, tag or commit `{wanted}`"));
        let name = format!("{wanted}^{{commit}}");
        let commit = git(into, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).await;
        let name = format!("origin/{wanted}^{{commit}}");
        let commit = match commit {
            Ok(commit) => commit,
            Err(_) => git(into, &["rev-parse", "--verify", "--quiet", &name]).await.map_err(refused)?,
        };
        run(into, &["checkout", "--quiet", "--detach", &commit]).await?;
        let _ = run(into, &["remote", "remove", "origin"]).await;
        Ok(commit)
    }

    /// A clone without files, and without the way back.
    async fn clone(&self, request: &CheckoutRequest, wanted: Option<&str>, into: &Path) -> Result<(), ServiceError> {
        let url = format!("file://{}", path(&self.root)?);
        let depth = format!("--depth={}", request.depth);
        let mut arguments = vec!["clone", "--quiet", "--no-checkout"];
        if request.depth > 0 && wanted.is_none() {
            arguments.push(&depth);
        }
        arguments.extend(["--", &url, path(into)?]);
        run(Path::new("."), &arguments).await?;
        if wanted.is_none() {
            run(into, &["reset", "--quiet"]).await?;
            let _ = run(into, &["remote", "remove", "origin"]).await;
        }
        Ok(())
    }
}

/// What git says, without the line ending; else what it complains about.
async fn git(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let bytes = output(directory, arguments).await?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

async fn run(directory: &Path, arguments: &[&str]) -> Result<(), ServiceError> {
    output(directory, arguments).await.map(drop).map_err(|reason| ServiceError::Failed(format!("git: {reason}")))
}

async fn output(directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.current_dir(directory).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("git can't be started: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("it said nothing").trim_start_matches("fatal: ").to_owned())
}

/// The files that git tracks or does not ignore, below a directory. A submodule is one of them.
async fn list(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    let listed = output(directory, &arguments).await?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}

/// Copies files. Returns those that are directories: submodules.
fn copy_files(root: &Path, files: &[PathBuf], into: &Path) -> io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for file in files {
        let from = root.join(file);
        let kind = match from.symlink_metadata() {
            Ok(metadata) => metadata.file_type(),
            // Tracked, and deleted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if kind.is_dir() {
            if from.join(".git").exists() {
                directories.push(file.clone());
            }
            continue;
        }
        copy(&from, kind, &into.join(file))?;
    }
    Ok(directories)
}

/// Copies a snapshot.
fn copy_tree(from: &Path, into: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, into.join(entry.file_name()));
        if kind.is_dir() {
            std::fs::create_dir_all(&to)?;
            copy_tree(&entry.path(), &to)?;
        } else {
            copy(&entry.path(), kind, &to)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, kind: std::fs::FileType, to: &Path) -> io::Result<()> {
    if let Some(above) = to.parent() {
        std::fs::create_dir_all(above)?;
    }
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(std::fs::read_link(from)?, to);
    }
    if kind.is_file() {
        std::fs::copy(from, to)?;
    }
    Ok(())
}

/// `owner/name` of a URL, or of a path as `git@host:owner/name.git`.
fn owner_and_name(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':')?.1,
    };
    let path = path.trim_matches('/').trim_end_matches(".git");
    path.contains('/').then(|| path.to_owned())
}

fn path(path: &Path) -> Result<&str, ServiceError> {
    path.to_str().ok_or_else(|| ServiceError::Failed(format!("{} is not UTF-8", path.display())))
}

#[cfg(test)]
mod tests {
    use super::owner_and_name;

    #[test]
    fn urls_name_repositories() {
        for (url, name) in [
            ("https://github.com/acme/shop.git", Some("acme/shop")),
            ("ssh://git@host:22/group/sub/shop", Some("group/sub/shop")),
            ("git@github.com:acme/shop.git", Some("acme/shop")),
            ("/srv/shop.git", None),
            ("https://host/shop", None),
        ] {
            assert_eq!(owner_and_name(url).as_deref(), name, "{url}");
        }
    }
}
