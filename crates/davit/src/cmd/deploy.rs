//! `davit deploy`, and what it shares with every command that ends in a deployment: print it, or follow it.

use super::{Format, SEE_STATUS, tone};
use crate::client::follow::Update;
use crate::client::types::{Deployment, DeploymentState, Request, RequestState};
use crate::client::{Client, DeployOrder};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, short};
use crate::progress::Progress;
use clap::Args;
use serde::Serialize;

/// Ask for a release of an app to an environment
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The app's key
    app: String,
    /// The environment's key
    environment: String,
    /// The branch or tag to release; neither this nor --commit: the head of the default branch
    #[arg(long = "ref", value_name = "REF", conflicts_with = "commit")]
    git_ref: Option<String>,
    /// The commit to release
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// What it is for
    #[arg(long)]
    title: Option<String>,
    /// To these of the configured hosts alone
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Whether a command waits for the deployment that it asked for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FollowArgs {
    /// Wait until it is released and deployed, and show how it goes
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    format: Format,
}

/// What came of a request: the object that `--json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// The deployment; `None`: there is none yet, or never will be.
    pub(crate) deployment: Option<i64>,
    /// The request.
    pub(crate) request: i64,
    /// The deployment's state, or without one the request's.
    pub(crate) state: &'static str,
    /// The release that was made.
    pub(crate) release: Option<String>,
    /// The commit.
    pub(crate) commit: String,
    /// Host by host.
    pub(crate) hosts: Vec<HostReport>,
}

/// What came of a deployment on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HostReport {
    /// The host.
    pub(crate) name: String,
    /// The host run's state.
    pub(crate) state: String,
}

pub(super) async fn run(args: DeployArgs) -> Outcome {
    let client = Client::from_environment()?;
    let order = DeployOrder { git_ref: args.git_ref, commit: args.commit, title: args.title, hosts: args.hosts };
    let request = client.deploy(&args.app, &args.environment, &order).await;
    args.follow.conclude(&client, request.map_err(|failure| failure.hint_if_not_found(SEE_STATUS))?).await
}

impl FollowArgs {
    /// Prints the request, or follows it to its end and prints that.
    pub(super) async fn conclude(self, client: &Client, request: Request) -> Outcome {
        let output = Output::detect();
        if self.follow {
            let report = follow(client, request, output).await?;
            return self.print_end(&report, output);
        }
        if self.format.json {
            output.json(&Report::of_request(&request))?;
            return Ok(Exit::Done);
        }
        output.line(format!("request {}", request.id))?;
        match request.deployment {
            Some(deployment) => {
                output.line(format!("deployment {deployment}"))?;
                output.note(format!("Follow it: davit logs -f {deployment}"));
            }
            None => explain_wait(&request, output),
        }
        Ok(Exit::Done)
    }

    fn print_end(self, report: &Report, output: Output) -> Outcome {
        let succeeded = report.state == DeploymentState::Succeeded.as_str();
        if self.format.json {
            output.json(report)?;
        } else if succeeded {
            output.line(success(report, output))?;
        }
        if succeeded {
            return Ok(Exit::Done);
        }
        Err(match report.deployment {
            Some(id) => {
                Failure::failed(format!("deployment {id} ended as {}", report.state)).hint(format!("davit logs {id}"))
            }
            None => Failure::failed(format!("request {} is {}", report.request, report.state))
                .hint(format!("davit request show {}", report.request)),
        })
    }
}

/// Follows a request over review and release to the end of its deployment. Shows on stderr how it goes.
pub(crate) async fn follow(client: &Client, request: Request, output: Output) -> Result<Report, Failure> {
    let request = client.wait_for_release(request, |request| explain_wait(request, output)).await?;
    let Some(id) = request.deployment else { return Ok(Report::of_request(&request)) };
    output.note(format!("Following deployment {id}; Ctrl-C ends the following, not the deployment."));
    let mut progress = Progress::new(output);
    let ended = client
        .follow(id, 0, |update| {
            progress.show(&update);
            Ok(())
        })
        .await;
    if let Ok(deployment) = &ended {
        progress.show(&Update::State(deployment.clone()));
    }
    progress.finish(!matches!(&ended, Ok(deployment) if deployment.state == DeploymentState::Succeeded));
    let deployment = ended?;
    if let Some(reason) = &deployment.reason {
        output.note(crate::output::visible(reason));
    }
    Ok(Report::of_deployment(&deployment))
}

impl Report {
    fn of_request(request: &Request) -> Self {
        Self {
            deployment: request.deployment,
            request: request.id,
            state: request.state.as_str(),
            release: None,
            commit: request.commit.clone(),
            hosts: Vec::new(),
        }
    }

    fn of_deployment(deployment: &Deployment) -> Self {
        let hosts = deployment.host_runs.iter();
        Self {
            deployment: Some(deployment.id),
            request: deployment.request,
            state: deployment.state.as_str(),
            release: deployment.release.clone(),
            commit: deployment.commit.clone(),
            hosts: hosts.map(|run| HostReport { name: run.host.clone(), state: run.state.clone() }).collect(),
        }
    }
}

/// Says who has to do what before a request is released.
pub(super) fn explain_wait(request: &Request, output: Output) {
    let id = request.id;
    match request.state {
        RequestState::AwaitingReview => {
            let (has, needs) = (request.approvals.len(), request.required_approvals);
            output.note(format!(
                "Request {id} waits for review ({has} of {needs} approvals): davit request approve {id}"
            ));
        }
        RequestState::AwaitingRelease => {
            output.note(format!("Request {id} waits to be released: davit request release {id}"));
        }
        RequestState::Releasing
        | RequestState::Succeeded
        | RequestState::Failed
        | RequestState::Rejected
        | RequestState::Withdrawn
        | RequestState::Cancelled
        | RequestState::Superseded => output.note(format!("Request {id} is {}.", request.state.as_str())),
    }
}

fn success(report: &Report, output: Output) -> String {
    let state = output.paint(tone(report.state), report.state);
    let release = report.release.as_deref().unwrap_or("the release");
    let hosts = report.hosts.len();
    let deployment = report.deployment.unwrap_or_default();
    let plural = if hosts == 1 { "" } else { "s" };
    format!("deployment {deployment} {state}: {release} ({}) is live on {hosts} host{plural}", short(&report.commit))
}
