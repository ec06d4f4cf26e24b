//! GitLab's deployments. Source: <https://docs.gitlab.com/api/deployments/>.

use super::api::Project;
use super::wire;
use crate::error::ApiError;
use crate::http::Request;
use crate::refusal::Call;
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use reqwest::Method;

const PERMISSION: &str = "api, with the role Developer in the project (for a protected environment: allowed to deploy)";
/// What GitLab answers when a deployment is set to what it is already.
const SAME_STATE: &str = "cannot transition via";

/// Nothing of davit's can be attached to a deployment. So it is known by what it is of, by who made it, and by being
/// in the state that the lost call gave it, or in the one before that.
pub(super) async fn find(project: &Project<'_>, wanted: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
    let who = Request::get(project.http.url(&["user"]));
    let me: wire::User = project.http.read(&call("say whose the token is".to_owned(), &[200]), who).await?;
    let what = format!("list the deployments of {} to {}", project.path, wanted.environment);
    let request = Request::get(project.url(&["deployments"]))
        .query("environment", &wanted.environment)
        .query("order_by", "id")
        .query("sort", "desc")
        .query("per_page", "50");
    let states = ["created", "running", word(wanted.state)];
    let is_ours = |deployment: &wire::Deployment| {
        deployment.sha == wanted.commit.as_str()
            && deployment.git_ref == wanted.reference
            && deployment.deployable.is_none()
            && deployment.user.as_ref().is_some_and(|user| user.id == me.id)
            && states.contains(&deployment.status.as_str())
    };
    // One page: a call that got lost just now is among the newest.
    let newest: Vec<wire::Deployment> = project.http.read(&call(what, &[200]), request).await?;
    Ok(newest.iter().find(|deployment| is_ours(deployment)).map(|deployment| deployment.id))
}

pub(super) async fn create(project: &Project<'_>, new: &DeploymentAtForge) -> Result<i64, ApiError> {
    let what = format!("make a deployment of {}@{} to {}", project.path, new.commit.short(), new.environment);
    let body = wire::NewDeployment {
        environment: &new.environment,
        sha: new.commit.as_str(),
        git_ref: &new.reference,
        tag: new.is_tag,
        status: word(new.state),
    };
    let request = Request::json(Method::POST, project.url(&["deployments"]), &body);
    Ok(project.http.read::<wire::Deployment>(&call(what, &[201]), request).await?.id)
}

pub(super) async fn set_state(
    project: &Project<'_>,
    deployment: &DeploymentAtForge,
    number: i64,
) -> Result<(), ApiError> {
    let url = project.url(&["deployments", &number.to_string()]);
    // GitLab knows by itself which of an environment's deployments is the newest: one that was good and has been
    // followed by another stays good.
    if deployment.state == ForgeDeploymentState::Inactive {
        let what = format!("read the deployment {number} of {}", project.path);
        let now: wire::Deployment = project.http.read(&call(what, &[200]), Request::get(url.clone())).await?;
        if matches!(now.status.as_str(), "success" | "failed" | "canceled") {
            return Ok(());
        }
    }
    let status = word(deployment.state);
    let what = format!("set the deployment {number} of {} to {status}", project.path);
    let body = wire::DeploymentState { status };
    match project.http.call(&call(what, &[200]), Request::json(Method::PUT, url, &body)).await {
        Err(ApiError::Permanent { status: Some(400), detail }) if detail.contains(SAME_STATE) => Ok(()),
        answer => answer.map(drop),
    }
}

/// GitLab has no word for a deployment that waits.
const fn word(state: ForgeDeploymentState) -> &'static str {
    match state {
        ForgeDeploymentState::Pending | ForgeDeploymentState::Queued | ForgeDeploymentState::InProgress => "running",
        ForgeDeploymentState::Success => "success",
        ForgeDeploymentState::Failure | ForgeDeploymentState::Error => "failed",
        ForgeDeploymentState::Inactive => "canceled",
    }
}

fn call(what: String, done: &'static [u16]) -> Call {
    let advice = &[
        (400, "Check that the commit and the branch or tag are still in the project."),
        (
            403,
            "Deployments that a pipeline made are the pipeline's; for others the token needs the permission api, with \
               the role Developer in the project (for a protected environment: allowed to deploy).",
        ),
    ];
    Call { what, permission: PERMISSION, advice, done }
}
