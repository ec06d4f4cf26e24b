//! The shell that stays for a whole job and runs its steps, and everything that descends from it.

mod ending;

use super::keeper::Keeper;
use super::output::Output;
use super::replies::Replies;
use super::step::{self, Text};
use crate::limits::Groups;
use crate::place::{Limits, Proof, StepCommand, StepExit};
use crate::processes::{self, Identity, Process};
use crate::tree::{self, Strays, Tree};
use crate::{RunnerError, size};
use davit_domain::log::Stream;
use davit_exec::process::locate;
use davit_exec::{LineSink, OutputLine};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchown};
use std::collections::HashSet;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

const SCRIPT: &str = include_str!("supervise.sh");

/// Where the programs are that build the walls.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a place may need to come up: milliseconds, but the machine may be busy with other things.
const START: Duration = Duration::from_secs(300);

/// How long the last lines of a step that was ended may take to reach the sink.
const LINGER: Duration = Duration::from_secs(10);

/// What steps that come after the job's time was over may take together: those that clean up.
const AFTER_TIME: Duration = Duration::from_secs(300);

/// A shell's exit code for a program that wrote more to a file than it may (SIGXFSZ).
const TOO_BIG: i32 = 128 + Signal::SIGXFSZ as i32;

/// What steps may still say after the job said all it may.
const AFTER_OUTPUT: u64 = 1 << 20;

/// What a supervisor is started with.
pub(super) struct Launch<'a> {
    /// Where its replies are to come from; made here.
    pub(super) fifo: &'a Path,
    /// `DAVIT_PLACE=…`, where its processes have no process ids of their own.
    pub(super) mark: Option<String>,
    pub(super) limits: &'a Limits,
    pub(super) groups: Groups,
    /// Whose the job's output is.
    pub(super) owner: Option<(Uid, Gid)>,
    /// Why the whole place was ended, said by who watches it.
    pub(super) over: watch::Receiver<Option<String>>,
}

/// The running shell.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    stdin: ChildStdin,
    replies: Replies,
    output: Output,
    tree: Tree,
    groups: Groups,
    limits: Limits,
    deadline: Instant,
    /// Whether the job's time is over and only what cleans up still runs.
    overtime: bool,
    /// Why the whole place was ended, said by who watches it.
    over: watch::Receiver<Option<String>>,
    /// What was there before the step that runs, or that nobody waits for any more.
    abandoned: Option<HashSet<Identity>>,
    /// The step whose end was not heard of yet.
    running: Option<String>,
    /// That step, on its way to the shell.
    text: Text,
    gone: Option<String>,
    _keeper: Keeper,
}

impl Supervisor {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(launch: Launch<'_>, argv: &[String]) -> Result<Self, RunnerError> {
        let Launch { fifo, mark, limits, groups, owner, over } = launch;
        nix::unistd::mkfifo(fifo, Mode::S_IRUSR | Mode::S_IWUSR).map_err(RunnerError::io("making a pipe"))?;
        let mut replies = Replies::open(fifo).map_err(RunnerError::io("opening a pipe"))?;
        let strays = mark.map(|mark| Strays { groups: groups.clone(), mark });
        let (keeper, mut child) = spawn(argv, strays.as_ref(), groups.clone()).await?;
        let Some(mut pipes) = Pipes::of(&mut child) else {
            return Err(RunnerError::Unavailable("the supervisor has no pipes".into()));
        };
        pipes.give_to(owner).map_err(RunnerError::io("giving the output to the job's user"))?;
        let first = tokio::select! {
            first = come_up(&mut pipes.stdin, &mut replies) => first?,
            status = child.wait() => return Err(did_not_start(&mut pipes.stderr, &ending(status)).await),
            () = sleep(START) => return Err(did_not_start(&mut pipes.stderr, "it did not come up in time").await),
        };
        let tree = find_tree(&child, first, strays)?;
        let what = "taking the output of the supervisor";
        let stdout = pipes.stdout.into_owned_fd().map_err(RunnerError::io(what))?;
        let stderr = pipes.stderr.into_owned_fd().map_err(RunnerError::io(what))?;
        let output = Output::new(stdout, stderr, limits.output).map_err(RunnerError::io(what))?;
        Ok(Self {
            child,
            stdin: pipes.stdin,
            replies,
            output,
            tree,
            groups,
            limits: limits.clone(),
            deadline: Instant::now() + limits.time,
            overtime: false,
            over,
            abandoned: None,
            running: None,
            text: Text::default(),
            gone: None,
            _keeper: keeper,
        })
    }

    pub(super) const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Runs one step.
    pub(super) async fn run(
        &mut self,
        command: &StepCommand,
        stdin: Option<&str>,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        if let Some(older) = self.abandoned.clone() {
            self.end_step(&older).await;
            self.abandoned = None;
        }
        if let Some(reason) = &self.gone {
            return Err(RunnerError::Ended(reason.clone()));
        }
        if cancel.is_cancelled() {
            return Ok(StepExit::Cancelled { proof: "the step was not started".into() });
        }
        let id = format!("{:032x}", rand::random::<u128>());
        let text = step::text(command, stdin, &id)?;
        let older: HashSet<Identity> = self.tree.members().iter().map(Process::identity).collect();
        let (kills, refused) = (self.groups.memory_kills(), self.groups.refused_processes());
        self.output.begin(sink).await;
        // Without a pause in between: whoever stops waiting leaves a step that can be sent and ended, or none.
        self.abandoned = Some(older.clone());
        self.running = Some(id.clone());
        self.text = text;
        let end = self.follow(&id, command.timeout, cancel).await;
        let exit = match end {
            End::Code(code) => {
                self.running = None;
                self.output.end().await;
                Ok(self.judge(code, kills, refused, sink).await)
            }
            End::Gone => {
                self.output.end().await;
                self.explain_end(kills)
            }
            End::Cancelled => Ok(StepExit::Cancelled { proof: self.end_step(&older).await }),
            End::TimedOut => Ok(StepExit::TimedOut { proof: self.end_step(&older).await }),
            End::OutOfTime => {
                let what = format!("the job took longer than its {} seconds: ", self.limits.time.as_secs());
                let proof = self.end_step(&older).await;
                if !self.overtime {
                    self.overtime = true;
                    self.deadline = Instant::now() + AFTER_TIME;
                }
                Ok(StepExit::OverLimit { what: what + &proof })
            }
            End::Spent => {
                let what = format!("the job said more than its {}: ", size::of(self.limits.output));
                let proof = self.end_step(&older).await;
                self.output.budget().grant(AFTER_OUTPUT);
                Ok(StepExit::OverLimit { what: what + &proof })
            }
        };
        self.abandoned = None;
        exit
    }

    /// Ends everything and says what was seen.
    pub(super) async fn end(mut self) -> Proof {
        let by_namespace = self.tree.strays.is_none();
        if by_namespace && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // The end of pid 1 is the end of its whole namespace, and the kernel reports it only after the last
            // process of it is gone.
            self.tree.kill_root();
        } else {
            self.tree.kill_all(&HashSet::new()).await;
            self.tree.kill_root();
        }
        let ended = timeout(tree::KILL_GRACE, self.child.wait()).await.is_ok();
        let left = self.tree.members();
        let clean = ended && left.is_empty();
        let root = self.tree.root.pid;
        let text = match (clean, by_namespace) {
            (true, true) => format!("process {root} and its whole process namespace have ended"),
            (true, false) => format!("process {root} and everything of it that was found have ended"),
            (false, _) => format!("STILL RUNNING after KILL: {}", processes::list(&left)),
        };
        Proof { clean, text }
    }

    /// An exit code, in the light of what the kernel did meanwhile.
    async fn judge(&self, code: i32, kills: u64, refused: u64, sink: &LineSink) -> StepExit {
        let killed = self.groups.memory_kills() > kills;
        let memory = size::of(self.limits.memory);
        if killed && code != 0 {
            return StepExit::OverLimit {
                what: format!(
                    "the job used more than its {memory} of memory, and the kernel ended a process of it (exit {code})"
                ),
            };
        }
        if code == TOO_BIG {
            let disk = size::of(self.limits.disk);
            return StepExit::OverLimit {
                what: format!("a file of the job grew over its {disk} of the disk (exit {code})"),
            };
        }
        let mut say = Vec::new();
        if killed {
            say.push(format!("The job used more than its {memory} of memory, and the kernel ended a process of it."));
        }
        let times = self.groups.refused_processes().saturating_sub(refused);
        if times > 0 {
            let most = self.limits.processes;
            say.push(format!("The job was refused more than its {most} processes and threads, {times} times."));
        }
        for text in say {
            // A closed sink means that nobody wants to know.
            let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
        }
        StepExit::Code(code)
    }

    /// Why the place is gone in the middle of a step.
    fn explain_end(&mut self, kills: u64) -> Result<StepExit, RunnerError> {
        let over = self.over.borrow().clone();
        let reason = over.clone().or_else(|| {
            (self.groups.memory_kills() > kills).then(|| {
                let memory = size::of(self.limits.memory);
                format!("the job used more than its {memory} of memory, and the kernel ended all of it")
            })
        });
        match reason {
            Some(what) => {
                self.gone = Some(what.clone());
                Ok(StepExit::OverLimit { what })
            }
            None => {
                let reason = "the step ended every process of the job, also the one that runs its steps".to_owned();
                self.gone = Some(reason.clone());
                Err(RunnerError::Ended(reason))
            }
        }
    }

    async fn follow(&mut self, id: &str, limit: Option<Duration>, cancel: &CancellationToken) -> End {
        let budget = self.output.budget();
        let (stdin, text, replies) = (&mut self.stdin, &mut self.text, &mut self.replies);
        let reply = async {
            text.send(stdin).await;
            reply_to(replies, id).await.map_or(End::Gone, End::Code)
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
            _ = self.child.wait() => End::Gone,
            () = budget.is_spent() => End::Spent,
            () = patience => End::TimedOut,
            () = sleep_until(self.deadline) => End::OutOfTime,
        }
    }
}

enum End {
    Code(i32),
    Cancelled,
    TimedOut,
    OutOfTime,
    Spent,
    Gone,
}

struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Pipes {
    fn of(child: &mut Child) -> Option<Self> {
        Some(Self { stdin: child.stdin.take()?, stdout: child.stdout.take()?, stderr: child.stderr.take()? })
    }

    /// Programs open `/dev/stdout` and `/dev/stderr` by name, which asks whose the pipe is.
    fn give_to(&self, owner: Option<(Uid, Gid)>) -> nix::Result<()> {
        if let Some((user, group)) = owner {
            fchown(&self.stdout, Some(user), Some(group))?;
            fchown(&self.stderr, Some(user), Some(group))?;
        }
        Ok(())
    }
}

async fn spawn(argv: &[String], strays: Option<&Strays>, groups: Groups) -> Result<(Keeper, Child), RunnerError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(RunnerError::Unavailable("there is no program to start a place with".into()));
    };
    let mut command = Command::new(locate(program.as_ref(), Some(PROGRAMS.as_ref())));
    command
        .arg0(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PROGRAMS)
        .envs(strays.and_then(|strays| strays.mark.split_once('=')))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Keeper::spawn(command, groups).await.map_err(RunnerError::io(format!("starting {program}")))
}

/// The exit code of the step with this id. Whatever else is said is not looked at. `None` when nothing can be read any
/// more.
async fn reply_to(replies: &mut Replies, id: &str) -> Option<i32> {
    let prefix = format!("end {id} ");
    loop {
        let line = replies.next().await.ok()?;
        if let Some(code) = line.strip_prefix(&prefix).and_then(|code| code.parse().ok()) {
            return Some(code);
        }
    }
}

/// Sends the script and waits for the first reply. Returns what bubblewrap said of pid 1.
async fn come_up(stdin: &mut ChildStdin, replies: &mut Replies) -> Result<Option<i32>, RunnerError> {
    // A program that ended at once can't read it; that it ended is seen elsewhere.
    let _ = stdin.write_all(SCRIPT.as_bytes()).await;
    let mut first = None;
    loop {
        let line = replies.next().await.map_err(RunnerError::io("reading from the supervisor"))?;
        if let Some(pid) = line.trim().strip_prefix("\"child-pid\":") {
            first = pid.trim().trim_end_matches(',').parse().ok();
        }
        if line == "ready" {
            return Ok(first);
        }
    }
}

/// Finds the processes of a place that has just come up: there are only its own.
fn find_tree(child: &Child, first: Option<i32>, strays: Option<Strays>) -> Result<Tree, RunnerError> {
    let unseen =
        || RunnerError::Unavailable("the supervisor is not to be seen in /proc: mount it without hidepid".into());
    let outermost = child.id().and_then(|pid| i32::try_from(pid).ok());
    let root = if strays.is_none() { first } else { outermost };
    let root = root.and_then(processes::one).ok_or_else(unseen)?;
    let shell = match strays {
        None => processes::descendants(root.pid).first().ok_or_else(unseen)?.pid,
        Some(_) => root.pid,
    };
    Ok(Tree { root, shell, strays })
}

fn ending(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("its first process ended without a word ({status})"),
        Err(error) => format!("its first process is lost: {error}"),
    }
}

/// What it said on standard error, or else `silence`, as an error for whoever runs davit.
async fn did_not_start(stderr: &mut ChildStderr, silence: &str) -> RunnerError {
    let mut said = vec![0; 4096];
    let read = timeout(LINGER, stderr.read(&mut said)).await.ok().and_then(Result::ok).unwrap_or(0);
    said.truncate(read);
    let said = String::from_utf8_lossy(&said);
    RunnerError::Unavailable(format!(
        "a place for the job could not be made: {}. `davit doctor` says what the machine lacks",
        if said.trim().is_empty() { silence } else { said.trim() }
    ))
}
