//! `davit artifacts …` and `davit caches …`: what CI keeps.

use super::runs::RepositoryArgs;
use super::saving::Saving;
use super::{Format, ListFormat, examples, size};
use crate::client::Client;
use crate::client::kept::{Artifact, Cache};
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::{Args, Subcommand};
use serde_json::json;

/// List and download what runs keep
#[derive(Debug, Subcommand)]
#[command(after_help = examples::ARTIFACTS)]
pub(crate) enum ArtifactsCommand {
    /// List the artefacts of a run
    List {
        /// The run's number
        run: i64,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Download an artefact: a tar.gz
    Download(DownloadArgs),
}

/// Which artefact, and where to.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// The artefact's number, as in: davit artifacts list RUN
    artifact: i64,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    format: Format,
}

/// List and remove what runs hand on to later ones
#[derive(Debug, Subcommand)]
#[command(after_help = examples::CACHES)]
pub(crate) enum CachesCommand {
    /// List the caches of a repository, the one used last first
    List {
        #[command(flatten)]
        which: RepositoryArgs,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Remove a cache: the next run makes it anew
    Remove {
        /// Its number, as in: davit caches list
        cache: i64,
        #[command(flatten)]
        format: Format,
    },
}

pub(super) async fn artifacts(command: ArtifactsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        ArtifactsCommand::List { run, list } => list_artifacts(&client, run, list).await,
        ArtifactsCommand::Download(args) => download(&client, args).await,
    }
}

pub(super) async fn caches(command: CachesCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        CachesCommand::List { which, list } => {
            let repository = which.find(&client).await?;
            let mut caches = client.caches(&repository.forge, &repository.name).await?;
            caches.items.truncate(list.limit);
            let output = Output::detect();
            if list.format.json {
                output.json(&caches)?;
                return Ok(Exit::Done);
            }
            let rows: Vec<_> = caches.items.iter().map(cache_row).collect();
            let empty = format!("No run of {} has kept a cache.", visible(&repository.name));
            output.table(&["id", "key", "branch", "size", "made (UTC)", "used (UTC)"], &rows, &empty)?;
        }
        CachesCommand::Remove { cache, format } => {
            let removed = client.delete_cache(cache).await;
            removed.map_err(|failure| failure.hint_if_not_found("davit caches list"))?;
            let output = Output::detect();
            if format.json {
                output.json(&json!({ "cache": cache, "removed": true }))?;
            } else {
                output.line(format!("Cache {cache} is removed"))?;
            }
        }
    }
    Ok(Exit::Done)
}

async fn list_artifacts(client: &Client, run: i64, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let detail = client.run(run).await.map_err(|failure| failure.hint_if_not_found("davit runs list"))?;
    let mut artifacts = detail.artifacts;
    artifacts.truncate(list.limit);
    if list.format.json {
        output.json(&json!({ "items": artifacts }))?;
        return Ok(Exit::Done);
    }
    let row = |artifact: &Artifact| {
        vec![
            Cell::from(artifact.id.to_string()),
            Cell::from(&artifact.name),
            Cell::from(size(artifact.size)),
            Cell::from(minute(artifact.created_at)),
            Cell::from(minute(artifact.expires_at)),
        ]
    };
    let rows: Vec<_> = artifacts.iter().map(row).collect();
    let empty = format!("Run {run} keeps nothing, or not any more.");
    output.table(&["id", "name", "size", "made (UTC)", "kept until (UTC)"], &rows, &empty)?;
    Ok(Exit::Done)
}

async fn download(client: &Client, args: DownloadArgs) -> Outcome {
    let output = Output::detect();
    let content = client.artifact(args.artifact).await;
    let content = content.map_err(|failure| failure.hint_if_not_found("davit artifacts list RUN"))?;
    let saved = args.saving.save(content, &format!("artifact-{}.tar.gz", args.artifact)).await?;
    match saved {
        Some(path) if args.format.json => output.json(&json!({ "artifact": args.artifact, "file": path }))?,
        Some(path) => output.line(visible(&path.display().to_string()))?,
        None => {}
    }
    Ok(Exit::Done)
}

fn cache_row(cache: &Cache) -> Vec<Cell> {
    vec![
        Cell::from(cache.id.to_string()),
        Cell::from(&cache.key),
        Cell::from(cache.git_ref.strip_prefix("refs/heads/").unwrap_or(&cache.git_ref)),
        Cell::from(size(cache.size)),
        Cell::from(minute(cache.created_at)),
        Cell::from(minute(cache.used_at)),
    ]
}
