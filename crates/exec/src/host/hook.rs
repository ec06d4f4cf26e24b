//! Hooks on a host: a person's script that goes on when davit or the connection goes away, and is followed again.
//!
//! A hook has a directory on the host. Whoever makes it starts the hook, detached, with its output in a file there;
//! whoever comes later follows that file from the place it knows. What the hook was given (the script, its variables)
//! travels in the connection alone; variables are nowhere but in its processes' environments. How it ended is a file
//! as well, written by the small shell that waits for it.
//!
//! A shell can't tell a hook that exits with 143 from one that TERM ended. Where there is `/proc`, the kernel is asked
//! before the shell collects its child; elsewhere such an end is said to be the code.
//!
//! Not waited for, and not ended with a hook: processes that left its session, or that outlive it. Of its output 64 MiB
//! are wanted; once they were handed on, the file is cut to that for as long as somebody follows.

mod decode;
mod follow;
mod program;

use super::Host;
use super::layout::on;
use super::script::Script;
use crate::{ExecError, Exit, OutputLine, Timeouts};
use follow::{Follower, Over};
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The most of one hook's output, in bytes, that is handed on. One line says so; the rest is dropped, and the idle limit
/// does not count any more.
const MAX_OUTPUT: u64 = 64 << 20;

/// Tenths of a second between TERM and KILL.
const PATIENCE: &str = "50";
/// What ending a hook may take: all waits on the host, which are counted there in looks and are longer where it is busy,
/// and the way there.
const ENDING: Duration = Duration::from_secs(60);
/// What the output of a hook may take that is still under way when it was ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// Names one run of a hook on a host: the same name never runs twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HookId(String);

impl HookId {
    /// The most bytes a name may have.
    pub const MAX_BYTES: usize = 100;

    /// A name of 1 to 100 bytes, of letters, digits, `.`, `_` and `-`.
    ///
    /// # Errors
    /// `Refused` with the rule.
    pub fn new(id: impl Into<String>) -> Result<Self, ExecError> {
        let id = id.into();
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if id.is_empty() || id.len() > Self::MAX_BYTES || !id.bytes().all(fine) {
            return Err(ExecError::Refused(format!(
                "{id:?} can't name a hook: use 1 to {} letters, digits, dots, underscores and dashes",
                Self::MAX_BYTES
            )));
        }
        Ok(Self(id))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn dir(&self, control: &str) -> String {
        format!("{control}/hook-{}", self.0)
    }
}

impl std::fmt::Display for HookId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// One line of a hook's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookLine {
    /// The line. A hook's standard output and standard error are one stream, [`Stdout`], in their true order.
    ///
    /// [`Stdout`]: davit_domain::log::Stream::Stdout
    pub line: OutputLine,
    /// How many bytes of output there are up to and including this line: where to go on after it.
    pub end: u64,
}

/// Where a hook's lines go. Bounded: the following waits for a slow one, the hook does not.
pub type HookSink = tokio::sync::mpsc::Sender<HookLine>;

/// How following a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookEnd {
    /// The hook ended: a code or a signal, never [`Exit::Lost`].
    Exited(Exit),
    /// The connection went away. The hook goes on: connect and call [`Host::run_hook`] again with the same name.
    Lost,
    /// The hook is gone and nobody could note how it ended: the host was restarted, or it was killed together with the
    /// shell that waits for it. Whether it did its work is not known.
    Vanished,
}

impl Host {
    /// Runs a hook to its end, or follows it to its end when it was started before under the same name. Its lines go to
    /// `sink` from the byte `from` of its output on (0, or the [`HookLine::end`] of the last line that was kept). Its
    /// standard input is empty. Background processes it leaves are not waited for.
    ///
    /// `control` is the absolute directory on the host that holds all that is kept of it: for an app
    /// [`Layout::control_dir`](super::Layout::control_dir). The total limit counts from the hook's start, by a clock
    /// of the host that nobody sets; the idle limit counts from this call.
    ///
    /// # Errors
    /// `Cancelled` and `TimedOut` after it was ended, with what was seen; `Refused` when it could not start, or was
    /// ended by [`end_hook`](Self::end_hook) before it started; `ConnectionLost` when the connection was gone already.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and callers name them all")]
    pub async fn run_hook(
        &self,
        control: &str,
        id: &HookId,
        hook: &HostHook,
        from: u64,
        timeouts: Timeouts,
        sink: &HookSink,
        cancel: &CancellationToken,
    ) -> Result<HookEnd, ExecError> {
        if cancel.is_cancelled() {
            return Err(ExecError::Cancelled { proof: self.end_or_say(control, id).await });
        }
        let mark = format!("@davit-{:032x} ", rand::random::<u128>());
        let program = program::starting(hook, control, &id.dir(control), &mark, from)?;
        let running = self.transport.start(Script::COMMAND).await?;
        let follower = Follower::new(&mark, from, timeouts, sink);
        let over = {
            let mut following = pin!(follower.follow(running, &program));
            let reason = tokio::select! {
                over = &mut following => Ok(over),
                () = cancel.cancelled() => Err(None),
                limit = follower.limit() => Err(Some(limit)),
            };
            match reason {
                Ok(over) => Ok(over),
                Err(limit) => {
                    let proof = self.end_while(control, id, following).await;
                    Err((limit, proof))
                }
            }
        };
        match over {
            Ok(Over::End(end)) => Ok(end),
            Ok(Over::Refused(why)) => Err(on(&self.name, &format!("{} could not start: {why}", hook.label))),
            Err((None, proof)) => Err(ExecError::Cancelled { proof }),
            Err((Some(limit), proof)) => {
                Err(ExecError::TimedOut { what: format!("{} on {}", hook.label, self.name), limit, proof })
            }
        }
    }

    /// Ends a hook: TERM to its session and process group, KILL five seconds later. Returns what was seen. One that had
    /// not started never will: its name is taken until [`forget_hooks`](Self::forget_hooks). One that has ended is
    /// left alone, with all that it meant to leave behind.
    ///
    /// # Errors
    /// `ConnectionLost`, and `TimedOut` when the host does not answer: whether it still runs is not known then.
    /// `Refused` when the host can't do it.
    pub async fn end_hook(&self, control: &str, id: &HookId) -> Result<String, ExecError> {
        let mut script = Script::bare(program::END);
        script.set("control", control).set("hook_dir", id.dir(control)).set("patience", PATIENCE);
        let during = "the end of a hook";
        let reply = timeout(ENDING, self.ask(script, during)).await.map_err(|_| ExecError::TimedOut {
            what: format!("{during} on {}", self.name),
            limit: ENDING,
            proof: "the host gave no answer, so whether it still runs is not known".into(),
        })??;
        Ok(reply.value("proof").unwrap_or("the host did not say how").to_owned())
    }

    /// Removes what is kept of hooks that have ended. One that still runs is left alone.
    ///
    /// # Errors
    /// `ConnectionLost`; `Refused` when something can't be removed.
    pub async fn forget_hooks(&self, control: &str, ids: &[HookId]) -> Result<(), ExecError> {
        let mut script = Script::bare(program::FORGET);
        script.set("control", control);
        script.calls("each_hook", ids.iter().map(|id| vec![id.as_str().as_bytes()]));
        self.ask(script, "the clearing up after hooks").await.map(drop)
    }

    /// Ends a hook that is being followed, and follows it until it is over. Its last lines are worth a short wait.
    async fn end_while(&self, control: &str, id: &HookId, mut following: impl Future<Output = Over> + Unpin) -> String {
        let mut ending = pin!(self.end_or_say(control, id));
        let mut over = false;
        let proof = loop {
            tokio::select! {
                proof = &mut ending => break proof,
                _ = &mut following, if !over => over = true,
            }
        };
        if !over && timeout(LAST_LINES, following).await.is_err() {
            tracing::debug!(host = %self.name, %id, "some of the output of an ended hook was not waited for");
        }
        proof
    }

    /// [`end_hook`](Self::end_hook), whatever becomes of it as a sentence.
    async fn end_or_say(&self, control: &str, id: &HookId) -> String {
        self.end_hook(control, id).await.unwrap_or_else(|error| match error.is_transient() {
            true => "the connection was lost, so whether it still runs is not known".to_owned(),
            false => error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_word() {
        for bad in ["", "a/b", "a b", "../x\n", "é", &"x".repeat(101)] {
            assert!(HookId::new(bad).is_err(), "{bad:?}");
        }
        let id = HookId::new("17-before_release-1.2").expect("a name");
        assert_eq!(
            (id.to_string().as_str(), id.dir("/c").as_str()),
            ("17-before_release-1.2", "/c/hook-17-before_release-1.2")
        );
    }
}
