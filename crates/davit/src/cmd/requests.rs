//! `davit requests` and `davit request …`.

use super::deploy::{FollowArgs, explain_wait};
use super::{Format, ListFormat, filter, number_or_dash, tone};
use crate::client::types::Request;
use crate::client::{Client, RequestAction};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, short, visible};
use clap::{Args, Subcommand};

/// List release requests
#[derive(Debug, Args)]
pub(crate) struct RequestsArgs {
    /// In this state alone, such as awaiting_review
    #[arg(long)]
    state: Option<String>,
    /// Of this app alone
    #[arg(long)]
    app: Option<String>,
    /// Of this environment alone
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// Show, decide or carry out one release request
#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// Show a request
    Show(OneArgs),
    /// Approve a request
    Approve(OneArgs),
    /// Reject a request
    Reject {
        #[command(flatten)]
        one: OneArgs,
        /// Why, for its author
        #[arg(long)]
        reason: String,
    },
    /// Take a request back
    Withdraw(OneArgs),
    /// Deploy an approved request
    Release {
        /// The request's number
        request: i64,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Deploy a failed request again
    Retry {
        /// The request's number
        request: i64,
        /// On the hosts where it failed alone
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        follow: FollowArgs,
    },
}

/// One request.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneArgs {
    /// The request's number
    request: i64,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn list(args: RequestsArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[("state", &args.state), ("app", &args.app), ("environment", &args.environment)]);
    let requests = Client::from_environment()?.list::<Request>(&["requests"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&requests)?;
    } else {
        let rows: Vec<_> = requests.items.iter().map(row).collect();
        let header = ["id", "app", "environment", "state", "commit", "deployment", "by", "at (UTC)", "title"];
        output.table(&header, &rows, "There are no such requests. Ask for a release: davit deploy APP ENV")?;
    }
    Ok(Exit::Done)
}

pub(super) async fn run(command: RequestCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        RequestCommand::Show(one) => print(one.format, &client.release_request(one.request).await.map_err(see_list)?),
        RequestCommand::Approve(one) => act(&client, one, &RequestAction::Approve).await,
        RequestCommand::Reject { one, reason } => act(&client, one, &RequestAction::Reject { reason }).await,
        RequestCommand::Withdraw(one) => act(&client, one, &RequestAction::Withdraw).await,
        RequestCommand::Release { request, follow } => {
            let released = client.act(request, &RequestAction::Release).await.map_err(see_list)?;
            follow.conclude(&client, released).await
        }
        RequestCommand::Retry { request, failed, follow } => {
            let retried = client.act(request, &RequestAction::Retry { failed_only: failed }).await.map_err(see_list)?;
            follow.conclude(&client, retried).await
        }
    }
}

async fn act(client: &Client, one: OneArgs, action: &RequestAction) -> Outcome {
    print(one.format, &client.act(one.request, action).await.map_err(see_list)?)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit requests")
}

fn row(request: &Request) -> Vec<Cell> {
    let state = request.state.as_str();
    vec![
        Cell::from(request.id.to_string()),
        Cell::from(&request.app),
        Cell::from(&request.environment),
        Cell::toned(tone(state), state),
        Cell::from(short(&request.commit)),
        Cell::from(number_or_dash(request.deployment)),
        Cell::from(&request.created_by),
        Cell::from(minute(request.created_at)),
        Cell::from(&request.title),
    ]
}

fn print(format: Format, request: &Request) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(request)?;
        return Ok(Exit::Done);
    }
    let state = request.state.as_str();
    let (id, kind, app, environment) = (request.id, &request.kind, &request.app, &request.environment);
    output.line(format!("request {id} {}", output.paint(tone(state), state)))?;
    output.line(format!("  {kind} of {app} to {environment}: {}", visible(&request.title)))?;
    output.line(format!("  commit     {}", request.commit))?;
    output.line(format!("  asked by   {} at {} UTC", visible(&request.created_by), minute(request.created_at)))?;
    if let Some(name) = &request.decided_by {
        output.line(format!("  decided by {}", visible(name)))?;
    }
    output.line(format!("  deployment {}", number_or_dash(request.deployment)))?;
    if let Some(reason) = &request.reason {
        output.line(format!("  reason     {}", visible(reason)))?;
    }
    if request.state.waits() {
        explain_wait(request, output);
    }
    Ok(Exit::Done)
}
