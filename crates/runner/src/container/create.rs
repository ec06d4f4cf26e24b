//! What a container is made of: the job's wishes, within the job's limits.

use super::ContainerSpec;
use super::estate::Estate;
use super::image::Image;
use super::mounts;
use super::options::{self, Options};
use crate::RunnerError;
use crate::place::PlaceSpec;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What the shell does that the job's own container stands on: waits, ends when it is told to, and reaps what steps
/// leave behind.
const STAND: &str = "trap 'exit 0' TERM; while :; do sleep 2147483647 & wait; done";

/// The capabilities that remain. Not there: raw packets and devices, which no build needs.
const CAPABILITIES: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Steps run in it: it stands there and does nothing by itself.
    Job,
    /// It runs what its image is for.
    Service,
}

/// The options of a container, read.
pub(super) fn options(spec: &ContainerSpec) -> Result<Options, RunnerError> {
    options::parse(spec.options.as_deref().unwrap_or_default()).map_err(RunnerError::Refused)
}

/// What the engine is told.
pub(super) fn body(
    estate: &Estate,
    own: &ContainerSpec,
    spec: &PlaceSpec,
    image: &Image,
    role: Role,
) -> Result<Value, RunnerError> {
    let options = options(own)?;
    if role == Role::Job && (options.read_only || options.entrypoint.is_some()) {
        let what = if options.read_only { "--read-only" } else { "--entrypoint" };
        return Err(RunnerError::Refused(format!("options: {what} is for services: steps run in this container")));
    }
    let mut ports = mounts::ports(&own.ports)?;
    if role == Role::Service && spec.container.is_some() {
        // Steps in a container reach services by name; a port of the server would only be in other jobs' way.
        ports.clear();
    }
    let mut env: Vec<String> = own.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    env.extend(options.env.iter().cloned());
    let mut labels: HashMap<&str, &str> = options.labels.iter().map(|(key, it)| (key.as_str(), it.as_str())).collect();
    labels.extend(estate.labels().iter().map(|(key, it)| (key.as_str(), it.as_str())));
    let (entrypoint, cmd) = match role {
        Role::Job => (json!(["sh"]), json!(["-c", STAND])),
        Role::Service => (options.entrypoint.as_ref().map_or(Value::Null, |program| json!([program])), Value::Null),
    };
    let exposed: Map<String, Value> = ports.keys().map(|port| (port.clone(), json!({}))).collect();
    let mut host = limited(&options, spec)?;
    host["PortBindings"] = ports.into();
    host["Mounts"] = volumes(estate, own, spec, role)?.into();
    host["NetworkMode"] = estate.name().into();
    Ok(without_nulls(json!({
        "Image": image.reference,
        "Hostname": options.hostname,
        "User": options.user,
        "Env": env,
        "Cmd": cmd,
        "Entrypoint": entrypoint,
        "WorkingDir": options.working_dir,
        // davit runs the check itself: Podman's own needs systemd.
        "Healthcheck": { "Test": ["NONE"] },
        "ExposedPorts": exposed,
        "Labels": labels,
        "StopTimeout": 0,
        "HostConfig": host,
        "NetworkingConfig": { "EndpointsConfig": { estate.name(): { "Aliases": aliases(own, &options) } } },
    })))
}

fn volumes(estate: &Estate, own: &ContainerSpec, spec: &PlaceSpec, role: Role) -> Result<Vec<Value>, RunnerError> {
    let volumes = own.volumes.iter().map(|text| mounts::volume(text, spec.executor, estate));
    let mut volumes = volumes.collect::<Result<Vec<Value>, _>>()?;
    if role == Role::Service && spec.container.is_none() && own.volumes.iter().any(|it| mounts::shares_workspace(it)) {
        return Err(RunnerError::Refused(
            "volumes: the workspace can be shared with a service only where the job has a container too".to_owned(),
        ));
    }
    let shared = spec.services.iter().any(|service| service.volumes.iter().any(|it| mounts::shares_workspace(it)));
    if role == Role::Job && shared {
        volumes.push(mounts::shared_workspace(estate));
    }
    Ok(volumes)
}

/// What the container may do: the limits of the job, or narrower ones that the options ask for.
fn limited(options: &Options, spec: &PlaceSpec) -> Result<Value, RunnerError> {
    let limits = &spec.limits;
    let over = |what: &str, most: String| {
        RunnerError::Refused(format!("options: {what} is more than the repository may have ({most})"))
    };
    if options.memory.is_some_and(|memory| memory > limits.memory) {
        return Err(over("--memory", format!("{} MiB", limits.memory >> 20)));
    }
    if options.cpus.is_some_and(|cpus| cpus > limits.cpus) {
        return Err(over("--cpus", limits.cpus.to_string()));
    }
    let memory = options.memory.unwrap_or(limits.memory);
    let ulimits: Vec<Value> =
        options.ulimits.iter().map(|(name, soft, hard)| json!({ "Name": name, "Soft": soft, "Hard": hard })).collect();
    let tmpfs: HashMap<&String, &String> = options.tmpfs.iter().map(|(path, how)| (path, how)).collect();
    Ok(without_nulls(json!({
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": nano(options.cpus.unwrap_or(limits.cpus)),
        "PidsLimit": limits.processes,
        "ShmSize": options.shm_size.map(|size| size.min(limits.memory)),
        "Tmpfs": tmpfs,
        "Ulimits": ulimits,
        "ExtraHosts": options.hosts,
        "CapDrop": ["ALL"],
        "CapAdd": kept(&options.cap_drop),
        "Privileged": false,
        // Podman wants a program for it that not every machine has: only where it is asked for.
        "Init": options.init.then_some(true),
        "ReadonlyRootfs": options.read_only,
        // A service that talks without end must not fill the server's disk.
        "LogConfig": { "Type": "json-file", "Config": { "max-size": "10m" } },
    })))
}

/// The capabilities that remain when these are given up.
fn kept(dropped: &[String]) -> Vec<&'static str> {
    let dropped: Vec<String> = dropped.iter().map(|name| capability(name)).collect();
    let is_kept = |name: &str| !dropped.iter().any(|gone| gone == "ALL" || gone == name);
    CAPABILITIES.into_iter().filter(|name| is_kept(name)).collect()
}

/// The names of a container in the job's network.
fn aliases(own: &ContainerSpec, options: &Options) -> Vec<String> {
    let key = (!own.key.is_empty()).then(|| own.key.clone());
    options.aliases.iter().cloned().chain(key).collect()
}

/// What is not said is left out: engines take `null` for a value.
fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    value
}

/// `CAP_KILL` and `kill` are `KILL`.
fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
}

/// Billionths of a processor.
#[expect(clippy::cast_possible_truncation, reason = "a machine has fewer than nine billion processors")]
fn nano(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_given_up_by_any_of_their_names() {
        assert_eq!(kept(&[]), CAPABILITIES);
        let kept_then = kept(&["cap_kill".to_owned(), "SETUID".to_owned()]);
        assert!(!kept_then.contains(&"KILL") && !kept_then.contains(&"SETUID"));
        assert_eq!(kept_then.len(), CAPABILITIES.len() - 2);
        assert!(kept(&["all".to_owned()]).is_empty());
    }
}
