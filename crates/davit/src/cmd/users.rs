//! `davit users …`: accounts, over the API.

use super::{Format, ListFormat, account, examples};
use crate::client::Client;
use crate::client::people::{Account, Grant, Identity, Token};
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, minute, visible};
use crate::prompt;
use clap::{Args, Subcommand};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

/// Make, change and remove accounts
#[derive(Debug, Subcommand)]
#[command(after_help = examples::USERS)]
pub(crate) enum UsersCommand {
    /// List accounts
    List(ListFormat),
    /// Show an account with its groups, grants, identities and tokens
    Show(OneArgs),
    /// Make an account
    Add(AddArgs),
    /// Change an account's role, name for people or e-mail address
    Set(SetArgs),
    /// Shut an account out, with its sessions and tokens
    Disable(NameArgs),
    /// Let an account in again
    Enable(NameArgs),
    /// Set an account's password; it is logged out everywhere
    Password(PasswordArgs),
    /// Let somebody try again who typed too many wrong passwords
    Unlock(NameArgs),
    /// Take the second factor off an account whose owner has lost it
    RemoveSecondFactor(NameArgs),
    /// Say who an account is elsewhere
    Link(LinkArgs),
    /// Forget who an account is somewhere
    Unlink {
        /// The account's name
        name: String,
        /// The identity's number, as in: davit users show NAME
        identity: i64,
        #[command(flatten)]
        format: Format,
    },
    /// List where an account is signed in
    Sessions {
        /// The account's name
        name: String,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Sign an account out everywhere; its tokens go on working
    EndSessions(OneArgs),
    /// Delete an account; the history keeps its name
    Remove(NameArgs),
}

/// Which account.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Its name
    name: String,
}

/// Which account, and how it is printed.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    format: Format,
}

/// An account to be made.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name
    name: String,
    /// On everything: viewer, developer, reviewer, releaser, operator, admin, or none
    #[arg(long)]
    role: String,
    /// What people call them
    #[arg(long, default_value = "")]
    display_name: String,
    /// Where mail goes
    #[arg(long, default_value = "")]
    email: String,
    /// Make it without a password: for who logs in through an identity provider
    #[arg(long, conflicts_with = "stdin")]
    no_password: bool,
    /// Read the password from standard input instead of asking
    #[arg(long)]
    stdin: bool,
    /// It is the person whose account of this name was deleted
    #[arg(long)]
    reuse_name: bool,
}

/// What is to change.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true)))]
pub(crate) struct SetArgs {
    /// Its name
    name: String,
    /// On everything: viewer, developer, reviewer, releaser, operator, admin, or none
    #[arg(long, group = "change")]
    role: Option<String>,
    /// What people call them
    #[arg(long, group = "change")]
    display_name: Option<String>,
    /// Where mail goes
    #[arg(long, group = "change")]
    email: Option<String>,
}

/// Whose password.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// The account's name
    name: String,
    /// Read the password from standard input instead of asking
    #[arg(long)]
    stdin: bool,
}

/// Who an account is elsewhere.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The account's name
    name: String,
    /// Where: forge:ID, chat:CHANNEL, oidc:ID or ldap:ID
    provider: String,
    /// What they are called there: at forges the login
    subject: String,
}

pub(super) async fn run(command: UsersCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        UsersCommand::List(args) => list(&client, args).await,
        UsersCommand::Show(one) => {
            let account = client.account(&one.name).await?;
            if one.format.json {
                Output::detect().json(&account)?
            } else {
                print(&account)?
            }
            Ok(Exit::Done)
        }
        UsersCommand::Add(args) => add(&client, args).await,
        UsersCommand::Set(args) => {
            let pairs = [("role", args.role), ("display_name", args.display_name), ("email", args.email)];
            let change = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
            let account = client.change_account(&args.name, &Value::Object(change.collect())).await?;
            say(format!("{} is changed: role {}", account.name, account.role))
        }
        UsersCommand::Disable(one) => {
            client.change_account(&one.name, &json!({ "disabled": true })).await?;
            say(format!("{} is shut out", one.name))
        }
        UsersCommand::Enable(one) => {
            client.change_account(&one.name, &json!({ "disabled": false })).await?;
            say(format!("{} may log in again", one.name))
        }
        UsersCommand::Password(args) => {
            let password = password(&args.name, args.stdin).await?;
            client.set_password(&args.name, &password).await?;
            say(format!("{} has the new password, and is logged out everywhere", args.name))
        }
        UsersCommand::Unlock(one) => {
            act(&client, Method::POST, &["users", &one.name, "unlock"], json!({})).await?;
            say(format!("{} may try again", one.name))
        }
        UsersCommand::RemoveSecondFactor(one) => {
            act(&client, Method::DELETE, &["users", &one.name, "second-factor"], Value::Null).await?;
            say(format!("{} logs in by password alone", one.name))
        }
        UsersCommand::Link(args) => {
            let body = json!({ "provider": args.provider, "subject": args.subject });
            act(&client, Method::PUT, &["users", &args.name, "identities"], body).await?;
            say(format!("{} is {} at {}", args.name, args.subject, args.provider))
        }
        UsersCommand::Unlink { name, identity, format } => {
            let path = ["users", &name, "identities", &identity.to_string()];
            act(&client, Method::DELETE, &path, Value::Null).await?;
            if format.json {
                return answer(&json!({ "user": name, "identity": identity, "unlinked": true }));
            }
            say(format!("Identity {identity} of {name} is forgotten"))
        }
        UsersCommand::Sessions { name, list } => {
            let sessions = client.sessions(Some(&name)).await;
            account::print_sessions(sessions.map_err(|failure| failure.hint_if_not_found("davit users list"))?, list)
        }
        UsersCommand::EndSessions(one) => {
            act(&client, Method::DELETE, &["users", &one.name, "sessions"], Value::Null).await?;
            if one.format.json {
                return answer(&json!({ "user": one.name, "signed_out": true }));
            }
            say(format!("{} is signed out everywhere", one.name))
        }
        UsersCommand::Remove(one) => {
            act(&client, Method::DELETE, &["users", &one.name], Value::Null).await?;
            say(format!("{} is deleted; what they did stays in the history", one.name))
        }
    }
}

async fn list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut users: Page<Account> = client.whole(&["users"]).await?;
    users.items.truncate(list.limit);
    if list.format.json {
        output.json(&users)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = users.items.iter().map(row).collect();
    output.table(&["name", "role", "state", "groups", "from", "seen (UTC)"], &rows, "There is no account.")?;
    Ok(Exit::Done)
}

async fn add(client: &Client, args: AddArgs) -> Outcome {
    let mut body = Map::new();
    for (key, value) in
        [("name", &args.name), ("role", &args.role), ("display_name", &args.display_name), ("email", &args.email)]
    {
        body.insert(key.to_owned(), Value::from(value.as_str()));
    }
    body.insert("reuse_name".to_owned(), Value::from(args.reuse_name));
    if !args.no_password {
        let password = password(&args.name, args.stdin).await?;
        body.insert("password".to_owned(), Value::from(password.expose_secret()));
    }
    let account: Account = client.post(&["users"], &Value::Object(body)).await?;
    say(format!("{} is made, with the role {}", account.name, account.role))
}

async fn password(name: &str, stdin: bool) -> Result<SecretString, Failure> {
    if stdin {
        return prompt::secret_from_stdin();
    }
    if prompt::can_ask() {
        return prompt::secret(&format!("Password of {name}: ")).await;
    }
    Err(Failure::usage("there is no terminal to ask for the password").hint("--stdin < FILE"))
}

async fn act(client: &Client, method: Method, path: &[&str], body: Value) -> Result<(), Failure> {
    let done = client.without_answer(method, path, &body).await;
    done.map_err(|failure| failure.hint_if_not_found("davit users list"))
}

fn answer(value: &Value) -> Outcome {
    Output::detect().json(value)?;
    Ok(Exit::Done)
}

fn say(text: String) -> Outcome {
    Output::detect().line(visible(&text))?;
    Ok(Exit::Done)
}

fn state(account: &Account) -> (Tone, &'static str) {
    match (account.disabled, account.locked_until) {
        (true, _) => (Tone::Bad, "disabled"),
        (false, Some(_)) => (Tone::Busy, "locked"),
        (false, None) if account.two_factor => (Tone::Good, "two factors"),
        (false, None) => (Tone::Faint, "ok"),
    }
}

fn row(account: &Account) -> Vec<Cell> {
    let (tone, word) = state(account);
    vec![
        Cell::toned(Tone::Name, &account.name),
        Cell::from(&account.role),
        Cell::toned(tone, word),
        Cell::from(account.groups.join(", ")),
        Cell::from(&account.source),
        Cell::from(account.last_seen_at.map(minute).unwrap_or_default()),
    ]
}

fn print(account: &Account) -> Result<(), Failure> {
    let output = Output::detect();
    let (tone, word) = state(account);
    let name = output.paint(Tone::Name, visible(&account.name));
    output.line(format!("{name} ({}), {}", visible(&account.role), output.paint(tone, word)))?;
    let texts = [&account.display_name, &account.email];
    for text in texts.into_iter().flatten() {
        output.line(format!("  {}", visible(text)))?;
    }
    if !account.groups.is_empty() {
        output.line(format!("  groups: {}", visible(&account.groups.join(", "))))?;
    }
    for Grant { id, role, scope, group, .. } in &account.grants {
        let by = group.as_ref().map(|group| format!(", by the group {group}")).unwrap_or_default();
        output.line(visible(&format!("  grant {id}: {role} on {scope}{by}")))?;
    }
    for Identity { id, provider, label, .. } in &account.identities {
        output.line(visible(&format!("  identity {id}: {label} at {provider}")))?;
    }
    for Token { id, name, role, scopes, expires_at, .. } in &account.tokens {
        let most = role.as_ref().map(|role| format!(", at most {role}")).unwrap_or_default();
        let only = scopes.as_ref().map(|scopes| format!(", only {}", scopes.join(" "))).unwrap_or_default();
        let until = expires_at.map(|at| format!(", until {} UTC", minute(at))).unwrap_or_default();
        output.line(visible(&format!("  token {id}: {name}{most}{only}{until}")))?;
    }
    Ok(())
}
