//! Variables that hooks see (docs/configuration.md, "Hooks").

use crate::EngineError;
use crate::values::OpenValues;
use davit_domain::config::{App, ReleaseConfig};
use davit_domain::ids::ReleaseName;
use davit_domain::variables;
use davit_exec::host::{HostTarget, Layout};
use davit_store::deployments::Deployment;
use davit_store::requests::Request;
use secrecy::ExposeSecret;

/// Name and value of each.
pub(super) type Variables = Vec<(String, String)>;

/// Those of every hook: davit's own, then values, then the release config's, then what was filled in for this request.
/// Of a name that is there more than once, the last one holds.
pub(super) fn common(
    app: &App,
    config: &ReleaseConfig,
    request: &Request,
    deployment: &Deployment,
    values: &OpenValues,
) -> Result<Variables, EngineError> {
    let git_ref = request.git_ref.as_deref().unwrap_or_default();
    let own = [
        ("DAVIT_APP_KEY", app.key.to_string()),
        ("DAVIT_APP_NAME", app.name.clone()),
        ("DAVIT_ENV", deployment.environment.to_string()),
        ("DAVIT_REQUEST_ID", request.id.to_string()),
        ("DAVIT_REQUEST_TITLE", request.title.clone()),
        ("DAVIT_DEPLOYMENT_ID", deployment.id.to_string()),
        ("DAVIT_DEPLOY_KIND", deployment.kind.as_str().to_owned()),
        ("DAVIT_RELEASE", deployment.release.to_string()),
        ("DAVIT_COMMIT", deployment.commit.to_string()),
        ("DAVIT_BRANCH", git_ref.strip_prefix("refs/heads/").unwrap_or_default().to_owned()),
        ("DAVIT_TAG", git_ref.strip_prefix("refs/tags/").unwrap_or_default().to_owned()),
        ("DAVIT_USER", request.created_by.clone()),
    ];
    let configured = variables::parse(&config.variables)
        .map_err(|error| EngineError::Invalid(format!("the variables of the release config: {error}")))?;
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let values = values.iter().map(|value| (value.name.clone(), value.text.expose_secret().to_owned()));
    let mut all = Variables::new();
    for (name, value) in own.chain(values).chain(configured).chain(request.inputs.values.clone()) {
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    Ok(all)
}

/// Those of a hook on a host: the common ones and the host's.
pub(super) fn on_host(
    common: &Variables,
    target: &HostTarget,
    layout: &Layout,
    release: &ReleaseName,
    previous: Option<&ReleaseName>,
) -> Variables {
    let own = [
        ("DAVIT_HOST_NAME", target.name.to_string()),
        ("DAVIT_HOST_ADDRESS", target.address.clone()),
        ("DAVIT_DEPLOY_PATH", layout.deploy_path().to_owned()),
        ("DAVIT_RELEASE_PATH", layout.release_path(release)),
        ("DAVIT_PREVIOUS_RELEASE_PATH", previous.map(|name| layout.release_path(name)).unwrap_or_default()),
    ];
    common.iter().cloned().chain(own.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}

/// Those of step 6 when it runs again because a host went back: to it, this is a rollback to `live`.
pub(super) fn gone_back(mut variables: Variables, live: &ReleaseName) -> Variables {
    for (name, value) in &mut variables {
        match name.as_str() {
            "DAVIT_DEPLOY_KIND" => "rollback".clone_into(value),
            "DAVIT_RELEASE" => live.as_str().clone_into(value),
            _ => {}
        }
    }
    variables
}
