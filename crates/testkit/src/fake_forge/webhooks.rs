//! The deliveries that the fake's webhook would send: GitHub's real payloads with other names in them, signed.

use super::FakeGitHub;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use davit_domain::ids::CommitSha;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const PUSH: &str = include_str!("../../../forge/tests/payloads/push.branch.json");
const PING: &str = include_str!("../../../forge/tests/payloads/ping.json");
const PULL_REQUEST: &str = include_str!("../../../forge/tests/payloads/pull_request.opened.json");

/// No commit, in GitHub's spelling.
const ZERO: &str = "0000000000000000000000000000000000000000";

/// One webhook request, ready to be sent as often as a test likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its headers, with the signature.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The id in `X-GitHub-Delivery`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.headers["x-github-delivery"].to_str().expect("ids are ASCII")
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

/// Something that happened to a pull request, to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct NewPullRequest<'a> {
    /// `owner/name` of the base.
    pub repository: &'a str,
    /// Its number.
    pub number: i64,
    /// `opened`, `synchronize`, `closed`, ….
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

impl FakeGitHub {
    /// What is sent when the hook is made.
    pub fn ping_delivery(&self, repository: &str) -> Delivery {
        let mut payload = self.template(PING, repository);
        payload["hook"]["config"]["content_type"] = json!("json");
        self.sign("ping", &payload)
    }

    /// What is sent after a push.
    pub fn push_delivery(&self, push: &NewPush<'_>) -> Delivery {
        let mut payload = self.template(PUSH, push.repository);
        payload["ref"] = json!(push.git_ref);
        payload["before"] = json!(push.before.map_or(ZERO, CommitSha::as_str));
        payload["after"] = json!(push.after.map_or(ZERO, CommitSha::as_str));
        payload["created"] = json!(push.before.is_none());
        payload["deleted"] = json!(push.after.is_none());
        payload["pusher"]["name"] = json!(push.pusher);
        payload["sender"]["login"] = json!(push.pusher);
        if let Some(after) = push.after {
            payload["head_commit"]["id"] = json!(after.as_str());
            payload["head_commit"]["message"] = json!(push.message);
            payload["commits"] = json!([payload["head_commit"]]);
        } else {
            payload["head_commit"] = Value::Null;
            payload["commits"] = json!([]);
        }
        self.sign("push", &payload)
    }

    /// What is sent when something happens to a pull request.
    pub fn pull_request_delivery(&self, new: &NewPullRequest<'_>) -> Delivery {
        let mut payload = self.template(PULL_REQUEST, new.repository);
        payload["action"] = json!(new.action);
        payload["number"] = json!(new.number);
        let pull_request = &mut payload["pull_request"];
        pull_request["number"] = json!(new.number);
        pull_request["title"] = json!(new.title);
        pull_request["user"]["login"] = json!(new.author);
        pull_request["draft"] = json!(new.draft);
        pull_request["state"] = json!(if new.action == "closed" { "closed" } else { "open" });
        pull_request["merged"] = json!(new.merge_commit.is_some());
        pull_request["merge_commit_sha"] = json!(new.merge_commit.map(CommitSha::as_str));
        pull_request["head"]["ref"] = json!(new.head_branch);
        pull_request["head"]["sha"] = json!(new.head.as_str());
        pull_request["base"]["ref"] = json!(new.base_branch);
        match new.head_repository {
            Some(head) => rename(&mut pull_request["head"]["repo"], head),
            None => pull_request["head"]["repo"] = Value::Null,
        }
        self.sign("pull_request", &payload)
    }

    /// Any event with any payload, signed, under a delivery id of its own.
    pub fn sign(&self, event: &str, payload: &Value) -> Delivery {
        let body = serde_json::to_vec(payload).expect("JSON values are JSON");
        self.sign_body(event, "application/json", body)
    }

    /// The same with the JSON in a form, as a hook with that content type sends it.
    pub fn sign_form(&self, event: &str, payload: &Value) -> Delivery {
        let json = serde_json::to_vec(payload).expect("JSON values are JSON");
        let encoded: String = json.iter().map(|byte| format!("%{byte:02X}")).collect();
        self.sign_body(event, "application/x-www-form-urlencoded", format!("payload={encoded}").into_bytes())
    }

    fn sign_body(&self, event: &str, content_type: &str, body: Vec<u8>) -> Delivery {
        let secret = self.webhook_secret();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("an HMAC takes a key of any length");
        mac.update(&body);
        let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = [
            ("content-type", content_type.to_owned()),
            ("user-agent", "GitHub-Hookshot/davit".to_owned()),
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", self.next_delivery_id()),
            ("x-github-hook-id", "109948940".to_owned()),
            ("x-github-enterprise-host", self.web_url().trim_start_matches("http://").to_owned()),
            ("x-hub-signature-256", format!("sha256={signature}")),
        ];
        let headers = headers.into_iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a header value"))
        });
        Delivery { headers: headers.collect(), body }
    }

    /// A real payload, moved to this server and this repository.
    fn template(&self, text: &str, repository: &str) -> Value {
        let text = text
            .replace("Codertocat/Hello-World", repository)
            .replace("https://api.github.com", &self.api_url())
            .replace("https://github.com", self.web_url());
        let mut payload: Value = serde_json::from_str(&text).expect("the payload is JSON");
        for path in ["/repository", "/pull_request/base/repo"] {
            if let Some(repo) = payload.pointer_mut(path) {
                rename(repo, repository);
            }
        }
        payload
    }
}

/// Gives a repository object another name, where it is read.
fn rename(repo: &mut Value, full_name: &str) {
    let (owner, name) = full_name.split_once('/').expect("owner/name");
    repo["full_name"] = json!(full_name);
    repo["name"] = json!(name);
    repo["owner"]["login"] = json!(owner);
}
