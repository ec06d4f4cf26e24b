//! What a fake forge remembers, and the records in which a test asks about it.

use super::webhooks::{Delivery, NewPullRequest};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What our credential may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// As if there were no such repository.
    Hidden,
    /// Read; writing is refused.
    Read,
    /// Read and write; webhooks and deploy keys are refused.
    Write,
    /// Everything.
    Admin,
}

/// One thing that can be withheld from our credential in one repository, whatever its access is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Setting commit statuses.
    Statuses,
    /// Deployments and their statuses.
    Deployments,
    /// Webhooks and what they delivered.
    Hooks,
    /// Listing pull requests, and commenting on them.
    Changes,
    /// Merging them.
    Merges,
    /// Check runs.
    Checks,
    /// Deploy keys.
    DeployKeys,
}

/// What happens to a request to the API instead of an answer, or to the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status from 400 up and no words that help.
    Status(u16),
    /// 429 with `retry-after`.
    RetryAfter(Duration),
    /// The answer of a forge whose budget is used up, full again after this time: GitHub's 403 with
    /// `x-ratelimit-remaining: 0`, a 429 elsewhere.
    HourlyLimit(Duration),
    /// 403 with nothing but the words "secondary rate limit".
    SecondaryLimit,
    /// The connection ends before anything is done.
    DropBefore,
    /// The request is carried out, and the connection ends before the answer.
    DropAfter,
    /// The request is carried out, and the answer comes after this time.
    Slow(Duration),
    /// A redirect of this status (301, 302, 307, …) to this address.
    Redirect(u16, String),
}

/// One request to the API, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method and path: `GET /repos/acme/shop`.
    pub line: String,
    /// Its query, without the question mark; empty when there is none.
    pub query: String,
    /// Its headers; lowercase names.
    pub headers: BTreeMap<String, String>,
    /// Its body, as text.
    pub body: String,
}

/// A commit status (at Gitee: a state of a check run) as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `owner/name`.
    pub repository: String,
    /// The commit's id.
    pub sha: String,
    /// Its context, as it was written.
    pub context: String,
    /// The branch or tag that it was set for; empty where the forge does not ask.
    pub reference: String,
    /// Its state, in our words.
    pub state: CommitState,
    /// Its state, in the forge's word: `running`, `failed`, `completed/success`.
    pub word: String,
    /// Its description.
    pub description: String,
    /// Its link; empty when there was none.
    pub target_url: String,
}

/// A deployment as it was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// The forge's number.
    pub number: i64,
    /// `owner/name`.
    pub repository: String,
    /// The commit's id.
    pub sha: String,
    /// As it was asked for.
    pub reference: String,
    /// Whether that is a tag; GitHub does not ask.
    pub is_tag: bool,
    /// The environment's name.
    pub environment: String,
    /// What was sent along; an empty object when nothing was.
    pub payload: Value,
    /// What its maker said; may be empty.
    pub description: String,
    /// Login of its maker.
    pub creator: String,
    /// Its states, oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

impl Deployment {
    /// The forge's word for its state now; empty before the first.
    #[must_use]
    pub fn state(&self) -> &str {
        self.statuses.last().map_or("", |status| &status.word)
    }
}

/// One state of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentStatus {
    /// The forge's word: `in_progress`, `running`.
    pub word: String,
    /// Its description; may be empty.
    pub description: String,
    /// Where the log is; may be empty.
    pub log_url: String,
    /// Where the result can be seen; may be empty.
    pub environment_url: String,
}

/// A comment on a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `owner/name`.
    pub repository: String,
    /// The pull request's number.
    pub number: i64,
    /// Its text.
    pub body: String,
}

/// A deploy key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// `owner/name`.
    pub repository: String,
    /// Its title.
    pub title: String,
    /// The public key.
    pub key: String,
    /// Whether it can't push.
    pub read_only: bool,
}

/// A webhook that was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number.
    pub id: i64,
    /// `owner/name`.
    pub repository: String,
    /// Where it delivers to.
    pub url: String,
    /// What it signs with; empty when it has none.
    pub secret: String,
    /// Whether it signs in the forge's newer way: GitLab's signing token, Gitee's signature.
    pub signs: bool,
    /// What it tells about, in the forge's words: `push`, `push_events`.
    pub events: Vec<String>,
    /// Whether it delivers.
    pub active: bool,
    /// Whether its body is a form.
    pub form: bool,
    /// Failures in a row: GitLab disables a hook for a while after 4, and for good after 40.
    pub failures: u32,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number; each attempt has one of its own.
    pub id: i64,
    /// The hook's number.
    pub hook: i64,
    /// The delivery's id, which a redelivery keeps.
    pub guid: String,
    /// Milliseconds since 1970, by the fake's clock.
    pub at: i64,
    /// What the receiver answered; 0 when nobody did.
    pub status: u16,
    /// Whether it was asked for afterwards.
    pub redelivery: bool,
    /// What was sent.
    pub delivery: Delivery,
}

/// A check run, as Gitee keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckRun {
    pub(super) repository: String,
    pub(super) sha: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) details_url: String,
    pub(super) summary: String,
}

/// Where a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    /// Somebody merges it just now.
    Merging,
    Merged,
    Closed,
}

/// What a reviewer said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Fine.
    Approved,
    /// Not like this.
    ChangesRequested,
}

/// A merge as it was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// `owner/name`.
    pub repository: String,
    /// The pull request's number.
    pub number: i64,
    /// The head that was merged.
    pub head: CommitSha,
    /// The forge's word for how: `merge`, `squash`, `rebase`.
    pub method: String,
    /// Where the base branch was before; `None` without real repositories.
    pub before: Option<CommitSha>,
    /// Where it is after.
    pub commit: CommitSha,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) repository: String,
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) author: String,
    pub(super) head_repository: Option<String>,
    pub(super) head_branch: String,
    pub(super) head: CommitSha,
    pub(super) base_branch: String,
    pub(super) draft: bool,
    pub(super) standing: Standing,
    pub(super) merge_commit: Option<CommitSha>,
    pub(super) labels: Vec<String>,
    /// In the order in which they were given.
    pub(super) reviews: Vec<(String, Review)>,
    /// Whether the forge was asked to merge it when it can.
    pub(super) auto_merge: bool,
    /// Whether it contradicts its base, where no real repository says so.
    pub(super) conflicts: bool,
    /// A rule of the forge's own that is in the way, in its words.
    pub(super) blocked: Option<String>,
    /// The head and the base that the forge has looked at for conflicts.
    pub(super) looked_at: Option<(String, String)>,
}

impl Change {
    pub(super) fn of(new: &NewPullRequest<'_>) -> Self {
        Self {
            repository: new.repository.to_owned(),
            number: new.number,
            title: new.title.to_owned(),
            author: new.author.to_owned(),
            head_repository: new.head_repository.map(str::to_owned),
            head_branch: new.head_branch.to_owned(),
            head: new.head.clone(),
            base_branch: new.base_branch.to_owned(),
            draft: new.draft,
            standing: Standing::Open,
            merge_commit: None,
            labels: Vec::new(),
            reviews: Vec::new(),
            auto_merge: false,
            conflicts: false,
            blocked: None,
            looked_at: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Open | Standing::Merging)
    }

    /// Each reviewer's last word.
    pub(super) fn last_reviews(&self) -> BTreeMap<String, Review> {
        self.reviews.iter().cloned().collect()
    }
}

/// A repository and what we may do there.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    pub(super) id: i64,
    pub(super) access: Access,
    pub(super) denied: BTreeSet<Permission>,
}

/// How many requests are left until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// Milliseconds since 1970.
    pub(super) reset: i64,
    /// How long one budget is for, in milliseconds.
    pub(super) window: i64,
}

/// A GitHub App that is installed at one account.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    pub(super) app: String,
    pub(super) id: i64,
    pub(super) owner: String,
    /// DER of the App's public key.
    pub(super) public_key: Vec<u8>,
    /// Tokens that were given out, and until when (seconds since 1970) they hold.
    pub(super) tokens: Vec<(String, i64)>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) statuses: Vec<Status>,
    pub(super) check_runs: Vec<CheckRun>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) comments: Vec<Comment>,
    pub(super) deploy_keys: Vec<DeployKey>,
    pub(super) hooks: Vec<Hook>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) changes: Vec<Change>,
    /// Repository and login, and whether that person may push there.
    pub(super) people: BTreeMap<(String, String), bool>,
    pub(super) merges: Vec<Merge>,
    /// What the webhooks would tell of merges: a position in `merges`.
    pub(super) untold: Vec<usize>,
    pub(super) installations: Vec<Installation>,
    pub(super) requests: Vec<Request>,
    /// What the request's line has to hold, and the fault.
    pub(super) faults: VecDeque<(String, Fault)>,
    pub(super) scopes: Option<String>,
    pub(super) signature: Option<davit_domain::config::HookSignature>,
    pub(super) budget: Option<Budget>,
    /// How many creations a minute are allowed, and when those of the last minute were.
    pub(super) creations: Option<(u64, Vec<i64>)>,
}
