//! People's shells on hosts: who has or had one, and what it showed.

use super::Client;
use super::content::Content;
use super::types::More;
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A shell that somebody has or had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Terminal {
    /// Its number.
    pub(crate) id: i64,
    /// On which host.
    pub(crate) host: String,
    /// Whose.
    pub(crate) user: String,
    /// `waiting`, `open` or `closed`.
    pub(crate) state: String,
    /// When it was opened.
    pub(crate) opened_at: Timestamp,
    /// When it ended.
    pub(crate) closed_at: Option<Timestamp>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Bytes that it has shown.
    pub(crate) bytes: u64,
    /// Whether there is a recording.
    pub(crate) recorded: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// A shell.
    pub(crate) async fn terminal(&self, id: i64) -> Result<Terminal, Failure> {
        self.get(&["terminals", &id.to_string()], &[]).await
    }

    /// What a shell showed: an asciinema file (version 2).
    pub(crate) async fn recording(&self, id: i64) -> Result<Content<'_>, Failure> {
        self.open(&["terminals", &id.to_string(), "recording"], &[]).await
    }

    /// Ends a shell.
    pub(crate) async fn end_terminal(&self, id: i64) -> Result<(), Failure> {
        self.delete(&["terminals", &id.to_string()]).await
    }
}
