//! `davit ci run`: the workflows of the working copy, here and now, by the same engine as the server's.
//!
//! Lives here: what was asked for, and which workflows that is. Does not live here: starting jobs ([`super::drive`]),
//! what they ask for ([`super::local`]), and what is shown ([`super::screen`]).

use super::drive::{Drive, Report};
use super::local::Local;
use super::working_copy::WorkingCopy;
use crate::cmd::Format;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use clap::{Args, ValueEnum};
use davit_ci::{Contexts, Decision, Event, Plan, Reference, Root, Value, Workflow, plan, read_workflow};
use davit_runner::{Executor, Limits};
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Run workflows of the working copy, with what is not committed yet
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A workflow file, or its name; without one, all that run on the event
    workflow: Option<String>,
    /// Run this job, and those that it needs
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// What happened [default: push; with a workflow, what it runs on]
    #[arg(long, value_enum)]
    event: Option<EventName>,
    /// The branch that a pull request is to be merged into [default: origin's]
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// An input of workflow_dispatch
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = pair)]
    inputs: Vec<(String, String)>,
    /// A variable (the context `vars`)
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    vars: Vec<(String, String)>,
    /// A file with secrets, NAME=VALUE a line
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Where jobs run: cut off by bubblewrap, or on this machine as you
    #[arg(long, value_enum, default_value_t = ExecutorName::Sandbox)]
    executor: ExecutorName,
    /// Jobs at the same time [default: one a processor]
    #[arg(long, value_name = "N", value_parser = crate::cmd::positive)]
    parallel: Option<usize>,
    #[command(flatten)]
    format: Format,
}

/// An event, by its name in workflow files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum EventName {
    Push,
    PullRequest,
    WorkflowDispatch,
    MergeGroup,
}

/// Where jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExecutorName {
    Sandbox,
    Host,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Whole {
    conclusion: &'static str,
    workflows: Vec<Report>,
    /// Where the artefacts of this run are, by name.
    artifacts: Vec<(String, PathBuf)>,
}

/// What all jobs of this run share.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) github: Value,
    pub(super) vars: Value,
    pub(super) secrets: Vec<(String, SecretString)>,
    pub(super) executor: Executor,
    pub(super) parallel: usize,
    /// Where the directories of jobs are made.
    pub(super) jobs: PathBuf,
    pub(super) limits: Limits,
}

pub(super) async fn run(args: RunArgs) -> Outcome {
    let output = Output::detect();
    let working_copy = WorkingCopy::here().await?;
    let workflows = chosen(&args, &working_copy)?;
    let secrets = args.secret_file.as_deref().map(secrets).transpose()?.unwrap_or_default();
    let base = match &args.base {
        Some(base) => base.clone(),
        None => working_copy.default_branch().await,
    };
    let plans = plans(&args, &working_copy, &workflows, &base)?;
    if args.executor == ExecutorName::Host {
        output.note("Jobs run on this machine as you, without a sandbox.");
    } else if plans.iter().flat_map(|(_, plan)| &plan.jobs).any(|planned| planned.job.container.is_none()) {
        sandbox_works().await?;
    }
    let directory = cache_directory(&working_copy.root)?;
    let made = |error| Failure::failed(format!("{} can't be used: {error}", directory.display()));
    fs::create_dir_all(&directory).map_err(made)?;
    let scratch = tempfile::Builder::new().prefix("davit-ci-").tempdir().map_err(made)?;
    let snapshot = scratch.path().join("snapshot");
    working_copy.snapshot(&snapshot).await?;
    let local = Local::new(working_copy.clone(), snapshot, &directory).map_err(made)?;
    // One listener for all of it: a new one hears nothing of what came before.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut reports = Vec::new();
    for (event, plan) in plans {
        let settings = Settings {
            github: github(&working_copy, &event, &plan, &base),
            vars: Value::object(args.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            secrets: secrets.clone(),
            executor: if args.executor == ExecutorName::Host { Executor::Host } else { Executor::Sandbox },
            parallel: args.parallel.unwrap_or_else(processors),
            jobs: scratch.path().join("jobs"),
            limits: limits(),
        };
        if !args.format.json {
            output.note(format!("{}: {} on {}", visible(&plan.file), visible(&plan.workflow), event.name()));
        }
        let drive = Drive::new(&plan, &settings, &local, output, args.format.json);
        reports.push(drive.finish(&mut interrupts).await?);
    }
    finished(output, &args, &local, reports)
}

fn finished(output: Output, args: &RunArgs, local: &Local, reports: Vec<Report>) -> Outcome {
    let good = reports.iter().all(Report::is_good);
    let artifacts = local.artifacts();
    if args.format.json {
        let conclusion = if good { "success" } else { "failure" };
        output.json(&Whole { conclusion, workflows: reports, artifacts })?;
    } else {
        for (name, path) in artifacts {
            output.note(format!("Artefact {}: {}", visible(&name), path.display()));
        }
        for report in &reports {
            output.note(format!("{}: {}", visible(&report.file), report.conclusion));
        }
    }
    Ok(if good { Exit::Done } else { Exit::Failed })
}

/// The workflows that were asked for, checked.
fn chosen(args: &RunArgs, working_copy: &WorkingCopy) -> Result<Vec<Workflow>, Failure> {
    let all = super::found_in(&working_copy.root)?;
    let files: Vec<PathBuf> = match &args.workflow {
        None => all,
        Some(wanted) => {
            let is_it = |file: &&PathBuf| {
                file.file_name().is_some_and(|name| name == wanted.as_str())
                    || file.file_stem().is_some_and(|stem| stem == wanted.as_str())
            };
            match all.iter().find(is_it) {
                Some(file) => vec![file.clone()],
                None if Path::new(wanted).is_file() => vec![fs::canonicalize(wanted)?],
                None => {
                    let known: Vec<_> = all.iter().filter_map(|file| file.file_name()?.to_str()).collect();
                    let message = format!("there is no workflow {wanted}; there are {}", known.join(", "));
                    return Err(Failure::new(Exit::NotFound, message));
                }
            }
        }
    };
    let mut workflows = Vec::new();
    for file in files {
        let shown = file.strip_prefix(&working_copy.root).unwrap_or(&file).display().to_string();
        let text = fs::read_to_string(&file).map_err(|error| super::unreadable(&shown, &error))?;
        let workflow = read_workflow(&shown, &text);
        workflows.push(workflow.map_err(|mistakes| Failure::usage(mistakes.to_string()).hint("davit ci lint"))?);
    }
    Ok(workflows)
}

/// What the event makes of the workflows.
fn plans(
    args: &RunArgs,
    working_copy: &WorkingCopy,
    workflows: &[Workflow],
    base: &str,
) -> Result<Vec<(Event, Plan)>, Failure> {
    const ALL: [EventName; 4] =
        [EventName::Push, EventName::PullRequest, EventName::WorkflowDispatch, EventName::MergeGroup];
    let names: &[EventName] = match (&args.event, &args.workflow) {
        (Some(name), _) => std::slice::from_ref(name),
        (None, Some(_)) => &ALL,
        (None, None) => &ALL[..1],
    };
    let mut found = Vec::new();
    for workflow in workflows {
        for name in names {
            let event = event(*name, args, working_copy, base);
            let vars = Value::object(args.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let github = of_event(working_copy, &event, workflow.name.as_deref().unwrap_or(&workflow.file), base);
            let contexts = Contexts::new().with(Root::Github, github).with(Root::Vars, vars);
            let decision = plan(workflow, &event, &contexts).map_err(|error| Failure::usage(error.to_string()))?;
            if let Decision::Runs(plan) = decision {
                found.push((event, only(*plan, args.job.as_deref())?));
                break;
            }
        }
    }
    if found.is_empty() {
        let event = args.event.map_or("push", |name| event(name, args, working_copy, base).name());
        let message = match &args.workflow {
            Some(name) if args.event.is_none() => format!("{name} runs on a schedule alone, or not on this branch"),
            Some(name) => format!("{name} does not run on {event} of this branch"),
            None => format!("no workflow runs on {event} of this branch"),
        };
        return Err(Failure::new(Exit::NotFound, message).hint("davit ci run WORKFLOW, or another --event"));
    }
    Ok(found)
}

/// The plan with one job, and those that it needs.
fn only(mut plan: Plan, job: Option<&str>) -> Result<Plan, Failure> {
    let Some(wanted) = job else { return Ok(plan) };
    let known: Vec<String> = plan.jobs.iter().map(|planned| planned.job.id.clone()).collect();
    if !known.iter().any(|id| id == wanted) {
        let message = format!("{} has no job {wanted}; it has {}", plan.file, known.join(", "));
        return Err(Failure::new(Exit::NotFound, message));
    }
    let mut kept = vec![wanted.to_owned()];
    // Every job is behind those that it needs.
    for planned in plan.jobs.iter().rev() {
        if kept.contains(&planned.job.id) {
            kept.extend(planned.job.needs.iter().cloned());
        }
    }
    plan.jobs.retain(|planned| kept.contains(&planned.job.id));
    Ok(plan)
}

fn event(name: EventName, args: &RunArgs, working_copy: &WorkingCopy, base: &str) -> Event {
    // Nobody asks for a run to have it skipped: neither words in the message nor paths leave anything out.
    let message = String::new();
    match name {
        EventName::Push => {
            Event::Push { reference: Reference::Branch(working_copy.branch.clone()), changed: None, message }
        }
        EventName::PullRequest => {
            Event::PullRequest { action: "synchronize".to_owned(), base: base.to_owned(), changed: None, message }
        }
        EventName::WorkflowDispatch => Event::Dispatch { inputs: args.inputs.clone() },
        EventName::MergeGroup => Event::MergeGroup { base: base.to_owned() },
    }
}

/// The context `github` of a run.
fn github(working_copy: &WorkingCopy, event: &Event, plan: &Plan, base: &str) -> Value {
    of_event(working_copy, event, &plan.workflow, base)
}

fn of_event(working_copy: &WorkingCopy, event: &Event, workflow: &str, base: &str) -> Value {
    let WorkingCopy { commit, branch, repository, who, message, .. } = working_copy;
    let (owner, name) = repository.rsplit_once('/').unwrap_or(("", repository));
    let reference = format!("refs/heads/{branch}");
    let of_repository = Value::object([
        ("full_name", Value::from(repository.as_str())),
        ("name", Value::from(name)),
        ("default_branch", Value::from(base)),
        ("owner", Value::object([("login", owner)])),
    ]);
    let mut payload = vec![("ref", Value::from(reference.as_str())), ("repository", of_repository)];
    let is_change = matches!(event, Event::PullRequest { .. });
    match event {
        Event::Push { .. } => {
            payload.push(("after", Value::from(commit.as_str())));
            payload.push(("head_commit", Value::object([("id", commit.as_str()), ("message", message.as_str())])));
        }
        Event::PullRequest { action, .. } => {
            payload.push(("action", Value::from(action.as_str())));
            let head = Value::object([("ref", branch.as_str()), ("sha", commit.as_str())]);
            let of_change = [("head", head), ("base", Value::object([("ref", base)])), ("number", Value::Number(0.0))];
            payload.push(("pull_request", Value::object(of_change)));
        }
        Event::Dispatch { inputs } => {
            let inputs = inputs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            payload.push(("inputs", Value::object(inputs)));
        }
        Event::MergeGroup { .. } | Event::Schedule { .. } => {}
    }
    let text = |text: &str| Value::from(text);
    Value::object([
        ("sha", text(commit)),
        ("ref", text(&reference)),
        ("ref_name", text(branch)),
        ("ref_type", text("branch")),
        ("head_ref", text(if is_change { branch } else { "" })),
        ("base_ref", text(if is_change { base } else { "" })),
        ("repository", text(repository)),
        ("repository_owner", text(owner)),
        ("actor", text(who)),
        ("triggering_actor", text(who)),
        ("event_name", text(event.name())),
        ("workflow", text(workflow)),
        ("run_id", text("0")),
        ("run_number", text("0")),
        ("run_attempt", text("1")),
        ("event", Value::object(payload)),
    ])
}

/// Says what to do where there is no sandbox, before anything starts.
async fn sandbox_works() -> Result<(), Failure> {
    let finding = davit_runner::examine().await.into_iter().find(|finding| finding.about == "sandbox");
    match finding {
        Some(finding) if !finding.ok => {
            let what_to_do = finding.what_to_do.unwrap_or_default();
            Err(Failure::failed(format!("there is no sandbox on this machine: {}. {what_to_do}", finding.detail))
                .hint("davit ci run --executor host, which runs jobs as you"))
        }
        Some(_) | None => Ok(()),
    }
}

/// `NAME=VALUE` lines; empty lines and lines that start with `#` are left out, quotes around a value go away.
fn secrets(file: &Path) -> Result<Vec<(String, SecretString)>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| super::unreadable(&file.display().to_string(), &error))?;
    let mut secrets = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            return Err(Failure::usage(format!("line {} of {} is not NAME=VALUE", number + 1, file.display())));
        };
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        secrets.push((name.trim().to_owned(), SecretString::from(quoted.unwrap_or(value))));
    }
    Ok(secrets)
}

/// Below the user's cache directory, for this working copy alone.
fn cache_directory(root: &Path) -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let base = base.ok_or_else(|| Failure::failed("neither XDG_CACHE_HOME nor HOME says where caches are"))?;
    let name = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    let digest: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(base.join("davit").join("ci").join(format!("{name}-{digest}")))
}

/// A person's own machine: only what runs away is held.
#[expect(clippy::cast_precision_loss, reason = "a machine has few processors")]
fn limits() -> Limits {
    Limits {
        memory: 64 << 30,
        cpus: processors() as f64,
        processes: 16_384,
        disk: 200 << 30,
        output: 1 << 30,
        time: Duration::from_secs(6 * 3600),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        Some(_) | None => Err("it must be NAME=VALUE".to_owned()),
    }
}
