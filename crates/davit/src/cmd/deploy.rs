//! `davit deploy`, and what it shares with every command that ends in a deployment: print it, or follow it.

use super::examples;
use super::{Format, SEE_STATUS, tone, when};
use crate::client::follow::Update;
use crate::client::types::{Deployment, DeploymentState, Request, RequestState};
use crate::client::{Client, DeployOrder};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, minute, short};
use crate::progress::Progress;
use clap::Args;
use davit_domain::time::Timestamp;
use serde::Serialize;
use std::ops::ControlFlow;

/// Ask for a release of an app to an environment
#[derive(Debug, Args)]
#[command(after_help = examples::DEPLOY)]
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
    /// The kept build to release; see davit builds list
    #[arg(long, value_name = "ID", conflicts_with_all = ["git_ref", "commit"])]
    build: Option<i64>,
    /// A value that the release config asks for; may be given for each of them
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    /// What it is for
    #[arg(long)]
    title: Option<String>,
    /// What more there is to know
    #[arg(long)]
    description: Option<String>,
    /// To these of the configured hosts alone
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    /// Deploy it at this time, such as 2026-12-24T22:00:00Z or +2h, when it is approved then
    #[arg(long, value_name = "TIME", value_parser = when)]
    at: Option<Timestamp>,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Whether a command waits for the deployment that it asked for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FollowArgs {
    /// Wait until it is released and deployed, and show how it goes
    #[arg(long)]
    follow: bool,
    /// With --follow: end when it waits for a person, with exit code 0
    #[arg(long, requires = "follow")]
    no_wait: bool,
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
    /// Whether following ended because a person has to do something.
    #[serde(skip)]
    waits: bool,
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
    let order = DeployOrder {
        git_ref: args.git_ref,
        commit: args.commit,
        title: args.title,
        description: args.description,
        scheduled_at: args.at,
        build: args.build,
        inputs: args.inputs.into_iter().collect(),
        hosts: args.hosts,
    };
    let request = client.deploy(&args.app, &args.environment, &order).await;
    args.follow.conclude(&client, request.map_err(|failure| failure.hint_if_not_found(SEE_STATUS))?).await
}

impl FollowArgs {
    /// Prints the request, or follows it to its end and prints that.
    pub(super) async fn conclude(self, client: &Client, request: Request) -> Outcome {
        let output = Output::detect();
        if self.follow {
            let report = follow(client, request, self.no_wait, output).await?;
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

    /// Prints a deployment that something was done to, or follows it to its end and prints that.
    pub(super) async fn conclude_deployment(self, client: &Client, deployment: &Deployment) -> Outcome {
        let output = Output::detect();
        if self.follow {
            let report = follow_deployment(client, deployment.id, self.no_wait, output).await?;
            return self.print_end(&report, output);
        }
        if self.format.json {
            output.json(deployment)?;
            return Ok(Exit::Done);
        }
        let state = deployment.state.as_str();
        output.line(format!("deployment {} {}", deployment.id, output.paint(tone(state), state)))?;
        let next = || format!("Follow it: davit logs -f {}", deployment.id);
        output.note(deployment.waits().unwrap_or_else(next));
        Ok(Exit::Done)
    }

    fn print_end(self, report: &Report, output: Output) -> Outcome {
        let succeeded = report.state == DeploymentState::Succeeded.as_str();
        if self.format.json {
            output.json(report)?;
        } else if succeeded {
            output.line(success(report, output))?;
        } else if report.waits {
            output.line(format!("deployment {} {}", report.deployment.unwrap_or_default(), report.state))?;
        }
        if succeeded || report.waits {
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
async fn follow(client: &Client, request: Request, no_wait: bool, output: Output) -> Result<Report, Failure> {
    if no_wait && request.state.waits() {
        explain_wait(&request, output);
        return Ok(Report { waits: true, ..Report::of_request(&request) });
    }
    let request = client.wait_for_release(request, |request| explain_wait(request, output)).await?;
    match request.deployment {
        Some(id) => follow_deployment(client, id, no_wait, output).await,
        None => Ok(Report::of_request(&request)),
    }
}

/// Follows a deployment to its end; with `no_wait`, at most until it waits for a person.
async fn follow_deployment(client: &Client, id: i64, no_wait: bool, output: Output) -> Result<Report, Failure> {
    output.note(format!("Following deployment {id}; Ctrl-C ends the following, not the deployment."));
    let mut progress = Progress::new(output);
    let mut told = None;
    let ended = client
        .follow_while(id, 0, |update| {
            progress.show(&update);
            let Update::State(deployment) = &update else { return Ok(ControlFlow::Continue(())) };
            let waits = deployment.waits();
            if waits != told {
                waits.iter().for_each(|sentence| progress.say(sentence));
                told = waits;
            }
            let enough = no_wait && deployment.waits_for_a_person();
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await;
    if let Ok(deployment) = &ended {
        progress.show(&Update::State(deployment.clone()));
    }
    let well = |deployment: &Deployment| deployment.state == DeploymentState::Succeeded || deployment.waits().is_some();
    progress.finish(!ended.as_ref().is_ok_and(well));
    let deployment = ended?;
    let waits = no_wait && deployment.waits_for_a_person();
    if let Some(reason) = deployment.reason.as_ref().filter(|_| !waits) {
        output.note(crate::output::visible(reason));
    }
    Ok(Report { waits, ..Report::of_deployment(&deployment) })
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
            waits: false,
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
            waits: false,
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
        RequestState::AwaitingRelease => match request.scheduled_at {
            Some(at) => output.note(format!("Request {id} goes out at {} UTC", minute(at))),
            None => output.note(format!("Request {id} waits to be released: davit request release {id}")),
        },
        RequestState::Releasing
        | RequestState::Succeeded
        | RequestState::Failed
        | RequestState::Rejected
        | RequestState::Withdrawn
        | RequestState::Cancelled
        | RequestState::Superseded => output.note(format!("Request {id} is {}.", request.state.as_str())),
    }
}

/// `NAME=VALUE`.
fn input(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("it must be NAME=VALUE".to_owned()),
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
