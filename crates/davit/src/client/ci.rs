//! CI runs and changes, as the server's API tells of them: see [`types`](super::types), whose rules hold here too.

use super::kept::Artifact;
use super::stream::{Signal, Stream};
use super::types::{More, Page};
use super::{Client, TIMEOUT};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a run is read again even though nobody said that it changed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// A CI run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Its number.
    pub(crate) id: i64,
    /// The forge.
    pub(crate) forge: String,
    /// `owner/name`.
    pub(crate) repository: String,
    /// The workflow's name.
    pub(crate) workflow: String,
    /// What people call it.
    pub(crate) title: String,
    /// What started it.
    pub(crate) trigger: String,
    /// The branch or tag, in full.
    pub(crate) git_ref: Option<String>,
    /// The commit.
    pub(crate) head_sha: String,
    /// The number of the change that it tests.
    pub(crate) change: Option<i64>,
    /// Who started it.
    pub(crate) by: String,
    /// `awaiting_approval`, `queued`, `running`, or how it ended.
    pub(crate) state: String,
    /// Why.
    pub(crate) reason: Option<String>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it ended.
    pub(crate) ended_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Run {
    /// Whether nothing more happens.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.state.as_str(), "awaiting_approval" | "queued" | "running")
    }

    /// Whether it went well.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self.state.as_str(), "success" | "skipped")
    }
}

/// A run with its jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunDetail {
    /// The run.
    pub(crate) run: Run,
    /// Every attempt at every job, oldest first.
    pub(crate) jobs: Vec<Job>,
    /// What jobs and workflow files have to say about places in the commit.
    #[serde(default)]
    pub(crate) annotations: Vec<Annotation>,
    /// What it keeps.
    #[serde(default)]
    pub(crate) artifacts: Vec<Artifact>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One attempt at a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Its number.
    pub(crate) id: i64,
    /// Its key in the workflow.
    pub(crate) key: String,
    /// What people call it.
    pub(crate) name: String,
    /// From 1.
    pub(crate) attempt: i64,
    /// Where it stands.
    pub(crate) state: String,
    /// Why.
    pub(crate) reason: Option<String>,
    /// When it began.
    pub(crate) started_at: Option<Timestamp>,
    /// Whether no newer attempt has taken its place.
    pub(crate) latest: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a job or a workflow file has to say about a place in the commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Annotation {
    /// `notice`, `warning`, `error`.
    pub(crate) level: String,
    /// The file.
    pub(crate) file: Option<String>,
    /// Its line.
    pub(crate) line: Option<u32>,
    /// What there is to say.
    pub(crate) message: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A line of a job's log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobLine {
    /// Its place, from 1.
    pub(crate) seq: u64,
    /// When it was said.
    pub(crate) at: Timestamp,
    /// The number of the step that said it.
    pub(crate) step: u32,
    /// The text.
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A workflow to be started.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StartOrder {
    /// The forge.
    pub(crate) forge: String,
    /// `owner/name`.
    pub(crate) repository: String,
    /// A branch or tag; without it the default branch.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The workflow's file.
    pub(crate) file: String,
    /// What is filled in, by name.
    pub(crate) inputs: BTreeMap<String, String>,
}

/// A number that the server gave to something new.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The run's number.
    pub(crate) id: i64,
}

/// A repository that davit tests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TestedRepository {
    /// The forge.
    pub(crate) forge: String,
    /// `owner/name`.
    pub(crate) name: String,
    /// Where its jobs run: `sandbox` or `host`.
    #[serde(default)]
    pub(crate) executor: String,
    /// Whether davit merges its changes.
    #[serde(default)]
    pub(crate) merge: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A workflow file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workflow {
    /// Where it is.
    pub(crate) file: String,
    /// What it is called.
    pub(crate) name: String,
    /// Whether people may start it.
    pub(crate) can_start: bool,
    /// What is asked for then.
    pub(crate) inputs: Vec<WorkflowInput>,
    /// What is wrong with it.
    pub(crate) errors: Vec<String>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a workflow asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkflowInput {
    /// Its name.
    pub(crate) name: String,
    /// Whether it must be filled in.
    pub(crate) required: bool,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A pull or merge request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Change {
    /// davit's number of it.
    pub(crate) id: i64,
    /// The forge.
    pub(crate) forge: String,
    /// `owner/name`.
    pub(crate) repository: String,
    /// The forge's number of it.
    pub(crate) number: i64,
    /// Its title.
    pub(crate) title: String,
    /// Who made it.
    pub(crate) author: String,
    /// Where it is at the forge.
    pub(crate) url: String,
    /// The commit under review.
    pub(crate) head_sha: String,
    /// The branch it goes to.
    pub(crate) base_branch: String,
    /// `open`, `merged`, `closed`.
    pub(crate) state: String,
    /// What keeps davit from merging it.
    pub(crate) holds: Vec<Hold>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// One thing that keeps davit from merging a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// Its word.
    pub(crate) code: String,
    /// What people read.
    pub(crate) sentence: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A change with its checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeDetail {
    /// The change.
    pub(crate) change: Change,
    /// What is known about its head.
    pub(crate) checks: Vec<KnownCheck>,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// A check of a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KnownCheck {
    /// Its context.
    pub(crate) name: String,
    /// `pending`, `success`, `failure`, `error`.
    pub(crate) state: String,
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What can be done to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAction {
    Cancel,
    RetryAll,
    RetryFailed,
    RetryJob { job: i64 },
    Approve { head_sha: String },
}

impl Client {
    /// Reads a run with its jobs.
    pub(crate) async fn run(&self, id: i64) -> Result<RunDetail, Failure> {
        self.get(&["runs", &id.to_string()], &[]).await
    }

    /// Does something to a run.
    pub(crate) async fn act_on_run(&self, id: i64, action: &RunAction) -> Result<Run, Failure> {
        let (verb, body) = match action {
            RunAction::Cancel => ("cancel", json!({})),
            RunAction::RetryAll => ("retry", json!({ "what": "all" })),
            RunAction::RetryFailed => ("retry", json!({ "what": "failed" })),
            RunAction::RetryJob { job } => ("retry", json!({ "what": "job", "job_id": job })),
            RunAction::Approve { head_sha } => ("approve", json!({ "head_sha": head_sha })),
        };
        self.post(&["runs", &id.to_string(), verb], &body).await
    }

    /// The repositories that davit tests.
    pub(crate) async fn tested_repositories(&self) -> Result<Page<TestedRepository>, Failure> {
        self.get(&["repositories"], &[]).await
    }

    /// The workflow files of a repository, as of a branch or tag.
    pub(crate) async fn workflows(
        &self,
        repository: &TestedRepository,
        reference: Option<&str>,
    ) -> Result<Page<Workflow>, Failure> {
        let mut query = vec![("forge", repository.forge.clone()), ("repository", repository.name.clone())];
        query.extend(reference.map(|name| ("ref", name.to_owned())));
        self.get(&["workflows"], &query).await
    }

    /// Starts a workflow.
    pub(crate) async fn start_workflow(&self, order: &StartOrder) -> Result<Started, Failure> {
        self.post(&["workflows", "start"], order).await
    }

    /// Tells `sink` every line of a job, in order and each one once, until the job has ended.
    pub(crate) async fn follow_job(
        &self,
        job: i64,
        mut sink: impl FnMut(JobLine) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut stream = self.stream(&["jobs", &job.to_string(), "log", "stream"], &[]);
        let mut seen = 0;
        loop {
            let Signal::Message(message) = stream.next().await? else { continue };
            match message.event.as_str() {
                "line" => {
                    let line: JobLine = self.read(&message)?;
                    if line.seq > seen {
                        seen = line.seq;
                        sink(line)?;
                    }
                }
                "end" => return Ok(()),
                _ => {}
            }
        }
    }

    /// Returns when something about runs may have changed.
    pub(crate) async fn run_changed(&self, changes: &mut Stream) -> Result<(), Failure> {
        loop {
            match tokio::time::timeout(LOOK_AGAIN, changes.next()).await {
                Ok(signal) => match signal? {
                    Signal::Message(message) if message.event != "change" => {}
                    Signal::Message(_) | Signal::Connected => return Ok(()),
                },
                Err(_) => return Ok(()),
            }
        }
    }

    /// Reads a change with its checks.
    pub(crate) async fn change(&self, id: i64) -> Result<ChangeDetail, Failure> {
        self.get(&["changes", &id.to_string()], &[]).await
    }

    /// Asks the forge about a change once more.
    pub(crate) async fn refresh_change(&self, id: i64) -> Result<Change, Failure> {
        self.post(&["changes", &id.to_string(), "refresh"], &json!({})).await
    }

    /// Asks davit to merge a change with this head as soon as nothing holds it up.
    pub(crate) async fn ask_merge(&self, id: i64, head_sha: &str) -> Result<Change, Failure> {
        self.post(&["changes", &id.to_string(), "merge"], &json!({ "head_sha": head_sha })).await
    }

    /// Takes back that a merge was asked for.
    pub(crate) async fn withdraw_merge(&self, id: i64) -> Result<Change, Failure> {
        let url = self.url(&["changes", &id.to_string(), "merge"], &[]);
        let request = self.request(Method::DELETE, url).timeout(TIMEOUT);
        self.body(self.send(request).await?).await
    }
}
