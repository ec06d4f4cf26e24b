//! More of what the server's API says: see [`types`](super::types), whose rules hold here too.

use super::types::More;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// Its number.
    pub(crate) id: i64,
    /// Where nothing is released.
    pub(crate) environment: String,
    /// Of which app; `None`: of every app.
    pub(crate) app: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Who locked.
    pub(crate) owner: String,
    /// When.
    pub(crate) created_at: Timestamp,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A kept build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Build {
    /// Its number.
    pub(crate) id: i64,
    /// The app's key.
    pub(crate) app: String,
    /// Of its content.
    pub(crate) digest: String,
    /// `git` or `upload`.
    pub(crate) source: String,
    /// The commit.
    pub(crate) commit: String,
    /// A line for people.
    pub(crate) title: String,
    /// Who made it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: Timestamp,
    /// Regular files.
    pub(crate) files: u64,
    /// Its size.
    pub(crate) bytes: u64,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// An uploaded file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Its number.
    pub(crate) id: i64,
    /// What transfers call it.
    pub(crate) name: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Who brought it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a host said when it was asked what it serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LiveCheck {
    /// The host.
    pub(crate) host: String,
    /// `ok`, `drift`, `unreachable`, `unknown`.
    pub(crate) verdict: String,
    /// What it serves.
    pub(crate) live: Option<String>,
    /// What davit put there.
    pub(crate) expected: Option<String>,
    /// What differs.
    pub(crate) detail: LiveDetail,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What differs on a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LiveDetail {
    /// For people.
    pub(crate) sentence: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A stored secret; its value stays on the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Secret {
    /// Its name.
    pub(crate) name: String,
    /// When it was set last.
    pub(crate) updated_at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// The key that a host shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScannedKey {
    /// The host.
    pub(crate) host: String,
    /// Of the key that it shows.
    pub(crate) fingerprint: Option<String>,
    /// `new`, `same`, `changed`, `failed`.
    pub(crate) status: String,
    /// For people.
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl ScannedKey {
    /// The key of a host that has none pinned yet.
    pub(crate) fn first_key(&self) -> Option<AcceptKey> {
        let fingerprint = self.fingerprint.clone().filter(|_| self.status == "new")?;
        Some(AcceptKey { host: self.host.clone(), fingerprint })
    }
}

/// A key that a person has compared.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AcceptKey {
    /// The host.
    pub(crate) host: String,
    /// The key's fingerprint.
    pub(crate) fingerprint: String,
}

/// What came of a `known_hosts` file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyImport {
    /// Hosts that have a pinned key now.
    pub(crate) pinned: Vec<String>,
    /// Hosts that have another one.
    pub(crate) conflicts: Vec<String>,
    /// Lines of hosts that davit does not know.
    pub(crate) unknown: u64,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    /// Its id.
    pub(crate) id: String,
    /// What it is.
    pub(crate) kind: String,
    /// What it hears of; `None`: everything.
    pub(crate) events: Option<Vec<String>>,
    /// The notice that ended last.
    pub(crate) last: Option<LastNotice>,
    /// How many notices wait.
    pub(crate) waiting: i64,
    /// How many notices were given up.
    pub(crate) dead: i64,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What became of a notice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LastNotice {
    /// When.
    pub(crate) at: Timestamp,
    /// Whether the receiver took it.
    pub(crate) ok: bool,
    /// Why not.
    pub(crate) detail: String,
}

/// What came of a try of a channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// Whether the receiver took it.
    pub(crate) ok: bool,
    /// Why not.
    pub(crate) detail: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a channel would be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Preview {
    /// Marked up as the channel takes it.
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Something that a person has to look at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Alert {
    /// Its number.
    pub(crate) id: i64,
    /// What sort of thing.
    pub(crate) kind: String,
    /// What it is about.
    pub(crate) subject: String,
    /// What is wrong.
    pub(crate) detail: String,
    /// Since when.
    pub(crate) since: Timestamp,
    /// When it was over.
    pub(crate) ended_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// An environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Environment {
    /// Its key.
    pub(crate) key: String,
    /// What people read.
    pub(crate) name: String,
    /// Approvals that a request needs.
    pub(crate) required_approvals: u32,
    /// What may be released there; `None`: everything.
    pub(crate) branches: Option<Vec<String>>,
    /// What keeps releases from it now.
    pub(crate) gate: Gate,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What keeps releases from an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gate {
    /// Whether a release would start now.
    pub(crate) open: bool,
    /// Why not.
    pub(crate) reason: Option<String>,
    /// When it opens by itself.
    #[serde(default)]
    pub(crate) until: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// An app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct App {
    /// Its key.
    pub(crate) key: String,
    /// What people read.
    pub(crate) name: String,
    /// Where its code comes from.
    pub(crate) repository: More,
    /// Where it is released to.
    pub(crate) environments: Vec<AppEnvironment>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A place that an app is released to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppEnvironment {
    /// Its key.
    pub(crate) environment: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Branches and tags.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refs {
    /// Newest first.
    pub(crate) branches: Vec<GitRef>,
    /// Newest first.
    pub(crate) tags: Vec<GitRef>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A branch or tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GitRef {
    /// Its short name.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) commit: String,
    /// That commit's first line.
    pub(crate) subject: String,
    /// When that was made.
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Commit {
    /// The whole of it.
    pub(crate) sha: String,
    /// Who made it.
    pub(crate) author: String,
    /// When.
    pub(crate) at: Timestamp,
    /// Its first line.
    pub(crate) subject: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Something that was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hit {
    /// `app`, `request` and the like.
    pub(crate) kind: String,
    /// What commands call it.
    pub(crate) key: String,
    /// What people read.
    pub(crate) title: String,
    /// What tells it from others.
    #[serde(default)]
    pub(crate) detail: String,
    /// Of what has one.
    pub(crate) state: Option<String>,
    /// When it was made.
    pub(crate) at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// The delivery figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// How many days.
    pub(crate) days: u16,
    /// These.
    pub(crate) period: Delivered,
    /// As many before.
    pub(crate) before: Delivered,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What happened in a span of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivered {
    /// Changes that went live.
    pub(crate) live: u64,
    /// A day.
    pub(crate) per_day: f64,
    /// From 0 to 1; `None`: there were no changes.
    pub(crate) failure_rate: Option<f64>,
    /// From the commit to live.
    pub(crate) lead: Option<Spread>,
    /// From a failure until it was good again.
    pub(crate) restore: Option<Spread>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Times that belong together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Half of them are shorter. Seconds.
    pub(crate) median: u64,
    #[serde(flatten)]
    pub(crate) more: More,
}
