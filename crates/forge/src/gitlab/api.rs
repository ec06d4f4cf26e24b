//! Calls to GitLab's REST API: statuses, lists of merge requests and deploy keys. One merge request, deployments, webhooks
//! and permissions have files of their own.

use super::{MANNERS, changes, deployments, hooks, permissions, wire};
use crate::answers::{ChangeAtForge, FailedDelivery, Hook, MergeOrder, NewHook, RateBudget, RepositoryAccess};
use crate::api::ForgeApi;
use crate::client::ClientError;
use crate::error::{ApiError, MergeError};
use crate::http::{Http, Request, Route, clone_url, extend};
use crate::refusal::Call;
use crate::text::{cut, project, same_key};
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::{CommitState, CommitStatus};
use davit_domain::time::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use url::Url;

/// Characters of a status's description.
const MAX_DESCRIPTION: usize = 255;
/// What GitLab answers when a status is set to what it is already, or back from "running".
const SAME_STATE: &str = "Cannot transition status via";

/// GitLab's API.
pub(crate) struct Gitlab {
    http: Http,
}

/// A project: what GitLab calls a repository and all that belongs to it.
pub(super) struct Project<'a> {
    pub(super) http: &'a Http,
    /// With all its groups.
    pub(super) path: &'a str,
}

impl Gitlab {
    pub(crate) fn new(route: &Route<'_>, token: Option<SecretString>) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(route, &MANNERS, token)? })
    }

    fn project<'a>(&'a self, repository: &'a str) -> Result<Project<'a>, ApiError> {
        Ok(Project { http: &self.http, path: project(MANNERS.name, repository)? })
    }
}

impl Project<'_> {
    /// An address below the project's. Its whole path is one part of it:
    /// <https://docs.gitlab.com/api/rest/#namespaced-paths>.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        extend(&self.http.url(&["projects", self.path]), parts.iter().copied())
    }
}

impl ForgeApi for Gitlab {
    /// GitLab takes any name with a token as the password.
    const GIT_USERNAME: &'static str = "oauth2";

    fn name(&self) -> &'static str {
        MANNERS.name
    }

    fn api_url(&self) -> &str {
        self.http.base.as_str()
    }

    /// <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>
    async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        let project = self.project(&status.repository)?;
        let call = Call {
            what: format!("set the status {} on {}@{}", status.context, project.path, status.commit.short()),
            permission: "api, with the role Developer in the project",
            advice: &[
                (400, "Check the status's link: it must start with https:// or http://."),
                (404, "Check the project's path and that the token sees it, and that a branch or tag has the commit."),
            ],
            done: &[200, 201],
        };
        let body = wire::NewStatus {
            state: match status.state {
                CommitState::Pending => "pending",
                CommitState::Success => "success",
                CommitState::Failure | CommitState::Error => "failed",
            },
            name: &status.context,
            description: &cut(&status.description, MAX_DESCRIPTION),
            target_url: &status.target_url,
        };
        let url = project.url(&["statuses", status.commit.as_str()]);
        match self.http.call(&call, Request::json(Method::POST, url, &body)).await {
            Err(ApiError::Permanent { status: Some(400), detail }) if detail.contains(SAME_STATE) => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn find_deployment(&self, deployment: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
        deployments::find(&self.project(&deployment.repository)?, deployment).await
    }

    async fn create_deployment(&self, deployment: &DeploymentAtForge) -> Result<i64, ApiError> {
        deployments::create(&self.project(&deployment.repository)?, deployment).await
    }

    async fn set_deployment_state(&self, deployment: &DeploymentAtForge, number: i64) -> Result<(), ApiError> {
        deployments::set_state(&self.project(&deployment.repository)?, deployment, number).await
    }

    /// <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>. One whose head GitLab still looks for is
    /// left out: a webhook tells when it has it.
    async fn open_changes(&self, repository: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        let project = self.project(repository)?;
        let call = Call {
            what: format!("list the merge requests of {repository}"),
            permission: "read_api or api, with the role Reporter in the project",
            advice: &[],
            done: &[200],
        };
        let request = Request::get(project.url(&["merge_requests"]))
            .query("state", "opened")
            .query("scope", "all")
            .query("per_page", "50");
        let list: Vec<wire::MergeRequest> = self.http.list(&call, request, |_| false).await?;
        list.iter().filter_map(|merge_request| changes::event(repository, merge_request).transpose()).collect()
    }

    async fn change(&self, repository: &str, number: i64) -> Result<ChangeAtForge, ApiError> {
        changes::change(&self.project(repository)?, number).await
    }

    async fn merge(&self, repository: &str, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
        changes::merge(&self.project(repository)?, order).await
    }

    async fn comment(&self, repository: &str, number: i64, text: &str) -> Result<(), ApiError> {
        changes::comment(&self.project(repository)?, number, text).await
    }

    async fn may_write(&self, repository: &str, login: &str) -> Result<bool, ApiError> {
        changes::may_write(&self.project(repository)?, login).await
    }

    async fn hooks(&self, repository: &str) -> Result<Vec<Hook>, ApiError> {
        hooks::list(&self.project(repository)?).await
    }

    async fn register_hook(&self, repository: &str, hook: &NewHook<'_>) -> Result<Hook, ApiError> {
        hooks::register(&self.project(repository)?, hook).await
    }

    async fn failed_deliveries(
        &self,
        repository: &str,
        hook: i64,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ApiError> {
        hooks::failed_deliveries(&self.project(repository)?, hook, since).await
    }

    async fn redeliver(&self, repository: &str, hook: i64, delivery: i64) -> Result<(), ApiError> {
        hooks::redeliver(&self.project(repository)?, hook, delivery).await
    }

    async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        permissions::check(&self.project(repository)?).await
    }

    /// <https://docs.gitlab.com/api/deploy_keys/#add-deploy-key-for-a-project>
    async fn add_deploy_key(&self, repository: &str, title: &str, public_key: &str) -> Result<(), ApiError> {
        let project = self.project(repository)?;
        let mut call = Call {
            what: format!("add the deploy key {title} to {repository}"),
            permission: "api, with the role Maintainer in the project",
            advice: &[(400, "A key that another project has must be enabled there for this one, or make a new one.")],
            done: &[200],
        };
        let all = Request::get(project.url(&["deploy_keys"])).query("per_page", "100");
        let keys: Vec<wire::DeployKey> = self.http.list(&call, all, |_| false).await?;
        if keys.iter().any(|known| same_key(&known.key, public_key)) {
            return Ok(());
        }
        call.done = &[201];
        let body = wire::NewDeployKey { title, key: public_key.trim(), can_push: false };
        self.http.call(&call, Request::json(Method::POST, project.url(&["deploy_keys"]), &body)).await.map(drop)
    }

    async fn git_token(&self, _: &str) -> Result<Option<SecretString>, ApiError> {
        Ok(self.http.token().cloned())
    }

    fn clone_url(&self, repository: &str) -> Option<String> {
        Some(clone_url(&self.http.base, "/api/v4", repository))
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        self.http.budget()
    }

    fn server_time(&self) -> Option<jiff::Timestamp> {
        self.http.date()
    }
}
