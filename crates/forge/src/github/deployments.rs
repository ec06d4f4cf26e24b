//! GitHub's deployments. Sources: <https://docs.github.com/en/rest/deployments/deployments>,
//! <https://docs.github.com/en/rest/deployments/statuses>.

use super::api::{MAX_DESCRIPTION, Repository};
use super::wire;
use crate::error::ApiError;
use crate::http::Request;
use crate::refusal::Call;
use crate::text::cut;
use davit_domain::deployment_at_forge::{DeploymentAtForge, Mark};
use reqwest::Method;

const PERMISSION: &str = "Deployments: write (a classic token: the scope repo_deployment)";

/// The deployment that carries davit's own number and this server's address.
pub(super) async fn find(repository: &Repository<'_>, wanted: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
    let call = Call {
        what: format!("list the deployments of {} to {}", wanted.repository, wanted.environment),
        permission: PERMISSION,
        advice: &[],
        done: &[200],
    };
    let request = Request::get(repository.url(&["deployments"]))
        .query("sha", wanted.commit.as_str())
        .query("environment", &wanted.environment)
        .query("per_page", "100");
    let ours = Some(wanted.mark());
    let is_ours = |deployment: &wire::Deployment| {
        ours == deployment.payload.as_ref().and_then(|payload| Mark::read(payload.get()))
    };
    let list = repository.list(&call, request, |list| list.iter().any(is_ours)).await?;
    Ok(list.iter().find(|deployment| is_ours(deployment)).map(|deployment| deployment.id))
}

/// The commit itself is the ref: a branch may have moved on. That it may be released, davit's own gates have found:
/// GitHub is asked neither to look at checks nor to merge anything.
pub(super) async fn create(repository: &Repository<'_>, new: &DeploymentAtForge) -> Result<i64, ApiError> {
    let call = Call {
        what: format!("make a deployment of {}@{} to {}", new.repository, new.commit.short(), new.environment),
        permission: PERMISSION,
        advice: &[
            (202, "It merged the base branch in place of that, which davit did not ask for."),
            (409, "The commit conflicts with the default branch, or its checks are not green in GitHub's eyes."),
            (422, "Check that the commit is still in the repository."),
        ],
        done: &[201],
    };
    let body = wire::NewDeployment {
        git_ref: new.commit.as_str(),
        environment: &new.environment,
        description: &cut(&new.title, MAX_DESCRIPTION),
        payload: new.mark().to_json(),
        auto_merge: false,
        required_contexts: [],
    };
    let request = Request::json(Method::POST, repository.url(&["deployments"]), &body);
    Ok(repository.read::<wire::Deployment>(&call, request).await?.id)
}

/// A state is an entry in a list: one that is there already is there twice, and the last counts.
pub(super) async fn set_state(
    repository: &Repository<'_>,
    deployment: &DeploymentAtForge,
    number: i64,
) -> Result<(), ApiError> {
    let state = deployment.state.as_str();
    let call = Call {
        what: format!("set the deployment {number} of {} to {state}", deployment.repository),
        permission: PERMISSION,
        advice: &[(422, "Check the environment's URL: it must start with https:// or http://.")],
        done: &[201],
    };
    let body = wire::NewDeploymentStatus {
        state,
        description: &cut(&deployment.description, MAX_DESCRIPTION),
        log_url: &deployment.log_url,
        environment_url: &deployment.environment_url,
    };
    let url = repository.url(&["deployments", &number.to_string(), "statuses"]);
    repository.call(&call, Request::json(Method::POST, url, &body)).await.map(drop)
}
