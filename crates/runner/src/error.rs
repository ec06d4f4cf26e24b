//! What can go wrong with a place, split by who has to do something about it.

use std::io;

/// Every text is a sentence for a person that says what to do, and never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// What the job asks for can't be: its author has to change it. The job fails.
    #[error("{0}")]
    Refused(String),
    /// Everything of the place is gone before its time, by the job's own doing or by a limit. The job fails; no
    /// further step can run.
    #[error("{0}")]
    Ended(String),
    /// The server can't make such a place: whoever runs davit has to do something (`davit doctor` says what).
    #[error("{0}")]
    Unavailable(String),
    /// The server's own disk or process table.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl RunnerError {
    /// For `map_err`: an I/O error with what was tried.
    pub(crate) fn io<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source: source.into() }
    }

    /// Whether the server is at fault, not the job.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Io { .. })
    }
}
