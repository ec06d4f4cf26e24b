//! `container` and `services` of a job, with their expressions worked out.

use super::contexts::{Known, Scope};
use super::fault::Fault;
use super::variables::Variables;
use crate::container::ContainerSpec;
use crate::search::Roots;
use crate::spec::JobSpec;
use davit_ci::{Container, Contexts, EvaluationError, Named, Status, Template, Value};
use secrecy::SecretString;

/// The container of the job, where it names one, and its services. An image that comes out empty is none: so a matrix
/// can leave one out.
pub(crate) fn of(spec: &JobSpec) -> Result<(Option<ContainerSpec>, Vec<ContainerSpec>), Fault> {
    // The directories are the same in all containers.
    let roots =
        Roots { workspace: "/workspace".to_owned(), home: "/home/runner".to_owned(), temp: "/runner/temp".to_owned() };
    let known = Known::new(spec, &roots, Value::Object(Vec::new()));
    let scope = Scope::of_job(spec.inputs.clone());
    let contexts = |env: &Variables| known.contexts(&scope, env, Status::Success);
    let of_workflow: Variables = rendered(&spec.workflow_env, &contexts(&Variables::default()))?.into_iter().collect();
    let of_job: Variables = rendered(&spec.job.env, &contexts(&of_workflow))?.into_iter().collect();
    let contexts = contexts(&of_workflow.with(&of_job));
    let one = |key: &str, container: &Container| evaluated(key, container, &contexts);
    let container = spec.job.container.as_ref().map(|container| one("", container)).transpose()?;
    let services = spec.job.services.iter().map(|(key, container)| one(key, container));
    let mut services = services.collect::<Result<Vec<_>, _>>()?;
    services.retain(|service| !service.image.is_empty());
    Ok((container.filter(|container| !container.image.is_empty()), services))
}

fn evaluated(key: &str, container: &Container, contexts: &Contexts<'_>) -> Result<ContainerSpec, EvaluationError> {
    let all = |templates: &[Template]| -> Result<Vec<String>, EvaluationError> {
        templates.iter().map(|template| template.render(contexts)).collect()
    };
    let credentials = match &container.credentials {
        None => None,
        Some(credentials) => {
            Some((credentials.username.render(contexts)?, SecretString::from(credentials.password.render(contexts)?)))
        }
    };
    Ok(ContainerSpec {
        key: key.to_owned(),
        image: container.image.render(contexts)?.trim().to_owned(),
        credentials,
        env: rendered(&container.env, contexts)?,
        ports: all(&container.ports)?,
        volumes: all(&container.volumes)?,
        options: container.options.as_ref().map(|options| options.render(contexts)).transpose()?,
    })
}

fn rendered(templates: &Named<Template>, contexts: &Contexts<'_>) -> Result<Vec<(String, String)>, EvaluationError> {
    templates.iter().map(|(name, template)| Ok((name.to_owned(), template.render(contexts)?))).collect()
}
