//! `davit values …`: what hooks and actions find in their environment, for every app, for an app, or for an app in an
//! environment. The value of a secret is asked for or read from standard input, never from the command line.

use super::examples;
use super::{ListFormat, filter};
use crate::client::Client;
use crate::client::values::{ValueChange, ValueItem};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use crate::prompt;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

/// Look at and change what hooks find in their environment
#[derive(Debug, Subcommand)]
#[command(after_help = examples::VALUES)]
pub(crate) enum ValuesCommand {
    /// List what holds in a place, with what it inherits; secrets are never shown
    List {
        #[command(flatten)]
        place: Place,
        /// Only what is set there itself
        #[arg(long)]
        own: bool,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Set a value
    Set {
        /// NAME=TEXT; of a secret, and with --env or --file, NAME alone
        value: String,
        #[command(flatten)]
        place: Place,
        /// A secret: asked for, or read from standard input where there is no terminal
        #[arg(long, group = "kind")]
        secret: bool,
        /// An environment variable of the server, read when a deployment runs
        #[arg(long, value_name = "VARIABLE", group = "kind")]
        env: Option<String>,
        /// A file on the server, read when a deployment runs
        #[arg(long, value_name = "PATH", group = "kind")]
        file: Option<String>,
    },
    /// Take values away
    Unset {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List the saves of a place, each with what it changed
    History {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Say what differs between two saves
    Diff {
        /// A revision; 0: nothing
        from: i64,
        /// Another one
        to: i64,
        #[command(flatten)]
        place: Place,
    },
    /// Go back to an earlier save; secrets stay as they are
    Restore {
        /// Its number
        revision: i64,
        #[command(flatten)]
        place: Place,
    },
}

/// Where values hold.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Of this app [default: of every app]
    #[arg(long, short)]
    app: Option<String>,
    /// Of the app in this environment
    #[arg(long, short, requires = "app")]
    environment: Option<String>,
}

impl Place {
    fn query(&self) -> Vec<(&'static str, String)> {
        filter(&[("app", &self.app), ("environment", &self.environment)])
    }

    fn body(&self) -> Map<String, Value> {
        self.query().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

pub(super) async fn run(command: ValuesCommand) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    match command {
        ValuesCommand::List { place, own, list } => show(&client, &output, &place, !own, &list).await?,
        ValuesCommand::Set { value, place, secret, env, file } => {
            let (name, new) = new_value(&value, secret, env, file).await?;
            save(&client, &place, json!({ "set": { &name: new } })).await?;
            output.line(format!("{name} is set"))?;
        }
        ValuesCommand::Unset { names, place } => {
            save(&client, &place, json!({ "remove": names })).await?;
            output.line(format!("{} is taken away", names.join(", ")))?;
        }
        ValuesCommand::History { place, list } => history(&client, &output, &place, &list).await?,
        ValuesCommand::Diff { from, to, place } => {
            let mut query = place.query();
            query.extend([("from", from.to_string()), ("to", to.to_string())]);
            for change in client.values_diff(&query).await?.changes {
                output.line(sentence(&change))?;
            }
        }
        ValuesCommand::Restore { revision, place } => {
            let mut body = place.body();
            body.insert("revision".to_owned(), revision.into());
            let restored = client.restore_values(&Value::Object(body)).await?;
            output.line(format!("Revision {} is what revision {revision} was", restored.revision))?;
            if !restored.kept.is_empty() {
                output.note(format!("Secrets stay as they are: {}", restored.kept.join(", ")));
            }
        }
    }
    Ok(Exit::Done)
}

/// The name and what it is to be, as the server takes it.
async fn new_value(
    given: &str,
    secret: bool,
    env: Option<String>,
    file: Option<String>,
) -> Result<(String, Value), Failure> {
    let of = |kind: &str, value: String| json!({ "kind": kind, "value": value });
    match (given.split_once('='), secret, env, file) {
        (Some((name, text)), false, None, None) => Ok((name.to_owned(), of("plain", text.to_owned()))),
        (Some(_), true, _, _) => {
            Err(Failure::usage("a secret on the command line is seen by everybody on this machine")
                .hint("davit values set NAME --secret, and type it; or send it to standard input"))
        }
        (Some(_), false, _, _) => Err(Failure::usage("what is read on the server has no text: name it alone")),
        (None, true, _, _) => {
            let text = if prompt::can_ask() {
                prompt::secret(&format!("Value of {given}: ")).await?
            } else {
                prompt::secret_from_stdin()?
            };
            Ok((given.to_owned(), of("secret", text.expose_secret().to_owned())))
        }
        (None, false, Some(variable), _) => Ok((given.to_owned(), of("env", variable))),
        (None, false, None, Some(path)) => Ok((given.to_owned(), of("file", path))),
        (None, false, None, None) => Err(Failure::usage(format!("{given} has no text"))
            .hint(format!("davit values set {given}=TEXT, or davit values set {given} --secret"))),
    }
}

/// Changes what is there now; somebody who changes it at the same moment is told by the server.
async fn save(client: &Client, place: &Place, change: Value) -> Result<(), Failure> {
    let now = client.values(&place.query(), false).await?;
    let mut body = place.body();
    body.insert("base_revision".to_owned(), now.revision.into());
    if let Value::Object(change) = change {
        body.extend(change);
    }
    client.save_values(&Value::Object(body)).await.map(drop)
}

async fn show(
    client: &Client,
    output: &Output,
    place: &Place,
    inherited: bool,
    list: &ListFormat,
) -> Result<(), Failure> {
    let mut values = client.values(&place.query(), inherited).await?;
    values.items.truncate(list.limit);
    if list.format.json {
        return output.json(&values);
    }
    let row = |item: &ValueItem| {
        vec![
            Cell::from(&item.key),
            Cell::from(&item.kind),
            Cell::from(visible(item.value.as_deref().unwrap_or("***"))),
            Cell::from(&item.from),
            Cell::from(&item.updated_by),
            Cell::from(minute(item.updated_at)),
        ]
    };
    let rows: Vec<_> = values.items.iter().map(row).collect();
    let header = ["name", "kind", "value", "from", "set by", "set (UTC)"];
    output.table(&header, &rows, "No value is set: davit values set NAME=TEXT")
}

async fn history(client: &Client, output: &Output, place: &Place, list: &ListFormat) -> Result<(), Failure> {
    let history = client.value_history(&place.query(), list.limit).await?;
    if list.format.json {
        return output.json(&history);
    }
    let rows: Vec<_> = history
        .items
        .iter()
        .map(|item| {
            let changes: Vec<String> = item.changes.iter().map(sentence).collect();
            vec![
                Cell::from(item.revision.to_string()),
                Cell::from(minute(item.at)),
                Cell::from(&item.by),
                Cell::from(changes.join("; ")),
            ]
        })
        .collect();
    output.table(&["revision", "saved (UTC)", "by", "changes"], &rows, "Nothing was saved here yet")
}

/// `A: 1 → 2`, or `TOKEN is set`.
fn sentence(change: &ValueChange) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}: {} → {}", change.key, visible(before), visible(after)),
        (None, Some(after)) => format!("{}: {}", change.key, visible(after)),
        (_, None) => format!("{} is {}", change.key, change.change),
    }
}

#[cfg(test)]
mod tests {
    use super::new_value;

    #[tokio::test]
    async fn a_secret_is_never_taken_from_the_command_line() {
        assert!(new_value("TOKEN=geheim", true, None, None).await.is_err());
        assert!(new_value("TOKEN=x", false, Some("Y".into()), None).await.is_err());
        assert!(new_value("TOKEN", false, None, None).await.is_err());
        let (name, value) = new_value("A=b=c", false, None, None).await.expect("a value");
        assert_eq!((name.as_str(), value["value"].as_str(), value["kind"].as_str()), ("A", Some("b=c"), Some("plain")));
        let (_, value) = new_value("A", false, None, Some("/etc/x".into())).await.expect("a value");
        assert_eq!((value["value"].as_str(), value["kind"].as_str()), (Some("/etc/x"), Some("file")));
    }
}
