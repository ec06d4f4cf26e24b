//! `davit requests` and `davit request …`.

use super::deploy::{FollowArgs, explain_wait};
use super::examples;
use super::request_batches::{self, BatchCommand};
use super::request_edits::{self, DiffArgs, EditArgs};
use super::{Format, ListFormat, filter, number_or_dash, tone};
use crate::client::types::Request;
use crate::client::{Client, RequestAction};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, short, visible};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;

/// List release requests
#[derive(Debug, Args)]
#[command(after_help = examples::REQUESTS)]
pub(crate) struct RequestsArgs {
    /// In this state alone, such as awaiting_review
    #[arg(long)]
    state: Option<String>,
    /// In this group alone: awaiting_review, awaiting_release, releasing, succeeded, failed or other
    #[arg(long, conflicts_with = "state")]
    group: Option<String>,
    /// With this text in title, description or author, of a commit that begins so, or with this number
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Made by this account alone
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Your own alone
    #[arg(long)]
    mine: bool,
    /// Those alone that you may approve or release
    #[arg(long)]
    waiting_for_me: bool,
    /// Of this batch alone
    #[arg(long, value_name = "ID")]
    batch: Option<i64>,
    /// Of this app alone
    #[arg(long)]
    app: Option<String>,
    /// Of this environment alone
    #[arg(long)]
    environment: Option<String>,
    /// Say how many there are of each state, and no more
    #[arg(long, conflicts_with = "limit")]
    counts: bool,
    #[command(flatten)]
    list: ListFormat,
}

/// Show, decide or carry out one release request
#[derive(Debug, Subcommand)]
#[command(after_help = examples::REQUEST)]
pub(crate) enum RequestCommand {
    /// Show a request
    Show(OneArgs),
    /// Approve a request
    Approve {
        #[command(flatten)]
        one: OneArgs,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Only if this is its version still
        #[arg(long, value_name = "N")]
        version: Option<i64>,
    },
    /// Reject a request
    Reject {
        #[command(flatten)]
        one: OneArgs,
        /// Why, for its author
        #[arg(long)]
        reason: String,
        /// Only if this is its version still
        #[arg(long, value_name = "N")]
        version: Option<i64>,
    },
    /// Change what a request asks for; what was approved of it is void then
    Edit(EditArgs),
    /// Ask for the same once more, with the release config of now
    Clone {
        #[command(flatten)]
        one: OneArgs,
        /// To this environment
        #[arg(long)]
        environment: Option<String>,
        /// What it is for
        #[arg(long)]
        title: Option<String>,
    },
    /// Show what a request would change, or has changed
    Diff(DiffArgs),
    /// Ask for several apps together, and decide on them together
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Take a request back
    Withdraw(OneArgs),
    /// Deploy an approved request
    Release {
        /// The request's number
        request: i64,
        /// Pass locks, freeze windows and release windows; why that can't wait
        #[arg(long = "override", value_name = "REASON")]
        override_reason: Option<String>,
        /// Only if this is its version still
        #[arg(long, value_name = "N")]
        version: Option<i64>,
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
    let yes = |flag: bool| flag.then(|| true.to_string());
    let filter = filter(&[
        ("state", &args.state),
        ("group", &args.group),
        ("q", &args.search),
        ("author", &args.author),
        ("mine", &yes(args.mine)),
        ("waiting_for_me", &yes(args.waiting_for_me)),
        ("batch", &args.batch.map(|batch| batch.to_string())),
        ("app", &args.app),
        ("environment", &args.environment),
    ]);
    let client = Client::from_environment()?;
    if args.counts {
        return counts(client.get(&["requests", "counts"], &filter).await?, args.list.format);
    }
    let requests = client.list::<Request>(&["requests"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&requests)?;
    } else {
        let rows: Vec<_> = requests.items.iter().map(row).collect();
        let header = ["id", "app", "environment", "state", "commit", "deployment", "by", "at (UTC)", "title"];
        output.table(&header, &rows, "There are no such requests. Ask for a release: davit deploy APP ENV")?;
    }
    Ok(Exit::Done)
}

fn counts(counts: BTreeMap<String, u64>, format: Format) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(&counts)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = counts
        .iter()
        .map(|(state, count)| vec![Cell::toned(tone(state), state), Cell::from(count.to_string())])
        .collect();
    output.table(&["state", "requests"], &rows, "")?;
    Ok(Exit::Done)
}

pub(super) async fn run(command: RequestCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        RequestCommand::Show(one) => print(one.format, &client.release_request(one.request).await.map_err(see_list)?),
        RequestCommand::Approve { one, reason, version } => {
            act(&client, one, &RequestAction::Approve { reason, version }).await
        }
        RequestCommand::Reject { one, reason, version } => {
            act(&client, one, &RequestAction::Reject { reason, version }).await
        }
        RequestCommand::Edit(args) => print(args.format, &request_edits::edit(&client, &args).await.map_err(see_list)?),
        RequestCommand::Clone { one, environment, title } => {
            act(&client, one, &RequestAction::Clone { environment, title }).await
        }
        RequestCommand::Diff(args) => request_edits::diff(&client, args).await.map_err(see_list),
        RequestCommand::Batch(command) => request_batches::run(&client, command).await,
        RequestCommand::Withdraw(one) => act(&client, one, &RequestAction::Withdraw).await,
        RequestCommand::Release { request, override_reason, version, follow } => {
            let action = RequestAction::Release { override_reason, version };
            let released = client.act(request, &action).await.map_err(see_list)?;
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
    output.line(format!("  version    {}", request.version))?;
    if let Some(at) = request.scheduled_at {
        output.line(format!("  scheduled  {} UTC", minute(at)))?;
    }
    output.line(format!("  deployment {}", number_or_dash(request.deployment)))?;
    for word in &request.reviews {
        let what = match (word.verdict.as_str(), word.void) {
            ("approve", false) => "approved",
            ("approve", true) => "approved, which counts no more",
            (_, _) => "rejected",
        };
        let reason = word.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
        output.line(format!(
            "  {} {what} version {} at {} UTC{reason}",
            visible(&word.user),
            word.version,
            minute(word.at)
        ))?;
    }
    if let Some(sentence) = &request.waits_for {
        output.line(format!("  waits      {}", visible(sentence)))?;
    }
    for line in request.description.lines() {
        output.line(format!("  | {}", visible(line)))?;
    }
    if let Some(reason) = &request.reason {
        output.line(format!("  reason     {}", visible(reason)))?;
    }
    if request.state.waits() {
        explain_wait(request, output);
    }
    Ok(Exit::Done)
}
