//! What the API shows of things: shapes that stay put when the domain moves.

mod changes;
mod ci;
mod configs;
mod deployments;
mod requests;

pub(crate) use changes::{ChangeCheckView, ChangeView, PolicyView, QueueView};
pub(crate) use ci::{AnnotationView, JobView, RunAllowed, RunView, ended};
pub(crate) use configs::ConfigView;
pub(crate) use deployments::{Around, CellView, DeploymentSummary, HostRunView, StepView};
pub(crate) use requests::{RequestView, Seen};

use crate::problem::Problem;
use davit_domain::config::Repository;
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_store::Store;
use davit_store::releases::{KeptRelease, LiveRelease};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// What is live somewhere.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LiveView {
    release: String,
    commit: String,
    title: String,
    at: String,
    deployment: i64,
    /// Hosts that serve it.
    hosts: usize,
    /// The branch or tag that it was asked for by: by its short name when a person asked, `refs/heads/…` when a push did.
    git_ref: Option<String>,
}

impl LiveView {
    pub(crate) fn commit(&self) -> &str {
        &self.commit
    }

    pub(crate) fn git_ref(&self) -> Option<&str> {
        self.git_ref.as_deref()
    }

    /// The newest release that any host serves, the first of those of one (app, environment).
    pub(crate) async fn load(store: &Store, live: &[LiveRelease]) -> Result<Option<Self>, Problem> {
        let Some(newest) = live.first() else { return Ok(None) };
        let Some(deployment) = store.deployment(newest.deployment).await? else { return Ok(None) };
        let request = store.request(deployment.request).await?;
        Ok(Some(Self {
            release: newest.release.to_string(),
            commit: deployment.commit.to_string(),
            git_ref: request.as_ref().and_then(|request| request.git_ref.clone()),
            title: request.map(|request| request.title).unwrap_or_default(),
            at: newest.at.to_string(),
            deployment: deployment.id.0,
            hosts: newest.hosts.len(),
        }))
    }
}

/// A kept release.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    release: String,
    commit: String,
    title: String,
    by: String,
    at: String,
    deployment: i64,
    /// All that keep it.
    hosts: Vec<String>,
    /// Those of them that the release config means now.
    available_on: Vec<String>,
    /// Those that the release config means now and that no longer have it, or never had.
    missing_on: Vec<String>,
    /// Whether its build is kept, so that hosts that lack it can get it.
    build: bool,
    live: bool,
}

impl ReleaseView {
    /// With its build looked up; `meant` are the hosts of the release config.
    pub(crate) async fn load(store: &Store, kept: KeptRelease, meant: &[HostName]) -> Result<Self, Problem> {
        let deployment = store.deployment(kept.deployment).await?;
        let build = match deployment.and_then(|deployment| deployment.build) {
            Some(digest) => store.build_by_digest(&kept.app, &digest).await?.is_some(),
            None => false,
        };
        let (available, missing): (Vec<_>, Vec<_>) = meant.iter().partition(|host| kept.hosts.contains(host));
        let names = |hosts: Vec<&HostName>| hosts.into_iter().map(ToString::to_string).collect();
        Ok(Self {
            release: kept.release.to_string(),
            commit: kept.commit.to_string(),
            title: kept.title,
            by: kept.by,
            at: kept.at.to_string(),
            deployment: kept.deployment.0,
            hosts: kept.hosts.iter().map(ToString::to_string).collect(),
            available_on: names(available),
            missing_on: names(missing),
            build,
            live: kept.live,
        })
    }
}

/// Where an app's source lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryView {
    forge: Option<String>,
    name: Option<String>,
    url: Option<String>,
}

impl From<&Repository> for RepositoryView {
    fn from(repository: &Repository) -> Self {
        match repository {
            Repository::Forge { forge, name, url } => Self {
                forge: Some(forge.to_string()),
                name: Some(name.clone()),
                url: url.as_deref().map(without_password),
            },
            Repository::Url { url } => Self { forge: None, name: None, url: Some(without_password(url)) },
        }
    }
}

/// A URL may hold a password: nobody needs to see it.
fn without_password(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            // Fails only for URLs that can't have a password.
            let _ = url.set_password(Some("***"));
            url.into()
        }
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// What is live, place by place. `all` is in the order that the store has it in.
pub(crate) fn by_place(all: &[LiveRelease]) -> HashMap<(&AppKey, &EnvironmentKey), &[LiveRelease]> {
    all.chunk_by(|one, next| one.app == next.app && one.environment == next.environment)
        .filter_map(|here| here.first().map(|live| ((&live.app, &live.environment), here)))
        .collect()
}
