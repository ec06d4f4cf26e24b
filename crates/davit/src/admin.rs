//! `davit admin …`: accounts and tokens, directly on the data directory or database, with the server running or not.

use crate::app;
use crate::failure::{Exit, Failure, Outcome};
use crate::settings::{Data, DataArgs};
use crate::verify_feed::{self, VerifyFeedArgs};
use clap::{Args, Subcommand};
use davit_domain::access::{Role, Scope, parse_role};
use davit_engine::EngineError;
use davit_engine::master_key::NewKey;
use davit_store::tokens::TokenLimits;
use secrecy::{ExposeSecret, SecretString};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Accounts and tokens, directly on the data directory or database
#[derive(Debug, Args)]
#[command(after_help = crate::cmd::examples::ADMIN)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Makes an account
    CreateUser {
        /// Its name
        #[arg(long)]
        name: String,
        /// On everything: viewer, developer, reviewer, releaser, operator, admin, or none
        #[arg(long)]
        role: BaseRole,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Shuts an account out, with its sessions and tokens
    DisableUser {
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Lets an account in again
    EnableUser {
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Takes an API token away: whoever holds it can do nothing with it any more
    RevokeToken {
        /// Whose
        #[arg(long)]
        user: String,
        /// The token's name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Makes an API token and prints it, this once
    CreateToken {
        /// Whose
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// At most this role: viewer, developer, reviewer, releaser, operator or admin
        #[arg(long)]
        role: Option<Role>,
        /// Only there: environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD; several times for several
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// For so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires: Option<u32>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Replaces the master key: everything that is sealed is sealed with the new one. No server may be running
    RotateMasterKey {
        /// Put the new key into this file, which must not be there yet [default: in the place of the old one]
        #[arg(long, value_name = "FILE")]
        to_file: Option<PathBuf>,
        /// Make the new key from the passphrase in this file
        #[arg(long, value_name = "FILE", conflicts_with = "to_file")]
        to_passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Looks whether the feed is as davit wrote it: nothing changed, missing, put in or cut off
    VerifyFeed(VerifyFeedArgs),
}

/// A role on everything, or none.
#[derive(Debug, Clone, Copy)]
struct BaseRole(Option<Role>);

impl std::str::FromStr for BaseRole {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse_role(text).map(Self)
    }
}

/// Does it; what it does comes from the command line.
pub(crate) async fn run(args: AdminArgs) -> Outcome {
    davit_store::origin::scope("cli", act(args.command)).await
}

async fn act(command: AdminCommand) -> Outcome {
    match command {
        AdminCommand::VerifyFeed(args) => verify_feed::run(args).await,
        AdminCommand::RotateMasterKey { to_file, to_passphrase_file, data } => {
            rotate(to_file, to_passphrase_file, data.decide()?).await
        }
        AdminCommand::CreateUser { name, role, password_stdin: _, data } => {
            let password = password_from_stdin()?;
            let engine = app::idle_engine(data.decide()?).await?;
            engine.create_user(&name, role.0, &password).await.map_err(explain)?;
            engine.store().close().await;
            print(&match role.0 {
                None => format!("{name} may do what is granted to them now."),
                Some(role @ (Role::Admin | Role::Operator)) => format!("{name} is an {} now.", role.as_str()),
                Some(role) => format!("{name} is a {} now.", role.as_str()),
            })
        }
        AdminCommand::DisableUser { name, data } => {
            disable(&name, true, data).await?;
            print(&format!("{name} is shut out."))
        }
        AdminCommand::EnableUser { name, data } => {
            disable(&name, false, data).await?;
            print(&format!("{name} may log in again."))
        }
        AdminCommand::RevokeToken { user, name, data } => {
            let engine = app::idle_engine(data.decide()?).await?;
            engine.revoke_token(&user, &name).await.map_err(explain)?;
            engine.store().close().await;
            print(&format!("The token {name} of {user} is worth nothing any more."))
        }
        AdminCommand::CreateToken { user, name, role, scopes, expires, data } => {
            let engine = app::idle_engine(data.decide()?).await?;
            let days = expires.map(|days| Duration::from_secs(u64::from(days) * 24 * 3600));
            let scopes = (!scopes.is_empty()).then_some(scopes);
            let limits = TokenLimits { role, scopes, expires_at: days.map(|days| engine.now().plus(days)) };
            let owner = engine.known_user(&user).await.map_err(explain)?;
            let (_, token) = engine.issue_token(&owner, &name, &limits).await.map_err(explain)?;
            engine.store().close().await;
            print(token.expose_secret())
        }
    }
}

async fn rotate(to_file: Option<PathBuf>, to_passphrase_file: Option<PathBuf>, data: Data) -> Outcome {
    let (to, next) = match (to_file, to_passphrase_file) {
        (Some(path), _) => {
            let next = format!("Start with --master-key-file {}; the old key opens nothing any more.", path.display());
            (NewKey::File(path), next)
        }
        (None, Some(path)) => {
            let next = format!("Start with --master-passphrase-file {}; the old key opens nothing.", path.display());
            (NewKey::Passphrase(path), next)
        }
        (None, None) => (NewKey::InPlace, "The old key opens nothing any more: back the new one up.".to_owned()),
    };
    // A server that runs on would neither read nor write a secret any more.
    let lock = app::lock(&data)?;
    let engine = app::idle_engine(data).await?;
    let secrets = engine.rotate_master_key(&to, "cli").await.map_err(explain)?;
    engine.store().close().await;
    drop(lock);
    print(&format!("{secrets} secrets are sealed with the new key. {next}"))
}

async fn disable(name: &str, disabled: bool, data: DataArgs) -> Result<(), Failure> {
    let engine = app::idle_engine(data.decide()?).await?;
    engine.disable_user(name, disabled).await.map_err(explain)?;
    engine.store().close().await;
    Ok(())
}

fn password_from_stdin() -> Result<SecretString, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("No password on standard input: {error}")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned().into())
}

fn explain(error: EngineError) -> Failure {
    let exit = match error {
        EngineError::NotFound(_) => Exit::NotFound,
        EngineError::Denied(_) => Exit::Denied,
        EngineError::Invalid(_) | EngineError::InvalidConfig(_) => Exit::Usage,
        EngineError::Conflict(_) | EngineError::Changed(_) | EngineError::Upstream(_) | EngineError::Unavailable(_) => {
            Exit::Failed
        }
    };
    Failure::new(exit, error.to_string())
}

fn print(text: &str) -> Outcome {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(Exit::Done)
}
