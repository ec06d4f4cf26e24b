//! Hooks on a host: a person's script, run to its end, its time limit or its cancellation.
//!
//! The script becomes a file only its user can read, below `.davit/`, and takes the place of the command's own shell,
//! so that exit status and signals are the hook's. It leads its own process group; ending it goes through a second
//! channel, so a hook that floods or blocks the first one can't hide.

use super::Host;
use super::layout::{Layout, on};
use super::script::{self, Script};
use super::transport::Running;
use crate::lines::Splitter;
use crate::{ExecError, Exit, LineSink, Timeouts};
use davit_domain::log::Stream;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Tenths of a second between TERM and KILL.
const PATIENCE: &str = "50";
/// What ending a hook may take: both waits on the host, and the way there.
const ENDING: Duration = Duration::from_secs(15);
/// Interpreters that know `-e`.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// A script to run on a host.
#[derive(Clone)]
pub struct HostHook {
    /// The script: run by `sh -e`, or by its `#!` line (with `-e` when that is a shell). Line endings may be CRLF.
    pub script: String,
    /// Where it starts, absolute.
    pub cwd: String,
    /// Its variables, on top of a login's. They travel in the connection alone.
    pub env: Vec<(String, String)>,
    /// What people call it, for messages.
    pub label: String,
}

impl std::fmt::Debug for HostHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostHook").field("label", &self.label).field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

/// Why the wait for a hook was over.
enum Over {
    Ended(Exit),
    Cancelled,
    Limit(Duration),
}

impl Host {
    /// Runs a hook to its end. Its output goes to `sink` line by line; its standard input is empty. Background
    /// processes it leaves are not waited for. `Ok(Exit::Lost)` when the connection went away: whether it still
    /// runs is not known then.
    ///
    /// # Errors
    /// `Cancelled` and `TimedOut` after its process group was ended, with what was seen; `Refused` when it could not
    /// start; `ConnectionLost` when nothing was started.
    pub async fn run_hook(
        &self,
        layout: &Layout,
        hook: &HostHook,
        timeouts: Timeouts,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<Exit, ExecError> {
        let dir = format!("{}/.davit/hook-{:016x}", layout.app_dir(), rand::random::<u64>());
        let program = program(hook, &dir)?;
        let running = self.transport.start(Script::COMMAND).await?;
        let quiet = Notify::new();
        let mut last_error = String::new();
        let (over, proof) = {
            let mut pump = pin!(pump(running, &program, timeouts.idle, &quiet, sink, &mut last_error));
            let over = tokio::select! {
                exit = &mut pump => Over::Ended(exit),
                () = cancel.cancelled() => Over::Cancelled,
                () = sleep(timeouts.total) => Over::Limit(timeouts.total),
                () = quiet.notified() => Over::Limit(timeouts.idle),
            };
            match over {
                Over::Ended(_) => (over, String::new()),
                Over::Cancelled | Over::Limit(_) => {
                    let (proof, _) = tokio::join!(self.end(layout, &dir), timeout(ENDING, pump));
                    (over, proof)
                }
            }
        };
        if matches!(over, Over::Ended(Exit::Lost)) {
            return Ok(Exit::Lost);
        }
        let started = self.clear(layout, &dir).await;
        match over {
            Over::Ended(exit) if started => Ok(exit),
            Over::Ended(_) => Err(on(&self.name, &format!("{} could not start: {last_error}", hook.label))),
            Over::Cancelled => Err(ExecError::Cancelled { proof }),
            Over::Limit(limit) => {
                Err(ExecError::TimedOut { what: format!("{} on {}", hook.label, self.name), limit, proof })
            }
        }
    }

    /// Ends a hook's process group: TERM, then KILL. Says what was seen.
    async fn end(&self, layout: &Layout, dir: &str) -> String {
        let mut script = layout.script(script::HOOK_END);
        script.set("hook_dir", dir).set("patience", PATIENCE);
        let unknown = || "the connection was lost, so whether it still runs is not known".to_owned();
        match timeout(ENDING, self.ask(script, "the end of a hook")).await {
            Ok(Ok(reply)) => reply.value("proof").unwrap_or("the host did not say how").to_owned(),
            Ok(Err(error)) if error.is_transient() => unknown(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => unknown(),
        }
    }

    /// Removes what a hook left and says whether it had started at all.
    async fn clear(&self, layout: &Layout, dir: &str) -> bool {
        let mut script = layout.script(script::HOOK_CLEAR);
        script.set("hook_dir", dir);
        match self.ask(script, "the clearing up after a hook").await {
            Ok(reply) => reply.value("started").is_some(),
            Err(error) => {
                tracing::warn!(host = %self.name, %error, "a hook's directory is left for the next preparation");
                true
            }
        }
    }
}

/// Feeds the hook and hands its lines on until it ends. Tells `quiet` when it says nothing for `idle`, and goes on.
async fn pump(
    mut running: Running,
    program: &[u8],
    idle: Duration,
    quiet: &Notify,
    sink: &LineSink,
    last_error: &mut String,
) -> Exit {
    running.send_all(program).await;
    let mut stdout = Splitter::new(Stream::Stdout);
    let mut stderr = Splitter::new(Stream::Stderr);
    loop {
        let Ok(next) = timeout(idle, running.output.next()).await else {
            quiet.notify_one();
            continue;
        };
        let Some((is_stderr, bytes)) = next else { break };
        let lines = if is_stderr { stderr.push(&bytes) } else { stdout.push(&bytes) };
        if is_stderr && let Some(line) = lines.last() {
            line.text.clone_into(last_error);
        }
        for line in lines {
            // Nobody listening any more is no reason to stop a hook halfway.
            let _ = sink.send(line).await;
        }
    }
    for line in [stdout.finish(), stderr.finish()].into_iter().flatten() {
        let _ = sink.send(line).await;
    }
    running.output.exit()
}

fn program(hook: &HostHook, dir: &str) -> Result<Vec<u8>, ExecError> {
    let refused = |why: &str| Err(ExecError::Refused(format!("{}: {why}", hook.label)));
    let text = hook.script.replace("\r\n", "\n");
    if text.contains('\0') || hook.cwd.contains('\0') {
        return refused("the script must not hold NUL bytes");
    }
    for (name, value) in &hook.env {
        let mut bytes = name.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return refused(&format!(
                "{name:?} is no variable name; use letters, digits and _, not starting with a digit"
            ));
        }
        if value.contains('\0') {
            return refused(&format!("the value of {name} holds a NUL byte, which no program can be given"));
        }
    }
    let mut script = Script::bare(script::HOOK);
    script.set("hook_dir", dir).set("hook_cwd", &hook.cwd).set("hook_script", &text);
    script.exports("set_variables", &hook.env);
    let interpreter = interpreter(&text);
    script.calls("interpreter", std::iter::once(interpreter.iter().map(String::as_bytes).collect()));
    Ok(script.into_bytes())
}

/// What runs the script: `sh -e`, or what its `#!` line says, as the kernel reads it: a program and at most one
/// argument. It is read here so that a `noexec` file system doesn't matter, and shells get `-e`.
fn interpreter(script: &str) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let first = script.lines().next().unwrap_or_default();
    let Some(line) = first.strip_prefix("#!").map(str::trim).filter(|line| !line.is_empty()) else {
        return vec!["sh".into(), "-e".into()];
    };
    let (program, argument) = match line.split_once([' ', '\t']) {
        Some((program, argument)) => (program, argument.trim()),
        None => (line, ""),
    };
    let mut words = vec![program.to_owned()];
    words.extend((!argument.is_empty()).then(|| argument.to_owned()));
    let shell = if base(program) == "env" { base(argument) } else { base(program) };
    if SHELLS.contains(&shell.as_str()) {
        words.push("-e".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_chooses_its_interpreter() {
        for (script, words) in [
            ("echo hi", &["sh", "-e"][..]),
            ("#!\necho hi", &["sh", "-e"]),
            ("#!/bin/bash\n", &["/bin/bash", "-e"]),
            ("#! /bin/sh -u\n", &["/bin/sh", "-u", "-e"]),
            ("#!/usr/bin/env bash\n", &["/usr/bin/env", "bash", "-e"]),
            ("#!/usr/bin/env python3\n", &["/usr/bin/env", "python3"]),
            ("#!/usr/bin/env -S node --flag\n", &["/usr/bin/env", "-S node --flag"]),
        ] {
            assert_eq!(interpreter(script), words, "{script:?}");
        }
    }

    #[test]
    fn a_message_never_holds_a_value() {
        let hook = HostHook {
            script: String::new(),
            cwd: "/".into(),
            env: vec![("TOKEN".into(), "s3cret\0".into())],
            label: "step 4".into(),
        };
        let refusal = program(&hook, "/x").expect_err("NUL").to_string();
        assert!(refusal.contains("TOKEN") && !refusal.contains("s3cret"), "{refusal}");
        assert!(!format!("{hook:?}").contains("s3cret"));
    }
}
