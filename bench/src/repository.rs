//! The repository that is released, in two versions: the second has ten changed files.

use crate::davit::run;
use crate::peers::Source;
use crate::tree::{self, Size};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Files that the second version changes.
pub const CHANGED: usize = 10;

/// A git repository with a tree of this size.
#[derive(Debug)]
pub struct Repository {
    /// What is released, and how.
    pub source: Source,
    size: Size,
}

impl Repository {
    /// With its first version.
    ///
    /// # Errors
    /// When git or the disk refuses.
    pub async fn make(below: &Path, size: Size) -> anyhow::Result<Self> {
        let (dir, changed) = (below.join("repository"), below.join("changed"));
        tree::write(&dir, size)?;
        let repository = Self { source: Source { tree: dir, changed }, size };
        repository.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        repository.commit("1").await?;
        repository.git(&["tag", "first"]).await?;
        Ok(repository)
    }

    /// Back to the first version.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn first(&self) -> anyhow::Result<()> {
        self.git(&["reset", "--quiet", "--hard", "first"]).await
    }

    /// The second version on top of the first.
    ///
    /// # Errors
    /// When git or the disk refuses.
    pub async fn second(&self) -> anyhow::Result<()> {
        tree::change(&self.source.tree, self.size, CHANGED, 2)?;
        self.commit("2").await?;
        let changed = self.output(&["diff", "--name-only", "first"]).await?;
        Ok(std::fs::write(&self.source.changed, changed)?)
    }

    async fn commit(&self, version: &str) -> anyhow::Result<()> {
        std::fs::write(self.source.tree.join("VERSION"), version)?;
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--message", &format!("Version {version}")]).await
    }

    async fn git(&self, arguments: &[&str]) -> anyhow::Result<()> {
        self.output(arguments).await.map(drop)
    }

    async fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.source.tree).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@example.com");
        }
        run(command, "").await
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.source.tree.clone()
    }
}
