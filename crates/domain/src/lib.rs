//! What davit is about, without any of the machinery: words, states, rules.
//!
//! Lives here: identifiers, states and their transitions, the declared configuration (`davit.toml`),
//! [`decide`], access rules, redaction. Does not live here, on purpose: async, I/O, a clock,
//! SQL, HTTP. Everything is a function over values, so that it can be tested in microseconds.

pub mod access;
pub mod batches;
pub mod ci;
pub mod config;
pub mod decide;
pub mod delivery;
pub mod deployment;
pub mod deployment_at_forge;
pub mod event;
pub mod freeze;
pub mod heads;
pub mod ids;
pub mod log;
pub mod log_text;
pub mod merge;
pub mod notice;
pub mod redact;
pub mod release;
pub mod request;
pub mod review;
pub mod search;
pub mod status;
pub mod time;
pub mod values;
pub mod variables;

/// A state was asked to do something that it does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {from}: it can't {action} now")]
pub struct InvalidTransition {
    /// What kind of thing refused, with its number: `deployment 12`.
    pub what: String,
    /// The state it is in.
    pub from: String,
    /// What was asked, as a verb: `be cancelled`.
    pub action: &'static str,
}
