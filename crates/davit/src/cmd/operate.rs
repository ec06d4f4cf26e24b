//! What a person does to a deployment that stands still: `davit continue`, `revert`, `override` and
//! `davit deployment …`.

use super::compare;
use super::deploy::FollowArgs;
use super::examples;
use super::{Format, tone};
use crate::client::Client;
use crate::client::operate::DeploymentAction;
use crate::client::types::Deployment;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, visible};
use clap::{Args, Subcommand};

/// Let the next batch of a paused deployment go
#[derive(Debug, Args)]
pub(crate) struct ContinueArgs {
    /// The deployment's number
    deployment: i64,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Take a paused deployment back: its hosts serve again what they served before
#[derive(Debug, Args)]
pub(crate) struct RevertArgs {
    /// The deployment's number
    deployment: i64,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Let a waiting deployment pass locks and freeze windows
#[derive(Debug, Args)]
pub(crate) struct OverrideArgs {
    /// The deployment's number
    deployment: i64,
    /// Why it can't wait; everybody sees this
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Look at a deployment, and decide about its failed hosts
#[derive(Debug, Subcommand)]
#[command(after_help = examples::DEPLOYMENT)]
pub(crate) enum DeploymentCommand {
    /// List deployments, newest first
    List(compare::ListArgs),
    /// Show a deployment host by host
    Show {
        /// The deployment's number
        deployment: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Show what went otherwise than before: each step on each host, or where its logs part
    Compare(compare::CompareArgs),
    /// Try a failed host of a held deployment again
    RetryHost {
        /// The deployment's number
        deployment: i64,
        /// The host
        host: String,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Leave a failed host of a held deployment as it is and go on without it
    SkipHost {
        /// The deployment's number
        deployment: i64,
        /// The host
        host: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        follow: FollowArgs,
    },
}

pub(super) async fn go_on(args: ContinueArgs) -> Outcome {
    act(args.deployment, DeploymentAction::Continue, args.follow).await
}

pub(super) async fn revert(args: RevertArgs) -> Outcome {
    act(args.deployment, DeploymentAction::Revert { reason: args.reason }, args.follow).await
}

pub(super) async fn override_gates(args: OverrideArgs) -> Outcome {
    act(args.deployment, DeploymentAction::Override { reason: args.reason }, args.follow).await
}

pub(super) async fn run(command: DeploymentCommand) -> Outcome {
    match command {
        DeploymentCommand::List(args) => compare::list(&Client::from_environment()?, args).await,
        DeploymentCommand::Compare(args) => {
            compare::compare(&Client::from_environment()?, args).await.map_err(compare::see_list)
        }
        DeploymentCommand::Show { deployment, format } => {
            let found = Client::from_environment()?.deployment(deployment).await.map_err(compare::see_list)?;
            print(&found, format)
        }
        DeploymentCommand::RetryHost { deployment, host, follow } => {
            act(deployment, DeploymentAction::RetryHost { host }, follow).await
        }
        DeploymentCommand::SkipHost { deployment, host, reason, follow } => {
            act(deployment, DeploymentAction::SkipHost { host, reason }, follow).await
        }
    }
}

async fn act(id: i64, action: DeploymentAction, follow: FollowArgs) -> Outcome {
    let client = Client::from_environment()?;
    let deployment = client.operate(id, &action).await.map_err(compare::see_list)?;
    follow.conclude_deployment(&client, &deployment).await
}

fn print(deployment: &Deployment, format: Format) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(deployment)?;
        return Ok(Exit::Done);
    }
    let (id, app, environment) = (deployment.id, &deployment.app, &deployment.environment);
    let state = deployment.state.as_str();
    output.line(format!("deployment {id} of {app} to {environment} {}", output.paint(tone(state), state)))?;
    if let Some(reason) = &deployment.reason {
        output.line(visible(reason))?;
    }
    let row = |run: &crate::client::types::HostRun| {
        vec![
            Cell::from(&run.host),
            Cell::from(run.batch.map(|batch| batch.to_string()).unwrap_or_default()),
            Cell::toned(tone(&run.state), &run.state),
            Cell::from(run.reason.as_deref().unwrap_or_default()),
        ]
    };
    let rows: Vec<_> = deployment.host_runs.iter().map(row).collect();
    output.table(&["host", "batch", "state", "reason"], &rows, "It has no hosts")?;
    if let Some(waits) = deployment.waits() {
        output.note(waits);
    }
    Ok(Exit::Done)
}
