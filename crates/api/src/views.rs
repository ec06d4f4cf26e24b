//! What the API shows of things: shapes that stay put when the domain moves.

use crate::problem::Problem;
use davit_domain::config::{Auto, Filter, Hooks, Host, HostSelector, ReleaseConfig, Repository, Shared};
use davit_domain::deployment::HostRunState;
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::request::RequestState;
use davit_store::Store;
use davit_store::configuration::Revision;
use davit_store::deployments::{Cell, Deployment, HostRun};
use davit_store::releases::{KeptRelease, Live};
use davit_store::requests::Request;
use serde::Serialize;
use utoipa::ToSchema;

/// A release request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestView {
    pub(crate) id: i64,
    app: String,
    environment: String,
    /// regular, rollback, auto.
    kind: &'static str,
    state: &'static str,
    commit: String,
    git_ref: Option<String>,
    title: String,
    created_by: String,
    created_at: String,
    decided_by: Option<String>,
    decided_at: Option<String>,
    reason: Option<String>,
    required_approvals: u32,
    approvals: Vec<ApprovalView>,
    /// The latest deployment that carries it out.
    deployment: Option<i64>,
    target_release: Option<String>,
}

/// One approval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    user: String,
    at: String,
}

impl RequestView {
    /// With the latest deployment looked up.
    pub(crate) async fn load(store: &Store, request: Request) -> Result<Self, Problem> {
        let deployment = store.deployment_of_request(request.id).await?;
        Ok(Self::new(request, deployment.map(|deployment| deployment.id.0)))
    }

    fn new(request: Request, deployment: Option<i64>) -> Self {
        let approvals = match &request.state {
            RequestState::AwaitingReview { approvals } => approvals
                .iter()
                .map(|approval| ApprovalView { user: approval.user.clone(), at: approval.at.to_string() })
                .collect(),
            RequestState::AwaitingRelease
            | RequestState::Releasing
            | RequestState::Succeeded
            | RequestState::Failed { .. }
            | RequestState::Rejected { .. }
            | RequestState::Withdrawn
            | RequestState::Cancelled { .. }
            | RequestState::Superseded { .. } => Vec::new(),
        };
        Self {
            id: request.id.0,
            app: request.app.to_string(),
            environment: request.environment.to_string(),
            kind: request.kind.as_str(),
            state: request.state.as_str(),
            commit: request.commit.to_string(),
            git_ref: request.git_ref,
            title: request.title,
            created_by: request.created_by,
            created_at: request.created_at.to_string(),
            decided_by: request.decided_by,
            decided_at: request.decided_at.map(|at| at.to_string()),
            reason: request.state.reason(),
            required_approvals: request.review.required,
            approvals,
            deployment,
            target_release: request.target_release.map(|release| release.to_string()),
        }
    }
}

/// A deployment, as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeploymentSummary {
    pub(crate) id: i64,
    request: i64,
    app: String,
    environment: String,
    /// regular, rollback, auto.
    kind: &'static str,
    pub(crate) state: &'static str,
    commit: String,
    git_ref: Option<String>,
    title: String,
    release: String,
    attempt: i64,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    reason: Option<String>,
    user: String,
    hosts_total: usize,
    hosts_done: usize,
}

impl DeploymentSummary {
    /// With its request and hosts looked up.
    pub(crate) async fn load(store: &Store, deployment: &Deployment) -> Result<Self, Problem> {
        let request = store.request(deployment.request).await?;
        let runs = store.host_runs(deployment.id).await?;
        Ok(Self::new(deployment, request.as_ref(), &runs))
    }

    /// Whether nothing more happens.
    pub(crate) const fn is_final(&self) -> bool {
        self.finished_at.is_some()
    }

    /// From its parts.
    pub(crate) fn new(deployment: &Deployment, request: Option<&Request>, runs: &[HostRun]) -> Self {
        Self {
            id: deployment.id.0,
            request: deployment.request.0,
            app: deployment.app.to_string(),
            environment: deployment.environment.to_string(),
            kind: deployment.kind.as_str(),
            state: deployment.state.as_str(),
            commit: deployment.commit.to_string(),
            git_ref: request.and_then(|request| request.git_ref.clone()),
            title: request.map(|request| request.title.clone()).unwrap_or_default(),
            release: deployment.release.to_string(),
            attempt: deployment.attempt,
            created_at: deployment.created_at.to_string(),
            started_at: deployment.started_at.map(|at| at.to_string()),
            finished_at: deployment.finished_at.map(|at| at.to_string()),
            reason: deployment.state.reason(),
            user: request.map(|request| request.created_by.clone()).unwrap_or_default(),
            hosts_total: runs.len(),
            hosts_done: runs.iter().filter(|run| matches!(run.state, HostRunState::Done { .. })).count(),
        }
    }
}

/// One host of a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostRunView {
    host: String,
    state: &'static str,
    /// Where it failed, 1 to 6.
    step: Option<u8>,
    reason: Option<String>,
    previous_release: Option<String>,
    updated_at: String,
}

impl From<&HostRun> for HostRunView {
    fn from(run: &HostRun) -> Self {
        let (step, reason) = match &run.state {
            HostRunState::Failed { step, reason } => (Some(step.number()), Some(reason.clone())),
            HostRunState::Held { step, reason, .. } => (Some(step.number()), Some(reason.clone())),
            HostRunState::Unknown { reason, .. } => (None, Some(reason.clone())),
            HostRunState::Waiting
            | HostRunState::Staging
            | HostRunState::Staged
            | HostRunState::Switching { .. }
            | HostRunState::Live { .. }
            | HostRunState::Verifying { .. }
            | HostRunState::Done { .. }
            | HostRunState::Reverted { .. }
            | HostRunState::Skipped
            | HostRunState::Cancelled => (None, None),
        };
        let previous = run.state.switched_from().and_then(Option::as_ref).map(ToString::to_string);
        Self {
            host: run.host.to_string(),
            state: run.state.as_str(),
            step,
            reason,
            previous_release: previous,
            updated_at: run.updated_at.to_string(),
        }
    }
}

/// One cell of the steps × hosts grid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CellView {
    /// None: the server.
    host: Option<String>,
    step: u8,
    state: &'static str,
    started_at: Option<String>,
    finished_at: Option<String>,
}

impl From<&Cell> for CellView {
    fn from(cell: &Cell) -> Self {
        Self {
            host: cell.host.as_ref().map(ToString::to_string),
            step: cell.step,
            state: cell.state.as_str(),
            started_at: cell.started_at.map(|at| at.to_string()),
            finished_at: cell.finished_at.map(|at| at.to_string()),
        }
    }
}

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
}

impl LiveView {
    /// The newest release that any host serves, among those of one (app, environment).
    pub(crate) async fn load(store: &Store, live: &[&Live]) -> Result<Option<Self>, Problem> {
        let Some(newest) = live.iter().max_by_key(|live| live.at) else { return Ok(None) };
        let Some(deployment) = store.deployment(newest.deployment).await? else { return Ok(None) };
        let request = store.request(deployment.request).await?;
        Ok(Some(Self {
            release: newest.release.to_string(),
            commit: deployment.commit.to_string(),
            title: request.map(|request| request.title).unwrap_or_default(),
            at: newest.at.to_string(),
            deployment: deployment.id.0,
            hosts: live.iter().filter(|live| live.release == newest.release).count(),
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
    hosts: Vec<String>,
    live: bool,
}

impl From<KeptRelease> for ReleaseView {
    fn from(kept: KeptRelease) -> Self {
        Self {
            release: kept.release.to_string(),
            commit: kept.commit.to_string(),
            title: kept.title,
            by: kept.by,
            at: kept.at.to_string(),
            deployment: kept.deployment.0,
            hosts: kept.hosts.iter().map(ToString::to_string).collect(),
            live: kept.live,
        }
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
            Repository::Forge { forge, name } => {
                Self { forge: Some(forge.to_string()), name: Some(name.clone()), url: None }
            }
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

/// How an app is released to an environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    environment: String,
    revision: i64,
    saved_at: String,
    saved_by: String,
    mode: &'static str,
    hosts: Vec<String>,
    #[schema(value_type = Object)]
    host_selector: HostSelector,
    deploy_path: String,
    releases_path: String,
    keep: u32,
    build_dir: String,
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    #[schema(value_type = Object)]
    shared: Shared,
    /// Names alone.
    variables: Vec<String>,
    #[schema(value_type = Object)]
    hooks: Hooks,
    #[schema(value_type = Option<Object>)]
    auto: Option<Auto>,
}

impl ConfigView {
    /// From a revision and the hosts there are.
    pub(crate) fn new(revision: &Revision, config: ReleaseConfig, hosts: &[Host]) -> Self {
        let variables = davit_domain::variables::parse(&config.variables).unwrap_or_default();
        Self {
            environment: config.environment.to_string(),
            revision: revision.number,
            saved_at: revision.saved_at.to_string(),
            saved_by: revision.saved_by.clone(),
            mode: "regular",
            hosts: config.select(hosts).iter().map(|host| host.name.to_string()).collect(),
            host_selector: config.hosts,
            deploy_path: config.deploy_path,
            releases_path: config.releases_path,
            keep: config.keep,
            build_dir: config.build_dir,
            filter: config.filter,
            shared: config.shared,
            variables: variables.into_iter().map(|(name, _)| name).collect(),
            hooks: config.hooks,
            auto: config.auto,
        }
    }
}

/// The live releases of one (app, environment).
pub(crate) fn live_in<'l>(all: &'l [Live], app: &AppKey, environment: &EnvironmentKey) -> Vec<&'l Live> {
    all.iter().filter(|live| live.app == *app && live.environment == *environment).collect()
}
