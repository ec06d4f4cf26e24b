//! Programs in a container, as the engine starts them.

use super::engine::{Engine, plain};
use crate::RunnerError;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::time::{sleep, timeout};

/// The pause between two looks at a program whose output has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A program that was started.
pub(super) struct Exec {
    id: String,
    pub(super) output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    /// Held for as long as the program: an engine may take its end for a wish to leave.
    _input: Pin<Box<dyn AsyncWrite + Send>>,
}

/// How a small program ended and what it said.
pub(super) struct Captured {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Starts a program.
pub(super) async fn start(engine: &Engine, container: &str, config: ExecConfig) -> Result<Exec, RunnerError> {
    let config = ExecConfig { attach_stdout: Some(true), attach_stderr: Some(true), ..config };
    let id = engine.api().create_exec(container, config).await.map_err(|error| gone(&error))?.id;
    match engine.api().start_exec(&id, None).await.map_err(|error| gone(&error))? {
        StartExecResults::Attached { output, input } => Ok(Exec { id, output, _input: input }),
        StartExecResults::Detached => {
            Err(RunnerError::Unavailable("the engine started a program without its output".to_owned()))
        }
    }
}

impl Exec {
    /// Whether it runs; else how it ended.
    pub(super) async fn ended(&self, engine: &Engine) -> Result<Option<i32>, RunnerError> {
        let seen = engine.api().inspect_exec(&self.id).await.map_err(|error| gone(&error))?;
        if seen.running == Some(true) {
            return Ok(None);
        }
        Ok(seen.exit_code.map(|code| i32::try_from(code).unwrap_or(i32::MAX)))
    }

    /// The exit code of a program whose output has ended: the engine learns of its end a moment later.
    pub(super) async fn exit_code(&self, engine: &Engine) -> Result<i32, RunnerError> {
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
        let config = ExecConfig { cmd: Some(argv), user: user.map(str::to_owned), ..ExecConfig::default() };
        let mut exec = start(engine, container, config).await?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(piece) = exec.output.next().await {
            match piece.map_err(|error| gone(&error))? {
                LogOutput::StdErr { message } => stderr.extend_from_slice(&message),
                LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                    stdout.extend_from_slice(&message);
                }
            }
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
fn gone(error: &Error) -> RunnerError {
    let text = plain(error);
    if matches!(error, Error::DockerResponseServerError { .. }) {
        RunnerError::Ended(format!("the container does not run any more: {text}"))
    } else {
        RunnerError::Unavailable(format!("the connection to the container engine was lost: {text}"))
    }
}
