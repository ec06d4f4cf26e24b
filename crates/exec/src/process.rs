//! Programs on the server: started in their own process group, followed line by line, ended as a group.
//!
//! Lives here: the life of one program (start, output, limits, cancel) and hooks, which are scripts run as one. Does
//! not live here: programs on hosts ([`crate::host`], [`crate::ssh`]) and what git needs ([`crate::git`]).
//!
//! Accepted: a process that leaves the group (`setsid`, a daemon) is not ended with it. It is found by a mark in its
//! environment and named in the proof, so that a person can decide.

mod group;

use crate::lines::Splitter;
use crate::{ExecError, Exit, LineSink, OutputLine, Timeouts};
use davit_domain::log::Stream;
use group::Group;
use nix::sys::signal::Signal;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// What to run. Its `Debug` shows the names of the environment, never the values.
#[derive(Clone)]
pub struct Program {
    /// The program (a path, or a name found in the server's `PATH`) and its arguments.
    pub argv: Vec<OsString>,
    /// The whole environment: nothing of the server's own is added.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory.
    pub cwd: PathBuf,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&OsString> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Program").field("argv", &self.argv).field("env", &names).field("cwd", &self.cwd).finish()
    }
}

/// Runs a program to its end, its output going line by line into `sink`, with empty standard input.
///
/// A cancel or a limit ends the whole process group (TERM, KILL five seconds later). Background children that outlive
/// the program and hold its output open are left alone, but no longer listened to. Time spent waiting for a slow
/// `sink` is not silence. A dropped future kills the group.
///
/// # Errors
/// [`ExecError::Cancelled`] and [`ExecError::TimedOut`] with the proof; [`ExecError::Io`] when it can't be started.
pub async fn run(
    program: &Program,
    timeouts: Timeouts,
    sink: &LineSink,
    cancel: &CancellationToken,
) -> Result<Exit, ExecError> {
    if cancel.is_cancelled() {
        return Err(ExecError::Cancelled { proof: format!("{} was not started", program.name()) });
    }
    let mark = group::Mark::random();
    let (mut child, mut group) = program.spawn(mark)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let activity = Activity::new();
    let (exited, has_exited) = watch::channel(None);

    let pumps = async {
        tokio::join!(
            pump(stdout, Stream::Stdout, sink, &activity, has_exited.clone()),
            pump(stderr, Stream::Stderr, sink, &activity, has_exited.clone()),
        )
    };
    let mut pumps = pin!(pumps);
    let mut drained = None;
    let end = {
        let mut supervision = pin!(supervise(&mut child, &mut group, program, timeouts, &activity, cancel));
        loop {
            tokio::select! {
                end = &mut supervision => break end,
                open = &mut pumps, if drained.is_none() => drained = Some(open),
            }
        }
    };
    exited.send_replace(Some(Instant::now()));
    if drained.is_none() {
        drained = last_words(pumps, end.is_ok(), cancel).await;
    }
    if end.is_ok() && matches!(drained, Some((true, _) | (_, true))) {
        say_background(sink, cancel).await;
    }
    end
}

/// Runs a script on the server: `sh -e`, or the interpreter of its `#!` line (also with `-e` when that is a shell).
///
/// The script lies in a private file outside `cwd` while it runs. Its environment is `PATH`, `HOME`,
/// `LANG=C.UTF-8` and `env`; the server's own never reaches it.
///
/// # Errors
/// As [`run`].
pub async fn run_hook(
    script: &str,
    cwd: &Path,
    env: &[(String, String)],
    timeouts: Timeouts,
    sink: &LineSink,
    cancel: &CancellationToken,
) -> Result<Exit, ExecError> {
    let dir = private_dir("davit-hook-")?;
    let file = dir.path().join("hook");
    write_private(&file, script.as_bytes(), 0o700)?;
    let mut argv = interpreter(script);
    argv.push(file.into_os_string());
    let mut environment = base_env();
    for (name, value) in env {
        environment.retain(|(known, _)| known != OsStr::new(name));
        environment.push((name.into(), value.into()));
    }
    run(&Program { argv, env: environment, cwd: cwd.to_owned() }, timeouts, sink, cancel).await
}

/// What every program on the server is given: where programs are, a home, an encoding.
pub(crate) fn base_env() -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let home = std::env::home_dir().map_or_else(|| "/".into(), PathBuf::into_os_string);
    vec![("PATH".into(), path), ("HOME".into(), home), ("LANG".into(), "C.UTF-8".into())]
}

/// Where the program of this name is, looked up in `path` as the system would; a path, and what is not found, as it is.
///
/// The standard library has a program looked up in the child when that has an environment of its own, and for that
/// forks: the whole memory map is copied, tens of milliseconds in a large process. One that is named by its path is
/// started with `posix_spawn`, which copies nothing.
#[must_use]
pub fn locate(name: &OsStr, path: Option<&OsStr>) -> PathBuf {
    let is_path = name.as_encoded_bytes().contains(&b'/');
    let found = if is_path { None } else { which::which_in_global(name, path).ok().and_then(|mut found| found.next()) };
    // An entry that is not absolute is meant from where the program is to run.
    found.filter(|found| found.is_absolute()).unwrap_or_else(|| name.into())
}

/// A line of davit's own.
pub(crate) async fn say(sink: &LineSink, cancel: &CancellationToken, text: String) {
    hand_over(OutputLine { stream: Stream::System, text }, sink, cancel).await;
}

/// Gives a line to the sink, unless that is full and nobody waits for the work any more.
pub(crate) async fn hand_over(line: OutputLine, sink: &LineSink, cancel: &CancellationToken) {
    tokio::select! {
        biased;
        // A closed sink means that nobody wants to know.
        _ = sink.send(line) => {}
        () = cancel.cancelled() => {}
    }
}

/// A temporary directory that only the server's user can enter.
pub(crate) fn private_dir(prefix: &str) -> Result<tempfile::TempDir, ExecError> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .map_err(ExecError::io("making a temporary directory"))
}

/// A new file with exactly this mode from its first moment.
pub(crate) fn write_private(path: &Path, content: &[u8], mode: u32) -> Result<(), ExecError> {
    use std::io::Write;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .map_err(ExecError::io(format!("writing {}", path.display())))
}

/// How long background children may still speak after their program ended, and a cancelled program's last lines may
/// take to reach the sink.
const LINGER: Duration = Duration::from_secs(2);

/// What a pipe can hold: what the program itself wrote before its end is within this many bytes.
const PIPE_CAPACITY: usize = 64 * 1024;

impl Program {
    fn name(&self) -> String {
        self.argv.first().map_or_else(|| "an empty command".into(), |name| name.to_string_lossy().into_owned())
    }

    /// What starts it, before anything is said about its input and output.
    pub(crate) fn command(&self) -> Result<Command, ExecError> {
        let Some((name, arguments)) = self.argv.split_first() else {
            return Err(ExecError::Refused("there is no program to run: the command is empty".into()));
        };
        let path = self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let mut command = Command::new(locate(name, path));
        command
            .arg0(name)
            .args(arguments)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.cwd);
        Ok(command)
    }

    fn spawn(&self, mark: group::Mark) -> Result<(Child, Group), ExecError> {
        let what = format!("starting {} in {}", self.name(), self.cwd.display());
        let child = self
            .command()?
            .env(group::MARK_VARIABLE, mark.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(ExecError::io(what.clone()))?;
        let gone = || ExecError::io(what)(std::io::Error::other("it has no process id"));
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or_else(gone)?;
        Ok((child, Group::led_by(pid, mark)))
    }
}

/// Waits for the end, or brings it about.
async fn supervise(
    child: &mut Child,
    group: &mut Group,
    program: &Program,
    timeouts: Timeouts,
    activity: &Activity,
    cancel: &CancellationToken,
) -> Result<Exit, ExecError> {
    let name = program.name();
    let reason = tokio::select! {
        biased;
        status = child.wait() => {
            group.release();
            return status.map(exit_of).map_err(ExecError::io(format!("waiting for {name}")));
        }
        () = cancel.cancelled() => None,
        () = sleep(timeouts.total) => Some((name, timeouts.total)),
        () = activity.silent_for(timeouts.idle) => Some((format!("{name}, without a line of output,"), timeouts.idle)),
    };
    let proof = group.end(child).await;
    Err(match reason {
        None => ExecError::Cancelled { proof },
        Some((what, limit)) => ExecError::TimedOut { what, limit, proof },
    })
}

/// The output that is still under way when the program has ended. A program that ended by itself gets all of it
/// through, as slowly as the sink likes; one that was ended has no claim to hold up a cancel.
async fn last_words(
    pumps: impl Future<Output = (bool, bool)>,
    by_itself: bool,
    cancel: &CancellationToken,
) -> Option<(bool, bool)> {
    if by_itself {
        tokio::select! {
            biased;
            open = pumps => Some(open),
            () = cancel.cancelled() => None,
        }
    } else {
        timeout(LINGER, pumps).await.ok()
    }
}

async fn say_background(sink: &LineSink, cancel: &CancellationToken) {
    let text = "a background process still holds the output open; davit stopped listening to it. \
                Send its output elsewhere (>FILE 2>&1) to let it live on";
    say(sink, cancel, text.to_owned()).await;
}

/// Reads one pipe into the sink. True when the pipe was still open as it stopped: somebody outlived the program.
async fn pump(
    pipe: Option<impl AsyncRead + Unpin>,
    stream: Stream,
    sink: &LineSink,
    activity: &Activity,
    exited: watch::Receiver<Option<Instant>>,
) -> bool {
    let Some(mut pipe) = pipe else { return false };
    let mut splitter = Splitter::new(stream);
    let mut buffer = vec![0; 32 * 1024];
    let mut listening = true;
    let mut late = 0;
    let mut lingered = pin!(linger(exited.clone()));
    let open = loop {
        let read = tokio::select! {
            biased;
            read = pipe.read(&mut buffer) => read.unwrap_or(0),
            () = &mut lingered => break true,
        };
        if read == 0 {
            break false;
        }
        if listening {
            activity.begin();
            listening = splitter.feed(&buffer[..read], sink).await;
            activity.end();
        }
        if let Some(at) = *exited.borrow() {
            late += read;
            if late >= PIPE_CAPACITY && at.elapsed() >= LINGER {
                break true;
            }
        }
    };
    if listening && let Some(line) = splitter.finish() {
        // A closed sink means that nobody wants to know.
        let _ = sink.send(line).await;
    }
    open
}

async fn linger(mut exited: watch::Receiver<Option<Instant>>) {
    // An error means that the sender is gone, and with it the program.
    let _ = exited.wait_for(Option::is_some).await;
    sleep(LINGER).await;
}

/// When output last came, for the idle limit.
struct Activity {
    start: Instant,
    last_millis: AtomicU64,
    sending: AtomicU32,
}

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), last_millis: AtomicU64::new(0), sending: AtomicU32::new(0) }
    }

    /// Output came and is on its way into the sink.
    fn begin(&self) {
        self.sending.fetch_add(1, Ordering::Relaxed);
    }

    /// The sink took it.
    fn end(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.fetch_max(now, Ordering::Relaxed);
        self.sending.fetch_sub(1, Ordering::Relaxed);
    }

    fn quiet(&self) -> Duration {
        if self.sending.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.start.elapsed().saturating_sub(Duration::from_millis(self.last_millis.load(Ordering::Relaxed)))
    }

    async fn silent_for(&self, limit: Duration) {
        loop {
            let rest = limit.saturating_sub(self.quiet());
            if rest.is_zero() {
                return;
            }
            sleep(rest).await;
        }
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(number)) => Exit::Signal(signal_name(number)),
        (None, None) => Exit::Lost,
    }
}

fn signal_name(number: i32) -> String {
    Signal::try_from(number)
        .map_or_else(|_| number.to_string(), |signal| signal.as_str().trim_start_matches("SIG").to_owned())
}

/// The command that reads the script: what the kernel would make of its first line. The script is never executed
/// itself, so a `noexec` temporary directory and "text file busy" are no trouble.
fn interpreter(script: &str) -> Vec<OsString> {
    const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];
    let line = script.lines().next().and_then(|line| line.strip_prefix("#!")).map_or("", str::trim);
    if line.is_empty() {
        return vec!["sh".into(), "-e".into()];
    }
    let (program, argument) = line.split_once([' ', '\t']).map_or((line, ""), |(p, a)| (p, a.trim()));
    let mut argv: Vec<OsString> = vec![program.into()];
    if !argument.is_empty() {
        argv.push(argument.into());
    }
    if line.split_whitespace().any(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or(word))) {
        argv.push("-e".into());
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_shell_counts_and_other_interpreters_stay_as_they_are() {
        for (script, argv) in [
            ("make", &["sh", "-e"][..]),
            ("#!/bin/bash\nmake", &["/bin/bash", "-e"]),
            ("#! /bin/sh -x\r\nmake", &["/bin/sh", "-x", "-e"]),
            ("#!/usr/bin/env bash\n", &["/usr/bin/env", "bash", "-e"]),
            ("#!/usr/bin/env -S node --no-warnings\n", &["/usr/bin/env", "-S node --no-warnings"]),
            ("#!/usr/bin/python3", &["/usr/bin/python3"]),
            ("#!\nmake", &["sh", "-e"]),
        ] {
            assert_eq!(interpreter(script), argv, "{script:?}");
        }
    }

    #[test]
    fn a_program_in_a_log_shows_no_values() {
        let env = vec![("TOKEN".into(), "hunter2".into())];
        let shown = format!("{:?}", Program { argv: vec!["x".into()], env, cwd: "/".into() });
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
