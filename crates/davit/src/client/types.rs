//! What the server's API says, as far as the command line reads it.
//!
//! Every object keeps what it does not know in `more`, so that `--json` passes on all that the server sent. The shapes
//! are the client's own: the server's live in the api crate, and the two meet at the wire alone.

use super::pause::Pause;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fields of an object that have no name here.
pub(crate) type More = Map<String, Value>;

/// A part of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Where the next part starts; `None`: this is the end.
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// Who is logged in, and to what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The person.
    pub(crate) user: User,
    /// The server's version.
    pub(crate) version: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A person with an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    /// Login name.
    pub(crate) name: String,
    /// What they may do everywhere; `None`: only what grants give.
    pub(crate) role: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl User {
    /// The role on everything, as people read it.
    pub(crate) fn role(&self) -> &str {
        self.role.as_deref().unwrap_or("granted roles alone")
    }
}

/// What is live where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Overview {
    /// Apps with a cell for every environment they are released to.
    pub(crate) apps: Vec<OverviewApp>,
    /// Deployments under way.
    pub(crate) running: Vec<Deployment>,
    /// Requests that wait for somebody.
    pub(crate) waiting: Vec<Request>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One app of the overview.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OverviewApp {
    /// Its key.
    pub(crate) key: String,
    /// One for every environment it is released to.
    pub(crate) cells: Vec<OverviewCell>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// An app in an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OverviewCell {
    /// The environment's key.
    pub(crate) environment: String,
    /// What is live there.
    pub(crate) live: Option<Live>,
    /// The newest deployment, whatever became of it.
    pub(crate) last: Option<Deployment>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A release that is live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Live {
    /// Its name.
    pub(crate) release: String,
    /// The commit it was built from.
    pub(crate) commit: String,
    /// Since when.
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Where a release request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RequestState {
    AwaitingReview,
    AwaitingRelease,
    Releasing,
    Succeeded,
    Failed,
    Rejected,
    Withdrawn,
    Cancelled,
    Superseded,
}

impl RequestState {
    /// The API's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingReview => "awaiting_review",
            Self::AwaitingRelease => "awaiting_release",
            Self::Releasing => "releasing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// Whether somebody has to do something before anything is released.
    pub(crate) const fn waits(self) -> bool {
        matches!(self, Self::AwaitingReview | Self::AwaitingRelease)
    }
}

/// A release request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Its number.
    pub(crate) id: i64,
    /// The app's key.
    pub(crate) app: String,
    /// The environment's key.
    pub(crate) environment: String,
    /// `regular`, `rollback` or `auto`.
    pub(crate) kind: String,
    /// Where it stands.
    pub(crate) state: RequestState,
    /// The commit it asks to release.
    pub(crate) commit: String,
    /// What it is for.
    pub(crate) title: String,
    /// Who made it.
    pub(crate) created_by: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// Who approved it last, or rejected it.
    #[serde(default)]
    pub(crate) decided_by: Option<String>,
    /// Why it was rejected or failed.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Approvals it needs.
    #[serde(default)]
    pub(crate) required_approvals: u32,
    /// Approvals it has, while it waits for review.
    #[serde(default)]
    pub(crate) approvals: Vec<Value>,
    /// Its newest deployment.
    #[serde(default)]
    pub(crate) deployment: Option<i64>,
    /// Grows with every edit.
    #[serde(default)]
    pub(crate) version: i64,
    /// What more there is to know.
    #[serde(default)]
    pub(crate) description: String,
    /// What reviewers said.
    #[serde(default)]
    pub(crate) reviews: Vec<ReviewWord>,
    /// When it goes out by itself.
    #[serde(default)]
    pub(crate) scheduled_at: Option<Timestamp>,
    /// What keeps it from going out now.
    #[serde(default)]
    pub(crate) waits_for: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a reviewer said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReviewWord {
    /// Who.
    pub(crate) user: String,
    /// `approve` or `reject`.
    pub(crate) verdict: String,
    /// Why.
    pub(crate) reason: Option<String>,
    /// About which version.
    pub(crate) version: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// Whether it counts no more.
    pub(crate) void: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeploymentState {
    Queued,
    Building,
    Staging,
    Switching,
    Verifying,
    Succeeded,
    Paused,
    Failed,
    Reverting,
    Reverted,
    Cancelled,
    Superseded,
}

impl DeploymentState {
    /// The API's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Staging => "staging",
            Self::Switching => "switching",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// One attempt to carry a request out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    /// Its number.
    pub(crate) id: i64,
    /// The request it carries out.
    pub(crate) request: i64,
    /// The app's key.
    pub(crate) app: String,
    /// The environment's key.
    pub(crate) environment: String,
    /// Where it stands.
    pub(crate) state: DeploymentState,
    /// The commit it releases.
    pub(crate) commit: String,
    /// The name of the release directory.
    #[serde(default)]
    pub(crate) release: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Why it stands still.
    #[serde(default)]
    pub(crate) pause: Option<Pause>,
    /// The lock or freeze window that it waits for.
    #[serde(default)]
    pub(crate) blocked: Option<String>,
    /// In how many portions its hosts go.
    #[serde(default)]
    pub(crate) batches: Option<u32>,
    /// Host by host; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) host_runs: Vec<HostRun>,
    /// Step by step; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) steps: Vec<StepState>,
    /// The newest log line's number; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_seq: Option<u64>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a deployment does on one host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HostRun {
    /// The host's name.
    pub(crate) host: String,
    /// Where it stands there.
    pub(crate) state: String,
    /// Why it failed there.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// In which portion it goes, from 1.
    #[serde(default)]
    pub(crate) batch: Option<u32>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A step, or an action of a custom release config.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StepState {
    /// 1 to 6; an action's place plus 10.
    pub(crate) number: u8,
    /// What it does.
    pub(crate) title: String,
    /// Where it stands.
    pub(crate) state: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One line of a deployment's log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Its number within the deployment, rising.
    pub(crate) seq: u64,
    /// When it was written.
    pub(crate) at: Timestamp,
    /// On which host; `None`: on the server.
    pub(crate) host: Option<String>,
    /// In which of the six steps.
    pub(crate) step: u8,
    /// The text, with the escape sequences that the program wrote.
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A release that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Release {
    /// Its name.
    pub(crate) release: String,
    /// The commit it was built from.
    pub(crate) commit: String,
    /// What it was for.
    pub(crate) title: String,
    /// Who released it.
    pub(crate) by: String,
    /// When.
    pub(crate) at: Timestamp,
    /// Where it lies.
    pub(crate) hosts: Vec<String>,
    /// Whether it is what is served.
    pub(crate) live: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Where code goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Host {
    /// Its name.
    pub(crate) name: String,
    /// `ssh` or `local`.
    pub(crate) kind: String,
    /// DNS name or IP address.
    #[serde(default)]
    pub(crate) address: String,
    /// TCP port.
    pub(crate) port: Option<u16>,
    /// Login name.
    #[serde(default)]
    pub(crate) user: String,
    /// Environments it belongs to.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// The pinned host key's fingerprint.
    #[serde(default)]
    pub(crate) host_key_fingerprint: Option<String>,
    /// How the newest check went.
    #[serde(default)]
    pub(crate) check: Option<HostCheck>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// How a check of a host went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HostCheck {
    /// Whether releases can go there.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) detail: String,
    /// The fingerprint of the key that the host showed.
    #[serde(default)]
    pub(crate) fingerprint: Option<String>,
    /// What was found, for programs; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One webhook request as it came in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Its number.
    pub(crate) id: i64,
    /// Where it came from.
    pub(crate) forge: String,
    /// The forge's name of what happened.
    pub(crate) event: String,
    /// When it came.
    pub(crate) received_at: Timestamp,
    /// What became of it.
    pub(crate) verdict: String,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// What it says, in short.
    #[serde(default)]
    pub(crate) summary: Option<String>,
    /// Header names and values; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    /// The body as it came; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// The requests that it started; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) started: Vec<Started>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a delivery started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The request.
    pub(crate) request: i64,
    /// Its deployment.
    pub(crate) deployment: Option<i64>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A code platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Forge {
    /// The last part of its hook URL.
    pub(crate) id: String,
    /// `github`, `gitlab`, `gitea`, `gitee`, `generic`.
    pub(crate) kind: String,
    /// Where it sends its webhooks to.
    pub(crate) hook_url: String,
    /// Whether davit has a token for it.
    pub(crate) has_token: bool,
    /// Whether davit can check its signatures.
    pub(crate) has_webhook_secret: bool,
    /// Of the apps, there.
    #[serde(default)]
    pub(crate) repositories: Vec<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}
