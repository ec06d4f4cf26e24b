//! Deployments beside each other.

use super::Client;
use super::types::{Deployment, Line, More};
use crate::failure::Failure;
use serde::{Deserialize, Serialize};

/// Two deployments, step by step and host by host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// The earlier one.
    #[serde(rename = "with")]
    pub(crate) earlier: Deployment,
    /// The steps on the server and on each host that either had.
    pub(crate) cells: Vec<ComparedCell>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What became of a step on a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ComparedCell {
    /// The host; `None`: the server.
    pub(crate) host: Option<String>,
    /// The step's number.
    pub(crate) step: u8,
    /// In the earlier one.
    pub(crate) before: Option<StepEnd>,
    /// In the later one.
    pub(crate) now: Option<StepEnd>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// How a step went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StepEnd {
    /// Where it stands.
    pub(crate) state: String,
    /// Milliseconds; `None`: it has not ended.
    pub(crate) took: Option<u64>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Where two logs part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Parting {
    /// Whether they do.
    pub(crate) differs: bool,
    /// Lines at the beginning that are the same.
    pub(crate) same: u64,
    /// What the earlier one said from there on.
    pub(crate) before: Vec<Line>,
    /// What the later one said from there on.
    pub(crate) now: Vec<Line>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// Which line of cells.
#[derive(Debug, Clone)]
pub(crate) struct PartingOf {
    /// With which earlier deployment; `None`: the attempt before.
    pub(crate) with: Option<i64>,
    /// On which host; `None`: on the server.
    pub(crate) host: Option<String>,
    /// In which step.
    pub(crate) step: u8,
}

impl Client {
    /// A deployment beside an earlier one.
    pub(crate) async fn compare(&self, id: i64, with: Option<i64>) -> Result<Comparison, Failure> {
        let query: Vec<_> = with.map(|with| ("with", with.to_string())).into_iter().collect();
        self.get(&["deployments", &id.to_string(), "compare"], &query).await
    }

    /// Where the log of a step parts from that of an earlier deployment.
    pub(crate) async fn parting(&self, id: i64, of: PartingOf) -> Result<Parting, Failure> {
        let mut query = vec![("step", of.step.to_string())];
        query.extend(of.with.map(|with| ("with", with.to_string())));
        query.extend(of.host.map(|host| ("host", host)));
        self.get(&["deployments", &id.to_string(), "compare", "lines"], &query).await
    }
}
