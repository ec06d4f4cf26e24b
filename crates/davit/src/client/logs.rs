//! Logs of deployments and jobs, piece by piece: lines by their numbers, and those that hold a text.

use super::Client;
use super::ci::JobLine;
use super::types::{Line, More, Page};
use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Lines that the server gives at once, at most.
pub(crate) const PART: usize = 5000;

/// Whose lines.
#[derive(Debug, Clone)]
pub(crate) enum LogOf {
    /// A deployment's.
    Deployment {
        /// Its number.
        id: i64,
        /// Of this host alone.
        host: Option<String>,
        /// Of this step alone.
        step: Option<u32>,
    },
    /// A job's.
    Job {
        /// Its number.
        id: i64,
        /// Of this step alone.
        step: Option<u32>,
    },
}

/// A line with its place in the log.
pub(crate) trait Numbered: DeserializeOwned + Serialize {
    /// From 1.
    fn seq(&self) -> u64;
}

impl Numbered for Line {
    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Numbered for JobLine {
    fn seq(&self) -> u64 {
        self.seq
    }
}

/// A part of a log.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LogPart<T> {
    /// The lines.
    pub(crate) items: Vec<T>,
    /// The number of the newest line of the whole log.
    pub(crate) last_seq: u64,
}

/// Where a text was found.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Matches {
    /// How many lines hold it.
    pub(crate) total: u64,
    /// How many of them come before the first of `lines`.
    pub(crate) before: u64,
    /// The numbers of those around the line that was asked about.
    pub(crate) lines: Vec<u64>,
}

/// A line of a run that holds a text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunMatch {
    /// Whose line.
    pub(crate) job_id: i64,
    /// Its place in that job's log.
    pub(crate) seq: u64,
    /// The text.
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Where a job's steps and groups begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// In order.
    pub(crate) marks: Vec<Mark>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Something that a log can be folded by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The line.
    pub(crate) seq: u64,
    /// The step that said it.
    pub(crate) step: u32,
    /// `step`, `group`, `endgroup` or `error`.
    pub(crate) kind: String,
    /// Of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

impl LogOf {
    fn path<'p>(&self, id: &'p str, more: &[&'p str]) -> Vec<&'p str> {
        let what = match self {
            Self::Deployment { .. } => "deployments",
            Self::Job { .. } => "jobs",
        };
        [&[what, id, "logs"], more].concat()
    }

    fn id(&self) -> String {
        match self {
            Self::Deployment { id, .. } | Self::Job { id, .. } => id.to_string(),
        }
    }

    fn query(&self, more: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        let (host, step) = match self {
            Self::Deployment { host, step, .. } => (host.clone(), *step),
            Self::Job { step, .. } => (None, *step),
        };
        let mut query = more;
        query.extend(host.map(|host| ("host", host)));
        query.extend(step.map(|step| ("step", step.to_string())));
        query
    }
}

impl Client {
    /// Reads stored lines after number `after`; as many as fit one answer, and `limit` at most.
    pub(crate) async fn log<T: Numbered>(&self, of: &LogOf, after: u64, limit: usize) -> Result<LogPart<T>, Failure> {
        let query = of.query(vec![("after", after.to_string()), ("limit", limit.min(PART).to_string())]);
        self.get(&of.path(&of.id(), &[]), &query).await
    }

    /// The numbers of lines that hold a text, around line `from`.
    pub(crate) async fn search_log(&self, of: &LogOf, text: &str, from: u64) -> Result<Matches, Failure> {
        let query = of.query(vec![("q", text.to_owned()), ("from", from.to_string())]);
        self.get(&of.path(&of.id(), &["search"]), &query).await
    }

    /// Lines of a run that hold a text, whatever job said them.
    pub(crate) async fn search_run(&self, run: i64, text: &str) -> Result<Page<RunMatch>, Failure> {
        self.get(&["runs", &run.to_string(), "search"], &[("q", text.to_owned())]).await
    }

    /// Where the steps and groups of a job's log begin.
    pub(crate) async fn job_outline(&self, job: i64) -> Result<Outline, Failure> {
        self.get(&["jobs", &job.to_string(), "logs", "outline"], &[]).await
    }
}
