//! `davit releases`.

use super::{ListFormat, SEE_STATUS};
use crate::client::Client;
use crate::client::types::Release;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, Tone, minute, short};
use clap::Args;

/// List the releases kept of an app in an environment
#[derive(Debug, Args)]
pub(crate) struct ReleasesArgs {
    /// The app's key
    app: String,
    /// The environment's key
    environment: String,
    #[command(flatten)]
    list: ListFormat,
}

pub(super) async fn run(args: ReleasesArgs) -> Outcome {
    let output = Output::detect();
    let path = ["apps", &args.app, "environments", &args.environment, "releases"];
    let releases = Client::from_environment()?.list::<Release>(&path, &[], args.list.limit).await;
    let releases = releases.map_err(|failure| failure.hint_if_not_found(SEE_STATUS))?;
    if args.list.format.json {
        output.json(&releases)?;
        return Ok(Exit::Done);
    }
    let rows = releases.items.iter().map(|release| {
        vec![
            Cell::from(&release.release),
            Cell::toned(Tone::Good, if release.live { "live" } else { "" }),
            Cell::from(short(&release.commit)),
            Cell::from(minute(release.at)),
            Cell::from(&release.by),
            Cell::from(release.hosts.len().to_string()),
            Cell::from(&release.title),
        ]
    });
    let header = ["release", "", "commit", "at (UTC)", "by", "hosts", "title"];
    let empty = format!("Nothing has been released yet: davit deploy {} {}", args.app, args.environment);
    output.table(&header, &rows.collect::<Vec<_>>(), &empty)?;
    Ok(Exit::Done)
}
