//! `davit tokens …`: API tokens of one's own, and of others for administrators.

use super::ListFormat;
use super::examples;
use crate::client::Client;
use crate::client::people::{NewToken, Token};
use crate::client::types::Page;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, Tone, minute};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

/// List, make and revoke API tokens
#[derive(Debug, Subcommand)]
#[command(after_help = examples::TOKENS)]
pub(crate) enum TokensCommand {
    /// List tokens
    List {
        /// Of this account, for administrators; without it: one's own
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Make a token for oneself and print it, this once
    Create(CreateArgs),
    /// Take a token away: whoever holds it can do nothing with it any more
    Revoke {
        /// Its number, as in: davit tokens list
        token: i64,
    },
}

/// A token to be made, with what it leaves of the account's access.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is for
    name: String,
    /// At most this role: viewer, developer, reviewer, releaser, operator or admin
    #[arg(long)]
    role: Option<String>,
    /// Only there: environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD; several times for several
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// For so many days
    #[arg(long, value_name = "DAYS")]
    expires: Option<u32>,
}

pub(super) async fn run(command: TokensCommand) -> Outcome {
    let client = Client::from_environment()?;
    let output = Output::detect();
    match command {
        TokensCommand::List { user, list } => {
            let mut tokens: Page<Token> = match &user {
                Some(user) => client.whole(&["users", user, "tokens"]).await,
                None => client.whole(&["tokens"]).await,
            }
            .map_err(|failure| failure.hint_if_not_found("davit users list"))?;
            tokens.items.truncate(list.limit);
            if list.format.json {
                output.json(&tokens)?;
                return Ok(Exit::Done);
            }
            let rows: Vec<_> = tokens.items.iter().map(row).collect();
            let header = ["id", "name", "at most", "only", "until (UTC)", "used (UTC)"];
            output.table(&header, &rows, "There is no token: davit tokens create NAME")?;
        }
        TokensCommand::Create(args) => {
            let CreateArgs { name, role, scopes, expires } = args;
            let scopes = (!scopes.is_empty()).then_some(scopes);
            let body = json!({ "name": name, "role": role, "scopes": scopes, "expires_in_days": expires });
            let made: NewToken = client.post(&["tokens"], &body).await?;
            output.line(made.token)?;
        }
        TokensCommand::Revoke { token } => {
            let done = client.without_answer(Method::DELETE, &["tokens", &token.to_string()], &Value::Null).await;
            done.map_err(|failure| failure.hint_if_not_found("davit tokens list"))?;
            output.line(format!("Token {token} is worth nothing any more"))?;
        }
    }
    Ok(Exit::Done)
}

fn row(token: &Token) -> Vec<Cell> {
    vec![
        Cell::from(token.id.to_string()),
        Cell::toned(Tone::Name, &token.name),
        Cell::from(token.role.as_deref().unwrap_or_default()),
        Cell::from(token.scopes.as_ref().map(|scopes| scopes.join(" ")).unwrap_or_default()),
        Cell::from(token.expires_at.map(minute).unwrap_or_default()),
        Cell::from(token.last_used_at.map(minute).unwrap_or_default()),
    ]
}
