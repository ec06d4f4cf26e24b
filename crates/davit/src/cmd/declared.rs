//! `show`, `set`, `edit` and `remove` of what `davit.toml` says: environments, hosts, forges, channels, repositories,
//! release configs.
//!
//! What may be said, and whether it makes sense, is the server's to know: here a form is a table of TOML.

use super::Format;
use crate::client::Client;
use crate::client::declared::{Form, Thing};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use crate::prompt;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// What can be done with anything that has a name.
#[derive(Debug, Subcommand)]
pub(crate) enum DeclaredCommand {
    /// Print what is said of it in a davit.toml
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Add it, or change what is named of it; the rest stays
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        change: Change,
    },
    /// Change it in the editor that VISUAL or EDITOR names
    Edit {
        /// Its name
        name: String,
    },
    /// Take it away, once nothing refers to it any more
    Remove {
        /// Its name
        name: String,
        /// Take the stored secrets away too that nothing else names
        #[arg(long)]
        with_secrets: bool,
        #[command(flatten)]
        sure: Sure,
    },
}

impl DeclaredCommand {
    /// What it is about, as the person named it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Show { name, .. } | Self::Set { name, .. } | Self::Edit { name } | Self::Remove { name, .. } => name,
        }
    }
}

/// What changes.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// A setting as in davit.toml, with dots into tables: port=22, labels=["web"], review.required=1
    #[arg(value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, Value)>,
    /// Take a setting away: then the default holds
    #[arg(long = "unset", value_name = "KEY")]
    unset: Vec<String>,
    /// Begin with the settings in this file of TOML, and none of those that are there; -: standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Refuse where there is one of this name already
    #[arg(long)]
    new: bool,
    #[command(flatten)]
    format: Format,
}

/// Whether somebody has to be asked.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Sure {
    /// Has the person type `name`, unless they said yes already.
    pub(super) async fn confirm(&self, what: &str, name: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !prompt::can_ask() {
            return Err(Failure::usage("there is no terminal to ask whether this is meant").hint("add --yes"));
        }
        if prompt::line(&format!("{what} Type {name} to go on: ")).await? == name {
            return Ok(());
        }
        Err(Failure::failed("nothing was removed"))
    }
}

/// Does it with the thing that `named` makes of the name.
pub(super) async fn run(client: &Client, command: DeclaredCommand, named: impl Fn(String) -> Thing) -> Outcome {
    match command {
        DeclaredCommand::Show { name, format } => show(client, &named(name), format).await,
        DeclaredCommand::Set { name, change } => set(client, &named(name), change).await,
        DeclaredCommand::Edit { name } => edit(client, &named(name)).await,
        DeclaredCommand::Remove { name, with_secrets, sure } => {
            let thing = named(name);
            let secrets = if with_secrets { own_secrets(client, &thing).await? } else { Vec::new() };
            remove(client, &thing, &secrets, &sure).await
        }
    }
}

async fn show(client: &Client, thing: &Thing, format: Format) -> Outcome {
    let output = Output::detect();
    let seen = client.declared(thing).await?.ok_or_else(|| missing(thing))?;
    if format.json {
        output.json(&seen.form)?
    } else {
        output.text(&visible_lines(&toml_of(&seen.form)?))?
    }
    Ok(Exit::Done)
}

pub(super) async fn set(client: &Client, thing: &Thing, change: Change) -> Outcome {
    let output = Output::detect();
    let seen = client.declared(thing).await?;
    if change.new && seen.is_some() {
        return Err(
            Failure::failed(format!("there is a {} already", thing.title())).hint("leave --new out to change it")
        );
    }
    let mut form = match &change.file {
        Some(file) => form_of(&read(file)?).map_err(Failure::usage)?,
        None => seen.as_ref().map(|seen| seen.form.clone()).unwrap_or_default(),
    };
    for (key, value) in &change.settings {
        put(&mut form, key, value.clone()).map_err(Failure::usage)?;
    }
    for key in &change.unset {
        take(&mut form, key);
    }
    let now = client.declare(thing, &form, seen.as_ref()).await.map_err(explain)?;
    if change.format.json {
        output.json(&now)?;
    } else {
        output.line(said(thing, seen.as_ref().map(|seen| &seen.form), &now))?;
    }
    Ok(Exit::Done)
}

/// Opens the editor until the server takes what it says, or the person gives up. What nobody took for another reason than
/// a mistake in it is kept.
pub(super) async fn edit(client: &Client, thing: &Thing) -> Outcome {
    let output = Output::detect();
    if !prompt::can_ask() {
        return Err(Failure::usage("there is no terminal for an editor").hint("set KEY=VALUE in the place of edit"));
    }
    let seen = client.declared(thing).await?;
    let before = seen.as_ref().map(|seen| seen.form.clone()).unwrap_or_default();
    let file = tempfile::Builder::new().prefix("davit-").suffix(".toml").tempfile()?;
    file.as_file().write_all(format!("# {}\n{}", thing.title(), toml_of(&before)?).as_bytes())?;
    loop {
        open_editor(file.path()).await?;
        let taken = match form_of(&read(file.path())?) {
            Ok(form) if form == before => {
                output.note("Nothing was changed.");
                return Ok(Exit::Done);
            }
            Ok(form) => client.declare(thing, &form, seen.as_ref()).await.map_err(explain),
            Err(mistake) => Err(Failure::usage(mistake)),
        };
        match taken {
            Ok(now) => {
                output.line(said(thing, seen.as_ref().map(|seen| &seen.form), &now))?;
                return Ok(Exit::Done);
            }
            Err(failure) if failure.exit == Exit::Usage => {
                output.note(visible(&failure.message));
                if !prompt::confirm("Edit it again?").await? {
                    return Err(Failure::new(Exit::Usage, "nothing was changed"));
                }
            }
            Err(failure) => return Err(kept(failure, file)),
        }
    }
}

/// Leaves the file where it is, and says so: somebody typed what is in it.
fn kept(failure: Failure, file: tempfile::NamedTempFile) -> Failure {
    let Ok((_, path)) = file.keep() else { return failure };
    let message = format!("{}; what you typed is kept in {}", failure.message, path.display());
    Failure { message, ..failure }
}

/// Takes it away; `secrets` are stored ones that go with it.
pub(super) async fn remove(client: &Client, thing: &Thing, secrets: &[String], sure: &Sure) -> Outcome {
    let with = if secrets.is_empty() { String::new() } else { format!(" and the secrets {}", secrets.join(", ")) };
    sure.confirm(&format!("This removes the {}{with}.", thing.title()), thing.name()).await?;
    let removed = client.undeclare(thing, secrets).await;
    removed.map_err(|failure| failure.hint_if_not_found(thing.see()))?;
    Output::detect().line(match secrets {
        [] => format!("The {} is removed", thing.title()),
        [_, ..] => format!("The {} is removed, with {}", thing.title(), secrets.join(", ")),
    })?;
    Ok(Exit::Done)
}

async fn own_secrets(client: &Client, thing: &Thing) -> Result<Vec<String>, Failure> {
    Ok(client.declared(thing).await?.ok_or_else(|| missing(thing))?.own_secrets)
}

fn missing(thing: &Thing) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no {}", thing.title())).hint(thing.see())
}

fn said(thing: &Thing, before: Option<&Form>, now: &Form) -> String {
    match before {
        None => format!("The {} is there now", thing.title()),
        Some(before) if before == now => format!("The {} was like that already", thing.title()),
        Some(_) => format!("The {} is changed", thing.title()),
    }
}

/// The mistakes that the server found, in one sentence: a form has no lines.
fn explain(failure: Failure) -> Failure {
    if failure.mistakes.is_empty() {
        return failure;
    }
    let mistakes: Vec<&str> = failure.mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
    Failure { message: mistakes.join("; "), mistakes: Vec::new(), ..failure }
}

fn read(file: &Path) -> Result<String, Failure> {
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    text.map_err(|error| Failure::usage(format!("{} can't be read: {error}", file.display())))
}

async fn open_editor(file: &Path) -> Result<(), Failure> {
    let editor =
        ["VISUAL", "EDITOR"].iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // Editors are named with arguments: "code --wait".
    let ended = Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "davit"]).arg(file).status().await;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::failed(format!("{editor} ended with {status}: nothing was changed"))),
        Err(error) => Err(Failure::failed(format!("{editor} can't be started: {error}")).hint("set EDITOR")),
    }
}

/// `KEY=VALUE`, the value as TOML has it; what TOML can't read is a text.
fn setting(text: &str) -> Result<(String, Value), String> {
    let Some((key, value)) = text.split_once('=') else { return Err("it must be KEY=VALUE".to_owned()) };
    let key = key.trim();
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err("the key must be a name, or names with dots between them".to_owned());
    }
    let parsed = format!("value = {value}\n").parse::<toml::Table>().ok().filter(|table| table.len() == 1);
    let value = parsed.and_then(|mut table| table.remove("value")).map_or_else(|| value.into(), json_of);
    Ok((key.to_owned(), value))
}

fn put(form: &mut Form, key: &str, value: Value) -> Result<(), String> {
    match key.split_once('.') {
        None => {
            form.insert(key.to_owned(), value);
            Ok(())
        }
        Some((table, rest)) => match form.entry(table).or_insert_with(|| Form::new().into()) {
            Value::Object(inner) => put(inner, rest, value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(format!("{table} is not a table: it has no {rest}"))
            }
        },
    }
}

fn take(form: &mut Form, key: &str) {
    match key.split_once('.') {
        None => drop(form.remove(key)),
        Some((table, rest)) => {
            if let Some(Value::Object(inner)) = form.get_mut(table) {
                take(inner, rest);
            }
        }
    }
}

fn form_of(text: &str) -> Result<Form, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    Ok(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
    }
}

fn toml_of(form: &Form) -> Result<String, Failure> {
    let form: Form = form.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let unreadable = |error| Failure::failed(format!("this davit can't write it as TOML: {error}")).hint("--json");
    toml::to_string_pretty(&form).map_err(unreadable)
}

/// What a terminal would obey is dropped from every line; the lines stay.
fn visible_lines(text: &str) -> String {
    text.lines().map(|line| visible(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_is_toml_or_else_a_text() {
        for (text, key, value) in [
            ("port=22", "port", json!(22)),
            ("address=10.0.0.11", "address", json!("10.0.0.11")),
            ("labels=[\"web\", \"eu\"]", "labels", json!(["web", "eu"])),
            ("review.required=1", "review.required", json!(1)),
            ("review={ required = 2 }", "review", json!({ "required": 2 })),
            ("name=Production 生产", "name", json!("Production 生产")),
            ("name=", "name", json!("")),
            ("url=https://a.example.com/?x=1", "url", json!("https://a.example.com/?x=1")),
            ("note=one\nother = 2", "note", json!("one\nother = 2")),
        ] {
            assert_eq!(setting(text), Ok((key.to_owned(), value)), "{text}");
        }
        for text in ["port", "=1", "a..b=1", ".a=1"] {
            assert!(setting(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dots_lead_into_tables() {
        let mut form = form_of("name = \"web\"\n[review]\nrequired = 1\n").expect("TOML");
        put(&mut form, "review.self_approval", json!(false)).expect("a table");
        put(&mut form, "health.http", json!("http://x")).expect("a new table");
        assert!(put(&mut form, "name.x", json!(1)).is_err());
        take(&mut form, "review.required");
        take(&mut form, "nothing.here");
        let expected = json!({ "name": "web", "review": { "self_approval": false }, "health": { "http": "http://x" } });
        assert_eq!(Value::Object(form), expected);
    }

    #[test]
    fn a_form_comes_back_from_toml_as_it_was() {
        let form =
            json!({ "a": { "b": [1, 2] }, "hooks": { "x": "one\ntwo \"three\"" }, "list": [{ "k": "v" }], "z": 1.5 });
        let Value::Object(form) = form else { panic!("an object") };
        assert_eq!(form_of(&toml_of(&form).expect("TOML")), Ok(form));
    }
}
