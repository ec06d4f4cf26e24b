//! The client: pushes as GitHub sends them, signed, all at once.

use anyhow::ensure;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;
use std::time::SystemTime;
use tokio::task::JoinSet;

/// What deliveries are signed with.
pub(crate) const SECRET: &str = "a secret for a measurement";
/// The repository that is pushed to.
pub(crate) const REPOSITORY: &str = "bench/ci";
const PUSH: &str = include_str!("../../../../crates/forge/tests/payloads/push.branch.json");

pub(crate) struct Client {
    http: reqwest::Client,
    hook: String,
    payload: Value,
}

impl Client {
    pub(crate) fn new(address: &str) -> anyhow::Result<Self> {
        let mut payload: Value = serde_json::from_str(PUSH)?;
        payload["repository"]["full_name"] = json!(REPOSITORY);
        payload["ref"] = json!("refs/heads/main");
        let http = reqwest::Client::builder().tls_certs_only([]).build()?;
        Ok(Self { http, hook: format!("http://{address}/hooks/github"), payload })
    }

    /// Sends one push for each commit, all at the same time; when each was sent.
    pub(crate) async fn push_all(&self, commits: &[String]) -> anyhow::Result<Vec<(String, SystemTime)>> {
        let mut under_way = JoinSet::new();
        for commit in commits {
            let request = self.request(commit)?;
            let commit = commit.clone();
            under_way.spawn(async move {
                #[expect(clippy::disallowed_methods, reason = "the server's clock is this machine's")]
                let sent = SystemTime::now();
                let status = request.send().await?.status();
                ensure!(status == 202, "a push was answered with {status}");
                Ok((commit, sent))
            });
        }
        under_way.join_all().await.into_iter().collect()
    }

    fn request(&self, commit: &str) -> anyhow::Result<reqwest::RequestBuilder> {
        let mut payload = self.payload.clone();
        payload["after"] = json!(commit);
        payload["head_commit"]["id"] = json!(commit);
        let body = payload.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
        mac.update(body.as_bytes());
        let mut signature = String::new();
        for byte in mac.finalize().into_bytes() {
            write!(signature, "{byte:02x}")?;
        }
        let request = self.http.post(&self.hook).header("content-type", "application/json").body(body);
        let request = request.header("x-github-event", "push").header("x-github-delivery", commit);
        Ok(request.header("x-hub-signature-256", format!("sha256={signature}")))
    }
}
