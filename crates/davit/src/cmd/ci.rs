//! `davit ci`: workflow files of the working copy, for which no server is asked. What a server has of them is in
//! [`remote`], starting one there in [`runs`].

mod drive;
mod local;
mod remote;
mod run;
mod screen;
mod working_copy;

use super::Format;
use super::examples;
use super::runs::{self, StartArgs};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use clap::{Args, Subcommand};
use davit_ci::{
    Action, Diagnostic, Place, Step, WORKFLOW_DIRECTORIES, Work, read_action, read_workflow, workflow_files,
};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Workflow files, here and at the server
#[derive(Debug, Subcommand)]
#[command(after_help = examples::CI)]
pub(crate) enum CiCommand {
    /// Check workflow files; prints every mistake as file:line:column
    Lint(LintArgs),
    /// Run workflows of the working copy on this machine, with what is not committed yet
    Run(run::RunArgs),
    /// Start a workflow at the server
    Start(StartArgs),
    /// List, add and change the repositories that davit tests and merges
    Repositories(remote::RepositoriesArgs),
    /// List the workflow files of a repository, and what is wrong with them
    Workflows(remote::WorkflowsArgs),
}

/// Check workflow files
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Workflow files or action.yml; without any, those in .davit/workflows, else .github/workflows, else .gitea/workflows
    files: Vec<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    files: Vec<String>,
    mistakes: Vec<Diagnostic>,
}

pub(super) async fn run(command: CiCommand) -> Outcome {
    match command {
        CiCommand::Lint(args) => lint(args),
        CiCommand::Run(args) => run::run(args).await,
        CiCommand::Start(args) => runs::start(args).await,
        CiCommand::Repositories(args) => remote::repositories(args).await,
        CiCommand::Workflows(args) => remote::workflows(args).await,
    }
}

fn lint(args: LintArgs) -> Outcome {
    let files = if args.files.is_empty() { found_in(Path::new(""))? } else { args.files };
    let mut linter = Linter::default();
    for file in &files {
        linter.file(file)?;
    }
    let Linter { mistakes, seen } = linter;
    let report = Report { files: seen.iter().map(|file| file.display().to_string()).collect(), mistakes };
    let output = Output::detect();
    if args.format.json {
        output.json(&report)?;
    } else {
        report.mistakes.iter().try_for_each(|mistake| output.line(visible(&mistake.to_string())))?;
    }
    let checked = counted(report.files.len(), "file");
    match report.mistakes.len() {
        0 => {
            if !args.format.json {
                output.note(format!("No mistakes in {checked}."));
            }
            Ok(Exit::Done)
        }
        mistakes => Err(Failure::usage(format!("{} in {checked}", counted(mistakes, "mistake")))),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The workflow files below a directory.
fn found_in(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for directory in WORKFLOW_DIRECTORIES {
        let entries = match fs::read_dir(root.join(directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::failed(format!("{directory} can't be read: {error}"))),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Failure::failed(format!("{directory} can't be read: {error}")))?;
            paths.push(format!("{directory}/{}", entry.file_name().to_string_lossy()));
        }
    }
    let files: Vec<PathBuf> =
        workflow_files(paths.iter().map(String::as_str)).iter().map(|file| root.join(file)).collect();
    if files.is_empty() {
        let message = format!("there is no workflow file in {}", WORKFLOW_DIRECTORIES.join(", "));
        return Err(
            Failure::new(Exit::NotFound, message).hint("davit ci lint FILE, or go to the root of the repository")
        );
    }
    Ok(files)
}

/// Reads files, and the actions of the working copy that they use, each once.
#[derive(Default)]
struct Linter {
    seen: BTreeSet<PathBuf>,
    mistakes: Vec<Diagnostic>,
}

impl Linter {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        if !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| unreadable(&name, &error))?;
        let Ok(text) = String::from_utf8(bytes) else {
            let message = "the file is not UTF-8".to_owned();
            self.mistakes.push(Diagnostic { file: name, place: Place::START, message });
            return Ok(());
        };
        let is_action = path.file_stem().is_some_and(|stem| stem == "action");
        let steps = if is_action {
            read_action(&name, &text).map(|action| action.steps)
        } else {
            read_workflow(&name, &text).map(|workflow| workflow.jobs.into_iter().flat_map(|job| job.steps).collect())
        };
        match steps {
            Ok(steps) => steps.iter().try_for_each(|step| self.action_of(&name, step)),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                Ok(())
            }
        }
    }

    /// The action of the working copy that a step uses, if it uses one.
    fn action_of(&mut self, file: &str, step: &Step) -> Result<(), Failure> {
        let Work::Uses { action: Action::Local(directory), .. } = &step.work else { return Ok(()) };
        let files = ["action.yml", "action.yaml"].map(|name| Path::new(directory).join(name));
        match files.iter().find(|path| path.is_file()) {
            Some(path) => self.file(path),
            None => {
                let message = format!("`./{directory}` is no action: it has neither `action.yml` nor `action.yaml`");
                self.mistakes.push(Diagnostic { file: file.to_owned(), place: step.place, message });
                Ok(())
            }
        }
    }
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Failed };
    Failure::new(exit, format!("{name} can't be read: {error}"))
}
