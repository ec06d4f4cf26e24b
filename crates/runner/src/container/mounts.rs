//! `volumes` and `ports` of a container.

use super::WORKSPACE;
use super::estate::Estate;
use crate::RunnerError;
use crate::place::Executor;
use serde_json::{Map, Value, json};

/// The name of the volume that a job's workspace is in when other containers share it.
const SHARED: &str = "workspace";

/// What a volume is to the engine.
///
/// Host paths are for repositories that may run on the server as it is: whoever can bind `/` has the server.
///
/// # Errors
/// A text that is none, or one that this job may not have.
pub(super) fn volume(text: &str, executor: Executor, estate: &Estate) -> Result<Value, RunnerError> {
    let refused = |why: String| RunnerError::Refused(format!("volumes: {text:?} {why}"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, how) = match parts.as_slice() {
        [target] => (None, *target, None),
        [source, target] => (Some(*source), *target, None),
        [source, target, how] => (Some(*source), *target, Some(*how)),
        _ => return Err(refused("is not like name:/path or name:/path:ro".to_owned())),
    };
    if !target.starts_with('/') {
        return Err(refused("does not name an absolute path in the container".to_owned()));
    }
    let read_only = match how {
        None | Some("rw") => false,
        Some("ro") => true,
        Some(other) => return Err(refused(format!("ends in {other:?}; ro and rw are supported"))),
    };
    let (typ, source) = match source {
        None => ("volume", None),
        Some(WORKSPACE) => ("volume", Some(estate.volume(SHARED))),
        Some(path) if path.starts_with(&format!("{WORKSPACE}/")) => {
            return Err(refused(format!("is a part of the workspace: share {WORKSPACE} as a whole")));
        }
        Some(path) if path.starts_with('/') && executor == Executor::Host => ("bind", Some(path.to_owned())),
        Some(path) if path.starts_with('/') => {
            return Err(refused(
                "is a path of the server. Use a name (a volume of this job), or let an administrator trust the \
                 repository and set executor = \"host\" for it"
                    .to_owned(),
            ));
        }
        Some(name) if is_name(name) => ("volume", Some(estate.volume(&format!("named-{name}")))),
        Some(_) => return Err(refused("has neither a name nor an absolute path before the colon".to_owned())),
    };
    let mut mount = json!({ "Type": typ, "Target": target, "ReadOnly": read_only });
    if let Some(source) = source {
        mount["Source"] = source.into();
    }
    Ok(mount)
}

/// The workspace of the job's own container, where another container shares it.
pub(super) fn shared_workspace(estate: &Estate) -> Value {
    json!({ "Type": "volume", "Source": estate.volume(SHARED), "Target": WORKSPACE })
}

/// Whether a volume is the job's workspace.
pub(super) fn shares_workspace(text: &str) -> bool {
    text.split(':').next() == Some(WORKSPACE)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// What the engine is told of the ports: `5432/tcp` and where it is published. Always on the loopback address: a
/// database with a password of `postgres` is nothing for the network that the server is in.
///
/// # Errors
/// A text that is no port.
pub(super) fn ports(texts: &[String]) -> Result<Map<String, Value>, RunnerError> {
    let mut ports = Map::new();
    for text in texts {
        let wrong = || {
            RunnerError::Refused(format!(
                "ports: {text:?} is not like 5432, 15432:5432 or 53:53/udp; ranges and addresses are not supported"
            ))
        };
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (outside, inside) = match numbers.split_once(':') {
            Some((outside, inside)) => (Some(outside.parse::<u16>().map_err(|_| wrong())?), inside),
            None => (None, numbers),
        };
        let inside: u16 = inside.parse().map_err(|_| wrong())?;
        if !matches!(protocol, "tcp" | "udp") || inside == 0 {
            return Err(wrong());
        }
        let outside = outside.map_or_else(String::new, |port| port.to_string());
        let bindings = ports.entry(format!("{inside}/{protocol}")).or_insert_with(|| json!([]));
        if let Some(bindings) = bindings.as_array_mut() {
            bindings.push(json!({ "HostIp": "127.0.0.1", "HostPort": outside }));
        }
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(text: &str) -> Result<(String, String), String> {
        let ports = ports(&[text.to_owned()]).map_err(|error| error.to_string())?;
        let (inside, bindings) = ports.into_iter().next().expect("one port");
        assert_eq!(bindings[0]["HostIp"], "127.0.0.1", "never for the whole network");
        Ok((inside, bindings[0]["HostPort"].as_str().expect("a text").to_owned()))
    }

    #[test]
    fn ports_are_published_on_the_loopback_address() {
        for (text, inside, outside) in
            [("5432", "5432/tcp", ""), ("15432:5432", "5432/tcp", "15432"), ("53:53/udp", "53/udp", "53")]
        {
            assert_eq!(published(text).expect(text), (inside.to_owned(), outside.to_owned()), "{text}");
        }
        for text in ["", "x", "0", "70000", "1-3:1-3", "0.0.0.0:80:80", "80/icmp"] {
            let error = published(text).expect_err(text);
            assert!(error.contains("15432:5432"), "{error}");
        }
    }

    #[test]
    fn names_of_volumes_are_plain() {
        assert!(is_name("cargo-home_1.2"));
        for text in ["", ".x", "a/b", "../x", "a b"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
