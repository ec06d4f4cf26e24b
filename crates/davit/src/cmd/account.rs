//! `davit account …`: who one is, how one signs in, and where one is signed in.
//!
//! Whoever holds a token may look. What changes how the account signs in asks for its password, and is done in a session
//! that is opened for it.

use super::asking::Asking;
use super::examples;
use super::second_factor::{self, SecondFactorCommand};
use super::{Format, ListFormat};
use crate::client::Client;
use crate::client::account::LoginSession;
use crate::client::people::Identity;
use crate::client::session::{Credentials, OwnSession};
use crate::client::types::Page;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, minute, visible};
use clap::{ArgGroup, Args, Subcommand};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Look after one's own account
#[derive(Debug, Subcommand)]
#[command(after_help = examples::ACCOUNT)]
pub(crate) enum AccountCommand {
    /// Show who one is, what one may do, and how one signs in
    Show(Format),
    /// Change what people call one, or where mail goes
    Set(SetArgs),
    /// Change one's password; everywhere else one is logged out
    Password(Asking),
    /// See where one is signed in, and sign out there
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Have logging in ask for a code of one's phone
    #[command(subcommand)]
    SecondFactor(SecondFactorCommand),
    /// See and change who one is at providers, forges and in chats
    #[command(subcommand)]
    Identities(IdentitiesCommand),
}

/// What is to change.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").required(true).multiple(true)))]
pub(crate) struct SetArgs {
    /// What people call one
    #[arg(long, group = "change")]
    display_name: Option<String>,
    /// Where mail goes
    #[arg(long, group = "change")]
    email: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// See where one is signed in, and sign out there
#[derive(Debug, Subcommand)]
#[command(after_help = examples::ACCOUNT_SESSIONS)]
pub(crate) enum SessionsCommand {
    /// List open sessions; API tokens are in: davit tokens list
    List(ListFormat),
    /// Sign out somewhere, or everywhere
    End(EndArgs),
}

/// Which sessions end.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true)))]
pub(crate) struct EndArgs {
    /// The session's number
    #[arg(group = "which")]
    session: Option<i64>,
    /// All of them; tokens go on working
    #[arg(long, group = "which")]
    all: bool,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    format: Format,
}

/// See and change who one is at providers, forges and in chats
#[derive(Debug, Subcommand)]
#[command(after_help = examples::ACCOUNT_IDENTITIES)]
pub(crate) enum IdentitiesCommand {
    /// List who one is elsewhere
    List(ListFormat),
    /// Get a code that says who one is in a chat: send it there within ten minutes
    Link {
        /// chat:CHANNEL
        provider: String,
        #[command(flatten)]
        format: Format,
    },
    /// Forget who one is somewhere
    Unlink {
        /// Its number, as in: davit account identities list
        identity: i64,
    },
}

pub(super) async fn run(command: AccountCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        AccountCommand::Show(format) => show(&client, format).await,
        AccountCommand::Set(args) => set(&client, args).await,
        AccountCommand::Password(asking) => password(&client, asking).await,
        AccountCommand::Sessions(command) => sessions(&client, command).await,
        AccountCommand::SecondFactor(command) => second_factor::run(&client, command).await,
        AccountCommand::Identities(command) => identities(&client, command).await,
    }
}

/// A session of whoever the token belongs to, with their password: it was right.
///
/// # Errors
/// Nothing is asked of whoever has no password.
pub(crate) async fn own_session(client: &Client, asking: Asking) -> Result<(OwnSession<'_>, SecretString), Failure> {
    let name = client.session().await?.user.name;
    if !client.second_factor().await?.asks_password
        && !client.identities().await?.items.iter().any(Identity::is_of_ldap)
    {
        return Err(Failure::failed(format!(
            "this asks for a password, and {name} has none: who signs in at an OpenID Connect provider does it in the browser"
        ))
        .hint(client.base().as_str()));
    }
    let password = asking.secret(&format!("Password of {}: ", visible(&name))).await?;
    let session = asking.sign_in(client, Credentials { name, password: password.clone(), code: None }).await?;
    Ok((session, password))
}

async fn show(client: &Client, format: Format) -> Outcome {
    let output = Output::detect();
    let (session, factor) = (client.session().await?, client.second_factor().await?);
    let identities = client.identities().await?;
    if format.json {
        let all = json!({ "user": session.user, "second_factor": factor, "identities": identities.items });
        output.json(&all)?;
        return Ok(Exit::Done);
    }
    let user = &session.user;
    let name = output.paint(Tone::Name, visible(&user.name));
    output.line(format!("{name} ({}) at {}", visible(user.role()), client.base()))?;
    for text in ["display_name", "email"].iter().filter_map(|key| user.more.get(*key)?.as_str()) {
        output.line(format!("  {}", visible(text)))?;
    }
    let words = |key: &str| user.more.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for group in words("groups").iter().filter_map(Value::as_str) {
        output.line(format!("  in the group {}", visible(group)))?;
    }
    for grant in words("grants") {
        if let (Some(role), Some(scope)) = (grant["role"].as_str(), grant["scope"].as_str()) {
            output.line(format!("  {} on {}", visible(role), visible(scope)))?;
        }
    }
    for Identity { id, provider, label, .. } in &identities.items {
        output.line(visible(&format!("  identity {id}: {label} at {provider}")))?;
    }
    second_factor::print(output, &factor)?;
    Ok(Exit::Done)
}

async fn set(client: &Client, args: SetArgs) -> Outcome {
    let output = Output::detect();
    let pairs = [("display_name", args.display_name), ("email", args.email)];
    let change = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
    let session = client.change_profile(&Value::Object(change.collect())).await?;
    if args.format.json {
        output.json(&session.user)?;
    } else {
        output.line(format!("The profile of {} is changed", visible(&session.user.name)))?;
    }
    Ok(Exit::Done)
}

async fn password(client: &Client, asking: Asking) -> Outcome {
    let (mut session, old) = own_session(client, asking).await?;
    let changed = change_password(&mut session, &old, asking).await;
    session.close().await;
    changed?;
    let output = Output::detect();
    output.line("The password is changed")?;
    output.note("Every session has ended; tokens go on working: davit tokens list");
    Ok(Exit::Done)
}

async fn change_password(session: &mut OwnSession<'_>, old: &SecretString, asking: Asking) -> Result<(), Failure> {
    let new = asking.secret("New password: ").await?;
    if !asking.stdin && asking.secret("The same again: ").await?.expose_secret() != new.expose_secret() {
        return Err(Failure::usage("these are two passwords: nothing is changed"));
    }
    let body = json!({ "old": old.expose_secret(), "new": new.expose_secret() });
    session.send(Method::POST, &["session", "password"], &body).await.map(drop)
}

async fn sessions(client: &Client, command: SessionsCommand) -> Outcome {
    match command {
        SessionsCommand::List(list) => print_sessions(client.sessions(None).await?, list),
        SessionsCommand::End(args) => {
            let (mut session, _) = own_session(client, args.asking).await?;
            let number = args.session.map(|number| number.to_string());
            let mut path = vec!["session", "list"];
            path.extend(number.as_deref());
            let ended = session.send(Method::DELETE, &path, &Value::Null).await;
            session.close().await;
            ended.map_err(|failure| failure.hint_if_not_found("davit account sessions list"))?;
            let output = Output::detect();
            if args.format.json {
                output.json(&json!({ "session": args.session, "ended": true }))?;
            } else {
                let which = number.map_or_else(|| "Every session".to_owned(), |number| format!("Session {number}"));
                output.line(format!("{which} has ended"))?;
            }
            Ok(Exit::Done)
        }
    }
}

/// The open sessions of an account.
pub(super) fn print_sessions(mut sessions: Page<LoginSession>, list: ListFormat) -> Outcome {
    let output = Output::detect();
    sessions.items.truncate(list.limit);
    if list.format.json {
        output.json(&sessions)?;
        return Ok(Exit::Done);
    }
    let row = |session: &LoginSession| {
        vec![
            Cell::from(session.id.to_string()),
            Cell::from(minute(session.created_at)),
            Cell::from(minute(session.last_seen_at)),
            Cell::from(&session.how),
            Cell::from(session.ip.as_deref().unwrap_or_default()),
            Cell::from(session.user_agent.as_deref().unwrap_or_default()),
        ]
    };
    let rows: Vec<_> = sessions.items.iter().map(row).collect();
    let header = ["id", "since (UTC)", "used (UTC)", "by", "from", "browser"];
    output.table(&header, &rows, "No session is open.")?;
    Ok(Exit::Done)
}

async fn identities(client: &Client, command: IdentitiesCommand) -> Outcome {
    let output = Output::detect();
    match command {
        IdentitiesCommand::List(list) => {
            let mut identities = client.identities().await?;
            identities.items.truncate(list.limit);
            if list.format.json {
                output.json(&identities)?;
                return Ok(Exit::Done);
            }
            let row = |identity: &Identity| {
                vec![Cell::from(identity.id.to_string()), Cell::from(&identity.provider), Cell::from(&identity.label)]
            };
            let rows: Vec<_> = identities.items.iter().map(row).collect();
            let empty = "Nobody says who this is elsewhere: davit account identities link chat:CHANNEL";
            output.table(&["id", "where", "as"], &rows, empty)?;
        }
        IdentitiesCommand::Link { provider, format } => {
            let link = client.link_code(&provider).await?;
            if format.json {
                output.json(&link)?;
            } else {
                output.line(visible(&link.code))?;
                let chat = provider.strip_prefix("chat:").unwrap_or(&provider);
                output.note(format!(
                    "Send this in {} by {} UTC: link {}",
                    visible(chat),
                    minute(link.expires_at),
                    visible(&link.code)
                ));
            }
        }
        IdentitiesCommand::Unlink { identity } => {
            let done = client.delete(&["session", "identities", &identity.to_string()]).await;
            done.map_err(|failure| failure.hint_if_not_found("davit account identities list"))?;
            output.line(format!("Identity {identity} is forgotten"))?;
        }
    }
    Ok(Exit::Done)
}
