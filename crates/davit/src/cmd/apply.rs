//! `davit apply`: show what a `davit.toml` changes, ask, change it.

use super::examples;
use super::{Format, secret_values};
use crate::client::Client;
use crate::client::plan::{Applied, PlanItem};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, visible};
use crate::prompt;
use clap::Args;
use davit_domain::config::PlanAction;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Make the server's configuration what davit.toml says; shows the plan first
///
/// Secrets that the file names as { env = "…" } or { file = "…" } are read here, where they are, and sent along.
/// Files are looked for beside the file itself. What is not here is looked for on the server.
#[derive(Debug, Args)]
#[command(after_help = examples::APPLY)]
pub(crate) struct ApplyArgs {
    /// The file
    #[arg(short, long, value_name = "FILE", default_value = "davit.toml")]
    file: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Delete what the file does not name
    #[arg(long)]
    prune: bool,
    /// Show the plan and stop
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: ApplyArgs) -> Outcome {
    let output = Output::detect();
    let document = fs::read_to_string(&args.file).map_err(|error| {
        Failure::usage(format!("{} can't be read: {error}", args.file.display())).hint("davit apply -f FILE")
    })?;
    let client = Client::from_environment()?;
    let refused = |failure| refused(&args.file, failure, output);
    // The plan needs no secrets: they leave this machine once somebody said yes.
    let plan = client.apply(&document, &BTreeMap::new(), true, args.prune).await.map_err(refused)?;
    if !args.format.json {
        print_plan(&plan, output)?;
    }
    if args.dry_run {
        return done(&plan, args.format, output);
    }
    if !plan.is_empty() && !args.yes {
        ask(&args).await?;
    }
    let directory = args.file.parent().unwrap_or(Path::new(""));
    let secrets = secret_values::find(&document, directory, |name| std::env::var(name).ok());
    for key in &secrets.missing {
        output.note(format!("{key} is not here; the server uses what it has."));
    }
    if plan.is_empty() && secrets.values.is_empty() {
        return done(&plan, args.format, output);
    }
    // Also without a change: the values of secrets may be new.
    let applied = client.apply(&document, &secrets.values, false, args.prune).await.map_err(refused)?;
    if !args.format.json {
        output.line(summary(&applied, secrets.values.len()))?;
    }
    done(&applied, args.format, output)
}

async fn ask(args: &ApplyArgs) -> Result<(), Failure> {
    if args.format.json || !prompt::can_ask() {
        return Err(Failure::usage("the plan changes something, and there is no terminal to ask whether it may")
            .hint("davit apply --yes, or --dry-run to see the plan alone"));
    }
    if prompt::confirm("Apply this?").await? { Ok(()) } else { Err(Failure::failed("nothing was changed")) }
}

fn done(applied: &Applied, format: Format, output: Output) -> Outcome {
    if format.json {
        output.json(applied)?;
    }
    Ok(Exit::Done)
}

fn print_plan(applied: &Applied, output: Output) -> Result<(), Failure> {
    if applied.is_empty() {
        return output.line("Nothing to change.");
    }
    applied.plan.iter().try_for_each(|item| match item.action {
        PlanAction::Create => print_item(item, "+", Tone::Good, output),
        PlanAction::Update => print_item(item, "~", Tone::Busy, output),
        PlanAction::Delete => print_item(item, "-", Tone::Bad, output),
        PlanAction::Unchanged => Ok(()),
    })
}

fn print_item(item: &PlanItem, sign: &str, tone: Tone, output: Output) -> Result<(), Failure> {
    output.line(output.paint(tone, format!("{sign} {} {}", item.kind, visible(&item.name))))?;
    item.changes.iter().try_for_each(|change| output.line(format!("    {}", visible(change))))
}

fn summary(applied: &Applied, secrets: usize) -> String {
    let count = |action| applied.plan.iter().filter(|item| item.action == action).count();
    let [created, updated, deleted] = [PlanAction::Create, PlanAction::Update, PlanAction::Delete].map(count);
    let values = if secrets == 1 { "value" } else { "values" };
    format!("Applied: {created} created, {updated} updated, {deleted} deleted, {secrets} secret {values} stored.")
}

/// Prints every mistake with its place, as compilers do, and turns the rest into one sentence.
fn refused(file: &Path, failure: Failure, output: Output) -> Failure {
    for mistake in &failure.mistakes {
        let (line, column) = (mistake.line, mistake.column);
        output.note(format!("{}:{line}:{column}: {}", file.display(), visible(&mistake.message)));
    }
    match failure.mistakes.len() {
        0 => failure,
        1 => Failure::usage("nothing was changed because of this mistake"),
        mistakes => Failure::usage(format!("nothing was changed because of these {mistakes} mistakes")),
    }
}
