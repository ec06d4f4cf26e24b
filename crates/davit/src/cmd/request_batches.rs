//! `davit request batch …`: several apps to one environment, asked for and decided on together.

use super::{Format, tone, when};
use crate::client::Client;
use crate::client::requests::{Batch, BatchAnswers, BatchOrder, BatchOrderItem};
use crate::client::types::Request;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, short, visible};
use clap::{Args, Subcommand};
use davit_domain::time::Timestamp;

/// Ask for releases of several apps together
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Ask for them: all, or none
    New(NewArgs),
    /// Show them
    Show(BatchArgs),
    /// Approve each one that you may approve
    Approve {
        #[command(flatten)]
        batch: BatchArgs,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Reject each one that you may reject
    Reject {
        #[command(flatten)]
        batch: BatchArgs,
        /// Why, for their author
        #[arg(long)]
        reason: String,
    },
    /// Take each one back that you may take back
    Withdraw(BatchArgs),
    /// Deploy each one that you may deploy
    Release(BatchArgs),
}

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The environment's key
    environment: String,
    /// The apps' keys, each with a branch, tag or commit after an @ where it is not the default branch
    #[arg(required = true, value_name = "APP[@REF]", value_parser = item)]
    items: Vec<BatchOrderItem>,
    /// What they are for
    #[arg(long)]
    title: Option<String>,
    /// What more there is to know
    #[arg(long)]
    description: Option<String>,
    /// Deploy them at this time, such as 2026-12-24T22:00:00Z or +2h, when they are approved then
    #[arg(long, value_name = "TIME", value_parser = when)]
    at: Option<Timestamp>,
    #[command(flatten)]
    format: Format,
}

/// One batch.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct BatchArgs {
    /// The batch's number
    batch: i64,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(client: &Client, command: BatchCommand) -> Outcome {
    match command {
        BatchCommand::New(args) => {
            let order = BatchOrder {
                environment: args.environment,
                title: args.title,
                description: args.description,
                items: args.items,
                scheduled_at: args.at,
            };
            print(args.format, &client.deploy_batch(&order).await?)
        }
        BatchCommand::Show(args) => print(args.format, &client.batch(args.batch).await?),
        BatchCommand::Approve { batch, reason } => act(client, batch, "approve", reason.as_deref()).await,
        BatchCommand::Reject { batch, reason } => act(client, batch, "reject", Some(&reason)).await,
        BatchCommand::Withdraw(batch) => act(client, batch, "withdraw", None).await,
        BatchCommand::Release(batch) => act(client, batch, "release", None).await,
    }
}

async fn act(client: &Client, args: BatchArgs, verb: &str, reason: Option<&str>) -> Outcome {
    let answers = client.act_on_batch(args.batch, verb, reason).await?;
    let output = Output::detect();
    if args.format.json {
        output.json(&answers)?;
    } else {
        let row = |answer: &crate::client::requests::BatchAnswer| {
            let mut cells = row(&answer.request);
            cells.push(Cell::from(answer.sentence.as_deref().unwrap_or_default()));
            cells
        };
        let rows: Vec<_> = answers.items.iter().map(row).collect();
        output.table(&["id", "app", "state", "commit", "title", "why not"], &rows, "The batch is empty.")?;
    }
    conclude(&answers, verb)
}

/// It has failed when not one was done.
fn conclude(answers: &BatchAnswers, verb: &str) -> Outcome {
    if answers.items.iter().any(|answer| answer.ok) {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("there was nothing to {verb}")).hint("davit requests --waiting-for-me"))
}

fn print(format: Format, batch: &Batch) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(batch)?;
        return Ok(Exit::Done);
    }
    output.line(format!("batch {} to {} {}", batch.id, batch.environment, visible(&batch.title)))?;
    let rows: Vec<_> = batch.items.iter().map(row).collect();
    output.table(&["id", "app", "state", "commit", "title"], &rows, "The batch is empty.")?;
    Ok(Exit::Done)
}

fn row(request: &Request) -> Vec<Cell> {
    let state = request.state.as_str();
    vec![
        Cell::from(request.id.to_string()),
        Cell::from(&request.app),
        Cell::toned(tone(state), state),
        Cell::from(short(&request.commit)),
        Cell::from(&request.title),
    ]
}

/// `APP`, `APP@REF`.
fn item(text: &str) -> Result<BatchOrderItem, String> {
    let (app, git_ref) = match text.split_once('@') {
        Some((_, "")) => return Err("it must be APP or APP@REF".to_owned()),
        Some((app, git_ref)) => (app, Some(git_ref.to_owned())),
        None => (text, None),
    };
    if app.is_empty() {
        return Err("it must be APP or APP@REF".to_owned());
    }
    Ok(BatchOrderItem { app: app.to_owned(), git_ref })
}

#[cfg(test)]
mod tests {
    use super::item;

    #[test]
    fn an_app_may_have_a_reference() {
        let seen = |text| item(text).map(|item| (item.app, item.git_ref));
        assert_eq!(seen("shop"), Ok(("shop".into(), None)));
        assert_eq!(seen("shop@release/1@2"), Ok(("shop".into(), Some("release/1@2".into()))));
        assert!(seen("@main").is_err() && seen("shop@").is_err() && seen("").is_err());
    }
}
