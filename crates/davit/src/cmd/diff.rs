//! `davit diff`: what a release would change, before anybody asks for it.

use super::request_edits::{print, print_patch};
use super::{Format, SEE_STATUS, examples, not_found};
use crate::client::Client;
use crate::client::things::Commit;
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use clap::Args;

/// Show what a release would change: commits, files, release config
#[derive(Debug, Args)]
#[command(after_help = examples::DIFF)]
pub(crate) struct DiffArgs {
    /// The app's key
    app: String,
    /// The environment's key
    environment: String,
    /// A branch, tag or commit [default: the default branch]
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// What changes in this file
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(args: DiffArgs) -> Outcome {
    let client = Client::from_environment()?;
    let commit = commit(&client, &args).await?;
    let (app, environment) = (args.app.as_str(), args.environment.as_str());
    let see_status = |failure: Failure| failure.hint_if_not_found(SEE_STATUS);
    if let Some(path) = &args.file {
        let patch = client.file_patch_of_commit(app, environment, &commit, path).await;
        return print_patch(&patch.map_err(see_status)?, args.format);
    }
    let diff = client.diff_of_commit(app, environment, &commit).await.map_err(see_status)?;
    let output = Output::detect();
    if args.format.json {
        output.json(&diff)?;
        return Ok(Exit::Done);
    }
    print(&diff, output)
}

/// The newest commit of what is named.
async fn commit(client: &Client, args: &DiffArgs) -> Result<String, Failure> {
    let mut query = vec![("limit", 1.to_string())];
    query.extend(args.reference.as_ref().map(|name| ("ref", name.clone())));
    let commits: Page<Commit> = client
        .get(&["apps", &args.app, "commits"], &query)
        .await
        .map_err(|failure| failure.hint_if_not_found(&format!("davit apps refs {}, or davit apps list", args.app)))?;
    let none = || not_found("commit of", args.reference.as_deref().unwrap_or(&args.app), "davit apps refs APP");
    commits.items.into_iter().next().map(|commit| commit.sha).ok_or_else(none)
}
