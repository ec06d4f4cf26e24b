//! `davit request edit` and `davit request diff`.

use super::{Format, when};
use crate::client::Client;
use crate::client::requests::{Diff, FilePatch};
use crate::client::types::Request;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, minute, short, visible};
use clap::Args;
use davit_domain::time::Timestamp;
use serde_json::{Map, Value, json};

/// What becomes another.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The request's number
    pub(super) request: i64,
    /// What it is for
    #[arg(long)]
    title: Option<String>,
    /// What more there is to know
    #[arg(long)]
    description: Option<String>,
    /// The branch or tag to release; with --commit: one that holds it
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// The commit to release
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The kept build to release
    #[arg(long, value_name = "ID", conflicts_with_all = ["git_ref", "commit"])]
    build: Option<i64>,
    /// To these of the configured hosts alone
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    /// To all hosts of the release config
    #[arg(long, conflicts_with = "hosts")]
    all_hosts: bool,
    /// Deploy it at this time, such as 2026-12-24T22:00:00Z or +2h, when it is approved then
    #[arg(long, value_name = "TIME", value_parser = when)]
    at: Option<Timestamp>,
    /// Deploy it at no time by itself
    #[arg(long, conflicts_with = "at")]
    unschedule: bool,
    /// With the release config and the values as they are now
    #[arg(long)]
    latest_config: bool,
    /// Only if this is its version still
    #[arg(long, value_name = "N")]
    version: Option<i64>,
    #[command(flatten)]
    pub(super) format: Format,
}

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The request's number
    request: i64,
    /// What changes in this file
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Changes a request.
pub(super) async fn edit(client: &Client, args: &EditArgs) -> Result<Request, Failure> {
    let changes = changes(args);
    if changes.keys().all(|key| key == "version") {
        return Err(Failure::usage("say what is to be another: --title, --ref, --at, …"));
    }
    client.edit_request(args.request, &changes).await
}

/// Shows what a request would change.
pub(super) async fn diff(client: &Client, args: DiffArgs) -> Outcome {
    let output = Output::detect();
    if let Some(path) = args.file {
        return print_patch(&client.file_patch(args.request, &path).await?, args.format);
    }
    let diff = client.diff(args.request).await?;
    if args.format.json {
        output.json(&diff)?;
        return Ok(Exit::Done);
    }
    print(&diff, output)
}

/// What would change in one file.
pub(super) fn print_patch(patch: &FilePatch, format: Format) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(patch)?
    } else {
        patch.patch.lines().try_for_each(|line| output.line(visible(line)))?
    }
    Ok(Exit::Done)
}

fn changes(args: &EditArgs) -> Map<String, Value> {
    let mut changes = Map::new();
    let given = [
        ("version", args.version.map(|version| json!(version))),
        ("title", args.title.as_ref().map(|title| json!(title))),
        ("description", args.description.as_ref().map(|description| json!(description))),
        ("ref", args.git_ref.as_ref().map(|name| json!(name))),
        ("commit", args.commit.as_ref().map(|commit| json!(commit))),
        ("build", args.build.map(|build| json!(build))),
        ("hosts", args.hosts.as_ref().map(|hosts| json!(hosts)).or(args.all_hosts.then_some(Value::Null))),
        ("scheduled_at", args.at.map(|at| json!(at)).or(args.unschedule.then_some(Value::Null))),
        ("latest_config", args.latest_config.then_some(json!(true))),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            changes.insert(key.to_owned(), value);
        }
    }
    changes
}

/// For people.
pub(super) fn print(diff: &Diff, output: Output) -> Outcome {
    let head = short(&diff.head);
    match &diff.base {
        Some(base) => output.line(format!("{} ({}) → {head}", short(&base.commit), base.release))?,
        None => output.line(format!("nothing → {head}"))?,
    }
    if let Some(note) = &diff.note {
        output.line(visible(note))?;
    }
    if let Some(behind) = diff.behind.filter(|behind| *behind > 0) {
        output.line(format!("{behind} commits that are live are not in it"))?;
    }
    for commit in &diff.commits {
        let (sha, at, author) = (short(&commit.sha), minute(commit.at), visible(&commit.author));
        output.line(format!("  {sha} {at} {author}: {}", visible(&commit.subject)))?;
    }
    if diff.commits_truncated {
        output.line("  …")?;
    }
    for file in &diff.files {
        let lines = match (file.additions, file.deletions) {
            (Some(additions), Some(deletions)) => format!("+{additions} -{deletions}"),
            (_, _) => "binary".to_owned(),
        };
        let from = file.old_path.as_ref().map(|old| format!("{} → ", visible(old))).unwrap_or_default();
        output.line(format!("  {:9} {from}{} {lines}", file.status, visible(&file.path)))?;
    }
    if diff.files_truncated {
        output.line("  …")?;
    }
    if !diff.config.diff.is_empty() {
        output.line("release config:")?;
        diff.config.diff.lines().try_for_each(|line| output.line(format!("  {}", visible(line))))?;
    }
    Ok(Exit::Done)
}
