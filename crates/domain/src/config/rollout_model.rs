//! How a release reaches its hosts, as values: portions, health, transfer, inputs, the actions of custom mode. Read by
//! [`rollout`](super::rollout).

use crate::ids::HostName;
use serde::{Deserialize, Serialize};

/// What a release config does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The six steps.
    #[default]
    Regular,
    /// The author's own actions.
    Custom(Custom),
}

/// What a custom release config does, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custom {
    /// To release.
    pub actions: Vec<Action>,
    /// To go back.
    pub rollback_actions: Vec<Action>,
}

/// One action of a custom release config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What people call it.
    pub name: String,
    /// What it does.
    pub what: ActionKind,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Runs a script on the server, once.
    Server {
        /// The script.
        run: String,
    },
    /// Runs a script on every host.
    Host {
        /// The script.
        run: String,
    },
    /// Puts a file or directory onto every host.
    Transfer {
        /// What.
        from: TransferSource,
        /// Where to. Absolute.
        to: String,
        /// Permission bits of a file; `None`: as in the source.
        mode: Option<u32>,
    },
}

/// What a transfer takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferSource {
    /// A path in the build.
    Build(String),
    /// The file that was uploaded under this name.
    Upload(String),
}

/// Something that is filled in with each request and becomes a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The variable.
    pub name: String,
    /// What people are asked.
    pub label: String,
    /// What it is when nothing is filled in.
    pub default: Option<String>,
    /// Whether nothing is not enough.
    pub required: bool,
    /// What it may be; empty: anything.
    pub choices: Vec<String>,
}

/// The next hosts to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// So many more.
    Count(u32),
    /// Until so many of a hundred hosts are through.
    Percent(u8),
    /// Exactly these.
    Hosts(Vec<HostName>),
}

/// What happens between two batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetweenBatches {
    /// The next one goes at once.
    #[default]
    None,
    /// A person lets the next one go.
    Confirm,
    /// The next one goes after a while.
    Wait {
        /// How long.
        seconds: u64,
    },
}

/// What happens when too many hosts fail after the switch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Every host that switched goes back.
    #[default]
    Revert,
    /// Everything stays as it is until a person retries, skips or reverts.
    Hold,
}

/// In which portions hosts are released to, and what happens when some fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// The portions; empty: all hosts at once.
    pub batches: Vec<BatchSize>,
    /// What happens between two of them.
    pub pause: BetweenBatches,
    /// The deployment ends when so many hosts have failed. At least 1.
    pub max_failures: u32,
    /// How it ends then.
    pub on_failure: OnFailure,
}

/// All hosts at once; the first failure takes all of them back.
impl Default for Strategy {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            pause: BetweenBatches::default(),
            max_failures: 1,
            on_failure: OnFailure::default(),
        }
    }
}

/// From where a health check looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthFrom {
    /// On each host.
    #[default]
    Host,
    /// On the server, at each host.
    Server,
}

/// What a health check asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheck {
    /// A URL. `{address}` in it is the host's address.
    Http {
        /// The URL.
        url: String,
        /// The status that is wanted; `None`: 200 to 399.
        status: Option<u16>,
    },
    /// Whether a port takes connections: `host:port`, with `{address}` as in a URL.
    Tcp {
        /// Where.
        address: String,
    },
    /// A script on the host that ends with 0.
    Command {
        /// The script.
        run: String,
    },
}

/// What must hold on a host before it counts as released to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What is asked.
    pub check: HealthCheck,
    /// From where.
    pub from: HealthFrom,
    /// How often it is asked again before the host counts as failed.
    pub retries: u32,
    /// Between two tries, in milliseconds.
    pub interval_ms: u64,
    /// For one try, in milliseconds.
    pub timeout_ms: u64,
}

/// Where a host gets the files that have not changed since the release before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unchanged {
    /// Copies, which share their blocks where the file system can do that.
    #[default]
    Copy,
    /// The same files: for apps that never write into a release.
    Hardlink,
}

/// What is checked on a host before a release counts as staged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Every file that was sent.
    #[default]
    Sent,
    /// Every file.
    Full,
}

/// Whether what is sent is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compress {
    /// Where the way to the host is long.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// How files get to hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Where unchanged files come from.
    pub unchanged: Unchanged,
    /// What is checked.
    pub verify: Verify,
    /// Whether it is compressed.
    pub compress: Compress,
}
