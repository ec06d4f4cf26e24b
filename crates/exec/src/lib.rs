//! What runs something: hosts over SSH or locally, git, builds, hooks.
//!
//! Commands are data (argv, environment, working directory, standard input), never glued strings; the one place
//! that writes shell text is [`host`], through [`quote`]. Nothing here knows the database, forges or people.

pub mod archive;
pub mod build;
pub mod git;
pub mod host;
pub mod lines;
pub mod process;
pub mod quote;
pub mod ssh;

use davit_domain::ids::HostName;
use davit_domain::log::Stream;
use std::time::Duration;

/// How a program ended. A lost connection is neither success nor failure: ask the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it: `TERM`, `KILL`, ….
    Signal(String),
    /// The connection went away before the exit status came.
    Lost,
}

impl Exit {
    /// Whether it is exit code 0.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(name) => write!(f, "signal {name}"),
            Self::Lost => f.write_str("connection lost"),
        }
    }
}

/// One line that a program said, without its line ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// Where it came from.
    pub stream: Stream,
    /// The text, invalid UTF-8 replaced, at most [`davit_domain::log::MAX_LINE`] bytes.
    pub text: String,
}

/// Where output lines go. Bounded: a program that talks too fast waits.
pub type LineSink = tokio::sync::mpsc::Sender<OutputLine>;

/// How long a hook may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From start to end.
    pub total: Duration,
    /// Without a line of output.
    pub idle: Duration,
}

/// What can go wrong here, split by what the caller does about it. Every text is a sentence for a person that says
/// what to do, and never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Network or host down: worth another try later.
    #[error("{host} can't be reached: {detail}")]
    Unreachable {
        /// The host.
        host: HostName,
        /// Why, and what to do.
        detail: String,
    },
    /// The host was reached and did not let us in.
    #[error("{host} refused the login of {user}: {detail}")]
    Denied {
        /// The host.
        host: HostName,
        /// The user name tried.
        user: String,
        /// What to do.
        detail: String,
    },
    /// No key is pinned for this host yet: a person has to accept it.
    #[error(
        "the host key of {host} is not pinned yet. Compare {fingerprint} with the host's and accept it: davit hosts scan-keys {host}"
    )]
    HostKeyUnknown {
        /// The host.
        host: HostName,
        /// `SHA256:…` of the key it showed.
        fingerprint: String,
        /// The key it showed, as in `authorized_keys`: `ssh-ed25519 AAAA…`.
        key: String,
    },
    /// The host shows another key than the pinned one.
    #[error(
        "the host key of {host} CHANGED: pinned {expected}, shown {actual}. Nothing was sent. If the host was reinstalled, accept the new key on its page; if not, somebody may be in between"
    )]
    HostKeyChanged {
        /// The host.
        host: HostName,
        /// `SHA256:…` of the pinned key.
        expected: String,
        /// `SHA256:…` of the key it showed.
        actual: String,
        /// The key it showed.
        key: String,
    },
    /// The connection went away in the middle.
    #[error("the connection to {host} was lost during {during}. Check the host and the network to it, then try again")]
    ConnectionLost {
        /// The host.
        host: HostName,
        /// What was going on.
        during: &'static str,
    },
    /// The host, the build or the configuration is not as it must be; trying again alone does not help.
    #[error("{0}")]
    Refused(String),
    /// Somebody cancelled; `proof` says how the program ended.
    #[error("cancelled: {proof}")]
    Cancelled {
        /// What was seen: `process group 4711 ended by TERM`.
        proof: String,
    },
    /// A time limit ended it; `proof` says how.
    #[error("{what} took longer than {limit:?} and was ended: {proof}")]
    TimedOut {
        /// What was going on.
        what: String,
        /// The limit.
        limit: Duration,
        /// What was seen.
        proof: String,
    },
    /// git said no.
    #[error("git: {0}")]
    Git(String),
    /// The server's own disk or process table.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ExecError {
    /// For `map_err`: an I/O error with what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Whether the same call may succeed later with nothing changed by a person.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::ConnectionLost { .. })
    }
}
