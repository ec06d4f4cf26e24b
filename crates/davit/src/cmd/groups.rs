//! `davit groups …` and `davit grants …`: who belongs together, and who may do what where.

use super::examples;
use super::{Format, ListFormat};
use crate::client::Client;
use crate::client::people::{Grant, Group, Member, Members};
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, visible};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// Put accounts together, to grant them something at once
#[derive(Debug, Subcommand)]
#[command(after_help = examples::GROUPS)]
pub(crate) enum GroupsCommand {
    /// List groups
    List(ListFormat),
    /// Show a group with its members and what they are granted
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Make a group
    Add {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Rename or describe a group
    Set(SetArgs),
    /// Put somebody into a group
    Join(MemberArgs),
    /// Take somebody out of a group
    Leave(MemberArgs),
    /// Delete a group, with what it is granted
    Remove {
        /// Its name
        name: String,
    },
}

/// What is to change of a group.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true)))]
pub(crate) struct SetArgs {
    /// Its name
    name: String,
    /// Its new name
    #[arg(long, group = "change")]
    rename: Option<String>,
    /// What it is for
    #[arg(long, group = "change")]
    description: Option<String>,
}

/// Who, and which group.
#[derive(Debug, Args)]
pub(crate) struct MemberArgs {
    /// The group's name
    group: String,
    /// The account's name
    user: String,
}

/// Grant a role somewhere, to an account or to a group
#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List grants
    List(ListFormat),
    /// Grant a role somewhere
    Add(AddArgs),
    /// Take a grant away
    Remove {
        /// Its number, as in: davit grants list
        grant: i64,
    },
}

/// What is granted to whom.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("holder").required(true)))]
pub(crate) struct AddArgs {
    /// To this account
    #[arg(long, group = "holder")]
    user: Option<String>,
    /// To this group
    #[arg(long, group = "holder")]
    group: Option<String>,
    /// viewer, developer, reviewer, releaser, operator or admin
    #[arg(long)]
    role: String,
    /// all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT, or label:WORD for hosts
    #[arg(long)]
    scope: String,
}

pub(super) async fn run(command: GroupsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        GroupsCommand::List(args) => list(&client, args).await,
        GroupsCommand::Show { name, format } => {
            let group: Group = client.get(&["groups", &name], &[]).await.map_err(see_groups)?;
            if format.json {
                Output::detect().json(&group)?
            } else {
                print(&group)?
            }
            Ok(Exit::Done)
        }
        GroupsCommand::Add { name, description } => {
            let body = json!({ "name": name, "description": description });
            let group: Group = client.post(&["groups"], &body).await?;
            say(format!("The group {} is made", group.name))
        }
        GroupsCommand::Set(args) => {
            let pairs = [("name", args.rename), ("description", args.description)];
            let change: Map<String, Value> =
                pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?)))).collect();
            let group = client.change_group(&args.name, &Value::Object(change)).await.map_err(see_groups)?;
            say(format!("The group {} is changed", group.name))
        }
        GroupsCommand::Join(args) => {
            let path = ["groups", &args.group, "members", &args.user];
            client.without_answer(Method::PUT, &path, &json!({})).await.map_err(see_groups)?;
            say(format!("{} is in {}", args.user, args.group))
        }
        GroupsCommand::Leave(args) => {
            let path = ["groups", &args.group, "members", &args.user];
            client.without_answer(Method::DELETE, &path, &Value::Null).await.map_err(see_groups)?;
            say(format!("{} is not in {} any more", args.user, args.group))
        }
        GroupsCommand::Remove { name } => {
            client.without_answer(Method::DELETE, &["groups", &name], &Value::Null).await.map_err(see_groups)?;
            say(format!("The group {name} is deleted"))
        }
    }
}

/// The same for grants.
pub(super) async fn run_grants(command: GrantsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        GrantsCommand::List(args) => list_grants(&client, args).await,
        GrantsCommand::Add(args) => {
            let AddArgs { user, group, role, scope } = args;
            let body = json!({ "user": user, "group": group, "role": role, "scope": scope });
            let grant: Grant = client.post(&["grants"], &body).await?;
            say(format!("{} is {} on {} (grant {})", holder(&grant), grant.role, grant.scope, grant.id))
        }
        GrantsCommand::Remove { grant } => {
            let done = client.without_answer(Method::DELETE, &["grants", &grant.to_string()], &Value::Null).await;
            done.map_err(|failure| failure.hint_if_not_found("davit grants list"))?;
            say(format!("Grant {grant} is taken away"))
        }
    }
}

async fn list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut groups: Page<Group> = client.whole(&["groups"]).await?;
    groups.items.truncate(list.limit);
    if list.format.json {
        output.json(&groups)?;
        return Ok(Exit::Done);
    }
    let row = |group: &Group| {
        vec![
            Cell::toned(Tone::Name, &group.name),
            Cell::from(match &group.members {
                Members::Count(count) => count.to_string(),
                Members::Names(names) => names.len().to_string(),
            }),
            Cell::from(&group.description),
        ]
    };
    let rows: Vec<_> = groups.items.iter().map(row).collect();
    output.table(&["name", "members", "for"], &rows, "There is no group: davit groups add NAME")?;
    Ok(Exit::Done)
}

async fn list_grants(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut grants: Page<Grant> = client.whole(&["grants"]).await?;
    grants.items.truncate(list.limit);
    if list.format.json {
        output.json(&grants)?;
        return Ok(Exit::Done);
    }
    let row = |grant: &Grant| {
        vec![
            Cell::from(grant.id.to_string()),
            Cell::toned(Tone::Name, holder(grant)),
            Cell::from(&grant.role),
            Cell::from(&grant.scope),
        ]
    };
    let rows: Vec<_> = grants.items.iter().map(row).collect();
    output.table(&["id", "who", "role", "on"], &rows, "Nothing is granted: davit grants add --help")?;
    Ok(Exit::Done)
}

fn print(group: &Group) -> Result<(), Failure> {
    let output = Output::detect();
    output.line(output.paint(Tone::Name, visible(&group.name)))?;
    if !group.description.is_empty() {
        output.line(format!("  {}", visible(&group.description)))?;
    }
    if let Members::Names(members) = &group.members {
        for Member { user, source } in members {
            let by = if source == "local" { String::new() } else { format!(", says {source}") };
            output.line(visible(&format!("  member {user}{by}")))?;
        }
    }
    for Grant { id, role, scope, .. } in &group.grants {
        output.line(visible(&format!("  grant {id}: {role} on {scope}")))?;
    }
    Ok(())
}

fn holder(grant: &Grant) -> String {
    match (&grant.user, &grant.group) {
        (Some(user), _) => user.clone(),
        (None, Some(group)) => format!("group {group}"),
        (None, None) => String::new(),
    }
}

fn see_groups(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit groups list")
}

fn say(text: String) -> Outcome {
    Output::detect().line(visible(&text))?;
    Ok(Exit::Done)
}
