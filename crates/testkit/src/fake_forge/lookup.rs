//! What the fakes ask the real repositories behind them. Without any, every well-formed SHA is a commit, and every
//! name is at a commit of its own.

use super::Shared;
use sha2::{Digest, Sha256};
use std::process::Output;

impl Shared {
    /// The commit that a full SHA names.
    pub(super) async fn commit(&self, repository: &str, sha: &str) -> Option<String> {
        if !is_sha(sha) {
            return None;
        }
        if self.git_root.is_none() {
            return Some(sha.to_owned());
        }
        self.resolve(repository, sha).await
    }

    /// The commit that a branch, a tag or a SHA names.
    pub(super) async fn resolve(&self, repository: &str, name: &str) -> Option<String> {
        if self.git_root.is_none() {
            return Some(if is_sha(name) { name.to_owned() } else { invented(name) });
        }
        let revision = format!("{name}^{{commit}}");
        self.git(repository, &["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]).await
    }

    /// The first branch that has the commit.
    pub(super) async fn branch_with(&self, repository: &str, sha: &str) -> Option<String> {
        if self.git_root.is_none() {
            return Some("main".to_owned());
        }
        let branches = self.git(repository, &["branch", "--format=%(refname:short)", "--contains", sha]).await?;
        branches.lines().next().map(str::to_owned)
    }

    /// Whether a branch of this name is there.
    pub(super) async fn is_branch(&self, repository: &str, name: &str) -> bool {
        let reference = format!("refs/heads/{name}");
        self.git_root.is_some()
            && self.git(repository, &["rev-parse", "--verify", "--quiet", &reference]).await.is_some()
    }

    /// Whether `base` holds nothing that `head` lacks.
    pub(super) async fn is_ahead(&self, repository: &str, head: &str, base: &str) -> bool {
        self.git(repository, &["merge-base", "--is-ancestor", base, head]).await.is_some()
    }

    /// Merges `base` into the branch `head`; `None` where they conflict.
    pub(super) async fn merge(&self, repository: &str, base: &str, head: &str) -> Option<String> {
        let tree = self.git(repository, &["merge-tree", "--write-tree", head, base]).await?;
        let message = format!("Merge {base} into {head}");
        let merged = self.git(repository, &["commit-tree", &tree, "-p", head, "-p", base, "-m", &message]).await?;
        self.git(repository, &["update-ref", &format!("refs/heads/{head}"), &merged]).await?;
        Some(merged)
    }

    /// The tree of two commits merged; `None` where they conflict.
    pub(super) async fn merged_tree(&self, repository: &str, base: &str, head: &str) -> Option<String> {
        self.git(repository, &["merge-tree", "--write-tree", base, head]).await
    }

    /// A new commit.
    pub(super) async fn commit_tree(
        &self,
        repository: &str,
        tree: &str,
        parents: &[&str],
        message: &str,
    ) -> Option<String> {
        let parents = parents.iter().flat_map(|parent| ["-p", parent]);
        let arguments: Vec<&str> = ["commit-tree", tree, "-m", message].into_iter().chain(parents).collect();
        self.git(repository, &arguments).await
    }

    /// Moves a branch, unless somebody else did.
    pub(super) async fn move_branch(&self, repository: &str, branch: &str, to: &str, from: &str) -> Option<()> {
        self.git(repository, &["update-ref", &format!("refs/heads/{branch}"), to, from]).await.map(drop)
    }

    /// Deletes a branch; whether there was one.
    pub(super) async fn delete_branch(&self, repository: &str, branch: &str) -> bool {
        self.is_branch(repository, branch).await
            && self.git(repository, &["update-ref", "-d", &format!("refs/heads/{branch}")]).await.is_some()
    }

    /// The parents of a commit.
    pub(super) async fn parents(&self, repository: &str, sha: &str) -> Vec<String> {
        let words = self.git(repository, &["rev-list", "--parents", "-n", "1", sha]).await.unwrap_or_default();
        words.split(' ').skip(1).map(str::to_owned).collect()
    }

    /// What git says, without the line ending; `None` where it refuses.
    async fn git(&self, repository: &str, arguments: &[&str]) -> Option<String> {
        let git_dir = self.git_root.as_ref()?.join(format!("{repository}.git"));
        let mut git = tokio::process::Command::new(crate::git::program());
        git.arg("--git-dir").arg(git_dir).args(arguments).env_clear();
        git.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "forge").env(format!("GIT_{role}_EMAIL"), "forge@example.com");
        }
        let Output { status, stdout, .. } = git.output().await.expect("git is installed");
        status.success().then(|| String::from_utf8_lossy(&stdout).trim_end().to_owned())
    }
}

fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn invented(name: &str) -> String {
    Sha256::digest(name).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
