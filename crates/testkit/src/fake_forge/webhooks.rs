//! The deliveries that a fake's webhooks would send: the forge's own payloads with other names in them, signed as the
//! forge signs. What is in a payload, and which headers are around it, is the forge's own module's.

mod gitea;
mod gitee;
mod github;
mod gitlab;

use super::model::Review;
use super::{FakeForge, Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

pub(super) use github::pull_request as github_pull_request;

/// No commit, as all forges write it.
const ZERO: &str = "0000000000000000000000000000000000000000";

/// One webhook request, ready to be sent as often as a test likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its headers, with the signature.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// The forge's name of the event, as it is in the header.
    pub(super) event: String,
    /// The id of the delivery, which a repetition keeps.
    pub(super) guid: String,
    /// What is told, before it is signed or put into a form.
    pub(super) json: Vec<u8>,
}

impl Delivery {
    /// The id that the forge gave it. Gitee gives none to the receiver.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.guid
    }
}

/// A push to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct NewPush<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// In full: `refs/heads/main`, `refs/tags/v1`.
    pub git_ref: &'a str,
    /// Where it was; `None` makes it.
    pub before: Option<&'a CommitSha>,
    /// Where it is; `None` deletes it.
    pub after: Option<&'a CommitSha>,
    /// The message of the commit that it is at.
    pub message: &'a str,
    /// Login of who pushed.
    pub pusher: &'a str,
}

impl NewPush<'_> {
    fn is_tag(&self) -> bool {
        self.git_ref.starts_with("refs/tags/")
    }

    fn before(&self) -> &str {
        self.before.map_or(ZERO, CommitSha::as_str)
    }

    fn after(&self) -> &str {
        self.after.map_or(ZERO, CommitSha::as_str)
    }
}

/// Something that happened to a pull or merge request, to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct NewPullRequest<'a> {
    /// `owner/name` of the base.
    pub repository: &'a str,
    /// Its number.
    pub number: i64,
    /// In GitHub's words: `opened`, `synchronize`, `edited`, `reopened`, `closed`. Other forges say it in their own.
    pub action: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Login of its author.
    pub author: &'a str,
    /// `owner/name` of where it comes from; `None` when that was deleted.
    pub head_repository: Option<&'a str>,
    /// The branch it comes from.
    pub head_branch: &'a str,
    /// The commit under review.
    pub head: &'a CommitSha,
    /// The branch it goes to.
    pub base_branch: &'a str,
    /// Not ready to merge.
    pub draft: bool,
    /// The commit that its merge made; `None` while it is not merged.
    pub merge_commit: Option<&'a CommitSha>,
}

/// A deployment at the forge, to be delivered or to be there.
#[derive(Debug, Clone, Copy)]
pub struct NewDeployment<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// The forge's number; not read where the fake gives one.
    pub number: i64,
    /// The forge's name of the environment.
    pub environment: &'a str,
    /// What is to be deployed.
    pub commit: &'a CommitSha,
    /// A branch, tag or SHA.
    pub reference: &'a str,
    /// What the maker said.
    pub description: &'a str,
    /// What the maker sent along: JSON text, empty when nothing.
    pub payload: &'a str,
    /// Login of the maker.
    pub by: &'a str,
}

impl NewDeployment<'_> {
    pub(super) fn payload(&self) -> Value {
        if self.payload.is_empty() {
            return serde_json::json!({});
        }
        serde_json::from_str(self.payload).expect("the payload is JSON")
    }
}

/// A check of a commit by somebody else, to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct NewStatus<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// The commit.
    pub commit: &'a CommitSha,
    /// Context or name.
    pub name: &'a str,
    /// Its state.
    pub state: CommitState,
    /// Its description.
    pub description: &'a str,
    /// Its link; may be empty.
    pub target_url: &'a str,
}

/// A comment on a change, to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct NewComment<'a> {
    /// `owner/name` of the base.
    pub repository: &'a str,
    /// The change's number.
    pub number: i64,
    /// Login of who wrote it.
    pub author: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// What a forge tells: the name of the event, and the payload.
struct Told {
    event: String,
    payload: Value,
}

impl Told {
    fn new(event: &str, payload: Value) -> Self {
        Self { event: event.to_owned(), payload }
    }
}

impl FakeForge {
    /// What is sent when a hook is made or tried out.
    ///
    /// # Panics
    /// Where the forge sends none: GitLab and Gitea try a hook out with a push.
    pub fn ping_delivery(&self, repository: &str) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github => github::ping(&self.shared, repository),
            ForgeKind::Gitee => gitee::ping(&self.shared, repository),
            kind @ (ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Generic) => no_event(kind, "pings"),
        })
    }

    /// What is sent after a push.
    pub fn push_delivery(&self, push: &NewPush<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github | ForgeKind::Generic => github::push(&self.shared, push),
            ForgeKind::Gitlab => gitlab::push(&self.shared, push),
            ForgeKind::Gitea => gitea::push(&self.shared, push),
            ForgeKind::Gitee => gitee::push(&self.shared, push),
        })
    }

    /// What is sent when something happens to a pull or merge request.
    pub fn pull_request_delivery(&self, new: &NewPullRequest<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github | ForgeKind::Generic => github::change(&self.shared, new),
            ForgeKind::Gitlab => gitlab::change(&self.shared, new),
            ForgeKind::Gitea => gitea::change(&self.shared, new),
            ForgeKind::Gitee => gitee::change(&self.shared, new),
        })
    }

    /// What is sent when somebody comments on a change.
    pub fn comment_delivery(&self, new: &NewComment<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github | ForgeKind::Generic => github::comment(&self.shared, new),
            ForgeKind::Gitlab => gitlab::comment(&self.shared, new),
            ForgeKind::Gitea => gitea::comment(&self.shared, new),
            ForgeKind::Gitee => gitee::comment(&self.shared, new),
        })
    }

    /// What is sent when somebody reviews a change.
    pub fn review_delivery(&self, new: &NewPullRequest<'_>, reviewer: &str, review: Review) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github | ForgeKind::Generic => github::review(&self.shared, new, reviewer, review),
            ForgeKind::Gitlab => gitlab::review(&self.shared, new, reviewer, review),
            ForgeKind::Gitea => gitea::review(&self.shared, new, reviewer, review),
            ForgeKind::Gitee => gitee::review(&self.shared, new, reviewer, review),
        })
    }

    /// What is sent when a deployment is made.
    ///
    /// # Panics
    /// Where the forge has no deployments.
    pub fn deployment_delivery(&self, new: &NewDeployment<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github => github::deployment(&self.shared, new),
            ForgeKind::Gitlab => gitlab::deployment(&self.shared, new, "running"),
            kind @ (ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic) => no_event(kind, "deployments"),
        })
    }

    /// What is sent when a deployment gets a state, which is in the forge's own words.
    ///
    /// # Panics
    /// Where the forge has no deployments.
    pub fn deployment_status_delivery(&self, of: &NewDeployment<'_>, state: &str) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github => github::deployment_status(&self.shared, of, state),
            ForgeKind::Gitlab => gitlab::deployment(&self.shared, of, state),
            kind @ (ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic) => no_event(kind, "deployments"),
        })
    }

    /// What is sent when a commit gets a status; at GitLab, when its pipeline does.
    ///
    /// # Panics
    /// Where the forge does not tell.
    pub fn status_delivery(&self, new: &NewStatus<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github => github::status(&self.shared, new),
            ForgeKind::Gitlab => gitlab::pipeline(&self.shared, new),
            ForgeKind::Gitea => gitea::status(&self.shared, new),
            kind @ (ForgeKind::Gitee | ForgeKind::Generic) => no_event(kind, "commit statuses"),
        })
    }

    /// What is sent when a check run gets a state.
    ///
    /// # Panics
    /// Where the forge does not tell: all but GitHub.
    pub fn check_run_delivery(&self, new: &NewStatus<'_>) -> Delivery {
        self.told(match self.kind() {
            ForgeKind::Github => github::check_run(&self.shared, new),
            kind @ (ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic) => {
                no_event(kind, "check runs")
            }
        })
    }

    /// Any event with any payload, signed, under a delivery id of its own.
    pub fn sign(&self, event: &str, payload: &Value) -> Delivery {
        let signing = Signing { form: false, ..self.shared.signing() };
        self.shared.signed(event, &self.next_delivery_id(), &to_bytes(payload), &signing)
    }

    /// The same with the JSON in a form, as a hook with that content type sends it.
    pub fn sign_form(&self, event: &str, payload: &Value) -> Delivery {
        let signing = Signing { form: true, ..self.shared.signing() };
        self.shared.signed(event, &self.next_delivery_id(), &to_bytes(payload), &signing)
    }

    fn told(&self, told: Told) -> Delivery {
        self.sign(&told.event, &told.payload)
    }
}

fn no_event(kind: ForgeKind, what: &str) -> ! {
    panic!("{kind:?} tells nobody about {what}")
}

fn to_bytes(payload: &Value) -> Vec<u8> {
    serde_json::to_vec(payload).expect("JSON values are JSON")
}

/// How a delivery is signed, and what its body is.
#[derive(Debug, Clone)]
pub(super) struct Signing {
    pub(super) secret: String,
    pub(super) signature: HookSignature,
    pub(super) form: bool,
}

impl Shared {
    /// Puts headers around a payload.
    pub(super) fn signed(&self, event: &str, guid: &str, json: &[u8], signing: &Signing) -> Delivery {
        let (headers, body) = match self.kind {
            ForgeKind::Github | ForgeKind::Generic => github::envelope(self, event, guid, json, signing),
            ForgeKind::Gitlab => gitlab::envelope(self, event, guid, json, signing),
            ForgeKind::Gitea => gitea::envelope(event, guid, json, signing),
            ForgeKind::Gitee => gitee::envelope(self, event, json, signing),
        };
        let headers = headers.into_iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a header value"))
        });
        Delivery {
            headers: headers.collect(),
            body,
            event: event.to_owned(),
            guid: guid.to_owned(),
            json: json.to_vec(),
        }
    }
}

/// Headers by their names, and a body.
type Envelope = (Vec<(&'static str, String)>, Vec<u8>);

/// The content type and the body, as JSON or in a form.
fn body(json: &[u8], form: bool) -> (String, Vec<u8>) {
    if !form {
        return ("application/json".to_owned(), json.to_vec());
    }
    let encoded: String = json.iter().map(|byte| format!("%{byte:02X}")).collect();
    ("application/x-www-form-urlencoded".to_owned(), format!("payload={encoded}").into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).expect("an HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Owner and name.
fn halves(repository: &str) -> (&str, &str) {
    repository.split_once('/').expect("owner/name")
}
