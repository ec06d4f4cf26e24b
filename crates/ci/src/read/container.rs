//! `container` and `services`.

use super::fields::{self, Fields};
use crate::expression::Spot;
use crate::model::{Container, Credentials};
use crate::named::Named;
use crate::place::Problems;
use crate::yaml::{Kind, Node};

/// The image alone, or a mapping.
pub(super) fn container(node: &Node, problems: &mut Problems) -> Option<Container> {
    if let Kind::Scalar(_) = node.kind {
        let image = fields::filled(node, "the image of a container", &Spot::JOB, problems)?;
        return Some(Container {
            image,
            credentials: None,
            env: Named::default(),
            ports: Vec::new(),
            volumes: Vec::new(),
            options: None,
        });
    }
    let mut fields = Fields::of(node, "a container", problems)?;
    let image = fields.required("image", problems);
    let image = image.and_then(|node| fields::filled(node, "`image`", &Spot::JOB, problems));
    let credentials = fields.get("credentials").and_then(|node| credentials(node, problems));
    let env = fields.get("env").map(|node| fields::templates(node, "`env`", &Spot::CONTAINER_ENV, problems));
    let ports = fields.get("ports").map(|node| fields::template_list(node, "`ports`", &Spot::JOB, problems));
    let volumes = fields.get("volumes").map(|node| fields::template_list(node, "`volumes`", &Spot::JOB, problems));
    let options = fields.get("options").and_then(|node| fields::template(node, "`options`", &Spot::JOB, problems));
    fields.finish(&[], problems);
    Some(Container {
        image: image?,
        credentials,
        env: env.unwrap_or_default(),
        ports: ports.unwrap_or_default(),
        volumes: volumes.unwrap_or_default(),
        options,
    })
}

/// Containers by the names under which a job reaches them.
pub(super) fn services(node: &Node, problems: &mut Problems) -> Named<Container> {
    let entries = fields::entries(node, "`services`", problems).unwrap_or_default();
    let mut services = Vec::new();
    for entry in entries {
        if !super::job::is_id(&entry.key) {
            problems.add(
                entry.key_place,
                format!("`{}` can't be the name of a service: it has {}", entry.key, super::job::ID_RULE),
            );
        }
        services.extend(container(&entry.value, problems).map(|container| (entry.key.clone(), container)));
    }
    services.into_iter().collect()
}

fn credentials(node: &Node, problems: &mut Problems) -> Option<Credentials> {
    let mut fields = Fields::of(node, "`credentials`", problems)?;
    let username = fields.required("username", problems);
    let username = username.and_then(|node| fields::filled(node, "`username`", &Spot::CREDENTIALS, problems));
    let password = fields.required("password", problems);
    let password = password.and_then(|node| fields::filled(node, "`password`", &Spot::CREDENTIALS, problems));
    fields.finish(&[], problems);
    Some(Credentials { username: username?, password: password? })
}
