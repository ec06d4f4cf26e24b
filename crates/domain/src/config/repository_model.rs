//! Repositories that davit tests and merges, as they are declared: where jobs run, what they may use, what must hold
//! before a merge. Read by [`repositories`](super::repositories).

use super::model::SecretRef;
use crate::ids::ForgeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What davit does about a repository's commits and changes. Where none is declared, it runs no jobs and merges nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySettings {
    /// Which forge it is at.
    pub forge: ForgeId,
    /// `owner/name` there; `group/subgroup/…/name` at GitLab.
    pub name: String,
    /// Where git fetches it from; `None`: where the forge has it, over HTTP.
    pub url: Option<String>,
    /// Where jobs run that don't ask for a container.
    pub executor: ExecutorKind,
    /// Whether its jobs may do whatever the server's user may.
    pub trusted: bool,
    /// Whether jobs have a network.
    pub network: bool,
    /// What happens about changes that come from other repositories.
    pub forks: ForkPolicy,
    /// What one job may use.
    pub limits: JobLimits,
    /// Days that runs and their logs are kept.
    pub keep_runs_days: u32,
    /// Days that artifacts are kept, where a workflow does not say.
    pub keep_artifacts_days: u32,
    /// Bytes of caches that are kept; the ones used last stay.
    pub cache_size: u64,
    /// Whether its badge may be seen without logging in.
    pub badge: bool,
    /// `KEY=VALUE` lines: the `vars` of its workflows, as written.
    pub variables: String,
    /// The `secrets` of its workflows, by name.
    pub secrets: BTreeMap<String, SecretRef>,
    /// What jobs with `environment: name` have in addition, by that name.
    pub environments: BTreeMap<String, RepositoryEnvironment>,
    /// When davit merges changes; `None`: never.
    pub merge: Option<MergePolicy>,
}

/// What jobs of one environment have in addition. It wins over what the repository has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryEnvironment {
    /// `KEY=VALUE` lines, as written.
    pub variables: String,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, SecretRef>,
}

/// Where jobs run that don't ask for a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorKind {
    /// In a sandbox: a system that it can't change, processes and files of its own, limits.
    Sandbox,
    /// As the server's user, with nothing in between. Only for a repository that is trusted.
    Host,
}

impl ExecutorKind {
    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Host => "host",
        }
    }
}

/// What happens about changes that come from other repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkPolicy {
    /// A run waits until a person has approved that very commit.
    Approve,
    /// Nothing runs.
    Never,
}

impl ForkPolicy {
    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Never => "never",
        }
    }
}

/// What one job may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLimits {
    /// Bytes of memory.
    pub memory: u64,
    /// Thousandths of a processor.
    pub millicpus: u32,
    /// Processes and threads at a time.
    pub processes: u32,
    /// Bytes that it may write to disk.
    pub disk: u64,
    /// Bytes of log.
    pub output: u64,
    /// Seconds from start to end. A workflow may ask for less, never for more.
    pub timeout: u64,
}

impl JobLimits {
    /// Processors, as people count them.
    #[must_use]
    pub fn cpus(&self) -> f64 {
        f64::from(self.millicpus) / 1_000.0
    }
}

/// 2 GiB of memory, two processors, 512 processes, 10 GiB of disk, 64 MiB of log, an hour.
impl Default for JobLimits {
    fn default() -> Self {
        Self { memory: 2 << 30, millicpus: 2_000, processes: 512, disk: 10 << 30, output: 64 << 20, timeout: 60 * 60 }
    }
}

/// How a change becomes a part of its base branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// One commit.
    Squash,
    /// Its commits, on top of the base branch.
    Rebase,
}

impl MergeMethod {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Merge, Self::Squash, Self::Rebase];

    /// The word that `davit.toml` and GitHub use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// A way to ask for a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeBy {
    /// A label at the forge.
    Label,
    /// A comment that says `/merge`.
    Comment,
    /// The forge's own "merge when ready" button.
    Forge,
    /// davit's button, command or API.
    Ui,
}

impl MergeBy {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Label, Self::Comment, Self::Forge, Self::Ui];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Comment => "comment",
            Self::Forge => "forge",
            Self::Ui => "ui",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }
}

/// When davit merges a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePolicy {
    /// How people may ask for it.
    pub by: Vec<MergeBy>,
    /// The label that asks for it.
    pub label: String,
    /// Labels of which none may be there.
    pub blocking_labels: Vec<String>,
    /// Globs of contexts: each must match at least one, and all that are matched must be green. Empty: every check
    /// that is known, and at least one.
    pub required: Vec<String>,
    /// Approvals needed at the forge.
    pub approvals: u32,
    /// How.
    pub method: MergeMethod,
    /// Globs of base branches that are merged into; empty: all.
    pub branches: Vec<String>,
    /// Whether the change's branch is deleted afterwards.
    pub delete_branch: bool,
    /// Whether changes are tested merged with their base before, one after the other.
    pub queue: bool,
}

/// Every way to ask, the label `merge`, `wip` and `do-not-merge` in the way, every check, no approval, a merge commit.
impl Default for MergePolicy {
    fn default() -> Self {
        Self {
            by: MergeBy::ALL.into(),
            label: "merge".to_owned(),
            blocking_labels: vec!["wip".to_owned(), "do-not-merge".to_owned()],
            required: Vec::new(),
            approvals: 0,
            method: MergeMethod::Merge,
            branches: Vec::new(),
            delete_branch: false,
            queue: false,
        }
    }
}

impl RepositorySettings {
    /// Days that runs are kept where nothing is said.
    pub const DEFAULT_KEEP_RUNS_DAYS: u32 = 90;
    /// Days that artifacts are kept where nothing is said.
    pub const DEFAULT_KEEP_ARTIFACTS_DAYS: u32 = 30;
    /// Bytes of caches that are kept where nothing is said: 5 GiB.
    pub const DEFAULT_CACHE_SIZE: u64 = 5 << 30;

    /// Days that artifacts are kept where nothing is said and runs are kept for `keep_runs` days.
    pub(super) const fn default_keep_artifacts_days(keep_runs: u32) -> u32 {
        if keep_runs < Self::DEFAULT_KEEP_ARTIFACTS_DAYS { keep_runs } else { Self::DEFAULT_KEEP_ARTIFACTS_DAYS }
    }

    /// A repository about which nothing but its name is said.
    #[must_use]
    pub fn new(forge: ForgeId, name: impl Into<String>) -> Self {
        Self {
            forge,
            name: name.into(),
            url: None,
            executor: ExecutorKind::Sandbox,
            trusted: false,
            network: true,
            forks: ForkPolicy::Approve,
            limits: JobLimits::default(),
            keep_runs_days: Self::DEFAULT_KEEP_RUNS_DAYS,
            keep_artifacts_days: Self::DEFAULT_KEEP_ARTIFACTS_DAYS,
            cache_size: Self::DEFAULT_CACHE_SIZE,
            badge: false,
            variables: String::new(),
            secrets: BTreeMap::new(),
            environments: BTreeMap::new(),
            merge: None,
        }
    }

    /// Whether it is the one that a forge calls `name`. Forges don't tell case apart.
    #[must_use]
    pub fn is(&self, forge: &ForgeId, name: &str) -> bool {
        self.forge == *forge && self.name.eq_ignore_ascii_case(name)
    }

    /// What jobs of an environment have in addition, when there is such an environment. Case does not matter.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&RepositoryEnvironment> {
        self.environments.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, environment)| environment)
    }

    /// Where its secrets come from, those of its environments included.
    pub fn secret_refs(&self) -> impl Iterator<Item = &SecretRef> {
        self.secrets.values().chain(self.environments.values().flat_map(|environment| environment.secrets.values()))
    }
}
