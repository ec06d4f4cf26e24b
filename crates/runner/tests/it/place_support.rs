//! Places for tests, and what they said.

use davit_exec::OutputLine;
use davit_runner::{Executor, Limits, Place, PlaceSpec, RunnerError, StepCommand, StepExit};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The executors that need no container engine.
pub(crate) const BOTH: [Executor; 2] = [Executor::Sandbox, Executor::Host];

/// A place in a directory of its own.
pub(crate) struct Open {
    pub(crate) place: Place,
    pub(crate) directory: TempDir,
}

/// What a step did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Result<StepExit, RunnerError>,
    pub(crate) lines: Vec<OutputLine>,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn code(&self) -> i32 {
        match &self.exit {
            Ok(StepExit::Code(code)) => *code,
            other => panic!("no exit code: {other:?}, {}", self.text()),
        }
    }
}

/// A number that no other process has among its arguments.
pub(crate) fn mark() -> String {
    rand::random_range(10_000_000..99_999_999_u32).to_string()
}

/// Limits that no ordinary step reaches.
pub(crate) fn limits() -> Limits {
    Limits {
        memory: 1 << 30,
        cpus: 2.0,
        processes: 256,
        disk: 1 << 30,
        output: 16 << 20,
        time: Duration::from_secs(600),
    }
}

/// What to make, in `directory`.
pub(crate) fn spec(directory: &TempDir, executor: Executor) -> PlaceSpec {
    PlaceSpec {
        job_dir: directory.path().join("job"),
        executor,
        container: None,
        services: Vec::new(),
        limits: limits(),
        network: false,
        tools: Vec::new(),
        name: format!("davit-test-{:016x}", rand::random::<u64>()),
    }
}

/// A place with what `change` makes of the usual.
pub(crate) async fn open_with(executor: Executor, change: impl FnOnce(&mut PlaceSpec)) -> Open {
    let directory = tempfile::tempdir().expect("a directory");
    let mut spec = spec(&directory, executor);
    change(&mut spec);
    // Nobody listens: a sandbox has nothing to say while it is made.
    let (sink, _) = mpsc::channel(1);
    let place = Place::open(&spec, &sink, &CancellationToken::new()).await.expect("a place");
    Open { place, directory }
}

/// A sandbox.
pub(crate) async fn sandbox() -> Open {
    open_with(Executor::Sandbox, |_| ()).await
}

/// A shell script as a step.
pub(crate) fn script(place: &Place, script: &str) -> StepCommand {
    StepCommand {
        argv: ["sh", "-c", script].map(str::to_owned).into(),
        env: place.base_env(),
        cwd: place.workspace().to_owned(),
        stdin: None,
        timeout: None,
    }
}

/// Runs a step to its end.
pub(crate) async fn run(place: &Place, command: StepCommand, cancel: &CancellationToken) -> Ran {
    let (sink, mut inbox) = mpsc::channel(16);
    let listen = async {
        let mut lines = Vec::new();
        while let Some(line) = inbox.recv().await {
            lines.push(line);
        }
        lines
    };
    let step = async {
        let exit = place.run(command, &sink, cancel).await;
        drop(sink);
        exit
    };
    let (exit, lines) = tokio::join!(step, listen);
    Ran { exit, lines }
}

impl Open {
    pub(crate) async fn sh(&self, text: &str) -> Ran {
        run(&self.place, script(&self.place, text), &CancellationToken::new()).await
    }

    /// Ends it, with proof.
    pub(crate) async fn close(self) {
        let proof = self.place.close().await;
        assert!(proof.clean, "{proof}");
    }
}

/// A token that nobody cancels.
pub(crate) fn cancelled_never() -> CancellationToken {
    CancellationToken::new()
}

/// Command lines on this machine that have `mark` in them.
pub(crate) fn processes_with(mark: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(mark) && line.contains("sleep") && !line.contains(" -c ")).collect()
}

/// Whether the kernel limits what a job's processes use together.
pub(crate) fn groups_hold() -> bool {
    nix::unistd::geteuid().is_root()
}
