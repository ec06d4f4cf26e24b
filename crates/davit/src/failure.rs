//! Why a command did not do what was asked, and the exit code that says so to scripts.
//!
//! Every message is a sentence; where there is a next command to try, it comes along as the hint.

use serde::Deserialize;
use std::io;
use std::process::ExitCode;

/// How the process ends. The numbers are an interface: scripts branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done.
    Done,
    /// It failed; also: the deployment that was followed failed.
    Failed,
    /// The command line or the configuration makes no sense.
    Usage,
    /// Not logged in, or the role does not allow it.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// The server does not answer.
    Unreachable,
    /// Ended by the signal with this number.
    Ended(i32),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Denied => 3,
            Exit::NotFound => 4,
            Exit::Unreachable => 5,
            // As shells say it of a process that died of one.
            Exit::Ended(signal) => u8::try_from(128 + signal).unwrap_or(1),
        })
    }
}

/// What every command returns.
pub(crate) type Outcome = Result<Exit, Failure>;

/// One mistake in a `davit.toml`, as the server reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Mistake {
    /// Line, from 1.
    pub(crate) line: u64,
    /// Column, from 1.
    pub(crate) column: u64,
    /// What is wrong.
    pub(crate) message: String,
}

/// A command that did not get done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// How the process ends because of it.
    pub(crate) exit: Exit,
    /// What happened, for a person. Empty: there is nothing to add to what was printed.
    pub(crate) message: String,
    /// The next thing to try.
    pub(crate) hint: Option<String>,
    /// Mistakes in the applied document.
    pub(crate) mistakes: Vec<Mistake>,
    /// The server's word for it.
    pub(crate) code: Option<String>,
}

impl Failure {
    /// A failure with a sentence.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, mistakes: Vec::new(), code: None }
    }

    /// Something was tried and failed: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line makes no sense: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to try next, unless the failure already knows better.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Adds what to try next where the thing that was named does not exist.
    #[must_use]
    pub(crate) fn hint_if_not_found(self, hint: &str) -> Self {
        if self.exit == Exit::NotFound { self.hint(hint) } else { self }
    }
}

/// Of writing to stdout. A reader that went away (`davit logs 7 | head`) wants no more, and that is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "");
        }
        Self::failed(format!("the output can't be written: {error}"))
    }
}
