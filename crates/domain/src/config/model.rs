//! The things that a team declares, as values. Their text form (`davit.toml`) lives in [`parse`](mod@super::parse).

use super::channel_model::Channel;
use super::forge_model::Forge;
use super::identity_model::Identity;
use super::repository_model::RepositorySettings;
use super::rollout_model::{Health, Input, Mode, Strategy, Transfer};
use crate::freeze::{FreezeWindow, ReleaseWindow};
use crate::ids::{AppKey, ChannelId, EnvironmentKey, ForgeId, HostName};
pub use crate::review::{Review, Reviewer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The SSH port of a host that names none.
pub const DEFAULT_SSH_PORT: u16 = 22;
/// Good releases kept a host where a release config does not say.
pub const DEFAULT_KEEP: u32 = 5;

/// Everything declared, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Forges.
    pub forges: Vec<Forge>,
    /// Environments, in the order people see them.
    pub environments: Vec<Environment>,
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Apps with their release configs.
    pub apps: Vec<App>,
    /// Repositories that davit tests and merges.
    #[serde(default)]
    pub repositories: Vec<RepositorySettings>,
    /// Where notices go.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Where people may sign in.
    #[serde(default)]
    pub identities: Vec<Identity>,
}

/// Where a secret comes from. The value itself is never part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// An environment variable of whoever applies the file, else of the server.
    Env(String),
    /// A file beside `davit.toml` of whoever applies it, else on the server.
    File(String),
    /// A secret stored in davit under this name.
    Secret(String),
}

impl SecretRef {
    /// `env:NAME`, `file:PATH` or `secret:NAME`: its key in an apply call and in the store.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Secret(name) => format!("secret:{name}"),
        }
    }
}

/// A place to release to: test, staging, production, ….
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its key.
    pub key: EnvironmentKey,
    /// What people call it.
    pub name: String,
    /// `#rrggbb`, for the UI.
    pub color: Option<String>,
    /// Review rule.
    pub review: Review,
    /// Globs of branches that may be released here; `None`: all.
    pub branches: Option<Vec<String>>,
    /// Where people see what runs here: the environment URL of deployments at the forge.
    #[serde(default)]
    pub url: Option<String>,
    /// What forges call it; `None`: its key.
    #[serde(default)]
    pub forge_name: Option<String>,
    /// When nothing but a rollback goes out by itself.
    #[serde(default)]
    pub freeze: Vec<FreezeWindow>,
    /// When releases go out by themselves; outside of them nothing but a rollback does. Empty: always.
    #[serde(default)]
    pub windows: Vec<ReleaseWindow>,
    /// Globs of contexts that must be green on a commit before it goes out here; empty: every check that is known,
    /// and at least one. `None`: checks don't matter.
    #[serde(default)]
    pub require_green: Option<Vec<String>>,
}

impl Environment {
    /// What forges call it.
    #[must_use]
    pub fn at_forge(&self) -> &str {
        self.forge_name.as_deref().unwrap_or(self.key.as_str())
    }

    /// Whether a forge means this one. Forges don't tell case apart.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.at_forge().eq_ignore_ascii_case(name) || self.key.as_str().eq_ignore_ascii_case(name)
    }
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// The machine davit runs on.
    Local,
    /// Over SSH.
    Ssh,
}

/// Where code goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name in davit.
    pub name: HostName,
    /// How it is reached.
    pub kind: HostKind,
    /// DNS name or IP address. Empty for `local`.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// Login name. Empty for `local`.
    pub user: String,
    /// Hosts to go through, in order.
    pub jump: Vec<HostName>,
    /// Free words to select by.
    pub labels: Vec<String>,
    /// What the UI groups it under.
    pub category: Option<String>,
    /// Environments it belongs to.
    pub environments: Vec<EnvironmentKey>,
    /// Pinned host key, as in `authorized_keys`; `None`: pinned on a person's confirmation.
    pub host_key: Option<String>,
    /// Its own private key; `None`: davit's.
    pub private_key: Option<SecretRef>,
    /// Whether the SSH agent of the server logs in instead of a key that davit holds.
    #[serde(default)]
    pub agent: bool,
}

/// Where an app's source lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repository {
    /// A repository at a configured forge.
    Forge {
        /// Which forge.
        forge: ForgeId,
        /// `owner/name` there; `group/subgroup/…/name` at GitLab.
        name: String,
        /// Where git fetches it from; `None`: where the forge has it, over HTTP.
        #[serde(default)]
        url: Option<String>,
    },
    /// Any git URL or path on the server.
    Url {
        /// The URL.
        url: String,
    },
}

/// What is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its key.
    pub key: AppKey,
    /// What people call it.
    pub name: String,
    /// Its source.
    pub repository: Repository,
    /// One release config an environment.
    pub releases: Vec<ReleaseConfig>,
}

/// Which hosts a release goes to. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostSelector {
    /// These, by name.
    Names(Vec<HostName>),
    /// Every host of the environment that has all these labels.
    Labels(Vec<String>),
}

/// Which files of the checkout are released. Patterns are gitignore's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// What the patterns mean.
    pub mode: FilterMode,
    /// gitignore patterns, in order.
    pub patterns: Vec<String>,
}

/// What a filter's patterns mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterMode {
    /// Only what matches is released.
    Include,
    /// What matches is not released.
    Exclude,
}

/// Directories and files that live in `shared/` and are linked into every release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// Directories, relative to the release.
    pub dirs: Vec<String>,
    /// Files, relative to the release.
    pub files: Vec<String>,
}

/// The four hooks: scripts for `sh -e`. Empty: nothing runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Step 1, server.
    pub before_checkout: String,
    /// Step 3, server, in the checkout.
    pub after_checkout: String,
    /// Step 4, host, in the new release directory.
    pub before_release: String,
    /// Step 6, host, in the deployed directory.
    pub after_release: String,
}

/// Limits of one step, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTimeouts {
    /// From start to end.
    pub step: u64,
    /// Without output.
    pub idle: u64,
}

/// Half an hour, and ten minutes without output.
impl Default for StepTimeouts {
    fn default() -> Self {
        Self { step: 30 * 60, idle: 10 * 60 }
    }
}

/// What makes a release by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoOn {
    /// A push to a branch.
    Push,
    /// A new tag.
    Tag,
    /// A merged change.
    Merge,
    /// A deployment that somebody made at the forge for this environment.
    DeploymentEvent,
}

/// When a release starts by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auto {
    /// What starts it.
    pub on: AutoOn,
    /// Globs of branches (push, merge: the base branch) or tags; empty: all.
    pub branches: Vec<String>,
}

/// How one app is released to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseConfig {
    /// Where to.
    pub environment: EnvironmentKey,
    /// Which hosts.
    pub hosts: HostSelector,
    /// The symlink that becomes the release. Absolute.
    pub deploy_path: String,
    /// Where releases are kept on the host. Absolute.
    pub releases_path: String,
    /// Good releases kept a host, the live one included. At least 1; the one before the live one always stays.
    pub keep: u32,
    /// What of the checkout is released.
    pub build_dir: String,
    /// Which files.
    pub filter: Option<Filter>,
    /// Linked directories and files.
    pub shared: Shared,
    /// `KEY=VALUE` lines as in a .env file, as written.
    pub variables: String,
    /// The four hooks.
    pub hooks: Hooks,
    /// In which portions, and what happens when some fail.
    #[serde(default)]
    pub strategy: Strategy,
    /// What must hold on a host afterwards.
    #[serde(default)]
    pub health: Option<Health>,
    /// How files get to hosts.
    #[serde(default)]
    pub transfer: Transfer,
    /// Directories of the checkout that are kept between builds of the app.
    #[serde(default)]
    pub caches: Vec<String>,
    /// Whether a build with server hooks may be used in other environments.
    #[serde(default)]
    pub share_builds: bool,
    /// What is filled in with each request.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// The six steps, or the author's own.
    #[serde(default)]
    pub mode: Mode,
    /// Limits.
    pub timeouts: StepTimeouts,
    /// Whether it starts by itself.
    pub auto: Option<Auto>,
    /// Which channels hear of it, and no others; `None`: all that want to.
    #[serde(default)]
    pub notify: Option<Vec<ChannelId>>,
}

impl Configuration {
    /// Values of secrets by the key of their [`SecretRef`].
    #[must_use]
    pub fn secret_refs(&self) -> BTreeMap<String, SecretRef> {
        let forges = self.forges.iter().flat_map(|forge| {
            let key = forge.app.as_ref().map(|app| &app.private_key);
            [forge.token.as_ref(), key, forge.webhook_secret.as_ref(), forge.ca.as_ref(), forge.git_key.as_ref()]
        });
        let hosts = self.hosts.iter().map(|host| host.private_key.as_ref());
        let jobs = self.repositories.iter().flat_map(RepositorySettings::secret_refs);
        let channels = self.channels.iter().flat_map(Channel::secret_refs);
        let identities = self.identities.iter().flat_map(Identity::secret_refs);
        let people = channels.chain(identities);
        forges.chain(hosts).flatten().chain(jobs).chain(people).map(|secret| (secret.key(), secret.clone())).collect()
    }

    /// A channel.
    #[must_use]
    pub fn channel(&self, id: &ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == *id)
    }

    /// What is declared about a repository. Forges treat owner and repository names as case-insensitive.
    #[must_use]
    pub fn repository(&self, forge: &ForgeId, name: &str) -> Option<&RepositorySettings> {
        self.repositories.iter().find(|repository| repository.is(forge, name))
    }
}

impl App {
    /// Its release config for an environment.
    #[must_use]
    pub fn release(&self, environment: &EnvironmentKey) -> Option<&ReleaseConfig> {
        self.releases.iter().find(|release| release.environment == *environment)
    }
}

impl ReleaseConfig {
    /// The hosts it goes to, in the order of `hosts`.
    #[must_use]
    pub fn select<'h>(&self, hosts: &'h [Host]) -> Vec<&'h Host> {
        hosts
            .iter()
            .filter(|host| match &self.hosts {
                HostSelector::Names(names) => names.contains(&host.name),
                HostSelector::Labels(labels) => {
                    host.environments.contains(&self.environment)
                        && labels.iter().all(|label| host.labels.contains(label))
                }
            })
            .collect()
    }
}
