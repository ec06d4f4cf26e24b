//! `davit configs …`: release configs one at a time: their history, copies, what they meet and what a release would do.

use super::Format;
use super::declared::{self, Change, Sure};
use super::examples;
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::values::DryRun;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, minute, short};
use clap::{Args, Subcommand};

/// Say how apps are released where; history, copies, checks, dry runs
#[derive(Debug, Subcommand)]
#[command(after_help = examples::CONFIGS)]
pub(crate) enum ConfigsCommand {
    /// Print what the release config says, as a part of a davit.toml
    Show {
        #[command(flatten)]
        place: Place,
        /// An earlier save
        #[arg(long, value_name = "N")]
        revision: Option<i64>,
        #[command(flatten)]
        format: Format,
    },
    /// Release an app to an environment, or change how; what is not named stays
    Set {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        change: Change,
    },
    /// Change how in the editor that VISUAL or EDITOR names
    Edit {
        #[command(flatten)]
        place: Place,
    },
    /// Release the app there no more; what is on the hosts stays
    Remove {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        sure: Sure,
    },
    /// List its saves
    History {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        format: Format,
    },
    /// Print what differs between two saves
    Diff {
        #[command(flatten)]
        place: Place,
        /// A revision; 0: nothing
        from: i64,
        /// Another one
        to: i64,
    },
    /// Put an earlier save into force again
    Restore {
        #[command(flatten)]
        place: Place,
        /// Its number
        revision: i64,
    },
    /// Copy it for another environment, another app, or both
    Clone {
        #[command(flatten)]
        place: Place,
        /// The environment of the copy
        to_environment: String,
        /// The app of the copy [default: the same]
        #[arg(long, value_name = "APP")]
        to_app: Option<String>,
        /// The deploy path of the copy: on one host each has its own [default: the same]
        #[arg(long, value_name = "PATH")]
        deploy_path: Option<String>,
    },
    /// Ask git and look at the hosts; nothing is changed
    Check {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        format: Format,
    },
    /// Say what a release would do; nothing is changed
    DryRun {
        #[command(flatten)]
        place: Place,
        /// A branch, a tag or a commit [default: the default branch]
        #[arg(long = "ref", value_name = "REF")]
        reference: Option<String>,
        #[command(flatten)]
        format: Format,
    },
}

/// Which release config.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The app's key
    app: String,
    /// The environment's key
    environment: String,
}

impl From<Place> for Thing {
    fn from(Place { app, environment }: Place) -> Self {
        Self::Config { app, environment }
    }
}

pub(super) async fn run(command: ConfigsCommand) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    match command {
        ConfigsCommand::Show { place, revision, format } => show(&client, &output, &place, revision, &format).await?,
        ConfigsCommand::Set { place, change } => return declared::set(&client, &place.into(), change).await,
        ConfigsCommand::Edit { place } => return declared::edit(&client, &place.into()).await,
        ConfigsCommand::Remove { place, sure } => return declared::remove(&client, &place.into(), &[], &sure).await,
        ConfigsCommand::History { place, format } => history(&client, &output, &place, &format).await?,
        ConfigsCommand::Diff { place, from, to } => {
            output.text(&client.config_diff(&place.app, &place.environment, (from, to)).await?.diff)?;
        }
        ConfigsCommand::Restore { place, revision } => {
            let saved = client.restore_config(&place.app, &place.environment, revision).await?;
            output.line(format!("Revision {} is in force: what revision {revision} said", saved.revision))?;
        }
        ConfigsCommand::Clone { place, to_environment, to_app, deploy_path } => {
            let app = to_app.as_deref().unwrap_or(&place.app);
            let to = (app, to_environment.as_str());
            client.clone_config(&place.app, &place.environment, to, deploy_path.as_deref()).await?;
            output
                .line(format!("{app} is released to {to_environment} like {} to {}", place.app, place.environment))?;
        }
        ConfigsCommand::Check { place, format } => return check(&client, &output, &place, &format).await,
        ConfigsCommand::DryRun { place, reference, format } => {
            let would = client.dry_run(&place.app, &place.environment, reference.as_deref()).await?;
            if format.json { output.json(&would)? } else { tell(&output, &would)? }
        }
    }
    Ok(Exit::Done)
}

async fn show(
    client: &Client,
    output: &Output,
    place: &Place,
    revision: Option<i64>,
    format: &Format,
) -> Result<(), Failure> {
    let revision = match revision {
        Some(revision) => revision,
        None => client.release_config(&place.app, &place.environment).await?.revision,
    };
    let found = client.config_revision(&place.app, &place.environment, revision).await?;
    if format.json { output.json(&found) } else { output.text(&found.toml) }
}

async fn history(client: &Client, output: &Output, place: &Place, format: &Format) -> Result<(), Failure> {
    let history = client.config_revisions(&place.app, &place.environment).await?;
    if format.json {
        return output.json(&history);
    }
    let rows: Vec<_> = history
        .items
        .iter()
        .map(|item| {
            vec![
                Cell::from(item.revision.to_string()),
                Cell::from(minute(item.saved_at)),
                Cell::from(&item.saved_by),
                Cell::from(if item.in_force { "in force" } else { "" }),
            ]
        })
        .collect();
    output.table(&["revision", "saved (UTC)", "by", ""], &rows, "Nothing was saved here yet")
}

/// Ends with a failure when a release would not find everything in order.
async fn check(client: &Client, output: &Output, place: &Place, format: &Format) -> Outcome {
    let saved = client.release_config(&place.app, &place.environment).await?;
    let found = client.check_config(&place.app, &place.environment, &saved.form).await?;
    let exit = if found.checks.iter().all(|check| check.ok) { Exit::Done } else { Exit::Failed };
    if format.json {
        output.json(&found)?;
        return Ok(exit);
    }
    let rows: Vec<_> = found
        .checks
        .iter()
        .map(|check| {
            let (tone, word) = if check.ok { (Tone::Good, "ok") } else { (Tone::Bad, "no") };
            vec![
                Cell::toned(tone, word),
                Cell::from(&check.what),
                Cell::from(&check.subject),
                Cell::from(&check.sentence),
            ]
        })
        .collect();
    output.table(&["", "what", "which", ""], &rows, "Nothing was looked at")?;
    Ok(exit)
}

fn tell(output: &Output, would: &DryRun) -> Result<(), Failure> {
    output.line(format!("{} {}", short(&would.commit), would.subject))?;
    for step in &would.steps {
        output.line(format!("{:>3} {:<6} {}", step.step, step.r#where, step.sentence))?;
    }
    for host in &would.hosts {
        output.line(format!("    {}: {}", host.name, host.would))?;
    }
    for gate in &would.gates {
        output.line(format!("In the way: {gate}"))?;
    }
    Ok(())
}
