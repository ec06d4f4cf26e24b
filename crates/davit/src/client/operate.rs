//! What is done to deployments that stand still, and to what stands around them: locks, builds, secrets, host keys.

use super::things::{AcceptKey, Build, Channel, KeyImport, LiveCheck, Lock, ScannedKey, Secret, Tried, Upload};
use super::types::{Deployment, HostCheck, Page};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::path::Path;
use tokio::fs::File;

/// What can be done to a deployment that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeploymentAction {
    /// Let the next batch go.
    Continue,
    /// Take back what switched.
    Revert { reason: String },
    /// Try a failed host again.
    RetryHost { host: String },
    /// Leave a failed host out.
    SkipHost { host: String, reason: String },
    /// Pass locks and freeze windows.
    Override { reason: String },
}

impl Client {
    /// Does something to a deployment.
    pub(crate) async fn operate(&self, id: i64, action: &DeploymentAction) -> Result<Deployment, Failure> {
        let id = id.to_string();
        let because = |reason: &String| json!({ "reason": reason });
        match action {
            DeploymentAction::Continue => self.post(&["deployments", &id, "continue"], &json!({})).await,
            DeploymentAction::Revert { reason } => self.post(&["deployments", &id, "revert"], &because(reason)).await,
            DeploymentAction::RetryHost { host } => {
                self.post(&["deployments", &id, "hosts", host, "retry"], &json!({})).await
            }
            DeploymentAction::SkipHost { host, reason } => {
                self.post(&["deployments", &id, "hosts", host, "skip"], &because(reason)).await
            }
            DeploymentAction::Override { reason } => {
                self.post(&["deployments", &id, "override"], &because(reason)).await
            }
        }
    }

    /// The locks that hold now.
    pub(crate) async fn locks(&self) -> Result<Page<Lock>, Failure> {
        self.get(&["locks"], &[]).await
    }

    /// Locks an environment, or one app in it.
    pub(crate) async fn lock(
        &self,
        environment: &str,
        app: Option<&str>,
        reason: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<Lock, Failure> {
        let body = json!({ "environment": environment, "app": app, "reason": reason, "expires_at": expires_at });
        self.post(&["locks"], &body).await
    }

    /// Ends a lock.
    pub(crate) async fn unlock(&self, id: i64) -> Result<(), Failure> {
        self.delete(&["locks", &id.to_string()]).await
    }

    /// Makes a build of an archive.
    pub(crate) async fn upload_build(&self, app: &str, title: Option<&str>, file: &Path) -> Result<Build, Failure> {
        let mut query = vec![("name", file_name(file))];
        query.extend(title.map(|title| ("title", title.to_owned())));
        self.upload(&["apps", app, "builds"], &query, file).await
    }

    /// Brings a file for the transfers of an app.
    pub(crate) async fn upload_file(&self, app: &str, name: &str, file: &Path) -> Result<Upload, Failure> {
        self.upload(&["apps", app, "uploads"], &[("name", name.to_owned())], file).await
    }

    /// Asks every host of an app in an environment what it serves.
    pub(crate) async fn ask_live(&self, app: &str, environment: &str) -> Result<Page<LiveCheck>, Failure> {
        self.post(&["apps", app, "environments", environment, "live"], &json!({})).await
    }

    /// Where notices go.
    pub(crate) async fn channels(&self) -> Result<Page<Channel>, Failure> {
        self.get(&["channels"], &[]).await
    }

    /// Sends a try to a channel.
    pub(crate) async fn try_channel(&self, id: &str) -> Result<Tried, Failure> {
        self.post(&["channels", id, "test"], &json!({})).await
    }

    /// The names of the stored secrets.
    pub(crate) async fn secrets(&self) -> Result<Page<Secret>, Failure> {
        self.get(&["secrets"], &[]).await
    }

    /// Stores a secret.
    pub(crate) async fn set_secret(&self, name: &str, value: &SecretString) -> Result<(), Failure> {
        let request = self.request(Method::PUT, self.url(&["secrets", name], &[])).timeout(TIMEOUT);
        self.send(request.json(&json!({ "value": value.expose_secret() }))).await.map(drop)
    }

    /// Forgets a secret.
    pub(crate) async fn delete_secret(&self, name: &str) -> Result<(), Failure> {
        self.delete(&["secrets", name]).await
    }

    /// Lets the server log in to a host with a password, once, and leave its key there.
    pub(crate) async fn install_key(&self, host: &str, password: &SecretString) -> Result<HostCheck, Failure> {
        self.post(&["hosts", host, "install-key"], &json!({ "password": password.expose_secret() })).await
    }

    /// Looks at the keys of hosts, of all without names.
    pub(crate) async fn scan_keys(&self, names: &[String]) -> Result<Page<ScannedKey>, Failure> {
        let body = if names.is_empty() { json!({}) } else { json!({ "names": names }) };
        self.post(&["hosts", "scan-keys"], &body).await
    }

    /// Pins keys that a person has compared.
    pub(crate) async fn accept_keys(&self, keys: &[AcceptKey]) -> Result<(), Failure> {
        let request = self.request(Method::POST, self.url(&["hosts", "accept-keys"], &[])).timeout(TIMEOUT);
        self.send(request.json(&json!({ "items": keys }))).await.map(drop)
    }

    /// Pins the keys that a `known_hosts` file has.
    pub(crate) async fn import_known_hosts(&self, text: &str) -> Result<KeyImport, Failure> {
        self.post(&["hosts", "import-known-hosts"], &json!({ "text": text })).await
    }

    /// Deletes `/api/v1/<path>`.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.send(self.request(Method::DELETE, self.url(path, &[])).timeout(TIMEOUT)).await.map(drop)
    }

    /// Sends a file as it is, however long that takes.
    async fn upload<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        file: &Path,
    ) -> Result<T, Failure> {
        let unreadable = |error: std::io::Error| Failure::usage(format!("{} can't be read: {error}", file.display()));
        let opened = File::open(file).await.map_err(unreadable)?;
        let metadata = opened.metadata().await.map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Failure::usage(format!("{} is not a file", file.display()))
                .hint("tar -czf build.tar.gz -C DIRECTORY ., for a directory"));
        }
        let request = self.request(Method::POST, self.url(path, query));
        let request = request
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, metadata.len())
            .body(Body::from(opened));
        self.body(self.send(request).await?).await
    }
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
