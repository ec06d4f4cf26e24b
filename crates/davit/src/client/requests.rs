//! Release requests: what is asked for, changed, said and done about them.

use super::things::Commit;
use super::types::{More, Request};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is to be released.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct DeployOrder {
    /// A branch or tag.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) git_ref: Option<String>,
    /// A full commit SHA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// What more there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// A kept build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<i64>,
    /// What is filled in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) inputs: BTreeMap<String, String>,
    /// These hosts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hosts: Option<Vec<String>>,
    /// When it goes out by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scheduled_at: Option<Timestamp>,
}

/// What can be done to a release request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestAction {
    Approve { reason: Option<String>, version: Option<i64> },
    Reject { reason: String, version: Option<i64> },
    Withdraw,
    Release { override_reason: Option<String>, version: Option<i64> },
    Retry { failed_only: bool },
    Clone { environment: Option<String>, title: Option<String> },
}

/// Several apps that are to be released together.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BatchOrder {
    /// The environment's key.
    pub(crate) environment: String,
    /// What they are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// What more there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Which.
    pub(crate) items: Vec<BatchOrderItem>,
    /// When they go out by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scheduled_at: Option<Timestamp>,
}

/// One app of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BatchOrderItem {
    /// The app's key.
    pub(crate) app: String,
    /// A branch, tag or commit; `None`: the default branch.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) git_ref: Option<String>,
}

/// Requests that were made together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Its number.
    pub(crate) id: i64,
    /// The environment's key.
    pub(crate) environment: String,
    /// What it is for.
    pub(crate) title: String,
    /// The requests.
    pub(crate) items: Vec<Request>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What became of each request of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BatchAnswers {
    /// One a request.
    pub(crate) items: Vec<BatchAnswer>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What became of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BatchAnswer {
    /// As it is now.
    pub(crate) request: Request,
    /// Whether it was done.
    pub(crate) ok: bool,
    /// Why not.
    pub(crate) sentence: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a release would change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Diff {
    /// What is live.
    pub(crate) base: Option<DiffBase>,
    /// The commit that is asked for.
    pub(crate) head: String,
    /// Commits that are live and would go.
    pub(crate) behind: Option<u64>,
    /// Commits that would come.
    pub(crate) commits: Vec<Commit>,
    /// Whether there are more.
    pub(crate) commits_truncated: bool,
    /// Files that would change.
    pub(crate) files: Vec<DiffFile>,
    /// Whether there are more.
    pub(crate) files_truncated: bool,
    /// Why there is nothing to compare.
    pub(crate) note: Option<String>,
    /// The release config.
    pub(crate) config: DiffConfig,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What is live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DiffBase {
    /// Its commit.
    pub(crate) commit: String,
    /// Its release.
    pub(crate) release: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A file that would change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DiffFile {
    /// Where it is.
    pub(crate) path: String,
    /// Where it was.
    pub(crate) old_path: Option<String>,
    /// `added`, `modified`, ….
    pub(crate) status: String,
    /// Lines.
    pub(crate) additions: Option<u64>,
    /// Lines.
    pub(crate) deletions: Option<u64>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// How the release config would change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DiffConfig {
    /// A unified diff.
    pub(crate) diff: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What would change in one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FilePatch {
    /// A unified diff.
    pub(crate) patch: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// Asks for a release. Sent twice by whatever lies between, it is still one request.
    pub(crate) async fn deploy(&self, app: &str, environment: &str, order: &DeployOrder) -> Result<Request, Failure> {
        let path = ["apps", app, "environments", environment, "deploy"];
        self.post_once(&path, order).await
    }

    /// Asks for a release of several apps: of all of them, or of none.
    pub(crate) async fn deploy_batch(&self, order: &BatchOrder) -> Result<Batch, Failure> {
        self.post_once(&["requests", "batch"], order).await
    }

    /// Asks to go back: to release `to`, or to the one before the live one.
    pub(crate) async fn rollback(&self, app: &str, environment: &str, to: Option<&str>) -> Result<Request, Failure> {
        let path = ["apps", app, "environments", environment, "rollback"];
        let body = to.map_or_else(|| json!({}), |to| json!({ "to": to }));
        self.post_once(&path, &body).await
    }

    /// Reads a release request.
    pub(crate) async fn release_request(&self, id: i64) -> Result<Request, Failure> {
        self.get(&["requests", &id.to_string()], &[]).await
    }

    /// Does something to a release request.
    pub(crate) async fn act(&self, id: i64, action: &RequestAction) -> Result<Request, Failure> {
        let (verb, body) = match action {
            RequestAction::Approve { reason, version } => ("approve", json!({ "reason": reason, "version": version })),
            RequestAction::Reject { reason, version } => ("reject", json!({ "reason": reason, "version": version })),
            RequestAction::Withdraw => ("withdraw", json!({})),
            RequestAction::Release { override_reason, version } => {
                ("release", json!({ "override_reason": override_reason, "version": version }))
            }
            RequestAction::Retry { failed_only: true } => ("retry", json!({ "hosts": "failed" })),
            RequestAction::Retry { failed_only: false } => ("retry", json!({ "hosts": "all" })),
            RequestAction::Clone { environment, title } => {
                let path = ["requests", &id.to_string(), "clone"];
                return self.post_once(&path, &said(json!({ "environment": environment, "title": title }))).await;
            }
        };
        self.post(&["requests", &id.to_string(), verb], &said(body)).await
    }

    /// Changes what a request asks for.
    pub(crate) async fn edit_request(&self, id: i64, changes: &Map<String, Value>) -> Result<Request, Failure> {
        let url = self.url(&["requests", &id.to_string()], &[]);
        let request = self.request(Method::PATCH, url).timeout(TIMEOUT).json(changes);
        self.body(self.send(request).await?).await
    }

    /// What a request would change, or has changed.
    pub(crate) async fn diff(&self, id: i64) -> Result<Diff, Failure> {
        self.get(&["requests", &id.to_string(), "diff"], &[]).await
    }

    /// What a request would change in one file.
    pub(crate) async fn file_patch(&self, id: i64, path: &str) -> Result<FilePatch, Failure> {
        self.get(&["requests", &id.to_string(), "diff", "file"], &[("path", path.to_owned())]).await
    }

    /// What a release of a commit would change.
    pub(crate) async fn diff_of_commit(&self, app: &str, environment: &str, commit: &str) -> Result<Diff, Failure> {
        let path = ["apps", app, "environments", environment, "diff"];
        self.get(&path, &[("commit", commit.to_owned())]).await
    }

    /// What a release of a commit would change in one file.
    pub(crate) async fn file_patch_of_commit(
        &self,
        app: &str,
        environment: &str,
        commit: &str,
        file: &str,
    ) -> Result<FilePatch, Failure> {
        let query = [("commit", commit.to_owned()), ("path", file.to_owned())];
        self.get(&["apps", app, "environments", environment, "diff", "file"], &query).await
    }

    /// Reads a batch.
    pub(crate) async fn batch(&self, id: i64) -> Result<Batch, Failure> {
        self.get(&["batches", &id.to_string()], &[]).await
    }

    /// Does something to every request of a batch; `verb` as the API has it.
    pub(crate) async fn act_on_batch(
        &self,
        id: i64,
        verb: &str,
        reason: Option<&str>,
    ) -> Result<BatchAnswers, Failure> {
        let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        self.post(&["batches", &id.to_string(), verb], &body).await
    }
}

/// Without what nobody said.
fn said(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    body
}
