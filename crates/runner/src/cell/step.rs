//! A step's program as one piece of shell text for the supervisor.

use crate::RunnerError;
use crate::place::StepCommand;
use davit_exec::quote;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;

/// Variables that a shell sets itself and may not be given.
const OF_THE_SHELL: [&str; 6] = ["BASHOPTS", "BASH_VERSINFO", "LINENO", "OPTIND", "PPID", "SHELLOPTS"];

/// A step on its way to the shell. Half of it would spoil the next one: once some of it is sent, the rest has to follow.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    sent: usize,
}

impl Text {
    /// Whether the shell has got nothing of it.
    pub(super) const fn is_unsent(&self) -> bool {
        self.sent == 0
    }

    /// Sends what is left. When this is dropped, it is known what that still is.
    pub(super) async fn send(&mut self, stdin: &mut ChildStdin) {
        while self.sent < self.bytes.len() {
            match stdin.write(&self.bytes[self.sent..]).await {
                Ok(taken @ 1..) => self.sent += taken,
                // A shell that is gone can't read it, which is seen where it is waited for.
                Ok(0) | Err(_) => self.sent = self.bytes.len(),
            }
        }
    }
}

/// What the supervisor is sent. The environment is exported, never an argument: arguments can be read by every user of
/// the machine. `id` comes back in the reply.
///
/// # Errors
/// A name that is none, or a NUL.
pub(super) fn text(command: &StepCommand, stdin: Option<&str>, id: &str) -> Result<Text, RunnerError> {
    let (program, arguments) = command
        .argv
        .split_first()
        .ok_or_else(|| RunnerError::Refused("there is no program to run: the command is empty".into()))?;
    let mut text = Vec::new();
    text.extend(b"( davit_enter ");
    push_word(&mut text, &command.cwd)?;
    push_word(&mut text, stdin.unwrap_or("/dev/null"))?;
    for (name, value) in &command.env {
        check_name(name)?;
        text.extend(b"\ncommand export ");
        text.extend(name.as_bytes());
        text.push(b'=');
        push_word(&mut text, value)?;
        if matches!(name.as_str(), "UID" | "EUID") {
            // A bash that plays sh has its own, and lets nobody change them.
            text.extend(b"2>/dev/null ||:");
        }
    }
    text.extend(b"\nexec $davit_session ");
    for word in std::iter::once(program).chain(arguments) {
        push_word(&mut text, word)?;
    }
    text.extend(b"); davit_end ");
    text.extend(id.as_bytes());
    text.extend(b" $?\n");
    Ok(Text { bytes: text, sent: 0 })
}

fn push_word(text: &mut Vec<u8>, word: &str) -> Result<(), RunnerError> {
    if word.contains('\0') {
        return Err(RunnerError::Refused(
            "an argument, a variable or a path of the step has a NUL in it, which no program can be given".into(),
        ));
    }
    text.extend(quote::sh(word));
    text.push(b' ');
    Ok(())
}

fn check_name(name: &str) -> Result<(), RunnerError> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !starts || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(RunnerError::Refused(format!(
            "{name:?} can't be the name of an environment variable: use letters, digits and _, and no digit first"
        )));
    }
    if OF_THE_SHELL.contains(&name) {
        return Err(RunnerError::Refused(format!(
            "the environment variable {name} is the shell's own: use another name"
        )));
    }
    Ok(())
}
