//! The shell that stays for a whole job and runs its steps, and everything that descends from it.

use super::keeper::Keeper;
use super::output::Output;
use super::processes::{self, Identity, Process};
use super::replies::Replies;
use super::{Start, step};
use crate::RunnerError;
use crate::place::{Proof, StepCommand, StepExit};
use davit_exec::LineSink;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const SCRIPT: &str = include_str!("supervise.sh");

/// Where the programs are that build the walls.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a place may need to come up.
const START: Duration = Duration::from_secs(20);

/// Between TERM and KILL.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long KILL may need: longer only for a process stuck in the kernel.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// How often is looked whether processes are gone.
const LOOK: Duration = Duration::from_millis(10);

/// How long the last lines of a step that was ended may take to reach the sink.
const LINGER: Duration = Duration::from_secs(2);

/// The running shell.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    stdin: ChildStdin,
    replies: Replies,
    output: Output,
    /// Whose descendants are the place: pid 1 inside, or the shell itself. As davit's machine counts.
    root: i32,
    /// The shell.
    shell: i32,
    own_processes: bool,
    /// What was there before a step that nobody waits for any more.
    abandoned: Option<HashSet<Identity>>,
    gone: Option<String>,
    _keeper: Keeper,
}

impl Supervisor {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(start: &Start) -> Result<Self, RunnerError> {
        let fifo = start.layout.control.join("replies");
        nix::unistd::mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).map_err(RunnerError::io("making a pipe"))?;
        let mut replies = Replies::open(&fifo).map_err(RunnerError::io("opening a pipe"))?;
        let (keeper, mut child) = launch(&start.argv).await?;
        let pipe =
            |what: &str| RunnerError::io(format!("{what} of the supervisor"))(std::io::Error::other("is missing"));
        let mut stdin = child.stdin.take().ok_or_else(|| pipe("the input"))?;
        let stdout = child.stdout.take().ok_or_else(|| pipe("the output"))?;
        let mut stderr = child.stderr.take().ok_or_else(|| pipe("the errors"))?;

        let up = async {
            // A program that ended at once can't read it; that it ended is seen below.
            let _ = stdin.write_all(SCRIPT.as_bytes()).await;
            let mut root = None;
            loop {
                let line = replies.next().await.map_err(RunnerError::io("reading from the supervisor"))?;
                if let Some(rest) = line.trim().strip_prefix("\"child-pid\":") {
                    root = rest.trim().trim_end_matches(',').parse().ok();
                }
                if line == "ready" {
                    return Ok::<Option<i32>, RunnerError>(root);
                }
            }
        };
        let up = tokio::select! {
            up = up => up?,
            _ = child.wait() => return Err(did_not_start(&mut stderr).await),
            () = sleep(START) => return Err(did_not_start(&mut stderr).await),
        };
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let root = if start.own_processes { up } else { pid };
        let root = root.ok_or_else(|| RunnerError::Unavailable("the supervisor did not say its process id".into()))?;
        let shell = if start.own_processes {
            processes::descendants(root).first().map(|process| process.pid).ok_or_else(|| {
                RunnerError::Unavailable(format!("the supervisor under process {root} is not to be seen in /proc"))
            })?
        } else {
            root
        };
        let into_fd = RunnerError::io("taking the output of the supervisor");
        let (out, err): (OwnedFd, OwnedFd) = match (stdout.into_owned_fd(), stderr.into_owned_fd()) {
            (Ok(out), Ok(err)) => (out, err),
            (Err(error), _) | (_, Err(error)) => return Err(into_fd(error)),
        };
        let output = Output::new(out, err, start.limits.output).map_err(into_fd)?;
        Ok(Self {
            child,
            stdin,
            replies,
            output,
            root,
            shell,
            own_processes: start.own_processes,
            abandoned: None,
            gone: None,
            _keeper: keeper,
        })
    }

    /// Runs one step.
    pub(super) async fn run(
        &mut self,
        command: &StepCommand,
        stdin: Option<&str>,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        if let Some(older) = self.abandoned.take() {
            self.end_step(&older).await;
        }
        if let Some(reason) = &self.gone {
            return Err(RunnerError::Ended(reason.clone()));
        }
        if cancel.is_cancelled() {
            return Ok(StepExit::Cancelled { proof: "the step was not started".into() });
        }
        let id = format!("{:032x}", rand::random::<u128>());
        let text = step::text(command, stdin, &id)?;
        let older: HashSet<Identity> = processes::descendants(self.root).iter().map(Process::identity).collect();
        self.abandoned = Some(older.clone());
        self.output.begin(sink).await;
        let end = self.follow(&text, &id, command.timeout, cancel).await;
        self.abandoned = None;
        match end {
            End::Code(code) => {
                self.output.end().await;
                Ok(StepExit::Code(code))
            }
            End::Gone(reason) => {
                self.output.end().await;
                self.gone = Some(reason.clone());
                Err(RunnerError::Ended(reason))
            }
            End::Cancelled => Ok(StepExit::Cancelled { proof: self.end_step(&older).await }),
            End::TimedOut => Ok(StepExit::TimedOut { proof: self.end_step(&older).await }),
            End::Spent => {
                let proof = self.end_step(&older).await;
                Ok(StepExit::OverLimit { what: format!("the step said more than the job may say: {proof}") })
            }
        }
    }

    /// Ends everything and says what was seen.
    pub(super) async fn end(mut self) -> Proof {
        if self.own_processes && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // The end of pid 1 is the end of its whole namespace, and the kernel reports it only after the last
            // process of it is gone.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.root), Signal::SIGKILL);
        } else {
            self.kill_all(&HashSet::new()).await;
            let _ = self.child.start_kill();
        }
        let ended = timeout(KILL_GRACE, self.child.wait()).await.is_ok();
        let left = processes::descendants(self.root);
        let clean = ended && left.is_empty();
        let text = if clean {
            format!("process {} and everything that it started have ended", self.root)
        } else {
            format!("STILL RUNNING after KILL: {}", processes::list(&left))
        };
        Proof { clean, text }
    }

    async fn follow(&mut self, text: &[u8], id: &str, limit: Option<Duration>, cancel: &CancellationToken) -> End {
        let budget = self.output.budget();
        let prefix = format!("end {id} ");
        let (stdin, replies) = (&mut self.stdin, &mut self.replies);
        let reply = async {
            if stdin.write_all(text).await.is_err() {
                // The shell is gone, which the other branch sees.
                std::future::pending::<()>().await;
            }
            loop {
                match replies.next().await {
                    Ok(line) => {
                        if let Some(code) = line.strip_prefix(&prefix).and_then(|code| code.parse().ok()) {
                            return End::Code(code);
                        }
                    }
                    Err(error) => return End::Gone(format!("the place does not answer: {error}")),
                }
            }
        };
        let patience = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => End::Cancelled,
            end = reply => end,
            _ = self.child.wait() => End::Gone(
                "the place ended before its step did: the step ended every process, or the machine had no memory left".into()
            ),
            () = budget.is_spent() => End::Spent,
            () = patience => End::TimedOut,
        }
    }

    /// TERM, and KILL when that does not help, for what came after `older`. Returns what was seen, for people.
    async fn end_step(&mut self, older: &HashSet<Identity>) -> String {
        let first = self.of_step(older);
        for process in &first {
            process.signal(Signal::SIGTERM);
            // A stopped process would not see the TERM.
            process.signal(Signal::SIGCONT);
        }
        let mut proof = format!("{} ended by TERM", processes::list(&first));
        if !self.gone_within(older, TERM_GRACE).await {
            let stubborn = processes::list(&self.of_step(older));
            let gone = self.kill_all(older).await;
            proof = format!("{stubborn} did not end by TERM and was ended by KILL");
            if !gone {
                proof = format!("{stubborn} did not end by TERM and KILL, so the whole place was ended");
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.root), Signal::SIGKILL);
                self.gone = Some(format!("the place was ended: {proof}"));
            }
        }
        let _ = timeout(LINGER, self.output.end()).await;
        proof
    }

    fn of_step(&self, older: &HashSet<Identity>) -> Vec<Process> {
        processes::newer(processes::descendants(self.root), older, self.shell)
    }

    async fn gone_within(&self, older: &HashSet<Identity>, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.of_step(older).is_empty() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    /// Stops everything first: what is stopped can't start more.
    async fn kill_all(&self, older: &HashSet<Identity>) -> bool {
        let deadline = Instant::now() + KILL_GRACE;
        loop {
            let mut stopped: HashSet<Identity> = HashSet::new();
            loop {
                let fresh: Vec<Process> =
                    self.of_step(older).into_iter().filter(|process| stopped.insert(process.identity())).collect();
                if fresh.is_empty() || Instant::now() >= deadline {
                    break;
                }
                fresh.iter().for_each(|process| process.signal(Signal::SIGSTOP));
            }
            let left = self.of_step(older);
            if left.is_empty() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            left.iter().for_each(|process| process.signal(Signal::SIGKILL));
            sleep(LOOK).await;
        }
    }
}

enum End {
    Code(i32),
    Cancelled,
    TimedOut,
    Spent,
    Gone(String),
}

async fn launch(argv: &[String]) -> Result<(Keeper, Child), RunnerError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(RunnerError::Unavailable("there is no program to start a place with".into()));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PROGRAMS)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Keeper::spawn(command).await.map_err(RunnerError::io(format!("starting {program}")))
}

/// What it said on standard error, as an error for whoever runs davit.
async fn did_not_start(stderr: &mut tokio::process::ChildStderr) -> RunnerError {
    use tokio::io::AsyncReadExt;
    let mut said = vec![0; 4096];
    let read = timeout(LINGER, stderr.read(&mut said)).await.ok().and_then(Result::ok).unwrap_or(0);
    said.truncate(read);
    let said = String::from_utf8_lossy(&said);
    RunnerError::Unavailable(format!(
        "a place for the job could not be made: {}. `davit doctor` says what the machine lacks",
        if said.trim().is_empty() { "it did not come up in time" } else { said.trim() }
    ))
}
