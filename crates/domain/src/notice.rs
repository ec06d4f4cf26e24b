//! What people are told of outside of davit: the events, and the languages they are told in.
//!
//! Does not live here, on purpose: who hears of what ([`config::Channel`](crate::config::Channel)), the words, and how
//! they get there.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Something that people outside of davit may want to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// A release request waits for a review.
    ReviewRequested,
    /// Somebody approved or rejected a release request.
    Reviewed,
    /// A deployment started.
    Released,
    /// A deployment succeeded.
    Succeeded,
    /// A deployment failed.
    Failed,
    /// An older release is live again: a rollback succeeded, or a deployment was reverted.
    RolledBack,
    /// Somebody released although a window, a freeze or a lock said no.
    WindowOverridden,
    /// A host does not answer.
    HostDown,
    /// A host that did not answer does again.
    HostUp,
    /// Something that a forge should know could not be told to it.
    StatusUndeliverable,
    /// A CI run on a branch failed.
    RunFailed,
}

impl NoticeEvent {
    /// Every event.
    pub const ALL: [Self; 11] = [
        Self::ReviewRequested,
        Self::Reviewed,
        Self::Released,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBack,
        Self::WindowOverridden,
        Self::HostDown,
        Self::HostUp,
        Self::StatusUndeliverable,
        Self::RunFailed,
    ];

    /// The word that `davit.toml` and webhooks use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReviewRequested => "review_requested",
            Self::Reviewed => "reviewed",
            Self::Released => "released",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::WindowOverridden => "window_overridden",
            Self::HostDown => "host_down",
            Self::HostUp => "host_up",
            Self::StatusUndeliverable => "status_undeliverable",
            Self::RunFailed => "run_failed",
        }
    }
}

impl fmt::Display for NoticeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeEvent {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|event| event.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|event| event.as_str()).collect();
            format!("{text:?} is not an event: use one of {}", all.join(", "))
        })
    }
}

/// What people are spoken to in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}
