//! `davit apps …`: what is released, and what there is to release of it.

use super::declared::Sure;
use super::{Format, ListFormat, filter};
use crate::client::Client;
use crate::client::things::{App, Commit, GitRef, Refs};
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, short};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  davit apps add shop --repository github:acme/shop --name Shop
  davit apps add docs --url git@git.example.com:docs.git
  davit apps refs shop --search release/
  davit apps commits shop --ref main --limit 5";

/// List apps, add and change them, see their branches and commits
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum AppsCommand {
    /// List apps and where they are released to
    List(ListFormat),
    /// Add an app; how it is released comes with davit configs set
    Add {
        /// Its key
        app: String,
        /// What people read [default: its key]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        format: Format,
    },
    /// Change an app's name, or where its code comes from
    Set {
        /// Its key
        app: String,
        /// What people read
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        format: Format,
    },
    /// Take an app away, with its release configs and values; what is on hosts stays
    Remove {
        /// Its key
        app: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// List the branches and tags that can be released, newest first
    Refs {
        /// The app's key
        app: String,
        /// With this in their names
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        list: ListFormat,
    },
    /// List the commits of a branch or tag, newest first
    Commits {
        /// The app's key
        app: String,
        /// A branch or tag [default: the default branch]
        #[arg(long = "ref", value_name = "REF")]
        git_ref: Option<String>,
        /// With this in subject or author, or at the beginning of the SHA
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        list: ListFormat,
    },
}

/// Where an app's code comes from.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// A repository at a forge, as FORGE:OWNER/NAME
    #[arg(long, value_name = "FORGE:NAME", value_parser = repository)]
    repository: Option<(String, String)>,
    /// Any URL or path that git fetches from
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run(command: AppsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        AppsCommand::List(args) => list(&client, args).await,
        AppsCommand::Add { app, name, source, format } => {
            let Some(repository) = source.json() else {
                return Err(Failure::usage("an app needs its code: --repository FORGE:OWNER/NAME, or --url URL"));
            };
            let body = json!({ "key": app, "name": name, "repository": repository });
            let made: Value = client.post(&["apps"], &body).await?;
            let next = format!("Say how it is released: davit configs set {app} ENVIRONMENT …");
            told(&made, &format!("The app {app} is there now. {next}"), format)
        }
        AppsCommand::Set { app, name, source, format } => {
            let mut body = json!({});
            name.into_iter().for_each(|name| body["name"] = name.into());
            source.json().into_iter().for_each(|repository| body["repository"] = repository);
            if body.as_object().is_none_or(serde_json::Map::is_empty) {
                return Err(Failure::usage("nothing to change: give --name, --repository or --url"));
            }
            let changed = client.change_app(&app, &body).await.map_err(see_list)?;
            told(&changed, &format!("The app {app} is changed"), format)
        }
        AppsCommand::Remove { app, sure } => remove(&client, &app, &sure).await,
        AppsCommand::Refs { app, search, list } => refs(&client, &app, search, list).await,
        AppsCommand::Commits { app, git_ref, search, list } => commits(&client, &app, git_ref, search, list).await,
    }
}

impl Source {
    /// As `davit.toml` has it.
    fn json(&self) -> Option<Value> {
        match (&self.repository, &self.url) {
            (Some((forge, name)), None) => Some(json!({ "forge": forge, "name": name })),
            (Some((forge, name)), Some(url)) => Some(json!({ "forge": forge, "name": name, "url": url })),
            (None, Some(url)) => Some(json!({ "url": url })),
            (None, None) => None,
        }
    }
}

fn told(answer: &Value, sentence: &str, format: Format) -> Outcome {
    let output = Output::detect();
    if format.json {
        output.json(answer)?
    } else {
        output.line(sentence)?
    }
    Ok(Exit::Done)
}

async fn list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut apps: Page<App> = client.get(&["apps"], &[]).await?;
    apps.items.truncate(list.limit);
    if list.format.json {
        output.json(&apps)?;
        return Ok(Exit::Done);
    }
    let row = |app: &App| {
        let environments: Vec<&str> = app.environments.iter().map(|place| place.environment.as_str()).collect();
        let text = |key: &str| app.repository.get(key).and_then(Value::as_str);
        let repository = match (text("forge"), text("name"), text("url")) {
            (Some(forge), Some(name), _) => format!("{forge}:{name}"),
            (_, _, url) => url.unwrap_or_default().to_owned(),
        };
        vec![Cell::from(&app.key), Cell::from(&app.name), Cell::from(repository), Cell::from(environments.join(", "))]
    };
    let rows: Vec<_> = apps.items.iter().map(row).collect();
    let header = ["app", "name", "repository", "environments"];
    output.table(&header, &rows, "There are no apps yet: davit apps add KEY --repository FORGE:OWNER/NAME")?;
    Ok(Exit::Done)
}

async fn remove(client: &Client, app: &str, sure: &Sure) -> Outcome {
    sure.confirm(&format!("This removes the app {app} with its release configs and values."), app).await?;
    client.delete(&["apps", app]).await.map_err(see_list)?;
    Output::detect().line(format!("The app {app} is removed; what is on its hosts stays"))?;
    Ok(Exit::Done)
}

async fn refs(client: &Client, app: &str, search: Option<String>, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut query = filter(&[("q", &search)]);
    query.push(("limit", list.limit.to_string()));
    let mut refs: Refs = client.get(&["apps", app, "refs"], &query).await.map_err(see_list)?;
    refs.branches.truncate(list.limit);
    refs.tags.truncate(list.limit);
    if list.format.json {
        output.json(&refs)?;
        return Ok(Exit::Done);
    }
    let row = |kind: &str, item: &GitRef| {
        let GitRef { name, commit, subject, at, .. } = item;
        vec![kind.into(), Cell::from(name), short(commit).into(), minute(*at).into(), Cell::from(subject)]
    };
    let branches = refs.branches.iter().map(|item| row("branch", item));
    let rows: Vec<_> = branches.chain(refs.tags.iter().map(|item| row("tag", item))).collect();
    output.table(&["", "name", "commit", "at (UTC)", "subject"], &rows, "No branch or tag is like that")?;
    Ok(Exit::Done)
}

async fn commits(
    client: &Client,
    app: &str,
    git_ref: Option<String>,
    search: Option<String>,
    list: ListFormat,
) -> Outcome {
    let output = Output::detect();
    let mut query = filter(&[("ref", &git_ref), ("q", &search)]);
    query.push(("limit", list.limit.min(200).to_string()));
    let commits: Page<Commit> = client.get(&["apps", app, "commits"], &query).await.map_err(see_list)?;
    if list.format.json {
        output.json(&commits)?;
        return Ok(Exit::Done);
    }
    let row = |commit: &Commit| {
        let Commit { sha, author, at, subject, .. } = commit;
        vec![short(sha).into(), minute(*at).into(), Cell::from(author), Cell::from(subject)]
    };
    let rows: Vec<_> = commits.items.iter().map(row).collect();
    output.table(&["commit", "at (UTC)", "author", "subject"], &rows, "No commit is like that")?;
    Ok(Exit::Done)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit apps list")
}

/// `FORGE:OWNER/NAME`.
fn repository(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((forge, name)) if !forge.is_empty() && !name.is_empty() && !name.starts_with('/') => {
            Ok((forge.to_owned(), name.to_owned()))
        }
        Some(_) | None => Err("it must be FORGE:OWNER/NAME; other addresses go into --url".to_owned()),
    }
}
