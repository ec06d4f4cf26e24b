//! The engine: which one answers, and what its errors mean to the people of a job.

use super::api::{Api, ApiError};
use crate::RunnerError;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// How long an engine may take to say that it is there. A socket that starts Podman on demand is slow the first time.
const GREETING: Duration = Duration::from_secs(15);

/// Docker or Podman, through a Unix socket.
#[derive(Debug, Clone)]
pub struct Engine {
    api: Api,
    socket: PathBuf,
    version: String,
}

impl Engine {
    /// The engine of this machine: the one that `DOCKER_HOST` names, else the first that answers of Docker's socket and
    /// Podman's two.
    ///
    /// # Errors
    /// [`RunnerError::Unavailable`], with what was tried and what to do.
    pub async fn find() -> Result<Self, RunnerError> {
        let candidates = candidates(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
        let mut tried = Vec::new();
        for socket in &candidates {
            match Self::at(socket).await {
                Ok(engine) => return Ok(engine),
                Err(why) => tried.push(why.to_string()),
            }
        }
        Err(RunnerError::Unavailable(format!(
            "this job needs containers, and neither Docker nor Podman answers ({}). Install Docker, or install podman \
             and start its socket (systemctl enable --now podman.socket); the user that davit runs as must be allowed \
             to write to the socket. DOCKER_HOST=unix:///path names another one",
            tried.join("; ")
        )))
    }

    /// The engine behind a socket.
    ///
    /// # Errors
    /// [`RunnerError::Unavailable`] when nothing answers there.
    pub async fn at(socket: &Path) -> Result<Self, RunnerError> {
        let silent = |why: String| RunnerError::Unavailable(format!("{}: {why}", socket.display()));
        std::fs::metadata(socket).map_err(|error| silent(error.to_string()))?;
        let (api, about) = match timeout(GREETING, Api::connect(socket)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return Err(silent(error.to_string())),
            Err(_) => return Err(silent(format!("no answer within {} s", GREETING.as_secs()))),
        };
        let name = about["Components"][0]["Name"].as_str().unwrap_or("Docker");
        let version = format!("{name} {}", about["Version"].as_str().unwrap_or_default());
        Ok(Self { api, socket: socket.to_owned(), version })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its name and version: `Podman Engine 4.3.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(super) const fn api(&self) -> &Api {
        &self.api
    }
}

/// The engine that jobs with containers would use: `Podman Engine 4.3.1 at /run/podman/podman.sock`.
///
/// # Errors
/// [`RunnerError::Unavailable`] with what to do when there is none.
pub async fn examine() -> Result<String, RunnerError> {
    let engine = Engine::find().await?;
    Ok(format!("{} at {}", engine.version(), engine.socket().display()))
}

/// For `map_err`: what was tried, and whose fault the answer is. What the engine refuses (4xx) the job asked for.
pub(super) fn failed(what: impl Into<String>) -> impl FnOnce(ApiError) -> RunnerError {
    let what = what.into();
    move |error| {
        let text = format!("{what}: {error}");
        match error {
            ApiError::Status { code, .. } if code.is_client_error() => RunnerError::Refused(text),
            ApiError::Status { .. } | ApiError::Lost(_) => RunnerError::Unavailable(text),
        }
    }
}

/// The sockets to try, in order.
fn candidates(variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<PathBuf>, RunnerError> {
    if let Some(named) = variable("DOCKER_HOST") {
        return match named.strip_prefix("unix://") {
            Some(path) => Ok(vec![path.into()]),
            None => Err(RunnerError::Unavailable(format!(
                "DOCKER_HOST is {named}: davit speaks to Docker and Podman through a Unix socket alone, so that nobody \
                 on the network can. Set it to unix:///path/of/the/socket, or unset it"
            ))),
        };
    }
    let mut sockets: Vec<PathBuf> = vec!["/var/run/docker.sock".into(), "/run/podman/podman.sock".into()];
    sockets.extend(variable("XDG_RUNTIME_DIR").map(|own| Path::new(&own).join("podman/podman.sock")));
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        let sockets = candidates(&variable).map_err(|error| error.to_string())?;
        Ok(sockets.into_iter().map(|socket| socket.display().to_string()).collect())
    }

    #[test]
    fn dockers_socket_comes_before_podmans_and_a_named_one_before_all() {
        assert_eq!(
            found(&[("XDG_RUNTIME_DIR", "/run/user/7")]).expect("sockets"),
            ["/var/run/docker.sock", "/run/podman/podman.sock", "/run/user/7/podman/podman.sock"]
        );
        assert_eq!(found(&[("DOCKER_HOST", "unix:///x/y.sock")]).expect("sockets"), ["/x/y.sock"]);
    }

    #[test]
    fn an_engine_on_the_network_is_not_spoken_to() {
        let error = found(&[("DOCKER_HOST", "tcp://10.0.0.1:2375")]).expect_err("no socket");
        assert!(error.contains("tcp://10.0.0.1:2375") && error.contains("unix:///"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_where_nobody_is_says_so() {
        let error = Engine::at(Path::new("/nowhere/docker.sock")).await.expect_err("nobody").to_string();
        assert!(error.starts_with("/nowhere/docker.sock: "), "{error}");
    }
}
