//! `davit secrets …`: what `{ secret = "name" }` in a davit.toml stands for.

use super::ListFormat;
use super::examples;
use crate::client::Client;
use crate::client::things::Secret;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute};
use crate::prompt;
use clap::Subcommand;

/// Store what { secret = "name" } in a davit.toml stands for
#[derive(Debug, Subcommand)]
#[command(after_help = examples::SECRETS)]
pub(crate) enum SecretsCommand {
    /// List the names of the stored secrets; their values are never shown
    List(ListFormat),
    /// Store a secret, in the place of what was there
    Set {
        /// Its name
        name: String,
        /// Read the value from standard input instead of asking
        #[arg(long)]
        stdin: bool,
    },
    /// Forget a secret that the configuration no longer names
    Delete {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(command: SecretsCommand) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    match command {
        SecretsCommand::List(list) => {
            let mut secrets = client.secrets().await?;
            secrets.items.truncate(list.limit);
            if list.format.json {
                output.json(&secrets)?;
                return Ok(Exit::Done);
            }
            let row = |secret: &Secret| vec![Cell::from(&secret.name), Cell::from(minute(secret.updated_at))];
            let rows: Vec<_> = secrets.items.iter().map(row).collect();
            output.table(&["name", "set (UTC)"], &rows, "No secret is stored: davit secrets set NAME")?;
        }
        SecretsCommand::Set { name, stdin } => {
            let value = if stdin {
                prompt::secret_from_stdin()?
            } else if prompt::can_ask() {
                prompt::secret(&format!("Value of {name}: ")).await?
            } else {
                return Err(Failure::usage("there is no terminal to ask for the value")
                    .hint(format!("davit secrets set {name} --stdin < FILE")));
            };
            client.set_secret(&name, &value).await?;
            output.line(format!("{name} is stored"))?;
        }
        SecretsCommand::Delete { name } => {
            let deleted = client.delete_secret(&name).await;
            deleted.map_err(|failure| failure.hint_if_not_found("davit secrets list"))?;
            output.line(format!("{name} is forgotten"))?;
        }
    }
    Ok(Exit::Done)
}
