//! Log lines: what a deployment says while it runs.

use crate::ids::HostName;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The six steps people see, with their numbers; in custom mode the author's own actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1: server, before the checkout.
    BeforeCheckout,
    /// 2: server, checkout and build.
    Checkout,
    /// 3: server, after the checkout.
    AfterCheckout,
    /// 4: host, in the new release directory.
    BeforeRelease,
    /// 5: host, upload, then switch.
    Release,
    /// 6: host, in the deployed directory.
    AfterRelease,
    /// 11 and up: an action of a custom release config, counted from 1.
    Action(u8),
}

/// What is added to an action's place in the list to make its step number.
const BEFORE_ACTIONS: u8 = 10;

impl Step {
    /// The most actions that a custom release config may have.
    pub const MOST_ACTIONS: u8 = 200;

    /// The six of a regular release, in order.
    pub const ALL: [Self; 6] = [
        Self::BeforeCheckout,
        Self::Checkout,
        Self::AfterCheckout,
        Self::BeforeRelease,
        Self::Release,
        Self::AfterRelease,
    ];

    /// 1 to 6; an action's place in its list plus 10.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::BeforeCheckout => 1,
            Self::Checkout => 2,
            Self::AfterCheckout => 3,
            Self::BeforeRelease => 4,
            Self::Release => 5,
            Self::AfterRelease => 6,
            Self::Action(place) => BEFORE_ACTIONS.saturating_add(place),
        }
    }

    /// The step with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let action = number.checked_sub(BEFORE_ACTIONS).filter(|place| (1..=Self::MOST_ACTIONS).contains(place));
        Self::ALL.into_iter().find(|step| step.number() == number).or(action.map(Self::Action))
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BeforeCheckout => "before checkout",
            Self::Checkout => "checkout and build",
            Self::AfterCheckout => "after checkout",
            Self::BeforeRelease => "before release",
            Self::Release => "release",
            Self::AfterRelease => "after release",
            Self::Action(_) => "action",
        }
    }

    /// Whether it runs on the server (once) rather than on every host. An action's place says its configuration.
    #[must_use]
    pub const fn on_server(self) -> bool {
        matches!(self, Self::BeforeCheckout | Self::Checkout | Self::AfterCheckout)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Action(place) => write!(f, "action {place}"),
            Self::BeforeCheckout
            | Self::Checkout
            | Self::AfterCheckout
            | Self::BeforeRelease
            | Self::Release
            | Self::AfterRelease => write!(f, "step {} ({})", self.number(), self.title()),
        }
    }
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// davit itself, saying what it does.
    System,
    /// A program's standard output.
    Stdout,
    /// A program's standard error.
    Stderr,
}

impl Stream {
    /// The word stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// From the stored word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::System, Self::Stdout, Self::Stderr].into_iter().find(|s| s.as_str() == text)
    }
}

/// A line before it has a place in the sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// When it was read.
    pub at: Timestamp,
    /// The host it came from; `None` for the server.
    pub host: Option<HostName>,
    /// The step that said it.
    pub step: Step,
    /// Which stream.
    pub stream: Stream,
    /// The text without its line ending, redacted, at most [`MAX_LINE`] bytes.
    pub text: String,
}

/// A stored line. `seq` starts at 1 and has no gaps in one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Place in the deployment's one sequence.
    pub seq: i64,
    /// When it was read.
    pub at: Timestamp,
    /// The host it came from; `None` for the server.
    pub host: Option<HostName>,
    /// The step's [number](Step::number).
    pub step: u8,
    /// Which stream.
    pub stream: Stream,
    /// The text.
    pub text: String,
}

/// Longer lines are cut here, with a mark that says so. Bytes.
pub const MAX_LINE: usize = 16 * 1024;
