//! Values and release configs, as the server's API tells them: see [`types`](super::types), whose rules hold here too.

use super::types::{More, Page};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The values of a scope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Values {
    /// Counts its saves.
    pub(crate) revision: i64,
    /// They.
    pub(crate) items: Vec<ValueItem>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ValueItem {
    /// Its name.
    pub(crate) key: String,
    /// `plain`, `secret`, `env` or `file`.
    pub(crate) kind: String,
    /// What may be shown of it.
    pub(crate) value: Option<String>,
    /// Where it is set.
    pub(crate) from: String,
    /// By whom.
    pub(crate) updated_by: String,
    /// When.
    pub(crate) updated_at: Timestamp,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One save of a scope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ValuesRevision {
    /// Its number.
    pub(crate) revision: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// By whom.
    pub(crate) by: String,
    /// What it changed.
    pub(crate) changes: Vec<ValueChange>,
}

/// What became of a value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ValueChange {
    /// Its name.
    pub(crate) key: String,
    /// `set`, `changed` or `removed`.
    pub(crate) change: String,
    /// What may be shown of what was there.
    pub(crate) before: Option<String>,
    /// What may be shown of what is there.
    pub(crate) after: Option<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What differs between two revisions of a scope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ValuesDiff {
    /// By name.
    pub(crate) changes: Vec<ValueChange>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What came of going back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Restored {
    /// The revision now.
    pub(crate) revision: i64,
    /// Secrets that stay as they are.
    pub(crate) kept: Vec<String>,
}

/// A release config in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SavedConfig {
    /// Which save it is.
    pub(crate) revision: i64,
    /// What `[[app.release]]` says.
    pub(crate) form: Value,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One save of a release config.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfigRevision {
    /// Its number.
    pub(crate) revision: i64,
    /// By whom.
    pub(crate) saved_by: String,
    /// When.
    pub(crate) saved_at: Timestamp,
    /// Whether it holds now.
    pub(crate) in_force: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a revision said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfigText {
    /// As a part of a `davit.toml`.
    pub(crate) toml: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What differs between two revisions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfigDiff {
    /// A unified diff.
    pub(crate) diff: String,
}

/// What a check found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfigCheck {
    /// What was looked at.
    pub(crate) checks: Vec<Looked>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Something that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Looked {
    /// `git`, `host` or `path`.
    pub(crate) what: String,
    /// Which.
    pub(crate) subject: String,
    /// Whether a release would find it in order.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) sentence: String,
}

/// What a release would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DryRun {
    /// What would be released.
    pub(crate) commit: String,
    /// Its subject.
    pub(crate) subject: String,
    /// In order.
    pub(crate) steps: Vec<DryStep>,
    /// What each would go through.
    pub(crate) hosts: Vec<DryHost>,
    /// What is in the way.
    pub(crate) gates: Vec<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DryStep {
    /// Its number.
    pub(crate) step: u8,
    /// `server` or `host`.
    pub(crate) r#where: String,
    /// What it does.
    pub(crate) sentence: String,
}

/// A host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DryHost {
    /// Its name.
    pub(crate) name: String,
    /// What would happen to it.
    pub(crate) would: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// The values of a scope.
    pub(crate) async fn values(&self, place: &[(&str, String)], inherited: bool) -> Result<Values, Failure> {
        let mut query = place.to_vec();
        query.push(("inherited", inherited.to_string()));
        self.get(&["values"], &query).await
    }

    /// Changes the values of a scope.
    pub(crate) async fn save_values(&self, body: &Value) -> Result<Values, Failure> {
        let request = self.request(Method::PUT, self.url(&["values"], &[])).timeout(TIMEOUT);
        let response = self.send(request.json(body)).await?;
        self.body(response).await
    }

    /// The saves of a scope.
    pub(crate) async fn value_history(
        &self,
        place: &[(&str, String)],
        limit: usize,
    ) -> Result<Page<ValuesRevision>, Failure> {
        self.list(&["values", "history"], place, limit).await
    }

    /// What differs between two saves of a scope.
    pub(crate) async fn values_diff(&self, query: &[(&str, String)]) -> Result<ValuesDiff, Failure> {
        self.get(&["values", "diff"], query).await
    }

    /// Goes back to an earlier save of a scope.
    pub(crate) async fn restore_values(&self, body: &Value) -> Result<Restored, Failure> {
        self.post(&["values", "restore"], body).await
    }

    /// How an app is released to an environment.
    pub(crate) async fn release_config(&self, app: &str, environment: &str) -> Result<SavedConfig, Failure> {
        self.get(&["apps", app, "configs", environment], &[]).await
    }

    /// The saves of a release config.
    pub(crate) async fn config_revisions(&self, app: &str, environment: &str) -> Result<Page<ConfigRevision>, Failure> {
        self.get(&["apps", app, "configs", environment, "revisions"], &[]).await
    }

    /// What a save of a release config said.
    pub(crate) async fn config_revision(
        &self,
        app: &str,
        environment: &str,
        revision: i64,
    ) -> Result<ConfigText, Failure> {
        self.get(&["apps", app, "configs", environment, "revisions", &revision.to_string()], &[]).await
    }

    /// What differs between two saves of a release config.
    pub(crate) async fn config_diff(
        &self,
        app: &str,
        environment: &str,
        (from, to): (i64, i64),
    ) -> Result<ConfigDiff, Failure> {
        let query = [("from", from.to_string()), ("to", to.to_string())];
        self.get(&["apps", app, "configs", environment, "revisions", "diff"], &query).await
    }

    /// Goes back to an earlier save of a release config.
    pub(crate) async fn restore_config(
        &self,
        app: &str,
        environment: &str,
        revision: i64,
    ) -> Result<SavedConfig, Failure> {
        let path = ["apps", app, "configs", environment, "revisions", &revision.to_string(), "restore"];
        self.post(&path, &json!({})).await
    }

    /// Copies a release config.
    pub(crate) async fn clone_config(
        &self,
        app: &str,
        environment: &str,
        to: (&str, &str),
        deploy_path: Option<&str>,
    ) -> Result<SavedConfig, Failure> {
        let body = json!({ "to_app": to.0, "to_environment": to.1, "deploy_path": deploy_path });
        self.post(&["apps", app, "configs", environment, "clone"], &body).await
    }

    /// Looks at what a release config meets.
    pub(crate) async fn check_config(
        &self,
        app: &str,
        environment: &str,
        form: &Value,
    ) -> Result<ConfigCheck, Failure> {
        self.post(&["apps", app, "configs", environment, "check"], &json!({ "form": form })).await
    }

    /// Says what a release would do.
    pub(crate) async fn dry_run(
        &self,
        app: &str,
        environment: &str,
        reference: Option<&str>,
    ) -> Result<DryRun, Failure> {
        let body = json!({ "reference": reference });
        self.post(&["apps", app, "configs", environment, "dry-run"], &body).await
    }
}
