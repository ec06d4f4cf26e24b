//! `davit builds …` and `davit uploads …`: what releases are made of, and bringing it from elsewhere.

use super::examples;
use super::{Format, ListFormat, size};
use crate::client::Client;
use crate::client::things::{Build, Upload};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, short, visible};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// List builds that are kept, and upload ones that were made elsewhere
#[derive(Debug, Subcommand)]
#[command(after_help = examples::BUILDS)]
pub(crate) enum BuildsCommand {
    /// List the newest builds of an app
    List {
        /// The app's key
        app: String,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Make a build of an archive: tar, tar.gz or zip
    Upload {
        /// The app's key
        app: String,
        /// The archive
        file: PathBuf,
        /// What it is; absent: the file's name
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Show a build
    Show {
        /// The build's number
        build: i64,
        #[command(flatten)]
        format: Format,
    },
}

/// Files for the transfers of custom release configs
#[derive(Debug, Args)]
pub(crate) struct UploadsArgs {
    /// The app's key
    app: String,
    #[command(subcommand)]
    command: UploadsCommand,
}

#[derive(Debug, Subcommand)]
enum UploadsCommand {
    /// List the newest uploaded files
    List(ListFormat),
    /// Upload a file; releases that are asked for from now on take it
    Upload {
        /// The file
        file: PathBuf,
        /// What transfers call it
        #[arg(long)]
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

pub(super) async fn run(command: BuildsCommand) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    match command {
        BuildsCommand::List { app, list } => {
            let builds = client.list::<Build>(&["apps", &app, "builds"], &[], list.limit).await.map_err(see_status)?;
            if list.format.json {
                output.json(&builds)?;
                return Ok(Exit::Done);
            }
            let rows: Vec<_> = builds.items.iter().map(row).collect();
            let header = ["id", "source", "commit", "made (UTC)", "by", "files", "size", "title"];
            let empty = format!("No build is kept. Bring one: davit builds upload {app} FILE");
            output.table(&header, &rows, &empty)?;
            Ok(Exit::Done)
        }
        BuildsCommand::Upload { app, file, title, format } => {
            let build = client.upload_build(&app, title.as_deref(), &file).await.map_err(see_status)?;
            if format.json {
                output.json(&build)?;
            } else {
                output.line(format!("build {}", build.id))?;
                output.note(format!("Release it: davit deploy {app} ENV --build {}", build.id));
            }
            Ok(Exit::Done)
        }
        BuildsCommand::Show { build, format } => {
            let build: Build = client.get(&["builds", &build.to_string()], &[]).await?;
            if format.json {
                output.json(&build)?;
                return Ok(Exit::Done);
            }
            output.line(format!("build {} of {}: {}", build.id, visible(&build.app), visible(&build.title)))?;
            output.line(format!("  source  {} {}", visible(&build.source), build.commit))?;
            output.line(format!("  made    {} UTC by {}", minute(build.created_at), visible(&build.created_by)))?;
            output.line(format!("  content {} ({} files, {})", build.digest, build.files, size(build.bytes)))?;
            Ok(Exit::Done)
        }
    }
}

pub(super) async fn uploads(args: UploadsArgs) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    let UploadsArgs { app, command } = args;
    match command {
        UploadsCommand::List(list) => {
            let path = ["apps", app.as_str(), "uploads"];
            let uploads = client.list::<Upload>(&path, &[], list.limit).await.map_err(see_status)?;
            if list.format.json {
                output.json(&uploads)?;
                return Ok(Exit::Done);
            }
            let row = |upload: &Upload| {
                vec![
                    Cell::from(upload.id.to_string()),
                    Cell::from(&upload.name),
                    Cell::from(size(upload.bytes)),
                    Cell::from(minute(upload.created_at)),
                    Cell::from(&upload.created_by),
                ]
            };
            let rows: Vec<_> = uploads.items.iter().map(row).collect();
            let empty = format!("Nothing was uploaded yet: davit uploads {app} upload FILE --name NAME");
            output.table(&["id", "name", "size", "at (UTC)", "by"], &rows, &empty)?;
        }
        UploadsCommand::Upload { file, name, format } => {
            let upload = client.upload_file(&app, &name, &file).await.map_err(see_status)?;
            if format.json {
                output.json(&upload)?;
            } else {
                output.line(format!("upload {}: {} ({})", upload.id, visible(&upload.name), size(upload.bytes)))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn see_status(failure: Failure) -> Failure {
    failure.hint_if_not_found(super::SEE_STATUS)
}

fn row(build: &Build) -> Vec<Cell> {
    vec![
        Cell::from(build.id.to_string()),
        Cell::from(&build.source),
        Cell::from(short(&build.commit)),
        Cell::from(minute(build.created_at)),
        Cell::from(&build.created_by),
        Cell::from(build.files.to_string()),
        Cell::from(size(build.bytes)),
        Cell::from(&build.title),
    ]
}
