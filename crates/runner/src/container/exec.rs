//! Programs in a container, as the engine starts them.

use super::api::{ApiError, Frames};
use super::engine::Engine;
use crate::RunnerError;
use davit_domain::log::Stream;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::time::{sleep, timeout};

/// The pause between two looks at a program whose output has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A program that was started.
pub(super) struct Exec {
    id: String,
    output: Frames<Box<dyn AsyncRead + Send + Unpin>>,
}

/// How a small program ended and what it said.
pub(super) struct Captured {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Starts a program; `config` is what the engine is told of it.
pub(super) async fn start(engine: &Engine, container: &str, mut config: Value) -> Result<Exec, RunnerError> {
    config["AttachStdout"] = true.into();
    config["AttachStderr"] = true.into();
    let made = engine.api().post(&format!("/containers/{container}/exec"), &[], &config).await;
    let made = made.map_err(|error| gone(&error))?;
    let Some(id) = made["Id"].as_str() else {
        return Err(RunnerError::Unavailable("the engine prepared a program without an identity".to_owned()));
    };
    let output = engine.api().start_exec(id).await.map_err(|error| gone(&error))?;
    Ok(Exec { id: id.to_owned(), output: output.boxed() })
}

impl Exec {
    /// The next piece of output; `None` when all of it has come.
    pub(super) async fn next(&mut self) -> Result<Option<(Stream, bytes::Bytes)>, RunnerError> {
        let piece = self.output.next().await;
        piece.map_err(|error| RunnerError::Unavailable(format!("the output of a program was lost: {error}")))
    }

    /// How it ended; `None` while it runs.
    pub(super) async fn ended(&mut self, engine: &Engine) -> Result<Option<i32>, RunnerError> {
        let seen = engine.api().get(&format!("/exec/{}/json", self.id), &[]).await.map_err(|error| gone(&error))?;
        if seen["Running"] == true {
            return Ok(None);
        }
        Ok(seen["ExitCode"].as_i64().map(|code| i32::try_from(code).unwrap_or(i32::MAX)))
    }

    /// The exit code of a program whose output has ended: the engine learns of its end a moment later.
    pub(super) async fn exit_code(&mut self, engine: &Engine) -> Result<i32, RunnerError> {
        loop {
            if let Some(code) = self.ended(engine).await? {
                return Ok(code);
            }
            sleep(LOOK).await;
        }
    }
}

/// Runs a small program to its end.
pub(super) async fn capture(
    engine: &Engine,
    container: &str,
    argv: Vec<String>,
    user: Option<&str>,
    limit: Duration,
) -> Result<Captured, RunnerError> {
    let name = argv.first().cloned().unwrap_or_default();
    let run = async {
        let mut config = json!({ "Cmd": argv });
        if let Some(user) = user {
            config["User"] = user.into();
        }
        let mut exec = start(engine, container, config).await?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some((stream, piece)) = exec.next().await? {
            if stream == Stream::Stderr { &mut stderr } else { &mut stdout }.extend_from_slice(&piece);
        }
        let code = exec.exit_code(engine).await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Captured { code, stdout: text(stdout), stderr: text(stderr) })
    };
    timeout(limit, run)
        .await
        .unwrap_or_else(|_| Err(RunnerError::Unavailable(format!("{name}: no answer within {} s", limit.as_secs()))))
}

/// What it means that a program can't be started or followed: the container is gone, or the engine.
fn gone(error: &ApiError) -> RunnerError {
    match error {
        ApiError::Status { .. } => RunnerError::Ended(format!("the container does not run any more: {error}")),
        ApiError::Lost(_) => {
            RunnerError::Unavailable(format!("the connection to the container engine was lost: {error}"))
        }
    }
}
