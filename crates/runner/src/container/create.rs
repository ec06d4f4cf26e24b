//! What a container is made of: the job's wishes, within the job's limits.

use super::ContainerSpec;
use super::estate::Estate;
use super::image::Image;
use super::mounts;
use super::options::{self, Options};
use crate::RunnerError;
use crate::place::PlaceSpec;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount, NetworkingConfig,
    ResourcesUlimits,
};
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
) -> Result<ContainerCreateBody, RunnerError> {
    let options = options(own)?;
    if role == Role::Job && (options.read_only || options.entrypoint.is_some()) {
        let what = if options.read_only { "--read-only" } else { "--entrypoint" };
        return Err(RunnerError::Refused(format!("options: {what} is for services: steps run in this container")));
    }
    let ports = if role == Role::Service && spec.container.is_some() {
        // Steps in a container reach services by name; a port of the server would only be in other jobs' way.
        mounts::ports(&own.ports)?;
        HashMap::new()
    } else {
        mounts::ports(&own.ports)?
    };
    let mut env: Vec<String> = own.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    env.extend(options.env.iter().cloned());
    let mut labels: HashMap<String, String> = options.labels.iter().cloned().collect();
    labels.extend(estate.labels().clone());
    let (entrypoint, cmd) = match role {
        Role::Job => (Some(vec!["sh".to_owned()]), Some(vec!["-c".to_owned(), STAND.to_owned()])),
        Role::Service => (options.entrypoint.clone().map(|program| vec![program]), None),
    };
    Ok(ContainerCreateBody {
        image: Some(image.reference.clone()),
        hostname: options.hostname.clone(),
        user: options.user.clone(),
        env: Some(env),
        cmd,
        entrypoint,
        working_dir: options.working_dir.clone(),
        // davit runs the check itself: Podman's own needs systemd.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        exposed_ports: Some(ports.keys().cloned().collect()),
        labels: Some(labels),
        host_config: Some(host(
            estate,
            own,
            spec,
            role,
            HostConfig { port_bindings: Some(ports), ..limited(&options, spec)? },
        )?),
        networking_config: Some(in_network(estate, own, &options)),
        stop_timeout: Some(0),
        ..ContainerCreateBody::default()
    })
}

/// The part that says what the container may do and see of the machine.
fn host(
    estate: &Estate,
    own: &ContainerSpec,
    spec: &PlaceSpec,
    role: Role,
    limited: HostConfig,
) -> Result<HostConfig, RunnerError> {
    let volumes = own.volumes.iter().map(|text| mounts::volume(text, spec.executor, estate));
    let mut volumes = volumes.collect::<Result<Vec<Mount>, _>>()?;
    if role == Role::Service && spec.container.is_none() && own.volumes.iter().any(|it| mounts::shares_workspace(it)) {
        return Err(RunnerError::Refused(
            "volumes: the workspace can be shared with a service only where the job has a container too".to_owned(),
        ));
    }
    let shared = spec.services.iter().any(|service| service.volumes.iter().any(|it| mounts::shares_workspace(it)));
    if role == Role::Job && shared {
        volumes.push(mounts::shared_workspace(estate));
    }
    let size = HashMap::from([("max-size".to_owned(), "10m".to_owned())]);
    Ok(HostConfig {
        mounts: Some(volumes),
        network_mode: Some(estate.network().to_owned()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        privileged: Some(false),
        // A service that talks without end must not fill the server's disk.
        log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(size) }),
        ..limited
    })
}

/// The limits of the job, or narrower ones that the options ask for.
fn limited(options: &Options, spec: &PlaceSpec) -> Result<HostConfig, RunnerError> {
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
    let memory = signed(options.memory.unwrap_or(limits.memory));
    let dropped: Vec<String> = options.cap_drop.iter().map(|name| capability(name)).collect();
    let kept = CAPABILITIES.iter().filter(|_| !dropped.iter().any(|name| name == "ALL"));
    let kept = kept.filter(|name| !dropped.iter().any(|gone| gone == *name)).map(|name| (*name).to_owned()).collect();
    let ulimits = options.ulimits.iter().map(|(name, soft, hard)| ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(*soft),
        hard: Some(*hard),
    });
    Ok(HostConfig {
        memory: Some(memory),
        memory_swap: Some(memory),
        nano_cpus: Some(nano(options.cpus.unwrap_or(limits.cpus))),
        pids_limit: Some(i64::from(limits.processes)),
        shm_size: options.shm_size.map(|size| signed(size.min(limits.memory))),
        tmpfs: Some(options.tmpfs.iter().cloned().collect()),
        ulimits: Some(ulimits.collect()),
        extra_hosts: Some(options.hosts.clone()),
        cap_add: Some(kept),
        // Podman wants a program for it that not every machine has: only where it is asked for.
        init: options.init.then_some(true),
        readonly_rootfs: Some(options.read_only),
        ..HostConfig::default()
    })
}

fn in_network(estate: &Estate, own: &ContainerSpec, options: &Options) -> NetworkingConfig {
    let mut aliases = options.aliases.clone();
    if !own.key.is_empty() {
        aliases.push(own.key.clone());
    }
    let endpoint = EndpointSettings { aliases: Some(aliases), ..EndpointSettings::default() };
    NetworkingConfig { endpoints_config: Some(HashMap::from([(estate.network().to_owned(), endpoint)])) }
}

/// `CAP_KILL` and `kill` are `KILL`.
fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Billionths of a processor.
#[expect(clippy::cast_possible_truncation, reason = "a machine has fewer than nine billion processors")]
fn nano(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}
