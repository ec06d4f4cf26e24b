//! `davit runs …` and `davit ci start`: CI runs at the server.

use super::examples;
use super::run_logs::{self, LogsArgs};
use super::{Format, ListFormat, filter, tone};
use crate::client::Client;
use crate::client::ci::{Job, Run, RunAction, RunDetail, StartOrder, TestedRepository};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::{ArgGroup, Args, Subcommand};
use std::collections::BTreeMap;

/// Look at CI runs, and decide about them
#[derive(Debug, Subcommand)]
#[command(after_help = examples::RUNS)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List(ListArgs),
    /// Show a run with its jobs and what they found
    Show(OneArgs),
    /// End a run; jobs with `if: always()` still run
    Cancel(OneArgs),
    /// Run all jobs again, or those that did not succeed, or one; old attempts and their logs stay
    Retry(RetryArgs),
    /// Let the workflows of a fork's change run, on the commit that the run is about
    Approve(ApproveArgs),
    /// Print the log of a run, job after job
    Logs(LogsArgs),
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// At this forge alone
    #[arg(long)]
    forge: Option<String>,
    /// Of this repository alone: owner/name
    #[arg(long)]
    repository: Option<String>,
    /// In these states alone, with commas between them: awaiting_approval, queued, running, success, failure, cancelled,
    /// timed_out, skipped, error
    #[arg(long)]
    state: Option<String>,
    /// Of this branch alone
    #[arg(long)]
    branch: Option<String>,
    /// Of the change with this number at the forge
    #[arg(long, value_name = "NUMBER")]
    change: Option<i64>,
    /// Of this workflow alone, by its name or file
    #[arg(long)]
    workflow: Option<String>,
    /// Started by this alone: push, pull_request, workflow_dispatch, schedule, merge_group
    #[arg(long)]
    trigger: Option<String>,
    #[command(flatten)]
    list: ListFormat,
}

/// One run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OneArgs {
    /// The run's number
    run: i64,
    #[command(flatten)]
    format: Format,
}

/// What is run again.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what"))]
pub(crate) struct RetryArgs {
    /// The run's number
    run: i64,
    /// Only jobs that did not succeed, and those that need them
    #[arg(long, group = "what")]
    failed: bool,
    /// Only the job with this number or name
    #[arg(long, group = "what")]
    job: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// What is approved.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The run's number
    run: i64,
    /// The full SHA of the commit that was looked at; without it, that of the run
    #[arg(long, value_name = "SHA")]
    head: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Which of the repositories that davit tests.
#[derive(Debug, Args)]
pub(crate) struct RepositoryArgs {
    /// Of which repository: owner/name; not needed where davit tests one alone
    #[arg(long)]
    repository: Option<String>,
    /// At which forge; not needed where only one has the repository
    #[arg(long)]
    forge: Option<String>,
}

/// Start a workflow that has on.workflow_dispatch
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The workflow's file, such as ci.yml or .github/workflows/ci.yml
    workflow: String,
    #[command(flatten)]
    which: RepositoryArgs,
    /// A branch or tag [default: the default branch]
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// What is filled in
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = pair)]
    inputs: Vec<(String, String)>,
    /// Print its log until it ends; exit code 1 unless it succeeds
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: RunsCommand) -> Outcome {
    let client = Client::from_environment()?;
    carry_out(&client, command).await.map_err(|failure| failure.hint_if_not_found("davit runs list"))
}

async fn carry_out(client: &Client, command: RunsCommand) -> Outcome {
    match command {
        RunsCommand::List(args) => list(client, args).await,
        RunsCommand::Show(one) => show(one.format, &client.run(one.run).await?),
        RunsCommand::Cancel(one) => told(one.format, &client.act_on_run(one.run, &RunAction::Cancel).await?),
        RunsCommand::Retry(args) => retry(client, args).await,
        RunsCommand::Approve(args) => approve(client, args).await,
        RunsCommand::Logs(args) => run_logs::print(client, args).await,
    }
}

/// `davit ci start`.
pub(super) async fn start(args: StartArgs) -> Outcome {
    let client = Client::from_environment()?;
    let repository = args.which.find(&client).await?;
    let order = StartOrder {
        forge: repository.forge,
        repository: repository.name,
        reference: args.reference,
        file: args.workflow,
        inputs: args.inputs.into_iter().collect::<BTreeMap<_, _>>(),
    };
    let started = client.start_workflow(&order).await?;
    let output = Output::detect();
    if args.follow {
        output.note(format!("run {} has started", started.id));
        return run_logs::follow(&client, args.format, started.id).await;
    }
    if args.format.json {
        output.json(&started)?;
    } else {
        output.line(format!("run {} has started", started.id))?;
        output.note(format!("Follow it with davit runs logs -f {}", started.id));
    }
    Ok(Exit::Done)
}

impl RepositoryArgs {
    /// The one repository that is meant.
    pub(super) async fn find(&self, client: &Client) -> Result<TestedRepository, Failure> {
        let is_meant = |repository: &TestedRepository| {
            self.forge.as_ref().is_none_or(|forge| repository.forge == *forge)
                && self.repository.as_ref().is_none_or(|name| repository.name.eq_ignore_ascii_case(name))
        };
        let mut meant: Vec<_> = client.tested_repositories().await?.items.into_iter().filter(is_meant).collect();
        match (meant.len(), meant.pop()) {
            (1, Some(repository)) => Ok(repository),
            (_, None) => Err(super::not_found(
                "such repository",
                self.repository.as_deref().unwrap_or_default(),
                "davit ci repositories, to see those that there are, or set FORGE:OWNER/NAME to add it",
            )),
            (_, Some(_)) => {
                Err(Failure::usage("davit tests several such repositories: say which with --repository and --forge"))
            }
        }
    }
}

async fn list(client: &Client, args: ListArgs) -> Outcome {
    let output = Output::detect();
    let filter = filter(&[
        ("forge", &args.forge),
        ("repository", &args.repository),
        ("state", &args.state),
        ("branch", &args.branch),
        ("change", &args.change.map(|number| number.to_string())),
        ("workflow", &args.workflow),
        ("trigger", &args.trigger),
    ]);
    let runs = client.list::<Run>(&["runs"], &filter, args.list.limit).await?;
    if args.list.format.json {
        output.json(&runs)?;
    } else {
        let rows: Vec<_> = runs.items.iter().map(row).collect();
        let header = ["id", "state", "repository", "workflow", "trigger", "commit", "by", "at (UTC)", "title"];
        let empty = "No such run: push to a repository that davit ci repositories lists and that has a workflow file";
        output.table(&header, &rows, empty)?;
    }
    Ok(Exit::Done)
}

fn row(run: &Run) -> Vec<Cell> {
    vec![
        Cell::from(run.id.to_string()),
        Cell::toned(tone(&run.state), &run.state),
        Cell::from(&run.repository),
        Cell::from(&run.workflow),
        Cell::from(&run.trigger),
        Cell::from(short(&run.head_sha)),
        Cell::from(&run.by),
        Cell::from(minute(run.created_at)),
        Cell::from(&run.title),
    ]
}

async fn retry(client: &Client, args: RetryArgs) -> Outcome {
    let action = match (&args.job, args.failed) {
        (Some(job), _) => RunAction::RetryJob { job: the_job(&client.run(args.run).await?, job)?.id },
        (None, true) => RunAction::RetryFailed,
        (None, false) => RunAction::RetryAll,
    };
    told(args.format, &client.act_on_run(args.run, &action).await?)
}

async fn approve(client: &Client, args: ApproveArgs) -> Outcome {
    let head_sha = match args.head {
        Some(head) => head,
        None => client.run(args.run).await?.run.head_sha,
    };
    told(args.format, &client.act_on_run(args.run, &RunAction::Approve { head_sha }).await?)
}

fn told(format: Format, run: &Run) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(run)?
    } else {
        headline(output, run)?
    }
    Ok(Exit::Done)
}

fn show(format: Format, detail: &RunDetail) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(detail)?;
        return Ok(Exit::Done);
    }
    headline(output, &detail.run)?;
    let rows: Vec<_> = detail.jobs.iter().filter(|job| job.latest).map(job_row).collect();
    output.table(&["job", "state", "name", "attempt", "why"], &rows, "It has no jobs")?;
    for annotation in &detail.annotations {
        let place = match (&annotation.file, annotation.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            (None, _) => String::new(),
        };
        output.line(visible(&format!("{place}{}: {}", annotation.level, annotation.message)))?;
    }
    Ok(Exit::Done)
}

fn headline(output: Output, run: &Run) -> Result<(), Failure> {
    let state = output.paint(tone(&run.state), visible(&run.state));
    let reason = run.reason.as_ref().map(|reason| format!(" ({})", visible(reason))).unwrap_or_default();
    output.line(format!("run {} {state}{reason}: {}", run.id, visible(&run.title)))?;
    let of = run.change.map_or_else(
        || run.git_ref.as_deref().map(|name| format!(" of {}", visible(name))).unwrap_or_default(),
        |number| format!(" of change {number}"),
    );
    let (workflow, repository) = (visible(&run.workflow), visible(&run.repository));
    let commit = visible(short(&run.head_sha));
    output.line(format!("  {workflow} on {commit}{of} in {repository}, by {}", visible(&run.by)))
}

fn job_row(job: &Job) -> Vec<Cell> {
    vec![
        Cell::from(job.id.to_string()),
        Cell::toned(tone(&job.state), &job.state),
        Cell::from(&job.name),
        Cell::from(job.attempt.to_string()),
        Cell::from(job.reason.as_deref().unwrap_or_default()),
    ]
}

/// The newest attempt at the job that people call so, by its number, key or name.
pub(super) fn the_job<'d>(detail: &'d RunDetail, text: &str) -> Result<&'d Job, Failure> {
    let is_it = |job: &&Job| job.id.to_string() == text || (job.latest && (job.key == text || job.name == text));
    detail.jobs.iter().find(is_it).ok_or_else(|| {
        let hint = format!("davit runs show {}, which lists its jobs", detail.run.id);
        super::not_found("job", text, &hint)
    })
}

fn short(sha: &str) -> &str {
    sha.get(..10).unwrap_or(sha)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "write NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}
